# Everything a fresh machine needs is set up by the first command that needs it; git, make and a Python 3 are enough.
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo test contract build lint format pictures deploy clean

SHELL := bash
export SAM_CLI_TELEMETRY := 0

help: ## Show what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s'|'

setup: ## Install what the demo and the stationkeeper command need
	@scripts/setup local

setup-dev: ## Install what the tests need as well
	@scripts/setup dev

demo: setup ## Run the real functions on this machine and show what on-call would get
	@.venv/bin/stationkeeper demo

test: setup-dev ## Run all tests
	@.venv/bin/pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

contract: ## Compare names we rely on with the SageMaker SDK (installs 700 MB)
	@scripts/setup contract
	@.venv-contract/bin/pytest -W default tests/contract

build: setup ## Build functions and layers for Lambda (ARCHITECTURE=x86_64)
	@PATH="$(CURDIR)/.venv/bin:$$PATH" .venv/bin/sam build --parameter-overrides Architecture=$(or $(ARCHITECTURE),arm64)

lint: setup-dev ## Check style, types, and the templates
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/sam validate --lint
	@.venv/bin/cfn-lint templates/*.yaml

pictures: setup-dev ## Make the pictures of the README anew (needs Chromium)
	@.venv/bin/python scripts/pictures.py

format: setup-dev ## Format the code
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

deploy: setup ## Deploy to your AWS account; asks once (ASK=1 again, CONFIG_ENV=prod, ARCHITECTURE=x86_64)
	@.venv/bin/stationkeeper deploy $(if $(ASK),--ask) $(if $(CONFIG_ENV),--config-env $(CONFIG_ENV)) \
	  $(if $(ARCHITECTURE),--architecture $(ARCHITECTURE))

clean: ## Remove everything that was built or installed here
	rm -rf .venv .venv-lambda .venv-contract .uv .aws-sam .local .mypy_cache .ruff_cache .pytest_cache .hypothesis
