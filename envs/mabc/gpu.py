"""Step a batch on a CUDA GPU: the very same rules, compiled by numba-cuda. One thread a world; imported by nothing.

Needs a GPU and `pip install "numba-cuda[cu12]"` (or `[cu13]`). scripts/gpu_compare.py holds the results against
those of the CPU. NUMBA_ENABLE_CUDASIM=1 with NUMBA_DISABLE_JIT=1 runs the same launcher in plain Python.
"""

import numba
import numpy as np
from numba import cuda

from .api.batched import BatchedEnv
from .core import Results, step_worlds
from .jit import interpreted
from .state import SCRATCH

THREADS = 64
"""A block. Worlds are kilobytes, so few threads fill a multiprocessor's cache."""


def step_one(
    worlds, spec_array, layouts, scratch, orders, hold, out, obs, final_obs, final_state, fused
):
    """The kernel: thread b steps world b, with working memory of its own, by `core.step_worlds`."""
    b = cuda.grid(1)
    if b < worlds.shape[0]:
        step_worlds(
            worlds,
            spec_array,
            layouts,
            scratch[b : b + 1],
            orders,
            hold,
            out,
            obs,
            final_obs,
            final_state,
            fused,
            b,
            b + 1,
        )
