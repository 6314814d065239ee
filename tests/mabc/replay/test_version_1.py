"""Files that format version 1 wrote open for ever: tests/data holds them, and nobody writes them anew.

    battle.mabc   versus with power-ups; a callable drives team 2; values and probabilities
    scout.mabc    line of sight, orders held for other than a step's frames

Facts are by hand from the episodes as they were recorded. Pictures may change with the sprites, positions may not.
"""

import json
from pathlib import Path

import numpy as np
import pytest

import mabc
from mabc.replay import ReplayError, reader

DATA = Path(__file__).parents[2] / "data"
FACTS = json.loads((DATA / "version-1.json").read_text("utf-8"))


@pytest.fixture(params=sorted(FACTS))
def told(request, monkeypatch):
    """A file of old under rules that have changed since: (replay, what it must tell)."""
    monkeypatch.setattr(reader, "RULES_VERSION", 2)
    return mabc.load_replay(DATA / request.param), FACTS[request.param]


def test_what_happened(told):
    replay, facts = told
    assert repr(replay) == facts["repr"]
    kinds = [event.kind for event in replay.events]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == facts["events"]
    assert list(replay.events[len(kinds) // 2]) == facts["middle event"]
    assert replay.extras.keys() == set(facts["extras"])
    np.testing.assert_allclose(replay.reward.sum(axis=0), facts["return"], atol=1e-4)


def test_names_are_those_that_were_recorded(told):
    replay, _ = told
    assert replay.agents[:2] == ["team1_0", "team1_1"]
    assert all(tank["name"].startswith(f"team{tank['team']}_") for tank in replay.tanks)
    assert replay.slot("team2_0") > 0


def test_where_everybody_was(told):
    replay, facts = told
    world = replay.world(replay.num_frames // 2)
    assert [[tank["x"], tank["y"], tank["heading"], tank["alive"]] for tank in world["tanks"]] == facts["tanks"]
    assert world["map"] == facts["map"]


def test_what_a_tank_saw(told):
    replay, facts = told
    seen = replay.seen(replay.num_frames // 2, 0)
    assert np.flatnonzero(seen["tanks"][0]).tolist() == facts["sees tanks"]
    assert int(seen["tiles"][0].sum()) == facts["sees tiles"]


def test_it_is_shown_but_not_played(told):
    replay, _ = told
    for agent in (None, 0):
        picture = replay.picture(replay.num_frames, agent=agent, effects=True)
        assert picture.shape == (8 * replay.header["height"], 8 * replay.header["width"], 3)
        assert len(np.unique(picture)) > 8
    with pytest.raises(ReplayError, match="recorded under rules version 1, this is 2"):
        replay.verify()
