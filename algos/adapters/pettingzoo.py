"""env=pettingzoo: copies of any PettingZoo parallel environment as a batch.

Shapes: B worlds, N agents, A actions, D features, S state.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from algos.adapters.foreign import RunningEpisodes, flat, no_snapshot, not_made, num_actions
from algos.common.errors import BadInput


@dataclass
class Config:
    name: str = "pettingzoo"
    id: str = "mpe2.simple_spread_v3"  # a module with parallel_env()
    num_envs: int = 16  # copies that step together
    kwargs: dict[str, Any] = field(default_factory=dict)  # arguments of parallel_env, e.g. env.kwargs.N=5


def make(config: dict[str, Any], num_envs: int, seed: int):
    try:
        module = importlib.import_module(config["id"])
        if not hasattr(module, "parallel_env"):
            raise BadInput(f"env.id={config['id']}: the module has no parallel_env()")
        envs = [module.parallel_env(**config["kwargs"]) for _ in range(num_envs)]
    except ImportError as error:
        raise not_made(config, error, "It is the name of a module with parallel_env()") from error
    except TypeError as error:
        raise not_made(config, error) from error
    return ParallelBatch(envs, seed)


class ParallelBatch:
    """Copies of a PettingZoo parallel environment as a batch. Agents with smaller spaces are padded and
    masked.

    An agent that leaves is dead until its world's episode ends, which is when all have left. The episode
    counts as truncated if anybody was truncated in its last step, else as terminated.
    """

    def __init__(self, envs: list[Any], seed: int = 0):
        from gymnasium import spaces

        self.envs, self.seed = envs, seed
        first = envs[0]
        self.agent_ids = list(first.possible_agents)
        self.obs_spaces = [self._inner(first.observation_space(name)) for name in self.agent_ids]
        self.action_spaces = [first.action_space(name) for name in self.agent_ids]
        named = zip(self.agent_ids, self.action_spaces, strict=True)
        sizes = [num_actions(space, f"agent {name}") for name, space in named]
        if min(sizes) == 0 and any(space != self.action_spaces[0] for space in self.action_spaces):
            raise BadInput("agents with continuous actions must all have the same action space")
        self.sizes, self.action_space = sizes, self.action_spaces[int(np.argmax(sizes))]
        self.num_envs, self.num_agents, self.num_actions = len(envs), len(self.agent_ids), max(sizes)
        self.agent_teams = np.ones(self.num_agents, np.int32)
        self.obs_shape = (max(spaces.flatdim(space) for space in self.obs_spaces),)
        self.max_steps = 0
        self.metadata = {"shared_reward": False, "outcomes": False, "snapshot": False}
        B, N = self.num_envs, self.num_agents
        self.obs = np.zeros((B, N, *self.obs_shape), np.float32)
        self.final_obs = np.zeros_like(self.obs)
        self.mask = np.ones((B, N, self.num_actions), bool)
        self.alive = np.ones((B, N), bool)
        self.episodes = RunningEpisodes(B, N)
        self._reset_world(0, seed)
        self.state_shape = self._world_state(0).shape
        self.states = np.zeros((B, *self.state_shape), np.float32)
        self.final_states = np.zeros_like(self.states)

    @staticmethod
    def _inner(space: Any) -> Any:
        """The observation itself where an environment gives {"observation", "action_mask"}."""
        from gymnasium import spaces

        return space["observation"] if isinstance(space, spaces.Dict) and "action_mask" in space.spaces else space

    def reset(self, seed: int | None = None):
        seed = self.seed if seed is None else seed
        for b in range(self.num_envs):
            self._reset_world(b, seed + b)
            self.states[b] = self._world_state(b)
        self.episodes = RunningEpisodes(self.num_envs, self.num_agents)
        return self.obs, self._info(np.zeros(self.num_envs, bool))

    def _reset_world(self, b: int, seed: int | None = None) -> None:
        obs, info = self.envs[b].reset(seed=seed)
        self._write(b, obs, info)

    def _write(self, b: int, obs: dict, info: dict) -> None:
        """Observations, masks and who is alive of world b, from PettingZoo's dictionaries."""
        for n, name in enumerate(self.agent_ids):
            alive = name in self.envs[b].agents
            self.alive[b, n] = alive
            self.mask[b, n] = np.arange(self.num_actions) < (self.sizes[n] if alive else 1)
            self.obs[b, n] = 0
            if name not in obs:
                continue
            value, mask = obs[name], info.get(name, {}).get("action_mask")
            if isinstance(value, dict) and "action_mask" in value:
                value, mask = value["observation"], value["action_mask"]
            row = flat(self.obs_spaces[n], value)
            self.obs[b, n, : len(row)] = row
            if alive and mask is not None:
                self.mask[b, n, : self.sizes[n]] = np.asarray(mask, bool)

    def _world_state(self, b: int) -> np.ndarray:
        """The environment's own state() if it has one, else all observations side by side."""
        try:
            return np.asarray(self.envs[b].state(), np.float32).ravel()
        except (NotImplementedError, AttributeError):
            return self.obs[b].reshape(-1).copy()

    def step(self, actions: np.ndarray):
        B, N = self.num_envs, self.num_agents
        reward = np.zeros((B, N), np.float32)
        terminated, truncated = np.zeros(B, bool), np.zeros(B, bool)
        for b, env in enumerate(self.envs):
            present = [(n, name) for n, name in enumerate(self.agent_ids) if name in env.agents]
            chosen = {name: self._action(n, actions[b, n]) for n, name in present}
            obs, rewards, _, cut, info = env.step(chosen)
            reward[b] = [rewards.get(name, 0.0) for name in self.agent_ids]
            self._write(b, obs, info)
            if not env.agents:
                truncated[b] = any(cut.values())
                terminated[b] = not truncated[b]
                self.final_obs[b], self.final_states[b] = self.obs[b], self._world_state(b)
                self._reset_world(b)
            self.states[b] = self._world_state(b)
        done = terminated | truncated
        self.episodes.add(reward, done)
        return self.obs, reward, terminated, truncated, self._info(done)

    def _action(self, n: int, action: np.ndarray) -> Any:
        space = self.action_spaces[n]
        if self.num_actions:
            return int(action) + int(space.start)
        return np.clip(action, space.low, space.high).astype(space.dtype)

    def _info(self, done: np.ndarray) -> dict[str, np.ndarray]:
        return {
            "final_obs": self.final_obs,
            "final_state": self.final_states,
            "alive": self.alive,
            "success": np.zeros((self.num_envs, self.num_agents), bool),
            "outcome": np.where(done, 0, -1).astype(np.int8),
            "episode_return": self.episodes.returns,
            "episode_length": self.episodes.lengths,
        }

    def state(self) -> np.ndarray:
        return self.states

    def action_mask(self) -> np.ndarray:
        return self.mask

    def close(self) -> None:
        for env in self.envs:
            env.close()

    snapshot = no_snapshot
    restore = no_snapshot
