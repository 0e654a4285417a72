# The workshop. `make demo` and `make test` need Python 3.11 or newer and make; they set up the rest in .venv.

PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test check bench seeded mutants soak lock clean
.DELETE_ON_ERROR:

demo: .venv/.run ## practice data and the story over HTTP; ONCE=1 ends after the story
	$(BIN)/tsunagi demo $(if $(ONCE),--once)

test: .venv/.test .venv/.others ## every test; ends with what the run covered
	$(BIN)/python -m pytest -n $(WORKERS)

check: .venv/.test ## before each commit: format, lint, types, contracts, fast tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q -n $(WORKERS) -m "not slow"

bench: .venv/.test ## speed as ratios in one run; wants a quiet machine
	$(BIN)/python -m bench

seeded: .venv/.test .venv/.others ## each seeded defect must be caught by the test that it names
	$(BIN)/python tests/seeded/run.py

mutants: .venv/.mutants ## each small change to audit/ fails a test, or is explained; an hour or so
	$(BIN)/python -m tests.mutants.run

soak: .venv/.test ## kill -9 under load, 500 times, and full disks; KILLS=5000 for a night
	KILLS=$(or $(KILLS),500) $(BIN)/python -m pytest tests/endurance

lock: ## resolve requirements/*.in again, with hashes and without addresses
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip --disable-pip-version-check --quiet install pip-tools
	set -e; for name in run test build mutants; do \
		.venv-lock/bin/pip-compile --quiet --generate-hashes --no-header --no-emit-index-url \
			--no-emit-find-links --strip-extras --allow-unsafe $(UPGRADE) \
			--output-file requirements/$$name.txt requirements/$$name.in; \
	done
	! grep -n '://' requirements/*.txt

clean: ## everything that can be made again; never ./var, where data and keys are
	rm -rf .venv .venv-lock .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.made:
	@$(PYTHON) -c 'import sys' 2>/dev/null || { \
		echo "Python was not found as '$(PYTHON)'. Install Python 3.11 or newer, or say PYTHON=/path/to/python3."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed; '$(PYTHON)' is older. Say PYTHON=/path/to/python3."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "Python's venv module is missing: installing python3-venv."; \
			apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y python3-venv >/dev/null; \
		fi; \
		$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
			echo "Python's venv module is missing. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }; }
	$(PYTHON) -m venv .venv
	@touch $@

.venv/.run: requirements/run.txt requirements/build.txt pyproject.toml | .venv/.made
	@echo "Installing what the service needs (once, and when the lock changes)."
	$(PIP) install --require-hashes -r requirements/run.txt
	$(PIP) install --require-hashes -r requirements/build.txt
	$(PIP) install --no-deps --no-build-isolation --no-index --editable .
	@touch $@

.venv/.test: requirements/test.txt .venv/.run
	@echo "Installing what the tests need (once, and when the lock changes)."
	$(PIP) install --require-hashes -r requirements/test.txt
	@touch $@

.venv/.mutants: requirements/mutants.txt .venv/.test
	@echo "Installing what changes the code for its tests (once, and when the lock changes)."
	$(PIP) install --require-hashes -r requirements/mutants.txt
	@touch $@

# Programs that are not ours, which the tests ask about our log. Tried once; what is missing then is skipped.
GO_HERE := command -v go >/dev/null
GO_MOD_HERE := [ -d /usr/share/gocode/src/golang.org/x/mod/sumdb/tlog ]
APT := DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=0 -o Acquire::http::Timeout=20

.venv/.others: | .venv/.made
	@missing="$$($(GO_HERE) || echo golang-go) $$($(GO_MOD_HERE) || echo golang-golang-x-mod-dev)"; \
	if [ "$$missing" != " " ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Go or golang.org/x/mod is missing: installing" $$missing "(once)."; \
		$(APT) update >/dev/null 2>&1; $(APT) install -y --no-install-recommends $$missing >/dev/null 2>&1; \
	fi; \
	{ $(GO_HERE) && $(GO_MOD_HERE); } || echo "Go with golang.org/x/mod is not here: the tests that ask it will be skipped."
	@touch $@
