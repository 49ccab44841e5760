# Two commands do everything: `make demo` and `make test`. Both install what they need into .venv.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: demo test faults sandbox check format lock clean

demo: $(STAMP)
	@$(BIN)/python -m sandbox demo

sandbox: $(STAMP)
	@$(BIN)/python -m sandbox serve

# What has clocks of its own comes after everything else: the journeys, two at a time since they mostly wait, and each
# has ports and folders of its own; and the sample of the matrix, alone.
SIDE_BY_SIDE := tests/actions tests/coordinator tests/docs tests/hostile tests/sallyport tests/sandbox

test: check
	$(BIN)/python -m pytest -n auto --dist loadfile $(SIDE_BY_SIDE)
	$(BIN)/python -m pytest -n 2 --dist loadfile tests/journeys
	$(BIN)/python -m pytest $(addprefix --ignore=,$(SIDE_BY_SIDE) tests/journeys)

# Every outside call of the coordinator and of the jobs, spoilt in every way, must end as the undisturbed run does.
# It takes minutes; `make test` takes a sample of it, another one for each commit.
faults: $(STAMP)
	$(BIN)/python -m pytest tests/faults

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/actionlint .github/workflows/*.yml
	$(BIN)/zizmor --offline --quiet .github
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/python -m coordinator policies check
	$(BIN)/python -m coordinator policies test

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The hashed requirements: resolved from pyproject.toml, one file for each place that installs.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock" pyproject.toml
lock: $(STAMP)
	$(BIN)/python -m pip install --quiet "uv>=0.13"
	$(LOCK) --extra coordinator --extra actions --extra sandbox --extra dev -o requirements.txt
	$(LOCK) --extra coordinator -c requirements.txt -o coordinator/requirements.txt
	$(LOCK) --extra actions -c requirements.txt -o actions/requirements.txt

$(STAMP): requirements.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.txt
	@touch $@

clean:
	rm -rf .venv .sandbox
