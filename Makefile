# The commands of the project. Everything is installed into .venv.

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PYTHONSAFEPATH :=
SHELL := /bin/sh
.SHELLFLAGS := -eu -c
.DEFAULT_GOAL := run
.PHONY: run setup draw best best-seeds search experiments check restore gate bench test test-fast lint audit lock clean

PYTHON ?= python3
# DVC stores an experiment as a Git commit, which needs an author.
ifeq ($(shell git config user.email),)
export GIT_AUTHOR_NAME := make
export GIT_AUTHOR_EMAIL := make@localhost
export GIT_COMMITTER_NAME := make
export GIT_COMMITTER_EMAIL := make@localhost
endif

INSTALLED := .venv/.installed
PLOTS_PAGE := .dvc/plots/offline.html
JAX := .venv-jax/.installed

# The digits are a small data set, which needs more epochs and a faster optimizer.
DIGITS := -S dataset=digits -S validation_size=150 -S optimizer=adam -S lr=0.002 -S batch_size=32 -S epochs=20

# Run the pipeline; without a reachable mirror of the data set, run it on scikit-learn's digits, as an experiment.
# Exit status 3 of the probe means that no mirror is reachable; dvc repro reports any other error.
run: $(INSTALLED) $(PLOTS_PAGE)
	@status=0; \
	dvc checkout --quiet data/raw </dev/null 2>/dev/null || python -m stages.download.probe 2>/dev/null || status=$$?; \
	if [ $$status -eq 3 ]; then \
	  echo "No MNIST mirror is reachable: running the same pipeline on scikit-learn's digits instead."; \
	  dvc exp run $(DIGITS); \
	  set -- "with a network or a mirror, return to MNIST: git restore . && make run" \
	         "or change one parameter:                      . .venv/bin/activate && dvc exp run -S 'hidden_sizes=[32]'"; \
	else \
	  dvc repro; \
	  set -- "change one parameter: . .venv/bin/activate && dvc exp run -S optimizer=adam -S lr=0.001" \
	         "compare the metrics:  dvc metrics diff"; \
	fi; \
	echo; dvc metrics show --md metrics/metrics.json; printf 'Next: %s\n      %s\n' "$$@"

# Install everything into .venv.
setup: $(INSTALLED) $(PLOTS_PAGE)

# Open the page to draw on, models/draw.html, once it is up to date; without a display, print where it is.
draw: $(INSTALLED)
	@dvc repro export
	@page=$$(python -c 'import pathlib; print(pathlib.Path("models/draw.html").resolve().as_uri())'); \
	if [ -n "$${DISPLAY-}$${WAYLAND_DISPLAY-}" ]; then python -m webbrowser "$$page" >/dev/null; fi; \
	echo "Open in a browser: $$page"

# Search over parameters as search.yaml says, on this machine; docs/search.md has clusters.
search: $(INSTALLED)
	python -m search

# List the experiments since the last commit, the best validation accuracy first; `dvc exp show` has every column.
COLUMNS_SHOWN := Experiment|dataset|optimizer|lr|epochs|validation.accuracy|accuracy
experiments: $(INSTALLED)
	@dvc exp show --no-pager --drop '.*' --keep '^($(COLUMNS_SHOWN))$$' --sort-by validation.accuracy --sort-order desc

# Run the best settings found for this network, chosen by validation accuracy; this takes three minutes or more.
BEST := -S optimizer=sgd -S momentum=0.9 -S lr=0.05 -S weight_decay=0.00003 -S schedule=one_cycle \
        -S batch_size=128 -S epochs=250 -S augment=elastic
best: $(INSTALLED)
	dvc exp run $(BEST)

# Run the same with five seeds, and print the mean and standard deviation of the accuracies.
best-seeds: $(INSTALLED)
	dvc exp run --queue --name best $(BEST) -S 'seed=0,1,2,3,4'
	dvc queue start --jobs 2
	@sleep 10; while dvc queue status | grep -q 'Worker status: [1-9]'; do sleep 5; done
	@dvc exp show --csv | python -c 'import sys, pandas; table = pandas.read_csv(sys.stdin); \
	  print(table[table["Experiment"].str.startswith("best-", na=False)][["validation.accuracy", "accuracy"]] \
	  .agg(["count", "mean", "std"]))'

# Check that dvc.lock matches the commit, that running the pipeline gives the same outputs, and that the cache is intact.
check: $(INSTALLED)
	python -m checks all

# Restore the workspace to the last commit, after a killed run, a rejected value, a full disk or damage. Edits of code stay.
restore: $(INSTALLED)
	@python -m restore

# Check that no metric is worse than at another commit by more than 0.007: make gate BASE=main
# That is three standard deviations of the test accuracy over the seeds 0 to 4, 94.27 % +- 0.22 %. Native instead of portable
# numerics changed each metric by at most 0.001 in these runs. To check that on your processor:
#   python -m checks reproduce --set numerics=native --tolerance 0.007
gate: $(INSTALLED)
	python -m checks gate --base "$(BASE)" --allow 0.007 --direction step=any

# Measure the speed. This takes more than an hour on an otherwise idle machine. JAX, which it is compared with, is
# installed in an environment of its own.
bench: $(INSTALLED) $(JAX)
	python -m bench

# Run the linters and all tests.
test: lint
	pytest --numprocesses auto --dist worksteal --cov --cov-report term-missing:skip-covered --cov-fail-under 95

# Run the linters and the tests that need no run of the pipeline, in less than two minutes; before each push.
test-fast: lint
	pytest --numprocesses auto --dist worksteal -m "not slow"

lint: $(INSTALLED)
	ruff check
	ruff format --check
	mypy
	bandit --quiet --configfile pyproject.toml --recursive stages runtime checks restore predict search bench plots
	jactionlint --strict-exit --no-hints .github/workflows/*.yml checks/action.yml
	zizmor --offline --quiet --persona pedantic .github/workflows checks/action.yml

# Look for known vulnerabilities of the pinned packages. This needs the network; without an answer it does not fail.
audit: $(INSTALLED)
	@if answer=$$(pip-audit --strict --progress-spinner off --no-deps --disable-pip --requirement requirements.lock 2>&1); \
	then echo "$$answer"; \
	else case "$$answer" in \
	  *"known vulnerabilit"*) echo "$$answer"; exit 1 ;; \
	  *) echo "Not audited: $$(echo "$$answer" | tail -n 1)" ;; \
	  esac; fi

# Create .venv, again whenever requirements.lock changes.
$(INSTALLED): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	@echo "Setting up .venv, once; it takes a few minutes ..."
	@$(PYTHON) -m venv --clear .venv
	@python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	@touch $@

$(JAX): bench/requirements.txt
	@$(PYTHON) -m venv --clear .venv-jax
	@.venv-jax/bin/python -m pip install --quiet --disable-pip-version-check --requirement bench/requirements.txt
	@touch $@

# Write a page for dvc plots that needs no network, and configure DVC to use it in this clone.
$(PLOTS_PAGE): $(INSTALLED) plots/offline_page.py .dvc/plots/page.html
	@python -m plots.offline_page
	@dvc config --local plots.html_template plots/offline.html

# Pin all that pyproject.toml requires, without the local version of torch, such as +cpu: it depends on the machine.
lock: $(INSTALLED)
	pip-compile --quiet --strip-extras --allow-unsafe --extra dev --no-emit-index-url --no-emit-find-links \
	  --no-header --no-annotate --output-file requirements.lock pyproject.toml
	sed -i.old 's/^\(torch==[^+]*\)+.*/\1/' requirements.lock && rm requirements.lock.old
	{ echo "# The versions that the pipeline is pinned to, written by make lock from pyproject.toml."; \
	  sed -n '/^dependencies = \[/,/^\]/ s/^ *"\([a-z0-9.-]*\)[^=]*==\([^"]*\)".*/\1: "\2"/p' pyproject.toml; } >versions.yaml

clean:
	rm -rf .venv .venv-jax
