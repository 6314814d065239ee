"""What the comparison of world models measures, on a model whose errors are known."""

from pathlib import Path

import numpy as np
import pytest
import torch

from world_models.episodes import Episodes
from world_models.scale import Scale


@pytest.fixture
def script(monkeypatch):
    """scripts/compare_world_models.py as a module."""
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "scripts"))
    import compare_world_models

    return compare_world_models


class Drifts(torch.nn.Module):
    """x' = x + a in truth; it says x + a + b, its members b apart from that. b, of the state, never changes."""

    context, members = 1, 2

    def __init__(self):
        super().__init__()
        self.scale, self.weight = Scale(2), torch.nn.Parameter(torch.zeros(1))
        self.scale.low.fill_(-1e6), self.scale.high.fill_(1e6)

    def forward(self, obs, actions):
        drift = obs[..., 1] * torch.tensor([0.0, 2.0])[:, None, None]
        change = actions[..., 0] + drift
        none = torch.zeros_like(change)
        return torch.stack([change, none, none, none - 9], -1)

    def start(self, obs, actions, lengths):
        return None

    def step(self, memory, obs, actions):
        return self.scale.read(self(obs.expand(2, 1, *obs.shape), actions.expand(2, 1, *actions.shape))[:, 0], obs)


def test_errors_grow_by_the_drift_and_are_ranked_by_it(script):
    """After t steps the state is t b off in one of two features, and the added uncertainty is in proportion."""
    E, T = 30, 60
    random = np.random.default_rng(0)
    actions = random.normal(size=(E * T, 1)).astype(np.float32)
    x = np.concatenate([np.zeros((E, 1)), actions.reshape(E, T).cumsum(1)], 1)
    b = np.linspace(0.1, 1, E)[:, None].repeat(T + 1, 1)
    rewards = np.zeros(E * T, np.float32)
    obs = np.stack([x, b], -1).reshape(-1, 2).astype(np.float32)
    episodes = Episodes(obs, actions, rewards, rewards > 0, np.arange(E + 1) * T)
    found = script.measure(Drifts(), episodes, np.arange(E * T), seed=0)
    growth = np.arange(1, script.HORIZON + 1)
    np.testing.assert_allclose(np.array(found["curve"]) / found["curve"][0], growth, rtol=1e-3)
    assert found["rmse"] == pytest.approx(np.sqrt(np.mean(growth**2)) * found["curve"][0], rel=1e-3)
    assert found["curve"][0] == pytest.approx(np.sqrt(np.mean(b[:, 0] ** 2) / 2), rel=0.05), "b is drawn evenly"
    assert found["spearman"] == pytest.approx(1, abs=0.01)
    assert found["spearman_first_step"] > 0.9, "ties aside"


def test_rank_correlation_by_hand(script):
    """1 - 6 (0 + 1 + 1 + 0) / (4 (16 - 1)), whatever the distances are."""
    x, y = np.array([1.0, 2.0, 3.0, 4.0]), np.array([-7.0, 30.0, 20.0, 1e9])
    assert script.rank_correlation(x, y) == pytest.approx(0.8)
