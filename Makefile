# On a fresh Debian or Ubuntu machine with git, make and Python 3.11: `make demo`, `make test`.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.SILENT:
.DELETE_ON_ERROR:
.PHONY: help setup demo test test-long crash-sweep bench lint dictionary wheel clean

PYTHON ?= python3.11
BIN := .venv/bin
# What a set-up depends on: another pin, another stamp. A stamp that is there costs neither seconds nor a network.
PINS := $(shell cat pyproject.toml lib/strata/storage/jars.py | sha256sum | cut -c1-16)
FULL := .venv/.set-up-full-$(PINS)
READY_FOR_DEMO := $(or $(wildcard $(FULL)),.venv/.set-up-demo-$(PINS))
READY_FOR_BENCH := $(or $(wildcard $(FULL)),.venv/.set-up-bench-$(PINS))
PYTEST_ARGS ?=
# Processes of the tests: each has a JVM of its own, which leaves one of two cores idle.
WORKERS ?= 2
BENCH_ARGS ?=
SWEEP_ARGS ?=

help:  ## what can be made
	grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## */make \1\t/' | expand -t 18

setup: $(FULL)  ## .venv with everything, Java, the Delta JARs; nothing to do the second time

demo: $(READY_FOR_DEMO)  ## the main job on the Complete Journey, as of two month ends
	$(BIN)/strata init --project conf/grocery
	$(BIN)/strata run --project conf/grocery --as-of 2017-11-30,2017-12-31 || [[ $$? == 6 ]]  # 6: an audience was withheld

test: $(FULL)  ## the tests of every change; PYTEST_ARGS for more words to pytest
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadscope $(PYTEST_ARGS)

test-long: $(FULL)  ## the main job by its command line on whole grocery, bad days, a cluster on loopback
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadscope -m long $(PYTEST_ARGS)

crash-sweep: $(FULL)  ## kills the driver at every commit of grocery and at random moments; SWEEP_ARGS=--help says how
	$(BIN)/python -m tests.sweep $(SWEEP_ARGS)

bench: $(READY_FOR_BENCH)  ## strata beside DuckDB, Polars and pandas; BENCH_ARGS=--help says how, .bench holds the data
	$(BIN)/python -m tests.bench $(BENCH_ARGS)

lint: $(FULL)  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

dictionary: $(FULL)  ## conf/DATA_DICTIONARY.md from the contracts and conf/grocery
	$(BIN)/python -m strata.pipeline.dictionary conf/grocery conf/DATA_DICTIONARY.md

wheel: $(FULL)  ## dist/strata-*.whl, for spark-submit --py-files
	rm -rf build dist
	$(BIN)/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	echo dist/*.whl

clean:  ## remove the set-up and every table
	rm -rf .venv .bench .crash-sweep build dist warehouse .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(FULL):
	PYTHON=$(PYTHON) bash .ci/setup demo,dev --tests-of pyproject.toml
	touch $@

.venv/.set-up-demo-$(PINS) .venv/.set-up-bench-$(PINS): .venv/.set-up-%-$(PINS):
	PYTHON=$(PYTHON) bash .ci/setup $*
	touch $@
