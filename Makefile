# Everything needed is Python 3.11 to 3.13 and make; `make setup` installs the rest into .venv.

VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
UV     := uv==0.13.*
# The first interpreter that runs and is of a supported version; PYTHON=… chooses another.
SUPPORTED := import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3; do \
	$$python -c '$(SUPPORTED)' >/dev/null 2>&1 && echo $$python && break; done)
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
JOBS   ?= 3

.DEFAULT_GOAL := help
.PHONY: help setup certify test self-test check format docs lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## install certify and its locked development environment into .venv

$(STAMP): requirements-dev.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "certify needs Python 3.11, 3.12 or 3.13: make PYTHON=/path/to/python3.11" >&2; exit 2; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV) || { \
		echo "no ensurepip in $(PYTHON): taking its own pip instead" >&2; \
		$(PYTHON) -m venv --clear --without-pip $(VENV) && $(PYTHON) -m pip --python $(BIN)/python install --quiet pip; }
	$(PIP) install --require-hashes -r requirements-dev.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

certify: setup ## certify the reference system with the profile `staging`
	$(BIN)/certify run --profile staging

test: setup check ## everything that must hold: check, then all tests, the built wheel too
	$(BIN)/python -m pytest -n $(JOBS) -m "not alone and not wheel"
	$(BIN)/python -m pytest -m "alone or wheel"

self-test: setup ## plant every defect and run the healthy system under 20 seeds (some ten minutes)
	$(BIN)/certify self-test

check: setup ## style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## put the code into the one format and mend what can be mended
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

docs: setup ## write docs/checks.md and the tables of the other pages from the code
	$(BIN)/python docs/make_checks.py
	$(BIN)/python docs/make_tables.py

lock: ## choose the newest versions that fit and write requirements-dev.lock
	@tools=$$(mktemp -d) && trap 'rm -rf "$$tools"' EXIT && \
	$(PYTHON) -m venv "$$tools" && "$$tools/bin/python" -m pip install --quiet '$(UV)' && \
	"$$tools/bin/uv" pip compile pyproject.toml --group dev --extra parquet --universal --python-version 3.11 \
		--generate-hashes --upgrade --no-emit-index-url --no-emit-find-links --quiet \
		--custom-compile-command "make lock" --output-file requirements-dev.lock

clean: ## remove the environment and everything that was built; runs and certificates stay
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
