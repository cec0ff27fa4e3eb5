"""Write the page of `dvc plots` with Vega in it, so that it needs no network.

Reads .dvc/plots/page.html, a template in which DVC replaces {scripts} by links to Vega on a server; writes
.dvc/plots/offline.html. To use it: dvc config --local plots.html_template plots/offline.html
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from dvc_guard.errors import GuardError

PAGE = Path(".dvc/plots/page.html")
OFFLINE_PAGE = Path(".dvc/plots/offline.html")
SCRIPTS = "{scripts}"


def main(name: str, arguments: Sequence[str]) -> int:
    """Replace the placeholder of the links by Vega, in a function: its script has many short global names."""
    argparse.ArgumentParser(
        prog=f"dvc-guard {name}", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args(arguments)
    if not PAGE.is_file():
        raise GuardError(f"{PAGE}: no such file; run it in the root of a DVC project that has this template")
    page = PAGE.read_text(encoding="utf-8")
    if SCRIPTS not in page:
        raise GuardError(f"{PAGE}: must contain {SCRIPTS}, which DVC replaces by links to Vega")
    try:
        import vl_convert
    except ImportError:
        raise GuardError("vl-convert-python is not installed; run pip install 'dvc-guard[plots]'") from None
    vega = f"<script>(() => {{{vl_convert.javascript_bundle('window.vegaEmbed = vegaEmbed;')}}})();</script>"
    OFFLINE_PAGE.write_text(page.replace(SCRIPTS, vega), encoding="utf-8")
    return 0
