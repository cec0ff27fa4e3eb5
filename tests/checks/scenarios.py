"""Steps that create and change the projects of test_scenarios.py."""

import contextlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from dvc.repo import Repo
from dvc_data.hashfile.hash import file_md5
from ruamel.yaml import YAML

from tests.checks.project import Project

Expected = dict[str, tuple[int, str]]
Step = Callable[[Project], object]

COPY = "cmd: cp in.json m.json, deps: [in.json], metrics: [m.json: {cache: false}]"
SAME: Expected = {"fresh": (0, ""), "cache": (0, ""), "gate": (0, ""), "reproduce": (0, "")}
STALE: Expected = SAME | {"reproduce": (1, "outputs differ")}
NO_METRICS: Expected = {"gate": (2, "HEAD has no metrics")}


def replace(name: str, old: str, new: str) -> Step:
    """Return a step that replaces a text in a file."""
    return lambda project: project.replace(name, old, new)


def remove_cache(project: Project) -> None:
    """Remove DVC's cache and the outputs that are in it, as in a clone without pulled data."""
    shutil.rmtree(project.folder / ".dvc/cache")
    project.git("clean", "-Xdfq", "--exclude", "!.dvc")


def add_folder(project: Project) -> None:
    """Run `dvc add` on a folder with two files."""
    project.write("data/other/b.txt", "b\n")
    project.write("data/sub/in.json", '{"acc": 0.9}\n')
    project.dvc_add("data")


def change_folder(name: str) -> Step:
    """Return a step that changes a file of that folder and runs `dvc add` again."""

    def change(project: Project) -> None:
        (project.folder / name).unlink(missing_ok=True)
        project.write(name, '{"acc": 0.8}\n')
        project.dvc_add("data")

    return change


def import_file(project: Project) -> None:
    """Run `dvc import` on a file of another project."""
    source = Project.create(project.folder.parent / "source")
    source.write("in.json", '{"acc": 0.9}\n')
    source.dvc_add("in.json")
    source.commit()
    project.delete("in.json")
    with contextlib.chdir(project.folder), Repo() as repo:
        repo.imp(str(source.folder), "in.json")


def update_import(project: Project) -> None:
    """Change the file in the other project and run `dvc update`."""
    source = Project(project.folder.parent / "source")
    source.delete("in.json")
    source.write("in.json", '{"acc": 0.8}\n')
    source.dvc_add("in.json")
    source.commit()
    with contextlib.chdir(project.folder), Repo() as repo:
        repo.update(["in.json.dvc"])


def freeze_and_change(project: Project) -> None:
    """Freeze the stage, and change a parameter and a dependency of it."""
    project.replace("dvc.yaml", "frozen: false", "frozen: true")
    project.replace("params.yaml", "1", "2")
    project.replace("in.json", "0.9", "0.8")


def make_lock_of_dvc_2(project: Project) -> None:
    """Rewrite dvc.lock as DVC before 3.0 wrote it: the hash is of the LF form of text, the size that of the file."""
    yaml, path = YAML(), project.folder / "dvc.lock"
    lock = yaml.load(path)
    for entry in [*lock["stages"]["s"]["deps"], *lock["stages"]["s"]["outs"]]:
        assert entry.pop("hash") == "md5"
        entry["size"] += 1  # as if Git converted the line end
        entry["md5"] = file_md5(str(project.folder / entry["path"]), name="md5-dos2unix")
    yaml.dump(lock, path)


def change_and_remove_cache(project: Project) -> None:
    """Change a file of that folder, run `dvc add` again, and remove the cache."""
    change_folder("data/sub/in.json")(project)
    remove_cache(project)


def commit_stage_file(project: Project) -> None:
    """Commit a stage as DVC before 1.0 wrote it, in a .dvc file."""
    project.write("s.dvc", "cmd: 'true'\nouts: [{path: x}]\n")
    project.commit()


def set_remote(url: str) -> Step:
    """Return a step that configures a default remote."""
    config = f"[core]\n    remote = gone\n['remote \"gone\"']\n    url = {url}\n"
    return lambda project: project.write(".dvc/config", config)


def make_shallow(project: Project) -> None:
    """Replace the repository by a clone without history and without pulled data."""
    full = project.folder.rename(project.folder.with_name("full"))
    Project(full).git("clone", "--quiet", "--depth", "1", full.as_uri(), str(project.folder))


@dataclass(frozen=True)
class Scenario:
    """A project with the file in.json, its change, and what is unlike `SAME` before it, or unlike `STALE` after it.

    `prepare`, `lock` and `finish` run before `dvc repro`, before the first commit and after it. After the change,
    `fresh` fails for `cause`.
    """

    dvc_yaml: str
    change: Step
    cause: str
    files: Mapping[str, str] = field(default_factory=dict)
    prepare: Step = lambda _: None
    lock: Step = lambda _: None
    finish: Step = lambda _: None
    before: Expected = field(default_factory=dict)
    after: Expected = field(default_factory=dict)
    subdirectory: str = ""


CHANGE_INPUT = replace("in.json", "0.9", "0.8")
CHANGED = "dep in.json: changed"


def describe_parameters(name: str, text: str) -> Scenario:
    """Describe a project with parameters in one file."""
    command = f"cat {name} > out.txt && cp in.json m.json"
    stage = f"{{cmd: {command}, params: [{name}: [a]], outs: [out.txt], metrics: [m.json: {{cache: false}}]}}"
    return Scenario(
        f"stages: {{s: {stage}}}", replace(name, "1", "2"), f"param a: 1 in dvc.lock, 2 in {name}", {name: text}
    )
