"""Run the train stage in several folders, in processes that are forked after torch is imported.

In an emulator, importing torch takes longer than a small training. QEMU 7.2 computes torch's AVX2 kernel of grid_sample
incorrectly, so trainings with augmentation use --default kernels.

Run: python -m tests.stages.train_in_folders portable --avx2 FOLDER ... --default FOLDER ...
"""

import argparse
import os
import runpy
import sys
from typing import get_args

from stages.shared import numerics


def main() -> None:
    """Import what the stage uses, then run it in the folders of each choice of kernels, in a child process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("numerics", choices=get_args(numerics.Numerics))
    for kernels in ("avx2", "default"):
        parser.add_argument(f"--{kernels}", nargs="*", default=[], metavar="FOLDER")
    arguments = parser.parse_args()
    numerics.pin(arguments.numerics)
    import dvclive  # noqa: F401
    import torch._dynamo  # noqa: F401

    import stages.shared.network
    import stages.shared.optimization  # noqa: F401

    sys.argv = ["train"]
    for kernels in ("avx2", "default"):
        child = os.fork()
        if child == 0:
            numerics.PORTABLE["ATEN_CPU_CAPABILITY"] = kernels
            for folder in getattr(arguments, kernels):
                os.chdir(folder)
                runpy.run_module("stages.train", run_name="__main__", alter_sys=True)
            return
        if os.waitpid(child, 0)[1]:
            sys.exit(f"training with {kernels} kernels failed")


if __name__ == "__main__":
    main()
