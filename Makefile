# `make` prints what there is. Every target runs from a clean checkout: the tools it needs are installed first.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BUILD := $(abspath $(or $(FRANKENPANEL_BUILD_DIR),.build))
UV_VERSION := 0.13.8
UV := $(shell uv --version >/dev/null 2>&1 && command -v uv || echo $(BUILD)/tools/bin/uv)
VENV := .venv/bin
HACK := $(VENV)/frankenpanel-hack
PYTEST := $(VENV)/pytest
API_SERVER := $(BUILD)/bin/kube-apiserver $(BUILD)/bin/etcd
NAME_SERVER := $(BUILD)/bin/coredns
AUTHORITY := $(BUILD)/bin/pebble $(BUILD)/bin/pebble-challtestsrv
SITE_SERVER := $(BUILD)/bin/site-server
# The cluster of `make up`, unless the caller names another.
WITH_CLUSTER = KUBECONFIG="$${KUBECONFIG:-$(BUILD)/kubeconfig}"

# Tools that `make up` builds are found before those of the host.
export PATH := $(BUILD)/bin:$(PATH)

.PHONY: help
help: ## Print the targets
	@awk -F ':.*## ' '/^[a-z][a-z0-9%-]*:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

# --- the cluster -----------------------------------------------------------------------------------------------

.PHONY: up down status reload images
up: $(HACK) ## Bring up a cluster with FrankenPanel and a first WordPress site; run it again at any time
	@$(HACK) up

down: $(HACK) ## Remove everything that `make up` made
	@$(HACK) down

status: $(HACK) ## Say what runs, where, and what to do next
	@$(HACK) status

reload: $(HACK) ## Put the edited operator, gateway and API into the running cluster
	@$(HACK) reload

images: $(HACK) ## Build the container images that are out of date
	@$(HACK) images

# --- the checks ------------------------------------------------------------------------------------------------

# Runs one target of this file and says how long it took, also when it fails.
stage = start=$$SECONDS; printf '\n==> make %s\n' $(1); $(MAKE) $(1); result=$$?; \
  printf '<== make %s: %s after %d s\n' $(1) "$$([ $$result = 0 ] && echo passed || echo FAILED)" $$((SECONDS - start)); \
  [ $$result = 0 ]

.PHONY: test test-unit test-charts test-integration test-e2e
test: $(HACK) ## Run every check there is, on a cluster that it brings up: what CI runs
	@$(call stage,lint)
	@$(call stage,verify)
	@$(call stage,test-unit)
	@$(call stage,up)
	@$(call stage,test-charts)
	@$(call stage,test-integration)
	@$(call stage,test-e2e)

test-unit: $(HACK) ## Run the tests that need no server: unit and architecture, under a minute
	@$(PYTEST) tests/unit tests/architecture

test-charts: $(HACK) ## Render the charts with helm and look at the result (helm: PATH, or built by `make up`)
	@$(PYTEST) tests/charts

# Tests on real servers race with them: one that fails is tried once more, and the summary shows what it took.
PYTEST_ON_SERVERS = $(PYTEST) --reruns 1 --rerun-show-tracebacks -rR --max-suite-reruns 5

# The API server is the tests' own: on a cluster, the operator that runs there would join in.
test-integration: $(HACK) $(API_SERVER) $(NAME_SERVER) $(AUTHORITY) $(SITE_SERVER) ## Run the tests against real servers: Kubernetes API, MariaDB, Caddy, DNS
	@env -u KUBECONFIG $(PYTEST_ON_SERVERS) tests/integration

test-e2e: $(HACK) $(NAME_SERVER) $(AUTHORITY) ## Run the tests against FrankenPanel on the cluster of `make up`
	@$(WITH_CLUSTER) $(PYTEST_ON_SERVERS) tests/e2e

.PHONY: lint lint-format lint-code lint-types lint-imports lint-yaml lint-images
lint: lint-format lint-code lint-types lint-imports lint-yaml lint-images ## Run every linter

lint-format: $(HACK)
	@$(VENV)/ruff format --check

lint-code: $(HACK)
	@$(VENV)/ruff check

lint-types: $(HACK)
	@$(VENV)/mypy

lint-imports: $(HACK)
	@$(VENV)/lint-imports

lint-yaml: $(HACK)
	@$(VENV)/yamllint --strict .

lint-images: $(HACK)
	@$(VENV)/hadolint images/*/Dockerfile

.PHONY: generate verify
generate: $(HACK) ## Write what is generated: CRDs and their pages, the API's description, the chart's values table
	@$(VENV)/python -m frankenpanel_crds.generate
	@$(VENV)/python -m frankenpanel_api.openapi
	@$(VENV)/python -m frankenpanel_hack.values_table charts/frankenpanel

verify: $(HACK) ## Fail where a generated file is stale (`make generate` is the cure)
	@$(VENV)/python -m frankenpanel_crds.generate --check
	@$(VENV)/python -m frankenpanel_api.openapi --check
	@$(VENV)/python -m frankenpanel_hack.values_table charts/frankenpanel --check

# --- the measurements ------------------------------------------------------------------------------------------

SITES := 100,1000
HOSTS := 10,1000,10000,50000
REPEAT := 1
OPTIONS :=

.PHONY: bench-operator bench-databases bench-edge
bench-operator: $(HACK) $(API_SERVER) ## Measure the operator beside a kopf twin and the machine's ceiling (SITES, REPEAT, OPTIONS)
	@PYTHONPATH=benchmarks $(VENV)/python benchmarks/operator --sites $(SITES) --repeat $(REPEAT) $(OPTIONS)

bench-edge: $(HACK) ## Measure the gateway beside Caddy and nginx in other layouts (HOSTS, REPEAT, OPTIONS)
	@PYTHONPATH=benchmarks $(VENV)/python -m edge --hosts $(HOSTS) --repeat $(REPEAT) $(OPTIONS)

bench-databases: bench-database_provisioning ## Measure databases and accounts made a second, beside plain statements

bench-%: $(HACK) ## Run one benchmark, a file or a folder of benchmarks/
	@PYTHONPATH=benchmarks $(VENV)/python $(or $(wildcard benchmarks/$*.py benchmarks/$*),$(error there is no benchmark $*))

# --- the tools -------------------------------------------------------------------------------------------------

# The environment is made anew when the lock or a member's dependencies changed.
$(HACK): uv.lock pyproject.toml $(wildcard */pyproject.toml) images/gateway/pyproject.toml | $(UV)
	@$(UV) sync --quiet --locked --all-packages
	@touch $(HACK)

# `make up` compiles these too, where it makes the cluster on the host.
$(BUILD)/bin/kube-apiserver: PACKAGE := k8s.io/kubernetes/cmd/kube-apiserver
$(BUILD)/bin/etcd: PACKAGE := go.etcd.io/etcd/server/v3
$(BUILD)/bin/coredns: PACKAGE := github.com/coredns/coredns
$(API_SERVER) $(NAME_SERVER):
	@echo "compiling $(PACKAGE), which takes minutes"
	@go build -C hack/go/node -trimpath -ldflags '-s -w' -o $@ $(PACKAGE)

$(BUILD)/bin/pebble: PACKAGE := github.com/letsencrypt/pebble/v2/cmd/pebble
$(BUILD)/bin/pebble-challtestsrv: PACKAGE := github.com/letsencrypt/pebble/v2/cmd/pebble-challtestsrv
$(AUTHORITY):
	@echo "compiling $(PACKAGE)"
	@go build -C hack/go/acme -trimpath -ldflags '-s -w' -o $@ $(PACKAGE)

# The web server of a Site's pod without PHP, for tests of what it does to requests.
$(SITE_SERVER): $(wildcard images/frankenphp-embed/go.* images/frankenphp-embed/live/* images/frankenphp-embed/cmd/frankenphp/*)
	@echo "compiling the web server of a Site, which takes a minute"
	@CGO_ENABLED=0 go build -C images/frankenphp-embed -trimpath -ldflags '-s -w' \
	  -tags nophp,nobadger,nomysql,nopgx -o $(abspath $@) ./cmd/frankenphp

# A bare Debian lacks the venv module; root may add it.
$(BUILD)/tools/bin/uv:
	@python3 -c 'import venv, ensurepip' 2>/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq </dev/null \
	  && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends python3-venv </dev/null; } \
	  || { echo "install uv $(UV_VERSION), or Python's venv module (Debian: python3-venv)" >&2; exit 1; }
	@python3 -m venv $(BUILD)/tools
	@$(BUILD)/tools/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
