"""What dvc itself loses of the user's, before the guard starts or after it has ended.

By state, and by a part of the title of a run: the paths. A run that does not lose them any more fails.
"""

BEFORE_STAGE = "dvc"  # dvc removes an output before it runs the stage, and keeps what is in the cache
IN_EXPERIMENT = "dvc exp run"

DVC_LOSES: dict[str, dict[str, list[str]]] = {
    # Outputs, and all that is in their folders.
    "file in an output folder": {BEFORE_STAGE: ["data/mine.txt", "data/more/file"]},
    "temporary files of the user": {BEFORE_STAGE: ["data/.y.tmp"]},
    "new stage with the output of another": {BEFORE_STAGE: ["report.txt"], IN_EXPERIMENT: ["labels2.csv"]},
    "new results": {
        BEFORE_STAGE: ["report.txt"],
        "dvc repro": ["metrics.json"],
        "dvc exp run refused": ["metrics.json"],  # of a killed one, restore finds it in EXEC_MERGE
    },
    "output is a link": {BEFORE_STAGE: ["report.txt"]},
    "output is a link to nothing": {BEFORE_STAGE: ["data"]},
    "output is a folder": {BEFORE_STAGE: ["report.txt/x"]},
    "folder is a file": {BEFORE_STAGE: ["data"]},
    # Outputs that dvc.lock does not have: dvc exp run checks all outputs out before it runs a stage.
    "new stage": {IN_EXPERIMENT: ["mine.txt"]},
    "second pipeline": {IN_EXPERIMENT: ["sub/o"]},
    "output folder is a link": {IN_EXPERIMENT: ["moved/mine.txt"]},
    # Files that dvc writes: dvc.lock after each stage; .gitignore; and dvc exp run the .dvc files of changed data.
    "new stage, in dvc.lock": {
        "dvc repro": ["dvc.lock"],
        "dvc exp run refused": ["dvc.lock"],
        IN_EXPERIMENT: ["mine.txt"],
    },
    "damaged .gitignore beside outputs": {"dvc repro killed": [".gitignore"], IN_EXPERIMENT: [".gitignore"]},
    "edited data of dvc add": {IN_EXPERIMENT: ["labels.csv.dvc"]},
    "new file in a folder of dvc add": {IN_EXPERIMENT: ["pictures.dvc"]},
    "new .dvc file": {IN_EXPERIMENT: ["other.csv.dvc"]},
    # dvc exp run stashes edits, applies the stash, and resets the workspace to HEAD.
    "staged, then edited again": {IN_EXPERIMENT: ["notes.md, staged"]},
    "assume unchanged": {"dvc exp run refused": ["notes.md"]},
    "merge, not committed": {IN_EXPERIMENT: [".git/MERGE_HEAD", ".git/MERGE_MODE", ".git/MERGE_MSG"]},
    "merge with staged resolution": {IN_EXPERIMENT: [".git/MERGE_HEAD", ".git/MERGE_MSG"]},
    "rebase, stopped to edit": {IN_EXPERIMENT: [".git/rebase-merge"]},
    "git am with conflicts": {IN_EXPERIMENT: [".git/rebase-apply"]},
    "bisection": {IN_EXPERIMENT: [".git/BISECT_LOG"]},
}
