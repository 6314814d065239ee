"""Offline algorithms: losses by hand, values that only the right targets give, tasks that only learning solves."""

import math

import numpy as np
import pytest
import torch

from algos.backbones import stacked
from algos.common.config import algo_keys, data_use
from algos.common.errors import BadInput
from algos.offline import bc, cql, iql, loop, rebrac, sac, td3, td3_bc
from algos.offline.loop import evaluate, scaling_of
from algos.offline.minibatches import Minibatches, Scaling, Transitions, discounted_returns, reward_scale, team_next
from algos.offline.policy import Policy
from tests.algos.offline.offline_data import Space, for_ever, reach, team
from tests.toy_env import make as make_toy

CONTINUOUS = {"bc": bc, "td3_bc": td3_bc, "iql": iql, "cql": cql, "rebrac": rebrac}
DISCRETE = {"bc": bc, "iql": iql, "cql": cql}


def learn(module, data, space, updates, seeds=1, **settings):
    """A learner after some updates, and its scaling."""
    torch.manual_seed(0)
    config = module.Config(**{"seeds": seeds, "hidden_size": 32, "batch_size": 64, "lr": 3e-3, **settings})
    scaling = scaling_of(data, space, config)
    learner = module.make_learner(config, loop.sizes_of(data, space), updates)
    sampler = Minibatches([Transitions(data, scaling)], seeds, config.batch_size, 0, learner.next_actions)
    for _ in range(updates):
        learner.update(sampler.sample())
    return learner, scaling


# --- losses, by hand ---


def test_expectile_loss():
    found = iql.expectile_loss(torch.tensor([2.0, -1.0, 0.0]), 0.7)
    torch.testing.assert_close(found, torch.tensor([0.7 * 4, 0.3 * 1, 0.0]))


def test_weights_of_imitation_are_bounded():
    found = iql.imitation_weight(torch.tensor([0.0, 1.0, 50.0, -50.0]), 3.0)
    torch.testing.assert_close(found, torch.tensor([1.0, math.exp(3), 100.0, 0.0]))


def test_clipped_double_q_target():
    next_q = torch.tensor([[[3.0, 5.0], [2.0, 7.0]]])  # [S = 1, C = 2, M = 2]
    found = td3.td_target(torch.tensor([[1.0, -1.0]]), torch.tensor([[0.0, 1.0]]), next_q, 0.9)
    torch.testing.assert_close(found, torch.tensor([[1 + 0.9 * 2, -1.0]]))


def test_critic_loss_sums_over_critics_and_seeds():
    q = torch.tensor([[[1.0, 2.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 4.0]]])
    found = td3.critic_loss(q, torch.tensor([[1.0, 0.0], [0.0, 0.0]]))
    assert found.item() == pytest.approx((0 + 4) / 2 + (1 + 0) / 2 + 0 + (0 + 16) / 2)


def test_td3_bc_actor_loss():
    q = torch.tensor([[1.0, -3.0]])  # mean |Q| = 2, lambda = 2.5 / 2
    actions, recorded = torch.tensor([[[0.5], [0.0]]]), torch.tensor([[[0.0], [1.0]]])
    found = td3_bc.actor_loss(q, actions, recorded, 2.5)
    assert found.item() == pytest.approx(-1.25 * (-1.0) + (0.25 + 1) / 2)


def test_rebrac_losses():
    next_q = torch.tensor([[[3.0], [4.0]]])
    target = rebrac.penalised_target(torch.ones(1, 1), torch.zeros(1, 1), next_q, torch.full((1, 1), 2.0), 0.5, 0.9)
    assert target.item() == pytest.approx(1 + 0.9 * (3 - 0.5 * 2))
    found = rebrac.actor_loss(torch.tensor([[1.0, 3.0]]), torch.tensor([[4.0, 0.0]]), 0.1)
    assert found.item() == pytest.approx(0.1 * 2 - 1)


def test_conservative_gap():
    values = torch.tensor([[[[0.0, math.log(3.0)]]]])  # log(1 + 3)
    found = cql.conservative_gap(values, torch.tensor([[[1.0]]]))
    assert found.item() == pytest.approx(math.log(4) - 1)


def test_soft_target():
    """The lesser of two critics, with and without what the entropy is worth; nothing behind an end."""
    rewards, terminals = torch.tensor([[1.0, 1.0]]), torch.tensor([[0.0, 1.0]])
    next_q = torch.tensor([[[3.0, 5.0], [2.0, 7.0]]])  # [S = 1, C = 2, M = 2]
    log_prob, temperature = torch.tensor([[-4.0, 9.0]]), torch.tensor([[0.5]])
    found = sac.soft_target(rewards, terminals, next_q, log_prob, temperature, 0.9)
    torch.testing.assert_close(found, torch.tensor([[1 + 0.9 * (2 + 0.5 * 4), 1.0]]))
    found = sac.soft_target(rewards, terminals, next_q, None, temperature, 0.9)
    torch.testing.assert_close(found, torch.tensor([[1 + 0.9 * 2, 1.0]]))


@pytest.mark.parametrize(("log_std", "grows"), [(-5.0, True), (0.5, False)])
def test_the_temperature_holds_the_entropy_at_its_target(log_std, grows):
    """Actions that are nearly fixed make entropy worth more, nearly uniform ones (entropy log 2 > -1) less."""
    learner, _ = learn(cql, reach(), Space(), 0)
    for parameter in learner.actor.parameters():
        parameter.data.zero_()
    learner.actor.net.head.bias.data[..., 1] = log_std
    learner.update_actor({"obs": torch.zeros(1, 64, 1)})
    assert (learner.temperature["log"].item() > 0) == grows
    assert learner.temperature["log"].item() != 0


def test_sampled_values_are_of_each_rows_own_actions():
    """With Q = 10 s + a and a policy that does s / 100 in s, with log-density s: the value less the density."""

    class Does:
        def sample(self, obs, repeats):
            rows = obs.repeat_interleave(repeats, 1)
            return rows / 100, rows[..., 0]

    learner, _ = learn(cql, reach(), Space(), 0, num_samples=2)
    learner.actor, learner.critics = Does(), lambda obs, actions: (10 * obs + actions)[:, None, :, 0]
    obs, after = torch.tensor([[[1.0], [2.0], [3.0]]]), torch.tensor([[[4.0], [5.0], [6.0]]])
    found = learner.sampled_values({"obs": obs, "next_obs": after})  # [1, 1, 3, 3 sources x 2]
    assert found.shape == (1, 1, 3, 6)
    uniform, here, later = found[0, 0].view(3, 3, 2).unbind(1)
    s, t = obs[0], after[0]
    torch.testing.assert_close(here, (10 * s + s / 100 - s).expand(3, 2))
    torch.testing.assert_close(later, (10 * s + t / 100 - t).expand(3, 2))
    drawn = uniform - 10 * s - math.log(2)
    assert (drawn.abs() <= 1).all()
    assert len(drawn.unique()) == 6


@pytest.mark.parametrize(("updates", "share"), [(1, 1.0), (6, 0.5), (11, 0.0)])
def test_iqls_actor_has_a_cosine_of_its_own(updates, share):
    """After half of the ten updates that the learner was made for its step size is half."""
    torch.manual_seed(0)
    config = iql.Config(hidden_size=8, batch_size=8)
    learner = iql.Learner(config, {"obs": 1, "actions": 0, "action_dims": 1, "agents": 1}, 10)
    sampler = Minibatches([Transitions(reach(), Scaling([0.0], [1.0], [-1.0], [1.0]))], 1, 8, 0)
    for _ in range(updates):
        learner.update(sampler.sample())
    assert learner.optimisers["actor"].param_groups[0]["lr"] == pytest.approx(config.lr * share, abs=1e-9)
    assert learner.optimisers["critics"].param_groups[0]["lr"] == config.lr


def test_conservative_term_is_exact_for_a_constant_value():
    """log E_uniform exp(Q - log density): for Q = c everywhere, of volume 2^k, it is c + log 2^k + log of 3 sources."""
    learner, _ = learn(cql, reach(), Space(), 0, num_samples=50)
    for parameter in learner.critics.parameters():
        parameter.data.zero_()
    learner.critics.net.head.bias.data.fill_(1.5)
    obs = torch.zeros(1, 400, 1)
    q = learner.critics(obs, torch.zeros(1, 400, 1))
    gap = learner.regulariser({"obs": obs, "next_obs": obs}, q)[0] / (2 * learner.config.alpha)  # two critics
    assert gap.item() == pytest.approx(math.log(2) + math.log(150), abs=0.1)


def test_log_density_of_squashed_actions():
    torch.manual_seed(0)
    actor = stacked.SquashedActor(1, 2, 1, [8])
    obs = torch.zeros(1, 1, 2)
    actions, log_prob = actor.sample(obs.expand(1, 20_000, 2))
    mean, log_std = actor.net(obs)[0, 0].detach()
    x = torch.atanh(actions)
    normal = torch.distributions.Normal(mean, log_std.exp())
    expected = normal.log_prob(x) - torch.log(1 - actions**2)
    torch.testing.assert_close(log_prob, expected.sum(-1), atol=1e-3, rtol=1e-3)


def test_values_of_the_dead_are_their_mates():
    values = torch.tensor([[1.0, 5.0, 3.0, 7.0, 8.0, 9.0]])  # two steps of three agents
    batch = {"next_alive": torch.tensor([[True, False, True, False, False, False]])}
    torch.testing.assert_close(team_next(values, batch, 3), torch.tensor([[1.0, 2.0, 3.0, 0.0, 0.0, 0.0]]))
    assert team_next(values, {}, 3) is values


def test_discounted_returns_stop_at_episodes():
    data = team(2, 3)
    data.rewards = np.array([1, 2, 4, 8, 16, 32], np.float32)
    np.testing.assert_allclose(discounted_returns(data, 0.5), [1 + 1 + 1, 2 + 2, 4, 8 + 8 + 8, 16 + 16, 32])
    assert reward_scale(data, 0.5) == pytest.approx(2 / (32 - 3))


# --- minibatches ---


def test_a_minibatch_holds_transitions_of_the_data():
    data = team(5, 4)
    data.obs[:] = np.arange(len(data.obs))[:, None, None] * 10 + np.arange(3)[:, None]
    config = bc.Config(norm_obs=False, seeds=2, batch_size=30)
    batch = Minibatches([Transitions(data, scaling_of(data, Space(4, 3), config))], 2, 30, 0).sample()
    assert batch["obs"].shape == (2, 30, 5)
    assert batch["masks"].shape == (2, 30, 4)
    rows, agents = np.divmod(batch["obs"][..., 0].numpy().astype(int), 10)
    np.testing.assert_array_equal(agents, np.tile(np.arange(3), 10)[None].repeat(2, 0))
    np.testing.assert_array_equal(batch["next_obs"][..., 0], (rows + 1) * 10 + agents)
    steps = rows - rows // 5  # an episode of four steps has five rows
    assert (rows % 5 < 4).all(), "no transition begins in an episode's last row"
    np.testing.assert_array_equal(batch["actions"], data.actions[steps, agents])
    np.testing.assert_array_equal(batch["terminals"], data.terminals[steps])
    np.testing.assert_array_equal(batch["alive"], data.alive[rows, agents])


def test_what_follows_is_never_read_where_it_was_not_seen():
    """Of three episodes of two steps, the first was cut off and its last row fills; in the second that was the end."""
    data = reach(6)
    data.obs, data.starts = np.arange(9, dtype=np.float32)[:, None], np.array([0, 2, 4, 6])
    data.terminals, data.end_seen = np.array([0, 0, 0, 1, 0, 0], bool), np.array([False, False, True])
    rows = Transitions(data.check(), scaling_of(data, Space(), bc.Config()))
    assert rows.steps.tolist() == [0, 2, 3, 4, 5]
    data.starts, data.obs = np.arange(7), np.zeros((12, 1), np.float32)
    data.terminals, data.end_seen = np.zeros(6, bool), np.zeros(6, bool)
    del data.episode, data.rows  # kept from before
    with pytest.raises(BadInput, match="no step of the dataset can be learned from"):
        Minibatches([Transitions(data.check(), scaling_of(data, Space(), bc.Config()))], 1, 4, 0)


def test_next_actions_stop_at_episodes():
    data = reach(50)
    rows = Transitions(data, scaling_of(data, Space(), bc.Config()))
    assert not rows.next_actions(torch.arange(50))["next_known"].any(), "episodes of one step have no next action"
    long = team(2, 3)
    found = Transitions(long, scaling_of(long, Space(4, 3), bc.Config())).next_actions(torch.arange(6))
    assert found["next_known"].tolist() == [1, 1, 0, 1, 1, 0]
    assert (found["next_actions"][:2] == torch.as_tensor(long.actions[1:3])).all()


def test_actions_are_scaled_by_their_bounds():
    data = reach(50)
    space = Space(low=-2.0, high=4.0)
    scaling = scaling_of(data, space, bc.Config())
    torch.testing.assert_close(scaling.to_unit(torch.tensor([-2.0, 1.0, 4.0])), torch.tensor([-1.0, 0.0, 1.0]))
    torch.testing.assert_close(scaling.to_env(scaling.to_unit(torch.tensor([0.3]))), torch.tensor([0.3]))


def test_unbounded_actions_are_refused():
    with pytest.raises(BadInput, match="not bounded"):
        scaling_of(reach(5), Space(high=np.inf), bc.Config())


def test_a_team_that_will_come_back_is_no_end():
    """Nobody is left behind step 0, and the game goes on: nothing is learned of it. Step 1 is the end, and stays."""
    data = team(1, 2, death=0.0)
    data.alive[1:] = False
    rows = Transitions(data, scaling_of(data, Space(4, 3), bc.Config()))
    assert rows.pick(torch.tensor([0, 1]))["alive"].tolist() == [False] * 6
    data.alive[1] = True
    rows = Transitions(data, scaling_of(data, Space(4, 3), bc.Config()))
    assert rows.pick(torch.tensor([0, 1]))["alive"].tolist() == [True] * 6


# --- seeds side by side ---


@pytest.mark.parametrize("name", ["td3_bc", "iql", "rebrac"])
def test_seeds_share_nothing(name):
    """Seed 0 learns the same, whatever its neighbour is shown."""
    module, outputs = CONTINUOUS[name], []
    for shown in (-0.9, 0.9):
        torch.manual_seed(3)
        config = module.Config(seeds=2, hidden_size=16, batch_size=32)
        learner = module.make_learner(config, {"obs": 1, "actions": 0, "action_dims": 1, "agents": 1}, 100)
        sampler = Minibatches([Transitions(reach(), Scaling([0.0], [1.0], [-1.0], [1.0]))], 2, 32, 0, name == "rebrac")
        for _ in range(20):
            batch = sampler.sample()
            batch["actions"][1] = shown
            learner.update(batch)
        outputs.append(learner.actor.greedy(torch.linspace(-1, 1, 9).view(1, 9, 1).expand(2, 9, 1)).detach())
    torch.testing.assert_close(outputs[0][0], outputs[1][0], atol=1e-6, rtol=1e-5)
    assert not torch.allclose(outputs[0][1], outputs[1][1], atol=1e-4)


# --- values: a cut is no end ---


@pytest.mark.parametrize(("terminal", "value"), [(True, 1.0), (False, 1 / (1 - 0.8))])
@pytest.mark.parametrize("name", ["td3_bc", "iql", "rebrac", "cql"])
def test_a_time_limit_is_no_end(name, terminal, value):
    settings = {"gamma": 0.8, "tau": 0.05, "norm_obs": False}
    settings |= {"norm_reward": False} if name in ("iql", "cql") else {}
    settings |= {"alpha": 0.0, "policy_lr": 1e-3} if name == "cql" else {}
    learner, _ = learn(CONTINUOUS[name], for_ever(terminal), Space(), 600, **settings)
    obs = torch.ones(1, 5, 1)
    q = learner.critics(obs, torch.linspace(-1, 1, 5).view(1, 5, 1))
    assert q.mean().item() == pytest.approx(value, rel=0.1)


@pytest.mark.parametrize(("terminal", "value"), [(True, 1.0), (False, 1 / (1 - 0.8))])
@pytest.mark.parametrize("name", ["iql", "cql"])
def test_a_time_limit_is_no_end_with_discrete_actions(name, terminal, value):
    settings = {"gamma": 0.8, "tau": 0.05, "norm_obs": False, "norm_reward": False}
    settings |= {"alpha": 0.0} if name == "cql" else {}
    data = for_ever(terminal, discrete=3)
    learner, _ = learn(DISCRETE[name], data, Space(3), 600, **settings)
    assert learner.critics.all_actions(torch.ones(1, 1, 1)).mean().item() == pytest.approx(value, rel=0.1)


# --- tasks ---

BETTER = {"td3_bc": {"alpha": 20.0}, "iql": {"beta": 20.0}, "rebrac": {}, "cql": {"alpha": 0.1, "policy_lr": 1e-3}}


def distance(learner, scaling):
    """Mean distance of the greedy action from the best one."""
    x = np.linspace(-0.7, 0.7, 31, dtype=np.float32)
    actions, _ = Policy(learner.actor, scaling, 1)(x[:, None, None], np.ones((31, 1, 0), bool))
    return np.abs(actions[:, 0, 0] - x).mean()


@pytest.mark.parametrize("name", BETTER)
def test_better_than_the_data(name):
    learner, scaling = learn(CONTINUOUS[name], reach(), Space(), 600, batch_size=128, **BETTER[name])
    assert distance(learner, scaling) < 0.15


def test_cloning_is_as_good_as_the_data():
    learner, scaling = learn(bc, reach(), Space(), 300)
    assert distance(learner, scaling) > 0.25, "random actions, imitated on average, stay near 0"


@pytest.mark.parametrize(
    ("name", "settings"), [("iql", {"beta": 60.0, "expectile": 0.5, "norm_reward": False}), ("cql", {"alpha": 0.3})]
)
def test_a_team_learns_from_random_play(name, settings):
    data = team()
    learner, scaling = learn(DISCRETE[name], data, Space(4, 3), 500, seeds=2, batch_size=384, gamma=0.1, **settings)
    env = make_toy(40, 1)
    returns, _ = evaluate(Policy(learner.actor, scaling, 2, seed=None), env)
    assert returns.reshape(2, -1).mean(1).min() > 0.85, "each of the two seeds"


def test_cloning_random_play_stays_at_chance():
    learner, scaling = learn(bc, team(), Space(4, 3), 200)
    returns, _ = evaluate(Policy(learner.actor, scaling, 1), make_toy(100, 1))
    assert returns.mean() < 0.5


def test_illegal_actions_are_never_chosen():
    for module in (bc, iql, cql):
        learner, scaling = learn(module, team(), Space(4, 3), 5)
        mask = np.zeros((50, 3, 4), bool)
        wanted = np.random.default_rng(0).integers(4, size=(50, 3))
        np.put_along_axis(mask, wanted[..., None], True, -1)
        actions, _ = Policy(learner.actor, scaling, 1)(np.zeros((50, 3, 5), np.float32), mask)
        np.testing.assert_array_equal(actions, wanted)
        actions, _ = Policy(learner.actor, scaling, 1, greedy=False)(np.zeros((50, 3, 5), np.float32), mask)
        np.testing.assert_array_equal(actions, wanted)


@torch.no_grad()
def test_actions_can_be_drawn():
    """With the odds that the actor gives them, of legal actions alone; continuous ones stay in their bounds."""
    torch.manual_seed(0)
    rows, mask = torch.zeros(1, 20_000, 2), torch.tensor([True, True, False])
    categorical = stacked.CategoricalActor(1, 2, 3, [])
    odds = categorical.log_probs(rows, mask)[0, 0].exp()
    counts = torch.bincount(categorical.draw(rows, mask)[0], minlength=3) / 20_000
    torch.testing.assert_close(counts, odds, atol=0.02, rtol=0)
    gaussian = stacked.GaussianActor(1, 2, 1, [])
    gaussian.log_std += math.log(0.5)
    mean, drawn = gaussian.greedy(rows)[0, 0].item(), gaussian.draw(rows)
    assert drawn.abs().max() == 1
    assert drawn.median().item() == pytest.approx(mean, abs=0.02)
    outside = torch.distributions.Normal(mean, 0.5).cdf(torch.tensor(-1.0))
    assert (drawn == -1).double().mean().item() == pytest.approx(outside.item(), abs=0.01)
    squashed = stacked.SquashedActor(1, 2, 1, [])
    assert squashed.draw(rows).median().item() == pytest.approx(squashed.greedy(rows)[0, 0].item(), abs=0.03)


def test_a_policy_without_a_distribution_is_always_greedy():
    learner, scaling = learn(td3_bc, reach(), Space(0, 1), 1)
    obs, mask = np.zeros((3, 1, 1), np.float32), np.zeros((3, 1, 0), bool)
    greedy, drawn = (Policy(learner.actor, scaling, 1, greedy=g)(obs, mask)[0] for g in (True, False))
    np.testing.assert_array_equal(greedy, drawn)
    assert Policy(learner.actor, scaling, 1, greedy=False).greedy, "and is called so"


# --- configuration ---


def test_keys_of_the_shared_config_come_first_and_can_be_replaced():
    keys = {key.name: key.default for key in algo_keys("rebrac")}
    assert keys["batch_size"] == "1024"
    assert keys["gamma"] == "0.99"
    assert data_use("otto") == "required"
    assert data_use("ippo") == "none"


@pytest.mark.parametrize(
    ("module", "settings", "words"),
    [
        (td3_bc, {"alpha": -1.0}, "algo.alpha=-1.0"),
        (iql, {"expectile": 1.0}, "algo.expectile=1.0: between 0 and 1"),
        (bc, {"batch_size": 0}, "algo.batch_size=0: at least 1"),
        (cql, {"tau": 2.0}, "algo.tau=2.0"),
    ],
)
def test_settings_out_of_range(module, settings, words):
    with pytest.raises(BadInput, match=words):
        module.Config(**settings)


@pytest.mark.parametrize("module", [td3_bc, rebrac])
def test_continuous_ones_refuse_discrete_actions(module):
    with pytest.raises(BadInput, match="needs continuous actions"):
        module.make_learner(module.Config(), {"obs": 1, "actions": 3, "action_dims": 0, "agents": 1}, 1)
