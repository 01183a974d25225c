# Three images, each a target:
#
#   components  every pipeline step: the library, the components, kfp's executor, and torch without CUDA
#   triton      NVIDIA's server, with what the served front door imports
#   training    components with the CUDA build of torch, whose wheels bring CUDA's libraries; the node has the driver
#
# `make images` builds them (docs/images.md). None has an ENTRYPOINT: Kubeflow gives the whole command, and some runners
# would append it to an entrypoint instead. The classic builder builds all stages above its target as well, so
# `components` comes first and needs no image of NVIDIA's.

ARG BASE=python:3.11.16-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b
ARG TRITON_BASE=nvcr.io/nvidia/tritonserver:26.09-py3

# What is installed, as lists. They change seldom, and so do the layers made of them.
FROM ${BASE} AS lists
WORKDIR /opt/lists
COPY pyproject.toml requirements.lock ./
RUN python3 -c "import tomllib; from pathlib import Path; \
      asked = tomllib.loads(Path('pyproject.toml').read_text()); \
      packages = asked['project']['dependencies']; \
      Path('packages.txt').write_text('\n'.join(name for name in packages if not name.startswith('torch'))); \
      Path('torch.txt').write_text('\n'.join(name for name in packages if name.startswith('torch'))); \
      Path('front-door.txt').write_text('\n'.join(asked['dependency-groups']['front-door']))" \
    && rm pyproject.toml

# This project: into a tree that is laid over an environment, and into a folder for Triton's own Python.
FROM ${BASE} AS project
COPY --from=lists /opt/lists /opt/lists
RUN python3 -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir -c /opt/lists/requirements.lock setuptools
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY sparseinst ./sparseinst
COPY components ./components
COPY pipelines ./pipelines
RUN /opt/venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation --prefix /opt/project . \
    && /opt/venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation --target /opt/front-door .

# The tool that lists what an image contains. It stays out of the images.
FROM ${BASE} AS sbom
ARG CYCLONEDX=7.5.0
RUN python3 -m venv /opt/sbom \
    && /opt/sbom/bin/pip install --no-cache-dir "cyclonedx-bom==${CYCLONEDX}" \
    && python3 -m venv --without-pip /opt/look

# Everything but torch: the layer that `components` and `training` share. The environment has no pip of its own.
FROM ${BASE} AS packages
COPY --from=lists /opt/lists /opt/lists
RUN python3 -m venv --without-pip /opt/venv \
    && pip --python /opt/venv/bin/python install --no-cache-dir -c /opt/lists/requirements.lock -r /opt/lists/packages.txt
# Any user may run it, as OpenShift does: whatever is written goes to /tmp or to a mounted volume. Such a user has no
# name, and torch asks for one.
ENV PATH=/opt/venv/bin:${PATH} \
    HOME=/tmp \
    USER=sparseinst \
    MPLCONFIGDIR=/tmp \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /tmp

FROM packages AS components-filled
# Beside the ordinary index. Its versions have "+cpu" in them and so win; empty, the ordinary index decides.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN pip --python /opt/venv/bin/python install --no-cache-dir -c /opt/lists/requirements.lock \
      ${TORCH_INDEX:+--extra-index-url "${TORCH_INDEX}"} -r /opt/lists/torch.txt \
    && pip --python /opt/venv/bin/python check
COPY --from=project /opt/project /opt/venv

FROM components-filled AS components-listed
COPY --from=sbom /opt/sbom /opt/sbom
RUN mkdir -p /usr/share/sbom \
    && /opt/sbom/bin/cyclonedx-py environment --output-reproducible --output-file /usr/share/sbom/python.cdx.json /opt/venv

FROM components-filled AS components
COPY --from=components-listed /usr/share/sbom /usr/share/sbom
ARG VERSION=unknown
ARG COMMIT=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="sparseinst-components" \
      org.opencontainers.image.description="The steps of the SparseInst pipeline, with torch for CPUs" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${COMMIT}" \
      org.opencontainers.image.created="${CREATED}"
ENV SPARSEINST_COMMIT=${COMMIT}
USER 12345:0
CMD ["sparseinst", "--help"]

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

FROM packages AS training-filled
RUN pip --python /opt/venv/bin/python install --no-cache-dir -c /opt/lists/requirements.lock -r /opt/lists/torch.txt \
    && pip --python /opt/venv/bin/python check
COPY --from=project /opt/project /opt/venv

FROM training-filled AS training-listed
COPY --from=sbom /opt/sbom /opt/sbom
RUN mkdir -p /usr/share/sbom \
    && /opt/sbom/bin/cyclonedx-py environment --output-reproducible --output-file /usr/share/sbom/python.cdx.json /opt/venv

FROM training-filled AS training
COPY --from=training-listed /usr/share/sbom /usr/share/sbom
ARG VERSION=unknown
ARG COMMIT=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="sparseinst-training" \
      org.opencontainers.image.description="The steps of the SparseInst pipeline, with torch for NVIDIA GPUs" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${COMMIT}" \
      org.opencontainers.image.created="${CREATED}"
# What NVIDIA's runtime puts into the container; which GPUs is the cluster's word.
ENV NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    SPARSEINST_COMMIT=${COMMIT}
USER 12345:0
CMD ["sparseinst", "--help"]
