"""Which kernels torch computes with: the same everywhere (portable), or this processor's best (native).

Bits differ between processors because libraries pick kernels by instruction set, and between numbers of threads
because sums are split. A setting or two for each library end both on x86-64 with AVX2. Torch reads its own when the
first operation runs; numpy, when it is imported.
"""

import os
from typing import Literal

Numerics = Literal["portable", "native"]

PORTABLE = {
    "ATEN_CPU_CAPABILITY": "avx2",  # torch's own kernels
    "MKL_CBWR": "COMPATIBLE",  # MKL; its AVX2 mode holds on Intel processors only, and not between numbers of threads
    "ONEDNN_MAX_CPU_ISA": "AVX2",  # oneDNN
    "OPENBLAS_CORETYPE": "Haswell",  # numpy's matrix products
}


def pin(numerics: Numerics) -> None:
    """Choose the kernels and the number of threads. Must come before numpy and torch are imported.

    One thread unless `OMP_NUM_THREADS` says otherwise: two beside another busy process wait for each other most of
    the time, and several queued runs each take a core. numpy's products are too small to share.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    if numerics == "portable":
        os.environ.update(PORTABLE)
