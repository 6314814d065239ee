"""Training: what it may read, what it learns, and that it can be repeated."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from world_models.episodes import Episodes, ahead, context
from world_models.evaluator import WorldEvaluator
from world_models.fit import FitConfig, _Data, disturb, fit, held_out_losses, one_step, window_losses
from world_models.stacked import clip_each
from world_models.store import make_model

KINDS = {"mlp": {"width": 32, "layers": 2}, "transformer": {"width": 32, "layers": 2, "heads": 2, "context": 5}}
QUICK = FitConfig(updates=20, batch_steps=256, checks=2)


def small(kind, members=2, **config):
    return make_model(kind, 5, 2, members=members, **(KINDS[kind] | config))


def weights(model):
    return torch.cat([param.detach().flatten() for param in model.parameters()])


def test_windows_never_leave_their_episode(recorded):
    """Every row of a window is of one episode, and every step leads to the row that really followed."""
    marked = replace(recorded, obs=np.arange(len(recorded.obs), dtype=np.float32)[:, None].repeat(5, 1))
    data = _Data(marked, torch.device("cpu"))
    pool = torch.arange(len(recorded.rewards))
    L = 9
    obs, next_obs, actions, rewards, _, weight, known = data.draw(pool, 2, 2000, L, torch.Generator().manual_seed(0))
    row_episode = np.repeat(np.arange(len(recorded.starts) - 1), np.diff(recorded.starts) + 1)
    rows, next_rows = obs[..., 0].long().numpy(), next_obs[..., 0].long().numpy()
    episode = row_episode[rows]
    assert (episode == episode[..., :1]).all()
    real = weight.numpy() > 0
    assert (next_rows - rows == 1).all()
    assert (np.diff(rows, axis=-1)[real[..., 1:]] == 1).all()
    assert (row_episode[next_rows] == episode).all()
    steps = rows - episode
    np.testing.assert_array_equal(actions.numpy(), recorded.actions[steps])
    np.testing.assert_array_equal(rewards.numpy(), recorded.rewards[steps])
    assert real[..., 0].all()
    lengths = np.diff(recorded.starts)[episode[..., 0]]
    np.testing.assert_array_equal(real.sum(-1), np.minimum(lengths, L))
    assert set(steps[real].ravel()) == set(range(len(recorded.rewards))), "every step is learned from"
    assert known.all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("poison", [np.nan, 1e30])
def test_rows_that_were_not_seen_are_not_learned_from(recorded, kind, poison):
    """The row behind a cut-off episode may hold anything: scale, loss and weights are the same."""
    known = np.ones(len(recorded.rewards), bool)
    cut = recorded.starts[1:][::2] - 1
    known[cut] = False
    found = []
    for filling in (0.0, poison):
        obs = recorded.obs.copy()
        obs[cut + recorded.episode[cut] + 1] = filling
        model = small(kind)
        result = fit(model, replace(recorded, obs=obs, next_known=known), QUICK)
        found.append((weights(model), model.scale.obs_std.clone(), result["history"][-1]["change"]))
    assert torch.isfinite(found[0][0]).all()
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])
    assert found[0][2] == found[1][2]


def test_the_reward_and_the_end_are_learned_where_the_next_row_was_not_seen():
    """Files without next observations: what is earned in an episode's last step, and that it is the last, are known.

    The state counts the steps; an episode is over after the third, and only that one earns something.
    """
    E = 40
    obs = np.tile(np.array([0, 1, 2, 2], np.float32), E)[:, None]  # the last row only fills
    last = np.tile([False, False, True], E)
    starts, none = np.arange(0, 3 * E + 1, 3), np.zeros((3 * E, 1), np.float32)
    episodes = Episodes(obs, none, last.astype(np.float32), last, starts, ~last)
    model = make_model("mlp", 1, 1, members=2, width=32, layers=2)
    result = fit(model, episodes, FitConfig(updates=300, batch_steps=128, checks=1))
    with torch.no_grad():
        said = model.step(None, torch.tensor([[0.0], [1.0], [2.0]]), torch.zeros(3, 1))
    after, reward, end = said.mean()
    torch.testing.assert_close(reward, torch.tensor([0.0, 0.0, 1.0]), atol=0.1, rtol=0)
    torch.testing.assert_close(end, torch.tensor([0.0, 0.0, 1.0]), atol=0.1, rtol=0)
    torch.testing.assert_close(after[:2, 0], torch.tensor([1.0, 2.0]), atol=0.1, rtol=0)
    assert model.scale.change_mean.item() == 1, "the filling is no change"
    assert result["history"][-1]["reward"] < 0.1
    assert WorldEvaluator.fit(model, episodes, result["held_out"]).skill > 0.9


def test_unknown_rows_do_not_dilute_the_held_out_loss_of_the_change(recorded, monkeypatch):
    """A mean over the known ones, whatever share of the steps they are, here in chunks that have few and many."""
    monkeypatch.setattr("world_models.fit.one_step", partial(one_step, chunk=1))
    model = small("mlp")
    model.scale.fit(recorded, np.arange(len(recorded.rewards)))
    steps, known = np.arange(50), np.arange(len(recorded.rewards)) > 13
    found = held_out_losses(model, replace(recorded, next_known=known), steps)
    assert found["change"] == pytest.approx(held_out_losses(model, recorded, steps[known[:50]])["change"], rel=1e-4)
    assert found["reward"] == pytest.approx(held_out_losses(model, recorded, steps)["reward"], rel=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_held_out_episodes_are_not_learned_from(recorded, kind):
    found = []
    for poison in (False, True):
        obs, rewards = recorded.obs.copy(), recorded.rewards.copy()
        _, out = recorded.split(QUICK.held_out, QUICK.seed)
        if poison:
            obs[out + recorded.episode[out]], rewards[out] = 1e6, 1e6
        model = small(kind)
        fit(model, replace(recorded, obs=obs, rewards=rewards), QUICK)
        found.append(weights(model))
    assert torch.equal(*found)


@pytest.mark.parametrize("kind", KINDS)
def test_a_members_data_move_only_itself(recorded, kind):
    model = small(kind)
    model.scale.fit(recorded, np.arange(len(recorded.rewards)))
    data = _Data(recorded, torch.device("cpu"))
    windows = data.draw(torch.arange(50), 2, 8, 4, torch.Generator().manual_seed(0))
    grads = []
    for factor in (1.0, 5.0):
        changed = [x.clone() for x in windows]
        for x in changed[:3]:
            x[1] *= factor
        model.zero_grad()
        window_losses(model, *changed)[0].backward()
        grads.append([param.grad.clone() for param in model.parameters()])
    for a, b in zip(*grads, strict=True):
        torch.testing.assert_close(a[0], b[0], rtol=0, atol=0)
    assert any((a[1] - b[1]).abs().max() > 1e-3 for a, b in zip(*grads, strict=True))


def test_each_members_gradient_is_clipped_by_itself():
    param = torch.nn.Parameter(torch.zeros(2, 1, 2))
    param.grad = torch.tensor([[[3.0, 4.0]], [[0.3, 0.4]]])
    clip_each([param], 2, 1.0)
    torch.testing.assert_close(param.grad, torch.tensor([[[0.6, 0.8]], [[0.3, 0.4]]]))


@pytest.mark.parametrize("kind", KINDS)
def test_training_repeats_itself(recorded, kind):
    found = []
    for seed in (0, 0, 1):
        model = small(kind)
        history = fit(model, recorded, replace(QUICK, seed=seed))["history"]
        found.append((weights(model), [entry["change"] for entry in history]))
    assert torch.equal(found[0][0], found[1][0])
    assert found[0][1] == found[1][1]
    assert not torch.equal(found[0][0], found[2][0])


@pytest.mark.parametrize("kind", KINDS)
def test_learns_a_linear_world(world, kind):
    """One step and twenty: small against the states' deviation."""
    episodes = world.episodes(150)
    model = small(kind)
    result = fit(model, episodes, FitConfig(updates=200, batch_steps=256, checks=2))
    last = result["history"][-1]
    assert last["change"] < 0.15  # of which most is the flag, that jumps
    assert last["reward"] < 0.01
    assert last["terminal"] < 0.1
    steps = result["held_out"][np.diff(episodes.starts)[episodes.episode[result["held_out"]]] > 20]
    steps = steps[steps == episodes.starts[episodes.episode[steps]]]
    real, actions, left = ahead(episodes, steps, 20)
    start = [torch.as_tensor(x) for x in context(episodes, steps, model.context)]
    with torch.no_grad():
        memory, now = model.start(*start), torch.as_tensor(real[:, 0])
        for t in range(20):
            now = model.step(memory, now, torch.as_tensor(actions[:, t])).mean()[0]
    error = ((now.numpy() - real[:, 20]) / model.scale.obs_std.numpy())[left == 20, :3]
    assert np.sqrt((error**2).mean()) < 0.25


def test_timeouts_are_not_terminals(world):
    """Episodes that are merely cut off teach no end, and ones that end do."""
    cut = world.episodes(40, longest=12, seed=3)
    for ends in (False, True):
        last = np.zeros(len(cut.rewards), bool)
        last[cut.starts[1:] - 1] = ends
        model = small("mlp")
        fit(model, replace(cut, terminals=last), FitConfig(updates=60, batch_steps=256, checks=1))
        obs = torch.as_tensor(cut.obs[cut.starts[1:] - 1 + np.arange(40)])
        with torch.no_grad():
            said = model.step(None, obs, torch.as_tensor(cut.actions[cut.starts[1:] - 1])).terminal
        assert (said.mean() > 0.05) == ends


@pytest.mark.parametrize("kind", KINDS)
def test_held_out_losses_are_those_of_the_steps(recorded, kind):
    """Against the loss of each window's last step alone."""
    model = small(kind)
    model.scale.fit(recorded, np.arange(len(recorded.rewards)))
    steps = recorded.starts[:5]  # first steps: no past
    found = held_out_losses(model, recorded, steps)
    data = _Data(recorded, torch.device("cpu"))
    windows = [x.expand(2, *x.shape) for x in data.take(torch.as_tensor(steps), 1)]
    _, parts = window_losses(model, *windows)
    for name, value in found.items():
        assert value == pytest.approx(parts[name].item(), rel=1e-4)


def test_noise_by_its_moments():
    """A window's deviation is drawn evenly from 0 to the most, so the variance is a third of the most's square."""
    draws = torch.Generator().manual_seed(0)
    obs, most = torch.full((2, 4000, 5, 3), 7.0), torch.tensor([0.0, 1.0, 3.0])
    noise = disturb(obs, most, draws) - obs
    torch.testing.assert_close(noise.square().mean((0, 1, 2)), most.square() / 3, rtol=0.1, atol=0)
    deviation = noise[..., 2].flatten(0, 1).std(1)
    assert deviation.min() < 0.1
    assert 3 < deviation.max() < 7  # of five draws each
    assert disturb(obs, 0 * most, draws) is obs


def test_seconds_end_it(recorded):
    seen = []
    result = fit(small("mlp"), recorded, FitConfig(updates=0, seconds=0.3, checks=2), seen.append)
    assert seen == result["history"]
    assert 0.3 <= seen[-1]["seconds"] < 2
    assert seen[-1]["update"] >= 1
    with pytest.raises(ValueError, match="updates or seconds"):
        fit(small("mlp"), recorded, FitConfig(updates=0))


def test_wide_flags_and_constant_columns_are_learned():
    """A team's 500 numbers, most of them flags or constant: losses stay small and finite."""
    random = np.random.default_rng(0)
    obs = (random.random((330, 500)) < random.random(500) ** 4).astype(np.float32)
    obs[:, :100] = 3.0
    steps = 300
    wide = Episodes(
        obs, np.eye(6, dtype=np.float32)[random.integers(6, size=steps)], np.zeros(steps, np.float32),
        np.zeros(steps, bool), np.arange(0, 301, 10),
    )  # fmt: skip
    model = make_model("transformer", 500, 6, members=2, width=16, layers=1, heads=2, context=5)
    last = fit(model, wide, FitConfig(updates=20, batch_steps=128, checks=1))["history"][-1]
    assert all(np.isfinite(value) for value in last.values())
    assert last["change"] < 3
    assert last["reward"] < 0.5
