"""Put Vega into the page of `dvc plots`, so that it needs no network.

Reads page.html, writes offline.html beside it: the same, with Vega itself where DVC would link to a server. That file
is each clone's own, out of Git. `make` runs this (python .dvc/plots/offline.py), and points DVC to the result with
dvc config --local plots.html_template plots/offline.html.
"""

from pathlib import Path

import vl_convert

TEMPLATES = Path(__file__).parent


def main() -> None:
    """Write offline.html."""
    # Within a function, the many short names of Vega's script stay out of the way of the page's own.
    vega = f"<script>(() => {{{vl_convert.javascript_bundle('window.vegaEmbed = vegaEmbed;')}}})();</script>"
    page = (TEMPLATES / "page.html").read_text(encoding="utf-8")
    (TEMPLATES / "offline.html").write_text(page.replace("{scripts}", vega), encoding="utf-8")


if __name__ == "__main__":
    main()
