# The server's image: NVIDIA's Triton with the packages that the front door imports, and no torch of ours.
#
#   docker build -f deploy/triton.Dockerfile .
#
# from the root of the repository, or `make images TARGETS=triton` (docs/images.md). Its entrypoint is taken out: pods
# name the command.

# The Python that prepares what is copied into NVIDIA's image; see the Dockerfile of the steps.
ARG BASE=python:3.11-slim
ARG TRITON_BASE=nvcr.io/nvidia/tritonserver:26.09-py3

# What is installed, as a list. It changes seldom, and so does the layer made of it.
FROM ${BASE} AS lists
WORKDIR /opt/lists
COPY pyproject.toml requirements.lock ./
RUN python3 -c "import tomllib; from pathlib import Path; \
      asked = tomllib.loads(Path('pyproject.toml').read_text()); \
      Path('front-door.txt').write_text('\n'.join(asked['dependency-groups']['front-door']))" \
    && rm pyproject.toml

# This project: a folder for Triton's own Python.
FROM ${BASE} AS project
COPY --from=lists /opt/lists /opt/lists
RUN python3 -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir -c /opt/lists/requirements.lock setuptools
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY sparseinst ./sparseinst
COPY components ./components
COPY pipelines ./pipelines
RUN /opt/venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation --target /opt/front-door .

# The tool that lists what an image contains, and an empty environment to list it from. They stay out of the image.
FROM ${BASE} AS sbom
ARG CYCLONEDX=7.5.0
RUN python3 -m venv /opt/sbom \
    && /opt/sbom/bin/pip install --no-cache-dir "cyclonedx-bom==${CYCLONEDX}" \
    && python3 -m venv --without-pip /opt/look

# The front door runs in Triton's Python backend, in the Python of NVIDIA's image. Its packages lie apart from those of
# the image, and before them. Triton isolates that Python: it reads a .pth file, but no PYTHONPATH.
FROM ${TRITON_BASE} AS triton-filled
COPY --from=lists /opt/lists /opt/lists
RUN python3 -m pip install --no-cache-dir --target /opt/front-door -c /opt/lists/requirements.lock -r /opt/lists/front-door.txt \
    && packages="$(python3 -c 'import site; print(site.getsitepackages()[0])')" \
    && mkdir -p "${packages}" \
    && echo "import sys; sys.path.insert(0, '/opt/front-door')" > "${packages}/sparseinst-front-door.pth"
COPY --from=project /opt/front-door /opt/front-door
RUN python3 -I -B -c "import sparseinst.serving.front_door.door"

FROM sbom AS triton-listed
COPY --from=triton-filled /opt/front-door /opt/front-door
RUN mkdir -p /usr/share/sbom \
    && cp -r /opt/front-door/. "$(/opt/look/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
    && /opt/sbom/bin/cyclonedx-py environment --output-reproducible --output-file /usr/share/sbom/python.cdx.json /opt/look

FROM triton-filled AS triton
COPY --from=triton-listed /usr/share/sbom /usr/share/sbom
ARG VERSION=unknown
ARG COMMIT=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="sparseinst-triton" \
      org.opencontainers.image.description="NVIDIA Triton with the packages of SparseInst's front door" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${COMMIT}" \
      org.opencontainers.image.created="${CREATED}"
ENV HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    SPARSEINST_COMMIT=${COMMIT}
WORKDIR /tmp
USER 12345:0
# NVIDIA's prints a banner and then runs the command.
ENTRYPOINT []
CMD ["tritonserver", "--help"]
