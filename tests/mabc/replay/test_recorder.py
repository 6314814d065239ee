"""What is written when, and what is not."""

import os

import numpy as np
import pytest

import mabc
from mabc.replay import ReplayError


def end_episode(env, wanted=1):
    """Step until so many episodes of world 0 have ended: their lengths."""
    lengths = []
    while len(lengths) < wanted:
        _, _, terminated, truncated, info = env.step(env.bot_actions("classic"))
        if terminated[0] or truncated[0]:
            lengths.append(int(info["episode_length"][0]))
    return lengths


def test_a_folder_gets_every_episode(tmp_path):
    env = mabc.make_batch("skirmish-3v3", 2, record=tmp_path / "games", max_steps=12)
    env.reset(seed=0)
    lengths = end_episode(env, 3)
    env.step(env.bot_actions("classic"))
    env.close()
    files = sorted(os.listdir(tmp_path / "games"))
    assert files == ["000000.mabc", "000001.mabc", "000002.mabc", "000003.mabc"]
    replays = [mabc.load_replay(tmp_path / "games" / name) for name in files]
    assert [replay.num_steps for replay in replays] == [*lengths, 1]
    assert [replay.header["episode"] for replay in replays] == ["0", "1", "2", "3"]
    assert all(replay.verify() for replay in replays)
    assert env.recorder.saved == tmp_path / "games" / "000003.mabc"


def test_a_file_holds_the_last_episode_that_ended(tmp_path):
    path = tmp_path / "new" / "game.mabc"
    env = mabc.make_batch("skirmish-3v3", 1, record=path, max_steps=12)
    env.reset(seed=0)
    assert not path.exists()
    end_episode(env, 2)
    env.step(env.bot_actions("classic"))
    env.close()  # in the middle of the third
    assert mabc.load_replay(path).header["episode"] == "1"
    assert os.listdir(path.parent) == ["game.mabc"]  # no temporary file stays


def test_what_was_cut_short_says_so(tmp_path):
    env = mabc.make_batch("duel", 1, record=tmp_path)
    env.reset(seed=0)
    env.step(env.bot_actions("classic"))
    env.reset(seed=1)
    env.step(env.bot_actions("classic"))
    env.close()
    cut = [mabc.load_replay(tmp_path / name) for name in sorted(os.listdir(tmp_path))]
    assert [(replay.num_steps, replay.outcome, replay.header["seed"]) for replay in cut] == [
        (1, None, "0"),
        (1, None, "1"),
    ]


def test_an_outcome_and_rewards_are_kept(tmp_path):
    env = mabc.make_batch("skirmish-3v3", 1, record=tmp_path / "game.mabc")
    env.reset(seed=0)
    total = np.zeros(3)
    while True:
        _, reward, terminated, truncated, info = env.step(env.bot_actions("tactical"))
        total += reward[0]
        if terminated[0] or truncated[0]:
            break
    replay = mabc.load_replay(tmp_path / "game.mabc")
    assert replay.outcome == info["outcome"][0]
    np.testing.assert_allclose(replay.reward.sum(0), total, rtol=1e-5)
    assert replay.events[-1].kind == "win"
    assert replay.events[-1].x == replay.outcome
    assert repr(replay).endswith(f"team {replay.outcome} won")


def test_restore_gives_the_episode_up(tmp_path):
    env = mabc.make_batch("duel", 1, record=tmp_path / "game.mabc")
    env.reset(seed=0)
    snap = env.snapshot()
    env.step(env.bot_actions("classic"))
    with pytest.warns(UserWarning, match="restore"):
        env.restore(snap)
    env.step(env.bot_actions("classic"))
    env.close()
    assert not (tmp_path / "game.mabc").exists()


def test_a_world_changed_by_hand_is_not_recorded(tmp_path):
    env = mabc.make_batch("duel", 1, record=tmp_path / "game.mabc")
    env.reset(seed=0)
    env.worlds[0]["tanks"]["x"][0] += 8
    with pytest.warns(UserWarning, match="something other than step"):
        env.step(env.bot_actions("classic"))
    env.close()
    assert not (tmp_path / "game.mabc").exists()


def test_extras(record):
    replay, _ = record("skirmish-3v3", steps=6, notes=True)
    assert replay.extras["value"].shape == (6, 3)
    assert replay.extras["value"][[0, 1, 3, 5], 0].tolist() == [0.0, 0.25, 0.75, 1.25]
    assert np.isnan(replay.extras["value"][2]).all()  # nobody noted anything
    assert replay.extras["probs"].shape == (6, 3, 10)


def test_size(tmp_path):
    """450 steps of ten tanks that drive and fire at random, at most 100 kB."""
    env = mabc.make_batch("versus-5v5", 1, record=tmp_path / "game.mabc", max_steps=450)
    rng = np.random.default_rng(0)
    env.reset(seed=2)
    for _ in range(450):
        actions = rng.integers(0, 10, (1, 10))
        _, _, terminated, truncated, _ = env.step(actions)
        if terminated[0] or truncated[0]:
            break
    env.close()
    replay = mabc.load_replay(tmp_path / "game.mabc")
    assert len(replay.data) * 450 / replay.num_steps < 100_000


def test_the_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        mabc.make_batch("duel", 1, record=tmp_path / "file" / "game.mabc")


def test_a_missing_file():
    with pytest.raises(ReplayError, match=r"cannot read nowhere\.mabc: No such file"):
        mabc.load_replay("nowhere.mabc")
