# Two images of Python, each a target; the server's, on NVIDIA's image, is made by deploy/triton.Dockerfile:
#
#   components  every pipeline step: the library, the components, kfp's executor, and torch without CUDA
#   training    components with the CUDA build of torch, whose wheels bring CUDA's libraries; the node has the driver
#
# `make images` builds them (docs/images.md). Neither has an ENTRYPOINT: Kubeflow gives the whole command, and some
# runners would append it to an entrypoint instead. The classic builder builds all stages above its target as well, so
# `components`, the smaller one, comes first.

# `make images` gives the base that is pinned in the Makefile. This name is for `docker build` by hand, and for machines
# without a registry, where another image can be given the name (`docker tag`).
ARG BASE=python:3.11-slim

# What is installed, as lists. They change seldom, and so do the layers made of them.
FROM ${BASE} AS lists
WORKDIR /opt/lists
COPY pyproject.toml requirements.lock ./
RUN python3 -c "import tomllib; from pathlib import Path; \
      asked = tomllib.loads(Path('pyproject.toml').read_text()); \
      packages = asked['project']['dependencies']; \
      Path('packages.txt').write_text('\n'.join(name for name in packages if not name.startswith('torch'))); \
      Path('torch.txt').write_text('\n'.join(name for name in packages if name.startswith('torch')))" \
    && rm pyproject.toml

# This project: a tree that is laid over an environment.
FROM ${BASE} AS project
COPY --from=lists /opt/lists /opt/lists
RUN python3 -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir -c /opt/lists/requirements.lock setuptools
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY sparseinst ./sparseinst
COPY components ./components
COPY pipelines ./pipelines
RUN /opt/venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation --prefix /opt/project .

# The tool that lists what an image contains. It stays out of the images.
FROM ${BASE} AS sbom
ARG CYCLONEDX=7.5.0
RUN python3 -m venv /opt/sbom \
    && /opt/sbom/bin/pip install --no-cache-dir "cyclonedx-bom==${CYCLONEDX}"

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

# The last stage is what a plain `docker build .` makes: the image of the steps, and not the one for GPUs, three times as
# large. The classic builder makes that one, too, on its way here; with `--target components` it does not.
FROM components
