"""`make draw`, which opens the page to draw on."""

from tests.clone import Clone, list_stages_run


def test_opens_the_page_where_there_is_a_display(light: Clone) -> None:
    page = light.folder / "models/draw.html"
    page.unlink()
    browser = light.folder.parent / "browser"
    browser.write_text('#!/bin/sh\necho "$1" >"$0.opened"\n')
    browser.chmod(0o755)
    opened = browser.with_name("browser.opened")
    for display in ("", ":0"):
        assert not opened.exists()
        run = light.make("draw", DISPLAY=display, BROWSER=f"{browser} %s")
        assert list_stages_run(run.stdout) == []  # DVC has it in its cache
        assert page.exists()
        assert run.stdout.splitlines()[-1] == f"Open in a browser: {page.as_uri()}"
    assert opened.read_text() == f"{page.as_uri()}\n"
