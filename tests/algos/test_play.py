"""Replays of trained teams: what they thought goes with them, and where the files go."""

import re
from pathlib import Path

import numpy as np
import pytest

import mabc
from algos import play
from algos.adapters import make_env
from algos.common.errors import BadInput
from algos.evaluation.episodes import evaluate_policy, play_episodes
from algos.evaluation.trained import load_run

TEAM = "zoo:skirmish-3v3"


@pytest.fixture(scope="module")
def team():
    return load_run(TEAM)


@pytest.fixture(scope="module")
def episode(team, tmp_path_factory):
    config, policy = team
    return play.record_episode(config["env"], policy, tmp_path_factory.mktemp("replays") / "game.mabc", seed=3)


def test_extras_are_what_the_policy_thinks(team, episode):
    policy, replay = team[1], mabc.load_replay(episode)
    steps = 0
    for t, env in enumerate(replay.simulate()):
        if t == replay.num_steps:
            break
        obs, mask = env.observe("vector"), env.action_mask()
        actions, _ = policy(obs, mask, None)
        thoughts, _ = policy.explain(obs, mask, None, env.state())
        alive = np.array([tank["alive"] for tank in env.world(0)["tanks"] if tank["controlled"]])
        np.testing.assert_array_equal(replay.actions[t], actions[0])
        np.testing.assert_array_equal(replay.extras["probs"][t], thoughts["probs"][0].astype(np.float16))
        value = np.where(alive, thoughts["value"][0], np.nan)
        np.testing.assert_array_equal(replay.extras["value"][t], value.astype(np.float16))
        np.testing.assert_array_equal(thoughts["probs"][0].argmax(-1), actions[0])
        assert not thoughts["probs"][~mask].any()
        steps += 1
    assert steps == replay.num_steps > 5
    np.testing.assert_allclose(replay.extras["probs"].astype(float).sum(-1), 1, atol=2e-3)
    assert np.isfinite(replay.extras["value"][0]).all()


def test_values_are_in_units_of_reward(team, tmp_path):
    """Over some games the value of the start is about the discounted reward that came."""
    values, returns = [], []
    for seed in range(12):
        replay = mabc.load_replay(play.record_episode(team[0]["env"], team[1], tmp_path / f"{seed}.mabc", seed))
        discount = team[0]["algo"]["gamma"] ** np.arange(replay.num_steps)
        values.append(float(replay.extras["value"][0].mean()))
        returns.append(float((discount * replay.reward[:, 0]).sum()))
    assert np.mean(returns) > 0.3
    assert abs(np.mean(values) - np.mean(returns)) < 0.2


def test_a_policy_that_cannot_explain_is_recorded_without(tmp_path):
    config = {"name": "mabc", "scenario": "duel", "num_envs": 1, "obs": "vector", "state": "vector", "max_steps": 4}
    path = play.record_episode(
        config, lambda obs, mask, memory: (np.zeros(obs.shape[:2], int), None), tmp_path / "a.mabc"
    )
    assert mabc.load_replay(path).extras == {}


def test_exports_lie_beside_the_replay(episode):
    assert play.export(episode) == episode.with_suffix(".html")
    assert play.export(episode, "png").read_bytes().startswith(b"\x89PNG")
    assert play.export(episode, "gif").read_bytes().startswith(b"GIF89a")
    told = play.announce(episode, [play.export(episode)])
    assert all(Path(line.split()[1]).is_file() for line in told.splitlines()[:2])
    assert re.search(rf"mabc watch {re.escape(str(episode))}$", told)


def test_an_export_that_lacks_a_package_says_so(episode, monkeypatch):
    def absent(*_, **__):
        raise ImportError("a video needs imageio")

    monkeypatch.setattr("mabc.export.export_mp4", absent)
    with pytest.raises(BadInput, match="export=mp4: a video needs imageio"):
        play.export(episode, "mp4")


def test_where_replays_go(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (first, second) = play.places(TEAM, {}, 2, seed=7)
    assert first.parent == Path("runs/zoo-skirmish-3v3/replays"), "the zoo itself may be read-only"
    assert first.name.endswith("-seed7.mabc")
    assert second.name.endswith("-seed8.mabc")
    assert play.places(TEAM, {"record": "games"}, 1, 7)[0].parent == Path("games")
    assert play.places(TEAM, {"record": "games/one.mabc"}, 1, 7) == [Path("games/one.mabc")]


def test_the_command_plays_several_episodes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    play.main([f"run={TEAM}", "episodes=2", "seed=7", "record=games", "export="])
    printed = capsys.readouterr().out
    assert printed.count("replay  games") == printed.count("mabc watch games") == 2
    replays = [mabc.load_replay(path) for path in sorted(Path("games").iterdir())]
    assert [replay.header["seed"] for replay in replays] == ["7", "8"]


def test_evaluation_records_what_it_counts(team, tmp_path):
    """World 0's episodes, as many as count, none cut short; and nothing is played otherwise for it."""
    config, policy = team
    played = {}
    for name in ("", "games", "last.mabc"):
        record = {"record": str(tmp_path / name)} if name else {}
        env = make_env(config["env"], num_envs=4, seed=5, **record)
        played[name] = play_episodes(env, policy, 12, seed=5)
        env.close()
    for measure, values in played[""].items():
        np.testing.assert_array_equal(values, played["games"][measure])
    replays = [mabc.load_replay(path) for path in sorted((tmp_path / "games").iterdir())]
    assert [replay.header["episode"] for replay in replays] == ["0", "1", "2"]
    assert all(replay.outcome is not None for replay in replays)
    assert all(replay.extras["probs"].shape == (replay.num_steps, 3, 10) for replay in replays)
    assert mabc.load_replay(tmp_path / "last.mabc").header["episode"] == "2"


def test_evaluation_in_the_seats_of_one_team(tmp_path):
    """Self-play is evaluated with a bot for the other team: the replay's agents are the policy's."""
    config, policy = load_run("zoo:versus-2v2")
    evaluate_policy(config["env"], policy, 2, seed=1, record=tmp_path / "game.mabc")
    replay = mabc.load_replay(tmp_path / "game.mabc")
    assert replay.agents == ["blue_0", "blue_1"]
    assert [tank["driver"] for tank in replay.tanks] == ["learn", "learn", "tactical:regular", "tactical:regular"]
    assert replay.extras["value"].shape == (replay.num_steps, 2)


def test_what_cannot_be_recorded(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="file"):
        make_env({**load_run(TEAM)[0]["env"], "record": str(tmp_path / "file" / "games")}, num_envs=1)
