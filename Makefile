# make demo | test | check | wheel-check: each sets up everything it needs in .venv first.
PYTHON ?= python3
VENV ?= .venv
BRIEF ?= A red ball rolls across a green meadow at sunset. Then it bounces over the sea at night while the camera zooms in. Finally the ball meets a yellow star in the snow.
READY := $(VENV)/.ready
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
SOURCES := kinograph agents graphs tools memory prompts evals tests examples

.PHONY: demo test check format wheel-check bench eval-smoke eval-baseline studies typings clean

demo: $(READY)
	@film=$$($(BIN)/kinograph make "$$BRIEF") || test $$? = 7 && $(BIN)/kinograph show "$$(dirname "$$film")"

test: $(READY)
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 4 --dist worksteal  # more than cores: much of it waits for deadlines

check: $(READY) typings
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/pyright
	$(MAKE) test

format: $(READY)
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

# The wheel, installed in a fresh environment outside the checkout, makes a film of one shot.
wheel-check: $(READY)
	sh tests/wheel_check.sh $(PYTHON) $(BIN)/python

# A small evaluation; fails on what got worse than evals/baseline.json by more than the interval recorded there.
eval-smoke: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m kinograph.evals.smoke

eval-baseline: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m kinograph.evals.smoke --record

# The shipped studies, made anew and kept where they are committed; goes on where it was stopped. Hours on two cores.
studies: $(READY)
	for one in topologies agents; do \
	  OMP_NUM_THREADS=1 $(BIN)/kinograph eval study $$one --parallel 2 --by processes --gallery 2 --inline 0.6 --out studies/$$one \
	  && cp studies/$$one/report.html evals/studies/reports/$$one.html \
	  && cp studies/$$one/study.json evals/studies/reports/$$one.json || exit 1; done

bench: $(READY)
	$(BIN)/python tests/bench/start.py
	$(BIN)/python tests/bench/judging.py
	$(BIN)/python tests/bench/detectors.py
	$(BIN)/python tests/bench/minds.py
	$(BIN)/python tests/bench/embedded.py
	$(BIN)/python -m kinograph.evals.embedded
	for one in makespan critical_path overhead scaling harness; do $(BIN)/python -m kinograph.evals.bench.$$one || exit 1; done

# The packages are mapped onto top-level folders; links show pyright the shape that Python sees.
typings:
	@mkdir -p .typings/kinograph
	@find -L .typings/kinograph -maxdepth 1 -type l -exec rm {} +  # of files that are gone
	@for part in agents graphs tools memory prompts evals; do ln -sfn ../../$$part .typings/kinograph/$$part; done
	@for file in kinograph/*; do ln -sfn ../../$$file .typings/kinograph/$$(basename $$file); done

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "kinograph needs Python 3.11 or newer; name one with make PYTHON=…")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing kinograph and its pinned dependencies into $(VENV) (a few minutes, once)"
	@$(PIP) install -c constraints.txt -e ".[test,dev]"
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis

export BRIEF
