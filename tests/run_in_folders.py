"""Run the stages of the dvc.yaml in each folder, one after another, without DVC.

Each folder has a process of its own, which is forked after the libraries are imported: on the digits, the imports take
longer than the stages.

Run: python tests/run_in_folders.py FOLDER ...
"""

import os
import re
import runpy
import subprocess
import sys
import traceback
from pathlib import Path

from ruamel.yaml import YAML

# Computes the logits of the test images by the code in the folder.
SAVE_LOGITS = """
from safetensors.torch import save_file
from stages.shared.network import MODEL, load_network, predict
from stages.shared.splits import TEST, read_split
network, _ = load_network(MODEL)
save_file({"logits": predict(network, read_split(TEST).images)}, "logits.safetensors")
"""


def main() -> None:
    """Import what the stages use, then run them in each folder, where output.txt and errors.txt are what they print."""
    sys.path[0] = str(Path(__file__).parent.parent)
    from stages.shared import numerics

    numerics.pin("portable")
    import dvclive  # noqa: F401
    import onnxruntime  # noqa: F401
    import pandas as pd  # noqa: F401
    import sklearn.datasets
    import sklearn.metrics
    import sklearn.model_selection  # noqa: F401
    import torch._dynamo  # noqa: F401

    for module in [name for name in sys.modules if name.partition(".")[0] == "stages"]:
        del sys.modules[module]  # each folder has its own
    for folder in map(Path, sys.argv[1:]):
        child = os.fork()
        if child == 0:
            try:
                run_stages(folder)
            except Exception:  # noqa: BLE001 - of whatever is in the folder
                traceback.print_exc()
            finally:
                os._exit(0)  # what libraries do at the end of a process is not made for a fork
        os.waitpid(child, 0)


def run_stages(folder: Path) -> None:
    os.chdir(folder)
    sys.path[0] = str(folder)
    for number, name in ((1, "output.txt"), (2, "errors.txt")):
        with Path(name).open("w") as file:
            os.dup2(file.fileno(), number)
    sys.stderr.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    for stage in YAML(typ="safe").load(Path("dvc.yaml"))["stages"].values():
        if match := re.search(r"python -m (\S+)$", stage["cmd"]):
            sys.argv = [match[1]]
            runpy.run_module(match[1], run_name="__main__", alter_sys=True)
        else:  # a program of any other kind
            subprocess.run(stage["cmd"], shell=True, check=True)  # noqa: S602
    exec(SAVE_LOGITS, {})  # noqa: S102
    Path("complete").touch()


if __name__ == "__main__":
    main()
