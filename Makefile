# Two commands do everything: `make repro` and `make test`. `make help` lists the rest.
# The first that runs and has venv: pyenv puts names on the PATH that run nothing, Debian leaves venv out.
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13,$(shell \
	$(name) -c "import ensurepip, venv" 2>/dev/null && echo $(name))))
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
.DEFAULT_GOAL := help
.PHONY: help repro test lab serve reproducible kills lint lock accuracy conformance bench bench-load checks-bench mail learn \
	label clean

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

repro: .venv/installed data/warehouse/chats.sqlite  ## run the stages from query to overfitting; show the scores
	dvc repro
	@chatkit scores

test: .venv/installed-dev  ## run the tests
	pytest -n auto --dist loadfile --no-loadscope-reorder  # a file on one core: its tests share what is slow to make

lab: .venv/installed  ## open JupyterLab on the chats
	jupyter lab --config=lab/jupyter_lab_config.py notebooks/explore/chats.ipynb

serve: .venv/installed-dev  ## sort chats over HTTP with the model of the last run
	chatkit serve

reproducible: .venv/installed  ## run this commit in three clones, two without vector units, and compare
	python -m benchmarks.reproducible

kills: .venv/installed  ## kill the pipeline at twenty random moments and see that it recovers
	python benchmarks/kills.py

lint: .venv/installed-dev  ## check style and format
	ruff check
	ruff format --check

accuracy: .venv/installed  ## score every classifier on the labelled sets at hand, into benchmarks/accuracy.md
	python benchmarks/accuracy.py

conformance: .venv/installed-dev  ## run scikit-learn's and XGBoost's own tests on chatkit's estimators, into docs/conformance.md
	python -m benchmarks.conformance

bench: .venv/installed-dev  ## measure speed and memory beside the reference, into benchmarks/README.md (half an hour)
	python -m benchmarks.bench

bench-load: .venv/installed-dev  ## measure the service under load, into docs/service.md (five minutes; needs wrk)
	python -m benchmarks.load

checks-bench: .venv/installed  ## measure what the overfitting checks find and miss, into docs/checks.md (hours)
	python -m benchmarks.checks

mail: .venv/installed  ## measure what mail costs a model and cleaning gets back, into benchmarks/mail.json (minutes)
	python -m benchmarks.mail

learn: .venv/installed-dev  ## measure what people's relabels do to the model, into docs/learn.md (half an hour)
	python -m benchmarks.learn

label: .venv/installed  ## measure what each order of labelling chats is worth, into docs/label.md (five minutes)
	python -m benchmarks.label

lock:  ## write the locks and environment.yml from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --extra build -o requirements.lock $(LOCK)
	uv pip compile pyproject.toml --extra build --extra dev -c requirements.lock -o requirements-dev.lock $(LOCK)
# One version of each package for all Pythons, and no address of the index it came from.
LOCK := --universal --fork-strategy fewest --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-annotate --upgrade --quiet --custom-compile-command "make lock"

clean:  ## remove the environment and what the stages made; what git keeps of it stays
	rm -rf .venv data/*.parquet data/warehouse/chats.sqlite models metrics/*.csv reports

data/warehouse/chats.sqlite: | .venv/installed
	chatkit simulate

# pip's hash mode takes no project folder, so the project itself comes second, without dependencies.
.venv/installed: requirements.lock pyproject.toml
	@test -x $(BIN)/pip || test -n "$(PYTHON)" || { echo "Got no Python 3.11, 3.12 or 3.13 with venv on the PATH," \
		"expected one; install it, or name it: make PYTHON=/path/to/python" >&2; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	$(BIN)/pip install --disable-pip-version-check --quiet --require-hashes -r requirements.lock
	$(BIN)/pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	$(BIN)/python -c "import chatkit.model.forest, chatkit.text.compiled, chatkit.text.exact"  # compiles now: nobody waits for it later
	@touch $@

.venv/installed-dev: requirements-dev.lock .venv/installed
	$(BIN)/pip install --disable-pip-version-check --quiet --require-hashes -r requirements-dev.lock
	@touch $@
