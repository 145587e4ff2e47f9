# On a fresh machine, `make demo` and `make test` install what they need. `make` lists all commands.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Two files at a time, because most of a test is one thread that builds a graph. All tests of a file run in one process
# and share its models. `make test ARGS="-n 0"` runs one test at a time.
SIDE_BY_SIDE := -n 2 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow conformance bench docs protoset lint format serve clean

help: ## List these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "make %-11s %s\n", $$1, $$2 }'

setup: $(READY) ## Create .venv and install everything into it

$(READY): setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
		{ echo "Python 3.11, 3.12 or 3.13 is needed, but $(PYTHON) is $$($(PYTHON) --version): run make PYTHON=python3.11 ..."; exit 1; }
	@echo "==> creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@echo "==> installing TensorFlow, Keras and the tools of constraints.txt: about 2 GB, a few minutes the first time"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[development]'
	@touch $@
	@echo "==> $(VENV) is ready"

demo: $(READY) ## From data to predictions; DATA=folder of CREMA-D for real speech, WEIGHTS=yamnet.h5 for AudioSet's weights
	@$(BIN)/ser demo $(if $(DATA),--data "$(DATA)") $(if $(WEIGHTS),--weights "$(WEIGHTS)") $(if $(OUT),--out "$(OUT)")

test: $(READY) ## Run the tests; real speech is read from $SER_DATA or ../shared/data
	@echo "==> testing"
	@$(BIN)/python -m pytest $(SIDE_BY_SIDE) $(ARGS)

test-slow: $(READY) ## Run all tests, including those that take minutes
	@$(BIN)/python -m pytest -m 'slow or not slow' $(ARGS)

conformance: $(READY) ## Test SERVER=HOST:PORT, or TensorFlow Serving in a container, with the suite for both servers
	@BIN=$(BIN) REST_SERVER="$(REST_SERVER)" tests/serving/conformance/against-container.sh $(SERVER)

bench: $(READY) ## Run the speed benchmarks of docs/results.md; DATA=folder of CREMA-D
	@test -n "$(DATA)" || { echo "give a folder of CREMA-D: make bench DATA=path/to/CREMA-D"; exit 1; }
	@$(BIN)/ser data prepare crema_d="$(DATA)" out/bench/data
	@$(BIN)/python -m benchmarks.prepare crema_d="$(DATA)"
	@$(BIN)/python -m benchmarks.prepare_memory crema_d="$(DATA)"
	@$(BIN)/python -m benchmarks.log_mel out/bench/data
	@$(BIN)/python -m benchmarks.input_pipeline out/bench/data
	@$(BIN)/python -m benchmarks.features out/bench/data
	@test -d out/bench/models || $(BIN)/python -m benchmarks.random_mobilenet out/bench/models
	@$(BIN)/python -m benchmarks.serving_load --spawn out/bench/models --compare
	@echo "==> wav2vec 2.0, ONNX Runtime and PyTorch: the latter two are installed first, which takes long"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[reference]'
	@$(BIN)/python -m benchmarks.wav2vec2_inference
	@$(BIN)/python -m benchmarks.wav2vec2_training

docs: $(READY) ## Write docs/settings.md from the declarations of the settings
	@$(BIN)/python -m training.cli.settings_table > docs/settings.md
	@echo "written: docs/settings.md"

protoset: $(READY) ## Write serving/protocol/serving.protoset from tensorflow-serving-api
	@$(BIN)/python -m serving.protocol.protoset

lint: $(READY) ## Check the code with ruff and mypy
	@echo "==> ruff check";  $(BIN)/ruff check .
	@echo "==> ruff format"; $(BIN)/ruff format --check .
	@echo "==> mypy";        $(BIN)/mypy

format: $(READY) ## Format the code with ruff
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

serve: $(READY) ## Serve MODELS over gRPC (default: the models of the demo)
	@$(BIN)/ser serve $(or $(MODELS),out/demo/synthetic/models)

clean: ## Remove .venv and everything in out/
	rm -rf $(VENV) out
