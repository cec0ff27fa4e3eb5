import re
import shutil
from pathlib import Path

import pytest
from dvc.repo import Repo
from dvc_data.hashfile.hash import file_md5

from foreign_project import Project, RunCheck, Step, damage_file, delete, find_object, replace, write

DATA_DEP = "    deps:\n    - path: data\n      hash: md5\n      md5: {}.dir"


def test_passes_after_repro(project: Project, run_check: RunCheck) -> None:
    summary = "dvc.lock matches HEAD for each of 2 stages"
    assert run_check("fresh") == {"check": "fresh", "status": 0, "summary": summary, "rows": [], "notes": []}


def test_passes_without_data(project: Project, run_check: RunCheck) -> None:
    shutil.rmtree(".dvc/cache")
    shutil.rmtree("data")
    assert run_check("fresh")["status"] == 0


def change_data_dep(project: Project) -> None:
    data_hash = Path("dvc.lock").read_text().partition(".dir")[0].rpartition(" ")[2]
    project.replace("dvc.lock", DATA_DEP.format(data_hash), DATA_DEP.format("0" * 32))


def change_nested_parameter(project: Project) -> None:
    project.replace("dvc.lock", "level: 90", "level: {a: 1, b: [2, 3]}")
    project.replace("params.yaml", "level: 90", "level: {a: 1, b: [2, 4]}")


def add_stage(project: Project) -> None:
    project.write("dvc.yaml", Path("dvc.yaml").read_text() + "  more: {cmd: 'true', deps: [raw.txt]}\n")


def remove_stage(project: Project) -> None:
    project.write("dvc.yaml", Path("dvc.yaml").read_text().partition("  score:")[0])


STALE: dict[str, tuple[Step, dict[str, str]]] = {
    "code": (write("score.sh", "true\n"), {"score": "dep score.sh: changed, "}),
    "missing dep": (delete("raw.txt"), {"prepare": "dep raw.txt: missing from HEAD"}),
    "added dep": (
        replace("dvc.yaml", "[data, score.sh]", "[data, score.sh, raw.txt]"),
        {"score": "dep raw.txt: not in dvc.lock"},
    ),
    "command": (
        replace("dvc.yaml", "sh score.sh", "sh  score.sh"),
        {"score": "cmd: 'sh score.sh' in dvc.lock, 'sh  score.sh' in dvc.yaml"},
    ),
    "parameter": (replace("params.yaml", "90", "91"), {"score": "param level: 90 in dvc.lock, 91 in params.yaml"}),
    "missing parameter": (
        replace("params.yaml", "level: 90", ""),
        {"score": "param level: 90 in dvc.lock, missing in params.yaml"},
    ),
    "added parameter": (
        replace("dvc.yaml", "[level,", "[level, other,"),
        {"score": "param other: missing in dvc.lock, missing in params.yaml"},
    ),
    "nested parameter": (change_nested_parameter, {"score": "param level.b[1]: 3 in dvc.lock, 4 in params.yaml"}),
    "missing params file": (delete("params.yaml"), {"score": "params file params.yaml: missing from HEAD"}),
    "added output": (
        replace("dvc.yaml", "[report.txt]", "[report.txt, more.txt]"),
        {"score": "out more.txt: not in dvc.lock"},
    ),
    "metric": (replace("metrics.json", "0.90", "0.99"), {"score": "out metrics.json: changed, "}),
    "missing metric": (delete("metrics.json"), {"score": "out metrics.json: missing from HEAD"}),
    "output of another stage": (change_data_dep, {"score": "dep data: changed, 00000000 in dvc.lock, "}),
    "added stage": (add_stage, {"more": "not in dvc.lock"}),
    "no dvc.lock": (delete("dvc.lock"), {"prepare": "not in dvc.lock", "score": "not in dvc.lock"}),
}
LEFTOVERS: dict[str, tuple[Step, str]] = {
    "dep": (replace("dvc.yaml", "[data, score.sh]", "[data]"), "dep score.sh of score"),
    "parameter": (replace("dvc.yaml", "[level,", "["), "param level of score"),
    "params file": (
        replace("dvc.yaml", "    params: [level, numerics]\n", ""),
        "param level of score, param numerics of score",
    ),
    "output": (replace("dvc.yaml", "    outs: [report.txt]\n", ""), "out report.txt of score"),
    "stage": (remove_stage, "stage score"),
    "pipeline": (delete("dvc.yaml"), "stage prepare, stage score"),
}


@pytest.mark.parametrize("name", STALE)
def test_detects_stale_stage(project: Project, run_check: RunCheck, name: str) -> None:
    change, causes = STALE[name]
    change(project)
    project.commit()
    result = run_check("fresh")
    assert result["status"] == 1
    assert [row["stage"] for row in result["rows"]] == list(causes)
    assert all(row["cause"].startswith(causes[row["stage"]]) for row in result["rows"])


@pytest.mark.parametrize("name", LEFTOVERS)
def test_notes_what_only_dvc_lock_has(project: Project, run_check: RunCheck, name: str) -> None:
    change, leftovers = LEFTOVERS[name]
    change(project)
    project.commit()
    result = run_check("fresh")
    assert (result["status"], len(result["notes"])) == (0, 1)
    assert result["notes"][0].endswith(f"you can delete it there: {leftovers}")


def test_ignores_uncommitted_changes(project: Project, run_check: RunCheck) -> None:
    project.replace("params.yaml", "90", "91")
    result = run_check("fresh")
    assert result["status"] == 0
    assert result["notes"] == ["Uncommitted changes were not checked: params.yaml"]


def test_notes_few_names_of_many(project: Project, run_check: RunCheck) -> None:
    for number in range(9):
        project.write(f"{number}.txt", "")
    project.commit()
    for number in range(9):
        project.delete(f"{number}.txt")
    text = "Uncommitted changes were not checked: 0.txt, 1.txt, 2.txt, 3.txt, 4.txt, and 4 more"
    assert run_check("fresh")["notes"] == [text]
    project.git("sparse-checkout", "set", "--no-cone", "/*", "!/?.txt")
    assert run_check("fresh")["notes"] == []


def test_leaves_project_of_older_dvc_as_it_is(project: Project, run_check: RunCheck) -> None:
    project.write(".dvc/.gitignore", "/cache\n")
    project.write(".git/info/exclude", "/.dvc/tmp\n")
    project.commit()
    assert run_check("fresh")["notes"] == []
    assert project.git("status", "--porcelain") == ""
    Repo().close()  # as any dvc command
    assert project.git("status", "--porcelain") != ""
    assert run_check("fresh")["notes"] == []


def test_needs_content_of_git_lfs(project: Project, run_check: RunCheck) -> None:
    project.write(".gitattributes", "raw.txt filter=lfs\n")
    project.write("raw.txt", f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 4\n")
    project.commit()
    result = run_check("fresh")
    assert (result["status"], result["rows"][0]["stage"]) == (2, "prepare")
    assert result["rows"][0]["cause"].endswith("Git LFS has not fetched its content; run git lfs pull")


@pytest.mark.parametrize("dep", ["lib", "lib/s.py", "."])
def test_needs_submodule(project: Project, run_check: RunCheck, dep: str) -> None:
    library = Project.create(project.folder.parent / "library")
    library.commit()
    project.add_submodule("../library", "top/lib")
    project.replace("dvc.yaml", "raw.txt", f"top/{dep}")
    project.replace("dvc.lock", "path: raw.txt", f"path: top/{dep}")
    project.commit()
    project.git("submodule", "--quiet", "deinit", "--all", "--force")
    result = run_check("fresh")
    assert (result["status"], result["summary"]) == (2, "not everything could be compared with dvc.lock")
    assert result["rows"][0]["cause"].endswith("not checked out; run git submodule update --init top/lib")


@pytest.mark.parametrize(("target", "status"), [("raw.txt", 0), ("missing", 1), ("link", 0), ("../outside", 0)])
def test_follows_link(project: Project, run_check: RunCheck, target: str, status: int) -> None:
    project.replace("dvc.yaml", "raw.txt", "link")
    project.replace("dvc.lock", "path: raw.txt", "path: link")
    (project.folder / "link").symlink_to(target)
    project.commit()
    result = run_check("fresh")
    assert result["status"] == status
    assert len(result["notes"]) == (target in ("link", "../outside"))


def test_needs_listing_of_folder_for_part_of_it(project: Project, run_check: RunCheck) -> None:
    project.replace("dvc.yaml", "[data, score.sh]", "[data/deep, score.sh]")
    project.repro()
    project.commit()
    assert run_check("fresh")["status"] == 0
    damage_file(find_object("[{"), "[]")
    result = run_check("fresh")
    assert (result["status"], result["summary"]) == (
        2,
        "not everything could be compared with dvc.lock; run dvc pull data",
    )
    project.write("prepare.sh", "true\n")
    project.commit()
    assert run_check("fresh")["status"] == 1, "a failure has precedence"


def test_reports_missing_project_git_and_commit(empty_folder: Path, run_check: RunCheck) -> None:
    assert "is not in a Git repository" in run_check("fresh")["summary"]
    Repo.init(no_scm=True).close()
    assert run_check("fresh")["status"] == 2
    Project(Path()).git("init")
    assert run_check("fresh")["status"] == 2


def test_detects_truncated_dvc_lock(project: Project, run_check: RunCheck) -> None:
    complete = Path("dvc.lock").read_text()
    last_line = complete.splitlines(keepends=True)[-1]
    for length in range(1, len(last_line) + 1):
        project.write("dvc.lock", complete[:-length])
        project.commit()
        assert run_check("fresh")["status"] != 0, f"without {complete[-length:]!r}"
    assert project.repro() == []  # DVC does not detect it
    assert Path("dvc.lock").read_text() != complete
    Path("dvc.lock").unlink()  # as the message instructs
    project.repro()
    assert Path("dvc.lock").read_text() == complete


def test_detects_wrong_size(project: Project, run_check: RunCheck) -> None:
    complete = Path("dvc.lock").read_text()
    sizes = list(re.finditer(r"\n *size: (\d+)", complete))
    found = []
    for size in sizes:
        for number in ("", f"\n      size: {int(size[1]) + 1}"):
            project.write("dvc.lock", complete[: size.start()] + number + complete[size.end() :])
            project.commit()
            result = run_check("fresh")
            found.append(result["status"])
            assert all("size is wrong or missing in dvc.lock" in row["cause"] for row in result["rows"])
    folders = [".dir" in complete[: size.start()].splitlines()[-1] for size in sizes]
    assert found == [1 if missing or not folder else 0 for folder in folders for missing in (True, False)]


def test_ignores_size_of_damaged_object(project: Project, run_check: RunCheck) -> None:
    digest = file_md5("report.txt")
    damage_file(Path(".dvc/cache/files/md5", digest[:2], digest[2:]), "longer than before\n")
    assert run_check("fresh")["status"] == 0


BROKEN: dict[str, tuple[str, Step]] = {
    "empty": ("dvc.lock", write("dvc.lock", "")),
    "truncated": ("dvc.lock", lambda _: Path("dvc.lock").write_text(Path("dvc.lock").read_text()[:100])),
    "no YAML": ("dvc.lock", write("dvc.lock", "{")),
    "no text": ("dvc.lock", lambda _: Path("dvc.lock").write_bytes(b"\xff\xfe")),
    "no YAML in dvc.yaml": ("dvc.yaml", write("dvc.yaml", "{")),
    "no YAML in params.yaml": ("params.yaml", write("params.yaml", "{")),
}


@pytest.mark.parametrize("name", BROKEN)
def test_reports_broken_file(project: Project, run_check: RunCheck, name: str) -> None:
    file, change = BROKEN[name]
    change(project)
    project.commit()
    result = run_check("fresh")
    assert result["status"] == 2
    assert file in result["summary"]
