"""Running mean and deviation, for value targets and for observations."""

from __future__ import annotations

import numpy as np


class RunningNorm:
    """Exponential running mean and variance with the start-up bias taken out, as MAPPO's value normalisation.

    (Yu et al. 2022, "The surprising effectiveness of PPO in cooperative multi-agent games", section 5.1.)
    `decay` is the weight of the past per update, or 0 for a plain mean over everything seen.
    Kept in float64; `shape` () for values, (D,) for observations.
    """

    def __init__(self, shape: tuple[int, ...] = (), decay: float = 0.99, epsilon: float = 1e-5):
        self.decay, self.epsilon = decay, epsilon
        self.total = np.zeros(shape)
        self.total_square = np.zeros(shape)
        self.weight = 0.0
        self._refresh()

    def _refresh(self) -> None:
        """Mean and deviation as float32; (0, 1) before the first update."""
        if self.weight == 0:
            mean, var = np.zeros(self.total.shape), np.ones(self.total.shape)
        else:
            mean = self.total / self.weight
            var = np.maximum(self.total_square / self.weight - mean**2, 0)
        self.mean = mean.astype(np.float32)
        self.std = np.sqrt(np.maximum(var, self.epsilon)).astype(np.float32)

    def update(self, samples: np.ndarray) -> None:
        """Take in samples [M, *shape]; an empty batch changes nothing."""
        if len(samples) == 0:
            return
        past, new = (self.decay, 1 - self.decay) if self.decay else (1.0, float(len(samples)))
        mean, square = samples.mean(0, dtype=np.float64), np.square(samples, dtype=np.float64).mean(0)
        self.total = past * self.total + new * mean
        self.total_square = past * self.total_square + new * square
        self.weight = past * self.weight + new
        self._refresh()

    def normalise(self, x: np.ndarray) -> np.ndarray:
        """(x - mean) / deviation, in the type of x."""
        return (x - self.mean) / self.std

    def denormalise(self, x: np.ndarray) -> np.ndarray:
        """The inverse of `normalise`."""
        return x * self.std + self.mean

    def state_dict(self) -> dict[str, np.ndarray | float]:
        return {"total": self.total, "total_square": self.total_square, "weight": self.weight}

    def load_state_dict(self, state: dict) -> None:
        self.total = np.asarray(state["total"], np.float64)
        self.total_square = np.asarray(state["total_square"], np.float64)
        self.weight = float(state["weight"])
        self._refresh()
