"""Run the stage train in some folders, in processes that part only once torch is loaded.

Under an emulator, loading torch takes longer than a small training. QEMU 7.2 computes torch's AVX2 kernel for sampling
images wrong: what augments is trained with --default kernels.

Run: python -m tests.processors portable --avx2 FOLDER ... --default FOLDER ...
"""

import argparse
import os
import sys
from typing import get_args
from unittest import mock

from stages.shared import numerics
from stages.train import __main__ as train


def main() -> None:
    """Load all that the stage uses, once for all folders, and train in them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("numerics", choices=get_args(numerics.Numerics))
    for kernels in ("avx2", "default"):
        parser.add_argument(f"--{kernels}", nargs="*", default=[], metavar="FOLDER")
    arguments = parser.parse_args()
    numerics.pin(arguments.numerics)
    # The first optimizer would load torch's compiler, which takes as long as torch, and ask it for nothing but this.
    sys.modules["torch._dynamo"] = mock.Mock(disable=lambda function, *_, **__: function)

    import dvclive  # noqa: F401

    import stages.train.training  # noqa: F401

    for kernels in ("avx2", "default"):
        child = os.fork()
        if child == 0:
            numerics.PORTABLE["ATEN_CPU_CAPABILITY"] = kernels
            for folder in getattr(arguments, kernels):
                os.chdir(folder)
                train.main()
            return
        if os.waitpid(child, 0)[1]:
            sys.exit(f"training with {kernels} kernels failed")


if __name__ == "__main__":
    main()
