"""The command dvc-search."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from dvc_search.configuration import Configuration, read_configuration
from dvc_search.errors import GitError, SearchError
from dvc_search.log import show_logs
from dvc_search.options import LOCAL, make_parser
from dvc_search.preconditions import is_in_history
from dvc_search.repository import (
    fetch_experiments,
    find_notes,
    find_source,
    has_changed_since,
)
from dvc_search.yaml_file import read_yaml

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a search and return the exit status."""
    try:
        status = _main(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # of `dvc-search | head`, say
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except BrokenPipeError:  # which Python would print when it flushes the stream at its end
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return 128 + signal.SIGPIPE
    return status


def _main(arguments: Sequence[str] | None) -> int:
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        if words[:1] == ["log"]:
            return show_logs(words[1:])
        options = make_parser().parse_args(words)
        settings = {key: getattr(options, key) for key in ("name", "trials", "timeout")}
        parameters = read_yaml(Path("params.yaml"))
        return run(read_configuration(options.file, parameters, settings, dict(options.space)), options)
    except (SearchError, GitError) as error:
        print("\n".join(f"error: {line}" for line in str(error).split("\n")), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED


def run(configuration: Configuration, options: argparse.Namespace) -> int:
    """Check everything, run the trials, and print the result."""
    # These take a second to import, which an error above need not wait for.
    from dvc_search.connection import check_address
    from dvc_search.lock import lock_search
    from dvc_search.page import Page
    from dvc_search.progress import Progress, print_result
    from dvc_search.session import run_trials
    from dvc_search.study import Study
    from dvc_search.validation import validate_values

    if options.on != LOCAL:
        check_address(options.on)
    source = find_source(on_this_machine=options.on == LOCAL, metrics=configuration.metrics)
    for note in find_notes(configuration):
        print(f"note: {note}", file=sys.stderr)
    with lock_search(configuration.name):
        study = Study(configuration, options.storage)
        if study.is_new:
            validate_values(configuration, source)
            study.begin(source.commit)
            if configuration.note:
                print(f"note: {configuration.note}", file=sys.stderr)
        else:
            _check_commit(configuration, study.commit, source.commit)
        source = source._replace(commit=study.commit)
        page = Page(configuration, study, source)
        page.write(is_running=True)
        print(f"page:       {page.path.as_uri()}", flush=True)
        try:
            with Progress(study, configuration, page) as progress:
                driver = run_trials(configuration, options, source, study, progress)
            page.experiments = fetch_experiments(source, configuration.name)
        finally:
            page.write(is_running=False)
    print_result(study, configuration, source, page.experiments)
    print(f"page:       {page.path.as_uri()}")
    if driver.error:
        raise SearchError(f"{driver.error}; the same command resumes")
    if driver.interrupts:
        return INTERRUPTED
    if unfinished := ", ".join(f"{study.name}-{trial.number}" for trial in study.list_running()):
        raise SearchError(f"{unfinished}: not ended; the same command runs them again")
    if not study.list_best():
        raise SearchError("no trial is complete")
    return 0


def _check_commit(configuration: Configuration, commit: str, head: str) -> None:
    """Make sure that the stages are still those that a search was started with.

    Raises:
        SearchError: they differ, or cannot be compared.
    """
    started = f"commit {commit[:7]}, which search {configuration.name} was started at"
    advice = f"choose another name in {configuration.path}"
    if not is_in_history(commit):
        raise SearchError(f"{started}, is not in the history of {head[:7]}; {advice}")
    if commit != head and has_changed_since(commit):
        raise SearchError(f"what stages read has changed since {started}; {advice}, or git checkout {commit[:7]}")
