"""Write what the documents repeat from dvc.yaml and from docs/adapt, between marks in them.

Run: make docs
"""

import re
import sys

from docs.changes import format_changes, format_diff, list_changes
from docs.tables import (
    ROOT,
    Stages,
    find_reruns_by_file,
    find_reruns_by_key,
    find_reruns_by_package,
    format_diagram,
    format_reruns,
    format_stages,
    read_yaml,
)

PAGES = ("README.md", "docs/adapt.md", "docs/experiments.md")


def write_page(page: str) -> str:
    """Replace what is between the marks of a page: <!-- NAME: ... -->, and <!-- end -->.

    Raises:
        ValueError: a mark has no content, or a diff does not fit the code.
    """
    stages: Stages = read_yaml("dvc.yaml")["stages"]
    contents = {
        "diagram": lambda: format_diagram(stages),
        "stages": lambda: format_stages(stages),
        "keys": lambda: format_reruns("changed in params.yaml", find_reruns_by_key(stages, read_yaml("params.yaml"))),
        "files": lambda: format_reruns("a comment added to", find_reruns_by_file(stages)),
        "packages": lambda: format_reruns(
            "upgraded in versions.yaml", find_reruns_by_package(stages, read_yaml("versions.yaml"))
        ),
        "changes": format_changes,
    }
    diffs = list_changes()

    def write(name: str) -> str:
        if name in contents:
            return contents[name]()
        if name not in diffs:
            raise ValueError(f"<!-- {name} -->: there is no such table, and no docs/adapt/{name}.diff")
        return format_diff(diffs[name])

    return re.sub(
        r"(<!-- ([\w-]+): [^>]*-->\n).*?(<!-- end -->)",
        lambda match: match[1] + write(match[2]) + "\n" + match[3],
        page,
        flags=re.DOTALL,
    )


def main() -> None:
    """Write the pages."""
    for page in PAGES:
        path = ROOT / page
        path.write_text(write_page(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except ValueError as error:
        sys.exit(f"error: {error}")
