# Two commands do everything on a fresh machine: `make demo` and `make test`. `make` lists the rest.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Two at a time, the tests of a file in one process, which share its models: most of a test is one thread that builds a
# graph. `make test ARGS="-n 0"` is one at a time.
SIDE_BY_SIDE := -n 2 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow conformance bench docs lint format serve clean

help: ## List these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "make %-10s %s\n", $$1, $$2 }'

setup: $(READY) ## Make .venv and install everything into it

$(READY): setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
		{ echo "Python 3.11, 3.12 or 3.13 is needed, but $(PYTHON) is $$($(PYTHON) --version): run make PYTHON=python3.11 ..."; exit 1; }
	@echo "==> making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@echo "==> installing TensorFlow, Keras and the tools of constraints.txt: about 2 GB, a few minutes the first time"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[development]'
	@touch $@
	@echo "==> $(VENV) is ready"

demo: $(READY) ## The whole way; DATA=folder of CREMA-D for real speech, WEIGHTS=yamnet.h5 to start from AudioSet
	@$(BIN)/ser demo $(if $(DATA),--data "$(DATA)") $(if $(WEIGHTS),--weights "$(WEIGHTS)") $(if $(OUT),--out "$(OUT)")

test: $(READY) ## The tests; real speech is looked for in $SER_DATA, then in ../shared/data
	@echo "==> testing"
	@$(BIN)/python -m pytest $(SIDE_BY_SIDE) $(ARGS)

test-slow: $(READY) ## Also the tests that take minutes
	@$(BIN)/python -m pytest -m 'slow or not slow' $(ARGS)

conformance: $(READY) ## What both servers must answer, asked of SERVER=HOST:PORT, else of TensorFlow Serving in a container
	@BIN=$(BIN) REST_SERVER="$(REST_SERVER)" tests/serving/conformance/against-container.sh $(SERVER)

bench: $(READY) ## The benchmarks behind the README's claims of speed; DATA=folder of CREMA-D
	@test -n "$(DATA)" || { echo "say where CREMA-D lies: make bench DATA=path/to/CREMA-D"; exit 1; }
	@$(BIN)/ser data prepare crema_d="$(DATA)" out/bench/data
	@$(BIN)/python -m benchmarks.prepare crema_d="$(DATA)"
	@$(BIN)/python -m benchmarks.prepare_memory crema_d="$(DATA)"
	@$(BIN)/python -m benchmarks.log_mel out/bench/data
	@$(BIN)/python -m benchmarks.input_pipeline out/bench/data
	@$(BIN)/python -m benchmarks.features out/bench/data
	@test -d out/bench/models || $(BIN)/python -m benchmarks.random_mobilenet out/bench/models
	@$(BIN)/python -m benchmarks.serving_load --spawn out/bench/models --compare
	@echo "==> wav2vec 2.0 against ONNX Runtime and PyTorch, which are installed first: this takes long"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[reference]'
	@$(BIN)/python -m benchmarks.wav2vec2_inference
	@$(BIN)/python -m benchmarks.wav2vec2_training

docs: $(READY) ## Write docs/settings.md from the declarations of the settings
	@$(BIN)/python -m training.cli.settings_table > docs/settings.md
	@echo "written: docs/settings.md"

lint: $(READY) ## ruff (check, format) and mypy
	@echo "==> ruff check";  $(BIN)/ruff check .
	@echo "==> ruff format"; $(BIN)/ruff format --check .
	@echo "==> mypy";        $(BIN)/mypy

format: $(READY) ## Let ruff put the code in order
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

serve: $(READY) ## Serve MODELS (default: those of the demo) on gRPC
	@$(BIN)/ser serve $(or $(MODELS),out/demo/synthetic/models)

clean: ## Remove .venv and everything the demo wrote
	rm -rf $(VENV) out
