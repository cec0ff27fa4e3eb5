import os
from pathlib import Path

import pytest

from dvc_guard.restore.command_line import main
from dvc_guard.restore.tracked_files import list_options
from foreign_project import Project, Restore


def rewrite_within_the_second(path: Path, text: str) -> None:
    """Write a text of the same length, with the size and time that Git has in its index."""
    stat = path.stat()
    assert len(text) == stat.st_size
    path.write_text(text)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_restores_parameters_of_same_size_and_time(project: Project, unchanged: Restore) -> None:
    rewrite_within_the_second(Path("params.yaml"), "level: 91\nnumerics: portable\n")
    assert unchanged() == [
        "Restored params.yaml",
        "To set the changed parameters again: dvc exp run -S level=91",
    ]


def test_keeps_what_a_killed_stage_saved(project: Project, capfd: pytest.CaptureFixture[str]) -> None:
    project.write(".dvc/tmp/guard/resume/0123/epoch", "3")
    assert main("restore", []) == 0
    assert "to resume it, repeat its command\n" in capfd.readouterr().out
    assert Path(".dvc/tmp/guard/resume/0123/epoch").read_text() == "3"


@pytest.mark.parametrize("content", [b"level: [", b"\xff\x00", b"", b"- 1\n", b"level: " + b"x" * 10_000_000], ids=len)
def test_saves_invalid_parameters(project: Project, unchanged: Restore, content: bytes) -> None:
    Path("params.yaml").write_bytes(content)
    assert unchanged() == ["Restored params.yaml"]
    [saved] = Path(".dvc/tmp/restore").glob("*/files/params.yaml")
    assert saved.read_bytes() == content


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("level: 90\nnumerics: native\n", ["-S", "numerics=native"]),
        ("level: [1, 2]\nnumerics: portable\n", ["-S", "level=[1,2]"]),
        ("level: 1e-05\n", ["-S", "level=1e-05", "-S", "~numerics"]),
        ("level: 90\nnumerics: portable\nnew: true\n", ["-S", "+new=true"]),
        ("# A comment.\nlevel: 90\nnumerics: portable\n", []),
    ],
)
def test_lists_options_of_changed_parameters(project: Project, text: str, options: list[str]) -> None:
    assert project.folder == Path.cwd()
    assert list_options(text, Path("params.yaml")) == options


def test_restores_all_files_of_parameters(project: Project, unchanged: Restore) -> None:
    project.replace("dvc.yaml", "numerics]", "numerics, versions.yaml: [torch]]")
    project.run_and_commit({"versions.yaml": 'torch: "2"\n'})
    project.write("versions.yaml", 'torch: "9"\n')
    options = "To set the changed parameters again: dvc exp run -S versions.yaml:torch=9"
    assert unchanged() == ["Restored versions.yaml", options]


def test_keeps_what_earlier_restores_saved(project: Project, unchanged: Restore) -> None:
    for level in (91, 92):
        project.write("params.yaml", f"level: {level}\n")
        unchanged()
    saved = sorted(Path(".dvc/tmp/restore").glob("*/files/params.yaml"))
    assert [file.read_text() for file in saved] == ["level: 91\n", "level: 92\n"]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\x00", None])
def test_restores_files_that_dvc_writes(project: Project, unchanged: Restore, content: bytes | None) -> None:
    names = [".gitignore", "dvc.lock", "metrics.json"]
    for path in map(Path, names):
        path.unlink() if content is None else path.write_bytes(content)
    assert sorted(unchanged()) == [f"Restored {name}" for name in names]


def test_keeps_edits_of_code(project: Project, restore: Restore) -> None:
    project.write("score.sh", "false\n")
    project.write("new.txt", "new\n")
    project.delete("params.yaml")
    restore()
    assert Path("score.sh").read_text() == "false\n"
    assert Path("new.txt").read_text() == "new\n"
    assert project.git("status", "--porcelain") == " M score.sh\n?? new.txt\n"
