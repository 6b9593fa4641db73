# `make` sets up and runs the pipeline, `make test` sets up and tests. Needs Python 3.11 or newer, git and a network.
PYTHON ?= python3
UV_VERSION := 0.13.9
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Every stage is a process of its own: without compiled bytecode in .venv each start takes seconds longer.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: run setup test check lock readme docs wheel soak fuzz gpu-evidence

# What DVC repeats for each stage. Errors are on standard error, which stays as it is.
REPEATED := .* didn.t change, skipping|> .*|(Updating|Generating) lock file .*|To (track|enable) .*:
REPEATED := ^($(REPEATED)|[[:space:]](git add|dvc config) .*|Use .dvc push. .*)?$$

# `exec`: a signal to make reaches DVC itself.
run: SHELL := /bin/bash
run: setup
	uticket check
	@echo dvc repro
	@exec dvc repro > >(trap '' INT; exec grep --line-buffered -vE '$(REPEATED)')
	uticket results

setup: .venv/compiled

OLD := expected Python 3.11 or newer, got %d.%d; make PYTHON=python3.12 names another

# The lock file is installed again only when it or pyproject.toml has changed. A .venv of an old Python would stay.
.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit("$(OLD)" % v if v < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet "uv==$(UV_VERSION)"
	$(BIN)/uv pip sync --python $(BIN)/python --require-hashes requirements.lock
	$(BIN)/uv pip install --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $@

# The loops of the simulator and of balancing, compiled again only when one has changed.
.venv/compiled: .venv/installed $(shell grep -rl '^@compiled' uticket)
	uticket compile
	touch $@

test: setup check
	pytest

# Kill the smoke pipeline at random moments for MINUTES, and compare all bytes with an undisturbed run
# (docs/reliability.md). It resumes from its log in .uticket/soak, which ends as .uticket/soak/soak.json.
MINUTES ?= 60
soak: setup
	OMP_NUM_THREADS=1 python -m tests.soak --minutes $(MINUTES)

# Damage files of every kind at random and read them (docs/reliability.md); other SEEDs may run beside each other.
CASES ?= 20000
SEED ?= 0
fuzz: setup
	OMP_NUM_THREADS=1 python -m tests.fuzz.run --cases $(CASES) --seed $(SEED)

check: setup
	ruff format --check .
	ruff check .
	mypy

# Resolve the newest versions that pyproject.toml allows; versions and hashes only, no addresses.
lock: setup
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --upgrade --generate-hashes \
		--no-header --no-annotate --no-emit-index-url --no-emit-find-links --output-file requirements.lock

# A wheel for projects of one's own (docs/project.md), in dist/. What an earlier build left would be packed again.
wheel: setup
	rm -rf build
	$(BIN)/python -m pip wheel --quiet --no-build-isolation --no-deps --wheel-dir dist .

# Write the tables of results into README.md and docs/, and the reference pages from the code.
readme: setup
	uticket readme
	python -m reference

# The documentation as a site in site/, without network; `make test` builds it too. With --quiet MkDocs would see no warning.
docs: setup
	NO_MKDOCS_2_WARNING=1 mkdocs build

# What half an hour of one GPU shows (docs/gpu.md). Without `setup`, so that no network is needed.
STATE ?= .uticket/gpu-evidence
IMAGES ?= data/images
MINUTES ?= 9
gpu-evidence:
	python -m experiments.gpu_evidence --state $(STATE) --images $(IMAGES) --minutes $(MINUTES)
