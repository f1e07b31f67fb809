# Everything here sets itself up: nothing is needed beforehand but Python 3.11+, make and a network.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Bytecode is made by the first process that needs a module: most are never needed.
INSTALL := -m pip --disable-pip-version-check install --quiet --no-compile
PIP := $(BIN)/python $(INSTALL)
# What the program is here, in the image and in its bill of materials; `pip install packmule` alone is
# the command line and the client (docs/decisions/0068-extras.md).
EXTRAS := server,s3,postgres
PIN_EXTRAS := --extra server --extra s3 --extra postgres
PIN := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-annotate --no-emit-find-links --upgrade

# Tests start the program some hundred times. Where a shell or an image says that no bytecode is to be
# kept, each of these starts would compile all of it.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help install serve test check format bench bench-compression fuzz lock clean

help:  ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

$(VENV)/run.stamp: requirements/run.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
		"Packmule needs Python 3.11 or newer; name one: make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes -r requirements/run.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/dev.stamp: requirements/dev.lock $(VENV)/run.stamp
	$(PIP) --require-hashes -r requirements/dev.lock
	touch $@

install: $(VENV)/run.stamp  ## the program, into .venv/bin/packmule

serve: $(VENV)/run.stamp  ## API, worker and page on http://localhost:8000
	exec $(BIN)/packmule serve

test: $(VENV)/dev.stamp  ## the test suite, but what takes long
	$(BIN)/python -m pytest $(ARGS)

# With the small runs of soak, load, fleet, failover, large S3, Docker and power cuts.
.PHONY: test-all
test-all: $(VENV)/dev.stamp  ## every test, each night and before a release
	$(BIN)/python -m pytest -m "" $(ARGS)

.PHONY: mutants
mutants: $(VENV)/dev.stamp  ## change the pure modules in small ways: do their tests notice?
	$(BIN)/python -m tests.mutants.run $(ARGS)

.PHONY: faults
faults: $(VENV)/dev.stamp  ## every fault of an origin, and mixtures of them
	$(BIN)/python -m tests.faults.run $(ARGS)

.PHONY: field
field: $(VENV)/dev.stamp  ## what real servers send, each case against the real program
	$(BIN)/python -m tests.field.run $(ARGS)

.PHONY: attacks
attacks: $(VENV)/dev.stamp  ## every attack on the service, at full size; ARGS=--container: on the image, in 512 MB
	$(BIN)/python -m tests.attacks.run $(ARGS)

.PHONY: addresses
addresses: $(VENV)/dev.stamp  ## every address trick, over the real client
	$(BIN)/python -m tests.addresses.run

.PHONY: readers
readers: $(VENV)/dev.stamp  ## every archive by every reader; writes docs/readers.md
	$(BIN)/python -m tests.readers.run $(ARGS)

.PHONY: kills
kills: $(VENV)/dev.stamp  ## kills at random moments, and at every change of a file
	$(BIN)/python -m tests.kills.run --rounds $(or $(ROUNDS),300) $(ARGS)

.PHONY: load
load: $(VENV)/dev.stamp  ## many small jobs, and good ones beside sources that drip
	$(BIN)/python -m tests.load.run --jobs $(or $(JOBS),30000) $(ARGS)

.PHONY: soak
soak: $(VENV)/dev.stamp  ## steady jobs for a long time, with faults and kills
	$(BIN)/python -m tests.soak.run --minutes $(or $(MINUTES),60) $(ARGS)

.PHONY: failover
failover: $(VENV)/dev.stamp  ## workers and databases that die under a fleet
	$(BIN)/python -m tests.failover.run --rounds $(or $(ROUNDS),5) $(ARGS)

.PHONY: fleet
fleet: $(VENV)/dev.stamp  ## 2 APIs and 3 workers on a database and a bucket, while all of them die
	$(BIN)/python -m tests.fleet.run --rounds $(or $(ROUNDS),1) $(ARGS)

.PHONY: s3-large
s3-large: $(VENV)/dev.stamp  ## SIZE gigabytes (20) into a bucket, through 1 GB of scratch
	$(BIN)/python -m tests.s3_large.run --gb $(or $(SIZE),20) $(ARGS)

.PHONY: s3-conformance
s3-conformance: $(VENV)/dev.stamp  ## the suites of parts and storage on every object store to be had
	$(BIN)/python -m tests.s3_conformance.run $(ARGS)

.PHONY: webhooks-kill
webhooks-kill: $(VENV)/dev.stamp  ## messages over random kills, to a receiver that fails half the time
	$(BIN)/python -m tests.kills.webhooks --messages $(or $(MESSAGES),1000) $(ARGS)

.PHONY: power
power: $(VENV)/dev.stamp  ## power cuts on file systems of their own (as root)
	$(BIN)/python -m tests.power.run --rounds $(or $(ROUNDS),50) $(ARGS)

.PHONY: downloads
downloads: $(VENV)/dev.stamp  ## downloads cut and resumed by real clients, and 500 at once
	$(BIN)/python -m tests.downloads.run $(ARGS)

.PHONY: browser
browser: $(VENV)/dev.stamp  ## the page in Chromium and Firefox: what it does, and how it reads to axe
	$(BIN)/python -m tests.browser.run $(ARGS)

.PHONY: lighthouse
lighthouse: $(VENV)/dev.stamp  ## Lighthouse's scores of the start page; fails below 100
	$(BIN)/python -m tests.lighthouse.run

.PHONY: picture
picture: $(VENV)/dev.stamp  ## the pictures of the page in docs/images again
	$(BIN)/python -m tests.browser.picture

.PHONY: dist
dist: $(VENV)/dev.stamp  ## dist/: wheel and sdist
	$(BIN)/python -m hatchling build -d dist

.PHONY: wheel-test
wheel-test: $(VENV)/dev.stamp  ## wheel and sdist, built and tried in fresh environments
	$(BIN)/python -m tests.wheel.run $(ARGS)

.PHONY: docker-test
docker-test: $(VENV)/dev.stamp  ## the image: built, run, killed, fenced in (as root, or where an engine answers)
	$(BIN)/python -m tests.docker.run $(ARGS)

# A venv of its own: what makes the bill must not be on it.
$(VENV)/sbom.stamp: requirements/sbom.lock $(VENV)/run.stamp
	$(BIN)/python -m venv $(VENV)/sbom
	$(VENV)/sbom/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes \
		-r requirements/sbom.lock
	touch $@

.PHONY: sbom
sbom: $(VENV)/sbom.stamp  ## dist/packmule.cdx.json: what the program consists of, by CycloneDX
	rm -rf build/sbom && mkdir -p build/sbom dist
	$(BIN)/python -m pip download --quiet --require-hashes --only-binary :all: \
		--dest build/sbom/wheels --requirement requirements/run.lock
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir build/sbom/wheels .
	$(BIN)/python -m venv --without-pip build/sbom/program
	PIP_NO_INDEX=1 PIP_FIND_LINKS=build/sbom/wheels $(BIN)/python -m pip \
		--python build/sbom/program/bin/python install --quiet 'packmule[$(EXTRAS)]'
	$(VENV)/sbom/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
		--output-file dist/packmule.cdx.json build/sbom/program/bin/python
	rm -rf build/sbom

$(VENV)/audit.stamp: requirements/audit.lock
	$(PYTHON) -m venv $(VENV)/audit
	$(VENV)/audit/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r $<
	touch $@

.PHONY: audit
audit: $(VENV)/audit.stamp  ## known vulnerabilities of the libraries that the program installs
	$(VENV)/audit/bin/pip-audit --progress-spinner off --require-hashes --disable-pip \
		--requirement requirements/otel.lock

# In a place of its own: its pins may differ from those that the tests run with.
$(VENV)/docs.stamp: requirements/docs.lock $(VENV)/run.stamp
	test -x $(VENV)/docs/bin/python || $(PYTHON) -m venv $(VENV)/docs
	$(VENV)/docs/bin/python $(INSTALL) --require-hashes -r $<
	touch $@

.PHONY: docs
docs: $(VENV)/docs.stamp  ## the documentation as a site, into site/; a warning is an error
	NO_MKDOCS_2_WARNING=1 $(VENV)/docs/bin/python -m mkdocs build --quiet --strict

.PHONY: lint
lint: $(VENV)/dev.stamp  ## ruff, mypy, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint  ## ruff, mypy, import-linter, house rules
	$(BIN)/python -m pytest -q tests/house

# The processes of a test run begin at once, and would each compile all tests.
.PHONY: compiled-tests
compiled-tests: $(VENV)/dev.stamp  ## the bytecode of the program and its tests
	$(BIN)/python -m pytest -n0 --collect-only -qq >/dev/null

format: $(VENV)/dev.stamp  ## format, and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/dev.stamp  ## Packmule beside its peers; writes docs/benchmarks.md
	$(BIN)/python bench/run.py $(ARGS)

bench-compression: $(VENV)/dev.stamp  ## an archive with text in it, beside zip -6
	$(BIN)/python -m bench.compression $(ARGS)

.PHONY: bench-checksums
bench-checksums: $(VENV)/dev.stamp  ## what verifying checksums and a manifest cost
	$(BIN)/python -m bench.checksums $(ARGS)

.PHONY: bench-downloads
bench-downloads: $(VENV)/dev.stamp  ## sending an archive, beside nginx
	$(BIN)/python -m bench.downloads $(ARGS)

.PHONY: bench-million
bench-million: $(VENV)/dev.stamp  ## a million files in one archive, on one machine and in a fleet
	$(BIN)/python -m bench.million $(ARGS)

.PHONY: bench-startup
bench-startup: $(VENV)/dev.stamp  ## what a small archive costs before its first byte
	$(BIN)/python -m bench.startup $(ARGS)

.PHONY: bench-wan
bench-wan: $(VENV)/dev.stamp  ## on an emulated network, beside curl, aria2, wget2 and rclone (as root)
	$(BIN)/python -m bench.wan.run $(ARGS)

.PHONY: bench-workers
bench-workers: $(VENV)/dev.stamp  ## three workers beside one, where origins are far
	$(BIN)/python -m bench.workers $(ARGS)

.PHONY: capacity
capacity: $(VENV)/dev.stamp  ## what a job, a file and a gigabyte cost; writes docs/capacity.md
	$(BIN)/python -m bench.capacity $(ARGS)

.PHONY: simulation
simulation: $(VENV)/dev.stamp  ## how long jobs wait in the fleet of docs/capacity.md
	$(BIN)/python -m bench.simulation $(ARGS)

$(VENV)/fuzz.stamp: requirements/fuzz.lock $(VENV)/dev.stamp
	$(PIP) --require-hashes -r requirements/fuzz.lock
	touch $@

fuzz: $(VENV)/fuzz.stamp  ## made-up requests and inputs, until none is left that breaks something
	$(BIN)/python -m tests.fuzz.full $(ARGS)

lock: $(VENV)/dev.stamp  ## pin again, with hashes
	$(PIN) pyproject.toml --group build $(PIN_EXTRAS) -o requirements/run.lock
	$(PIN) pyproject.toml --group build $(PIN_EXTRAS) --extra otel -c requirements/run.lock \
		-o requirements/otel.lock
	$(PIN) pyproject.toml --group dev $(PIN_EXTRAS) -o requirements/dev.lock
	$(PIN) pyproject.toml --group fuzz $(PIN_EXTRAS) -o requirements/fuzz.lock
	$(PIN) pyproject.toml --group docs -o requirements/docs.lock
	$(PIN) --group sbom -o requirements/sbom.lock
	$(PIN) --group audit -o requirements/audit.lock

clean:  ## all that make made, but not your data
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist site
