"""Offline data in memory: episodes, one after the other.

Shapes: E episodes, M steps in all, R = M + E rows of what was seen (an episode of T steps has T + 1 rows), N agents,
A actions, D features, k action dimensions. Step i of episode e starts at row i + e and leads to row i + e + 1.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

ARRAYS = ("obs", "actions", "rewards", "terminals", "starts", "masks", "alive", "end_seen")
"""The arrays of a dataset that are learned from, all but its extras."""


class DatasetError(RuntimeError):
    """A dataset that cannot be read; the text names the file, the key and what would do."""


@dataclass
class Dataset:
    """Episodes of one agent, or of a team that acts together (then with the axis N).

    An episode that ended by `terminals` has no value behind it; any other was cut off (a time limit, the end of the
    file) and would have gone on.
    """

    obs: np.ndarray  # float32 [R, D]; a team's [R, N, D]
    actions: np.ndarray  # float32 [M, k]; discrete: int64 [M], a team's [M, N]
    rewards: np.ndarray  # float32 [M]; a team's reward is one number
    terminals: np.ndarray  # bool [M]: the task ended in this step
    starts: np.ndarray  # int64 [E + 1]: episode e is the steps starts[e] to starts[e + 1] - 1
    masks: np.ndarray | None = None  # bool [R, N, A]: legal actions; None: all are
    alive: np.ndarray | None = None  # bool [R, N]; None: all are
    end_seen: np.ndarray | None = None  # bool [E]: the last row was really seen; None: all were. Else it only fills
    extras: dict[str, np.ndarray] = field(default_factory=dict)  # further arrays with R, M or E rows: state, success …
    num_actions: int = 0  # A; 0: actions are continuous
    info: dict[str, Any] = field(default_factory=dict)  # name, env, references and how it was made, as JSON has it

    @property
    def num_episodes(self) -> int:
        return len(self.starts) - 1

    @property
    def num_steps(self) -> int:
        return len(self.rewards)

    @property
    def num_agents(self) -> int:
        return self.obs.shape[1] if self.obs.ndim == 3 else 1

    @cached_property
    def episode(self) -> np.ndarray:
        """Episode of each step, int64 [M]."""
        return np.repeat(np.arange(self.num_episodes), self.lengths)

    @cached_property
    def rows(self) -> np.ndarray:
        """Row from which each step starts, int64 [M]; it leads to the next row."""
        return np.arange(self.num_steps) + self.episode

    @property
    def lengths(self) -> np.ndarray:
        """Steps of each episode, int64 [E]."""
        return np.diff(self.starts)

    @property
    def returns(self) -> np.ndarray:
        """Sum of the rewards of each episode, float64 [E]."""
        if not self.num_steps:
            return np.zeros(self.num_episodes)
        return np.add.reduceat(self.rewards, self.starts[:-1], dtype=np.float64)

    @property
    def next_known(self) -> np.ndarray:
        """Steps whose next row was really seen, bool [M]: what a model of the world may learn from."""
        known = np.ones(self.num_steps, bool)
        if self.end_seen is not None:
            known[self.starts[1:][~self.end_seen] - 1] = False
        return known

    @cached_property
    def digest(self) -> str:
        """Which data these are: 32 hexadecimal digits of the arrays that are learned from."""
        found = hashlib.blake2b(digest_size=16)
        for name in ARRAYS:
            if (array := getattr(self, name)) is not None:
                found.update(f"{name} {array.dtype.str} {array.shape}".encode())
                found.update(np.ascontiguousarray(array).data)
        return found.hexdigest()

    def check(self) -> Dataset:
        """The dataset itself; DatasetError names the first array whose shape, type or content does not fit."""
        check_info(self.info)
        where = self.info.get("name", "dataset")
        self._check_shapes(where)
        if self.actions.dtype.kind != ("i" if self.num_actions else "f"):
            raise DatasetError(f"{where}: 'actions' is {self.actions.dtype}, and num_actions is {self.num_actions}")
        for key in ("obs", "actions", "rewards"):
            array = getattr(self, key)
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise DatasetError(f"{where}: '{key}' holds numbers that are not finite")
        inside = np.ones(self.num_steps, bool)
        inside[self.starts[1:] - 1] = False
        if (self.terminals & inside).any():
            raise DatasetError(f"{where}: 'terminals' is set within an episode")
        if self.num_actions:
            self._check_choices(where)
        return self

    def _check_shapes(self, where: str) -> None:
        """DatasetError for the first array that has not the shape that the class says."""
        for key, axes in {"rewards": (1,), "starts": (1,), "obs": (2, 3)}.items():
            if getattr(self, key).ndim not in axes:
                told = " or ".join(map(str, axes))
                raise DatasetError(f"{where}: '{key}' has shape {getattr(self, key).shape}, expected {told} axes")
        E, M = self.num_episodes, len(self.rewards)
        if E < 1 or self.starts[0] != 0 or self.starts[-1] != M or (self.lengths < 1).any():
            raise DatasetError(f"{where}: episodes must each hold at least one step and cover all {M} steps")
        team, A = self.obs.shape[1:-1], self.num_actions  # team: () or (N,)
        free = self.actions.shape[-1:]  # as many action dimensions as there are
        wanted = {
            "obs": (M + E, *self.obs.shape[1:]), "actions": (M, *team) if A else (M, *team, *free),
            "terminals": (M,), "masks": (M + E, *team, A), "alive": (M + E, *team), "end_seen": (E,),
        }  # fmt: skip
        for key, shape in wanted.items():
            array = getattr(self, key)
            if array is not None and array.ndim and len(array) != shape[0]:
                raise DatasetError(f"{where}: '{key}' has {len(array)} rows, expected {shape[0]}")
            if array is not None and array.shape != shape:
                raise DatasetError(f"{where}: '{key}' has shape {array.shape}, expected {shape}")
        if self.alive is not None and not team:
            raise DatasetError(f"{where}: 'alive' is for teams, and 'obs' with shape {self.obs.shape} is one agent's")
        for key, array in self.extras.items():
            if not array.ndim or len(array) not in (M + E, M, E):
                raise DatasetError(
                    f"{where}: extra '{key}' has shape {array.shape}, expected {M + E}, {M} or {E} rows "
                    "(what was seen, steps, episodes)"
                )

    def _check_choices(self, where: str) -> None:
        """DatasetError for discrete actions that do not exist or that were illegal where a living agent took them."""
        low, high = self.actions.min(), self.actions.max()
        if low < 0 or high >= self.num_actions:
            raise DatasetError(
                f"{where}: 'actions' reach from {low} to {high}, of {self.num_actions} actions: 0 to "
                f"{self.num_actions - 1} exist"
            )
        if self.masks is None:
            return
        legal = np.take_along_axis(self.masks[self.rows], self.actions[..., None], -1)[..., 0]
        if self.alive is not None:
            legal |= ~self.alive[self.rows]
        if not legal.all():
            step = int(np.argwhere(~legal)[0][0])
            raise DatasetError(f"{where}: 'actions' holds one in step {step} that 'masks' forbids there")

    def select(self, episodes: np.ndarray) -> Dataset:
        """A dataset of some episodes, int [E'], in that order."""
        lengths = self.lengths[episodes]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        offset = np.repeat(self.starts[episodes] - starts[:-1], lengths)
        steps = np.arange(starts[-1]) + offset
        row_starts = self.starts[episodes] + episodes - starts[:-1] - np.arange(len(episodes))
        rows = np.arange(starts[-1] + len(episodes)) + np.repeat(row_starts, lengths + 1)
        size = {self.num_steps + self.num_episodes: rows, self.num_steps: steps, self.num_episodes: episodes}

        def pick(array: np.ndarray) -> np.ndarray:
            return array[size[len(array)]]

        arrays: dict[str, Any] = {key: getattr(self, key) for key in ARRAYS if key != "starts"}
        arrays = {key: None if array is None else pick(array) for key, array in arrays.items()}
        extras = {key: pick(array) for key, array in self.extras.items()}
        return Dataset(**arrays, starts=starts, extras=extras, num_actions=self.num_actions, info=dict(self.info))


def check_info(info: Any) -> None:
    """DatasetError for an info, perhaps from somebody else's file, whose parts are not of the kinds that are read."""
    if not isinstance(info, dict):
        raise DatasetError(f"its info is {info!r}, a dictionary is needed")
    where = info.get("name", "dataset")
    env, references = info.get("env", {}), info.get("references")
    if not isinstance(env, dict):
        raise DatasetError(f"{where}: 'env' of its info is {env!r}, a dictionary is needed")
    needed = ("name", "id") if env.get("name") == "gym" else ("name",)
    if env and not (all(isinstance(env.get(key), str) for key in needed) and isinstance(env.get("task"), str | None)):
        raise DatasetError(f"{where}: 'env' of its info is {env!r}: name, for gym id, and a task are text")
    if not isinstance(env.get("kwargs", {}), dict) or not isinstance(info.get("made", {}), dict):
        raise DatasetError(f"{where}: 'made' and 'kwargs' of 'env' in its info are dictionaries")
    if references is not None:
        ends: list[Any] = [references.get(key) for key in ("random", "expert")] if isinstance(references, dict) else []
        if not all(type(end) in (int, float) and np.isfinite(end) for end in ends) or len(set(ends)) < 2:
            raise DatasetError(f"{where}: 'references' of its info is {references!r}: two numbers, random and expert")


def join(parts: list[Dataset]) -> Dataset:
    """One dataset of the episodes of several; the first one's info stays."""
    first = parts[0]
    if len(parts) == 1:
        return first
    offsets = np.cumsum([0, *(part.num_steps for part in parts[:-1])])

    def together(key: str) -> np.ndarray | None:
        arrays = [getattr(part, key) for part in parts]
        if key == "end_seen" and any(array is not None for array in arrays):
            arrays = [np.ones(part.num_episodes, bool) if part.end_seen is None else part.end_seen for part in parts]
        return None if arrays[0] is None else np.concatenate(arrays)

    starts = np.concatenate([[0], *(part.starts[1:] + offset for part, offset in zip(parts, offsets, strict=True))])
    extras = {key: np.concatenate([part.extras[key] for part in parts]) for key in first.extras}
    arrays: dict[str, Any] = {key: together(key) for key in ARRAYS if key != "starts"}
    return Dataset(**arrays, starts=starts, extras=extras, num_actions=first.num_actions, info=dict(first.info))


def normalised_score(returns: Any, info: dict[str, Any]) -> Any:
    """100 (return - random) / (expert - random) by the references of a dataset's info; None where it has none."""
    references = info.get("references")
    if not references:
        return None
    span = references["expert"] - references["random"]
    return 100 * (np.asarray(returns, np.float64) - references["random"]) / span
