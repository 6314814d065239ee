"""Recorded episodes as plain arrays, and what world models read of them: windows, contexts, logged actions.

Shapes: E episodes, M steps in all, R = M + E rows of what was seen (an episode of T steps has T + 1 rows), D features,
k action dimensions, C rows of context, L steps of a window, H steps ahead.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Episodes:
    """Episodes one after the other: step i of episode e starts at row i + e and leads to row i + e + 1.

    A team is one agent here: its observations and its actions side by side. Discrete actions are one-hot.
    """

    obs: np.ndarray  # float32 [R, D]
    actions: np.ndarray  # float32 [M, k]
    rewards: np.ndarray  # float32 [M]
    terminals: np.ndarray  # bool [M]: the task ended in this step; a time limit is no terminal
    starts: np.ndarray  # int [E + 1]: episode e is the steps starts[e] to starts[e + 1] - 1
    next_known: np.ndarray | None = None  # bool [M]: the row that this step leads to was seen; None: all were

    @cached_property
    def episode(self) -> np.ndarray:
        """Episode of each step, int [M]."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    @property
    def known(self) -> np.ndarray:
        """Steps whose change of the state a model may learn from, bool [M]; reward and end are known of all."""
        return np.ones(len(self.rewards), bool) if self.next_known is None else self.next_known

    def split(self, fraction: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Steps to learn from and held-out ones, int [M'] each: whole episodes, drawn at random, hold out `fraction`.

        At least one episode is held out, and one is learned from; of a single episode, both sides get all steps.
        """
        lengths = np.diff(self.starts)
        order = np.random.default_rng(seed).permutation(len(lengths))
        if len(order) == 1:
            return np.arange(lengths[0]), np.arange(lengths[0])
        wanted = fraction * lengths.sum()
        count = np.searchsorted(np.cumsum(lengths[order]), wanted) + 1
        out = np.isin(self.episode, order[: min(count, len(order) - 1)])
        return np.flatnonzero(~out), np.flatnonzero(out)


def context(episodes: Episodes, steps: np.ndarray, rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What was seen and done before some steps: obs [M, C, D], actions [M, C - 1, k], lengths int [M] for C = `rows`.

    The last row is the state in which the step is taken; where the episode is younger than C rows, only the last
    `lengths` ones are real, the others are zero.
    """
    episode = episodes.episode[steps]
    lengths = np.minimum(steps - episodes.starts[episode] + 1, rows)
    back = np.arange(rows - 1, -1, -1)
    real = back < lengths[:, None]
    obs = episodes.obs[np.where(real, (steps + episode)[:, None] - back, 0)] * real[..., None]
    done = episodes.actions[np.where(real, steps[:, None] - back, 0)[:, :-1]] * real[:, :-1, None]
    return obs, done, lengths


def ahead(episodes: Episodes, steps: np.ndarray, horizon: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What really followed: obs [M, H + 1, D], actions [M, H, k] and the steps left in the episode, int [M], at most H.

    Behind an episode's end its last row and last action are repeated.
    """
    episode = episodes.episode[steps]
    left = np.minimum(episodes.starts[episode + 1] - steps, horizon)
    rows = (steps + episode)[:, None] + np.minimum(np.arange(horizon + 1), left[:, None])
    done = steps[:, None] + np.minimum(np.arange(horizon), left[:, None] - 1)
    return episodes.obs[rows], episodes.actions[done], left
