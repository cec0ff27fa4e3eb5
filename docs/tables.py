"""The tables and the diagram that the documents repeat from dvc.yaml."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent

Stages = dict[str, dict[str, Any]]
Reruns = dict[str, list[str]]  # the stages that rerun, by what was changed


def read_yaml(name: str) -> Any:
    """Read a YAML file of the project."""
    return YAML(typ="safe").load(ROOT / name)


def list_outs(stage: dict[str, Any]) -> list[str]:
    """List the paths of all outputs of a stage."""
    outs = [out for kind in ("outs", "metrics", "plots") for out in stage.get(kind, [])]
    return [out if isinstance(out, str) else next(iter(out)) for out in outs]


def list_params(stage: dict[str, Any], file: str) -> list[str]:
    """List the keys of a parameter file that a stage depends on."""
    params = stage.get("params", [])
    if file == "params.yaml":
        return [param for param in params if isinstance(param, str)]
    return [key for param in params if isinstance(param, dict) for key in param.get(file, [])]


def is_within(path: str, folder: str) -> bool:
    """Tell whether a path is that of a folder, or of something in it."""
    return Path(path).is_relative_to(folder)


def list_inputs(stage: dict[str, Any], producer: dict[str, Any]) -> list[str]:
    """List the deps of a stage that are outputs of another one, or have them within."""
    outs = list_outs(producer)
    return [dep for dep in stage.get("deps", []) if any(is_within(out, dep) or is_within(dep, out) for out in outs)]


def list_code(stages: Stages) -> list[str]:
    """List the deps that no stage writes: code and params.yaml."""
    written = {dep for stage in stages.values() for other in stages.values() for dep in list_inputs(stage, other)}
    return list(dict.fromkeys(dep for stage in stages.values() for dep in stage.get("deps", []) if dep not in written))


def add_later_stages(stages: Stages, names: Iterable[str]) -> set[str]:
    """Add to stages those that read their outputs, directly or not."""
    found = set(names)
    while later := {
        name
        for name, stage in stages.items()
        if name not in found and any(list_inputs(stage, stages[other]) for other in found)
    }:
        found |= later
    return found


def find_reruns_by_key(stages: Stages, keys: Iterable[str]) -> Reruns:
    """Find the stages that rerun where the value of a key of params.yaml is changed, and with it their outputs."""
    whole = {name for name, stage in stages.items() if "params.yaml" in stage.get("deps", [])}
    readers = {key: [name for name in stages if key in list_params(stages[name], "params.yaml")] for key in keys}
    found = {key: whole | add_later_stages(stages, names) for key, names in readers.items()}
    return {key: [name for name in stages if name in names] for key, names in found.items()}


def find_reruns_by_file(stages: Stages) -> Reruns:
    """Find the stages that rerun where a file is changed, and no output with it."""
    return {dep: [name for name in stages if dep in stages[name].get("deps", [])] for dep in list_code(stages)}


def find_reruns_by_package(stages: Stages, packages: Iterable[str]) -> Reruns:
    """Find the stages that rerun where the version of a package is changed, and no output with it."""
    return {
        package: [name for name in stages if package in list_params(stages[name], "versions.yaml")]
        for package in packages
    }


def format_table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Format a table in Markdown."""
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def format_reruns(title: str, reruns: Reruns) -> str:
    """Format a table with a row for all that reruns the same stages."""
    rows: dict[str, list[str]] = {}
    for name, stages in reruns.items():
        rows.setdefault(", ".join(stages) or "none", []).append(f"`{name}`")
    return format_table((title, "reruns"), ((" ".join(names), stages) for stages, names in rows.items()))


def format_stages(stages: Stages) -> str:
    """Format a table of the stages."""
    rows = [
        (
            f"[`{name}`](stages/{name}.py)" if (ROOT / f"stages/{name}.py").exists() else f"`{name}`",
            stage.get("desc", ""),
            " ".join(f"`{key}`" for key in list_params(stage, "params.yaml"))
            or ("all" if "params.yaml" in stage.get("deps", []) else "none"),
        )
        for name, stage in stages.items()
    ]
    return format_table(("stage", "what it does", "keys of `params.yaml`"), rows)


def format_diagram(stages: Stages) -> str:
    """Format a diagram in Mermaid: which stage reads which outputs of which, and what no stage reads."""
    readers: dict[tuple[str, str], list[str]] = {}
    for name, stage in stages.items():
        for other, producer in stages.items():
            if inputs := list_inputs(stage, producer):
                readers.setdefault((other, "<br>".join(inputs)), []).append(name)
    lines = [f'    {name} -- "{label}" --> {" & ".join(names)}' for (name, label), names in readers.items()]
    read = {path for _, label in readers for path in label.split("<br>")}
    for name, stage in stages.items():
        outs = [out for out in list_outs(stage) if not any(is_within(out, path) for path in read)]
        if outs:
            lines.append(f'    {name} -.-> {name}_outs["{"<br>".join(outs)}"]')
    return "\n".join(["```mermaid", "flowchart LR", *lines, "```"])
