"""Episodes of Gymnasium environments, played by worker processes and the same to the bit whatever their number.

A recording is cut into streams of 10,000 steps: one world of its own each, with seeds of its own. Five streams that
step side by side are a shard, which is what a worker takes; shards are joined in order.

Shapes: B streams of a shard, D features, k action dimensions, M steps, E episodes, R = M + E rows.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from algos.adapters.gym import known_id, quiet_mujoco
from algos.data.dataset import Dataset, join
from algos.data.recipes.behaviour import Behaviour

STREAM = 10_000  # steps of a world; ten whole episodes where the limit is 1,000
SIDE_BY_SIDE = 5  # worlds of a shard


@dataclass(frozen=True)
class Part:
    """Steps that one policy is to play: a stretch of a recording."""

    env: dict[str, Any]  # id and kwargs of gymnasium.make
    policy: str | dict[str, Any]  # "random", the weights of a Behaviour, or a way of pointmaze.Controller
    steps: int


@dataclass(frozen=True)
class Shard:
    """What one worker plays at a time."""

    env: dict[str, Any]
    policy: str | dict[str, Any]
    streams: list[int] = field(default_factory=list)  # steps of each world
    seed: tuple[int, ...] = ()
    whole: bool = False  # each stream is one whole episode, however long


def shards_of(parts: list[Part], seed: int) -> list[Shard]:
    """The shards of a recording; they depend on nothing but the arguments."""
    shards = []
    for number, part in enumerate(parts):
        full, rest = divmod(part.steps, STREAM)
        streams = [STREAM] * full + [rest] * (rest > 0)
        for first in range(0, len(streams), SIDE_BY_SIDE):
            chunk = streams[first : first + SIDE_BY_SIDE]
            shards.append(Shard(part.env, part.policy, chunk, (seed, number, first)))
    return shards


def record(parts: list[Part], seed: int, workers: int | None = None, progress: Callable = print) -> Dataset:
    """Play all parts, exactly as many steps as they say, by `workers` processes (default: one a core).

    A stream that ends within an episode cuts it off there: no terminal, and its last row was seen.
    """
    shards = shards_of(parts, seed)
    total, done, played = sum(part.steps for part in parts), 0, []
    for shard, dataset in zip(shards, play_all(shards, workers), strict=True):
        played.append(dataset)
        before, done = done, done + sum(shard.streams)
        if 5 * done // total > 5 * before // total:  # a line every fifth
            progress(f"  {done:,} of {total:,} steps played")
    return join(played)


def play_all(shards: list[Shard], workers: int | None = None) -> Iterator[Dataset]:
    """The datasets of shards, in order. Where no worker process can start, this one plays."""
    workers = min(workers or cores(), len(shards))
    played = 0
    if workers > 1:
        # spawn: a fork of a process with threads (torch's, numba's) may hang
        import multiprocessing

        try:
            with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
                for future in _submitted(pool, shards, 2 * workers):
                    yield future.result()
                    played += 1
        except BrokenProcessPool:  # the caller's script cannot be imported again: it came from a pipe, has no guard …
            pass
    for shard in shards[played:]:
        yield play(shard)


def _submitted(pool: Executor, shards: list[Shard], ahead: int) -> Iterator[Future]:
    """Futures in order, never more than `ahead` of them waiting: finished shards do not pile up in memory."""
    waiting: list[Future] = []
    for shard in shards:
        waiting.append(pool.submit(play, shard))
        if len(waiting) >= ahead:
            yield waiting.pop(0)
    yield from waiting


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def make_world(env: dict[str, Any]) -> Any:
    """One environment of {"id", "kwargs"}."""
    import gymnasium as gym

    env_id = known_id(env["id"])
    with quiet_mujoco(env_id):
        return gym.make(env_id, disable_env_checker=True, **env.get("kwargs", {}))


def flat(space: Any) -> Callable[[Any], np.ndarray]:
    """What turns an observation into a row as `algos.adapters.gym.GymBatch` does; float32 is left to the caller."""
    from gymnasium import spaces

    if isinstance(space, spaces.Box) and len(space.shape) == 1:
        return np.asarray
    return lambda value: np.asarray(spaces.flatten(space, value))


def policy_of(shard: Shard, space: Any, env: Any) -> Callable:
    """(obs [B, D], random, fresh bool [B]) -> actions [B, k]; fresh: an episode has just begun."""
    if isinstance(shard.policy, dict):
        behaviour = Behaviour(shard.policy)
        return lambda obs, random, fresh: behaviour(obs, random)
    if shard.policy == "random":
        return lambda obs, random, fresh: random.uniform(space.low, space.high, (len(obs), *space.shape))
    from algos.data.recipes.pointmaze import Controller

    return Controller(shard.policy, env.unwrapped.maze, len(shard.streams))


class _Stream:
    """One world and what was seen, done and gained in it."""

    def __init__(self, env: Any, quota: int, whole: bool):
        from gymnasium import spaces

        self.env, self.quota, self.whole = env, quota, whole
        self.flat = flat(env.observation_space)
        size = spaces.flatdim(env.observation_space), env.action_space.shape[0]
        self.obs = np.zeros((2 * quota, size[0]), np.float32)  # an episode has a step at least, and a row more
        self.actions = np.empty((quota, size[1]), np.float32)
        self.rewards, self.terminals = np.empty(quota, np.float32), np.zeros(quota, bool)
        self.starts, self.steps, self.row = [0], 0, 0

    def begin(self, seed: int | None = None) -> None:
        self.obs[self.row] = self.flat(self.env.reset(seed=seed)[0])

    def step(self, action: np.ndarray) -> tuple[bool, bool]:
        """One step: whether an episode ended with it, and whether the stream did."""
        i = self.steps
        self.actions[i] = action
        obs, self.rewards[i], self.terminals[i], truncated, _ = self.env.step(action)
        self.steps, self.row = i + 1, self.row + 1
        self.obs[self.row] = self.flat(obs)
        ended = bool(self.terminals[i] or truncated)
        full = self.steps == self.quota or (self.whole and ended)
        if ended or full:
            self.starts.append(self.steps)
            self.row += 1
        if ended and not full:
            self.begin()
        return ended, full

    def dataset(self) -> Dataset:
        M = self.steps
        rows = self.obs[: self.row].copy()
        return Dataset(rows, self.actions[:M], self.rewards[:M], self.terminals[:M], np.array(self.starts))


def play(shard: Shard) -> Dataset:
    """Play a shard's streams to their end, side by side."""
    random = np.random.default_rng(shard.seed)
    envs = [make_world(shard.env) for _ in shard.streams]
    space = envs[0].action_space
    policy = policy_of(shard, space, envs[0])
    streams = [_Stream(env, quota, shard.whole) for env, quota in zip(envs, shard.streams, strict=True)]
    for stream, seed in zip(streams, random.integers(2**31, size=len(streams)), strict=True):
        stream.begin(int(seed))
    running, fresh = np.ones(len(streams), bool), np.ones(len(streams), bool)
    while running.any():
        # those that are done are still shown to the policy: it may remember its worlds by their number
        obs = np.stack([stream.obs[min(stream.row, len(stream.obs) - 1)] for stream in streams])
        actions = np.clip(policy(obs, random, fresh), space.low, space.high).astype(np.float32)
        for b in np.flatnonzero(running):
            fresh[b], full = streams[b].step(actions[b])
            running[b] = not full
    for env in envs:
        env.close()
    return join([stream.dataset() for stream in streams])


def episode_returns(
    env: dict[str, Any], policy: str | dict[str, Any], episodes: int, seed: int, workers: int | None = None
) -> np.ndarray:
    """Returns float64 [episodes] of whole episodes, each in a world of its own."""
    import gymnasium as gym

    limit = gym.spec(known_id(env["id"])).max_episode_steps
    assert limit, "tasks of recipes end after so many steps at the latest"
    counts = [min(SIDE_BY_SIDE, episodes - first) for first in range(0, episodes, SIDE_BY_SIDE)]
    shards = [Shard(env, policy, [limit] * count, (seed, 0, i), whole=True) for i, count in enumerate(counts)]
    return np.concatenate([dataset.returns for dataset in play_all(shards, workers)])
