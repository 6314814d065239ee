"""Short episodes, recorded."""

from pathlib import Path

import numpy as np
import pytest

import mabc


def play(env, steps: int, seed: int = 0, notes: bool = False) -> list[np.ndarray]:
    """Play a mixture of bots and chance until the episode ends, at most `steps` steps: the observations."""
    rng = np.random.default_rng(seed)
    obs, _ = env.reset(seed=seed)
    seen = [obs[0].copy()]
    for t in range(steps):
        actions = env.bot_actions(("tactical", "classic")[t // 8 % 2]).copy()
        chance = rng.random(actions.shape) < 0.3
        legal = env.action_mask()[:, :, 3]
        actions = np.where(chance & legal, rng.integers(0, 10, actions.shape), actions)
        if notes and env.recorder and t != 2:
            env.recorder.note(value=np.full(env.num_agents, t / 4), probs=np.full((env.num_agents, 10), 0.1))
        obs, _, terminated, truncated, _ = env.step(actions)
        seen.append(obs[0].copy())
        if terminated[0] or truncated[0]:
            break
    return seen


@pytest.fixture
def record(tmp_path):
    """A function that plays an episode and reads it back: (replay, observations)."""

    def make(scenario, steps=24, seed=0, path: Path | None = None, notes=False, **changes):
        path = path or tmp_path / "game.mabc"
        env = mabc.make_batch(scenario, 1, record=path, **changes)
        seen = play(env, steps, seed, notes)
        env.close()
        return mabc.load_replay(path), seen

    return make
