"""MOPO and COMBO: what minibatches hold, the conservative term by hand, and a run that goes on bit for bit."""

import shutil
from dataclasses import asdict
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from algos.adapters import make_env
from algos.adapters.gym import Config as GymConfig
from algos.common import checkpoint
from algos.common.config import algo_keys
from algos.common.errors import BadInput
from algos.common.run import Run, create_folder
from algos.data import store
from algos.data.dataset import Dataset
from algos.offline import combo, model_rollouts, mopo
from algos.offline.codec import Codec
from algos.offline.minibatches import Scaling
from world_models.rollout import Generated

PENDULUM = asdict(GymConfig(id="Pendulum-v1", num_envs=2))
SMALL = {
    "hidden_size": 16, "batch_size": 40, "ensemble_size": 2, "model_steps": 5, "rollout_starts": 30,
    "rollout_length": 3, "rollout_every": 7, "buffer_size": 150, "eval_every": 1000, "eval_episodes": 1,
    "checkpoint_every": 10, "seeds": 2,
}  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A file with two episodes of random play."""
    env = make_env(PENDULUM, seed=0)
    random = np.random.default_rng(0)
    obs, _ = env.reset(seed=0)
    seen, done, rewards = [obs[:, 0].copy()], [], []
    for step in range(200):
        done.append(random.uniform(-2, 2, (2, 1)).astype(np.float32))
        obs, reward, _, truncated, info = env.step(done[-1][:, None])
        assert truncated.all() == (step == 199)
        seen.append((info["final_obs"] if step == 199 else obs)[:, 0].copy())
        rewards.append(reward[:, 0].copy())
    made = Dataset(
        np.stack(seen, 1).reshape(-1, 3), np.stack(done, 1).reshape(-1, 1), np.stack(rewards, 1).reshape(-1),
        np.zeros(400, bool), np.array([0, 200, 400]),
    ).check()  # fmt: skip
    return store.save(tmp_path_factory.mktemp("data") / "pendulum.safetensors", made)


def train(module, folder, data, steps=20, tree=None, **changes):
    """A run of a few steps; its last checkpoint."""
    algo = {"name": module.__name__.rpartition(".")[2], **SMALL, **changes}
    config = {"env": PENDULUM, "algo": algo, "seed": 0, "total_steps": steps, "data": str(data), "device": "cpu"}
    if tree is None:
        create_folder(folder, config)
    run = Run(folder, config, tree, keep=9)
    env = make_env(PENDULUM, seed=0)
    module.train(module.Config(**algo), env, run)
    run.log.close()
    return checkpoint.load(checkpoint.find(folder))


@pytest.mark.parametrize("module", [mopo, combo], ids=["mopo", "combo"])
def test_resumed_is_bit_exact(tmp_path, data, module):
    whole = train(module, tmp_path / "a", data)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    (tmp_path / "b" / "checkpoints" / f"{20:012d}.safetensors").unlink()
    middle = checkpoint.load(checkpoint.find(tmp_path / "b"))
    assert middle["step"] == 10
    again = train(module, tmp_path / "b", data, tree=middle)
    first, second = (checkpoint.pack(tree["state"])[0] for tree in (whole, again))
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)
    policy = module.load_policy(whole["config"]["algo"], whole["state"])
    actions, _ = policy(np.zeros((5, 1, 3), np.float32), np.ones((5, 1, 0), bool))
    assert actions.shape == (5, 1, 1)
    assert np.abs(actions).max() <= 2


def test_recorded_rows_come_first(tmp_path, data, monkeypatch):
    seen = []
    monkeypatch.setattr(combo.ContinuousLearner, "update", lambda self, batch: seen.append(batch) or {})
    train(combo, tmp_path / "a", data, steps=3)
    recorded = store.load(data)
    scaled = (recorded.rewards[:, None, None] == seen[0]["rewards"].numpy()).any(0)  # bit for bit in the data
    assert seen[0]["obs"].shape == (2, 40, 3)
    assert scaled[:, :20].all()
    assert not scaled[:, 20:].any(), "the model's own rewards"


def test_the_buffer_holds_the_rollouts_transitions(data, monkeypatch):
    """Row by row: two rollouts of up to three steps for each of two seeds, in a buffer of five, scaled."""
    obs = np.arange(4 * 4, dtype=np.float32).reshape(4, 4, 1).repeat(3, -1)
    actions, rewards = obs[:, :-1, :1] / 100, obs[:, :-1, 0] * 10
    terminals = np.zeros((4, 3), bool)
    terminals[0, 1] = True  # the task ends in the second step; what is behind only fills
    made = Generated(obs, actions, rewards, terminals, rewards, np.array([2, 1, 3, 3]))
    monkeypatch.setattr(model_rollouts, "generate", lambda *args, **kwargs: made)
    monkeypatch.setattr(model_rollouts, "data_bounds", lambda scale: None)
    config = mopo.Config(seeds=2, batch_size=4, rollout_starts=2, rollout_length=3, buffer_size=5, real_ratio=0.25)
    scaling = Scaling([1.0] * 3, [2.0] * 3, [-2.0], [2.0], 0.5)
    recorded = store.load(data)
    world = SimpleNamespace(context=1, scale=None), None
    rollouts = model_rollouts.Rollouts(
        config, recorded, Codec(recorded, -2, 2).episodes(), world, scaling, None, 0, "cpu"
    )
    rollouts.refresh()
    assert (rollouts.filled, rollouts.place) == ([3, 5], [3, 0])
    # the first state of rollout m is 4 m; seed 0 has rollouts 0 and 1, seed 1 the last five of rollouts 2 and 3
    states = [np.array([0, 1, 4]), np.array([9, 10, 12, 13, 14])]
    for s, states_of in enumerate(states):
        kept = {name: values[s, : len(states_of)].numpy() for name, values in rollouts.buffer.items()}
        np.testing.assert_allclose(kept["obs"], (states_of[:, None].repeat(3, 1) - 1) / 2)
        np.testing.assert_allclose(kept["next_obs"], (states_of[:, None].repeat(3, 1) + 1 - 1) / 2)
        np.testing.assert_allclose(kept["actions"][:, 0], states_of / 100, rtol=1e-6)
        np.testing.assert_allclose(kept["rewards"], states_of * 10 * 0.5)
        np.testing.assert_allclose(kept["terminals"], [0, 1, 0] if s == 0 else [0] * 5)


def test_conservative_term_pushes_up_on_recorded_rows_alone():
    config = combo.Config(batch_size=4, real_ratio=0.5, num_samples=1)
    learner = combo.make_learner(config, {"obs": 1, "actions": 0, "action_dims": 1, "agents": 1}, 1)
    learner.sampled_values = lambda batch: torch.zeros(1, 2, 4, 3)  # log sum exp of three zeros is log 3
    q = torch.tensor([[[1.0, 2.0, 100.0, 100.0], [3.0, 4.0, 100.0, 100.0]]])
    assert learner.regulariser({}, q)[0].item() == pytest.approx(2 * np.log(3) - 1.5 - 3.5)


def test_rewards_are_lowered_by_the_uncertainty(tmp_path, data):
    """The same run with a greater penalty holds lower rewards in its buffer."""
    buffers = []
    for penalty in (0.0, 100.0):
        tree = train(mopo, tmp_path / str(penalty), data, steps=5, penalty_coef=penalty)
        buffers.append(tree["state"]["sampler"]["buffer"]["rewards"])
    filled = tree["state"]["sampler"]["filled"]
    assert min(filled) > 0
    for seed, count in enumerate(filled):
        assert (buffers[1][seed, :count] < buffers[0][seed, :count]).all()


@pytest.mark.parametrize(
    ("config", "settings", "words"),
    [
        (combo.Config, {"batch_size": 8, "real_ratio": 0.05}, "of 8 rows none would be recorded"),
        (mopo.Config, {"ensemble_size": 1}, "algo.ensemble_size=1: one member never disagrees"),
        (mopo.Config, {"tau": 5.0}, "algo.tau=5.0: above 0, at most 1"),
    ],
)
def test_settings_that_make_no_sense(config, settings, words):
    with pytest.raises(BadInput, match=words):
        config(**settings)


def test_world_models_of_other_data_are_refused(tmp_path, data):
    train(mopo, tmp_path / "a", data, steps=5)
    with pytest.raises(BadInput, match="holds world models of"):
        train(mopo, tmp_path / "b", data, steps=5, ensemble_size=3, world_models=str(tmp_path / "a"))
    train(mopo, tmp_path / "c", data, steps=5, world_models=str(tmp_path / "a"))
    copy = tmp_path / "c" / "world-s0.safetensors"
    assert copy.is_file(), "the run stands by itself"
    tree = checkpoint.load(copy)
    tree["model"]["arrays"].popitem()
    checkpoint.save(copy, tree)
    with pytest.raises(BadInput, match="its world models have another form"):
        train(mopo, tmp_path / "d", data, steps=5, world_models=str(tmp_path / "c"))
    assert not (tmp_path / "d" / "world-s0.safetensors").exists(), "what cannot be read is not copied"


def test_what_is_no_setting_is_not_listed():
    assert "alpha" not in {key.name for key in algo_keys("mopo")}
    assert {"alpha", "rollout_length", "gamma"} <= {key.name for key in algo_keys("combo")}


def test_discrete_actions_are_refused():
    with pytest.raises(BadInput, match="algo=mopo needs continuous actions"):
        mopo.make_learner(mopo.Config(), {"obs": 1, "actions": 3, "action_dims": 0, "agents": 1}, 1)
