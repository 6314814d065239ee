"""Small worlds that a model of the world can be held against."""

import numpy as np
import pytest

from world_models.episodes import Episodes


@pytest.fixture(autouse=True)
def alone(one_thread):
    """All tests of this folder run with one thread."""


class LinearWorld:
    """s' = s A + a B, reward s'[0], over when s'[1] > 1.5; feature 3 never varies, feature 4 is a flag."""

    A = np.array([[0.9, 0.3, 0.0], [-0.3, 0.9, 0.0], [0.1, 0.0, 0.8]], np.float32)
    B = np.array([[0.3, 0.0, 0.2], [0.0, 0.3, -0.2]], np.float32)
    obs_size, action_size = 5, 2

    def next(self, obs, actions):
        moved = obs[..., :3] @ self.A + actions @ self.B
        flag = (moved[..., :1] > 0).astype(np.float32)
        return np.concatenate([moved, np.full_like(flag, 7.0), flag], -1)

    def episodes(self, count=60, longest=40, seed=0):
        random = np.random.default_rng(seed)
        obs, actions, rewards, terminals, starts = [], [], [], [], [0]
        for _ in range(count):
            now = self.next(random.normal(size=5).astype(np.float32) * 0.5, np.zeros(2, np.float32))
            obs.append(now)
            for _ in range(random.integers(3, longest)):
                actions.append(random.uniform(-1, 1, 2).astype(np.float32))
                now = self.next(now, actions[-1])
                obs.append(now)
                rewards.append(now[0])
                terminals.append(now[1] > 1.5)
                if terminals[-1]:
                    break
            starts.append(len(rewards))
        return Episodes(
            np.array(obs), np.array(actions), np.array(rewards, np.float32), np.array(terminals), np.array(starts)
        )


@pytest.fixture(scope="session")
def world():
    return LinearWorld()


@pytest.fixture(scope="session")
def recorded(world):
    return world.episodes()
