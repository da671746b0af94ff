# Everything that a newcomer, a developer and CI run. Each target installs what it needs into .venv.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check
HOST   ?= 127.0.0.1
PORT   ?= 8000

.DEFAULT_GOAL := help
.PHONY: help demo test lint format bench serve requirements image clean

help: ## show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

demo: $(VENV)/train.stamp ## real prices -> trained model -> REST answer; goes on serving until Ctrl-C (ONCE=1: ends there)
	@$(BIN)/forecaster demo --port $(PORT) $(if $(ONCE),--once)

# A file's tests stay in one process, which makes what they share once.
test: $(VENV)/dev.stamp ## the whole test suite, on up to four cores
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile $(ARGS)

lint: $(VENV)/dev.stamp ## style, types, layers and the Dockerfile
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile

format: $(VENV)/dev.stamp ## put the code into its standard form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/dev.stamp ## the benchmarks, as ratios against named alternatives in the same run
	$(BIN)/python benchmarks/predict.py
	$(BIN)/python benchmarks/ingest.py
	$(BIN)/python benchmarks/evidence.py
	$(BIN)/python benchmarks/serve.py

serve: $(VENV)/train.stamp ## the service on the prices and models under FORECASTER_HOME; OPTIONS=--open-read lets everybody read
	@$(BIN)/forecaster serve --host $(HOST) --port $(PORT) $(OPTIONS)

requirements: $(VENV)/dev.stamp ## pin again what pyproject.toml asks for, by hash
	PATH="$(abspath $(BIN)):$$PATH" sh requirements/compile.sh

image: ## container images: stock-forecaster:serve (no tensorflow), stock-forecaster:train and stock-forecaster:mlflow
	docker build --target serve -t stock-forecaster:serve .
	docker build --target train -t stock-forecaster:train .
	docker build --target mlflow -t stock-forecaster:mlflow .

clean: ## remove .venv and caches; what the program wrote under var/ stays
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else f"Python 3.11 to 3.13 is needed, and $(PYTHON) is {v[0]}.{v[1]}: make $(MAKECMDGOALS) PYTHON=python3.12")'
	@$(PYTHON) -m venv $(VENV)

# Pinned by hash; the project itself is installed in place and reads the sources as they are.
$(VENV)/%.stamp: requirements/%.txt requirements/build.txt pyproject.toml | $(VENV)/bin/python
	@echo "installing what $< pins into $(VENV), which takes a minute or two"
	@$(PIP) install --quiet --requirement requirements/build.txt --requirement $<
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
