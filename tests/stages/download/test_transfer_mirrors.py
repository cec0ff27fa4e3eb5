"""Tests of the order of the mirrors, and of the errors that name them, through the whole stage."""

from pathlib import Path

import pytest

from stages.download import transfer
from tests.conftest import FailStage, RunStage
from tests.stages.download import faults
from tests.stages.download.conftest import NAMES, Download, Files, SetMirrors, find_closed_port, list_data, read_raw
from tests.stages.download.mirror import Mirror, run_mirror


@pytest.mark.parametrize(
    "form", ["{path}", "{path}/", "own mirror", "file://{path}", "{uri}", " {uri} ", "{http}a folder/50%"]
)
def test_tries_own_mirror_first(
    form: str,
    download: Download,
    good: Mirror,
    archives: Files,
    contents: Files,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "own mirror"
    folder.mkdir()
    for name, content in archives.items():
        (folder / name).write_bytes(content)
    with run_mirror(archives) as own:
        monkeypatch.setenv("MNIST_MIRROR", form.format(path=folder, uri=folder.as_uri(), http=own.url))
        download(good.url)
        assert own.requests == ([f"/a%20folder/50%/{name}" for name in archives] if "http" in form else [])
    assert read_raw() == contents
    assert good.requests == []


def test_tries_public_mirrors_after_own(
    download: Download, good: Mirror, contents: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNIST_MIRROR", str(tmp_path))
    download(good.url)
    assert read_raw() == contents


def test_combines_files_of_several_mirrors(download: Download, archives: Files, contents: Files) -> None:
    names = list(archives)
    with (
        run_mirror({name: archives[name] for name in names[::2]}) as even,
        run_mirror({name: archives[name] for name in names[1::2]}) as odd,
    ):
        download(even.url, odd.url)
    assert read_raw() == contents


@pytest.mark.parametrize(
    "url",
    ["htp://x", "ftp://127.0.0.1/", "://x", "http://", "http://[::1", "http://a b/", "http://x:99999/", "a\n://\x1b"],
)
def test_rejects_invalid_own_mirror(
    url: str, set_mirrors: SetMirrors, fail_stage: FailStage, good: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNIST_MIRROR", url)
    set_mirrors(good.url)
    expected = f"MNIST_MIRROR: {url!r} is not allowed; it must be an http, https or file URL, or a folder"
    assert fail_stage("download") == expected
    assert good.requests == []


def test_lists_all_mirrors_when_none_is_reachable(
    set_mirrors: SetMirrors,
    run_stage: RunStage,
    archives: Files,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    name = f"{NAMES[2]}.gz"
    monkeypatch.setenv("MNIST_MIRROR", str(tmp_path / "missing folder"))
    closed = f"http://127.0.0.1:{find_closed_port()}/"
    with run_mirror(archives, {name: faults.send_error(403)}) as rejecting, run_mirror({}) as empty:
        set_mirrors(rejecting.url, empty.url, closed)
        with pytest.raises(SystemExit) as caught:
            run_stage("download")
    assert caught.value.code == transfer.NO_MIRROR
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    assert message.count("\n") == 1
    assert f"file://{tmp_path}/missing%20folder/{name}: No such file or directory;" in message
    assert f"{rejecting.url}{name}: HTTP Error 403: Forbidden;" in message
    assert f"{empty.url}{name}: HTTP Error 404: Not Found;" in message
    assert f"{closed}{name}: Connection refused)" in message
    assert "without a network, set MNIST_MIRROR" in message
    assert "dvc exp run -S dataset=digits -S validation_size=150\n" in message
    assert list_data() == []
