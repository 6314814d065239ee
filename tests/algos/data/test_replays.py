"""A folder of replays: what was played is what is read, and replays that cannot be played again are named."""

import numpy as np
import pytest

import mabc
from algos.data import replays
from algos.data.dataset import DatasetError
from mabc.replay.container import pack, unpack
from mabc.replay.sections import DELTA


def battle(folder, scenario="skirmish-2v2", episodes=2, hold=None, seed=0, **options):
    """Record some episodes; what the environment gave, by name."""
    env = mabc.make_batch(scenario, num_envs=1, seed=seed, record=folder, **options)
    seen = {name: [] for name in ("obs", "masks", "alive", "actions", "rewards", "state", "lengths", "final")}
    obs, info = env.reset(seed=seed)
    length = 0
    while len(seen["lengths"]) < episodes:
        actions = env.bot_actions("tactical")
        now = {"obs": obs, "masks": env.action_mask(), "alive": info["alive"], "state": env.state(), "actions": actions}
        for name, array in now.items():
            seen[name].append(array[0].copy())
        obs, reward, terminated, truncated, info = env.step(actions, hold)
        seen["rewards"].append(reward[0, 0])
        length += 1
        if terminated[0] or truncated[0]:
            seen["lengths"].append(length)
            seen["final"].append(info["final_obs"][0].copy())
            length = 0
    env.close()
    return seen


def test_what_was_played_is_what_is_read(tmp_path):
    seen = battle(tmp_path)
    dataset = replays.read(tmp_path)
    assert dataset.lengths.tolist() == seen["lengths"]
    for name in ("obs", "masks", "alive"):
        np.testing.assert_array_equal(getattr(dataset, name)[dataset.rows], np.array(seen[name]))
    np.testing.assert_array_equal(dataset.extras["state"][dataset.rows], np.array(seen["state"]))
    np.testing.assert_array_equal(dataset.actions, np.array(seen["actions"]))
    np.testing.assert_array_equal(dataset.rewards, np.array(seen["rewards"], np.float32))
    np.testing.assert_array_equal(dataset.obs[dataset.starts[1:] + np.arange(2)], np.array(seen["final"]))
    assert dataset.info["env"]["scenario"] == "skirmish-2v2"
    assert dataset.terminals.sum() == 2
    assert dataset.extras["success"].all()
    assert dataset.num_actions == 10


def test_replays_with_the_names_of_old_are_read_too(tmp_path):
    """team1_0 before, blue_0 now: a dataset holds no names, and a folder may hold both."""
    battle(tmp_path)
    before = replays.read(tmp_path)
    first = sorted(tmp_path.glob("*.mabc"))[0]
    header, sections = unpack(first.read_bytes())
    del header["sections"]
    header["agents"] = ["team1_0", "team1_1"]
    for tank in header["tanks"]:
        tank["name"] = f"team{tank['team']}_{tank['name'].split('_')[1]}"
    first.write_bytes(pack(header, sections, DELTA & set(sections)))
    assert mabc.load_replay(first).agents == ["team1_0", "team1_1"]
    after = replays.read(tmp_path)
    np.testing.assert_array_equal(after.obs, before.obs)
    np.testing.assert_array_equal(after.actions, before.actions)


def test_an_episode_that_was_cut_short_has_no_terminal(tmp_path):
    env = mabc.make_batch("skirmish-2v2", num_envs=1, record=tmp_path)
    env.reset(seed=0)
    for _ in range(3):
        env.step(env.bot_actions("tactical"))
    env.close()
    dataset = replays.read(tmp_path)
    assert dataset.num_steps == 3
    assert not dataset.terminals.any()
    assert not dataset.extras["success"].any()


def test_a_time_limit_is_no_terminal(tmp_path):
    env = mabc.make_batch("defend-2", num_envs=1, record=tmp_path, max_steps=4)
    env.reset(seed=0)
    for _ in range(4):
        env.step(np.zeros((1, 2), int))
    env.close()
    dataset = replays.read(tmp_path)
    assert dataset.num_steps == 4
    assert not dataset.terminals.any()


def test_other_rules_are_refused(tmp_path, monkeypatch):
    battle(tmp_path, episodes=1)
    from mabc.replay import reader

    made = reader.RULES_VERSION
    monkeypatch.setattr(reader, "RULES_VERSION", made + 1)
    with pytest.raises(DatasetError, match=rf"000000.mabc: recorded under rules version {made}, this is {made + 1}"):
        replays.read(tmp_path)


def test_two_scenarios_in_a_folder_are_refused(tmp_path):
    battle(tmp_path, episodes=1)
    battle(tmp_path, "solo", episodes=1)
    with pytest.raises(DatasetError, match=r"000001.mabc is of solo, 000000.mabc of skirmish-2v2"):
        replays.read(tmp_path)


def test_several_teams_are_refused(tmp_path):
    battle(tmp_path, "duel", episodes=1)
    with pytest.raises(DatasetError, match="agents are of 2 teams"):
        replays.read(tmp_path)


def test_rewards_of_each_agents_own_are_refused(tmp_path):
    battle(tmp_path, episodes=1, per_agent_reward=True)
    with pytest.raises(DatasetError, match="its agents have rewards of their own"):
        replays.read(tmp_path)


def test_actions_of_other_lengths_are_refused(tmp_path):
    battle(tmp_path / "people", episodes=1, hold=np.full((1, 2), 1))
    with pytest.raises(DatasetError, match="hold for other than 8 frames"):
        replays.read(tmp_path / "people")
    battle(tmp_path / "agents", episodes=1, hold=np.full((1, 2), 8))
    assert replays.read(tmp_path / "agents").num_episodes == 1


def test_a_broken_file_and_an_empty_folder_are_named(tmp_path):
    with pytest.raises(DatasetError, match=r"holds no replay: \*.mabc files are needed"):
        replays.read(tmp_path)
    battle(tmp_path, episodes=1)
    path = tmp_path / "000000.mabc"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DatasetError, match=r"000000.mabc"):
        replays.read(tmp_path)
