import shutil
from pathlib import Path

from tests.checks.conftest import RunCheck
from tests.checks.project import Project, damage_file


def test_passes_full_project(full_project: Project, run_check: RunCheck) -> None:
    result = run_check("fresh")
    notes = [
        "outside: dep ../outside.txt: not compared, because it is outside the repository",
        "outside: dep /bin/sh: not compared, because it is outside the repository",
    ]
    assert result == {**result, "status": 0, "rows": [], "notes": notes}
    assert result["summary"] == "dvc.lock matches HEAD for each of 12 stages"


def test_detects_all_changes_in_full_project(full_project: Project, run_check: RunCheck) -> None:
    full_project.write("code/deep/two.py", "two\n")
    full_project.write("code/four.ignored", "4\n")
    full_project.write("mixed/git.txt", "Git\n")
    full_project.dvc_add("raw.csv", "new\n")
    full_project.replace("params.yaml", "size: 3", "size: 4")
    full_project.replace("settings/a.toml", "3", "5")
    full_project.replace("settings/a.py", "2", "3")
    full_project.replace("grid1.txt", "1", "0")
    full_project.commit()
    rows = [(row["stage"], row["cause"].partition(", ")[0]) for row in run_check("fresh")["rows"]]
    assert sorted(rows) == [
        ("copied", "dep mixed: changed"),
        ("each@x", "cmd: 'mkdir -p out && echo x 3 > out/x.txt' in dvc.lock"),
        ("each@x", "dep mixed/git.txt: changed"),
        ("each@y", "cmd: 'mkdir -p out && echo y 3 > out/y.txt' in dvc.lock"),
        ("each@y", "dep mixed/git.txt: changed"),
        ("first", "dep code: changed"),
        ("first", "dep raw.csv: changed"),
        ("first", "param model: {'size': 3"),
        ("grid@1-3", "out grid1.txt: changed"),
        ("grid@1-3", "param model: {'size': 3} in dvc.lock"),
        ("grid@1-3", "param sizes: [1"),
        ("grid@2-3", "param model: {'size': 3} in dvc.lock"),
        ("grid@2-3", "param sizes: [1"),
        ("values", "dep raw.csv: changed"),
    ]


UNCOMPARED = {
    "inner: dep made/deep: not compared, because made is missing from the cache or damaged; run dvc pull made",
    "inner: dep made/y.txt: not compared, because made is missing from the cache or damaged; run dvc pull made",
}
UNREAD = (
    "reads_values: params file values.yaml: not compared, because values.yaml is missing from the cache or damaged; "
)


def test_reports_missing_directory_listing(full_project: Project, run_check: RunCheck) -> None:
    shutil.rmtree(".dvc/cache")
    result = run_check("fresh")
    assert (result["status"], result["summary"]) == (
        2,
        "not everything could be compared with dvc.lock; run dvc pull made values.yaml",
    )
    causes = {f"{row['stage']}: {row['cause']}" for row in result["rows"]}
    assert causes == UNCOMPARED | {f"{UNREAD}run dvc pull values.yaml"}
    full_project.replace("code/one.py", "1", "2")
    full_project.commit()
    assert run_check("fresh")["status"] == 1


def test_reports_damaged_directory_listing(full_project: Project, run_check: RunCheck) -> None:
    for listing in Path(".dvc/cache/files").rglob("*.dir"):
        damage_file(listing, "[]")
    result = run_check("fresh")
    assert (result["status"], len(result["rows"])) == (2, 2)


def test_reads_parameters_of_outputs_from_cache(full_project: Project, run_check: RunCheck) -> None:
    full_project.replace("dvc.lock", "size: 4\n", "size: 5\n")
    full_project.commit()
    cause = "param size: 5 in dvc.lock, 4 in values.yaml"
    assert {"stage": "reads_values", "cause": cause} in run_check("fresh")["rows"]


def test_reports_path_of_nested_dvc_yaml(full_project: Project, run_check: RunCheck) -> None:
    full_project.replace("sub/dvc.yaml", "nested:", "renamed:")
    full_project.commit()
    assert run_check("fresh")["rows"] == [
        {"stage": "sub/dvc.yaml:renamed", "cause": "not in dvc.lock"},
        {"stage": "sub/dvc.yaml:nested", "cause": "in dvc.lock, but no longer in dvc.yaml"},
    ]
