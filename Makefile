# make run and make test need only this file, Python 3.11 or newer, and a network the first time.

PORT ?= 8000
HOST ?= 127.0.0.1
JOBS ?= auto
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$p && break; done)

# A virtual environment is as good as the lists it was filled from: their checksums name its stamps.
RUN_STAMP := .venv/run-$(shell cat requirements.txt | cksum | tr ' ' '-')
DEV_STAMP := .venv/dev-$(shell cat requirements.txt requirements-dev.txt | cksum | tr ' ' '-')
PIP := .venv/bin/python -m pip --disable-pip-version-check install --quiet --progress-bar off
export FLASK_APP := wsgi

.DEFAULT_GOAL := help
.PHONY: help run test check format bench kill-test walks fuzz messages pictures clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | \
		while IFS='|' read -r name text; do printf '  make %-10s %s\n' "$$name" "$$text"; done

run: $(RUN_STAMP) ## run the product on http://127.0.0.1:8000/ (PORT=, HOST=, DATABASE_URL= change it)
	@HOST=$(HOST) PORT=$(PORT) exec .venv/bin/python -m app.launch

test: $(DEV_STAMP) ## run the tests (JOBS=, ARGS= are passed to pytest)
	.venv/bin/python -m app.web.build
	.venv/bin/python -m pytest -n $(JOBS) $(ARGS)

check: $(DEV_STAMP) ## lint, format, types, layers
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

format: $(DEV_STAMP) ## format the code and fix what can be fixed
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

bench: $(DEV_STAMP) ## measure; prints a table and writes bench.json
	.venv/bin/python -m tests.bench

kill-test: $(DEV_STAMP) ## kill web, worker and PostgreSQL at random under load, then look for damage
	.venv/bin/python -m tests.chaos.kill_test

walks: $(DEV_STAMP) ## walk random diagrams beside stock SpiffWorkflow
	.venv/bin/python -m tests.engine.walks

fuzz: $(DEV_STAMP) ## feed damaged messages of devices to every decoder
	.venv/bin/python -m tests.fuzz_frames

messages: $(DEV_STAMP) ## collect the texts of pages into the message catalogue
	.venv/bin/python -m app.web.messages

pictures: $(DEV_STAMP) ## take the README's pictures from the city that make run serves
	.venv/bin/python -m tests.browser.pictures http://$(HOST):$(PORT)

clean: ## remove the virtual environment (the data in var/ stay)
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache

$(RUN_STAMP):
	@$(MAKE) --no-print-directory .venv/bin/pip
	@echo "Installing what the product needs (the first time only) ..."
	@$(PIP) -r requirements.txt
	@rm -f .venv/run-* && touch $@

$(DEV_STAMP):
	@$(MAKE) --no-print-directory .venv/bin/pip
	@echo "Installing what the product and its tests need (the first time only) ..."
	@$(PIP) -r requirements-dev.txt
	@rm -f .venv/run-* .venv/dev-* && touch $(RUN_STAMP) $@

.venv/bin/pip:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; name it with make PYTHON=/path/to/python3 ..."; exit 1; }
	@"$(PYTHON)" -m venv --clear .venv || { echo "On Debian and Ubuntu: apt install python3-venv"; exit 1; }
