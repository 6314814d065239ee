"""Generated trajectories and the World Evaluator that rates them."""

import math

import numpy as np
import pytest
import torch

from world_models.episodes import Episodes, ahead, context
from world_models.evaluator import WorldEvaluator
from world_models.fit import FitConfig, fit
from world_models.rollout import data_bounds, generate
from world_models.scale import Prediction, Scale
from world_models.store import make_model


class Exact:
    """A test double with a model's interface, that knows the world; `apart` puts its members that far apart."""

    context, members = 3, 3

    def __init__(self, world, apart=None):
        self.world, self.apart = world, apart

    def start(self, obs, actions, lengths):
        return {"t": 0}

    def step(self, memory, obs, actions):
        after = torch.as_tensor(self.world.next(obs.numpy(), actions.numpy()))
        apart = torch.zeros(len(obs)) if self.apart is None else self.apart[:, memory["t"]]
        memory["t"] += 1
        shift = torch.tensor([-1.0, 0.0, 1.0])[:, None, None] * apart[:, None]
        ended = (after[:, 1] > 1.5).float()
        return Prediction(after + shift, after[:, 0].expand(3, -1), ended.expand(3, -1))


def evaluator(threshold=math.inf):
    return WorldEvaluator(torch.ones(5), 1.0, threshold)


@pytest.mark.parametrize("correction", ["none", "cut", "drop", "penalise"])
def test_logged_actions_without_noise_give_back_the_episodes(world, recorded, correction):
    """OTTO's trap: exact model, logged actions: the originals, and nothing is rejected."""
    steps = recorded.starts[:-1]
    obs, actions, left = ahead(recorded, steps, 40)
    made = generate(
        Exact(world), evaluator(0.0), *context(recorded, steps, 3), lambda t, now: actions[:, t], 40, correction
    )
    ends = np.array([recorded.terminals[start : start + n].any() for start, n in zip(steps, left, strict=True)])
    assert ends.any()
    np.testing.assert_array_equal(made.lengths[ends], left[ends])
    assert (made.lengths >= left).all()
    assert (made.uncertainty == 0).all()
    for m, n in enumerate(left):
        np.testing.assert_array_equal(made.obs[m, : n + 1], obs[m, : n + 1])
        np.testing.assert_array_equal(made.actions[m, :n], actions[m, :n])
        np.testing.assert_array_equal(made.rewards[m, :n], recorded.rewards[steps[m] : steps[m] + n])
        np.testing.assert_array_equal(made.terminals[m, :n], recorded.terminals[steps[m] : steps[m] + n])


def roll(world, correction, apart, **more):
    """Three short trajectories from rest, without actions: they stay at rest."""
    obs = np.zeros((3, 1, 5), np.float32)
    args = (obs, np.zeros((3, 0, 2), np.float32), np.ones(3, np.int64))
    still = torch.zeros(3, 2)
    return generate(Exact(world, apart), evaluator(0.25), *args, lambda t, now: still, 4, correction, **more)


def test_corrections_by_hand(world):
    # members -a, 0, a in each of five features: distance |a|. Threshold 0.25
    apart = torch.tensor([[0.1, 0.1, 0.3, 0.1], [0.1, 0.2, 0.1, 0.1], [0.5, 0.0, 0.0, 0.0]])
    made = roll(world, "none", apart)
    np.testing.assert_allclose(made.uncertainty, apart, atol=1e-6)
    assert made.lengths.tolist() == [4, 4, 4]
    assert (made.rewards == 0).all()
    assert roll(world, "cut", apart).lengths.tolist() == [2, 4, 0]
    assert roll(world, "drop", apart).lengths.tolist() == [0, 4, 0]
    penalised = roll(world, "penalise", apart, penalty=2.0)
    assert penalised.lengths.tolist() == [4, 4, 4]
    np.testing.assert_allclose(penalised.rewards, -2 * apart, atol=1e-6)
    with pytest.raises(ValueError, match="penalise"):
        roll(world, "mend", apart)


def test_doubts_behind_the_end_do_not_drop(world):
    """What is generated after a predicted end does not count, whatever its rating."""
    obs = np.zeros((1, 1, 5), np.float32)
    obs[..., 1] = 3.0  # next: 2.7, over 1.5, so the first step ends it
    apart = torch.tensor([[0.0, 9.0]])
    args = (obs, np.zeros((1, 0, 2), np.float32), np.ones(1, np.int64))
    for correction in ("cut", "drop"):
        made = generate(Exact(world, apart), evaluator(0.25), *args, lambda t, now: torch.zeros(1, 2), 2, correction)
        assert made.lengths.tolist() == [1]
        assert made.terminals[0, 0]


def test_ends_are_drawn_from_their_probability(world):
    """Members that give the end 0.2, 0.3 and 0.4: it comes where the number drawn is below 0.3, else never."""

    class Unsure(Exact):
        def step(self, memory, obs, actions):
            found = super().step(memory, obs, actions)
            found.terminal = torch.tensor([0.2, 0.3, 0.4])[:, None].expand(3, len(obs))
            return found

    args = (np.zeros((3, 1, 5), np.float32), np.zeros((3, 0, 2), np.float32), np.ones(3, np.int64))
    drawn = iter(np.array([[0.9, 0.25, 0.9], [0.35, 0.0, 0.29]]))
    made = generate(Unsure(world), evaluator(), *args, lambda t, now: torch.zeros(3, 2), 2, chance=lambda: next(drawn))
    assert made.lengths.tolist() == [2, 1, 2]
    assert made.terminals[range(3), made.lengths - 1].tolist() == [False, True, True]
    made = generate(Unsure(world), evaluator(), *args, lambda t, now: torch.zeros(3, 2), 2)
    assert not made.terminals.any()


def test_bounds_hold_states(world):
    obs = np.ones((1, 1, 5), np.float32)
    args = (obs, np.zeros((1, 0, 2), np.float32), np.ones(1, np.int64))
    high = torch.full((5,), 0.5)
    made = generate(Exact(world), evaluator(), *args, lambda t, now: torch.ones(1, 2), 3, bounds=(-high, high))
    assert made.obs[:, 1:].max() == 0.5
    scale = Scale(2)
    scale.low, scale.high = torch.tensor([0.0, -1.0]), torch.tensor([1.0, 1.0])
    low, high = data_bounds(scale, 0.1)
    torch.testing.assert_close(low, torch.tensor([-0.1, -1.2]))
    torch.testing.assert_close(high, torch.tensor([1.1, 1.2]))


def test_uncertainty_by_hand():
    # three members, one row, two features of deviation 1 and 2, all at 0 but for the last member at 3 and 12: the mean
    # is 1 and 4, the last is 2 and 4 deviations away, root mean square sqrt(10), the others half of that. Rewards 0, 0
    # and 6: deviation sqrt(8), in units of 2: sqrt(2)
    rated = WorldEvaluator(torch.tensor([1.0, 2.0]), 2.0)
    obs = torch.tensor([[[0.0, 0.0]], [[0.0, 0.0]], [[3.0, 12.0]]])
    found = rated.uncertainty(Prediction(obs, torch.tensor([[0.0], [0.0], [6.0]]), torch.zeros(3, 1)))
    assert found.tolist() == pytest.approx([math.sqrt(10) + math.sqrt(2)])


def test_threshold_is_the_quantile_on_given_steps():
    """With a model whose members disagree by exactly what the state says, the threshold is known."""

    class Apart(torch.nn.Module):
        context, members = 1, 2

        def __init__(self):
            super().__init__()
            self.scale, self.weight = Scale(1), torch.nn.Parameter(torch.zeros(1))

        def forward(self, states, actions):
            sign = torch.tensor([-1.0, 1.0])[:, None, None, None]
            return torch.cat([states * sign, torch.zeros(*states.shape[:3], 2)], -1)

    obs = np.arange(102, dtype=np.float32)[:, None]
    none = np.zeros(101, np.float32)
    line = Episodes(obs, none[:, None], none, none > 0, np.array([0, 101]))
    found = WorldEvaluator.fit(Apart(), line, np.arange(101), quantile=0.9)
    assert found.threshold == pytest.approx(90)


def test_skill_by_hand():
    """Changes 1, 3 and 5 foretold as their mean: no skill. Foretold as they are, the reward decides: 1 - 5 / 24."""

    class Says(torch.nn.Module):
        context, members = 1, 2

        def __init__(self, change, reward):
            super().__init__()
            self.scale, self.weight = Scale(1), torch.nn.Parameter(torch.zeros(1))
            self.said = torch.stack([change, reward, torch.zeros(3)], -1)

        def forward(self, states, actions):
            apart = torch.tensor([-1.0, 1.0])[:, None, None, None]  # the members' mean counts
            return self.said[states[..., 0].long() - 1] + apart

    true = torch.tensor([1.0, 3.0, 5.0])
    rewards, none = np.array([0, 6, 0], np.float32), np.zeros(3, np.float32)
    said = torch.tensor([1.0, 4.0, 0.0])  # off by 1, 2 and 0: a mean square of 5 / 3, of a variance of 8
    # three episodes of one step, from 1, 2 and 3 on
    obs = np.array([1, 2, 2, 5, 3, 8], np.float32)[:, None]
    steps = Episodes(obs, none[:, None], rewards, none > 0, np.arange(4))
    for change, reward, skill in (
        (true, torch.as_tensor(rewards), 1),
        (true, said, 1 - 5 / 24),
        (torch.full((3,), 3.0), said, 0),
        (-true, said, 0),
    ):
        found = WorldEvaluator.fit(Says(change, reward), steps, np.arange(3))
        assert found.skill == pytest.approx(skill, abs=1e-6)
    steps = Episodes(obs, none[:, None], none, none > 0, np.arange(4))
    assert WorldEvaluator.fit(Says(true, torch.ones(3)), steps, np.arange(3)).skill == 1, "nothing to foretell"


@pytest.mark.parametrize("kind", ["mlp", "transformer"])
def test_a_trained_model_doubts_what_it_never_saw(recorded, kind):
    model = make_model(kind, 5, 2, members=4, width=32, layers=2)
    result = fit(model, recorded, FitConfig(updates=60, batch_steps=256, checks=1))
    rated = WorldEvaluator.fit(model, recorded, result["held_out"])
    steps = result["held_out"]
    args = context(recorded, steps, model.context)
    actions = torch.as_tensor(recorded.actions[steps])
    seen = generate(model, rated, *args, lambda t, now: actions, 1, "none").uncertainty
    wild = generate(model, rated, *args, lambda t, now: actions + 20, 1, "none").uncertainty
    assert (seen <= rated.threshold).mean() > 0.9
    assert (wild > rated.threshold).mean() > 0.9
