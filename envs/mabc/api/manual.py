"""A batch whose worlds stay as they ended until they are reset: what single-world and TorchRL interfaces stand on."""

from __future__ import annotations

from os import PathLike
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode

from ..params import RUNNING
from ..scenarios import Scenario
from .batched import BatchedEnv


class ManualBatch(BatchedEnv):
    """A `BatchedEnv` without automatic reset.

    After the step that ends a world, its observation, state, masks and `world(i)` are the last ones of that episode;
    call reset() or reset_where() before its next step. Episode k of world i is the same game as with automatic reset.
    """

    metadata = {**BatchedEnv.metadata, "autoreset_mode": AutoresetMode.DISABLED}
    _resets = False

    def __init__(
        self,
        scenario: str | Scenario,
        num_envs: int = 1,
        obs: str = "vector",
        state: str = "vector",
        seed: int = 0,
        first_world: int = 0,
        copy: bool = False,
        threads: int | None = None,
        record: str | PathLike[str] | None = None,
        **changes: Any,
    ) -> None:
        super().__init__(scenario, num_envs, obs, state, seed, first_world, copy, threads, changes, record)
        self._fused = False  # the fused kernel resets

    def reset_where(self, only: np.ndarray) -> tuple[Any, dict[str, Any]]:
        """Start new episodes in the worlds for which only[b] is set, bool [B]: observations and info of all worlds."""
        self._reset(only)
        self._started = True
        self._out.outcome[only] = RUNNING
        for array in (self._out.success, self._out.episode_return, self._out.episode_length):
            array[only] = 0
        for opponent in self._opponents:
            opponent.forget(only)
        if self.recorder is not None and only[self.recorder.index]:
            self.recorder.begin()
        self.write(self._obs_kind, self._obs, only)
        return self._give(self._obs), self._info()

    def _finish(self) -> None:
        self.write(self._obs_kind, self._obs)
