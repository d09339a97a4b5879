# The only door to building, testing and checking; `make help` lists what there is, and CI calls nothing else.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
NODE ?= node
BIN := .venv/bin
EXTENSION := editor-extension
PYTHON_READY := .venv/.installed
NODE_READY := $(EXTENSION)/node_modules/.installed

# What our own shell is written in: the agent in POSIX sh for any container, the scripts around the tests in bash.
AGENT_SCRIPTS := $(wildcard handlers/agent/*.sh handlers/doctor/*.sh examples/*.sh)
BASH_SCRIPTS := .ci/run tests/install-packages tests/contained tests/contained-python tests/vscode/install $(addprefix tests/cluster/,up down run server build node.sh)

# Test files shared out among workers, each of which is contained for itself.
APART = --dist loadfile --tx $(shell getconf _NPROCESSORS_ONLN)*popen//python=tests/contained-python

.PHONY: help setup demo session test check check-python check-shell check-extension check-documents format generate \
  transcripts vsix ui screenshots e2e shells cluster faults bench lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(PYTHON_READY) $(NODE_READY) ## Install what the project needs into .venv and editor-extension/node_modules

demo: $(PYTHON_READY) ## Start, watch and stop a command here; TARGET=k8s:POD does it in a pod
	$(BIN)/python examples/demo.py $(TARGET)

session: $(PYTHON_READY) ## Record the README's terminal session here; TARGET=k8s:NAMESPACE/POD in a pod
	$(BIN)/python examples/record_session.py $(or $(TARGET),local) README.md

test: setup ## Run all tests that need no cluster
	cd $(EXTENSION) && npm test --silent
	$(BIN)/pytest -m 'not cluster' $(APART)

check: check-extension check-shell check-python check-documents ## Check format, lint, types and boundaries

generate: $(PYTHON_READY) ## Write docs/openrpc.json, protocol.md, lifecycle.md and the extension's types anew
	$(BIN)/python -m rpc_server.documents

transcripts: $(PYTHON_READY) ## Record the conversations in docs/transcripts anew, from the real server
	$(BIN)/python -m tests.rpc.record
	$(BIN)/python -m rpc_server.documents

# The wheel's dependencies come from the package index when the server is installed, in the versions that are tested here.
vsix: setup ## Package the editor extension, with the server's wheel in it, as dist/remotecmd-VERSION.vsix
	rm -rf $(EXTENSION)/dist $(EXTENSION)/server
	mkdir -p dist $(EXTENSION)/dist $(EXTENSION)/server
	$(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir $(EXTENSION)/server .
	grep -oE '^[a-z0-9][^\\]*[^\\ ]' requirements.lock >$(EXTENSION)/server/constraints.txt
	cp $(EXTENSION)/node_modules/vscode-jsonrpc/License.txt $(EXTENSION)/dist/licenses.txt
	cd $(EXTENSION) && npm run --silent build && npm run --silent package

ui: vsix ## Drive the packaged extension in a real VS Code, in a browser (Debian; root for what is missing)
	tests/install-packages editor
	cd $(EXTENSION) && REMOTECMD_CODE_SERVER=$$(../tests/vscode/install) \
	  ../tests/contained --private-records npm run --silent ui $(ONLY)

screenshots: $(PYTHON_READY) ## Take the pictures of the extension's README anew, with a real Kubernetes node (root)
	REMOTECMD_SCREENSHOTS=media/screenshots tests/cluster/run $(MAKE) ui ONLY=screenshots

e2e: setup ## Bring up a real Kubernetes node and run the tests that need it, all shells or an editor (root)
	tests/install-packages shells editor
	REMOTECMD_REQUIRE_SHELLS=1 tests/cluster/run $(MAKE) --keep-going ui shells cluster

# The parts of e2e that are pytest's: every shell with every set of tools, and the node.
shells: $(PYTHON_READY)
	$(BIN)/pytest -m 'shells and not cluster' $(APART:loadfile=worksteal)

cluster: $(PYTHON_READY)
	$(BIN)/pytest -m cluster

faults: $(PYTHON_READY) ## The part of e2e that breaks what can break (root); SEED=… draws the same faults again
	REMOTECMD_FAULT_SEED=$(SEED) tests/cluster/run $(BIN)/pytest -m faults

bench: $(PYTHON_READY) ## Measure against kubectl and the Kubernetes client on the real node (root)
	tests/cluster/run $(BIN)/python bench/run.py

format: setup ## Format and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	cd $(EXTENSION) && npm run --silent format

lock: $(NODE_READY) .cache/uv/bin/uv ## Resolve the dependencies anew and write the lock files
	.cache/uv/bin/uv pip compile --quiet --upgrade --python-version 3.11 --universal --generate-hashes --no-emit-index-url \
	  --no-header --group dev pyproject.toml -o requirements.lock
	cd $(EXTENSION) && npm update --package-lock-only --ignore-scripts --no-audit --no-fund
	cd tests/vscode && npm update --package-lock-only --ignore-scripts --no-audit --no-fund
	cd tests/cluster && go mod tidy

clean: ## Remove what the targets above have made in the checkout
	rm -rf .venv .cache dist $(addprefix $(EXTENSION)/,node_modules dist server test-results) .coverage .hypothesis .import_linter_cache
	rm -rf .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

check-python: $(PYTHON_READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Generated files are compared with what would be generated now; no command is run for it.
check-documents: $(PYTHON_READY)
	$(BIN)/python -m rpc_server.documents --check

check-extension: $(NODE_READY)
	cd $(EXTENSION) && npm run --silent check

# shellcheck is a Debian package: without root its absence is no reason to stop a developer, but it is one in CI.
check-shell:
	@if ! command -v shellcheck >/dev/null && ! tests/install-packages lint; then \
	  echo '*** SKIPPED: the shell scripts are not checked, for shellcheck is missing ***' >&2; \
	  [[ $${CI:-} != true ]]; exit; \
	fi; \
	echo 'shellcheck $(AGENT_SCRIPTS) $(BASH_SCRIPTS)'; \
	shellcheck -x -P SCRIPTDIR $(BASH_SCRIPTS); \
	for script in $(AGENT_SCRIPTS); do shellcheck -s sh "$$script"; done

# The lock file is whole, so nothing is resolved: of what a package asks for with an extra, pip would want the newest.
$(PYTHON_READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'Python 3.11 or later is needed; name one with: make PYTHON=/path/to/python3' >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(NODE_READY): $(EXTENSION)/package.json $(EXTENSION)/package-lock.json $(EXTENSION)/.npmrc
	@$(NODE) -e 'process.exit(process.versions.node.split(".")[0] < 20 ? 1 : 0)' || \
	  { echo 'Node 20 or later is needed' >&2; exit 1; }
	cd $(EXTENSION) && npm ci --no-audit --no-fund
	@touch $@

.cache/uv/bin/uv:
	$(PYTHON) -m venv .cache/uv
	.cache/uv/bin/pip install --quiet --disable-pip-version-check uv
