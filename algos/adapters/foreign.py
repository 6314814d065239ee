"""What adapters of other people's environments share: spaces as rows, returns and lengths, and why one was not made."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np

from algos.common.errors import BadInput


def not_made(config: dict[str, Any], error: Exception, advice: str = "") -> BadInput:
    """The error for an environment that could not be made: what to install where a package is missing."""
    missing = getattr(error, "name", None) or getattr(error.__cause__, "name", None)
    package = str(missing).partition(".")[0]
    if isinstance(error, ModuleNotFoundError) and missing and importlib.util.find_spec(package) is None:
        advice = f"Install what brings it, most likely by: pip install {package}"
    return BadInput(f"env.id={config['id']}: {str(error).rstrip('.')}." + (f" {advice}" if advice else ""))


def num_actions(space: Any, who: str) -> int:
    """A of a Discrete space, 0 for a Box; BadInput for anything else."""
    from gymnasium import spaces

    if isinstance(space, spaces.Discrete):
        return int(space.n)
    if isinstance(space, spaces.Box) and np.issubdtype(space.dtype, np.floating):
        return 0
    raise BadInput(f"{who}: actions are {space}; Discrete and Box of floats are supported")


def flat(space: Any, value: Any) -> np.ndarray:
    """One observation as a float32 row; bytes (pixels) are scaled to 0..1."""
    from gymnasium import spaces

    row = np.asarray(spaces.flatten(space, value), np.float32)
    return row / 255 if getattr(space, "dtype", None) == np.uint8 else row


class RunningEpisodes:
    """Return and length of the running episodes, kept until the step after they ended."""

    def __init__(self, num_envs: int, num_agents: int):
        self.returns = np.zeros((num_envs, num_agents), np.float32)
        self.lengths = np.zeros(num_envs, np.int32)
        self.ended = np.zeros(num_envs, bool)

    def add(self, reward: np.ndarray, done: np.ndarray) -> None:
        self.returns[self.ended] = 0
        self.lengths[self.ended] = 0
        self.returns += reward
        self.lengths += 1
        self.ended = done.copy()


def no_snapshot(*_: Any) -> dict[str, Any]:
    """Foreign environments cannot be saved: a resumed run starts new episodes."""
    return {}
