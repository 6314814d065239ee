"""Mabc's worlds as rows for SB3's masked PPO, and a rollout buffer that treats dead agents as algos/online/ppo.py does.

Row b * N + n is agent n of world b. Legend: T time, B worlds, N agents, A actions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import supersuit
import torch
from sb3_contrib.common.maskable.buffers import MaskableRolloutBuffer, MaskableRolloutBufferSamples
from supersuit.vector.sb3_vector_wrapper import SB3VecEnvWrapper

import mabc
from mabc.interop.sb3 import TankVecEnv


class Rows(SB3VecEnvWrapper):
    """SuperSuit's rows for SB3, with what it drops: seeds, legal actions, who lives, and where time ran out."""

    def __init__(self, venv: Any):
        super().__init__(venv)
        self.start: int | None = None
        self.masks = np.ones((self.num_envs, self.action_space.n), np.int8)
        self.alive = np.ones(self.num_envs, bool)

    def seed(self, seed: int | None = None) -> list[int | None]:
        """Seed of the next reset; world b gets seed + b."""
        self.start = seed
        return [seed] * self.num_envs

    def reset(self, seed: int | None = None, options: dict | None = None) -> np.ndarray:
        obs, self.reset_infos = self.venv.reset(seed=self.start if seed is None else seed)
        self.start = None
        self.note(self.reset_infos)
        return obs

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict]]:
        obs, rewards, terminated, truncated, infos = self.venv.step_wait()
        for row in np.flatnonzero(truncated):
            infos[row]["TimeLimit.truncated"] = not terminated[row]
        self.note(infos)
        return obs, rewards, (terminated | truncated).astype(bool), infos

    def note(self, infos: list[dict]) -> None:
        """Keep masks and lives; after an episode's end they are already those of the next one."""
        self.masks = np.stack([info["action_mask"] for info in infos])
        self.alive = np.array([info["alive"] for info in infos])

    def has_attr(self, attr_name: str) -> bool:
        return attr_name == "action_masks" or super().has_attr(attr_name)

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        """action_masks only, as MaskablePPO asks for it."""
        if method_name != "action_masks":
            raise AttributeError(method_name)
        return list(self.masks)


class DirectRows(TankVecEnv):
    """Ours, saying who lives."""

    def __init__(self, batch: mabc.BatchedEnv):
        super().__init__(batch)
        self.alive = np.ones(self.num_envs, bool)
        self.step_batch = batch.step
        batch.step = self.watched  # type: ignore[method-assign]

    def watched(self, actions: np.ndarray) -> tuple:
        """The batch's step; keeps what TankVecEnv does not pass on."""
        told = self.step_batch(actions)
        self.alive = told[-1]["alive"].reshape(-1).copy()
        return told


def supersuit_rows(scenario: str, worlds: int, opponent: str) -> Rows:
    """Copies of the PettingZoo parallel environment, joined by SuperSuit, in this process."""
    env = supersuit.pettingzoo_env_to_vec_env_v1(mabc.parallel_env(scenario, opponents=opponent))
    return Rows(supersuit.concat_vec_envs_v1(env, worlds))


def direct_rows(scenario: str, worlds: int, opponent: str) -> DirectRows:
    """One batch."""
    return DirectRows(mabc.make_batch(scenario, worlds, opponents=opponent))


class LivingRows(MaskableRolloutBuffer):
    """A rollout of which only the living learn, in a fixed number of minibatches, as in algos/online/ppo.py.

    rows: the environment, whose `alive` is noted with every step. agents: N, rows of a world, all of one team.
    """

    def __init__(self, *args: Any, rows: Any, agents: int, minibatches: int, **kwargs: Any):
        self.rows, self.agents, self.minibatches = rows, agents, minibatches
        super().__init__(*args, **kwargs)

    def reset(self) -> None:
        self.alive = np.ones((self.buffer_size + 1, self.n_envs), bool)  # row t: before step t
        self.alive[0] = self.rows.alive
        super().reset()

    def add(self, *args: Any, **kwargs: Any) -> None:
        super().add(*args, **kwargs)
        self.alive[self.pos] = self.rows.alive  # the environment has made step pos - 1

    def compute_returns_and_advantage(self, last_values: torch.Tensor, dones: np.ndarray) -> None:
        """GAE after the dead got the mean value of their living team mates, as `team_values` has it."""
        self.values = self.team_values(self.values, self.alive[:-1])
        last = self.team_values(last_values.cpu().numpy().reshape(1, -1), self.alive[-1:])
        super().compute_returns_and_advantage(torch.from_numpy(last).reshape(last_values.shape), dones)

    def team_values(self, values: np.ndarray, alive: np.ndarray) -> np.ndarray:
        """Values [T, B * N], those of the dead replaced where a team mate lives."""
        from algos.common.returns import team_values

        shape = (len(values), -1, self.agents)
        return team_values(values.reshape(shape), alive.reshape(shape), np.ones(self.agents)).reshape(values.shape)

    def get(self, batch_size: int | None = None) -> Iterator[MaskableRolloutBufferSamples]:
        """Minibatches of living rows; their number is fixed, `batch_size` is not used."""
        if not self.generator_ready:
            self.living = np.flatnonzero(self.swap_and_flatten(self.alive[:-1]))
            for name in ("observations", "actions", "values", "log_probs", "advantages", "returns", "action_masks"):
                setattr(self, name, self.swap_and_flatten(getattr(self, name)))
            self.generator_ready = True
        order = np.random.permutation(self.living)  # noqa: NPY002 - SB3 seeds this stream
        for part in np.array_split(order, self.minibatches):
            yield self._get_samples(part)
