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
JOBS   ?= 4
# Clients of the simulated gateway that cannot share one environment; each has its own.
CLIENTS := $(patsubst tests/clients/%.in,%,$(wildcard tests/clients/*.in))
NODE    := tests/clients/node
# A second environment, with ib_async in the place of ib_insync: what speaks through them passes with either.
OTHER   := .venv-ib_async
EITHER  := tests/ibkr tests/broker_session $(addprefix tests/gateway/, wire orders accounts contracts history market_data testing)

.DEFAULT_GOAL := help
.PHONY: help setup clients certify test self-test check format docs lock clean

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

clients: $(CLIENTS:%=.venv-clients/%/.installed) $(NODE)/node_modules/.package-lock.json ## install the other clients of the gateway

.venv-clients/%/.installed: tests/clients/requirements-%.txt | $(STAMP)
	$(BIN)/python -m venv --clear --without-pip $(@D)
	$(PIP) --python $(@D)/bin/python install --require-hashes -r $<
	@touch $@

$(NODE)/node_modules/.package-lock.json: $(NODE)/package-lock.json
	@if command -v npm >/dev/null; then npm ci --prefix $(NODE) --silent && touch $@; \
	else echo "no npm here: the test of the Node client will be skipped" >&2; fi

$(OTHER)/.installed: requirements-dev.lock tests/clients/requirements-ib_async.txt pyproject.toml | $(STAMP)
	$(BIN)/python -m venv --clear --without-pip $(@D)
	sed '/^ib-insync==/,/# via/d; /^eventkit==/,/# via/d' requirements-dev.lock > $(@D)/others.txt
	$(PIP) --python $(@D)/bin/python install --require-hashes -r $(@D)/others.txt
	$(PIP) --python $(@D)/bin/python install --require-hashes -r tests/clients/requirements-ib_async.txt
	$(PIP) --python $(@D)/bin/python install --no-deps --no-build-isolation -e .
	@touch $@

certify: setup ## certify the reference system with the profile `staging`
	$(BIN)/certify run --profile staging

test: setup clients $(OTHER)/.installed check ## everything that must hold: check, then all tests, with either client library, the built wheel too
	$(BIN)/python -m pytest -n $(JOBS) -m "not alone and not wheel"
	$(OTHER)/bin/python -m pytest -n $(JOBS) -m "not alone and not wheel" $(EITHER)
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

lock: ## choose the newest versions that fit and write the locks, that of the environment and those of the clients
	@tools=$$(mktemp -d) && trap 'rm -rf "$$tools"' EXIT && \
	$(PYTHON) -m venv "$$tools" && "$$tools/bin/python" -m pip install --quiet '$(UV)' && \
	"$$tools/bin/uv" pip compile pyproject.toml --group dev --extra notify --extra parquet --extra postgresql --universal --python-version 3.11 \
		--generate-hashes --upgrade --no-emit-index-url --no-emit-find-links --quiet \
		--custom-compile-command "make lock" --output-file requirements-dev.lock && \
	for client in $(CLIENTS); do \
		"$$tools/bin/uv" pip compile tests/clients/$$client.in --universal --python-version 3.11 \
			--generate-hashes --upgrade --no-emit-index-url --no-emit-find-links --quiet \
			--custom-compile-command "make lock" --output-file tests/clients/requirements-$$client.txt || exit 1; \
	done && \
	npm install --prefix $(NODE) --package-lock-only --omit-lockfile-registry-resolved --silent

clean: ## remove the environment and everything that was built; runs and certificates stay
	rm -rf $(VENV) $(OTHER) .venv-clients $(NODE)/node_modules build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
