# Needs Python 3.11 or newer and make; everything else is installed into .venv from the lock files.
.DEFAULT_GOAL := help
.PHONY: help run test lint format bench lock install install-dev

VENV := .venv
BIN := $(VENV)/bin
NEWEST_FIRST := python3 python3.14 python3.13 python3.12 python3.11 python
PYTHON ?= $(shell for each in $(NEWEST_FIRST); do \
	"$$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo "$$each" && break; done)
# The lock files are complete: pip resolves nothing, or it would look at releases that are newer than what is locked.
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement
UV_COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links
PYTEST_ARGS ?=
# Neighbouring tests share what they are set up with, so that processes are given blocks of them. Browsers come alone.
EVERY_TEST = $(BIN)/python -m pytest -n auto --dist worksteal -m "not browser" && $(BIN)/python -m pytest -m browser
# An environment whose Python has gone, or that was moved, is made anew.
$(shell $(BIN)/python -c pass 2>/dev/null || rm -f $(VENV)/created)
BENCH_ARGS ?=

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  make run honours PORT (8000), DATA_DIR (./data), PUBLIC_URL, DATABASE_URL and DEMO=0; see README.md"

run: install ## Start the server, with demo data at the first start
	@exec $(BIN)/python manage.py serve

test: install-dev ## Run the tests; those in a browser need Chromium
	@$(if $(PYTEST_ARGS),$(BIN)/python -m pytest $(PYTEST_ARGS),$(EVERY_TEST))

lint: install-dev ## Check style, types, the floors and the templates
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy .
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/lint-imports
	@find templates -name '*.html' -print0 | xargs -0 -r $(BIN)/djade --target-version 5.2 --check

format: install-dev ## Format code and templates
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .
	@find templates -name '*.html' -print0 | xargs -0 -r $(BIN)/djade --target-version 5.2 || true

bench: install-dev ## Compare with what else one would use
	@$(BIN)/python -m tests.benchmarks $(BENCH_ARGS)

lock: install-dev ## Write the lock files anew from pyproject.toml
	@$(UV_COMPILE) --upgrade --all-extras --group dev --group bench --output-file requirements-dev.lock pyproject.toml
	@$(UV_COMPILE) --extra postgres --constraints requirements-dev.lock --output-file requirements.lock pyproject.toml

# An installation is complete when the copy of its lock file lies in .venv: an interrupted one has none.
install: $(VENV)/created
	@cmp -s requirements.lock $(VENV)/requirements.lock || cmp -s requirements-dev.lock $(VENV)/requirements-dev.lock || { \
		echo "Installing what Latchkey needs into $(VENV) ..." && rm -f $(VENV)/requirements.lock \
		&& $(PIP_INSTALL) requirements.lock && cp requirements.lock $(VENV)/requirements.lock; }

install-dev: $(VENV)/created
	@cmp -s requirements-dev.lock $(VENV)/requirements-dev.lock || { \
		echo "Installing what development needs into $(VENV) ..." && rm -f $(VENV)/requirements*.lock \
		&& $(PIP_INSTALL) requirements-dev.lock && cp requirements-dev.lock $(VENV)/requirements-dev.lock; }

$(VENV)/created:
	@test -n "$(PYTHON)" || { echo "Latchkey needs Python 3.11 or newer; none was found. Name one: make run PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Latchkey needs Python 3.11 or newer; $(PYTHON) is older." >&2; exit 1; }
	@"$(PYTHON)" -m venv --clear $(VENV) || { \
		echo "Python's venv module did not work; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@touch $@
