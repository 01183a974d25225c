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
# data-pull, data-push: a remote of .dvc/config, by default the one in the repository.
REMOTE ?=
RUN_OPTIONS = $(if $(DATA),--data '$(DATA)') $(if $(SHAPE),--shape '$(SHAPE)') $(if $(CONFIG),--config '$(CONFIG)') $(if $(MIN_AP),--min-ap '$(MIN_AP)') \
	$(if $(SEED),--seed '$(SEED)') $(foreach setting,$(SET),--set '$(setting)') \
	$(if $(POLICY),--policy '$(POLICY)') $(if $(FORCE_BY),--force-by '$(FORCE_BY)') $(if $(FORCE_WHY),--force-why '$(FORCE_WHY)')

.PHONY: help setup pipeline-run pipeline-compile learn-overfit learn-nuclei data-pull data-push stack-up stack-down stack-status lint test test-docker test-libtorch test-gpu browser clean

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

pipeline-run: setup  ## data to endpoint, in local processes (DATA=dir SHAPE=file CONFIG=name MIN_AP=0.5 POLICY=file SEED=0 SET='a.b=c …')
	@exec $(BIN)/python -m pipelines.run $(RUN_OPTIONS)

pipeline-compile: setup  ## write pipelines/compiled/*.yaml, to upload to Kubeflow (SPARSEINST_IMAGE=…)
	@$(BIN)/python -m pipelines.compile

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

test: lint           ## lint and every test that needs no GPU, Docker or cluster
	@OMP_NUM_THREADS=1 $(BIN)/pytest -q -n 2 --dist loadfile -m 'not gpu and not docker and not libtorch'

test-docker: setup   ## build the image and run its checks; skipped where there is no Docker
	@if docker info >/dev/null 2>&1; then $(BIN)/pytest -q -m docker; \
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

clean:               ## stop the servers; remove the environment, runs and caches (data/ stays)
	@if [ -x $(BIN)/sparseinst ]; then $(BIN)/sparseinst stack down || true; fi
	rm -rf $(VENV) .stack runs build .mypy_cache .pytest_cache .ruff_cache *.egg-info
