"""Scenarios: what is refused and with which words, and the ways to bring one's own."""

import dataclasses

import numpy as np
import pytest

import mabc
from mabc import Rewards, Scenario, ScenarioError, Team, maps

FIELD = """
B.....B
.......
..#.#..
.......
..#.#..
.......
A.....A
"""


def own(**changes):
    """A scenario of one's own."""
    fields = {"name": "mine", "mode": "skirmish", "map": FIELD, "teams": (Team(), Team(driver="classic"))}
    return Scenario(**{**fields, **changes})


def plays(scenario, **options):
    """Make a batch of it, step it, and give it back."""
    env = mabc.make_batch(scenario, num_envs=2, **options)
    env.reset(seed=0)
    env.step(np.zeros((2, env.num_agents), np.int64))
    return env


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("skirmish3v3", "skirmish-3v3"),
        ("Solo", "solo"),
        ("ladder-7", "ladder-7-all"),
        ("endgame-stel", "endgame-steel"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(name, near):
    with pytest.raises(ScenarioError, match=f"unknown scenario '{name}'; did you mean '{near}'"):
        mabc.make_batch(name)


def test_a_scenario_is_a_name_or_a_scenario():
    with pytest.raises(ScenarioError, match="scenario=7: expected a name or a Scenario"):
        mabc.make_batch(7)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"frameskip": 4}, "unknown option 'frameskip'; did you mean 'frame_skip'"),
        ({"sigth": 64}, "unknown option 'sigth'; did you mean 'sight'"),
        ({"opponent": "classic"}, "unknown option 'opponent'; did you mean 'opponents'"),
        ({"winn": 2.0}, "unknown option 'winn'; did you mean 'win'"),
        ({"opponents": "clasic"}, "unknown opponent 'clasic'; did you mean 'classic'"),
        ({"opponents": "tactical:expret"}, "unknown opponent 'tactical:expret'; did you mean 'tactical:expert'"),
        ({"random_start": 2}, "random_start=2: expected True or False"),
        ({"opponents": {5: "classic"}}, "opponents: there is no team 5; teams are 1 to 2"),
        ({"mode": "skirmsh"}, "unknown mode 'skirmsh'; did you mean 'skirmish'"),
        ({"map_unit": "tiles"}, "unknown map_unit 'tiles'; did you mean 'tile'"),
        ({"obs": "vektor"}, "unknown observation 'vektor'; did you mean 'vector'"),
        ({"state": "text"}, "unknown state 'text'"),
        ({"num_envs": 0}, "num_envs=0: expected a whole number of at least 1"),
        ({"frame_skip": 0}, "frame_skip=0: expected a whole number from 1 to 64"),
        ({"frame_skip": 65}, "frame_skip=65: expected a whole number from 1 to 64"),
        ({"frame_skip": 4.0}, r"frame_skip=4\.0: expected a whole number"),
        ({"frame_skip": True}, "frame_skip=True: expected a whole number"),
        ({"max_steps": 0}, "max_steps=0: expected a whole number from 1 to 1000000"),
        ({"sight": 15}, "sight=15: expected a whole number from 16 to 416"),
        ({"stage": 36}, "stage=36: expected a whole number from 1 to 35"),
        ({"targets": 9}, "targets=9: expected a whole number from 0 to 8"),
        ({"kill": -1.0}, r"kill=-1\.0: weights are not negative"),
        ({"win": "2"}, "win='2': weights are not negative"),
        ({"gamma": 1.5}, r"gamma=1\.5: expected 0 to 1"),
        ({"line_of_sight": "no"}, "line_of_sight='no': expected True or False"),
        ({"carriers": (0,)}, r"carriers=\(0,\): expected numbers in a wave, 1 to 64"),
        ({"carriers": (65,)}, r"carriers=\(65,\): expected"),
        ({"map": ()}, r"map=\(\): expected a map's name"),
    ],
)
def test_an_option_is_refused_with_a_reason(options, words):
    with pytest.raises(ScenarioError, match=words):
        mabc.make_batch(own(), **options)


@pytest.mark.parametrize(
    ("teams", "words"),
    [
        ((Team(),), "teams: 1 given; expected 2 to 4"),
        ((Team(),) * 5, "teams: 5 given; expected 2 to 4"),
        ((Team(), Team(())), r"teams\[1\]\.tanks is empty"),
        ((Team(("playr",)), Team()), r"unknown teams\[0\] tank type 'playr'; did you mean 'player'"),
        ((Team(), Team(driver="klassic")), r"unknown teams\[1\]\.driver 'klassic'; did you mean 'classic'"),
        ((Team(), Team(stance="holds")), r"unknown teams\[1\]\.stance 'holds'; did you mean 'hold'"),
        ((Team(), Team(knowledge="al")), r"unknown teams\[1\]\.knowledge 'al'; did you mean 'all'"),
        ((Team(), Team(driver="tactical:novise")), "did you mean 'tactical:novice'"),
        ((Team(lives=0), Team()), r"teams\[0\]\.lives=0: expected 1 to 99"),
        ((Team(level=4), Team()), r"teams\[0\]\.level=4: expected 0 to 3"),
        ((Team(("player",) * 21), Team(("player",) * 20)), "teams hold 41 tanks; at most 40"),
        ((Team(), Team(driver="classic", wave=("basic",))), "waves enter only in mode 'defend'"),
        ((Team(), Team(wave=("basic",))), "a team with a wave is driven by a bot, not by 'learn'"),
    ],
)
def test_a_team_is_refused_with_a_reason(teams, words):
    with pytest.raises(ScenarioError, match=words):
        own(teams=teams)


def test_a_bot_and_its_knowledge_are_refused_with_a_reason():
    env = plays(own())
    with pytest.raises(ScenarioError, match="unknown bot 'tactical:exprt'; did you mean 'tactical:expert'"):
        env.bot_actions("tactical:exprt")
    with pytest.raises(ScenarioError, match="unknown knowledge 'teams'; did you mean 'team'"):
        env.bot_actions("classic", knowledge="teams")


def test_tactical_alone_is_the_expert():
    env = plays(own())
    assert np.array_equal(env.bot_actions("tactical"), env.bot_actions("tactical:expert"))
    one, other = (mabc.make_batch(own(), opponents=bot)._spec for bot in ("tactical", "tactical:expert"))
    assert one.tobytes() == other.tobytes() != mabc.make_batch(own(), opponents="tactical:novice")._spec.tobytes()


def test_a_map_that_does_not_fit_is_refused_with_a_reason():
    with pytest.raises(ScenarioError, match="'mine': team 1 starts with 3 tanks at once, the map has 2"):
        plays(own(teams=(Team(("player",) * 3), Team())))
    with pytest.raises(ScenarioError, match="mode 'versus' needs a base of team 1"):
        plays(own(mode="versus"))
    with pytest.raises(maps.MapError, match="unknown map 'clearin': did you mean 'clearing'"):
        plays(own(map="clearin"))
    uneven = {"map": "A.A\n...\n..B", "teams": (Team(("player",) * 2), Team())}
    with pytest.raises(ScenarioError, match=r"team 1 starts with 2 .* the map has 1 entries: put more"):
        plays(own(**uneven))
    assert (plays(own(**uneven), swap_sides=False).worlds["tanks"]["x"][0, :3] > 0).all()


def test_who_guards_and_who_searches_is_told_by_number_not_by_looks():
    """Two teams alike: one object in both places."""
    env = plays(own(mode="scout", map="B.F\n...\nA..", teams=(Team(),) * 2, swap_sides=False))
    assert [(tank["x"], tank["y"]) for tank in env.worlds["tanks"][0, :2]] == [(8, 40), (8, 8)]


def test_it_is_frozen_and_changed_makes_another():
    scenario = own()
    with pytest.raises(dataclasses.FrozenInstanceError):
        scenario.sight = 32
    other = scenario.changed(sight=32, win=2.0, opponents="tactical")
    assert (other.sight, other.rewards.win, other.teams[1].driver) == (32, 2.0, "tactical")
    assert (scenario.sight, scenario.rewards, scenario.teams[1].driver) == (64, Rewards(), "classic")


def test_opponents_by_name_leave_learners_alone_by_team_they_do_not():
    assert [t.driver for t in own().changed(opponents="random").teams] == ["learn", "random"]
    assert [t.driver for t in own().changed(opponents={1: "tactical"}).teams] == ["tactical", "classic"]


def test_ones_own_from_python():
    env = plays(own(), frame_skip=4)
    assert env.scenario.frame_skip == 4
    assert env.num_agents == 1


@pytest.mark.parametrize("as_path", [str, lambda path: path], ids=["str", "Path"])
def test_ones_own_from_a_text_file(tmp_path, as_path):
    path = tmp_path / "yard.txt"
    path.write_text(FIELD.strip(), encoding="utf-8")
    env = plays(own(map=as_path(path)))
    assert env.maps[0].name == "yard"
    assert np.array_equal(env.worlds["terrain"], plays(own()).worlds["terrain"])


def test_ones_own_from_a_generator_seed():
    env = plays(own(map="generator:7", teams=(Team(("player",) * 5), Team(("player",) * 5, driver="classic"))))
    assert np.array_equal(env.maps[0].tiles, maps.generate(7).tiles)


def test_several_maps_are_drawn_from():
    env = mabc.make_batch(own(map=("clearing", "duel", "generator:3")), num_envs=64)
    env.reset(seed=0)
    assert len({tuple(terrain) for terrain in env.worlds["terrain"]}) == 3
