"""Which kernels torch computes with: the same everywhere (portable), or this processor's best (native).

Bits differ between processors because libraries pick kernels by instruction set, and between numbers of threads
because MKL splits its sums. Three settings, one for each library, end both on x86-64 with AVX2. They are read when
the first operation runs, not when torch is imported.
"""

import os
from typing import Literal

import torch

Numerics = Literal["portable", "native"]

PORTABLE = {
    "ATEN_CPU_CAPABILITY": "avx2",  # torch's own kernels
    "MKL_CBWR": "COMPATIBLE",  # MKL; its AVX2 mode holds on Intel processors only, and not between numbers of threads
    "ONEDNN_MAX_CPU_ISA": "AVX2",  # oneDNN
}


def pin(numerics: Numerics) -> None:
    """Choose the kernels and the number of threads. Must come before the first operation of the process.

    One thread unless `OMP_NUM_THREADS` says otherwise: two beside another busy process wait for each other most of
    the time, and several queued runs each take a core.
    """
    if numerics == "portable":
        os.environ.update(PORTABLE)
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)
