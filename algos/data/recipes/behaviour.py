"""Policies that recorded episodes are made by: the snapshots of a training run, as plain NumPy.

Shapes: B worlds, D features, k action dimensions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from algos.common import checkpoint

FOLDER = Path(__file__).parent / "behaviour"
SNAPSHOTS = 24  # of one training run


class Behaviour:
    """A Gaussian policy with two tanh layers, as PPO trained it; clipped to the action's bounds by the caller."""

    def __init__(self, weights: dict[str, np.ndarray]):
        self.weights = weights

    def __call__(self, obs: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Actions float32 [B, k] for observations [B, D]; `random` gives the exploration noise."""
        w = self.weights
        x = np.clip((obs.astype(np.float32) - w["obs_mean"]) / w["obs_std"], -10, 10)
        for layer in (0, 1):
            x = np.tanh(x @ w[f"weight{layer}"] + w[f"bias{layer}"])
        mean = x @ w["weight2"] + w["bias2"]
        return mean + w["std"] * random.standard_normal(mean.shape, np.float32)


def load_snapshots(task: str) -> dict[str, Any]:
    """{"env": id, "snapshots": [{"step", "return", "weights"}, …], "made": …} of hopper, halfcheetah or walker2d."""
    return checkpoint.load(FOLDER / f"{task}{checkpoint.SUFFIX}")


def rollout_returns(policy: Any, env_id: str, episodes: int, seed: int) -> np.ndarray:
    """Returns float64 [episodes] of a policy, each episode in a world of its own."""
    import gymnasium as gym

    envs = gym.make_vec(env_id, num_envs=episodes, vectorization_mode="sync")
    random = np.random.default_rng(seed)
    space: Any = envs.single_action_space
    low, high = space.low, space.high
    obs, _ = envs.reset(seed=seed)
    total, running = np.zeros(episodes), np.ones(episodes, bool)
    while running.any():
        obs, reward, terminated, truncated, _ = envs.step(np.clip(policy(obs, random), low, high))
        total += reward * running
        running &= ~(terminated | truncated)
    envs.close()
    return total
