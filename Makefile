# Everything a developer or CI does. `make run` and `make test` need only Python 3.11+ (and make).
# Stamps under .venv/ name the content of what they were made from, so a second run does nothing.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
hash = $(shell cat $(1) 2>/dev/null | cksum | cut -d ' ' -f 1)
INSTALLED := $(VENV)/.installed-$(call hash,requirements/dev.txt pyproject.toml)
CATALOGUES := $(wildcard src/pratique/locale/*/LC_MESSAGES/django.po)
COMPILE := $(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --universal --python-version 3.11 \
	--custom-compile-command "make lock"

BROWSERS := chromium-headless-shell chromium chromium-browser google-chrome

# Every process of ours would compile all of its sources anew, in a container that says so for the image's sake.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup compiled messages assets run test tools browser before-tests check bench bench-load lock clean

help:  ## list the targets
	@grep -hE '^[a-z%-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 12

setup: $(INSTALLED) compiled assets $(CATALOGUES:.po=.mo)  ## virtual environment, locked dependencies, browser libraries

$(INSTALLED):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Pratique needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-compile -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	rm -f $(VENV)/.installed-*
	touch $@

# After pip and not by it: that would do it alone, while all others wait. What only tests use is compiled by its first use.
compiled: $(INSTALLED)
	@test $(VENV)/.compiled -nt $(INSTALLED) || { \
		$(BIN)/python -m compileall -q -j 0 -x '/(tests?|moto|faker|playwright|mypy|botocore/docs)/' $(VENV)/lib src; \
		touch $(VENV)/.compiled; }

assets: $(INSTALLED)  ## browser libraries into assets/
	@command -v npm >/dev/null || test -x $(BIN)/npm || \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/node.txt
	@$(BIN)/python scripts/assets.py

messages: $(INSTALLED)  ## bring the translations' catalogues up to date and list what is not translated
	$(BIN)/python scripts/messages.py extract
	$(BIN)/python scripts/messages.py compile
	$(BIN)/python scripts/messages.py missing

%.mo: %.po $(INSTALLED)
	$(BIN)/python scripts/messages.py compile

run: setup  ## start everything and print what to open
	$(BIN)/pratique up

# Three at a time on two cores: many tests wait for processes that they started.
test: setup browser before-tests  ## all tests
	$(BIN)/pytest -n 3

# What tests use of the machine, with Debian's packages where we may install them.
tools:
	@scripts/test_tools.sh

browser: $(INSTALLED) tools
	@for one in $(BROWSERS); do command -v $$one >/dev/null && exit; done; $(BIN)/playwright install chromium

# What every worker would wait for, or make for itself: the migrated database, and in a fresh checkout the tests compiled.
before-tests: $(INSTALLED)
	@$(BIN)/python -m tests.migrated
	@test -d tests/__pycache__ || $(BIN)/pytest --collect-only --quiet >/dev/null 2>&1 || :

check: $(INSTALLED)  ## lint, format, types, layers, migrations
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python -m django makemigrations --check --dry-run

bench: $(patsubst bench/bench_%.py,bench-%,$(subst _,-,$(wildcard bench/bench_*.py)))  ## every benchmark but the load

bench-load: setup  ## 100 students hand in while 5 reviewers decide, two minutes on an installation of its own
	$(BIN)/python bench/load_evidence.py

bench-%: setup  ## one benchmark
	$(BIN)/python bench/bench_$(subst -,_,$*).py

lock: $(INSTALLED)  ## compile the lock files anew
	$(COMPILE) pyproject.toml -o requirements/base.txt
	$(COMPILE) pyproject.toml --extra dev -c requirements/base.txt -o requirements/dev.txt
	$(COMPILE) requirements/node.in -o requirements/node.txt
	npm install --package-lock-only --ignore-scripts

clean:  ## remove what was made, but never var/ (that is data)
	rm -rf $(VENV) node_modules assets .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
