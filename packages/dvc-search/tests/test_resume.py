"""A trial whose stage saves how far it is, with `dvc-guard run --resume`, is not trained from the start again."""

from pathlib import Path

import psutil
import pytest

from consistency import hash_file, list_refs, read_yaml
from daemons import Daemons, run_daemons, wait_until
from dvc_search import launcher
from search_project import Project

# Each epoch changes the model, and depends on all epochs before; each is written to LOG. The third waits for HOLD.
TRAIN = '''"""Writes model.txt and metrics.json."""

import hashlib
import json
import os
import pathlib
import time

saved = pathlib.Path(os.environ.get("DVC_GUARD_RESUME", "nowhere"), "saved")
epoch, model = json.loads(saved.read_text()) if saved.exists() else (0, pathlib.Path("params.yaml").read_text())
while epoch < 5:
    epoch, model = epoch + 1, hashlib.sha256(model.encode()).hexdigest()
    if saved.parent.exists():
        new = saved.with_suffix(".new")
        new.write_text(json.dumps([epoch, model]))
        new.rename(saved)
    with open(os.environ["LOG"], "a") as log:
        log.write(f"{epoch}\\n")
    while epoch == 3 and os.path.exists(os.environ["HOLD"]):
        time.sleep(0.05)
pathlib.Path("model.txt").write_text(model)
pathlib.Path("metrics.json").write_text(json.dumps({"validation": {"score": 1.5}}))
'''


@pytest.mark.slow
def test_trial_of_a_killed_worker_resumes(project: Project, tmp_path: Path) -> None:
    pytest.importorskip("dvc_guard")
    log = tmp_path / "log"
    project.environment["LOG"] = str(log)
    project.hold_trials(tmp_path / "hold")
    (project.folder / "train.py").write_text(TRAIN)
    pipeline = (project.folder / "dvc.yaml").read_text()
    (project.folder / "dvc.yaml").write_text(
        pipeline.replace("exec python train", "dvc-guard run --resume python train")
    )
    project.commit("Resume")
    with run_daemons(project, tmp_path / "cluster") as daemons:
        search = daemons.start_search("--on", "local", "--jobs", "1", "--trials", "1")
        wait_until(lambda: log.exists() and log.read_text() == "1\n2\n3\n")
        find_worker(daemons).kill()
        wait_until(lambda: "has ended; it will run again" in daemons.read_log(search))
        (tmp_path / "hold").unlink()
        assert search.wait(60) == 0, daemons.read_log(search)
    assert log.read_text() == "1\n2\n3\n4\n5\n"

    # The model is that of an undisturbed run, without the guard.
    ref = list_refs(project.folder)["trial-0"]
    project.git("checkout", "--quiet", ref)
    recorded = read_yaml(project.folder, ref, "dvc.lock")
    project.run("python", "train.py")
    assert recorded["stages"]["train"]["outs"][1]["md5"] == hash_file(project.folder / "model.txt")


def find_worker(daemons: Daemons) -> psutil.Process:
    """Return the process that has started the launcher of the trial."""
    processes = psutil.Process(daemons.processes[-1].pid).children(recursive=True)
    (launched,) = [process for process in processes if launcher.__file__ in process.cmdline()]
    parent = launched.parent()
    assert parent is not None
    return parent
