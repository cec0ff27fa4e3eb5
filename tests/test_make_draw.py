"""`make draw`, which opens the page to draw on."""

import pytest

from tests.clone import Clone, list_stages_run


@pytest.mark.parametrize("display", ["", ":0"])
def test_opens_the_page_where_there_is_a_display(light: Clone, display: str) -> None:
    page = light.folder / "models/draw.html"
    page.unlink()
    browser = light.folder.parent / "browser"
    browser.write_text('#!/bin/sh\necho "$1" >"$0.opened"\n')
    browser.chmod(0o755)
    run = light.make("draw", DISPLAY=display, BROWSER=f"{browser} %s")
    assert list_stages_run(run) == []  # DVC has it in its cache
    assert page.exists()
    assert run.stdout.splitlines()[-1] == f"Open in a browser: {page.as_uri()}"
    opened = browser.with_name("browser.opened")
    assert (opened.read_text() if opened.exists() else "") == (f"{page.as_uri()}\n" if display else "")
