# One command each. `make demo` and `make test` need only Python >= 3.11 with venv, and make.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check
ARGS ?=

help:
	@echo "make demo     place a real call to the demo hotline and watch it"
	@echo "make run      start the hotline and leave it on"
	@echo "make test     the whole test suite"
	@echo "make check    format, lint, types, import rules"
	@echo "make interop  calls with Asterisk, SIPp, baresip, Linphone, pyVoIP (root, Debian)"
	@echo "make bench    measure; make fuzz  longer fuzzing of the parsers"

$(VENV)/.installed: pyproject.toml
	@echo "Installing voicebot and what it needs into $(VENV) (once, about a minute) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --quiet --editable '.[dev]'
	@touch $@

demo: $(VENV)/.installed
	@$(BIN)/voicebot demo $(ARGS)

run: $(VENV)/.installed
	@$(BIN)/voicebot serve $(ARGS)

# The calls over real sockets run apart, and the demo's alone: they live in real time and want the processors to themselves.
LIVE := tests/robustness tests/privacy
test: $(VENV)/.installed
ifneq ($(ARGS),)
	@$(BIN)/python -m pytest $(ARGS)
else
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(addprefix --ignore=,$(LIVE) tests/demo)
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(LIVE)
	@$(BIN)/python -m pytest tests/demo
endif

check: $(VENV)/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

interop: $(VENV)/.installed
	@$(BIN)/python -m pytest tests/interop $(ARGS)

bench: $(VENV)/.installed
	@$(BIN)/python -m bench $(ARGS)

# Led by coverage with `pip install -e .[fuzz]`. FUZZ_SECONDS=600 goes on for ten minutes (60) for the parsers, and as long for dialplans.
fuzz: $(VENV)/.installed
	@$(BIN)/python -m pytest tests/fuzz $(ARGS)

.PHONY: help demo run test check format interop bench fuzz
