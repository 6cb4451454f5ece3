# Every command a user needs. Each sets up what it needs by itself.
.DEFAULT_GOAL := help
.PHONY: help setup up down status logs demo load-airbnb render compare test exactness verify lint format lock pictures clean
PYTHON_BIN := .venv/bin/python
# On several cores the tests that need a whole Airflow begin at once, beside all the others.
LONGEST_FIRST := tests/e2e tests/ui tests/conformance tests/integration tests/unit

help: ## say what there is
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

setup: ## install system packages and the Python environment
	@local/setup.sh

demo: setup ## start everything, run the pipelines through Airflow, show the result, stop
	@exec $(PYTHON_BIN) -m local demo

up: setup ## start everything and leave it running, with Airflow's web UI
	@exec $(PYTHON_BIN) -m local up

down: setup ## stop what `make up` started
	@exec $(PYTHON_BIN) -m local down

status: setup ## say what runs, and where
	@exec $(PYTHON_BIN) -m local status

logs: setup ## follow all logs
	@exec $(PYTHON_BIN) -m local logs

load-airbnb: setup ## load Kaggle's files into the running source database: make load-airbnb DIR=folder
	@exec $(PYTHON_BIN) -m local load-airbnb "$(or $(DIR),$(error DIR is not given: make load-airbnb DIR=folder))"

render: setup ## print the exact SQL of one table's load, for review: make render TABLE=nps
	@[ ! -r .local/run/airflow.env ] || . .local/run/airflow.env; exec $(PYTHON_BIN) -m warehouse.render $(TABLE)

compare: setup ## compare a quiet source with the warehouse, whole tables: make compare TABLES="nps"
	@[ ! -r .local/run/airflow.env ] || . .local/run/airflow.env; exec $(PYTHON_BIN) -m warehouse.compare $(TABLES)

test: ## run all tests; they start the engines they need
	@EXTRA_PACKAGES="chromium" local/setup.sh
	@exec .venv/bin/pytest -n auto --no-loadscope-reorder $(LONGEST_FIRST)

exactness: setup ## try many more random histories of the load: make exactness SEQUENCES=20000
	@EXACTNESS_SEQUENCES=$(or $(SEQUENCES),20000) .venv/bin/pytest -n auto --timeout 0 tests/integration/warehouse_load/test_exactness.py

verify: setup ## run the conformance tests against the real services whose connections are given (docs/verify.md)
	@exec .venv/bin/pytest tests/conformance

lint: setup lint-containers ## run all linters
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy plugins services local
	.venv/bin/sqlfluff lint --processes 2 sql
	.venv/bin/shellcheck airflow local/*.sh .ci/run
	.venv/bin/yamllint --strict .

format: setup ## let the formatters rewrite
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

lock: setup ## choose the newest versions that fit pyproject.toml and write requirements.txt with hashes
	.venv/bin/uv pip compile -q --universal --python-version 3.11 --upgrade --generate-hashes --no-emit-index-url \
		--no-annotate --no-header --all-extras pyproject.toml -o requirements.txt
	docker/lock.sh

pictures: setup ## draw the DAGs as the running web UI does (start it with make up)
	@EXTRA_PACKAGES="chromium" local/setup.sh
	$(PYTHON_BIN) -m tests.support.browser gretel_synthetics_airbnb_bookings mysql_to_redshift

clean: down ## remove the stack's data and the Python environment
	rm -rf .local .venv

.PHONY: env lint-containers
env: ## write .env for docker-compose.yml, with generated secrets
	@docker/env.sh

lint-containers: setup ## lint docker-compose.yml, Dockerfile and the scripts beside them
	.venv/bin/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml docker/dev.yml
	.venv/bin/yamllint --strict docker-compose.yml docker/dev.yml
	.venv/bin/hadolint Dockerfile
	.venv/bin/shellcheck docker/*.sh
