"""Step a batch on a CUDA GPU: the very same rules, compiled by numba-cuda. One thread a world. Nothing imports this.

Needs a GPU and `pip install "numba-cuda[cu12]"` (or `[cu13]`, as the driver is). scripts/gpu_compare.py holds the
results against the CPU's. With NUMBA_ENABLE_CUDASIM=1 and NUMBA_DISABLE_JIT=1 numba's simulator runs the same launcher.
"""

from typing import Any

import numba
import numpy as np
from numba import cuda

from .api.batched import BatchedEnv
from .core import Results, step_worlds
from .interpreted import ArrayView
from .state import SCRATCH

THREADS = 64
"""Threads a block: our choice. A world takes some kB, so a few of them fill the caches."""


def step_one(worlds, spec_array, layouts, scratch, orders, hold, out, obs, final_obs, final_state, fused):
    """The kernel: thread b steps world b with working memory of its own; arguments as of core.step_worlds."""
    b = cuda.grid(1)
    if b < worlds.shape[0]:
        own = scratch[b : b + 1]
        step_worlds(worlds, spec_array, layouts, own, orders, hold, out, obs, final_obs, final_state, fused, b, b + 1)


def arguments_of(env: BatchedEnv) -> tuple[Any, ...]:
    """The kernel's arguments for a batch: the environment's own arrays, and scratch for each world."""
    if not env._fused or env._opponents:
        raise ValueError("the GPU steps batches with obs='vector', state='vector' and bots as opponents")
    scratch = np.zeros(env.num_envs, SCRATCH)
    places = (env.worlds, env._spec, env.layouts, scratch, env._orders, env._no_hold)
    return *places, env._out, env._obs, env._final_obs, env._final_state, True


def copied(records: np.ndarray) -> np.ndarray:
    """A copy of records [B] by bytes; NumPy's own leaves the gaps between fields as they come."""
    return records.view(np.uint8).copy().view(records.dtype)


def to_gpu(value):
    """Copy an array, or a tuple of them, to the GPU; a flag stays."""
    if isinstance(value, Results):
        return Results(*map(to_gpu, value))
    if not isinstance(value, np.ndarray):
        return value
    if numba.config.ENABLE_CUDASIM and value.dtype.names:
        return ArrayView(copied(value))  # the simulator's arrays know no records
    return cuda.to_device(value)


def to_host(value):
    """Copy what `to_gpu` gave back."""
    if isinstance(value, Results):
        return Results(*map(to_host, value))
    return copied(value.array) if isinstance(value, ArrayView) else value.copy_to_host()


class GpuBatch:
    """A copy of a batch, as it is now, that is stepped on the GPU; the original stays as it is."""

    def __init__(self, env: BatchedEnv):
        if not cuda.is_available():
            raise RuntimeError(
                "no CUDA GPU found: this needs an NVIDIA GPU with its driver and `pip install numba-cuda[cu12]` "
                "(or [cu13]); NUMBA_ENABLE_CUDASIM=1 with NUMBA_DISABLE_JIT=1 runs the simulator"
            )
        self.num_envs = env.num_envs
        self._arguments = tuple(to_gpu(value) for value in arguments_of(env))
        self._kernel = cuda.jit(step_one)

    def step(self, actions: np.ndarray) -> None:
        """One step of every world: actions int [B, N]."""
        orders = cuda.to_device(np.ascontiguousarray(actions, np.int8))
        arguments = (*self._arguments[:4], orders, *self._arguments[5:])
        self._kernel[-(-self.num_envs // THREADS), THREADS](*arguments)

    @property
    def worlds(self) -> np.ndarray:
        """The records, copied back: [B] of state.WORLD."""
        return to_host(self._arguments[0])

    @property
    def results(self) -> Results:
        """Rewards, flags and masks of the last step, copied back."""
        return to_host(self._arguments[6])

    @property
    def obs(self) -> np.ndarray:
        """Vector observations, copied back: float32 [B, N, D]."""
        return to_host(self._arguments[7])
