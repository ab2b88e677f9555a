SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# What may be set, as in `make dev PORT=4000`. The C360_* variables are in .env.example.
# PYTHON: the Python that makes .venv; by default the newest that the pins are tested with.
PYTHON ?= python3.13 python3.12 python3.11 python3
PORT ?= 3000
UI_PORT ?= 8360
# Tests marked `xdist_group` share one process, and so what they are made from.
PYTEST_ARGS ?= -n 2 --dist loadgroup
BENCH_ARGS ?=

BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: help demo dev test lint format types validate docs bench clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

demo: $(INSTALLED) ## make the demo data and run the whole pipeline on it
	$(BIN)/c360 demo

# Where one stops, or Ctrl-C or a signal comes, both are ended. Dagster takes ignoring Ctrl-C for ignoring
# every signal: bash lets what it starts in the background ignore it but for set -m, and where make itself
# was started in the background of a script, Python undoes it.
HEEDING := $(BIN)/python -c 'import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); \
  os.execv(sys.argv[1], sys.argv[1:])'
dev: $(INSTALLED) ## Dagster (port 3000: PORT) and the pages (port 8360: UI_PORT) on this machine
	home="$$($(BIN)/python -m c360_assets.instance)"; \
	  set -m; trap 'kill $$(jobs -p) 2>/dev/null || true; wait || true' EXIT; trap 'exit 130' INT TERM; \
	  $(BIN)/c360 ui --port $(UI_PORT) & \
	  DAGSTER_HOME="$$home" $(HEEDING) $(BIN)/dagster dev -w workspace.yaml -h 127.0.0.1 -p $(PORT) --log-level warning & \
	  wait -n

test: $(INSTALLED) ## run the tests
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(INSTALLED) ## look for mistakes and for code that is not formatted
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(INSTALLED) ## format the code and mend what can be mended by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(INSTALLED) ## check the types
	$(BIN)/mypy

validate: $(INSTALLED) ## load the definitions as Dagster does
	scratch="$$(mktemp -d)"; trap 'rm -rf "$$scratch"' EXIT; export C360_HOME="$$scratch"; \
	  home="$$($(BIN)/python -m c360_assets.instance)"; \
	  DAGSTER_HOME="$$home" $(BIN)/dagster definitions validate -w workspace.yaml

docs: $(INSTALLED) ## write the pages of the tables from the contracts
	$(BIN)/c360 docs

bench: $(INSTALLED) ## measure; BENCH_ARGS goes to the benchmarks
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

clean: ## remove .venv, caches and builds; the data in .c360 stays
	rm -rf .venv build dist *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Written last, so that an interrupted installation is taken up again by the next run.
$(INSTALLED): pyproject.toml constraints.txt
	@if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	  found=; \
	  for python in $(PYTHON); do \
	    if "$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' \
	      >/dev/null 2>&1; then found="$$python"; break; fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo "c360 needs Python 3.11 or later with the module venv; looked for: $(PYTHON)." >&2; \
	    echo "Install one (Debian: apt-get install python3 python3-venv; macOS: brew install" \
	      "python@3.13) or name one: make PYTHON=/path/to/python3.12 ..." >&2; \
	    exit 1; \
	  fi; \
	  echo "Making .venv with $$found"; \
	  "$$found" -m venv --clear .venv; \
	fi
	@echo "Installing the dependencies into .venv; this takes a minute or two, once"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
