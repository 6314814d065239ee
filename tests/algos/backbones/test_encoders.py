"""Encoders: what they must not depend on, what they must, and that the loops around them run with every one."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from algos.adapters import make_env
from algos.backbones.encoders import CNN, Entities
from algos.common.errors import BadInput
from algos.common.views import ViewSpec
from algos.online import ppo

pytestmark = pytest.mark.usefixtures("one_thread")
GRID = [("mlp", "vector"), ("cnn", "planes"), ("cnn", "rgb"), ("entities", "entities")]


def entities(tanks=5, bullets=3, seed=0):
    """Views [1, 4, …] of a scene, the last tank and bullet unseen, and their specs."""
    torch.manual_seed(seed)
    views = {
        "tanks": torch.randn(1, 4, tanks, 6), "tanks_mask": torch.ones(1, 4, tanks, dtype=torch.bool),
        "bullets": torch.randn(1, 4, bullets, 3), "bullets_mask": torch.ones(1, 4, bullets, dtype=torch.bool),
    }  # fmt: skip
    for kind in ("tanks", "bullets"):
        views[f"{kind}_mask"][:, :, -1] = False
    return views, {name: ViewSpec(tuple(x.shape[2:]), str(x.dtype).removeprefix("torch.")) for name, x in views.items()}


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    return Entities(entities()[1], 16, 2, "relu")


def test_the_order_of_others_does_not_matter(encoder):
    views, _ = entities()
    order = torch.tensor([0, 3, 1, 4, 2])  # one's own tank stays where it is
    other = {**views, "tanks": views["tanks"][:, :, order], "tanks_mask": views["tanks_mask"][:, :, order]}
    torch.testing.assert_close(encoder(other), encoder(views))
    swapped = torch.tensor([1, 0, 2, 3, 4])
    other = {**views, "tanks": views["tanks"][:, :, swapped]}
    assert not torch.allclose(encoder(other), encoder(views)), "who one is does matter"


def test_rows_that_are_masked_do_not_matter(encoder):
    views, _ = entities()
    changed = {name: view.clone() for name, view in views.items()}
    changed["tanks"][:, :, -1] = changed["bullets"][:, :, -1] = 99.0
    torch.testing.assert_close(encoder(changed), encoder(views))
    padded = {**views, "tanks": torch.cat([views["tanks"], torch.randn(1, 4, 7, 6)], 2)}
    padded["tanks_mask"] = torch.cat([views["tanks_mask"], torch.zeros(1, 4, 7, dtype=torch.bool)], 2)
    torch.testing.assert_close(encoder(padded), encoder(views))
    seen = {**views, "bullets_mask": torch.ones_like(views["bullets_mask"])}
    assert not torch.allclose(encoder(seen), encoder(views))


def test_an_agent_that_sees_nothing_has_finite_features_and_gradients(encoder):
    views, _ = entities()
    blind = {name: torch.zeros_like(view) for name, view in views.items()}
    encoder(blind).sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in encoder.parameters() if p.grad is not None)


def test_pictures_are_read_channels_first_or_last():
    torch.manual_seed(0)
    first = CNN({"planes": ViewSpec((5, 8, 8), "uint8")}, 16, 1, "relu")
    planes = torch.randint(0, 255, (1, 2, 5, 8, 8), dtype=torch.uint8)
    changed = planes.clone()
    changed[0, 1, 2, 3, 4] ^= 255
    found, other = first({"planes": planes}), first({"planes": changed})
    assert torch.equal(found[0, 0], other[0, 0])
    assert not torch.equal(found[0, 1], other[0, 1])
    last = CNN({"rgb": ViewSpec((128, 96, 3), "uint8")}, 16, 1, "relu")
    assert last({"rgb": torch.zeros(1, 2, 128, 96, 3, dtype=torch.uint8)}).shape == (1, 2, 16)


@pytest.mark.parametrize(("kind", "obs"), GRID)
@pytest.mark.parametrize("preset", ppo.PRESETS)
@pytest.mark.parametrize("recurrent", [False, True])
def test_two_updates(kind, obs, preset, recurrent):
    """Every online algorithm with every encoder and observation."""
    env = make_env({"name": "mabc", "scenario": "skirmish-2v2", "obs": obs, "state": "vector", "num_envs": 3})
    settings = {"name": preset, **ppo.PRESETS[preset], "encoder": kind, "recurrent": recurrent, "agent_id": recurrent}
    config = ppo.Config(**settings, hidden_size=8, num_steps=8, num_minibatches=2)
    run = SimpleNamespace(seed=0, total_steps=99, state=None, config={"device": "cpu"})
    learner = ppo.Learner(config, env, run)
    before = [p.detach().clone() for p in learner.agent.parameters()]
    for _ in range(2):
        metrics = learner.iterate()
    assert np.isfinite([value for name, value in metrics.items() if name.startswith("loss/")]).all()
    still = [torch.equal(p, old) for p, old in zip(learner.agent.parameters(), before, strict=True) if p.numel()]
    assert not all(still)
    obs, _ = env.reset(seed=1)
    actions, memory = learner.policy()(obs, env.action_mask())
    assert actions.shape == (3, 2)
    assert (memory is not None) == recurrent


def test_one_policy_of_entities_plays_with_other_numbers():
    """Trained for two against two, it acts for three against three: no weight depends on how many there are."""
    env, larger = (
        make_env({"name": "mabc", "scenario": name, "obs": "entities", "state": "vector", "num_envs": 2})
        for name in ("skirmish-2v2", "skirmish-3v3")
    )
    config = ppo.Config(encoder="entities", hidden_size=8, num_steps=8)
    learner = ppo.Learner(config, env, SimpleNamespace(seed=0, total_steps=9, state=None, config={"device": "cpu"}))
    obs, _ = larger.reset(seed=0)
    assert learner.policy()(obs, larger.action_mask())[0].shape == (2, 3)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"encoder": "mlp", "obs": "planes"}, r"algo\.encoder=mlp reads no planes: use algo\.encoder=cnn"),
        ({"encoder": "mlp", "obs": "entities"}, r"algo\.encoder=mlp reads no bullets.* use algo\.encoder=entities"),
        (
            {"encoder": "cnn", "obs": "vector"},
            r"algo\.encoder=cnn needs a picture, and there is vector: use env\.obs=plan",
        ),
        (
            {"encoder": "entities", "obs": "vector"},
            r"algo\.encoder=entities needs entities, and there is vector: use env",
        ),
        ({"encoder": "mlp", "obs": "vector", "state": "entities", "centralised": True}, r"use env\.state=vector"),
    ],
)
def test_what_does_not_fit_is_refused(settings, told):
    env = {"name": "mabc", "scenario": "skirmish-2v2", "num_envs": 2, "obs": settings.pop("obs")}
    made = make_env({**env, "state": settings.pop("state", "vector")})
    with pytest.raises(BadInput, match=told):
        ppo.Learner(ppo.Config(**settings), made, SimpleNamespace(seed=0, state=None, config={"device": "cpu"}))
