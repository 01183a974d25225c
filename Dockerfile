# The image of every pipeline step: the library, the components and kfp's executor. It has no ENTRYPOINT, because
# Kubeflow gives the whole command and some runners would append it to an entrypoint instead.
#
#   docker build -t sparseinst:latest --build-arg COMMIT=$(git rev-parse HEAD) .

ARG BASE=python:3.11-slim

FROM ${BASE} AS build
WORKDIR /src
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:${PATH} PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY pyproject.toml requirements.lock README.md LICENSE ./
# The packages first: they change seldom, and their layer is the large one. One command, see requirements.lock.
RUN python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" \
      > dependencies.txt \
    && pip install -c requirements.lock -r dependencies.txt
COPY sparseinst ./sparseinst
COPY components ./components
COPY pipelines ./pipelines
RUN pip install -c requirements.lock setuptools \
    && pip install --no-deps --no-build-isolation . \
    && pip check

FROM ${BASE}
ARG COMMIT=unknown
COPY --from=build /opt/venv /opt/venv
# Any user may run it, as OpenShift does: whatever is written goes to /tmp or to a mounted volume.
ENV PATH=/opt/venv/bin:${PATH} \
    HOME=/tmp \
    MPLCONFIGDIR=/tmp \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    SPARSEINST_COMMIT=${COMMIT}
USER 12345:0
WORKDIR /tmp
CMD ["sparseinst", "--help"]
