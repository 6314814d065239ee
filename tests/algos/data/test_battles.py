"""Recorded battles: whole episodes, equally many of each world, legal actions, and teams of the skill they claim."""

import numpy as np
import pytest

import mabc
from algos.data import store
from algos.data.recipes import battles, catalogue


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """References of a handful of episodes."""
    monkeypatch.setattr(battles, "REFERENCE_WORLDS", 8)
    monkeypatch.setattr(battles, "REFERENCE_ROUNDS", 1)


def silent(_):
    pass


def tactical(env, fresh):
    return env.bot_actions("tactical")


def test_whole_episodes_and_equally_many_of_each_world():
    dataset = battles.collect("skirmish-2v2", tactical, 0, steps=400, worlds=4).check()
    assert dataset.num_episodes % 4 == 0
    assert dataset.num_steps >= 400
    assert dataset.num_steps - dataset.lengths[-4:].sum() < 400  # one round less would be too few
    assert dataset.obs.shape == (dataset.num_steps + dataset.num_episodes, 2, 79)
    assert dataset.extras["state"].shape == (len(dataset.obs), 69)
    ended = dataset.terminals[dataset.starts[1:] - 1]
    assert (ended | (dataset.lengths == mabc.scenario("skirmish-2v2").max_steps)).all()


def test_episodes_are_what_the_environment_gives():
    """The native interface, which resets by itself, played with the recorded actions."""
    dataset = battles.collect("skirmish-2v2", tactical, 3, worlds=2, rounds=2)
    env = mabc.make_batch("skirmish-2v2", num_envs=2, seed=3)
    obs, info = env.reset(seed=3)
    at, episode = [0, 0], [0, 1]  # step within the episode that each world plays; its number
    while min(episode) < 4:
        actions = np.zeros((2, 2), np.int64)
        for b in range(2):
            if episode[b] >= 4:
                continue
            e = episode[b]
            row = dataset.starts[e] + e + at[b]
            np.testing.assert_array_equal(dataset.obs[row], obs[b])
            np.testing.assert_array_equal(dataset.masks[row], env.action_mask()[b])
            np.testing.assert_array_equal(dataset.alive[row], info["alive"][b])
            np.testing.assert_array_equal(dataset.extras["state"][row], env.state()[b])
            actions[b] = dataset.actions[dataset.starts[e] + at[b]]
        obs, reward, terminated, truncated, info = env.step(actions)
        for b in range(2):
            if episode[b] >= 4:
                continue
            e = episode[b]
            step = dataset.starts[e] + at[b]
            assert dataset.rewards[step] == reward[b, 0]
            assert dataset.terminals[step] == terminated[b]
            at[b] += 1
            if terminated[b] or truncated[b]:
                assert step + 1 == dataset.starts[e + 1]
                np.testing.assert_array_equal(dataset.obs[step + e + 1], info["final_obs"][b])
                np.testing.assert_array_equal(dataset.extras["state"][step + e + 1], info["final_state"][b])
                assert dataset.extras["success"][e] == info["success"][b, 0]
                at[b], episode[b] = 0, e + 2
    env.close()


def test_actions_are_legal_and_the_dead_are_masked():
    for kind in ("random", "medium"):
        act, _ = battles.player("skirmish-2v2", kind, 0)
        dataset = battles.collect("skirmish-2v2", act, 1, worlds=4, rounds=1)
        masks = dataset.masks[dataset.rows]
        assert np.take_along_axis(masks, dataset.actions[..., None], -1).all()
        dead = ~dataset.alive[dataset.rows]
        assert dead.any()
        assert (masks[dead].sum(-1) == 1).all()
        assert len(np.unique(dataset.actions)) == 10


def test_random_is_uniform_among_the_legal():
    mask = np.zeros((4_000, 1, 10), bool)
    mask[..., [2, 5, 7]] = True
    counts = np.bincount(battles.legal(mask, np.random.default_rng(0)).ravel(), minlength=10)
    assert counts[[2, 5, 7]].min() > 1_200
    assert counts.sum() == counts[[2, 5, 7]].sum()


def test_entities_are_those_of_the_environment(tmp_path):
    dataset = catalogue.make("skirmish-2v2-expert-entities", steps=30, progress=silent)
    rows, E = len(dataset.obs), 4
    assert dataset.extras["entities/tanks"].shape == (rows, 2, E, 29)
    assert dataset.extras["entities/tanks/mask"].shape == (rows, 2, E)
    env = mabc.make_batch("skirmish-2v2", num_envs=1)
    env.reset(seed=0)
    np.testing.assert_array_equal(dataset.extras["entities/tanks"][0], env.observe("entities")["tanks"][0][0])
    assert (tmp_path / "data" / "skirmish-2v2-expert-entities.safetensors").is_file()


def test_mixed_is_made_of_four_and_kept_to_the_bit(same):
    lines = []
    dataset = catalogue.make("scout-2v2-mixed", steps=200, progress=lines.append)
    same(store.load(store.path_of("scout-2v2-mixed")), dataset)
    assert list(dataset.info["made"]["parts"]) == ["random", "medium", "expert", "tactical"]
    assert np.unique(dataset.extras["part"]).tolist() == [0, 1, 2, 3]
    assert dataset.info["made"]["parts"]["expert"]["who"].startswith("zoo:scout-2v2")
    assert dataset.info["env"]["scenario"] == "scout-2v2"
    assert dataset.info["references"]["random"] < dataset.info["references"]["expert"]
    assert any("win rate" in line for line in lines)
    again = catalogue.make("scout-2v2-mixed", steps=200, progress=silent)
    same(again, dataset)
    other = catalogue.make("scout-2v2-mixed", steps=200, seed=1, progress=silent)
    assert other.obs.tobytes() != dataset.obs.tobytes()


def test_who_is_the_expert():
    assert battles.zoo_team("scout-2v2") == "zoo:scout-2v2"
    assert battles.zoo_team("defend-2") is None  # tactical is better than the trained team
    assert battles.zoo_team("skirmish-2v2") is None
    assert battles.player("defend-2", "expert", 0)[1] == "tactical"


def test_a_sampled_team_leaves_torch_as_it_was():
    import torch

    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    threads = torch.get_num_threads()
    act, _ = battles.player("scout-2v2", "expert", 0)
    battles.collect("scout-2v2", act, 0, worlds=2, rounds=1)
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize("scenario", ["skirmish-3v3", "defend-2"])
def test_medium_is_between_random_and_expert(scenario):
    wins = {}
    for kind in ("random", "medium", "expert"):
        act, _ = battles.player(scenario, kind, 0)
        rounds = {"skirmish-3v3": 4, "defend-2": 2}[scenario]
        wins[kind] = battles.collect(scenario, act, 9, worlds=24, rounds=rounds).extras["success"].mean()
    assert wins["random"] + 0.1 < wins["medium"] < wins["expert"] - 0.1


def test_every_scenario_with_one_learning_team_has_datasets():
    names = battles.names()
    assert {"skirmish-3v3-mixed", "defend-2-expert", "siege-3v3-medium", "scout-2v2-random-entities"} <= set(names)
    assert not [name for name in names if name.startswith("versus-2v2")]
    assert battles.split("skirmish-5v6-maps-expert-entities") == ("skirmish-5v6-maps", "expert", True)
