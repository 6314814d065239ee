"""Stable-Baselines3: a batch as its `VecEnv`, one row for each agent of each world."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecEnv

from ..api.batched import BatchedEnv


class TankVecEnv(VecEnv):
    """B worlds of N agents as B * N rows that share one policy; row b * N + n is agent n of world b.

    All rows of a world end together; `infos` then hold terminal_observation, TimeLimit.truncated, is_success and the
    episode statistics that Monitor gives. A dead agent's row goes on with its team's reward; only action 0 is
    legal for it then. Legal actions: env_method("action_masks"), where sb3-contrib's MaskablePPO asks.
    Observations must be arrays: obs="vector", "planes" or "rgb".
    """

    def __init__(self, batch: BatchedEnv, render_mode: str | None = None) -> None:
        if batch.obs_space.shape is None:
            raise ValueError(f'obs={batch.obs_name!r} is no array: make the batch with obs="vector", "planes" or "rgb"')
        self.batch, self._render_mode = batch, render_mode
        self._start = time.time()
        self._actions: Any = None
        super().__init__(batch.num_envs * batch.num_agents, batch.obs_space, batch.action_space)

    def reset(self) -> np.ndarray:
        """Observations [B * N, ...]; uses the seed that seed() was given, once."""
        obs, _ = self.batch.reset(seed=self._seeds[0])
        self._reset_seeds()
        self.reset_infos = [{} for _ in range(self.num_envs)]
        return self._rows(obs)

    def step_async(self, actions: np.ndarray) -> None:
        """Keep the actions, int [B * N], for step_wait()."""
        self._actions = np.asarray(actions).reshape(self.batch.num_envs, self.batch.num_agents)

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict]]:
        """obs [B * N, ...], reward float32 [B * N], done bool [B * N], infos."""
        obs, reward, terminated, truncated, info = self.batch.step(self._actions)
        done = terminated | truncated
        infos: list[dict] = [{} for _ in range(self.num_envs)]
        for b in np.flatnonzero(done):
            self._tell_end(infos, int(b), info, bool(truncated[b]))
        return self._rows(obs), reward.reshape(-1).copy(), done.repeat(self.batch.num_agents), infos

    def _tell_end(self, infos: list[dict], b: int, info: dict[str, Any], truncated: bool) -> None:
        seconds = round(time.time() - self._start, 6)
        for n in range(self.batch.num_agents):
            infos[b * self.batch.num_agents + n] = {
                "terminal_observation": info["final_obs"][b, n].copy(),
                "TimeLimit.truncated": truncated,
                "is_success": bool(info["success"][b, n]),
                "episode": {
                    "r": float(info["episode_return"][b, n]),
                    "l": int(info["episode_length"][b]),
                    "t": seconds,
                },
            }

    def _rows(self, obs: np.ndarray) -> np.ndarray:
        return obs.reshape(self.num_envs, *obs.shape[2:]).copy()

    def action_masks(self) -> np.ndarray:
        """Legal actions of all rows, bool [B * N, A]."""
        return self.batch.action_mask().reshape(self.num_envs, -1).copy()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """One value for each row; action_masks is there for libraries that look whether masks are supported."""
        if attr_name == "render_mode":
            value: Any = self._render_mode
        elif attr_name == "action_masks":
            value = self.action_masks
        else:
            value = getattr(self.batch, attr_name)
        return [value for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Not possible: rows share their worlds."""
        raise AttributeError(f"{attr_name!r} cannot be set by row: give it to mabc.make_batch")

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        """action_masks only: rows are no environments of their own."""
        if method_name != "action_masks":
            raise AttributeError(f"rows have no method {method_name!r}, only 'action_masks'")
        masks = self.action_masks()
        return [masks[row] for row in self._get_indices(indices)]

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """True for Monitor, because infos hold what it would add."""
        return [wrapper_class is Monitor for _ in self._get_indices(indices)]

    def get_images(self) -> Sequence[np.ndarray | None]:
        """A picture of each world."""
        from ..render import draw_world

        return [draw_world(self.batch, b) for b in range(self.batch.num_envs)]

    def close(self) -> None:
        """Stop the batch's threads."""
        self.batch.close()
