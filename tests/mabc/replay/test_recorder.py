"""What is written when, and what is not."""

import os
from copy import deepcopy

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
    env = mabc.make_batch("skirmish-5v5", 1, record=tmp_path / "game.mabc", max_steps=450, opponents={2: "learn"})
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


def test_orders_held_in_some_steps_only(tmp_path):
    env = mabc.make_batch("skirmish-3v3", 1, record=tmp_path / "game.mabc")
    env.reset(seed=0)
    for t in range(40):
        actions = env.bot_actions("classic")
        env.step(actions, hold=np.full((1, 3), 8)) if t % 9 == 4 else env.step(actions)
    env.close()
    replay = mabc.load_replay(tmp_path / "game.mabc")
    assert replay.hold[:, 0].tolist()[:6] == [0, 0, 0, 0, 8, 0]
    assert replay.verify() == 2


def test_copies_record_beside_each_other(tmp_path):
    env = mabc.parallel_env("duel", record=tmp_path, max_steps=20)
    env.reset(seed=0)
    env.step(dict.fromkeys(env.agents, 0))
    for copy in (env, deepcopy(env), deepcopy(env)):
        while copy.agents:
            copy.step(dict.fromkeys(copy.agents, 3))
        copy.close()
    files = sorted(tmp_path.iterdir())
    assert [path.name for path in files] == ["000000.mabc", "000001.mabc", "000002.mabc"]
    assert len({path.read_bytes() for path in files}) == 1
    assert mabc.load_replay(files[2]).verify()


def test_a_second_run_keeps_the_files_of_the_first(tmp_path):
    for seed, episodes in ((0, 2), (1, 1)):
        env = mabc.make_batch("duel", 1, record=tmp_path, max_steps=5)
        env.reset(seed=seed)
        end_episode(env, episodes)
        env.close()
    assert [mabc.load_replay(path).header["seed"] for path in sorted(tmp_path.iterdir())] == ["0", "0", "1"]


def test_a_full_disk_does_not_stop_the_game(tmp_path, monkeypatch):
    env = mabc.make_batch("duel", 1, record=tmp_path / "game.mabc", max_steps=5)
    env.reset(seed=0)

    def full(path, data, new=False):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("mabc.replay.recorder.write_file", full)
        with pytest.warns(UserWarning, match="could not be written: .* No space left"):
            end_episode(env)
    end_episode(env)
    assert mabc.load_replay(tmp_path / "game.mabc").header["episode"] == "1"


def test_a_longer_part_replaces_a_part(tmp_path):
    env = mabc.make_batch("duel", 1, record=tmp_path / "game.mabc")
    for steps in (1, 3):
        env.reset(seed=0)
        for _ in range(steps):
            env.step(env.bot_actions("random"))
    env.close()
    assert mabc.load_replay(tmp_path / "game.mabc").num_steps == 3


def test_notes_that_nobody_could_read(tmp_path):
    env = mabc.make_batch("skirmish-3v3", 1, record=tmp_path / "game.mabc")
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"note\(value=…\) is float64\[1, 1\]; expected numbers \[3\]"):
        env.recorder.note(value=np.zeros((1, 1)))
    with pytest.raises(ValueError, match="expected numbers"):
        env.recorder.note(mood="good")
    env.recorder.note(speed=np.zeros(2))
    env.step(env.bot_actions("random"))
    with pytest.raises(ValueError, match=r"expected numbers \[2\]"):
        env.recorder.note(speed=np.zeros(4))


def test_numbers_of_numpy_in_a_scenario(tmp_path):
    env = mabc.make_batch("skirmish-3v3", 1, record=tmp_path / "game.mabc", sight=64, line_of_sight=np.True_)
    env.reset(seed=0)
    env.step(env.bot_actions("random"))
    env.close()
    assert mabc.load_replay(tmp_path / "game.mabc").verify() == 2


@pytest.mark.parametrize("path", ["", True, 7])
def test_what_is_no_path(path):
    with pytest.raises(ValueError, match=r"expected a file ending in \.mabc, or a folder"):
        mabc.make_batch("duel", 1, record=path)


def test_a_world_changed_in_its_last_step(tmp_path):
    env = mabc.make_batch("skirmish-3v3", 1, record=tmp_path / "game.mabc", max_steps=50)
    env.reset(seed=0)
    for _ in range(3):
        env.step(env.bot_actions("random"))
    env.worlds[0]["step"] = 49  # time is up with the next one
    with pytest.warns(UserWarning, match="something other"):
        env.step(env.bot_actions("random"))
    assert not (tmp_path / "game.mabc").exists()
