"""OTTO: with a perfect model nothing changes; strategies, mixing; a run from data to report, cut off and resumed."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from algos.common.errors import BadInput
from algos.data.dataset import Dataset
from algos.offline import otto
from algos.offline.codec import Codec
from algos.offline.minibatches import Scaling, Transitions
from tests.algos.offline.offline_data import Space, team
from world_models.evaluator import WorldEvaluator
from world_models.scale import Prediction, Scale
from world_models.store import make_model


def linear_data(episodes=12, length=9, seed=0):
    """Episodes of a linear world, of which every other one ends the task and the rest are cut off."""
    random = np.random.default_rng(seed)
    lengths = length - np.arange(episodes) % 3
    starts = np.concatenate([[0], np.cumsum(lengths)])
    actions = random.uniform(-1, 1, (starts[-1], 1)).astype(np.float32)
    rows, rewards, terminals = [], [], np.zeros(starts[-1], bool)
    for e in range(episodes):
        x = random.normal(size=2).astype(np.float32)
        rows.append(x)
        for i in range(starts[e], starts[e + 1]):
            rewards.append(x[0] + actions[i, 0])
            x = world(x, actions[i])
            rows.append(x)
        terminals[starts[e + 1] - 1] = e % 2 == 0
    return Dataset(np.stack(rows), actions, np.array(rewards, np.float32), terminals, starts).check()


def world(x, action):
    return np.array([0.9 * x[0] + 0.1 * x[1], 0.8 * x[1] + action[0]], np.float32)


class Perfect:
    """A model that knows the linear world, and when the task ends: three members of one mind."""

    context, members = 4, 3

    def __init__(self, data):
        self.scale = Scale(2)
        self.scale.low.fill_(-1e6), self.scale.high.fill_(1e6)
        self.ends = {row.tobytes() for row in data.obs[data.rows[data.terminals] + 1]}

    def start(self, obs, actions, lengths):
        return None

    def step(self, memory, obs, actions):
        x, a = obs.numpy(), actions.numpy()
        after = np.stack([world(row, action) for row, action in zip(x, a, strict=True)])
        ends = np.array([float(row.tobytes() in self.ends) for row in after], np.float32)
        found = (torch.as_tensor(part) for part in (after, x[:, 0] + a[:, 0], ends))
        return Prediction(*(part.expand(3, *part.shape) for part in found))


@pytest.mark.parametrize("correction", ["none", "cut", "drop", "penalise"])
def test_a_perfect_model_without_noise_gives_the_recorded_trajectories(correction):
    data = linear_data()
    config = otto.Config(actions="logged", noise=0.0, correction=correction, horizon=0)
    codec = Codec(data, np.array([-1.0]), np.array([1.0]))
    episodes = codec.episodes()
    evaluator = WorldEvaluator(torch.ones(2), 1.0, threshold=0.0)  # not the least disagreement is trusted
    starts, horizon = data.starts[:-1], int(data.lengths.max())
    random = np.random.default_rng(0)
    found = otto.generate_shard(config, episodes, Perfect(data), evaluator, starts, horizon, codec, None, random)
    np.testing.assert_array_equal(found.lengths, data.lengths)
    made = codec.dataset(found)
    for name in ("obs", "actions", "rewards", "terminals", "starts"):
        np.testing.assert_allclose(getattr(made, name), getattr(data, name), rtol=0, atol=1e-6, err_msg=name)
    assert not made.extras["uncertainty"].any()


def test_trajectories_from_the_middle_stop_where_the_recording_does():
    data = linear_data()
    config = otto.Config(actions="logged", noise=0.0)
    codec = Codec(data, np.array([-1.0]), np.array([1.0]))
    episodes = codec.episodes()
    evaluator = WorldEvaluator(torch.ones(2), 1.0, threshold=0.0)
    steps = np.array([2, 5, 8])  # the first episode has nine steps
    random = np.random.default_rng(0)
    found = otto.generate_shard(config, episodes, Perfect(data), evaluator, steps, 4, codec, None, random)
    np.testing.assert_array_equal(found.lengths, [4, 4, 1])


def test_a_team_survives_the_way_through_the_world_model():
    data = team(4, 5, death=0.3)
    codec = Codec(data, np.zeros(0), np.zeros(0))
    episodes = codec.episodes()
    assert episodes.obs.shape == (4 * 6, 3 * (5 + 4 + 1))
    assert episodes.actions.shape == (20, 3 * 4)
    steps = data.num_steps // data.num_episodes
    found = otto.Generated(
        episodes.obs.reshape(4, steps + 1, -1), episodes.actions.reshape(4, steps, -1), data.rewards.reshape(4, steps),
        data.terminals.reshape(4, steps), np.zeros((4, steps), np.float32), data.lengths,
    )  # fmt: skip
    back = codec.dataset(found)
    living = data.alive
    for name in ("obs", "alive"):
        np.testing.assert_array_equal(getattr(back, name), getattr(data, name))
    np.testing.assert_array_equal(back.actions[living[data.rows]], data.actions[living[data.rows]])
    np.testing.assert_array_equal(back.masks[living], data.masks[living])
    np.testing.assert_array_equal(back.masks[~living], [[True, False, False, False]] * (~living).sum())


# --- strategies ---


def test_starts():
    data = linear_data()
    random = np.random.default_rng(0)
    best = np.argsort(-data.returns)[:3]
    steps = otto.choose_starts(otto.Config(starts="top"), data, 2000, random)
    assert set(data.episode[steps]) == set(best), "the best quarter of twelve"
    steps = otto.choose_starts(otto.Config(starts="softmax"), data, 20_000, random)
    share = np.bincount(data.episode[steps], minlength=12) / data.lengths
    weight = np.exp((data.returns - data.returns.max()) / data.returns.std())
    np.testing.assert_allclose(share / share.sum(), weight / weight.sum(), atol=0.01)
    steps = otto.choose_starts(otto.Config(starts="uniform"), data, 20_000, random)
    assert steps.min() == 0
    assert steps.max() == data.num_steps - 1


def test_noise_is_clipped_and_stays_within_the_bounds():
    random = np.random.default_rng(0)
    actions = random.uniform(-1, 1, (5000, 2)).astype(np.float32)
    found = otto.perturb(otto.Config(noise=0.5, noise_clip=0.3), actions, None, random)
    assert np.abs(found).max() <= 1
    assert 0.29 < np.abs(found - actions).max() <= 0.3 + 1e-6
    np.testing.assert_array_equal(otto.perturb(otto.Config(noise=0.0), actions, None, random), actions)


PLAIN = SimpleNamespace(next_actions=False)  # a learner, as a source of minibatches sees it


class Half:
    """A policy that does half of the state's first number."""

    scaling = Scaling([0.0] * 2, [1.0] * 2, [-1.0], [1.0])
    actor = SimpleNamespace(greedy=lambda x: 0.5 * x[..., :1])


@pytest.mark.parametrize(("actions", "done"), [("logged", [0.1, 0.2]), ("steered", [0.0, 0.5]), ("policy", [0.1, 0.5])])
def test_what_is_done_in_a_state_that_was_not_recorded(actions, done):
    """Of two trajectories, in which 0.1 and 0.2 were done at 0.4; now they are at 0.2 and 1.0."""
    config, data = otto.Config(actions=actions, noise=0.0), linear_data()
    recorded, logged = np.full((2, 2, 2), 0.4, np.float32), np.array([[[0.1]], [[0.2]]], np.float32)
    policy = None if actions == "logged" else Half
    codec = Codec(data, np.array([-1.0]), np.array([1.0]))
    act = otto.act_of(config, codec, recorded, logged, policy, np.random.default_rng(0))
    np.testing.assert_allclose(act(0, torch.tensor([[0.2, 5.0], [1.0, 5.0]]))[:, 0], done, atol=1e-6)
    if actions == "steered":
        np.testing.assert_allclose(act(0, torch.as_tensor(recorded[:, 0]))[:, 0], logged[:, 0, 0], atol=1e-6)


def test_a_team_is_steered_agent_by_agent(monkeypatch):
    """Where the clone does the same here as it did there, the recorded action stays."""
    data = team(1, 2, agents=2, actions=3)
    here, there = np.eye(3, dtype=np.float32)[[[0, 1]]], np.eye(3, dtype=np.float32)[[[2, 1]]]
    clones = iter([here.reshape(1, 6), there.reshape(1, 6)])
    monkeypatch.setattr(otto, "cloned", lambda *_: next(clones))
    codec = Codec(data, np.zeros(0), np.zeros(0))
    states = codec.episodes().obs[:1]
    data.masks[:] = True
    states[:] = 1.0  # all is legal, all live
    logged = np.eye(3, dtype=np.float32)[[[2, 2]]].reshape(1, 1, 6)
    config = otto.Config(actions="steered", noise=0.0)
    act = otto.act_of(config, codec, states[:, None], logged, object(), np.random.default_rng(0))
    done = act(0, torch.as_tensor(states)).reshape(2, 3).argmax(-1)
    np.testing.assert_array_equal(done, [0, 2])


def test_discrete_noise_exchanges_a_share_of_the_actions_for_legal_ones():
    random = np.random.default_rng(0)
    chosen = random.integers(3, size=(4000, 3))
    one_hot = np.eye(4, dtype=np.float32)[chosen].reshape(4000, 12)
    legal = np.broadcast_to(np.arange(4) < 3, (4000, 3, 4))
    found = otto.perturb(otto.Config(noise=0.4), one_hot, legal, random).reshape(4000, 3, 4)
    np.testing.assert_array_equal(found.sum(-1), 1)
    assert not found[..., 3].any(), "never the illegal one"
    assert (found.argmax(-1) != chosen).mean() == pytest.approx(0.4 * 2 / 3, abs=0.02)
    legal = np.broadcast_to(np.arange(4) == 0, (4000, 3, 4))
    found = otto.perturb(otto.Config(noise=0.0), one_hot, legal, random).reshape(4000, 3, 4)
    assert found[..., 0].all(), "recorded actions that have become illegal"


def test_generated_teams_do_only_what_is_legal():
    data = team(30, 6, death=0.3)
    episodes = Codec(data, np.zeros(0), np.zeros(0)).episodes()
    model = make_model("transformer", 30, 12, members=2, width=16, layers=1, seed=0)
    model.scale.fit(episodes, np.arange(data.num_steps))
    evaluator = WorldEvaluator(model.scale.obs_std.clone(), 1.0)
    settings = {"actions": "logged", "noise": 0.5, "horizon": 5, "num_generated": 300, "correction": "none"}
    config = otto.Config(base="iql", **settings)
    made = otto.generate_dataset(config, data, episodes, model, evaluator, Space(4, 3), 0)
    allowed = np.take_along_axis(made.masks[made.rows], made.actions[..., None], -1)
    assert allowed.all()
    assert made.info["made"]["noise"] == 0.5
    assert made.info["steps"] == made.num_steps >= 300
    assert (made.actions[~made.alive[made.rows]] == 0).all(), "the dead stay"


class Doubting(Perfect):
    """Members that part after some steps."""

    trusted = 5

    def start(self, obs, actions, lengths):
        self.count = 0

    def step(self, memory, obs, actions):
        found = super().step(memory, obs, actions)
        self.count += 1
        if self.count > self.trusted:
            found.obs = found.obs + torch.tensor([0.0, 1.0, -1.0])[:, None, None]
        return found


@pytest.mark.parametrize(("correction", "length"), [("none", 9), ("cut", 5), ("drop", 0)])
def test_what_lies_behind_the_recording_is_not_rated(correction, length):
    data = linear_data()
    codec = Codec(data, np.array([-1.0]), np.array([1.0]))
    episodes = codec.episodes()
    evaluator = WorldEvaluator(torch.ones(2), 1.0, threshold=0.1)
    config = otto.Config(actions="logged", noise=0.0, correction=correction)
    steps = np.array([0, 6])  # of nine steps: nine are left, and three
    random = np.random.default_rng(0)
    found = otto.generate_shard(config, episodes, Doubting(data), evaluator, steps, 20, codec, None, random)
    np.testing.assert_array_equal(found.lengths, [length, 3])


@pytest.mark.parametrize(("trusted", "length"), [(4, 5), (3, 3)])
def test_an_end_is_not_doubted(trusted, length):
    """Five steps from the end: doubt about what follows an end is none about the end."""
    data = linear_data()
    model = Doubting(data)
    model.trusted = trusted
    codec = Codec(data, np.array([-1.0]), np.array([1.0]))
    episodes = codec.episodes()
    evaluator = WorldEvaluator(torch.ones(2), 1.0, threshold=0.1)
    random = np.random.default_rng(0)
    config = otto.Config(actions="logged", noise=0.0, correction="cut")
    found = otto.generate_shard(config, episodes, model, evaluator, np.array([4]), 20, codec, None, random)
    assert found.lengths.tolist() == [length]
    assert found.terminals[0, length - 1] == (length == 5)


def test_the_best_trajectories_stay():
    rewards = np.array([[1, 1, 9], [5, 0, 0], [2, 2, 2], [7, 7, 7]], np.float32)
    found = otto.Generated(*[None] * 2, rewards, None, None, np.array([2, 1, 3, 0]))
    otto.keep_best(otto.Config(keep_fraction=0.7), found)
    np.testing.assert_array_equal(found.lengths, [0, 1, 3, 0])  # means 1, 5, 2 and nothing: two of three


@pytest.mark.parametrize("share", [0.75, 1.0, 0.0])
def test_minibatches_are_mixed_by_share(share):
    data, config = linear_data(), otto.Config(base="iql", kwargs={"batch_size": 40, "seeds": 2}).base_config()
    made = [linear_data(seed=seed) for seed in (1, 2)]
    for number, part in enumerate(made):
        part.rewards[:] = 100 + number
    scaling = Scaling([0.0] * 2, [1.0] * 2, [-1.0], [1.0])
    sampler = otto.mixture_of(data, made, share, config, 0, "cpu")(scaling, PLAIN)
    rewards = sampler.sample()["rewards"]
    assert rewards.shape == (2, 40)
    assert ((rewards == torch.tensor([[100.0], [101.0]])).sum(1) == round(40 * (1 - share))).all(), "its own, each seed"
    state = sampler.state()
    first = sampler.sample()["obs"]
    sampler.load_state(state)
    torch.testing.assert_close(sampler.sample()["obs"], first)


def test_a_small_share_is_kept_over_minibatches():
    """Of a team's 4 team-steps, 3 agents each, an eighth is half a team-step: one in every other minibatch."""
    data, made = team(4, 5), team(4, 5, seed=1)
    made.rewards[:] = 100
    config = otto.Config(base="iql", kwargs={"batch_size": 14}).base_config()
    sampler = otto.mixture_of(data, [made], 0.875, config, 0, "cpu")(Scaling([0.0] * 5, [1.0] * 5, [], []), PLAIN)
    counts = [int((sampler.sample()["rewards"] == 100).sum()) for _ in range(6)]
    assert counts == [0, 3, 0, 3, 0, 3]


def test_generated_steps_behind_which_nothing_was_done_are_not_learned_from():
    """The last step of a trajectory stays if it ends the task; of recorded ones, all stay."""
    data = linear_data(episodes=4, length=3)  # of 3, 2, 1 and 3 steps; the first and the third end the task
    scaling = Scaling([0.0] * 2, [1.0] * 2, [-1.0], [1.0])
    made = Transitions(data, scaling, cut_offs=False)
    assert made.steps.tolist() == [0, 1, 2, 3, 5, 6, 7]
    config = otto.Config(base="rebrac", kwargs={"batch_size": 500}).base_config()
    learner = type("Learner", (), {"next_actions": True})
    sampler = otto.mixture_of(data, [data], 0.0, config, 0, "cpu")(scaling, learner)
    batch = sampler.sample()
    assert (batch["next_known"] + batch["terminals"] == 1).all()
    data.terminals[:] = False
    with pytest.raises(BadInput, match="no generated trajectory goes on for two steps"):
        otto.mixture_of(data, [data.select(np.array([2]))], 0.5, config, 0, "cpu")(scaling, learner)


def test_what_cannot_be_foretold_is_hardly_learned_from():
    made = [linear_data(seed=seed) for seed in (1, 2)]
    for part, skill in zip(made, (0.1, 0.5), strict=True):
        part.info = {"made": {"skill": skill}}
    assert otto.real_ratio_of(otto.Config(real_ratio=0.6), made) == pytest.approx(1 - 0.4 * 0.3)
    assert otto.real_ratio_of(otto.Config(real_ratio=0.6, correction="none"), made) == 0.6
    assert otto.real_ratio_of(otto.Config(real_ratio=1.0), []) == 1
    made[0].info["made"]["skill"], made[1].info["made"]["skill"] = 0.0, 0.018
    assert otto.real_ratio_of(otto.Config(real_ratio=0.6), made) == 1, "so little comes by chance"


def test_otto_is_its_base_where_nothing_can_be_foretold():
    """Bit for bit: the same minibatches."""
    data, config = linear_data(), otto.Config(base="iql").base_config()
    scaling = Scaling([0.0] * 2, [1.0] * 2, [-1.0], [1.0])
    first, second = (
        otto.mixture_of(data, made, 1.0, config, 0, "cpu")(scaling, PLAIN) for made in ([], [linear_data()])
    )
    for _ in range(3):
        one, other = first.sample(), second.sample()
        assert all(torch.equal(one[key], other[key]) for key in one)


def test_rows_of_generated_teams_fit_those_of_recorded_ones():
    data = team(4, 5)
    rows = Transitions(data, Scaling([0.0] * 5, [1.0] * 5, [], []))
    assert rows.pick(torch.arange(3))["next_masks"].shape == (9, 4)


# --- settings ---


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"base": "iqll"}, "unknown algo.base 'iqll'. Did you mean 'iql'"),
        ({"base": "ippo"}, "unknown algo.base 'ippo'"),
        ({"base": "mopo"}, "unknown algo.base 'mopo'"),
        ({"kwargs": {"batch_size": "many"}}, "batch_size=many"),
        ({"ensemble_size": 1}, "algo.ensemble_size=1: one"),
        ({"kwargs": {"alhpa": 1}}, "unknown setting of algo.base=td3_bc 'alhpa'. Did you mean 'alpha'"),
        ({"starts": "best"}, "algo.starts=best: one of uniform, top, softmax"),
        ({"real_ratio": 1.5}, "algo.real_ratio=1.5"),
        ({"horizon": 1}, "algo.horizon=1: 0, or at least 2"),
    ],
)
def test_settings_that_do_not_exist(settings, words):
    with pytest.raises(BadInput, match=words):
        otto.Config(**settings)
