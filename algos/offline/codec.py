"""Recorded episodes as a world model reads them, and what it generates as a dataset again.

A world model knows one agent: continuous actions in -1..1, discrete ones as one-hot vectors, and of a team each agent's
observation, mask of legal actions and whether it is alive, all agents side by side.

Shapes: N agents, D features of an observation, D' of a world model's state, k action dimensions, A actions, R rows, M
steps or trajectories.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from algos.common.protocol import BatchedEnv
from algos.data.dataset import Dataset
from algos.offline.minibatches import to_env, to_unit
from world_models.episodes import Episodes
from world_models.rollout import Generated


class Team(NamedTuple):
    """What a world model's states say of a team."""

    obs: np.ndarray  # float32 [R, N, D]
    masks: np.ndarray | None  # bool [R, N, A]
    alive: np.ndarray | None  # bool [R, N]


class Codec:
    """From a dataset to a world model's numbers and back."""

    def __init__(self, data: Dataset, low: np.ndarray, high: np.ndarray):
        """low and high: bounds of continuous actions, float32 [k]; empty for discrete ones."""
        self.data, self.low, self.high = data, low, high

    @classmethod
    def of(cls, data: Dataset, env: BatchedEnv) -> Codec:
        """With the environment's bounds."""
        if env.num_actions:
            return cls(data, np.zeros(0, np.float32), np.zeros(0, np.float32))
        return cls(data, env.action_space.low, env.action_space.high)

    def episodes(self) -> Episodes:
        """The recorded episodes."""
        data = self.data
        rows, steps = len(data.obs), data.num_steps
        obs = [data.obs.reshape(rows, data.num_agents, -1)]
        if data.masks is not None:
            obs.append(data.masks.reshape(rows, data.num_agents, -1))
        if data.alive is not None:
            obs.append(data.alive.reshape(rows, data.num_agents, 1))
        if data.num_actions:
            actions = np.eye(data.num_actions, dtype=np.float32)[data.actions].reshape(steps, -1)
        else:
            actions = to_unit(data.actions, self.low, self.high)
        joined = np.concatenate(obs, -1).reshape(rows, -1).astype(np.float32)
        return Episodes(joined, actions.astype(np.float32), data.rewards, data.terminals, data.starts, data.next_known)

    def team(self, states: np.ndarray) -> Team:
        """The agents in states [R, D'], each with what is its own; one that is dead may only stay."""
        data, A = self.data, self.data.num_actions
        parts = states.reshape(len(states), data.num_agents, -1)
        D = data.obs.shape[-1]
        obs, place = np.ascontiguousarray(parts[..., :D]), D
        masks = alive = None
        if data.masks is not None:
            masks = parts[..., place : place + A] > 0.5
            masks[..., 0] |= ~masks.any(-1)  # to stay is always legal
            place += A
        if data.alive is not None:
            alive = parts[..., place] > 0.5
            if masks is not None:
                masks[~alive] = np.arange(A) == 0
        return Team(obs, masks, alive)

    def legal(self, states: np.ndarray) -> np.ndarray | None:
        """Legal actions in states [R, D'], bool [R, N, A]; None for continuous actions."""
        if not self.data.num_actions:
            return None
        masks = self.team(states).masks
        return np.ones((len(states), self.data.num_agents, self.data.num_actions), bool) if masks is None else masks

    def dataset(self, found: Generated) -> Dataset:
        """Generated trajectories as a dataset of the kind that the recorded one is; those of length 0 are left out."""
        chosen = np.flatnonzero(found.lengths)
        lengths = found.lengths[chosen]
        states = np.concatenate([found.obs[m, : found.lengths[m] + 1] for m in chosen])
        flat = {
            name: np.concatenate([getattr(found, name)[m, : found.lengths[m]] for m in chosen])
            for name in ("actions", "rewards", "terminals", "uncertainty")
        }
        data, masks, alive = self.data, None, None
        if data.num_actions:
            obs, masks, alive = self.team(states)
            actions = flat["actions"].reshape(-1, data.num_agents, data.num_actions).argmax(-1)
            if data.obs.ndim == 2:  # one agent, without an axis of its own
                obs, actions, masks = obs[:, 0], actions[:, 0], None if masks is None else masks[:, 0]
        else:
            obs, actions = states, to_env(flat["actions"], self.low, self.high).astype(np.float32)
        return Dataset(
            obs, actions, flat["rewards"].astype(np.float32), flat["terminals"],
            np.concatenate([[0], np.cumsum(lengths)]), masks, alive,
            extras={"uncertainty": flat["uncertainty"]}, num_actions=data.num_actions,
        ).check()  # fmt: skip
