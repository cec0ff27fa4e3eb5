"""Projects by feature of DVC, and what each check says of them before and after a change."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from dvc.repo import Repo
from dvc_data.hashfile.hash import file_md5
from ruamel.yaml import YAML

from foreign_project import Project, Step, replace, write

Expected = dict[str, tuple[int, str]]  # status and text by check
SAME: Expected = {"fresh": (0, ""), "cache": (0, ""), "reproduce": (0, "")}
STALE: Expected = {"gate": (0, "")}
CHANGE_INPUT = replace("in.json", "0.9", "0.8")
GOOD, WORSE = '{"acc": 0.9}\n', '{"acc": 0.8}\n'


@dataclass(frozen=True)
class Feature:
    """A project with the file in.json, its change, and what is unlike `SAME` before it, or unlike `STALE` after it.

    `prepare`, `lock` and `finish` run before `dvc repro`, before the first commit and after it. After the change,
    `fresh` fails for `cause`; checks run only where `SAME`, `STALE`, `before` or `after` names them.
    """

    dvc_yaml: str
    cause: str = "dep in.json: changed"
    change: Step = CHANGE_INPUT
    files: Mapping[str, str] = field(default_factory=dict)
    prepare: Step = lambda _: None
    lock: Step = lambda _: None
    finish: Step = lambda _: None
    before: Expected = field(default_factory=dict)
    after: Expected = field(default_factory=dict)
    subdirectory: str = ""


def describe_parameters(name: str, text: str, key: str = "a") -> Feature:
    """Describe a project with parameters in one file."""
    command = f"cat {name} > out.txt && cp in.json m.json"
    stage = f"{{cmd: {command}, params: [{name}: [a]], outs: [out.txt], metrics: [m.json: {{cache: false}}]}}"
    cause = f"param {key}: 1 in dvc.lock, 2 in {name}"
    return Feature(f"stages: {{s: {stage}}}", cause, replace(name, "1", "2"), {name: text})


def add_folder(project: Project) -> None:
    """Run `dvc add` on a folder with two files."""
    project.write("data/other/b.txt", "b\n")
    project.write("data/sub/in.json", GOOD)
    project.dvc_add("data")


def change_folder(name: str) -> Step:
    """Return a step that changes a file of that folder and runs `dvc add` again."""

    def change(project: Project) -> None:
        (project.folder / name).unlink(missing_ok=True)
        project.write(name, WORSE)
        project.dvc_add("data")

    return change


def change_folder_and_remove_cache(project: Project) -> None:
    """Change a file of that folder, run `dvc add` again, and remove the cache."""
    change_folder("data/sub/in.json")(project)
    project.remove_cache()


def import_file(project: Project) -> None:
    """Run `dvc import` on a file of another project."""
    source = Project.create(project.folder.parent / "source")
    source.dvc_add("in.json", GOOD)
    source.commit()
    project.delete("in.json")
    with contextlib.chdir(project.folder), Repo() as repo:
        repo.imp(str(source.folder), "in.json")


def update_import(project: Project) -> None:
    """Change the file in the other project and run `dvc update`."""
    source = Project(project.folder.parent / "source")
    source.dvc_add("in.json", WORSE)
    source.commit()
    with contextlib.chdir(project.folder), Repo() as repo:
        repo.update(["in.json.dvc"])


def freeze_and_change(project: Project) -> None:
    """Freeze the stage, and change a parameter and a dependency of it."""
    project.replace("dvc.yaml", "frozen: false", "frozen: true")
    project.replace("params.yaml", "1", "2")
    project.replace("in.json", "0.9", "0.8")


def change_mixed_folder(project: Project) -> None:
    """Change a file of Git, and one that .dvcignore excludes."""
    project.replace("mixed/in.json", "0.9", "0.8")
    project.write("mixed/b.ignored", "b\n")


def add_submodule(project: Project) -> None:
    """Add a submodule in the folder `top`, with another one in it."""
    for name in ("inner", "lib"):
        library = Project(project.folder.parent / name)
        library.write("in.json", GOOD)
        library.git("init", "--quiet")
        if name == "lib":
            library.add_submodule("../inner", "deep")
        library.commit()
    project.add_submodule("../lib", "top/lib")
    project.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init", "--recursive")


def commit_in_submodule(project: Project) -> None:
    """Change the file of the submodule in the submodule, and commit in both."""
    for name in ("top/lib/deep", "top/lib"):
        Project(project.folder / name).write("in.json", WORSE)
        Project(project.folder / name).commit()


def add_links(project: Project) -> None:
    """Link to files and folders of Git, to data in DVC, and out of the repository."""
    project.write("real/in.json", GOOD)
    project.write("folder/own.txt", "own\n")
    project.write("cached/x.txt", "x\n")
    project.dvc_add("cached")
    project.dvc_add("data.txt", "data\n")
    project.write("real/p.yaml", "a: 1\n")
    files = {
        "file": "real/in.json",
        "p.yaml": "real/p.yaml",
        "folder/data": "../data.txt",
        "folder/file": "../file",
        "outside": "/bin/sh",
    }
    folders = {"linked": "real", "folder/git": "../real", "folder/dvc": "../cached"}
    for name, target in {**files, **folders}.items():
        (project.folder / name).symlink_to(target)


def change_links(project: Project) -> None:
    """Link to another file, and to other data in DVC."""
    project.write("real/other.json", WORSE)
    (project.folder / "file").unlink()
    (project.folder / "file").symlink_to("linked/other.json")
    project.dvc_add("data.txt", "other data\n")


def set_up_filters(project: Project) -> None:
    """Store files in upper case, and with LF line ends."""
    for name, value in {"up.clean": "tr a-z A-Z", "up.smudge": "tr A-Z a-z"}.items():
        project.git("config", "--global", f"filter.{name}", value)
    project.git("config", "core.autocrlf", "true")  # libgit2 has read the global settings before


def make_lock_of_dvc_2(project: Project) -> None:
    """Rewrite dvc.lock as DVC before 3.0 wrote it: the hash is of the LF form of text, the size that of the file."""
    yaml, path = YAML(), project.folder / "dvc.lock"
    lock = yaml.load(path)
    for entry in [*lock["stages"]["s"]["deps"], *lock["stages"]["s"]["outs"]]:
        assert entry.pop("hash") == "md5"
        entry["size"] += 1  # as if Git converted the line end
        entry["md5"] = file_md5(str(project.folder / entry["path"]), name="md5-dos2unix")
    yaml.dump(lock, path)


def commit_stage_file(project: Project) -> None:
    """Commit a stage as DVC before 1.0 wrote it, in a .dvc file."""
    project.write("s.dvc", "cmd: 'true'\nouts: [{path: x}]\n")
    project.commit()


def set_remote(url: str) -> Step:
    """Return a step that configures a default remote."""
    return write(".dvc/config", f"[core]\n    remote = gone\n['remote \"gone\"']\n    url = {url}\n")


COPY = "cmd: cp in.json m.json, deps: [in.json], metrics: [m.json: {cache: false}]"
ONE = f"stages: {{s: {{{COPY}}}}}"
CACHED = "stages: {s: {cmd: cp in.json m.json, deps: [in.json], metrics: [m.json]}}"
PART = "stages: {s: {cmd: cp data/sub/in.json m.json, deps: [data/sub], metrics: [m.json: {cache: false}]}}"
FOLDER = PART.replace("deps: [data/sub]", "deps: [data]")
EVAL = "stages: {s: {cmd: mkdir -p eval && cp in.json eval/m.json, deps: [in.json], outs: [eval]}}\n"
EVAL_METRICS = f"{EVAL}metrics: [eval/m.json]"
EXTERNAL = "cmd: cp in.json m.json && cp in.json ../ext.json, deps: [in.json], outs: [../ext.json: {cache: false}]"
FROZEN = "cmd: cp in.json m.json, deps: [in.json], params: [a], metrics: [m.json: {cache: false}], frozen: false"
IGNORED = "cmd: cp in.json m.json && cp in.json log.txt, deps: [in.json], outs: [log.txt: {cache: false}]"
MIXED = f"""stages:
  inner: {{cmd: cp in.json mixed/made.json, deps: [in.json], outs: [mixed/made.json]}}
  s: {{{COPY.replace("cp in", "cp mixed/in").replace("[in.json]", "[mixed]")}}}"""
VALUES = f"stages: {{v: {{cmd: 'echo a: 1 > v.yaml', outs: [v.yaml]}}, s: {{{COPY}, params: [v.yaml: [a]]}}}}"
PLOTS = (
    "stages: {s: {cmd: cp in.json m.json && echo a > p.csv, deps: [in.json], metrics: [m.json: {cache: false}], "
    "plots: [p.csv: {x: a, cache: false}]}}\nplots: [q.csv: {x: a}, in.json]"
)
NO_STAGES = "HEAD has no stages; nothing to check"
NOT_PULLED: Expected = {"cache": (0, "missing from the cache")}
M_NOT_PULLED = NOT_PULLED | {"gate": (2, "m.json is missing from the cache or damaged; run dvc pull m.json")}
EVAL_NOT_PULLED = NOT_PULLED | {"gate": (2, "run dvc pull eval")}
DATA_NOT_PULLED = NOT_PULLED | {"fresh": (2, "run dvc pull data"), "reproduce": (2, "damaged: data; run dvc pull")}
INVALID = dict.fromkeys(SAME | STALE, (2, "extra keys not allowed"))

FEATURES = {
    "one stage": Feature(ONE),
    "foreach": Feature(
        "stages: {s: {foreach: [a, b], do: {cmd: 'cp in.json ${item}.json', deps: [in.json], "
        "metrics: ['${item}.json': {cache: false}]}}}",
        '{"stage": "s@b", "cause": "dep in.json: changed',
    ),
    "matrix": Feature(
        "stages: {s: {matrix: {x: [1, 2]}, cmd: 'cp in.json ${item.x}.json', deps: [in.json], "
        "metrics: ['${item.x}.json': {cache: false}]}}",
        '{"stage": "s@2", "cause": "dep in.json: changed',
    ),
    "vars and templates": Feature(
        "vars: [source: {file: in.json}]\nstages: {s: {cmd: 'cp ${source.file} m.json', deps: [in.json, other.json], "
        "metrics: [m.json: {cache: false}]}}",
        "cmd: 'cp in.json m.json' in dvc.lock, 'cp other.json m.json' in dvc.yaml",
        replace("dvc.yaml", "file: in.json", "file: other.json"),
        {"other.json": WORSE},
    ),
    "several dvc.yaml": Feature(
        ONE,
        '{"stage": "sub/dvc.yaml:s", "cause": "dep sub/in.json: changed',
        replace("sub/in.json", "0.9", "0.8"),
        {"sub/dvc.yaml": ONE, "sub/in.json": GOOD},
    ),
    "wdir, and a dep outside": Feature(
        f"stages: {{s: {{wdir: sub, {COPY.replace('[in.json]', '[in.json, /bin/sh]')}}}}}",
        "dep sub/in.json: changed",
        replace("sub/in.json", "0.9", "0.8"),
        {"sub/in.json": GOOD},
        before={"fresh": (0, "s: dep /bin/sh: not compared, because it is outside the repository")},
    ),
    "DVC in a subfolder": Feature(ONE, subdirectory="sub"),
    "dep above that subfolder": Feature(
        ONE.replace("[in.json]", "[in.json, ../code/a.py]"),
        "dep ../code/a.py: changed",
        replace("../code/a.py", "1", "2"),
        {"../code/a.py": "1\n"},
        after={"reproduce": (0, "1 outputs are identical")},
        subdirectory="sub",
    ),
    "params in YAML": describe_parameters("p.yaml", "a: 1\n"),
    "params in JSON": describe_parameters("p.json", '{"a": 1}\n'),
    "params in TOML": describe_parameters("p.toml", "a = 1\n"),
    "params in Python": describe_parameters("p.py", "a = (0, 1)\n", "a[1]"),
    "params in an output": Feature(
        VALUES, "param a: 2 in dvc.lock, 1 in v.yaml", replace("dvc.lock", "a: 1", "a: 2"), after={"reproduce": (0, "")}
    ),
    "params in an output, not pulled": Feature(
        VALUES,
        finish=Project.remove_cache,
        before=NOT_PULLED
        | {"fresh": (2, "params file v.yaml: not compared, because v.yaml is missing from the cache")},
        after=NOT_PULLED,
    ),
    "dvc add, file": Feature(
        ONE,
        change=lambda project: project.dvc_add("in.json", WORSE),
        prepare=lambda project: project.dvc_add("in.json"),
    ),
    "dvc add, folder": Feature(
        FOLDER, "dep data: changed", change_folder("data/other/b.txt"), prepare=add_folder, after={"reproduce": (0, "")}
    ),
    "dvc add, part of a folder": Feature(
        PART, "dep data/sub: changed", change_folder("data/sub/in.json"), prepare=add_folder
    ),
    "dvc add, other part": Feature(
        PART,
        change=change_folder("data/other/b.txt"),
        prepare=add_folder,
        after={"fresh": (0, "matches HEAD"), "reproduce": (0, "")},
    ),
    "dvc add, part, not pulled": Feature(
        PART,
        change=change_folder_and_remove_cache,
        prepare=add_folder,
        finish=Project.remove_cache,
        before=DATA_NOT_PULLED,
        after=DATA_NOT_PULLED,
    ),
    "folder of Git, outputs and ignored files": Feature(
        MIXED,
        "dep mixed: changed",
        change_mixed_folder,
        {".dvcignore": "*.ignored\n", "mixed/in.json": GOOD, "mixed/a.ignored": "a\n"},
    ),
    "dvc import": Feature(ONE, change=update_import, prepare=import_file),
    "frozen stage": Feature(
        f"stages: {{s: {{{FROZEN}}}}}",
        change=freeze_and_change,
        files={"params.yaml": "a: 1\n"},
        after={"fresh": (0, "frozen, so dvc repro ignores: param a: 1 in dvc.lock, 2"), "reproduce": (0, "")},
    ),
    "external output": Feature(
        f"stages: {{s: {{{EXTERNAL}}}}}",
        before={
            "fresh": (0, "out ../ext.json: not compared, because it is outside the repository"),
            "gate": (0, "HEAD has no metrics"),
            "reproduce": (2, "../ext.json is outside the project"),
        },
        after={"gate": (0, "HEAD~1 has no metrics"), "reproduce": (2, "../ext.json is outside the project")},
    ),
    "cache: false, ignored by Git": Feature(
        f"stages: {{s: {{{IGNORED}}}, t: {{{COPY.replace('in.json', 'log.txt')}}}}}",
        files={".gitignore": "/log.txt\n"},
        before={"fresh": (0, "s: out log.txt: not compared, because Git ignores it")},
    ),
    "submodules": Feature(
        ONE.replace("in.json", "top/lib/deep/in.json", 1).replace("[in.json]", "[top, top/lib/in.json]"),
        "dep top: changed",
        commit_in_submodule,
        prepare=add_submodule,
    ),
    "links": Feature(
        ONE.replace("in.json", "file", 1).replace(
            "[in.json]", "[file, folder, linked, linked/in.json, outside], params: [p.yaml: [a]]"
        ),
        "dep folder: changed",
        change_links,
        prepare=add_links,
        before={
            "fresh": (0, "dep outside: not compared, because the link outside leads out of the repository, to /bin")
        },
    ),
    "Git filters": Feature(
        ONE.replace("[in.json]", "[in.json, a.txt]"),
        files={".gitattributes": "* -text\nin.json filter=up\na.txt text\n", "a.txt": "a\r\n"},
        prepare=set_up_filters,
    ),
    "lock of schema 2.0, CRLF": Feature(ONE, files={"in.json": '{"acc": 0.9}\r\n'}, lock=make_lock_of_dvc_2),
    ".dvc file with a command": Feature("stages: {}", finish=commit_stage_file, before=INVALID, after=INVALID),
    "metrics in the cache": Feature(CACHED),
    "metrics in a folder": Feature(EVAL_METRICS),
    "metrics: a whole folder": Feature(EVAL.replace("outs", "metrics")),
    "folder with cache: false": Feature(
        EVAL.replace("[eval]", "[eval: {cache: false}]"),
        "out eval: changed",
        replace("eval/m.json", "0.9", "0.8"),
        before={"gate": (0, "HEAD has no metrics")},
        after={"gate": (0, "HEAD~1 has no metrics"), "reproduce": (0, "1 outputs are identical")},
    ),
    "plots": Feature(
        PLOTS,
        "out p.csv: changed",
        replace("p.csv", "a", "b"),
        {"q.csv": "a\n1\n"},
        after={"reproduce": (0, "2 outputs are identical")},
    ),
    "no stage": Feature(
        "stages: {}",
        change=write("x", ""),
        before={"fresh": (0, NO_STAGES), "gate": (0, "HEAD has no metrics"), "reproduce": (0, NO_STAGES)},
        after={"fresh": (0, NO_STAGES), "gate": (0, "HEAD~1 has no metrics"), "reproduce": (0, NO_STAGES)},
    ),
    "shallow clone": Feature(ONE, finish=Project.make_shallow),
    "remote that is not there": Feature(
        CACHED,
        prepare=set_remote("/nonexistent/remote"),
        finish=Project.remove_cache,
        before=M_NOT_PULLED,
        after=M_NOT_PULLED,
    ),
    "remote whose package is not installed": Feature(
        EVAL_METRICS,
        prepare=set_remote("oss://bucket/folder"),
        finish=Project.remove_cache,
        before=EVAL_NOT_PULLED,
        after=EVAL_NOT_PULLED,
    ),
}
