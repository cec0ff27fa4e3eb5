"""Write the page of `dvc plots` with Vega in it, so that it needs no network.

Reads .dvc/plots/page.html, where DVC inserts a link to Vega on a server; writes .dvc/plots/offline.html, which Git
ignores. `make` runs this, and sets `plots.html_template` in .dvc/config.local.

Run: python -m plots.offline_page
"""

from pathlib import Path

import vl_convert

PAGE = Path(".dvc/plots/page.html")
OFFLINE_PAGE = Path(".dvc/plots/offline.html")


def main() -> None:
    """Replace the link by Vega, in a function: its script has many short global names."""
    vega = f"<script>(() => {{{vl_convert.javascript_bundle('window.vegaEmbed = vegaEmbed;')}}})();</script>"
    OFFLINE_PAGE.write_text(PAGE.read_text(encoding="utf-8").replace("{scripts}", vega), encoding="utf-8")


if __name__ == "__main__":
    main()
