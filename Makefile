# The table of contents. `make` alone lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
# The environment is as good as the files that describe it: a change of either makes it again.
STAMP := $(VENV)/made-from-$(shell cat requirements.lock pyproject.toml | cksum | cut -d' ' -f1)
APART := $(shell sed -n 's/^\# apart: //p' requirements.lock)

export PATH := $(CURDIR)/$(BIN):$(PATH)
export PYTHONUNBUFFERED := 1
# Threads that spin while they wait starve each other on a small machine.
export OMP_WAIT_POLICY := PASSIVE

# pipeline-run: what of it was given becomes an option of `python -m pipelines.run`.
DATA ?=
SHAPE ?=
CONFIG ?=
MIN_AP ?=
SEED ?=
SET ?=
# RUNNER=docker runs the steps in containers of SPARSEINST_IMAGE, by default what `make images` built.
RUNNER ?=
# data-pull, data-push: a remote of .dvc/config, by default the one in the repository.
REMOTE ?=
RUN_OPTIONS = $(if $(DATA),--data '$(DATA)') $(if $(SHAPE),--shape '$(SHAPE)') $(if $(CONFIG),--config '$(CONFIG)') $(if $(MIN_AP),--min-ap '$(MIN_AP)') \
	$(if $(SEED),--seed '$(SEED)') $(foreach setting,$(SET),--set '$(setting)') \
	$(if $(RUNNER),--runner '$(RUNNER)') $(if $(POLICY),--policy '$(POLICY)') $(if $(FORCE_BY),--force-by '$(FORCE_BY)') $(if $(FORCE_WHY),--force-why '$(FORCE_WHY)')
# With KFP_HOST or DRY_RUN these as well, of `python -m pipelines.submit`; docs/runs.md has them all. Secrets come from the environment.
SUBMIT_OPTIONS = $(if $(KFP_HOST),--host '$(KFP_HOST)') $(if $(NAMESPACE),--namespace '$(NAMESPACE)') $(if $(CA_CERT),--ca-cert '$(CA_CERT)') \
	$(if $(PRESET),--preset '$(PRESET)') $(if $(IMAGE),--image '$(IMAGE)') $(if $(EXPERIMENT),--experiment '$(EXPERIMENT)') \
	$(if $(SERVICE_ACCOUNT),--service-account '$(SERVICE_ACCOUNT)') $(if $(RUN_NAME),--name '$(RUN_NAME)') $(foreach each,$(PARAM),--param '$(each)') \
	$(if $(NO_CACHING),--no-caching) $(if $(NO_WAIT),--no-wait) $(if $(TIMEOUT),--timeout '$(TIMEOUT)') $(if $(POLL),--poll '$(POLL)') $(if $(TERMINATE_ON_INTERRUPT),--terminate-on-interrupt) \
	$(if $(DRY_RUN),--dry-run) $(if $(PRICES),--prices '$(PRICES)') $(if $(JSON),--json) $(if $(FOLLOW),--follow '$(FOLLOW)') $(if $(TERMINATE),--terminate '$(TERMINATE)') \
	$(if $(SCHEDULE),--schedule '$(SCHEDULE)') $(if $(SCHEDULES),--schedules) $(if $(UNSCHEDULE),--unschedule '$(UNSCHEDULE)') \
	$(if $(PAUSE),--pause '$(PAUSE)') $(if $(RESUME),--resume '$(RESUME)')

.PHONY: help setup pipeline-run pipeline-compile pipeline-manifests learn-overfit learn-nuclei data-pull data-push stack-up stack-down stack-status lint test images push docker-base deploy-triton manifests-check test-docker test-libtorch test-gpu browser promtool dashboards clean

help:              ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-18s %s\n", $$1, $$2}'

setup: $(STAMP)    ## make the virtual environment .venv (by itself before any target that needs it)

$(STAMP):
	@echo "setup: making $(VENV) with $$($(PYTHON) --version): about 2 minutes and 2 GB the first time, more with CUDA" >&2
	@$(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	@rm -f $(VENV)/made-from-*
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@echo "setup: $(APART) into $(VENV)/triton" >&2
	@rm -rf $(VENV)/triton
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --target $(VENV)/triton $(APART)
	@touch $@

pipeline-run: setup  ## data to endpoint, in local processes (DATA=dir SHAPE=file CONFIG=name MIN_AP=0.5 POLICY=file SEED=0 SET='a.b=c …') or on Kubeflow (KFP_HOST=https://… PRESET=gpu8, see docs/runs.md)
	@$(if $(and $(KFP_HOST),$(RUNNER)),echo 'pipeline-run: RUNNER is for this machine and KFP_HOST for Kubeflow: give one of them' >&2; exit 2;) \
	$(if $(filter docker,$(RUNNER)),SPARSEINST_IMAGE='$(or $(SPARSEINST_IMAGE),$(call IMAGE_OF,components))') exec $(BIN)/python -m $(if $(KFP_HOST)$(DRY_RUN),pipelines.submit $(SUBMIT_OPTIONS),pipelines.run) $(RUN_OPTIONS)

pipeline-compile: setup  ## write the presets' pipelines, pipelines/compiled/*.yaml, to upload to Kubeflow (SPARSEINST_IMAGE=…)
	@$(BIN)/python -m pipelines.compile

pipeline-manifests: setup  ## write them as Kubernetes resources into build/pipelines, for GitOps (SPARSEINST_IMAGE=… NAMESPACE=…)
	@$(BIN)/python -m pipelines.compile --manifests build/pipelines --namespace '$(NAMESPACE)'

learn-overfit: setup  ## train 8 COCO images by heart, from random weights: about 10 minutes (DATA=dir, by default ../shared/data/coco2017-mini)
	@if [ -d '$(or $(DATA),../shared/data/coco2017-mini)' ]; then $(BIN)/python -m benchmarks.learn overfit --data '$(or $(DATA),../shared/data/coco2017-mini)'; \
	else echo "learn-overfit: skipped: it needs COCO images; give DATA=dir, a folder that 'sparseinst ingest' takes"; fi

learn-nuclei: setup  ## train on nuclei in micrographs, from random weights: about 30 minutes (DATA=dir, by default ../shared/data/nuclei)
	@if [ -d '$(or $(DATA),../shared/data/nuclei)' ]; then $(BIN)/python -m benchmarks.learn nuclei --data '$(or $(DATA),../shared/data/nuclei)'; \
	else echo "learn-nuclei: skipped: it needs the nuclei; give DATA=dir, a folder that 'sparseinst ingest' takes"; fi

data-pull: setup     ## fetch the data that data.dvc names into data/ (REMOTE=s3; without it the sample set)
	@$(BIN)/dvc pull $(if $(REMOTE),--remote '$(REMOTE)') data.dvc

data-push: setup     ## put the data that data.dvc names into a remote (REMOTE=s3; see docs/data.md)
	@$(BIN)/dvc push $(if $(REMOTE),--remote '$(REMOTE)') data.dvc

stack-up: setup      ## start the local S3 and Triton servers
	@$(BIN)/sparseinst stack up

stack-down: setup    ## stop them
	@$(BIN)/sparseinst stack down

stack-status: setup  ## say whether they serve, and what
	@$(BIN)/sparseinst stack status

lint: setup          ## ruff, its formatter, and mypy
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy --no-error-summary

# Three processes, also on two cores: for a third of the time tests wait, mostly for servers. Bytecode is kept whatever
# the environment says, or each of the hundred processes that tests start would compile all modules anew.
test: lint           ## lint and every test that needs no GPU, Docker or cluster
	@PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/pytest -q -n 3 --dist loadfile --no-loadscope-reorder -m 'not gpu and not docker and not libtorch'

# images, push: three targets of two Dockerfiles (docs/images.md). Nothing of it needs the virtual environment.
TARGETS ?= components triton training
# The Python that images are built on, unless BASE=… names another. Where this one is out of reach, the name that the
# Dockerfiles have will do, if an image here has it.
PINNED_BASE := python:3.11.16-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b
USUAL_BASE := python:3.11-slim
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
COMMIT = $(shell git describe --always --dirty --abbrev=40 --exclude='*' 2>/dev/null || echo unknown)
TAG ?= $(VERSION)-$(shell git describe --always --dirty --abbrev=12 --exclude='*' 2>/dev/null || echo unknown)
IMAGE_OF = $(if $(REGISTRY),$(REGISTRY)/)sparseinst-$(1):$(TAG)
# More for `docker build`, e.g. --platform linux/amd64. An empty TORCH_INDEX is a choice, too: the ordinary index alone.
BUILD_OPTIONS ?=
BUILD_ARGUMENTS = --build-arg BASE="$$base" --build-arg VERSION='$(VERSION)' --build-arg COMMIT='$(COMMIT)' --build-arg CREATED="$$(date -u +%Y-%m-%dT%H:%M:%SZ)"
OF_triton = --file deploy/triton.Dockerfile $(if $(TRITON_BASE),--build-arg TRITON_BASE='$(TRITON_BASE)')
OF_components = $(if $(filter undefined,$(origin TORCH_INDEX)),,--build-arg TORCH_INDEX='$(TORCH_INDEX)')
OF_training = $(OF_components)
HAS_IMAGE = docker image inspect '$(1)' >/dev/null 2>&1
# Sets base, and network for a daemon without a bridge, whose builds would have no network.
CHOOSE_BASE = base='$(or $(BASE),$(PINNED_BASE))'; why=; network=; \
	$(if $(BASE),:,$(call HAS_IMAGE,$(PINNED_BASE)) || why=$$(docker pull --quiet '$(PINNED_BASE)' 2>&1 >/dev/null) || base=); \
	if [ -z "$$base" ] && $(call HAS_IMAGE,$(USUAL_BASE)); then base='$(USUAL_BASE)'; \
		echo "$@: built on the $(USUAL_BASE) that is here, since $(PINNED_BASE) cannot be pulled: $${why//$$'\n'/ }" >&2; fi; \
	[ -n "$$base" ] || { echo "$@: $(PINNED_BASE) is not here and cannot be pulled: $${why//$$'\n'/ }" >&2; \
		echo "$@: name an image with Python 3.11 and pip (make images BASE=…), or make a stand-in of Debian's packages: make docker-base, then BASE=$(STAND_IN)" >&2; exit 7; }; \
	docker network inspect bridge >/dev/null 2>&1 || network='--network host'
NEED_DOCKER = docker info >/dev/null 2>&1 || { echo "$@: no Docker daemon answers: see what 'docker info' says" >&2; exit 7; }

images:              ## build the images and list what is in them, build/sbom-*.json (TAG=… REGISTRY=… TARGETS='components triton training' TORCH_INDEX=…)
	@$(NEED_DOCKER)
	@mkdir -p build
	@$(CHOOSE_BASE); \
		$(foreach target,$(TARGETS),echo "images: $(call IMAGE_OF,$(target))" >&2 \
		&& docker build $$network $(BUILD_OPTIONS) --target $(target) $(OF_$(target)) $(BUILD_ARGUMENTS) --tag '$(call IMAGE_OF,$(target))' . >&2 \
		&& docker run --rm --network none '$(call IMAGE_OF,$(target))' cat /usr/share/sbom/python.cdx.json >build/sbom-$(target).json \
		&& docker image inspect --format '$(call IMAGE_OF,$(target)) {{.Size}} bytes' '$(call IMAGE_OF,$(target))' &&) true

push:                ## push them (REGISTRY=registry.example/team, and the TAG and TARGETS of make images)
	@[ -n '$(REGISTRY)' ] || { echo "push: say where: make push REGISTRY=registry.example/team" >&2; exit 2; }
	@$(NEED_DOCKER)
	@$(foreach target,$(TARGETS),{ docker image inspect '$(call IMAGE_OF,$(target))' >/dev/null 2>&1 \
		|| { echo "push: there is no $(call IMAGE_OF,$(target)): make images REGISTRY='$(REGISTRY)' TAG='$(TAG)' first" >&2; exit 7; }; } \
		&& docker push '$(call IMAGE_OF,$(target))' >&2 && docker image inspect --format '{{index .RepoDigests 0}}' '$(call IMAGE_OF,$(target))' &&) true

deploy-triton: setup  ## an overlay of deploy/overlays into a namespace (OVERLAY=prod NAMESPACE=…, REGISTRY=… TAG=… as of make push; DRY_RUN=1 prints it)
	@OVERLAY='$(OVERLAY)' NAMESPACE='$(NAMESPACE)' REGISTRY='$(REGISTRY)' TAG='$(TAG)' DRY_RUN='$(DRY_RUN)' deploy/deploy-triton.sh

manifests-check: setup  ## every kustomization of deploy/: renders, follows all schemas strictly, keeps the policies and docs/rights.md
	@OMP_NUM_THREADS=1 $(BIN)/pytest -q tests/deploy

STAND_IN := sparseinst-stand-in/python:3.11
docker-base:         ## make stand-ins for the base images of Debian's packages, where no registry can be reached; root and debootstrap
	@tests/docker/stand-in.sh bookworm $(STAND_IN)
	@tests/docker/stand-in.sh trixie sparseinst-stand-in/python:3.13 libpython3.13

test-docker: setup   ## build the images and run their checks, and the pipeline in containers; prints sizes; skipped where there is no Docker
	@if docker info >/dev/null 2>&1; then OMP_NUM_THREADS=1 $(BIN)/pytest -q -rs -m docker tests/docker; \
	else echo "test-docker: skipped: no Docker daemon answers ('docker info' fails)"; fi

test-libtorch: setup ## compile a C++ program that loads an export with plain libtorch, and compare; skipped without a compiler
	@OMP_NUM_THREADS=1 $(BIN)/pytest -q -m libtorch

test-gpu: setup      ## the tests that need an NVIDIA GPU; skipped where there is none
	@if $(BIN)/python -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then $(BIN)/pytest -q -m gpu; \
	else echo "test-gpu: skipped: torch finds no CUDA device"; fi

browser:             ## install Debian's Chromium, in which pages are tested; skipped where apt-get or root is missing
	@if command -v chromium chromium-browser google-chrome >/dev/null; then echo "browser: there is one" >&2; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium >/dev/null; \
	else echo "browser: skipped: it needs apt-get and root; install Chromium by other means" >&2; fi

promtool:            ## install Debian's Prometheus, with which alert rules are tested; skipped where apt-get or root is missing
	@if command -v promtool >/dev/null && command -v prometheus >/dev/null; then echo "promtool: there is one" >&2; \
	elif [ -d /run/systemd/system ]; then echo "promtool: skipped: the package would start a server on this machine; install it by hand" >&2; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends prometheus >/dev/null; \
	else echo "promtool: skipped: it needs apt-get and root; install Prometheus by other means" >&2; fi

dashboards: setup    ## check alert rules and dashboard, and say how to load it; GRAFANA_URL=… GRAFANA_TOKEN=… loads it (GRAFANA_FOLDER=uid)
	@exec $(BIN)/python -m deploy.monitoring

clean:               ## stop the servers; remove the environment, runs and caches (data/ stays)
	@if [ -x $(BIN)/sparseinst ]; then $(BIN)/sparseinst stack down || true; fi
	rm -rf $(VENV) .stack runs build .mypy_cache .pytest_cache .ruff_cache *.egg-info
