"""Small datasets with known answers, for tests of offline algorithms."""

import numpy as np

from algos.data.dataset import Dataset


class Space:
    """The part of an environment that an offline learner reads."""

    def __init__(self, num_actions=0, num_agents=1, low=-1.0, high=1.0, dims=1):
        from gymnasium import spaces

        self.num_actions, self.num_agents = num_actions, num_agents
        if num_actions:
            self.action_space = spaces.Discrete(num_actions)
        else:
            self.action_space = spaces.Box(np.float32(low), np.float32(high), (dims,), np.float32)


def reach(steps=2000, seed=0):
    """Episodes of one step in which -(action - observation)^2 is earned; actions are uniform in -1..1."""
    random = np.random.default_rng(seed)
    obs = np.repeat(random.uniform(-0.8, 0.8, (steps, 1)), 2, 0).astype(np.float32)
    actions = random.uniform(-1, 1, (steps, 1)).astype(np.float32)
    rewards = -np.square(actions - obs[::2])[:, 0]
    return Dataset(obs, actions, rewards, np.ones(steps, bool), np.arange(steps + 1)).check()


def for_ever(terminal, steps=200, discrete=0):
    """One state, reward 1 a step, episodes of one step that end the task or are only cut off."""
    random = np.random.default_rng(0)
    actions = random.integers(discrete, size=steps) if discrete else random.uniform(-1, 1, (steps, 1))
    return Dataset(
        np.ones((2 * steps, 1), np.float32), actions.astype(np.int64 if discrete else np.float32),
        np.ones(steps, np.float32), np.full(steps, terminal), np.arange(steps + 1), num_actions=discrete,
    ).check()  # fmt: skip


def team(episodes=300, length=6, agents=3, actions=4, death=0.1, seed=0):
    """Random play of the `match` game in tests/toy_env.py, as a dataset of a team."""
    from tests.toy_env import make

    env = make(episodes, seed, num_agents=agents, num_actions=actions, length=length, death=death)
    random = np.random.default_rng(seed)
    obs, info = env.reset()
    seen, masks, alive = [obs.copy()], [env.action_mask()], [info["alive"].copy()]
    done, rewards = [], []
    for _ in range(length):
        chosen = np.where(masks[-1], random.random(masks[-1].shape), -1).argmax(-1)
        obs, reward, terminated, _, info = env.step(chosen)
        last = len(done) == length - 1
        seen.append((info["final_obs"] if last else obs).copy())
        masks.append(env.action_mask())
        alive.append(info["alive"].copy())
        done.append(chosen)
        rewards.append(reward[:, 0].copy())
    stack = {name: np.stack(rows, 1) for name, rows in {"seen": seen, "masks": masks, "alive": alive}.items()}
    terminals = np.zeros((episodes, length), bool)
    terminals[:, -1] = True
    return Dataset(
        stack["seen"].reshape(-1, agents, actions + 1), np.stack(done, 1).reshape(-1, agents),
        np.stack(rewards, 1).reshape(-1), terminals.reshape(-1), np.arange(episodes + 1) * length,
        masks=stack["masks"].reshape(-1, agents, actions), alive=stack["alive"].reshape(-1, agents),
        num_actions=actions,
    ).check()  # fmt: skip
