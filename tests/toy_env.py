"""Small batched environments with known answers, for tests of algorithms: `make` builds one by kind.

match   every agent sees which action is right: an algorithm that loses its signal anywhere stays at chance
memory  the right action is shown in the first step only and asked for in the last: needs a memory
Optionally agents die at random (`death`), episodes end by truncation (`cut`), and agents belong to several `teams`.
"""

import numpy as np

from algos.common.protocol import BatchedEnv


class ToyEnv:
    def __init__(
        self,
        num_envs,
        seed=0,
        kind="match",
        num_agents=3,
        num_actions=4,
        length=6,
        death=0.0,
        cut=False,
        teams=None,
    ):
        from gymnasium import spaces

        self.num_envs, self.num_agents, self.num_actions = num_envs, num_agents, num_actions
        self.kind, self.max_steps, self.death, self.cut, self.seed = kind, length, death, cut, seed
        self.action_space = spaces.Discrete(num_actions)
        self.obs_shape, self.state_shape = (num_actions + 1,), (num_agents,)
        self.agent_ids = [f"agent_{n}" for n in range(num_agents)]
        self.agent_teams = np.ones(num_agents, int) if teams is None else np.asarray(teams)
        self.metadata = {"rules_version": 1}
        B, N = num_envs, num_agents
        self.obs = np.zeros((B, N, num_actions + 1), np.float32)
        self.final_obs, self.final_state = np.zeros_like(self.obs), np.zeros((B, N), np.float32)
        self.arrays = {
            "wanted": np.zeros((B, N), np.int64),
            "alive": np.ones((B, N), bool),
            "step": np.zeros(B, np.int32),
            "gained": np.zeros((B, N), np.float32),
        }
        self.draws = 0

    def _random(self, *shape):
        self.draws += 1
        return np.random.default_rng([self.seed, self.draws]).random(shape)

    def reset(self, seed=None):
        self.seed, self.draws = self.seed if seed is None else seed, 0
        self._begin(np.ones(self.num_envs, bool))
        self._observe()
        return self.obs, self._info(np.zeros(self.num_envs, bool))

    def _begin(self, which):
        wanted = (self._random(self.num_envs, self.num_agents) * self.num_actions).astype(np.int64)
        self.arrays["wanted"][which] = wanted[which]
        self.arrays["alive"][which], self.arrays["step"][which], self.arrays["gained"][which] = True, 0, 0

    def _observe(self):
        a = self.arrays
        shown = a["alive"] & (True if self.kind == "match" else a["step"][:, None] == 0)
        self.obs[..., :-1] = np.eye(self.num_actions)[a["wanted"]] * shown[..., None]
        self.obs[..., -1] = a["step"][:, None] == self.max_steps - 1

    def step(self, actions):
        a = self.arrays
        ended_before = a["step"] == 0
        a["gained"][ended_before] = 0
        right = (actions == a["wanted"]) & a["alive"]
        a["step"] += 1
        done = a["step"] == self.max_steps
        counts = np.ones(self.num_envs, bool) if self.kind == "match" else done
        share = 1 / self.max_steps if self.kind == "match" else 1.0
        reward = np.repeat(((right.mean(-1) * share) * counts)[:, None], self.num_agents, 1).astype(np.float32)
        a["gained"] += reward
        a["alive"] &= self._random(self.num_envs, self.num_agents) >= self.death
        if self.kind == "match":
            self.arrays["wanted"] = (self._random(self.num_envs, self.num_agents) * self.num_actions).astype(np.int64)
        self._observe()
        self.final_obs[:], self.final_state[:] = self.obs, a["wanted"]
        info = self._info(done)
        self._begin(done)
        info["alive"] = a["alive"]
        self._observe()
        return self.obs, reward, done & (not self.cut), done & self.cut, info

    def _info(self, done):
        a = self.arrays
        success = (a["gained"] > 0.99) & done[:, None]
        return {
            "final_obs": self.final_obs,
            "final_state": self.final_state,
            "alive": a["alive"],
            "success": success,
            "outcome": np.where(done, np.where(success[:, 0], 1, 2), -1).astype(np.int8),
            "episode_return": a["gained"].copy(),
            "episode_length": a["step"].copy(),
        }

    def state(self):
        return self.arrays["wanted"].astype(np.float32)

    def action_mask(self):
        mask = np.ones((self.num_envs, self.num_agents, self.num_actions), bool)
        mask[..., 1:] = self.arrays["alive"][..., None]
        return mask

    def snapshot(self):
        return {
            **{name: array.copy() for name, array in self.arrays.items()},
            "seed": self.seed,
            "draws": self.draws,
        }

    def restore(self, snapshot):
        self.arrays = {name: snapshot[name].copy() for name in self.arrays}
        self.seed, self.draws = snapshot["seed"], snapshot["draws"]
        self._observe()

    def close(self):
        pass


def make(num_envs, seed=0, **kwargs) -> BatchedEnv:
    return ToyEnv(num_envs, seed, **kwargs)
