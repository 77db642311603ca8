# `make train` and `make test` each make what they need: a virtual environment in .venv with everything in it.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
DEV := $(VENV)/ready-dev
# Compiling every module of every package would take longer than the smoke run; Python does it as needed.
INSTALL := $(BIN)/python -m pip install --quiet --no-compile --editable
RUN := runs/smoke-$(shell date +%Y%m%d-%H%M%S)

.PHONY: train test lint setup clean

train: $(READY)  ## a short run on the CPU, its evaluation with a video, and its ONNX file
	$(BIN)/python scripts/train.py --config smoke --run $(RUN)
	$(BIN)/python scripts/evaluate.py $(RUN) --envs 12 --video
	$(BIN)/python scripts/export_onnx.py $(RUN)
	@echo; echo "Everything is in $(RUN):"; ls -1p $(RUN)

test: lint  ## style, types, and every test that needs neither a GPU nor much time
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow and not gpu and not multigpu"

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

setup: $(DEV)  ## everything for working on the code

# Some "python3.x" are only shims that fail when run, so every candidate is tried out.
$(READY): pyproject.toml
	@for python in $(PYTHON) python3.12 python3.11 python3; do \
	  if $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null; then \
	    echo "setting up $(VENV) with $$($$python --version)"; \
	    $$python -m venv --clear $(VENV) || { \
	      echo "error: cannot make a virtual environment; on Debian: apt-get install python3-venv"; exit 1; }; \
	    break; \
	  fi; \
	done; \
	test -x $(BIN)/python || { echo "error: needs Python 3.11 or 3.12; found neither (or: make PYTHON=...)"; exit 1; }
	$(INSTALL) '.[train,onnx]'
	@touch $@

$(DEV): $(READY)
	$(INSTALL) '.[train,onnx,import,dev]'
	@touch $@

clean:
	rm -rf $(VENV)
