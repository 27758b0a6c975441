# plantlab: `make run` runs the course, `make test` runs every test. Both set everything up by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MODEL ?= five-flowers
READY := $(VENV)/.ready
export JUPYTER_PLATFORM_DIRS = 1

.PHONY: run all test lab page workshop notebooks bench clean help

run: $(READY)  ## execute the course; results/index.html grows with it; make run DATASET=FOLDER on photographs of yours
	@$(BIN)/plantlab run --course $(if $(DATASET),-p dataset "$(DATASET)")

all: $(READY)  ## execute every notebook, the appendices too
	@$(BIN)/plantlab run --all

test: $(READY)  ## ruff, pytest with doctests, every notebook and solution once
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/python -m pytest -n auto --dist loadgroup

lab: $(READY)  ## open JupyterLab on the notebooks
	@GOMP_SPINCOUNT=$${GOMP_SPINCOUNT:-20000} $(BIN)/jupyter lab --notebook-dir=. notebooks/01_data_exploration.ipynb

page: $(READY)  ## open the identify desk as a web page; make page MODEL=FOLDER opens a model of your own
	@$(BIN)/plantlab page --model $(MODEL) $(ARGS)

workshop: $(READY)  ## write the students' copies of the notebooks to workshop/
	@$(BIN)/plantlab workshop $(ARGS)

notebooks: $(READY)  ## rebuild the outputs that are committed
	@$(BIN)/plantlab run --all --store && $(BIN)/plantlab run --solutions --store && $(BIN)/python -m plantlab.notebook.told

bench: $(READY)  ## fastai beside plantlab: top-1 against minutes, loading, embedding
	@$(BIN)/python tests/bench/bench.py $(ARGS)

$(READY): pyproject.toml constraints.txt .ci/mend_torchvision.py
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON) here; plantlab needs Python 3.11 to 3.14. Name one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 11) <= v < (3, 15) else "plantlab needs Python 3.11 to 3.14; $(PYTHON) is %d.%d. Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" % v[:2])'
	@$(PYTHON) -c 'import sys, importlib.util as u; sys.exit(0 if u.find_spec("venv") and u.find_spec("ensurepip") else "$(PYTHON) has no venv module; on Debian or Ubuntu: sudo apt install python3-venv. Then run make again.")'
	@echo "Setting up .venv (once; minutes on a slow line) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check uv
	@asked() { $(BIN)/python -m pip config get global.$$1 2>/dev/null; }; \
	 UV_FIND_LINKS="$${UV_FIND_LINKS:-$$(asked find-links)}"; [ -z "$$UV_FIND_LINKS" ] || export UV_FIND_LINKS; \
	 UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$$(asked index-url)}"; [ -z "$$UV_DEFAULT_INDEX" ] || export UV_DEFAULT_INDEX; \
	 $(BIN)/uv pip install -q --compile-bytecode --python $(BIN)/python -c constraints.txt -e ".[dev]"
	@$(BIN)/python .ci/mend_torchvision.py
	@touch $@

clean:  ## remove the environment, the built data and the executed copies (records stay)
	rm -rf $(VENV) data/greenhouse data/cache results/index.html

help:
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12
