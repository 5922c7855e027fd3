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

# Every process of ours would compile all of its sources anew, in a container that says so for the image's sake.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup messages assets run test browser php transfer-clients check bench bench-load lock clean

help:  ## list the targets
	@grep -hE '^[a-z%-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 12

setup: $(INSTALLED) assets $(CATALOGUES:.po=.mo)  ## virtual environment, locked dependencies, browser libraries

$(INSTALLED):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Pratique needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	rm -f $(VENV)/.installed-*
	touch $@

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
test: setup browser php transfer-clients  ## all tests
	$(BIN)/pytest -n 3

# The system's browser if there is one; else Debian's package where we may install it; else Playwright's own.
browser: $(INSTALLED)
	@if command -v chromium chromium-browser google-chrome >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; \
	else $(BIN)/playwright install chromium; fi

# Runs one of the partner API's examples; where it cannot be had, that test is skipped by name.
php:
	@command -v php >/dev/null || [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null || { \
		apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends php-cli >/dev/null; } || \
		echo "php was not installed: its example is not run"

# Schools' clients, a customer's server and an HSM: without them those tests are skipped by name.
transfer-clients:
	@for tool in sshd sftp lftp rclone psftp softhsm2-util curl; do \
		command -v $$tool >/dev/null || missing="$$missing $$tool"; done; \
	[ -z "$$missing" ] || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
			openssh-client openssh-server lftp rclone putty-tools softhsm2 curl >/dev/null; } || \
		echo "tests that need$$missing are skipped: they could not be installed"

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
