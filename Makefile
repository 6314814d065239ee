# Set-up and daily commands. Needs Python >= 3.11 and make; everything else goes into .venv.
#   ARGS    passed on to the command of the target:   make train ARGS="algo=mappo seed=3"
#   TORCH   how pip is to find torch (see README):    make train TORCH="torch --index-url https://download.pytorch.org/whl/cpu"
#   PYTHON  the Python that .venv is made with:       make train PYTHON=/opt/python3.12/bin/python3
.DEFAULT_GOAL := help
.PHONY: help train test lint format interop gpu-check bench peers clean distclean
.DELETE_ON_ERROR:

ARGS    ?=
TORCH   ?= torch
PYTHON  ?=
WORKERS ?= 2
CUDA    ?= "numba-cuda[cu12]==0.30.4"
RLLIB   ?= "ray[rllib]==2.60.0" "gymnasium==1.2.2"

VENV := .venv
RUN  := $(VENV)/bin/python
PIP   = $(RUN) -m pip install --disable-pip-version-check --quiet
# A stamp says that a step of the set-up is done; all lie in the environment, so they go with it.
TRAIN_READY := $(VENV)/.ready-train
TEST_READY  := $(VENV)/.ready-test

# Prints the first Python that will do, or says what would.
define find-python
found=""; for p in $(or $(PYTHON),python3.13 python3.12 python3.11 python3 python); do \
  if command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
    if $$p -c 'import ensurepip, venv' 2>/dev/null; then found=$$p; break; else bare=$$p; fi; fi; done; \
if [ -z "$$found" ] && [ -n "$$bare" ]; then \
  echo "$$bare cannot make virtual environments: install its venv module (Debian, Ubuntu: apt install $$bare-venv)." >&2; exit 1; fi; \
if [ -z "$$found" ]; then \
  there=`command -v $(or $(PYTHON),python3) >/dev/null && $(or $(PYTHON),python3) --version 2>&1 || echo none`; \
  echo "Python 3.11 or newer is needed; found: $$there." >&2; \
  echo "Install one (python.org, apt install python3.11 python3.11-venv, brew install python@3.13), or name it:" >&2; \
  echo "  make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; exit 1; fi
endef

help:  ## this text
	@echo "Multi-Agent Battle City"; echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile
	@echo; echo "The first call installs into $(VENV); later calls start at once. Examples:"
	@echo '  make train'
	@echo '  make train ARGS="env.scenario=skirmish-5v6 algo=mappo seed=3"'
	@echo '  make train ARGS=--help                 what can be set'
	@echo '  make train TORCH="torch --index-url https://download.pytorch.org/whl/cpu"'
	@echo '                                         first call on a machine without a GPU: a small torch'
	@echo '  make test ARGS="tests/mabc -k brick"   some of the tests'

train: $(TRAIN_READY)  ## train tanks on env=mabc; ARGS="…" are overrides
	$(RUN) -m algos.train $(if $(filter env=% resume=%,$(ARGS)),,env=mabc) $(ARGS)

test: lint  ## lint, types and all tests; ARGS="…" go to pytest
	OMP_NUM_THREADS=1 $(RUN) -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

lint: $(TEST_READY)  ## ruff and mypy, as pre-commit and .ci/run do
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

format: $(TEST_READY)  ## put the code into shape, and mend what ruff can mend
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

bench: $(TEST_READY)  ## how fast the environment is on this machine; ARGS="--json" …
	$(RUN) scripts/bench_env.py $(ARGS)

peers: .venv-peers/.ready  ## what `make bench ARGS=--peers` measures us against, in an environment of its own

interop: .venv-rllib/.ready  ## RLlib, which needs older versions, in an environment of its own
	RAY_USAGE_STATS_ENABLED=0 PYTHONPATH=envs:. .venv-rllib/bin/python tests/interop/rllib_ppo.py $(ARGS)

gpu-check: .venv-cuda/.ready  ## compile the step for a GPU, without having one, in an environment of its own
	PYTHONPATH=envs:. .venv-cuda/bin/python tests/gpu/compile_ptx.py

clean:  ## remove caches and build products; runs/ and the environments stay
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find envs algos world_models tests scripts -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

distclean: clean  ## clean, and remove .venv and the other environments as well
	rm -rf .venv .venv-rllib .venv-peers .venv-cuda

$(VENV)/.ready-python:
	@$(find-python); echo "Making $(VENV) with `$$found --version`"; $$found -m venv $(VENV)
	@touch $@

# torch first and alone: what it is found with (TORCH) must not decide where the rest comes from.
$(VENV)/.ready-torch: $(VENV)/.ready-python
	@echo "Installing torch (plain torch brings CUDA along on Linux; README says how to get the small CPU build)"
	@grep '^torch==' constraints.txt > $(VENV)/torch.txt
	@$(PIP) -c $(VENV)/torch.txt $(TORCH)
	@touch $@

$(TRAIN_READY): pyproject.toml constraints.txt | $(VENV)/.ready-torch
	@echo "Installing mabc with what training needs"
	@$(PIP) -c constraints.txt -e ".[train]"
	@touch $@

$(TEST_READY): $(TRAIN_READY)
	@echo "Installing what the tests need"
	@$(PIP) -c constraints.txt -e ".[train,offline,render,interop,dev]"
	@touch $@

.venv-rllib/.ready: pyproject.toml constraints.txt
	@$(find-python); echo "Making .venv-rllib with `$$found --version`"; $$found -m venv .venv-rllib
	@grep '^torch==' constraints.txt > .venv-rllib/torch.txt
	@.venv-rllib/bin/python -m pip install --disable-pip-version-check --quiet -c .venv-rllib/torch.txt $(TORCH)
	@.venv-rllib/bin/python -m pip install --disable-pip-version-check --quiet -c .venv-rllib/torch.txt $(RLLIB) -e .
	@touch $@

.venv-peers/.ready: scripts/peers/requirements.txt
	@$(find-python); echo "Making .venv-peers with `$$found --version`"; $$found -m venv .venv-peers
	@.venv-peers/bin/python -m pip install --disable-pip-version-check --quiet -r $<
	@touch $@

# CUDA's compilers come as packages; no GPU or driver is needed.
.venv-cuda/.ready: pyproject.toml constraints.txt
	@$(find-python); echo "Making .venv-cuda with `$$found --version`"; $$found -m venv .venv-cuda
	@.venv-cuda/bin/python -m pip install --disable-pip-version-check --quiet -c constraints.txt $(CUDA) -e .
	@touch $@
