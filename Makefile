# Everything a person does with this checkout. Plain `make` lists it.
SHELL := /bin/sh
.DEFAULT_GOAL := help
PORT ?= 8000
DATA ?=
SEED ?= 1
KIT ?= general
ARCH ?= x86_64
PYTHON ?=
PYTEST ?=
CLAIMS ?= 100000

venv := .venv
py := $(venv)/bin/python
texts := $(patsubst %.po,%.mo,$(wildcard chalicelib/pages/texts/*.po))
benches := growth cycle cold workers peers surge
fast := not browser and not engine and not zip and not slow

.PHONY: help run demo test rehearse checkov bench check package day pictures texts kit costs clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(venv)/local texts ## the clinic on http://localhost:8000 (PORT=8001 another port, DATA=clinic.db keeps the data)
	@exec $(py) -m infra.local.run --port "$(PORT)" --data "$(DATA)"

demo: $(venv)/local texts ## the same, in the middle of a busy morning
	@exec $(py) -m infra.local.run --port "$(PORT)" --data "$(DATA)" --demo

test: $(venv)/dev texts ## everything: rooms, doors, whole days, browser, faults, deployment (PYTEST="-k word" for a part)
	@infra/system.sh
	@$(py) -m infra.local.engine
	@$(py) -m infra.local.checkov
	@$(MAKE) --no-print-directory node_modules/.done
	@$(py) -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(PYTEST)

rehearse: $(venv)/dev texts ## the real package deployed to a local AWS, visited, changed, poisoned and taken down: minutes
	@$(py) -m infra.local.aws
	@$(py) -m pytest -q -m rehearse tests/rehearse/test_rehearse.py

checkov: $(venv)/dev texts ## checkov on the stack, each finding explained
	@$(py) -m infra.local.checkov
	@$(py) -m pytest -q tests/deploy/test_stack.py -k checkov

bench: $(venv)/bench texts ## how fast it is: tables here, JSON in out/ (CLAIMS=5000 for a shorter torture)
	@$(py) -m infra.local.engine
	@bench/postgres.sh
	@for each in $(benches); do $(py) -m bench.$$each || exit 1; done
	@$(py) -m bench.order --one-in 10
	@$(py) -m bench.torture --seed 801 --lanes 1 4 --claims 2500 --total "$(CLAIMS)"

check: $(venv)/dev texts ## before a commit: format, lint, types, secrets, and the quick tests (some minutes)
	@$(py) -m ruff format --check .
	@$(py) -m ruff check .
	@$(py) -m mypy
	@$(py) -m bandit -q -c pyproject.toml -r app.py chalicelib
	@git ls-files -z | xargs -0 $(venv)/bin/detect-secrets-hook --baseline .secrets.baseline
	@$(py) -m pytest -q -m "$(fast)" $(PYTEST)

package: $(venv)/local ## what is deployed: out/deployment.zip and out/sam.json, from HEAD (ARCH=arm64, TREE=1 for uncommitted work)
	@$(py) -m infra.package --arch "$(ARCH)" $(if $(TREE),--tree)

day: $(venv)/dev texts ## one whole clinic day from a seed: make day SEED=7
	@$(py) -m tests.simulation.day "$(SEED)"

pictures: $(venv)/dev texts ## a picture of every page, wide and narrow, in every language
	@infra/system.sh
	@$(py) -m tests.browser.pictures
	@$(py) -m tests.browser.kit_pictures

texts: $(texts) ## compile the translations

kit: $(venv)/local ## make this checkout another hospital's: KIT=general renders templates/general/clinic.toml
	@$(py) -m infra.kit "$(KIT)"

costs: $(venv)/local ## the tables of docs/costs.md and docs/surge-day.md, after a change of prices, kits or what was played
	@$(py) -m bench.surge.page
	@$(py) -m infra.clinic.pricelist

clean: ## remove everything make has made
	rm -rf $(venv) .tools node_modules out vendor .hypothesis .mypy_cache .pytest_cache .ruff_cache .chalice/deployments
	rm -f chalicelib/pages/texts/*.mo
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# What is below is made once and again only when what it is made from has changed.

$(venv)/made: infra/venv.sh infra/getpip.py
	@infra/venv.sh $(venv) $(PYTHON)
	@touch $@

$(venv)/local: $(venv)/made requirements.txt requirements-local.txt
	@echo "Installing what the clinic needs into $(venv) ..."
	@$(py) -m pip install --quiet --disable-pip-version-check -r requirements-local.txt
	@touch $@

$(venv)/dev: $(venv)/local requirements-dev.txt
	@echo "Installing what the tests need into $(venv) ..."
	@$(py) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(venv)/bench: $(venv)/dev requirements-bench.txt
	@echo "Installing what the benches need into $(venv) ..."
	@$(py) -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	@touch $@

%.mo: %.po | $(venv)/local
	@$(py) -m babel.messages.frontend -q compile --input-file $< --output-file $@

node_modules/.done: package-lock.json
	@command -v npm >/dev/null || { echo "The tests need Node (npm): the accessibility checker axe-core comes from there." >&2; exit 1; }
	@npm ci --silent --no-audit --no-fund --ignore-scripts
	@touch $@
