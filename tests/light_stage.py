"""A stand-in for a stage that imports torch, in clones for tests of DVC alone: `lighten` in tests/clone.py copies it.

Writes again what the stage wrote in a real run, with weights and metrics that depend on the parameters.
"""

import json
import os
import shutil
import struct
import time
from pathlib import Path
from zlib import crc32

from ruamel.yaml import YAML

RUN = Path("RUN")  # the folder of the real run
SECONDS = float(os.environ.get("SECONDS", "0"))  # to wait after each output
MODEL = Path("models/mlp.safetensors")


def change_numbers(content: object, number: float) -> object:
    """Replace the fractions within the content of a JSON file."""
    if isinstance(content, dict):
        return {key: change_numbers(value, number) for key, value in content.items()}
    return number if isinstance(content, float) else content


def main(stage: str) -> None:
    """Write the outputs of the stage, once no file has the name in HOLD."""
    while Path(os.environ.get("HOLD", "")).is_file():
        time.sleep(0.05)
    number = crc32(Path("params.yaml" if stage == "train" else MODEL).read_bytes()) / 2**32
    print(f"{stage}: {number}")
    for out in YAML(typ="safe").load(RUN / "dvc.lock")["stages"][stage]["outs"]:
        path, source = Path(out["path"]), RUN / out["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        if path == MODEL:
            path.write_bytes(source.read_bytes()[:-4] + struct.pack("<f", number))  # the last weight
        elif path.suffix == ".json":
            path.write_text(json.dumps(change_numbers(json.loads(source.read_text()), number)))
        elif source.is_dir():
            shutil.copytree(source, path, copy_function=shutil.copyfile, dirs_exist_ok=True)
        else:
            shutil.copyfile(source, path)
        time.sleep(SECONDS)


if __name__ == "__main__":
    main(Path(__file__).stem)
