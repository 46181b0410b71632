# On a fresh machine: python3 >= 3.11 and make are enough. `make PYTHON=/path/to/python3.12 check` chooses the interpreter.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo "$$p"; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-lowest lowest fuzz check style fmt examples bench clean

demo: $(READY)  ## check the bundled example datasets, good and bad
	@$(BIN)/mmcheck demo

test: $(READY)  ## the tests alone
	@$(BIN)/python -m pytest -n auto --dist loadgroup

# What the dependencies do: read, judge, apply rules, open media, convert, report. Of the extras it needs av alone.
LOWEST := acceptance align columns convert_round_trips datasets dialect expression global_rules html json_parts limits \
	locate probe probe_base64 profiles readers_columnar readers_csv readers_json readers_yaml rulefile stanzas
TESTS ?= $(LOWEST:%=tests/test_%.py)
WITH ?= -e '.[av]' hypothesis pytest pytest-xdist
test-lowest: lowest  ## with the lowest versions that pyproject.toml allows; all tests: make test-lowest TESTS=tests WITH='-e .[dev]'
	@build/lowest/bin/python -m pytest -n auto --dist loadgroup $(TESTS)

lowest:
	@mkdir -p build
	@test -x build/lowest/bin/python || "$(PYTHON)" -m venv build/lowest
	@"$(PYTHON)" scripts/lowest.py > build/lowest.txt
	@build/lowest/bin/python -m pip install --quiet --disable-pip-version-check -c build/lowest.txt $(WITH)

fuzz: $(READY)  ## hostile input for FUZZ_EXAMPLES examples a harness: readers, JSON, probe, rules files
	@MMCHECK_FUZZ=$${FUZZ_EXAMPLES:-20000} $(BIN)/python -m pytest -n auto tests/fuzz

check: style test  ## what continuous integration runs, beside test-lowest: style, types, tests

style: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

fmt: $(READY)  ## format the code, repair what ruff can repair
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

examples: $(READY)  ## write the example datasets again
	@$(BIN)/python scripts/make_examples.py

SIZE ?= small
bench: $(READY)  ## mmcheck beside what people write themselves: SIZE=small takes minutes, SIZE=full hours and 20 GB
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]' || \
		echo "not all of the extra bench could be installed: the rows of what is missing say so"
	@$(BIN)/python -m benchmarks --size $(SIZE)

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Installed once, and again when pyproject.toml changes.
$(READY): pyproject.toml
	@test -n "$(PYTHON)" || { echo "mmcheck needs Python 3.11 or newer: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@
