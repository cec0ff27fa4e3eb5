"""Which kernels numpy and torch compute with: the same on every machine (portable), or the fastest here (native).

Results differ in their last bits between processors, because libraries choose kernels by instruction set, and between
numbers of threads, because sums are split. Torch reads the settings when its first operation runs, numpy when it is
imported.
"""

import os
from typing import Literal

Numerics = Literal["portable", "native"]

PORTABLE = {
    "ATEN_CPU_CAPABILITY": "avx2",  # torch's own kernels
    "MKL_CBWR": "COMPATIBLE",  # MKL; the bits are the same for one number of threads only
    "OMP_NUM_THREADS": "1",  # torch and MKL
    "ONEDNN_MAX_CPU_ISA": "AVX2",  # oneDNN
    "OPENBLAS_CORETYPE": "Haswell",  # numpy's matrix products
}
READ_BY_LIBRARIES = ("ATEN_", "DNNL_", "MKL_", "NPY_", "OMP_", "ONEDNN_")  # prefixes of environment variables


def pin(numerics: Numerics) -> None:
    """Choose the kernels and the number of threads. Call this before numpy and torch are imported.

    portable uses one thread and removes the user's settings of these libraries from the environment. native uses one
    thread unless `OMP_NUM_THREADS` is set: at this size of network a second one gains little, and the workers of DVC's
    queue run side by side. numpy's matrix products always use one.
    """
    if numerics == "portable":
        for name in [name for name in os.environ if name.startswith(READ_BY_LIBRARIES)]:
            del os.environ[name]
        os.environ.update(PORTABLE)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
