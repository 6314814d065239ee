"""PPO: the loss against numbers worked out by hand, and environments that only correct code solves."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from algos.backbones.heads import Categorical
from algos.common import checkpoint
from algos.common.optim import set_device_rng
from algos.common.returns import representatives
from algos.common.run import Run
from algos.evaluation.episodes import play_episodes
from algos.online import ppo
from algos.online.agent import spec_of
from algos.online.rollout import EpisodeStats
from tests.toy_env import ToyEnv, make

pytestmark = pytest.mark.usefixtures("one_thread")


def doubles(*arrays):
    return [torch.tensor(x, dtype=torch.float64) for x in arrays]


def loss_of(config, log_prob, value, old_value, advantage, target, weight=None, entropy=(0.5, 0.5)):
    """The whole loss, of which both halves of an update have their gradients, and its metrics."""
    weight = None if weight is None else torch.tensor(weight)
    policy, metrics = ppo.policy_loss(*doubles(log_prob, entropy, (0.0, 0.0), advantage), weight, config)
    of_value = ppo.value_loss(*doubles(value, old_value, target), weight, config)
    return policy + config.vf_coef * of_value, metrics | {"loss/value": of_value}


def test_loss_by_hand():
    config = ppo.Config(clip_coef=0.2, vf_coef=0.5, ent_coef=0.1, clip_vloss=False, huber_delta=0)
    # ratios 1.5 and 0.5. advantage 1: min(1.5, 1.2) = 1.2; advantage -1: min(-0.5, -0.8) = -0.8; mean 0.2
    # value errors 1 and 2: halves of squares 0.5 and 2, mean 1.25
    loss, metrics = loss_of(config, (math.log(1.5), math.log(0.5)), (1, 2), (0, 0), (1, -1), (0, 0))
    assert metrics["loss/policy"].item() == pytest.approx(-0.2)
    assert metrics["loss/value"].item() == pytest.approx(1.25)
    assert loss.item() == pytest.approx(-0.2 + 0.5 * 1.25 - 0.1 * 0.5)
    assert metrics["loss/clip_fraction"].item() == 1
    kl = ((0.5 - math.log(1.5)) + (-0.5 - math.log(0.5))) / 2
    assert metrics["loss/approx_kl"].item() == pytest.approx(kl)


def test_clipped_and_huber_value_loss_by_hand():
    config = ppo.Config(clip_coef=0.2, clip_vloss=True, huber_delta=1.0)
    # new value 1 from old 0 is clipped to 0.2; target 1: errors 0 and -0.8, the larger counts: 0.32
    # second: value 3 from 3, target 0: error 3 beyond delta 1: 3 - 0.5 = 2.5
    _, metrics = loss_of(config, (0.0, 0.0), (1, 3), (0, 3), (0, 0), (1, 0))
    assert metrics["loss/value"].item() == pytest.approx((0.32 + 2.5) / 2)


def test_the_dead_do_not_count():
    config = ppo.Config(clip_vloss=False)
    both = loss_of(config, (0.1, 5.0), (1, 9), (0, 0), (1, 7), (0, 0), weight=(1.0, 0.0), entropy=(0.5, 9.0))
    alone = loss_of(config, (0.1, 0.1), (1, 1), (0, 0), (1, 1), (0, 0), entropy=(0.5, 0.5))
    assert both[0].item() == pytest.approx(alone[0].item())


def test_representatives_count_for_the_value_alone():
    config = ppo.Config(clip_vloss=False, vf_coef=0.5, ent_coef=0.1, huber_delta=0)
    # policy and entropy of the first alone; value errors 1 and 2: halves of squares 0.5 and 2
    of_actor, of_critic = doubles((0.0, 5.0), (0.5, 9.0), (0.0, 0.0), (1.0, 7.0)), doubles((1, 2), (0, 0), (0, 0))
    loss, _ = ppo.policy_loss(*of_actor, torch.tensor((1.0, 0.0)), config)
    assert loss.item() == pytest.approx(-1 - 0.1 * 0.5)
    assert ppo.policy_loss(*of_actor, torch.zeros(2), config)[0].item() == 0, "nobody alive"
    assert ppo.value_loss(*of_critic, torch.ones(2), config).item() == pytest.approx(1.25)


@pytest.mark.parametrize("recurrent", [False, True])
def test_an_update_knows_who_lives_and_who_represents(recurrent):
    """Of three rows one is a representative's: its action moves no weight of the actor, its value does the critic's."""
    config = ppo.Config(hidden_size=4, recurrent=recurrent, chunk_length=1, clip_vloss=False)
    views = {"vector": [[2], "float32"], "state": [[1], "float32"]}
    agent = ppo.Agent({"views": views, "agents": 3, "actions": 3, "action_dims": 0}, config)

    def gradients(**changes):
        torch.manual_seed(0)
        batch = {name: torch.randn(1, 3) for name in ("log_probs", "values", "advantages", "returns")}
        batch |= {"views": {"vector": torch.randn(1, 3, 2)}, "masks": torch.ones(1, 3, 3, dtype=torch.bool)}
        batch |= {"actions": torch.tensor([[0, 1, 2]]), "value_weight": torch.ones(1, 3)}
        batch |= {"weight": torch.tensor([[1.0, 1.0, 0.0]]), "first": torch.zeros(1, 3, dtype=torch.bool)}
        batch |= {"actor_hidden": torch.zeros(3, 4), "critic_hidden": torch.zeros(3, 4)}
        for name, value in changes.items():
            batch[name][0, 2] = value
        agent.zero_grad()
        ppo.actor_gradients(agent, batch)
        ppo.critic_gradients(agent, batch)
        return [torch.cat([p.grad.flatten() for p in net.parameters()]) for net in (agent.actor, agent.critic)]

    actor, critic = gradients()
    assert torch.equal(gradients(actions=0, advantages=9.0)[0], actor)
    assert not torch.allclose(gradients(returns=9.0)[1], critic)


def test_gradient_stops_where_the_ratio_is_clipped():
    log_prob = torch.tensor([math.log(1.5), math.log(1.1)], requires_grad=True)
    zeros = torch.zeros(2)
    loss, _ = ppo.policy_loss(log_prob, zeros, zeros, torch.ones(2), None, ppo.Config())
    loss.backward()
    assert log_prob.grad[0] == 0
    assert log_prob.grad[1] == pytest.approx(-1.1 / 2)


def test_masked_actions_are_never_drawn_and_frequencies_are_right():
    torch.manual_seed(0)
    logits = torch.tensor([[math.log(0.25), math.log(0.75), 50.0]]).expand(40_000, 3)
    mask = torch.tensor([[True, True, False]]).expand(40_000, 3)
    action, log_prob = Categorical().sample(logits, mask)
    assert action.max() == 1
    assert action.float().mean().item() == pytest.approx(0.75, abs=0.01)
    again, entropy = Categorical().log_prob_entropy(logits, mask, action)
    torch.testing.assert_close(again, log_prob)
    assert entropy[0].item() == pytest.approx(-(0.25 * math.log(0.25) + 0.75 * math.log(0.75)), abs=1e-5)


def learn(folder, config, steps, tree=None, **kwargs):
    """Train on a toy; returns the success rate of the greedy policy."""
    env = make(16, **kwargs)
    run_config = {"seed": 1, "total_steps": steps, "device": "cpu", "env": {}, "algo": {}}
    (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    run = Run(folder, run_config, tree)
    policy = ppo.train(config, env, run)
    run.log.close()
    return play_episodes(make(64, **kwargs), policy, 128)["success"].mean()


SMALL = {"hidden_size": 32, "num_steps": 16, "lr": 5e-3, "num_minibatches": 2, "threads": 1}


@pytest.mark.parametrize(
    ("changes", "kwargs"),
    [
        ({}, {}),
        ({"centralised": True}, {"cut": True}),
        ({"recurrent": True, "agent_id": True}, {"length": 5}),
        ({"activation": "tanh", "norm_obs": True, "clip_vloss": False, "huber_delta": 0.0}, {}),
        ({"norm_value": False, "norm_adv": False, "target_kl": 0.05, "anneal_lr": False}, {}),
    ],
)
def test_match(tmp_path, changes, kwargs):
    assert learn(tmp_path, ppo.Config(**{**SMALL, **changes}), 16 * 16 * 50, **kwargs) > 0.95


def test_agents_that_die_are_no_obstacle(tmp_path):
    learn(tmp_path, ppo.Config(**SMALL), 16 * 16 * 50, death=0.2)
    policy = ppo.load_policy(*saved(tmp_path))
    alive_and_well = play_episodes(make(64), policy, 128)["success"].mean()
    assert alive_and_well > 0.95


def saved(folder):
    return dict(SMALL), checkpoint.load(checkpoint.find(folder))["state"]


@pytest.mark.parametrize(("recurrent", "low", "high"), [(True, 0.95, 1.0), (False, 0.0, 0.4)])
def test_only_a_memory_solves_memory(tmp_path, recurrent, low, high):
    config = ppo.Config(**{**SMALL, "recurrent": recurrent, "gamma": 1.0})
    rate = learn(tmp_path, config, 16 * 16 * (80 if recurrent else 20), kind="memory", num_agents=1, length=4)
    assert low <= rate <= high


def shared(values, alive, rewards, ended, gamma, gae_lambda):
    """Advantages and returns [T][N] of a team of two in one world, which passes what it is given."""
    alive = np.array(alive, bool)[:, None]
    rollout = SimpleNamespace(
        env=SimpleNamespace(agent_teams=np.ones(2), metadata={"shared_reward": True}),
        alive=alive,
        valued=alive | representatives(alive, np.ones(2)),
        rewards=np.repeat(np.array(rewards, np.float32), 2).reshape(-1, 1, 2),
        terminated=np.array(ended, bool)[:, None],
        truncated=np.zeros((len(ended), 1), bool),
    )
    config = ppo.Config(gamma=gamma, gae_lambda=gae_lambda)
    values = np.array(values, np.float32)[:, None]
    result = ppo.advantages_and_returns(rollout, values, np.zeros_like(values[1:]), config)
    return [x[:, 0] for x in result]


def test_a_dead_team_that_is_to_lose():
    """Wholly dead from t = 2 on, -1 at the end; 9: rows that nobody computed."""
    values = [[0.2, 0.4], [9, 0.6], [-0.5, 9], [-0.8, 9], [0.3, 0.3]]
    alive = [[1, 1], [0, 1], [0, 0], [0, 0], [1, 1]]
    advantages, _ = shared(values, alive, [0, 0, 0, -1], [0, 0, 0, 1], gamma=1.0, gae_lambda=0.0)
    # 0.6 - 0.2 and 0.6 - 0.4; -0.5 - 0.6; -0.8 + 0.5; -1 + 0.8
    np.testing.assert_allclose(advantages, [[0.4, 0.2], [-1.1, -1.1], [-0.3, -0.3], [-0.2, -0.2]], atol=1e-6)
    _, returns = shared(values, alive, [0, 0, 0, -1], [0, 0, 0, 1], gamma=1.0, gae_lambda=1.0)
    np.testing.assert_allclose(returns, -1, atol=1e-6)


def test_a_dead_team_that_comes_back():
    """Wholly dead at t = 1, back at t = 2, and dead again when the rollout ends."""
    values = [[0.4, 0.4], [0.1, 9], [9, 0.5], [0.7, 9]]
    advantages, _ = shared(values, [[1, 1], [0, 0], [0, 1], [0, 0]], [0, 0, 0], [0, 0, 0], gamma=0.5, gae_lambda=0.5)
    # deltas: 0.5*0.1 - 0.4 = -0.35; 0.5*0.5 - 0.1 = 0.15; 0.5*0.7 - 0.5 = -0.15; the rest is 0.25 of the next
    expected = [-0.35 + 0.25 * (0.15 - 0.25 * 0.15), 0.15 - 0.25 * 0.15, -0.15]
    np.testing.assert_allclose(advantages, np.repeat(expected, 2).reshape(3, 2), atol=1e-6)


class Doomed(ToyEnv):
    """All die in the second of eight steps; at the end their team gets -1."""

    def step(self, actions):
        obs, _, terminated, truncated, info = super().step(actions)
        self.arrays["alive"] &= (self.arrays["step"] < 2)[:, None]
        self._observe()
        return obs, np.repeat(-terminated[:, None].astype(np.float32), self.num_agents, 1), terminated, truncated, info


@pytest.mark.parametrize("recurrent", [False, True])
def test_what_a_dead_team_will_get_is_learned(recurrent):
    """Rollouts of four steps: -1 lies in one in which nobody lives, and must reach the other through the critic."""
    env = Doomed(8, length=8)
    config = ppo.Config(
        num_steps=4, gamma=1.0, hidden_size=16, lr=1e-2, anneal_lr=False, recurrent=recurrent, chunk_length=4
    )
    learner = ppo.Learner(config, env, SimpleNamespace(seed=0, total_steps=1, state=None, config={"device": "cpu"}))
    for _ in range(80):
        learner.iterate()
    for _ in range(2):
        learner.iterate()
        values, _, _ = ppo.compute_values(learner.agent, learner.rollout, learner.critic_hidden)
        found = learner.value_norm.denormalise(values)[:-1][learner.rollout.valued[:-1]]
        np.testing.assert_allclose(found, -1, atol=0.15)


def test_dead_rows_are_not_in_the_batch():
    env = make(5, death=0.1)
    config = ppo.Config(num_steps=8)
    learner = ppo.Learner(config, env, SimpleNamespace(seed=0, total_steps=1, state=None, config={"device": "cpu"}))
    rollout = learner.rollout
    rollout.collect(learner.act, torch.zeros(15, 1), EpisodeStats())
    values, final, _ = ppo.compute_values(learner.agent, rollout, torch.zeros(15, 1))
    batch = rollout.batch(values[:-1], *ppo.advantages_and_returns(rollout, values, final, config))
    living, valued = rollout.alive[:-1], rollout.valued[:-1]
    assert living.sum() < batch["log_probs"].shape[1] == valued.sum() < living.size
    assert ((valued & ~living).sum(-1) == ~living.any(-1)).all(), "one representative where nobody lives"
    torch.testing.assert_close(batch["views"]["vector"][0], rollout.seen["vector"][:-1][torch.from_numpy(valued)])
    torch.testing.assert_close(batch["values"][0].numpy(), values[:-1][valued])
    assert batch["weight"][0].numpy().tolist() == living[valued].tolist()
    assert batch["value_weight"].all()


def test_hidden_states_of_chunks_are_those_of_the_rollout():
    """Before an update the networks give on chunks what they gave in the rollout, over episode ends too."""
    env = make(3, length=5, cut=True, death=0.1)
    config = ppo.Config(num_steps=16, chunk_length=4, recurrent=True, centralised=True, hidden_size=8)
    learner = ppo.Learner(config, env, SimpleNamespace(seed=0, total_steps=1, state=None, config={"device": "cpu"}))
    agent, rollout = learner.agent, learner.rollout
    actor_hidden = critic_hidden = torch.zeros(9, 8)
    for _ in range(2):
        actor_hidden = rollout.collect(learner.act, actor_hidden, EpisodeStats())
        values, final, critic_hidden = ppo.compute_values(agent, rollout, critic_hidden)
    assert (final != 0).any()
    advantages, returns = ppo.advantages_and_returns(rollout, values, final, config)
    batch = rollout.batch(values[:-1], advantages, returns)
    out, _ = agent.actor(batch["views"], batch["actor_hidden"], batch["first"])
    log_prob, _ = agent.head.log_prob_entropy(out, batch["masks"], batch["actions"])
    torch.testing.assert_close(log_prob, batch["log_probs"], atol=1e-5, rtol=1e-5)
    value, _ = agent.critic(batch["views"], batch["critic_hidden"], batch["first"])
    torch.testing.assert_close(value[..., 0], batch["values"], atol=1e-5, rtol=1e-5)


def test_continuous_actions_learn(tmp_path):
    """Pendulum's cost falls below that of doing nothing."""
    from algos.adapters import make_env

    env = make_env({"name": "gym", "id": "Pendulum-v1", "num_envs": 8, "kwargs": {}})
    (tmp_path / "checkpoints").mkdir()
    run = Run(tmp_path, {"seed": 0, "total_steps": 2048, "device": "cpu", "env": {}, "algo": {}})
    policy = ppo.train(ppo.Config(norm_obs=True, num_steps=64, threads=1), env, run)
    run.log.close()
    actions, _ = policy(np.zeros((8, 1, 3), np.float32), env.action_mask())
    assert actions.shape == (8, 1, 1)


class Both(ToyEnv):
    """An episode's last step ends the task and reaches the time limit at once."""

    def step(self, actions):
        obs, reward, terminated, _, info = super().step(actions)
        return obs, reward, terminated, terminated.copy(), info


def test_an_end_in_the_very_step_of_the_time_limit():
    env = Both(4, length=3)
    run = SimpleNamespace(seed=0, total_steps=99, state=None, config={"device": "cpu"})
    learner = ppo.Learner(ppo.Config(hidden_size=8, num_steps=8, num_minibatches=1), env, run)
    learner.iterate()
    assert not learner.rollout.cuts, "what ended is worth nothing afterwards"


@pytest.mark.parametrize(("obs", "state"), [("planes", "rgb"), ("rgb", "planes")])
@pytest.mark.parametrize("centralised", [False, True])
def test_pictures_go_through(tmp_path, obs, state, centralised):
    from algos.adapters import make_env

    settings = {"scenario": "solo", "sight": 16, "max_steps": 5, "obs": obs, "state": state}
    env = make_env({"name": "mabc", "num_envs": 2, **settings})
    (tmp_path / "checkpoints").mkdir()
    run = Run(tmp_path, {"seed": 0, "total_steps": 32, "device": "cpu", "env": {}, "algo": {}})
    policy = ppo.train(ppo.Config(centralised=centralised, hidden_size=8, encoder="cnn"), env, run)
    run.log.close()
    actions, _ = policy(env.reset()[0], env.action_mask())
    assert actions.shape == (2, 1)


def test_a_policy_of_numbered_agents_plays_the_first_seats_alone():
    agent = ppo.Agent(spec_of(make(1)), ppo.Config(agent_id=True, hidden_size=8))
    env = make(4)
    obs, _ = env.reset(seed=0)
    policy = ppo.Policy(agent)
    both, _ = policy(obs[:, :2], env.action_mask()[:, :2])
    assert both.tolist() == policy(obs, env.action_mask())[0][:, :2].tolist()


def test_win_rates_of_self_play_are_not_told():
    ended = np.array([True, True, False])
    outcomes = np.array([0, 2, -1])
    info = {"episode_return": np.ones((3, 2)), "episode_length": np.full(3, 7), "outcome": outcomes}
    info["success"] = outcomes[:, None] == [1, 2]
    for teams, shown in (([1, 1], "episode/win_rate"), ([1, 2], "episode/draw_rate")):
        episodes = EpisodeStats()
        episodes.add(ended, info)
        env = SimpleNamespace(agent_teams=np.array(teams), metadata={})
        report = episodes.report(env)
        assert set(report) == {"episode/return", "episode/length", "episode/count", shown}
    assert report["episode/draw_rate"] == 0.5
    env.metadata = {"outcomes": False}
    assert set(episodes.report(env)) == {"episode/return", "episode/length", "episode/count"}


def test_the_random_stream_of_a_gpu_is_in_the_checkpoint(monkeypatch):
    streams = {}
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda device: torch.tensor([7], dtype=torch.uint8))
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state, device: streams.update({device: state.tolist()}))
    run = SimpleNamespace(seed=0, total_steps=1, state=None, config={"device": "cpu"})
    learner = ppo.Learner(ppo.Config(hidden_size=8), make(2), run)
    assert learner.state()["device_rng"] is None
    learner.device = "cuda:1"
    kept = learner.state()["device_rng"]
    set_device_rng("cpu", kept)
    assert not streams
    set_device_rng("cuda:1", kept.numpy())
    assert streams == {"cuda:1": [7]}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_resumed_on_a_gpu_is_bit_exact():
    def learner(state=None):
        run = SimpleNamespace(seed=0, total_steps=10**6, state=state, config={"device": "cuda"})
        return ppo.Learner(ppo.Config(**SMALL), make(16, death=0.1), run)

    first = learner()
    first.iterate()
    second = learner(checkpoint.unpack(*checkpoint.pack(first.state())))
    for each in (first, second):
        for _ in range(3):
            each.iterate()
    left, right = (checkpoint.pack(each.state())[0] for each in (first, second))
    for name in left:
        np.testing.assert_array_equal(left[name], right[name], err_msg=name)


@pytest.mark.parametrize(
    "changes",
    [{}, {"centralised": True, "agent_id": True}, {"recurrent": True, "norm_obs": True}, {"norm_value": False}],
)
def test_explain_is_what_training_computes(changes):
    """Step by step over a rollout, memories cleared where episodes begin: the same values and probabilities."""
    env = make(6, length=5)
    config = ppo.Config(**{**SMALL, **changes})
    learner = ppo.Learner(config, env, SimpleNamespace(seed=0, total_steps=99, state=None, config={"device": "cpu"}))
    for _ in range(3):
        learner.iterate()
    rollout, policy = learner.rollout, learner.policy()
    memory, critic_memory = (x.numpy().copy().reshape(6, 3, -1) for x in (learner.actor_hidden, learner.critic_hidden))
    learner.actor_hidden = rollout.collect(learner.act, learner.actor_hidden, learner.episodes)
    values, _, _ = ppo.compute_values(learner.agent, rollout, learner.critic_hidden)
    values = learner.value_norm.denormalise(values)
    for t in range(config.num_steps):
        if config.recurrent:
            memory[rollout.first[t]] = critic_memory[rollout.first[t]] = 0
        else:
            memory = critic_memory = None
        obs, mask = rollout.seen["vector"][t].numpy(), rollout.masks[t].numpy()
        states = rollout.seen["state"][t].numpy() if config.centralised else None
        found, critic_memory = policy.explain(obs, mask, memory, states, critic_memory)
        chosen = np.take_along_axis(found["probs"], rollout.actions[t].numpy()[..., None], -1)[..., 0]
        np.testing.assert_allclose(found["value"], values[t], atol=1e-5)
        np.testing.assert_allclose(chosen, rollout.log_probs[t].exp().numpy(), atol=1e-5)
        actions, memory = policy(obs, mask, memory)
        np.testing.assert_array_equal(actions, found["probs"].argmax(-1))


def test_continuous_actions_have_no_probabilities():
    views = {"vector": [[2], "float32"], "state": [[2], "float32"]}
    agent = ppo.Agent({"views": views, "agents": 1, "actions": 0, "action_dims": 3}, ppo.Config(hidden_size=4))
    found, _ = ppo.Policy(agent).explain(np.zeros((5, 1, 2)), np.ones((5, 1, 0), bool), None, np.zeros((5, 2)))
    assert list(found) == ["value"]
    assert found["value"].shape == (5, 1)
