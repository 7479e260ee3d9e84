# make demo      an image becomes an automaton, a rule, pictures (in demo/)
# make test      ruff, mypy and the quick tests; make test-all runs the slow ones too
# make docs      the site (in build/docs/)
# make package   wheel and sdist, checked (in dist/)
# Each target makes its own environment in .venv first. PYTHON=python3.12 chooses the interpreter,
# WORKERS=4 the number of test processes.

SHELL := /bin/sh
PYTHON ?=
WORKERS ?= 2
BIN := .venv/bin
READY := .venv/.ready

# An environment that belongs to another folder (the checkout was moved or copied) is set up again.
ifneq ($(shell cat $(READY) 2>/dev/null),$(CURDIR))
.PHONY: $(READY)
endif

.PHONY: demo test test-all lint docs package clean env
.DEFAULT_GOAL := test

env: $(READY)

$(READY): pyproject.toml constraints.txt
	@sh scripts/environment.sh "$(PYTHON)"
	@printf '%s\n' "$(CURDIR)" > $(READY)

demo: $(READY)
	@sh scripts/demo.sh

lint: $(READY)
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/python -m mypy

test: lint
	@$(BIN)/python -m pytest -n $(WORKERS)

test-all: lint
	@$(BIN)/python -m pytest -n $(WORKERS) -m ""

# The extras docs and release are installed once; building the site itself needs no network.
docs: $(READY)
	@$(BIN)/python -c 'import furo, myst_parser, sphinx_gallery' 2>/dev/null || sh scripts/environment.sh "$(PYTHON)" docs
	@$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs
	@echo "open build/docs/index.html"

package: $(READY)
	@$(BIN)/python -c 'import build, twine, check_wheel_contents, yamllint' 2>/dev/null || sh scripts/environment.sh "$(PYTHON)" release
	@sh scripts/package.sh

clean:
	rm -rf .venv demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
