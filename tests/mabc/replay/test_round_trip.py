"""Recorded, read, played again: the same states, observations and pixels, for every scenario and interface."""

import gymnasium
import numpy as np
import pytest

import mabc
from mabc.params import RULES_VERSION
from mabc.render import draw_fog, draw_world, frame
from mabc.replay import ReplayError, reader
from mabc.replay.container import pack, unpack
from mabc.replay.sections import DELTA


@pytest.mark.parametrize("name", mabc.scenarios())
def test_every_scenario(record, name):
    replay, seen = record(name)
    assert replay.verify() == 2  # the start and the end
    slots = [i for i, tank in enumerate(replay.tanks) if tank["agent"] is not None]
    for step, env in enumerate(replay.simulate()):
        if step < replay.num_steps or replay.outcome is None:
            assert np.array_equal(env.observe("vector")[0], seen[step])
        if step % 5 and step != replay.num_steps:
            continue
        at = int(replay.step_frame[step])
        assert np.array_equal(draw_world(env), replay.picture(at))
        for agent, slot in enumerate(slots[:4]):
            assert np.array_equal(draw_fog(env, 0, agent), replay.picture(at, agent=slot))


def renamed(replay):
    """The file as it was written before teams had the names of their colours: team1_0, team2_0."""
    header, sections = unpack(replay.data)
    del header["sections"]
    old = {tank["name"]: f"team{tank['team']}_{tank['name'].split('_')[1]}" for tank in header["tanks"]}
    header["agents"] = [old[name] for name in header["agents"]]
    for tank in header["tanks"]:
        tank["name"] = old[tank["name"]]
    return mabc.replay.Replay(pack(header, sections, DELTA & set(sections)))


@pytest.mark.parametrize("name", ["versus-2v2", "defend-1"])
def test_names_of_older_files(record, name):
    """They are shown as they were recorded, and play again: the names decide nothing."""
    replay, seen = record(name)
    old = renamed(replay)
    assert replay.agents[0] == "blue_0"
    assert old.agents[0] == "team1_0"
    assert [tank["name"].split("_")[0] for tank in old.tanks] == [f"team{tank['team']}" for tank in old.tanks]
    assert old.verify() == replay.verify()
    np.testing.assert_array_equal(old.observe(5), seen[5])
    assert np.array_equal(old.picture(9, agent="team1_0"), replay.picture(9, agent="blue_0"))
    with pytest.raises(mabc.ScenarioError, match="unknown tank 'blue_0'"):
        old.slot("blue_0")


def test_agents_of_another_team_do_not_fit(record):
    replay, _ = record("versus-2v2")
    header, sections = unpack(replay.data)
    del header["sections"]
    for tank in header["tanks"]:
        tank["team"] = 3 - tank["team"]
    swapped = mabc.replay.Replay(pack(header, sections, DELTA & set(sections)))
    with pytest.raises(ReplayError, match="its agents are of teams"):
        swapped.verify()


@pytest.mark.parametrize("name", ["versus-5v5-power-ups", "scout-3v4", "defend-2"])
def test_frames_within_a_step(record, name):
    replay, _ = record(name, steps=40)
    from mabc.replay.reader import trace_step  # what simulate() calls, watched

    shown = []

    def watched(worlds, spec, layouts, scratch, orders, hold, frames):
        count = trace_step(worlds, spec, layouts, scratch, orders, hold, frames)
        shown.extend(frame(frames[k], spec[0]) for k in range(count))
        return count

    reader.trace_step = watched
    try:
        for _ in replay.simulate():
            pass
    finally:
        reader.trace_step = trace_step
    assert len(shown) == replay.num_frames
    assert all(np.array_equal(picture, replay.picture(k)) for k, picture in enumerate(shown, 1))


def test_pictures_do_not_depend_on_the_order(record):
    replay, _ = record("skirmish-5v5", steps=60)
    assert any(event.kind == "brick" for event in replay.events)
    forward = [replay.picture(k) for k in range(0, replay.num_frames, 40)]
    backward = [replay.picture(k) for k in reversed(range(0, replay.num_frames, 40))]
    assert all(np.array_equal(a, b) for a, b in zip(forward, reversed(backward), strict=True))


def batch(path):
    env = mabc.make_batch("skirmish-3v3", 3, record=path)
    env.reset(seed=4)
    for _ in range(10):
        env.step(env.bot_actions("classic"))
    env.close()


def pettingzoo_parallel(path):
    env = mabc.parallel_env("skirmish-3v3", record=path)
    env.reset(seed=4)
    for _ in range(10):
        env.step(dict.fromkeys(env.agents, 3))
    env.close()


def pettingzoo_aec(path):
    env = mabc.env("skirmish-3v3", record=path)
    env.reset(seed=4)
    for agent in env.agent_iter(30):
        env.step(2 if env.agents and agent else None)
    env.close()


def gymnasium_env(path):
    env = gymnasium.make("mabc/Solo-v1", record=path)
    env.reset(seed=4)
    for _ in range(10):
        env.step(5)
    env.close()


def gymnasium_vector(path):
    env = gymnasium.make_vec("mabc/Solo-v1", num_envs=3, record=path)
    env.reset(seed=4)
    for _ in range(10):
        env.step(np.full(3, 7))
    env.close()


def callable_opponent(path):
    def rush(obs, mask, memory):
        return np.full(obs.shape[:2], 5), memory

    env = mabc.make_batch("skirmish-3v3", 2, record=path, opponents=rush)
    env.reset(seed=4)
    for _ in range(10):
        env.step(env.bot_actions("classic"))
    env.close()


def holding(path):
    env = mabc.make_batch("versus-2v2", 1, record=path, frame_skip=1)
    env.reset(seed=4)
    hold = np.array([[1, 8, 8, 3]])
    for t in range(40):
        env.step(np.full((1, 4), t % 10), hold=hold)
    env.close()


INTERFACES = [
    batch,
    pettingzoo_parallel,
    pettingzoo_aec,
    gymnasium_env,
    gymnasium_vector,
    callable_opponent,
    holding,
]


@pytest.mark.parametrize("interface", INTERFACES)
def test_every_interface(tmp_path, interface):
    path = tmp_path / "game.mabc"
    interface(path)
    replay = mabc.load_replay(path)
    assert replay.num_steps >= 10
    assert replay.outcome is None  # cut short
    assert replay.verify() == 2
    *_, env = replay.simulate()
    assert np.array_equal(draw_world(env), replay.picture(replay.num_frames))
    assert (replay.hold is not None) == (interface is holding)
    assert replay.actions.shape[1] == (6 if interface is callable_opponent else len(replay.agents))


def test_the_batch_does_not_matter(tmp_path):
    files = []
    for worlds, threads in ((1, 1), (300, 2)):
        path = tmp_path / f"{worlds}.mabc"
        env = mabc.make_batch("versus-2v2", worlds, threads=threads, record=path)
        env.reset(seed=7)
        for t in range(20):
            env.step(np.full((worlds, 4), t % 10))
        env.close()
        files.append(path.read_bytes())
    assert files[0] == files[1]


def test_observations_at_any_step(record):
    replay, seen = record("scout-3v4")
    assert np.array_equal(replay.observe(11), seen[11])
    assert isinstance(replay.observe(3, "text")[0], str)
    assert replay.observe(0, "rgb").dtype == np.uint8
    with pytest.raises(IndexError, match="expected 0 to"):
        replay.observe(999)


def test_other_rules_show_but_do_not_play(record, monkeypatch):
    replay, _ = record("duel")
    monkeypatch.setattr(reader, "RULES_VERSION", 99)
    with pytest.raises(ReplayError, match=rf"rules version {RULES_VERSION}, this is 99: it can be watched"):
        replay.verify()
    assert replay.picture(8).shape == (8 * replay.header["height"], 8 * replay.header["width"], 3)
    assert replay.events


def test_verify_notices_an_altered_file(record):
    replay, _ = record("skirmish-3v3")
    replay.actions[3] = (replay.actions[3] + 2) % 10
    with pytest.raises(ReplayError, match="played again, step"):
        replay.verify()
