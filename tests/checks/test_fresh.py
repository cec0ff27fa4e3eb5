import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from dvc.repo import Repo
from dvc_data.hashfile.hash import file_md5

from tests.checks.conftest import DVC_WARNS, Ask, Project, damage

pytestmark = DVC_WARNS

Change = Callable[[Project], object]


def test_holds_where_the_commit_is_what_ran(tiny: Project, ask: Ask) -> None:
    answer = ask("fresh")
    assert answer == {
        "check": "fresh",
        "status": 0,
        "summary": "dvc.lock is what HEAD says, for each of 2 stages",
        "rows": [],
        "notes": [],
    }


def test_data_that_is_not_pulled_is_not_stale(tiny: Project, ask: Ask) -> None:
    shutil.rmtree(".dvc/cache")
    shutil.rmtree("data")
    assert ask("fresh")["status"] == 0


CHANGES: dict[str, tuple[Change, dict[str, str]]] = {
    "code": (
        lambda tiny: tiny.write("score.sh", "true\n"),
        {"score": "dep score.sh: changed, "},
    ),
    "missing dep": (
        lambda tiny: tiny.delete("raw.txt"),
        {"prepare": "dep raw.txt: missing from HEAD"},
    ),
    "added dep": (
        lambda tiny: tiny.replace("dvc.yaml", "[data, score.sh]", "[data, score.sh, raw.txt]"),
        {"score": "dep raw.txt: not in dvc.lock"},
    ),
    "removed dep": (
        lambda tiny: tiny.replace("dvc.yaml", "[data, score.sh]", "[data]"),
        {"score": "dep score.sh: no longer in dvc.yaml"},
    ),
    "command": (
        lambda tiny: tiny.replace("dvc.yaml", "sh score.sh", "sh  score.sh"),
        {"score": "command: dvc.lock says 'sh score.sh', dvc.yaml says 'sh  score.sh'"},
    ),
    "parameter": (
        lambda tiny: tiny.replace("params.yaml", "90", "91"),
        {"score": "param level: dvc.lock says 90, params.yaml says 91"},
    ),
    "missing parameter": (
        lambda tiny: tiny.replace("params.yaml", "level: 90", ""),
        {"score": "param level: dvc.lock says 90, params.yaml says nothing"},
    ),
    "added parameter": (
        lambda tiny: tiny.replace("dvc.yaml", "[level,", "[level, other,"),
        {"score": "param other: dvc.lock says nothing, params.yaml says nothing"},
    ),
    "removed parameter": (
        lambda tiny: tiny.replace("dvc.yaml", "[level,", "["),
        {"score": "param level: no longer in dvc.yaml"},
    ),
    "missing file of parameters": (
        lambda tiny: tiny.delete("params.yaml"),
        {"score": "params file params.yaml: missing from HEAD"},
    ),
    "removed file of parameters": (
        lambda tiny: tiny.replace("dvc.yaml", "    params: [level, numerics]\n", ""),
        {"score": "params of params.yaml: no longer in dvc.yaml"},
    ),
    "added output": (
        lambda tiny: tiny.replace("dvc.yaml", "[report.txt]", "[report.txt, more.txt]"),
        {"score": "output more.txt: not in dvc.lock"},
    ),
    "removed output": (
        lambda tiny: tiny.replace("dvc.yaml", "    outs: [report.txt]\n", ""),
        {"score": "output report.txt: no longer in dvc.yaml"},
    ),
    "metric": (
        lambda tiny: tiny.replace("metrics.json", "0.90", "0.99"),
        {"score": "output metrics.json: changed, "},
    ),
    "missing metric": (
        lambda tiny: tiny.delete("metrics.json"),
        {"score": "output metrics.json: missing from HEAD"},
    ),
    "output of another stage": (
        lambda tiny: tiny.replace("dvc.lock", LAST_DATA.format(hash_of_data(tiny)), LAST_DATA.format("0" * 32)),
        {"score": "dep data: changed, 00000000 in dvc.lock and "},
    ),
    "added stage": (
        lambda tiny: tiny.write("dvc.yaml", Path("dvc.yaml").read_text() + "  more: {cmd: 'true', deps: [raw.txt]}\n"),
        {"more": "not in dvc.lock"},
    ),
    "removed stage": (
        lambda tiny: tiny.write("dvc.yaml", Path("dvc.yaml").read_text().partition("  score:")[0]),
        {"score": "in dvc.lock, but no longer in dvc.yaml"},
    ),
    "removed pipeline": (
        lambda tiny: tiny.delete("dvc.yaml"),
        {"prepare": "in dvc.lock, but no longer in dvc.yaml", "score": "in dvc.lock, but no longer in dvc.yaml"},
    ),
}

LAST_DATA = "    deps:\n    - path: data\n      hash: md5\n      md5: {}.dir"


def hash_of_data(project: Project) -> str:
    lock = (project.folder / "dvc.lock").read_text()
    return lock.partition(".dir")[0].rpartition(" ")[2]


@pytest.mark.parametrize("change", CHANGES)
def test_each_cause_of_staleness_is_named_with_its_stage(tiny: Project, ask: Ask, change: str) -> None:
    make, causes = CHANGES[change]
    make(tiny)
    tiny.commit()
    answer = ask("fresh")
    assert answer["status"] == 1
    assert [row["stage"] for row in answer["rows"]] == list(causes)
    assert all(row["cause"].startswith(causes[row["stage"]]) for row in answer["rows"])


def test_looks_at_the_commit_and_not_at_the_workspace(tiny: Project, ask: Ask) -> None:
    tiny.replace("params.yaml", "90", "91")
    answer = ask("fresh")
    assert answer["status"] == 0
    assert answer["notes"] == [
        "The workspace has changes that are not committed, in params.yaml; what was checked is HEAD."
    ]


def test_all_that_dvc_yaml_can_say_is_understood(everything: Project, ask: Ask) -> None:
    answer = ask("fresh")
    notes = [
        "takes: params file values.yaml: not compared, it is an output",
        "outside: dep ../outside.txt: not compared, it lies outside the project",
        "outside: dep /bin/sh: not compared, it lies outside the project",
    ]
    assert answer == {**answer, "status": 0, "rows": [], "notes": notes}
    assert answer["summary"] == "dvc.lock is what HEAD says, for each of 12 stages"


def test_all_causes_are_found_in_what_dvc_yaml_can_say(everything: Project, ask: Ask) -> None:
    everything.write("code/deep/two.py", "two\n")
    everything.write("code/four.ignored", "4\n")
    everything.write("mixed/git.txt", "Git\n")
    everything.add("raw.csv", "new\n")
    everything.replace("params.yaml", "size: 3", "size: 4")
    everything.replace("settings/a.toml", "3", "5")
    everything.replace("settings/a.py", "2", "3")
    everything.replace("grid1.txt", "1", "0")
    everything.commit()
    rows = [(row["stage"], row["cause"].partition(", ")[0]) for row in ask("fresh")["rows"]]
    assert sorted(rows) == [
        ("each@x", "command: dvc.lock says 'mkdir -p out && echo x 3 > out/x.txt'"),
        ("each@x", "dep mixed/git.txt: changed"),
        ("each@y", "command: dvc.lock says 'mkdir -p out && echo y 3 > out/y.txt'"),
        ("each@y", "dep mixed/git.txt: changed"),
        ("first", "dep code: changed"),
        ("first", "dep raw.csv: changed"),
        ("first", "param model: dvc.lock says {'size': 3"),
        ("grid@1-3", "output grid1.txt: changed"),
        ("grid@1-3", "param model: dvc.lock says {'size': 3}"),
        ("grid@1-3", "param sizes: dvc.lock says [1"),
        ("grid@2-3", "param model: dvc.lock says {'size': 3}"),
        ("grid@2-3", "param sizes: dvc.lock says [1"),
        ("values", "dep raw.csv: changed"),
        ("whole", "dep mixed: changed"),
    ]


def test_what_only_a_listing_tells_is_not_compared_without_it(everything: Project, ask: Ask) -> None:
    shutil.rmtree(".dvc/cache")
    answer = ask("fresh")
    assert answer["status"] == 0
    assert [note for note in answer["notes"] if "listing" in note] == [
        "inner: dep made/deep: not compared, a folder's listing is not in the cache, or is damaged there",
        "inner: dep made/y.txt: not compared, a folder's listing is not in the cache, or is damaged there",
    ]


def test_a_damaged_listing_says_nothing(everything: Project, ask: Ask) -> None:
    for listing in Path(".dvc/cache/files").rglob("*.dir"):
        damage(listing, "[]")
    answer = ask("fresh")
    assert answer["status"] == 0
    assert len([note for note in answer["notes"] if "listing" in note]) == 2


def test_a_damaged_object_says_nothing_of_a_size(tiny: Project, ask: Ask) -> None:
    digest = file_md5("report.txt")
    damage(Path(".dvc/cache/files/md5", digest[:2], digest[2:]), "longer than it was\n")
    assert ask("fresh")["status"] == 0


def test_a_stage_of_another_dvc_yaml_is_named_by_its_file(everything: Project, ask: Ask) -> None:
    everything.replace("lower/dvc.yaml", "below:", "beneath:")
    everything.commit()
    assert ask("fresh")["rows"] == [
        {"stage": "lower/dvc.yaml:beneath", "cause": "not in dvc.lock"},
        {"stage": "lower/dvc.yaml:below", "cause": "in dvc.lock, but no longer in dvc.yaml"},
    ]


def test_a_dvc_lock_without_its_end_is_not_taken_for_whole(tiny: Project, ask: Ask) -> None:
    whole = Path("dvc.lock").read_text()
    last_line = whole.splitlines(keepends=True)[-1]
    for length in range(1, len(last_line) + 1):
        tiny.write("dvc.lock", whole[:-length])
        tiny.commit()
        assert ask("fresh")["status"] != 0, f"without {whole[-length:]!r}"
    assert tiny.reproduce() == []  # DVC does not notice
    assert Path("dvc.lock").read_text() != whole
    Path("dvc.lock").unlink()  # what the message says
    tiny.reproduce()
    assert Path("dvc.lock").read_text() == whole


def test_a_size_that_was_cut_off_is_noticed(tiny: Project, ask: Ask) -> None:
    whole = Path("dvc.lock").read_text()
    sizes = list(re.finditer(r"\n *size: (\d+)", whole))
    found = []
    for size in sizes:
        for number in ("", f"\n      size: {int(size[1]) + 1}"):
            tiny.write("dvc.lock", whole[: size.start()] + number + whole[size.end() :])
            tiny.commit()
            answer = ask("fresh")
            found.append(answer["status"])
            assert all("size is wrong or missing in dvc.lock" in row["cause"] for row in answer["rows"])
    folders = [".dir" in whole[: size.start()].splitlines()[-1] for size in sizes]
    assert found == [1 if missing or not folder else 0 for folder in folders for missing in (True, False)]


LOCKS: dict[str, Callable[[], object]] = {
    "no dvc.lock": lambda: Path("dvc.lock").unlink(),
    "empty dvc.lock": lambda: Path("dvc.lock").write_text(""),
    "truncated dvc.lock": lambda: Path("dvc.lock").write_text(Path("dvc.lock").read_text()[:100]),
    "no YAML in dvc.lock": lambda: Path("dvc.lock").write_text("{"),
    "no text in dvc.lock": lambda: Path("dvc.lock").write_bytes(b"\xff\xfe"),
    "no YAML in dvc.yaml": lambda: Path("dvc.yaml").write_text("{"),
    "no YAML in params.yaml": lambda: Path("params.yaml").write_text("{"),
}


@pytest.mark.parametrize("change", LOCKS)
def test_a_broken_file_is_no_answer(tiny: Project, ask: Ask, change: str) -> None:
    LOCKS[change]()
    tiny.commit()
    answer = ask("fresh")
    assert answer["status"] == 2
    assert change.rpartition(" ")[2] in answer["summary"]


def test_no_project_no_commit_and_no_git_are_no_answer(empty: Path, ask: Ask) -> None:
    assert "not inside of a DVC repository" in ask("fresh")["summary"]
    Repo.init(no_scm=True).close()
    assert ask("fresh")["status"] == 2
    Project(Path()).git("init")
    assert ask("fresh")["status"] == 2
