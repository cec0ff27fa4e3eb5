"""The projects that the checks are tried on, by feature of DVC."""

from tests.checks.scenarios import (
    CHANGE_INPUT,
    CHANGED,
    COPY,
    Scenario,
    add_folder,
    change_and_remove_cache,
    change_folder,
    commit_stage_file,
    describe_parameters,
    freeze_and_change,
    import_file,
    make_lock_of_dvc_2,
    make_shallow,
    remove_cache,
    replace,
    set_remote,
    update_import,
)

ONE = f"stages: {{s: {{{COPY}}}}}"
CACHED = "stages: {s: {cmd: cp in.json m.json, deps: [in.json], metrics: [m.json]}}"
PART = "stages: {s: {cmd: cp data/sub/in.json m.json, deps: [data/sub], metrics: [m.json: {cache: false}]}}"
FOLDER = PART.replace("deps: [data/sub]", "deps: [data]")
EVAL = "cmd: mkdir -p eval && cp in.json eval/m.json, deps: [in.json], outs: [eval]"
EXTERNAL = "cmd: cp in.json m.json && cp in.json ../ext.json, deps: [in.json], outs: [../ext.json: {cache: false}]"
FROZEN = "cmd: cp in.json m.json, deps: [in.json], params: [a], metrics: [m.json: {cache: false}], frozen: false"
IGNORED = "cmd: cp in.json m.json && cp in.json log.txt, deps: [in.json], outs: [log.txt: {cache: false}]"
UNPULLED = (2, "m.json is missing from the cache or damaged; run dvc pull m.json")

SCENARIOS = {
    "one stage": Scenario(ONE, CHANGE_INPUT, CHANGED),
    "foreach": Scenario(
        "stages: {s: {foreach: [a, b], do: {cmd: 'cp in.json ${item}.json', deps: [in.json], "
        "metrics: ['${item}.json': {cache: false}]}}}",
        CHANGE_INPUT,
        '{"stage": "s@b", "cause": "dep in.json: changed',
    ),
    "matrix": Scenario(
        "stages: {s: {matrix: {x: [1, 2]}, cmd: 'cp in.json ${item.x}.json', deps: [in.json], "
        "metrics: ['${item.x}.json': {cache: false}]}}",
        CHANGE_INPUT,
        '{"stage": "s@2", "cause": "dep in.json: changed',
    ),
    "vars and templates": Scenario(
        "vars: [source: {file: in.json}]\nstages: {s: {cmd: 'cp ${source.file} m.json', deps: [in.json, other.json], "
        "metrics: [m.json: {cache: false}]}}",
        replace("dvc.yaml", "file: in.json", "file: other.json"),
        "cmd: 'cp in.json m.json' in dvc.lock, 'cp other.json m.json' in dvc.yaml",
        {"other.json": '{"acc": 0.8}\n'},
    ),
    "several dvc.yaml": Scenario(
        ONE,
        replace("sub/in.json", "0.9", "0.8"),
        '{"stage": "sub/dvc.yaml:s", "cause": "dep sub/in.json: changed',
        {"sub/dvc.yaml": ONE, "sub/in.json": '{"acc": 0.9}\n'},
    ),
    "wdir": Scenario(
        f"stages: {{s: {{wdir: sub, {COPY}}}}}",
        replace("sub/in.json", "0.9", "0.8"),
        "dep sub/in.json: changed",
        {"sub/in.json": '{"acc": 0.9}\n'},
    ),
    "DVC in a subfolder": Scenario(ONE, CHANGE_INPUT, CHANGED, subdirectory="sub"),
    "dep above that subfolder": Scenario(
        ONE.replace("[in.json]", "[in.json, ../code/a.py]"),
        replace("../code/a.py", "1", "2"),
        "dep ../code/a.py: changed",
        {"../code/a.py": "1\n"},
        after={"reproduce": (0, "1 outputs are identical")},
        subdirectory="sub",
    ),
    "params in YAML": describe_parameters("p.yaml", "a: 1\n"),
    "params in JSON": describe_parameters("p.json", '{"a": 1}\n'),
    "params in TOML": describe_parameters("p.toml", "a = 1\n"),
    "params in Python": describe_parameters("p.py", "a = 1\n"),
    "dvc add, file": Scenario(
        ONE,
        lambda project: project.dvc_add("in.json", '{"acc": 0.8}\n'),
        CHANGED,
        prepare=lambda project: project.dvc_add("in.json"),
    ),
    "dvc add, folder": Scenario(
        FOLDER, change_folder("data/other/b.txt"), "dep data: changed", prepare=add_folder, after={"reproduce": (0, "")}
    ),
    "dvc add, part of a folder": Scenario(
        PART, change_folder("data/sub/in.json"), "dep data/sub: changed", prepare=add_folder
    ),
    "dvc add, other part": Scenario(
        PART,
        change_folder("data/other/b.txt"),
        "",
        prepare=add_folder,
        after={"fresh": (0, "matches HEAD"), "reproduce": (0, "")},
    ),
    "dvc add, part, not pulled": Scenario(
        PART,
        change_and_remove_cache,
        "",
        prepare=add_folder,
        finish=remove_cache,
        before={
            "fresh": (2, "run dvc pull data"),
            "cache": (0, "missing from the cache"),
            "reproduce": (2, "data"),
        },
        after={"fresh": (2, "run dvc pull data"), "cache": (0, "missing from the cache"), "reproduce": (2, "data")},
    ),
    "dvc import": Scenario(ONE, update_import, CHANGED, prepare=import_file),
    "frozen stage": Scenario(
        f"stages: {{s: {{{FROZEN}}}}}",
        freeze_and_change,
        "",
        {"params.yaml": "a: 1\n"},
        after={"fresh": (0, "frozen, so dvc repro ignores: param a: 1 in dvc.lock, 2"), "reproduce": (0, "")},
    ),
    "external output": Scenario(
        f"stages: {{s: {{{EXTERNAL}}}}}",
        CHANGE_INPUT,
        CHANGED,
        before={
            "fresh": (0, "out ../ext.json: not compared, because it is outside the repository"),
            "gate": (2, "HEAD has no metrics"),
            "reproduce": (2, "../ext.json is outside the project"),
        },
        after={"gate": (2, "HEAD~1 has no metrics"), "reproduce": (2, "../ext.json is outside the project")},
    ),
    "cache: false, ignored by Git": Scenario(
        f"stages: {{s: {{{IGNORED}}}, t: {{{COPY.replace('in.json', 'log.txt')}}}}}",
        CHANGE_INPUT,
        CHANGED,
        {".gitignore": "/log.txt\n"},
        before={"fresh": (0, "s: out log.txt: not compared, because Git ignores it")},
    ),
    "lock of schema 2.0, CRLF": Scenario(
        ONE,
        CHANGE_INPUT,
        CHANGED,
        {"in.json": '{"acc": 0.9}\r\n'},
        lock=make_lock_of_dvc_2,
    ),
    ".dvc file with a command": Scenario(
        "stages: {}",
        CHANGE_INPUT,
        "",
        finish=commit_stage_file,
        before=dict.fromkeys(("fresh", "cache", "gate", "reproduce"), (2, "extra keys not allowed")),
        after=dict.fromkeys(("fresh", "cache", "gate", "reproduce"), (2, "extra keys not allowed")),
    ),
    "metrics in the cache": Scenario(CACHED, CHANGE_INPUT, CHANGED),
    "metrics in the cache, not pulled": Scenario(
        CACHED,
        CHANGE_INPUT,
        CHANGED,
        finish=remove_cache,
        before={"cache": (0, "missing from the cache"), "gate": UNPULLED},
        after={"cache": (0, "missing from the cache"), "gate": UNPULLED},
    ),
    "metrics in a folder": Scenario(f"stages: {{s: {{{EVAL}}}}}\nmetrics: [eval/m.json]", CHANGE_INPUT, CHANGED),
    "metrics in a folder, not pulled": Scenario(
        f"stages: {{s: {{{EVAL}}}}}\nmetrics: [eval/m.json]",
        CHANGE_INPUT,
        CHANGED,
        finish=remove_cache,
        before={"cache": (0, "missing from the cache"), "gate": (2, "run dvc pull eval")},
        after={"cache": (0, "missing from the cache"), "gate": (2, "run dvc pull eval")},
    ),
    "metrics: a whole folder": Scenario(f"stages: {{s: {{{EVAL.replace('outs', 'metrics')}}}}}", CHANGE_INPUT, CHANGED),
    "plots": Scenario(
        f"stages: {{s: {{{COPY}, plots: [p.csv: {{x: a, cache: false}}]}}}}\nplots: [q.csv: {{x: a}}, in.json]".replace(
            "m.json,", "m.json && echo a > p.csv,", 1
        ),
        replace("p.csv", "a", "b"),
        "out p.csv: changed",
        {"q.csv": "a\n1\n"},
        after={"reproduce": (0, "2 outputs are identical")},
    ),
    "no stage": Scenario(
        "stages: {}",
        lambda project: project.write("x", ""),
        "",
        before={
            "fresh": (0, "HEAD has no stages; nothing to check"),
            "gate": (2, "HEAD has no metrics"),
            "reproduce": (0, "HEAD has no stages; nothing to check"),
        },
        after={
            "fresh": (0, "HEAD has no stages"),
            "gate": (2, "HEAD~1 has no metrics"),
            "reproduce": (0, "HEAD has no stages"),
        },
    ),
    "shallow clone": Scenario(
        ONE,
        CHANGE_INPUT,
        CHANGED,
        finish=make_shallow,
    ),
    "remote that is not there": Scenario(
        CACHED,
        CHANGE_INPUT,
        CHANGED,
        prepare=set_remote("/nonexistent/remote"),
        finish=remove_cache,
        before={"cache": (0, "missing from the cache"), "gate": UNPULLED},
        after={"cache": (0, "missing from the cache"), "gate": UNPULLED},
    ),
    "remote whose package is not installed": Scenario(
        f"stages: {{s: {{{EVAL}}}}}\nmetrics: [eval/m.json]",
        CHANGE_INPUT,
        CHANGED,
        prepare=set_remote("oss://bucket/folder"),
        finish=remove_cache,
        before={"cache": (0, "missing from the cache"), "gate": (2, "run dvc pull eval")},
        after={"cache": (0, "missing from the cache"), "gate": (2, "run dvc pull eval")},
    ),
}
