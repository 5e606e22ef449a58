# Kehou. Needs make and Python 3.11 or later; everything else is fetched, checked and kept inside this folder.
SHELL := /bin/sh
.DEFAULT_GOAL := help
BIN := .venv/bin
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11))' >/dev/null 2>&1 && { echo "$$p"; break; }; done)

.PHONY: help setup demo test cover lint format bench lock wheel clean

help: ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1\t\2/p' Makefile

setup: ## prepare .venv (the second time: nothing to do)
	@if [ -z "$(PYTHON)" ]; then \
		echo "需要 Python 3.11 或更新的版本：请先安装（Debian、Ubuntu：apt install python3 python3-venv）。"; \
		echo "Python 3.11 or later is needed: install it first (Debian, Ubuntu: apt install python3 python3-venv)."; \
		exit 1; fi
	@"$(PYTHON)" tools/bootstrap.py

demo: setup ## try it: a county with three schools. PORT=8765 DATA=.kehou/demo RESET=1
	@exec $(BIN)/kehou demo $(if $(PORT),--port "$(PORT)") $(if $(DATA),--data "$(DATA)") \
		$(if $(filter-out 0 no false,$(RESET)),--reset)

test: setup lint ## everything. ARGS="-k roster" for a part
	@$(BIN)/python tools/run_tests.py $(ARGS)

cover: setup ## which lines the tests run (CI prints it too)
	@$(BIN)/python tools/run_tests.py -n2 --dist=loadfile --cov --cov-report=term $(or $(ARGS),tests/unit tests/integration)

lint: setup ## style, types, import rule
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup ## measure. NAME="rush billing draw" ARGS=--json
	@for name in $(or $(NAME),rush billing draw); do $(BIN)/python -m tests.bench $$name $(ARGS) || exit 1; done

lock: setup ## pin what pyproject.toml and package.json ask for
	.venv/.tools/bin/uv pip compile -q --group dev pyproject.toml --generate-hashes --no-emit-index-url --universal \
		$(if $(UPGRADE),--upgrade) -o requirements.lock
	.venv/.tools/bin/uv pip compile -q --group build --generate-hashes --no-emit-index-url --universal \
		--python-version 3.11 $(if $(UPGRADE),--upgrade) -o requirements-build.lock
	npm install --package-lock-only --omit-lockfile-registry-resolved --ignore-scripts --no-audit --no-fund

wheel: setup ## dist/kehou-….whl: needs neither npm nor this folder where it is installed
	.venv/.tools/bin/uv build --quiet --build-constraints requirements-build.lock --require-hashes
	@ls -l dist

clean: ## remove what was fetched and built (not your data in .kehou)
	rm -rf .venv dist build core/web/static/vendor .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
