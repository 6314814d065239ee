"""env=gym: any Gymnasium environment as a batch of worlds with one agent each.

Shapes: B worlds, N agents, A actions, D features.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from algos.adapters.foreign import RunningEpisodes, flat, no_snapshot, not_made, num_actions


@dataclass
class Config:
    name: str = "gym"
    id: str = "CartPole-v1"  # an id of gymnasium.make
    num_envs: int = 16  # copies that step together
    kwargs: dict[str, Any] = field(default_factory=dict)  # arguments of gymnasium.make


def make(config: dict[str, Any], num_envs: int, seed: int):
    import gymnasium

    try:
        env_id = known_id(config["id"])
        with quiet_mujoco(env_id):
            vector = gymnasium.make_vec(
                env_id,
                num_envs=num_envs,
                vectorization_mode="sync",
                vector_kwargs={"autoreset_mode": gymnasium.vector.AutoresetMode.SAME_STEP},
                **config["kwargs"],
            )
    except (gymnasium.error.Error, TypeError, ImportError) as error:
        raise not_made(config, error) from error
    return GymBatch(vector, seed)


def known_id(env_id: str) -> str:
    """The id, after what it takes for Gymnasium to know it: gymnasium-robotics does not announce itself."""
    import gymnasium as gym

    if env_id not in gym.registry and env_id.startswith(("PointMaze_", "AntMaze_")):
        with contextlib.redirect_stderr(io.StringIO()):  # it prints notes on environments that nobody asked for
            import gymnasium_robotics

            gym.register_envs(gymnasium_robotics)
    return env_id


@contextlib.contextmanager
def quiet_mujoco(env_id: str) -> Iterator[None]:
    """Keep back MuJoCo's warning of a deprecated attribute in Gymnasium's own models, once for every world made."""
    import gymnasium as gym

    spec = gym.registry.get(env_id)
    if spec is None or "mujoco" not in str(spec.entry_point) or importlib.util.find_spec("mujoco") is None:
        yield
        return
    import mujoco

    def tell(text: str) -> None:
        if "settotalmass" not in text:
            print(f"MuJoCo: {text}", flush=True)

    before = mujoco.get_mju_user_warning()
    mujoco.set_mju_user_warning(tell)
    try:
        yield
    finally:
        mujoco.set_mju_user_warning(before)


class GymBatch:
    """A Gymnasium vector environment with SAME_STEP autoreset as a batch of one-agent worlds (N = 1)."""

    def __init__(self, vector: Any, seed: int = 0):
        from gymnasium import spaces

        self.vector, self.seed = vector, seed
        self.obs_space, self.action_space = vector.single_observation_space, vector.single_action_space
        self.num_envs, self.num_agents = vector.num_envs, 1
        self.num_actions = num_actions(self.action_space, "this Gymnasium environment")
        self.obs_shape = self.state_shape = (spaces.flatdim(self.obs_space),)
        self.agent_ids, self.agent_teams = ["agent"], np.ones(1, np.int32)
        self.max_steps = (vector.spec.max_episode_steps if vector.spec else None) or 0
        self.metadata = {"shared_reward": True, "outcomes": False, "snapshot": False}
        self.obs = np.zeros((self.num_envs, 1, *self.obs_shape), np.float32)
        self.final = np.zeros_like(self.obs)
        self.episodes = RunningEpisodes(self.num_envs, 1)

    def reset(self, seed: int | None = None):
        obs, info = self.vector.reset(seed=self.seed if seed is None else seed)
        self._write(self.obs, obs)
        self.episodes = RunningEpisodes(self.num_envs, 1)
        return self.obs, self._info(info, np.zeros(self.num_envs, bool))

    def step(self, actions: np.ndarray):
        actions = actions[:, 0]
        if self.num_actions:
            actions = actions + self.action_space.start
        else:
            actions = np.clip(actions, self.action_space.low, self.action_space.high)
        obs, reward, terminated, truncated, info = self.vector.step(actions)
        self._write(self.obs, obs)
        done = terminated | truncated
        for b in np.flatnonzero(done):
            self.final[b, 0] = flat(self.obs_space, info["final_obs"][b])
        reward = reward.astype(np.float32)[:, None]
        self.episodes.add(reward, done)
        return self.obs, reward, terminated, truncated, self._info(info, done)

    def _write(self, rows: np.ndarray, obs: Any) -> None:
        """Batched observations into float32 rows [B, 1, D]."""
        from gymnasium.vector.utils import iterate

        for b, one in enumerate(iterate(self.vector.observation_space, obs)):
            rows[b, 0] = flat(self.obs_space, one)

    def _info(self, info: dict, done: np.ndarray) -> dict[str, np.ndarray]:
        final = info.get("final_info", {})
        success = np.asarray(final.get("is_success", final.get("success", np.zeros(self.num_envs))), bool)
        return {
            "final_obs": self.final,
            "final_state": self.final[:, 0],
            "alive": np.ones((self.num_envs, 1), bool),
            "success": (success & done)[:, None],
            "outcome": np.where(done, 0, -1).astype(np.int8),
            "episode_return": self.episodes.returns,
            "episode_length": self.episodes.lengths,
        }

    def state(self) -> np.ndarray:
        return self.obs[:, 0]

    def action_mask(self) -> np.ndarray:
        return np.ones((self.num_envs, 1, self.num_actions), bool)

    def close(self) -> None:
        self.vector.close()

    snapshot = no_snapshot
    restore = no_snapshot
