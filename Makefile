# The project's commands. Everything is installed into .venv; nothing outside this folder is changed.

export PATH := $(CURDIR)/.venv/bin:$(PATH)
SHELL := /bin/sh
.SHELLFLAGS := -eu -c
.DEFAULT_GOAL := run
.PHONY: run best best-seeds experiments check gate bench test lint audit lock clean

PYTHON ?= python3
# DVC keeps an experiment as a commit of Git, which must be somebody's.
ifeq ($(shell git config user.email),)
export GIT_AUTHOR_NAME := make
export GIT_AUTHOR_EMAIL := make@localhost
export GIT_COMMITTER_NAME := make
export GIT_COMMITTER_EMAIL := make@localhost
endif

INSTALLED := .venv/.installed
PLOTS_PAGE := .dvc/plots/offline.html

# Digits are few and small: they want more passes and an optimizer that moves faster.
DIGITS := -S dataset=digits -S validation_size=150 -S optimizer=adam -S lr=0.002 -S batch_size=32 -S epochs=20

# Train and evaluate on the data set of params.yaml; where no mirror has it, on the digits within scikit-learn.
# The probe's exit status 3 says that no mirror answers; any other fault is dvc repro's to tell.
run: $(INSTALLED) $(PLOTS_PAGE)
	@status=0; \
	dvc checkout --quiet data/raw </dev/null 2>/dev/null || python -m stages.download --probe 2>/dev/null || status=$$?; \
	if [ $$status -eq 3 ]; then \
	  echo "MNIST cannot be had, no mirror answers: running the same pipeline on scikit-learn's digits instead."; \
	  dvc exp run $(DIGITS); \
	  set -- "with a network or a mirror, back to MNIST:   git restore . && make run" \
	         "or change one thing, and see the difference: . .venv/bin/activate && dvc exp run -S 'hidden_sizes=[32]'"; \
	else \
	  dvc repro; \
	  set -- "change one thing and run what it touches:  . .venv/bin/activate && dvc exp run -S optimizer=adam -S lr=0.001" \
	         "then see the difference it made:           dvc metrics diff"; \
	fi; \
	echo; dvc metrics show --md metrics/metrics.json; printf 'Next: %s\n      %s\n' "$$@"

# All experiments since the last commit, the best validation accuracy first; `dvc exp show` has every column.
COLUMNS_SHOWN := Experiment|dataset|optimizer|lr|epochs|validation.accuracy|accuracy
experiments: $(INSTALLED)
	@dvc exp show --no-pager --drop '.*' --keep '^($(COLUMNS_SHOWN))$$' --sort-by validation.accuracy --sort-order desc

# The best settings found for this network, chosen by validation accuracy: one experiment, of about five minutes.
BEST := -S optimizer=sgd -S momentum=0.9 -S lr=0.05 -S weight_decay=0.0001 -S schedule=one_cycle \
        -S batch_size=128 -S epochs=80 -S augment=elastic
best: $(INSTALLED)
	dvc exp run $(BEST)

# The same with five seeds, and the mean and standard deviation of what they come to.
best-seeds: $(INSTALLED)
	dvc exp run --queue --name best $(BEST) -S 'seed=0,1,2,3,4'
	dvc queue start --jobs 2
	@sleep 10; while dvc queue status | grep -q 'Worker status: [1-9]'; do sleep 5; done
	@dvc exp show --csv | python -c 'import sys, pandas; table = pandas.read_csv(sys.stdin); \
	  print(table[table["Experiment"].str.startswith("best-", na=False)][["validation.accuracy", "accuracy"]] \
	  .agg(["count", "mean", "std"]))'

# Is the committed state what this commit gives, bit for bit, and the cache undamaged?
check: $(INSTALLED)
	python -m checks all

# Have the metrics dropped since another commit, by more than three standard deviations over seeds? make gate BASE=main
gate: $(INSTALLED)
	python -m checks gate --base "$(BASE)" --allow 0.007 --direction step=any

# How fast, against what? Takes long, and wants the machine to itself.
bench: $(INSTALLED)
	python -m bench

# Everything that is checked before a commit lands.
test: lint
	pytest --numprocesses auto --dist loadgroup --cov --cov-report term-missing:skip-covered --cov-fail-under 95

lint: $(INSTALLED)
	ruff check
	ruff format --check
	mypy
	bandit --quiet --configfile pyproject.toml --recursive stages checks bench
	jactionlint --strict-exit --no-hints .github/workflows/*.yml
	zizmor --offline --quiet --persona pedantic .github/workflows

# Known vulnerabilities of the pinned packages. Who knows them is asked over the network: no answer is no failure.
audit: $(INSTALLED)
	@if answer=$$(pip-audit --strict --progress-spinner off --no-deps --disable-pip --requirement requirements.lock 2>&1); \
	then echo "$$answer"; \
	else case "$$answer" in \
	  *"known vulnerabilit"*) echo "$$answer"; exit 1 ;; \
	  *) echo "Not audited: $$(echo "$$answer" | tail -n 1)" ;; \
	  esac; fi

# Stands for a complete .venv: made anew when the pins change.
$(INSTALLED): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	@echo "Setting up .venv, once; it takes a few minutes ..."
	@$(PYTHON) -m venv --clear .venv
	@python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	@touch $@

# DVC's page of plots with Vega in it, so that it needs no network; only this clone uses it.
$(PLOTS_PAGE): $(INSTALLED) .dvc/plots/offline.py .dvc/plots/page.html
	@python .dvc/plots/offline.py
	@dvc config --local plots.html_template plots/offline.html

# Pin anew all that pyproject.toml asks for. torch's local version (such as +cpu) is the choice of each machine.
lock: $(INSTALLED)
	pip-compile --quiet --strip-extras --allow-unsafe --extra dev --no-emit-index-url --no-emit-find-links \
	  --no-header --no-annotate --output-file requirements.lock pyproject.toml
	sed -i.old 's/^\(torch==[^+]*\)+.*/\1/' requirements.lock && rm requirements.lock.old

clean:
	rm -rf .venv
