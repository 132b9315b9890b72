# Each target sets up what it needs in $(VENV), once, and again when its sources change.
# PYTHON=python3.12 takes another interpreter, with an environment of its own under .venvs/.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-builtin-rules --no-print-directory
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

NEWEST_PYTHON = $(shell for python in python3.13 python3.12 python3.11 python3; do \
	if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$python; break; fi; done)

ifeq ($(origin PYTHON),undefined)
VENV ?= .venv
PYTHON = $(or $(NEWEST_PYTHON),$(error no Python 3.11 or newer was found: name one with PYTHON=...))
else ifeq ($(origin VENV),undefined)
VENV := .venvs/$(shell $(PYTHON) -c 'import sys; print("{}.{}".format(*sys.version_info))' 2>/dev/null)
endif

RUN := $(VENV)/bin/python -m
PYTEST = $(RUN) pytest -p no:benchmark --numprocesses $(or $(JOBS),$(ONE_MORE)) --dist worksteal
# One more process than there are cores, as tests also wait for servers and disks.
ONE_MORE = $(shell cores=$$(getconf _NPROCESSORS_ONLN); echo $$((cores < 8 ? cores + 1 : 8)))
NATIVE_SOURCES := Cargo.toml Cargo.lock pyproject.toml $(shell find rust \( -name target -o -name fuzz \) -prune -o -type f -print)
export VIRTUAL_ENV := $(abspath $(VENV))
export PYO3_PYTHON := $(VIRTUAL_ENV)/bin/python
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_QUIET := 1
unexport CONDA_PREFIX

FUZZ_TARGETS = $(notdir $(basename $(wildcard rust/fuzz/fuzz_targets/*.rs)))

heading = @printf '\n=== %s ===\n' '$(1)'

.PHONY: help demo bench bench-peers build test test-python fuzz chaos exits crash interrupts clean
.PHONY: lint lint-rust lint-python lint-workflows types audit test-rust test-coverage test-docs test-wheel test-built-wheel

help: ## list the targets
	@echo 'make TARGET [PYTHON=another interpreter]'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-18s%s\n", $$1, $$2}' Makefile

# Environment

$(VENV)/.created:
	$(call heading,Environment in $(VENV))
	$(PYTHON) -m venv --clear $(VENV)
	$(RUN) pip install --quiet --upgrade pip 'maturin>=1.9,<2'
	@touch $@

$(VENV)/.built: $(VENV)/.created $(NATIVE_SOURCES)
	$(call heading,Release build)
	$(RUN) maturin develop --release
	@touch $@

$(VENV)/.extra-%: pyproject.toml | $(VENV)/.built
	$(call heading,Extra packages: $*)
	$(RUN) maturin develop --release --quiet --extras $*
	@touch $@

build: $(VENV)/.built ## build a release into the environment

# Use

demo: $(VENV)/.built ## publish, record, query, replay, compare; INPUT=FILE on a market data file
	$(VENV)/bin/trading-events demo $(if $(INPUT),--input '$(INPUT)') $(ARGS)

$(VENV)/.vnpy: Makefile | $(VENV)/.extra-bench
	$(call heading,vn.py without what its windows and indicators need)
	$(RUN) pip install --no-deps vnpy==4.5.0
	@touch $@

bench: $(VENV)/.built $(VENV)/.extra-bench ## measure this package and write the table; QUICK=1 only tries
	$(RUN) pytest benchmarks $(if $(QUICK),--benchmark-disable,--benchmark-only)
	$(RUN) benchmarks.figures $(if $(QUICK),--quick)

bench-peers: $(VENV)/.built $(VENV)/.extra-bench $(VENV)/.vnpy ## measure it beside others and write the table; QUICK=1 only tries
	$(RUN) benchmarks.peers $(if $(QUICK),--quick)

# Checks

test: ## run every check
	@$(MAKE) --jobs=2 --output-sync=target test-rust lint types test-wheel
	@$(MAKE) test-coverage
	@printf '\nAll checks passed on %s: Rust tests, lint, types, stub, the wheel alone, Python tests with coverage.\n' \
		"$$($(VENV)/bin/python -V)"

test-rust: $(VENV)/.created
	$(call heading,Rust tests)
	if cargo nextest --version >/dev/null 2>&1; then \
		cargo nextest run --workspace --no-fail-fast && env -u MAKEFLAGS cargo test --workspace --doc; \
		else cargo test --workspace --no-fail-fast; fi

lint: lint-rust lint-python lint-workflows ## check form: rustfmt, clippy, ruff, workflows

lint-rust: $(VENV)/.created
	$(call heading,Rust lint)
	cargo fmt --all --check
	cargo fmt --manifest-path rust/fuzz/Cargo.toml --check
	cargo clippy --workspace --all-targets -- -D warnings

lint-python: $(VENV)/.extra-dev
	$(call heading,Python lint)
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(VENV)/bin/lint-imports --no-logo

lint-workflows: $(VENV)/.extra-dev
	$(call heading,Workflows)
	$(RUN) check_jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(RUN) check_jsonschema --builtin-schema vendor.github-issue-forms $(filter-out %/config.yml,$(wildcard .github/ISSUE_TEMPLATE/*.yml))
	$(RUN) check_jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(VENV)/bin/zizmor --quiet --offline .github/workflows

types: $(VENV)/.built $(VENV)/.extra-dev ## check types and the stub of the native module
	$(call heading,Types)
	$(RUN) mypy
	$(RUN) basedpyright --pythonpath $(VENV)/bin/python
	$(RUN) mypy.stubtest trading.events._core --allowlist <(echo 'trading\.events\._core\.__all__')

test-coverage: $(VENV)/.built $(VENV)/.extra-dev
	$(call heading,Python tests with coverage)
	$(PYTEST) --cov --cov-report=term

test-python: $(VENV)/.built $(VENV)/.extra-test ## run the Python tests alone
	$(call heading,Python tests)
	$(PYTEST)

chaos: $(VENV)/.built $(VENV)/.extra-test ## kill servers, connections and consumers, FAULTS times (default 200) each
	$(call heading,Chaos)
	CHAOS_FAULTS=$(or $(FAULTS),200) $(RUN) pytest tests/system/chaos -s

exits: $(VENV)/.built $(VENV)/.extra-test ## end interpreters whose threads are at work, EXITS times (default 200) each way
	$(call heading,Exits)
	EXITS=$(or $(EXITS),200) $(RUN) pytest -p no:benchmark tests/system/exits

test-docs: $(VENV)/.built $(VENV)/.extra-test ## run the examples in the documents, follow their links, compare their tables
	$(call heading,Documents)
	$(PYTEST) tests/test_docs*.py

# Installs what is in the folder $(1) in an empty environment of the Python $(2), and runs the first example of the README.
define try_package
	sed -n '/^```python$$/,/^```$$/{/^```python$$/d;/^```$$/q;p}' README.md >"$$away/example.py"; \
	test -s "$$away/example.py" || { echo 'README.md has no python example' >&2; exit 1; }; \
	$(2) -m venv "$$away/venv"; \
	"$$away/venv/bin/pip" install --quiet $(1)/*; \
	cd "$$away"; \
	venv/bin/trading-events --help >/dev/null; \
	venv/bin/python -I example.py
endef

test-wheel: $(VENV)/.built
	$(call heading,The wheel in an empty environment)
	away=$$(mktemp -d); trap 'rm -rf "$$away"' EXIT; \
	$(RUN) maturin build --release --out "$$away/dist"; \
	$(call try_package,"$$away/dist",$(VENV)/bin/python)

test-built-wheel: ## install what is in the folder WHEELS in an empty environment, and run the first example of the README
	away=$$(mktemp -d); trap 'rm -rf "$$away"' EXIT; \
	$(call try_package,'$(WHEELS)',$(PYTHON))

audit: $(VENV)/.extra-dev .venvs/audit/.created ## check dependencies: licences, sources, known faults; says what it could not check
	$(call heading,Dependencies)
	@if ! cargo deny --version >/dev/null 2>&1; then echo 'NOT RUN: cargo deny, which `cargo install cargo-deny` brings'; exit; fi; \
	cargo deny check licenses bans sources; \
	found=$$(cargo deny check advisories 2>&1) && echo "$$found" || \
		case "$$found" in *'failed to fetch'*) echo 'NOT RUN: cargo deny check advisories, whose database cannot be reached' ;; \
		*) echo "$$found" >&2; exit 1 ;; esac
	@found=$$(.venvs/audit/bin/pip-audit --path $(VENV)/lib/python*/site-packages --skip-editable 2>&1) || \
		case "$$found" in *[Cc]onnection*) echo 'NOT RUN: pip-audit, whose service cannot be reached'; exit ;; \
		*) echo "$$found" >&2; exit 1 ;; esac; \
	unknown=$$(grep -c 'could not be audited' <<<"$$found" || true); \
	echo "pip-audit: nothing known against the packages that its service has; NOT RUN for $$unknown that it does not have"

.venvs/audit/.created: Makefile
	$(PYTHON) -m venv --clear $(@D)
	$(@D)/bin/python -m pip install --quiet pip-audit==2.10.1
	@touch $@

fuzz: ## look for programs that break the Rust core; SECONDS=600 shared out among the targets
	@cargo fuzz --version >/dev/null 2>&1 || { echo 'make fuzz needs cargo-fuzz: cargo install cargo-fuzz' >&2; exit 1; }
	for target in $(FUZZ_TARGETS); do \
		cargo fuzz run --fuzz-dir rust/fuzz --sanitizer none $$target -- \
			-max_total_time=$$(($(or $(SECONDS),60) / $(words $(FUZZ_TARGETS)))) -timeout=20 -print_final_stats=1; \
	done

crash: $(VENV)/.built $(VENV)/.extra-test ## kill 2,000 recording processes, lose power, fail every call; an hour or more
	$(RUN) tests.system.crash --kills 2000
	$(RUN) tests.system.crash --power 10
	$(RUN) tests.system.crash --faults 5

interrupts: $(VENV)/.built $(VENV)/.extra-test ## interrupt each command at TIMES (default 200) moments; an hour or more
	$(RUN) tests.system.interrupts --each $(or $(TIMES),200)

clean: ## remove what was built, environments included
	rm -rf .venv .venvs target build dist htmlcov .coverage .coverage.* .benchmarks
	rm -rf rust/fuzz/target rust/fuzz/corpus rust/fuzz/artifacts
	rm -rf .pytest_cache .mypy_cache .import_linter_cache .ruff_cache .hypothesis
	rm -f python/trading/events/_core*.so
	find python tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
