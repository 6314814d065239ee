"""Names of tanks: one table, the form that PettingZoo asks for, the colours of the picture."""

import re

import numpy as np
import pytest

import mabc
from mabc.names import names_of, team_of
from mabc.params import MAX_TEAMS, TEAM_NAMES
from mabc.render.sprites import SHEET


def test_names_count_in_each_team():
    assert names_of([1, 1, 3, 1, 2]) == ["blue_0", "blue_1", "pink_0", "blue_2", "orange_0"]
    assert names_of(range(1, MAX_TEAMS + 1)) == [f"{name}_0" for name in TEAM_NAMES]


def test_the_team_is_in_the_name():
    teams = [1, 2, 2, 3, 4, 4] + [1] * 20
    assert [team_of(name) for name in names_of(teams)] == teams


@pytest.mark.parametrize("scenario", ["solo", "versus-5v5", "versus-4x2", "skirmish-20v20"])
def test_agents_are_named_as_pettingzoo_asks(scenario):
    env = mabc.make_batch(scenario)
    assert all(re.fullmatch("[a-z]+_[0-9]+", name) for name in env.agent_ids)
    assert [team_of(name) for name in env.agent_ids] == env.agent_teams.tolist()
    assert len(set(env.agent_ids)) == env.num_agents


def test_teams_are_drawn_in_the_colour_that_names_them():
    hues = {"blue": (0, 1, 2), "orange": (2, 1, 0), "pink": (1, 2, 0), "green": (0, 2, 1)}  # channels, darkest first
    for team, name in enumerate(TEAM_NAMES, 1):
        assert tuple(np.argsort(SHEET.palettes[team, 2])) == hues[name]
