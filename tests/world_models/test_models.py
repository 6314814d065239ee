"""World Transformer and MLP ensemble: the cache, the members' independence, what is stored."""

import json

import numpy as np
import pytest
import torch

from world_models.episodes import Episodes, ahead, context
from world_models.fit import one_step
from world_models.scale import Scale, losses
from world_models.store import from_state, make_model, state

KINDS = {"mlp": {"width": 16, "layers": 2}, "transformer": {"width": 16, "layers": 2, "heads": 2, "context": 4}}


def small(kind, recorded, members=3, **config):
    model = make_model(kind, 5, 2, members=members, **(KINDS[kind] | config))
    model.scale.fit(recorded, np.arange(len(recorded.rewards)))
    return model


def tensors(*arrays):
    return [torch.as_tensor(array) for array in arrays]


@pytest.mark.parametrize("given", [1, 2, 4, 7])
def test_cache_equals_the_full_pass_also_beyond_the_context(recorded, given):
    model = small("transformer", recorded)
    steps = recorded.starts[:-1][np.diff(recorded.starts) > 15][:6]
    obs, actions, _ = tensors(*ahead(recorded, steps, 15))
    with torch.no_grad():
        tokens = [x.expand(3, *x.shape) for x in (model.scale.normalise(obs[:, :-1]), actions)]
        full = model.scale.read(model(*tokens).flatten(0, 1), obs[:, :-1].repeat(3, 1, 1))
        memory = model.start(obs[:, :given], actions[:, : given - 1], torch.full((6,), given))
        for t in range(given - 1, 15):
            found = model.step(memory, obs[:, t], actions[:, t])
            torch.testing.assert_close(found.obs, full.obs.unflatten(0, (3, 6))[:, :, t], atol=1e-5, rtol=1e-5)
            torch.testing.assert_close(found.reward, full.reward.unflatten(0, (3, 6))[..., t], atol=1e-5, rtol=1e-5)


def test_padding_of_short_contexts_is_not_seen(recorded):
    model = small("transformer", recorded)
    steps = recorded.starts[:-1][np.diff(recorded.starts) > 12][:5] + np.array([0, 1, 2, 3, 7])
    padded, done, lengths = tensors(*context(recorded, steps, 4))
    for m, length in enumerate(lengths.tolist()):
        padded[m, : 4 - length], done[m, : 4 - length] = 1e3, -1e3
    obs, actions, _ = tensors(*ahead(recorded, steps, 5))
    with torch.no_grad():
        together = model.start(padded, done, lengths)
        alone = [model.start(padded[[m], 4 - n :], done[[m], 4 - n :], lengths[[m]]) for m, n in enumerate(lengths)]
        for t in range(5):
            found = model.step(together, obs[:, t], actions[:, t])
            for m, memory in enumerate(alone):
                single = model.step(memory, obs[[m], t], actions[[m], t])
                torch.testing.assert_close(found.obs[:, [m]], single.obs, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_one_step_predictions_equal_those_of_a_rollout(recorded, kind):
    model = small(kind, recorded)
    steps = np.flatnonzero(np.arange(len(recorded.rewards)) % 7 == 3)
    found = {}
    for some, outputs in one_step(model, recorded, steps, chunk=3):
        found.update(zip(some.tolist(), outputs.unbind(1), strict=True))
    assert sorted(found) == steps.tolist()
    with torch.no_grad():
        for step in steps:
            past = step - recorded.starts[recorded.episode[step]] + 1
            if kind == "transformer" and past > model.context:  # a window begins elsewhere: keys know another past
                continue
            obs, actions, lengths = tensors(*context(recorded, np.array([step]), past))
            there = model.step(
                model.start(obs, actions, lengths), obs[:, -1], torch.as_tensor(recorded.actions[[step]])
            )
            here = model.scale.read(found[step][:, None], obs[:, -1])
            torch.testing.assert_close(here.obs, there.obs, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_members_are_independent(recorded, kind):
    model = small(kind, recorded)
    states, actions = torch.randn(3, 4, 6, 5), torch.randn(3, 4, 6, 2)
    before = model(states, actions)
    assert (before[0] - before[1]).abs().max() > 1e-3, "members must start from different weights"
    with torch.no_grad():
        for param in model.parameters():
            param[1] += 0.1
        states[1] += 1.0
    after = model(states, actions)
    torch.testing.assert_close(after[[0, 2]], before[[0, 2]], rtol=0, atol=0)
    assert (after[1] - before[1]).abs().max() > 1e-3
    after[1].square().sum().backward()
    for name, param in model.named_parameters():
        assert param.grad[[0, 2]].abs().max() == 0, name


def test_an_mlp_forgets_and_a_transformer_remembers(recorded):
    steps = recorded.starts[:-1][np.diff(recorded.starts) > 8][:4] + 6
    obs, actions, lengths = tensors(*context(recorded, steps, 4))
    with torch.no_grad():
        for kind, remembers in (("mlp", False), ("transformer", True)):
            model = small(kind, recorded)
            a = model.step(model.start(obs, actions, lengths), obs[:, -1], actions[:, -1])
            b = model.step(model.start(obs, actions + 1, lengths), obs[:, -1], actions[:, -1])
            assert ((a.obs - b.obs).abs().max() > 1e-4) == remembers


@pytest.mark.parametrize("kind", KINDS)
def test_store_round_trip(recorded, kind):
    model = small(kind, recorded)
    tree = state(model)
    tree["config"] = json.loads(json.dumps(tree["config"]))
    assert all(isinstance(array, np.ndarray) for array in tree["arrays"].values())
    again = from_state(tree)
    obs, actions = torch.randn(4, 5), torch.randn(4, 2)
    with torch.no_grad():
        args = (obs[:, None], actions[:, None][:, :0], torch.ones(4, dtype=torch.long))
        a = model.step(model.start(*args), obs, actions)
        b = again.step(again.start(*args), obs, actions)
    assert torch.equal(a.obs, b.obs)
    assert torch.equal(a.terminal, b.terminal)


def test_unknown_kind():
    with pytest.raises(ValueError, match="mlp, transformer"):
        make_model("lstm", 5, 2)


def test_scale_by_hand(recorded):
    scale = Scale(5)
    scale.fit(recorded, np.arange(len(recorded.rewards)))
    assert scale.obs_std[3] == 1, "a feature that never varies keeps its deviation at 1"
    assert scale.change_std[3] == 1
    obs = torch.zeros(1, 5)
    outputs = torch.zeros(1, 1, 7)
    outputs[0, 0, 0], outputs[0, 0, 5] = 2.0, -1.0
    found = scale.read(outputs, obs)
    torch.testing.assert_close(found.obs[0, 0, 0], 2 * scale.change_std[0] + scale.change_mean[0])
    torch.testing.assert_close(found.reward[0, 0], scale.reward_mean - scale.reward_std)
    assert found.terminal.item() == 0.5
    again = scale.targets(obs, found.obs[0], found.reward[0], torch.ones(1))
    torch.testing.assert_close(again[0, :6], outputs[0, 0, :6], atol=1e-5, rtol=1e-5)
    assert again[0, 6] == 1


def test_rare_flags_stay_bounded():
    obs = np.zeros((1001, 1), np.float32)
    obs[500] = 1
    none = np.zeros(1000, np.float32)
    rare = Episodes(obs, none[:, None], none, none > 0, np.array([0, 1000]))
    scale = Scale(1)
    scale.fit(rare, np.arange(1000))
    assert scale.normalise(torch.as_tensor(obs)).abs().max() <= 20


def test_loss_by_hand():
    # changes off by 1 and 3 (mean square 5), reward off by 2 (4), logit 0 (ln 2); the second step is left out; of the
    # third only the change is: its reward is off by 1, its logit 0
    outputs = torch.tensor([[[1.0, 3.0, 2.0, 0.0], [9.0, 9.0, 9.0, 9.0], [9.0, 9.0, 1.0, 0.0]]])
    targets = torch.tensor([[[0.0, 0.0, 0.0, 1.0], [1.0, 0.0, 2.0, 0.0], [torch.nan, torch.inf, 0.0, 1.0]]])
    weights = torch.tensor([[1.0, 0.0, 1.0]]), torch.tensor([[1.0, 1.0, 0.0]])
    total, parts = losses(outputs, targets, *weights)
    assert {name: part.item() for name, part in parts.items()} == pytest.approx(
        {"change": 5, "reward": (4 + 1) / 2, "terminal": np.log(2)}
    )
    assert total.item() == pytest.approx(7.5 + np.log(2))
    twice, _ = losses(outputs.repeat(2, 1, 1), targets.repeat(2, 1, 1), *(x.repeat(2, 1) for x in weights))
    assert twice.item() == pytest.approx(2 * total.item()), "a sum over members trains each as if it were alone"
