"""The folder of `dvc-guard run --resume`."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from dvc_guard.run import resume
from dvc_guard.run.inputs import Inputs
from dvc_guard.run.pipeline import read_pipeline
from dvc_guard.run.resume import FOLDERS, VARIABLE, find_project
from run.stage_project import StageProject, wait_until

# Counts from where it was. At $STOP_AT it sleeps for $PAUSE seconds, and fails.
COUNT = """\
count=$(cat "$DVC_GUARD_RESUME/count" 2>/dev/null || echo 0)
echo "from $count"
while [ $count -lt 5 ]; do
  [ "${STOP_AT-}" = $count ] && { sleep ${PAUSE-0}; exit 3; }
  count=$((count + 1))
  echo $count >"$DVC_GUARD_RESUME/new" && mv "$DVC_GUARD_RESUME/new" "$DVC_GUARD_RESUME/count"
done
echo $count > out
"""
RUN = "dvc-guard run --resume sh count.sh"
pytestmark = pytest.mark.slow


@pytest.fixture
def counting(stages: StageProject) -> StageProject:
    """Add the script that counts."""
    stages.write("count.sh", COUNT)
    return stages


def count(
    project: StageProject, stop_at: str = "", command: str = RUN, deps: str = "count.sh, raw.txt"
) -> tuple[int, str]:
    """Run the script as a stage; return its exit status and what it printed."""
    status, output, errors = project.run_stages(command, deps=deps, STOP_AT=stop_at)
    assert errors == ""
    return status, output


def test_folder_lasts_until_the_stage_has_ended_well(counting: StageProject) -> None:
    assert count(counting, "3") == (3, "from 0\n")
    assert count(counting, "3") == (3, "from 3\n")
    assert count(counting, "4") == (3, "from 3\n")
    assert count(counting) == (0, "from 4\n")
    assert list(FOLDERS.iterdir()) == []
    assert count(counting, "3") == (3, "from 0\n")


def test_folder_is_of_the_same_inputs_only(counting: StageProject) -> None:
    assert count(counting, "3") == (3, "from 0\n")
    content = Path("raw.txt").read_text()
    counting.write("raw.txt", "other\n")
    assert count(counting, "3") == (3, "from 0\n")
    counting.write("raw.txt", content)
    assert count(counting, "3", f"{RUN} argument") == (3, "from 0\n")
    assert count(counting, "3", deps="count.sh") == (3, "from 0\n")
    assert count(counting, "3") == (3, "from 3\n")


def test_name_is_of_all_that_dvc_records(counting: StageProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resume, "LOCK_SECONDS", 0)
    dvc_yaml = """
stages:
  a: {cmd: any, deps: [raw.txt], params: [step, versions.yaml: , other.json: [key]], outs: [out]}
  b: {cmd: any, deps: [raw.txt], params: [step, versions.yaml: , other.json: [key]], outs: [out_of_b]}
"""
    files = {"dvc.yaml": dvc_yaml, "params.yaml": "step: 1\n", "versions.yaml": "dvc: 1\n", "other.json": '{"key": 1}'}
    for name, text in (files | {"sub/raw.txt": "1\n2\n"}).items():
        counting.write(name, text)
    for name, text in files.items():
        counting.write(f"sub/{name}", text)

    def find_name(stage: str = "a", folder: str = ".", command: str = "any") -> str:
        pipeline = read_pipeline(counting.folder, counting.folder / folder, stage)
        found = resume.set_folder(counting.folder, Inputs(pipeline, verify=False, identify=True), [command])
        assert found
        assert os.environ.pop(VARIABLE) == str(counting.folder / FOLDERS / found.name)
        found.rename(found.with_name(f"unlocked {time.monotonic_ns()}"))
        return found.name

    names = [find_name(), find_name("b"), find_name(folder="sub"), find_name(command="other")]
    for name, old, new in (("params.yaml", "1", "2"), ("versions.yaml", "1", "2"), ("other.json", "1", "2")):
        counting.replace(name, old, new)
        names.append(find_name())
        counting.replace(name, new, old)
    assert len(set(names)) == len(names)
    counting.write("params.yaml", "step: 1\nother: 3\n")
    assert find_name() == names[0]


def test_hashes_files_that_dvc_lock_does_not_have(counting: StageProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dvc_guard.run.inputs.CHEAP_BYTES", 0)
    pipeline = read_pipeline(counting.folder, counting.folder, "copy")
    first = Inputs(pipeline, verify=False, identify=True).identify()
    counting.write("raw.txt", "3\n4\n")
    assert Inputs(pipeline, verify=False, identify=True).identify() != first


def wait_for_count(project: StageProject) -> None:
    """Wait until the script has counted to 3."""
    wait_until(lambda: any(file.read_text() == "3\n" for file in (project.folder / FOLDERS).glob("*/count")), 60)


def test_run_after_a_kill_waits_until_all_of_the_killed_one_has_ended(counting: StageProject) -> None:
    with counting.stand_in(RUN, deps="count.sh, raw.txt", STOP_AT="3", PAUSE="300") as dvc:
        wait_for_count(counting)
        dvc.kill()
    assert count(counting) == (0, "from 3\n")


def test_second_run_at_the_same_time_has_no_folder(counting: StageProject) -> None:
    with counting.stand_in("dvc-guard run --resume sh -c 'echo begun; read line'") as first:
        assert first.stdout
        assert first.stdout.readline() == "begun\n"
        in_other_folder = {"DVC_ROOT": "/"}  # as with --temp, the workspace is not locked
        status, output, errors = counting.run_stages(
            "dvc-guard run --resume sh -c 'echo begun; read line'", **in_other_folder
        )
        assert (status, output) == (1, "begun\n")
        assert errors.startswith(f"warning: {VARIABLE} is not set: ")
        assert errors.endswith(": another run of the same stage uses it\n")
        first.communicate("\n", timeout=60)


def test_stage_runs_without_a_folder(counting: StageProject) -> None:
    command = "dvc-guard run --resume sh -c 'echo ${DVC_GUARD_RESUME-none}'"
    status, output, errors = counting.run_stages(command, deps='"s3://bucket/data"', DVC_GUARD_RESUME="outer")
    assert (status, output) == (0, "none\n")
    assert errors == f"warning: {VARIABLE} is not set: s3://bucket/data: its content is not known\n"
    FOLDERS.parent.mkdir(parents=True)
    FOLDERS.write_text("")
    status, output, errors = counting.run_stages(command)
    assert (status, output) == (0, "none\n")
    assert "is not set: [Errno 20] Not a directory" in errors


def test_removes_oldest_folders_past_the_limits(counting: StageProject, monkeypatch: pytest.MonkeyPatch) -> None:
    day = 24 * 60 * 60
    for name, days, size in (("new", 1, 400), ("older", 2, 400), ("too much", 3, 400), ("too old", 15, 0)):
        file = counting.folder / FOLDERS / name / "state"
        counting.write(str(FOLDERS / name / "state"), "x" * size)
        for path in (file, file.parent):
            os.utime(path, (time.time() - days * day,) * 2)
    monkeypatch.setattr(resume, "MAX_BYTES", 1000 + 3 * (FOLDERS / "new").stat().st_size)
    current = counting.folder / FOLDERS / "current"
    current.mkdir()
    resume._remove_old(counting.folder / FOLDERS, current)  # noqa: SLF001 - run as a process, it has the real limits
    assert sorted(path.name for path in FOLDERS.iterdir()) == ["current", "new", "older"]


@pytest.mark.parametrize(
    ("root", "project"),
    [
        ("/project", "/project"),
        ("/project/.dvc/tmp/exps/standalone/tmpabc", "/project"),
        ("/repository/sub/.dvc/tmp/exps/tmpabc/sub", "/repository/sub"),
        ("/project/.dvc/tmp/search/clones/hash/0/.dvc/tmp/exps/tmpabc", "/project"),
    ],
)
def test_finds_project_of_temporary_folders(root: str, project: str) -> None:
    assert find_project(Path(root)) == Path(project)


@pytest.mark.slow
def test_killed_temp_run_is_resumed_in_the_workspace(counting: StageProject) -> None:
    counting.write("count.sh", f"{COUNT}cp out count.txt\n")
    counting.replace("dvc.yaml", "run awk -f count.awk copied.txt", "run --resume sh count.sh")
    experiment = ("dvc", "exp", "run", "-S", "step=2")
    counting.commit()
    environment = os.environ | {"STOP_AT": "3", "PAUSE": "300"}
    with subprocess.Popen([*experiment, "--temp"], env=environment, start_new_session=True) as dvc:
        wait_for_count(counting)
        os.killpg(dvc.pid, signal.SIGKILL)
    process = counting.dvc(*experiment[1:])
    assert process.returncode == 0, process.stdout
    assert "from 3\n" in process.stdout
    assert list(FOLDERS.iterdir()) == []
