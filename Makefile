# The commands of the project. Everything is installed into .venv.

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PYTHONSAFEPATH :=
SHELL := /bin/sh
.SHELLFLAGS := -eu -c
.DEFAULT_GOAL := run
.PHONY: run setup draw best best-seeds simard search experiments check restore gate bench test test-fast test-install lint audit docs lock clean

PYTHON ?= python3
# DVC stores an experiment as a Git commit, which needs an author.
ifeq ($(shell git config user.email),)
export GIT_AUTHOR_NAME := make
export GIT_AUTHOR_EMAIL := make@localhost
export GIT_COMMITTER_NAME := make
export GIT_COMMITTER_EMAIL := make@localhost
endif

# What is installed: what the pipeline needs; what searches need, too; what the tests need, too; what the
# benchmarks compare with.
INSTALLED := .venv/.installed
SEARCH := .venv/.installed-search
TEST := .venv/.installed-test
BENCH := .venv/.installed-bench
INSTALL := python -m pip install --quiet --disable-pip-version-check --no-compile --constraint requirements.lock
# On all cores, which pip does not; some packages have files for another version of Python.
COMPILE := python -m compileall -qq -j 0 -x '/tests?/' .venv/lib || true
PLOTS_PAGE := .dvc/plots/offline.html

# The digits are a small data set, which needs more epochs and a faster optimizer.
DIGITS := -S dataset=digits -S validation_size=150 -S optimizer=adam -S lr=0.002 -S batch_size=32 -S epochs=20

# The programs in .venv name its folder: after the project was moved, they do not run, and it is created again.
ifneq ($(wildcard .venv/bin/dvc-guard),)
ifneq ($(shell .venv/bin/dvc-guard --help >/dev/null 2>&1 && echo runs),runs)
$(shell rm -f .venv/.created)
endif
endif

# Run the pipeline; without a reachable mirror of the data set, run it on scikit-learn's digits, as an experiment.
# The probe says why the mirror of MNIST_MIRROR is not used; its exit status is 3 if no other is reachable either.
run: $(INSTALLED) $(PLOTS_PAGE)
	@status=0; \
	dvc checkout --quiet data/raw </dev/null 2>/dev/null || python -m stages.download --probe || status=$$?; \
	if [ $$status -eq 3 ]; then \
	  echo "No MNIST mirror is reachable: running the same pipeline on scikit-learn's digits instead."; \
	  dvc exp run $(DIGITS); \
	  set -- "with a network or a mirror, return to MNIST: git restore . && make run" \
	         "or change one parameter:                      . .venv/bin/activate && dvc exp run -S 'hidden_sizes=[32]'"; \
	elif [ $$status -ne 0 ]; then \
	  exit $$status; \
	else \
	  dvc repro; \
	  set -- "change one parameter: . .venv/bin/activate && dvc exp run -S optimizer=adam -S lr=0.001" \
	         "compare the metrics:  dvc metrics diff"; \
	fi; \
	echo; dvc metrics show --md metrics/metrics.json; printf 'Next: %s\n      %s\n' "$$@"

# Install what the pipeline needs into .venv.
setup: $(INSTALLED) $(PLOTS_PAGE)

# Open the page to draw on, models/draw.html, once it is up to date; without a display, print where it is.
draw: $(INSTALLED)
	@dvc repro export
	@page=$$(python -c 'import pathlib; print(pathlib.Path("models/draw.html").resolve().as_uri())'); \
	if [ -n "$${DISPLAY-}$${WAYLAND_DISPLAY-}" ]; then python -m webbrowser "$$page" >/dev/null; fi; \
	echo "Open in a browser: $$page"

# Search over parameters as search.yaml says, on this machine; packages/dvc-search/README.md has clusters.
search: $(SEARCH)
	dvc-search

# List the experiments since the last commit, the best validation accuracy first; `dvc exp show` has every column.
COLUMNS_SHOWN := Experiment|dataset|optimizer|lr|epochs|validation.accuracy|accuracy
experiments: $(INSTALLED)
	@dvc exp show --no-pager --drop '.*' --keep '^($(COLUMNS_SHOWN))$$' --sort-by validation.accuracy --sort-order desc

# Run the best settings found for this network, chosen by validation accuracy: 250 epochs.
ONE_CYCLE := -S optimizer=sgd -S momentum=0.9 -S lr=0.05 -S weight_decay=0.00003 -S schedule=one_cycle -S batch_size=128
BEST := $(ONE_CYCLE) -S epochs=250 -S augment=elastic
best: $(INSTALLED)
	dvc exp run $(BEST)

# Run the same with five seeds, and print the mean and standard deviation of the accuracies.
RUN_QUEUE := dvc queue start --jobs 2; sleep 10; while dvc queue status | grep -q 'Worker status: [1-9]'; do sleep 5; done
best-seeds: $(INSTALLED)
	dvc exp run --queue --name best $(BEST) -S 'seed=0,1,2,3,4'
	@$(RUN_QUEUE)
	@dvc exp show --csv | python -c 'import sys, pandas; table = pandas.read_csv(sys.stdin); \
	  print(table[table["Experiment"].str.startswith("best-", na=False)][["validation.accuracy", "accuracy"]] \
	  .agg(["count", "mean", "std"]))'

# Run the experiments of Simard, Steinkraus and Platt (2003): 800 hidden units without distortions, with affine and
# with elastic ones, trained on all images; print the error rates on the test set.
simard: $(INSTALLED)
	dvc exp run --queue --name simard $(ONE_CYCLE) -S epochs=100 -S validation_size=0 \
	  -S 'hidden_sizes=[800]' -S 'augment=none,affine,elastic'
	@$(RUN_QUEUE)
	@dvc exp show --csv | python -c 'import sys, pandas; table = pandas.read_csv(sys.stdin); \
	  table = table[table["Experiment"].str.startswith("simard-", na=False)]; \
	  print(table.assign(error=1 - table["accuracy"])[["augment", "error"]].to_string(index=False))'

# Check that dvc.lock matches the commit, that running the pipeline gives the same outputs, and that the cache is intact.
check: $(INSTALLED)
	dvc-guard all

# Restore the workspace to the last commit, after a killed run, a rejected value, a full disk or damage. Edits of code stay.
restore: $(INSTALLED)
	@dvc-guard restore

# Check that no metric is worse than at another commit by more than 0.007: make gate BASE=main
# That is three standard deviations of the test accuracy over the seeds 0 to 4, 94.27 % +- 0.24 %. Native instead of portable
# numerics changed each metric of the first by less than 0.001. To check that on your processor:
#   dvc-guard reproduce --set numerics=native --tolerance 0.007
gate: $(INSTALLED)
	dvc-guard gate --base "$(BASE)" --allow 0.007 --direction step=any

# Compare the speed with what a user would write instead. This takes half an hour on an otherwise idle machine.
bench: $(BENCH)
	python -m bench

# Run the linters and all tests.
test: lint
	pytest --numprocesses auto --dist worksteal --cov --cov-report term-missing:skip-covered --cov-fail-under 95

# Run the linters and the tests that need no run of the pipeline, in 90 seconds; before each push.
test-fast: lint
	pytest --numprocesses auto --dist worksteal -m "not slow"

# Install the wheel of each package alone, into an empty environment, and use it in another DVC project.
test-install: $(TEST)
	TEST_INSTALL=1 pytest packages/*/tests/test_install.py

# The linters at the same time: without its cache, mypy takes longer than all others together.
TYPES := lint-types $(addprefix lint-types-in-,$(notdir $(wildcard packages/*)))
lint: $(TEST)
	@$(MAKE) --no-print-directory --jobs --output-sync lint-code lint-security lint-workflows $(TYPES)

lint-code:
	ruff check
	ruff format --check

lint-types:
	mypy

lint-types-in-%:
	cd packages/$* && mypy

lint-security:
	bandit --quiet --configfile pyproject.toml --recursive stages predict packages/*/src bench docs

lint-workflows:
	jactionlint --strict-exit --no-hints .github/workflows/*.yml packages/dvc-guard/action.yml
	zizmor --offline --quiet --persona pedantic .github/workflows packages/dvc-guard/action.yml

# Look for known vulnerabilities of the pinned packages. This needs the network; without an answer it does not fail.
audit: $(TEST)
	@if answer=$$(pip-audit --strict --progress-spinner off --no-deps --disable-pip --requirement requirements.lock 2>&1); \
	then echo "$$answer"; \
	else case "$$answer" in \
	  *"known vulnerabilit"*) echo "$$answer"; exit 1 ;; \
	  *) echo "Not audited: $$(echo "$$answer" | tail -n 1)" ;; \
	  esac; fi

# Create .venv, again whenever requirements.lock changes.
.venv/.created: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	@[ ! -L .venv ] || { echo "error: .venv is a link: run make where it points to" >&2; exit 1; }
	@$(PYTHON) -m venv --clear .venv
	@touch $@

$(INSTALLED): .venv/.created packages/dvc-guard/pyproject.toml
	@echo "Installing what the pipeline needs into .venv; it takes a minute or more ..."
	@$(INSTALL) --editable 'packages/dvc-guard[plots,safetensors]' --editable .
	@$(COMPILE)
	@touch $@

$(SEARCH): $(INSTALLED) packages/dvc-search/pyproject.toml
	@echo "Installing what searches need into .venv ..."
	@$(INSTALL) --editable packages/dvc-search
	@$(COMPILE)
	@touch $@

$(TEST): $(SEARCH)
	@echo "Installing what the tests need into .venv ..."
	@$(INSTALL) --editable '.[test]'
	@$(COMPILE)
	@touch $@

$(BENCH): $(INSTALLED)
	@echo "Installing what the benchmarks need into .venv ..."
	@$(INSTALL) --editable '.[bench]'
	@$(COMPILE)
	@touch $@

# Write a page for dvc plots that needs no network, and configure DVC to use it in this clone.
$(PLOTS_PAGE): $(INSTALLED) .dvc/plots/page.html
	@dvc-guard plots-page
	@dvc config --local plots.html_template plots/offline.html

# Write the tables of the documents that repeat dvc.yaml.
docs: $(INSTALLED)
	python -m docs.pages

# Pin what the pipeline, the packages and the tests require; make lock UPGRADE=--upgrade takes the newest versions.
UPGRADE :=
lock: $(TEST)
	pip-compile --quiet --strip-extras --allow-unsafe --all-extras --no-emit-index-url --no-emit-find-links \
	  --no-header --no-annotate $(UPGRADE) --output-file requirements.lock pyproject.toml packages/*/pyproject.toml
	@python -c "$$PIN_VERSIONS"

# The version of torch without its local part, such as +cpu, which depends on the machine; and versions.yaml.
define PIN_VERSIONS
import re
from pathlib import Path
from ruamel.yaml import YAML

lock = Path("requirements.lock")
lock.write_text(re.sub(r"\+.*", "", lock.read_text()))
pins = dict(line.split("==") for line in lock.read_text().splitlines() if "==" in line)
stages = YAML(typ="safe").load(Path("dvc.yaml"))["stages"].values()
params = [param for stage in stages for param in stage.get("params", []) if isinstance(param, dict)]
packages = sorted({package for param in params for package in param.get("versions.yaml", [])})
lines = [f'{package}: "{pins[package.replace(".", "-")]}"\n' for package in packages]
comment = "# The versions of the packages that stages compute with, written by make lock.\n"
Path("versions.yaml").write_text(comment + "".join(lines))
endef
export PIN_VERSIONS

clean:
	rm -rf .venv
