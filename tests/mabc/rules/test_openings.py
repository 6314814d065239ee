"""Where tanks start and where they look: drawn among their team's entries (our rules)."""

import numpy as np
import pytest

from mabc import Team
from mabc.params import BASE

from .test_classic import close

ENTRIES = tuple(8 + 32 * k for k in range(7))  # of the empty field: 7 a side, team 1 below, team 2 above
WORLDS = 7000


def places(game, team, size):
    """Where the tanks of a team stand, px: x and y, int [B, tanks] each."""
    tanks = game.env.worlds["tanks"][:, team * size : (team + 1) * size]
    return tanks["x"].astype(int), tanks["y"].astype(int)


@pytest.mark.parametrize("size", [1, 3, 7])
def test_a_start_is_a_sample_of_the_teams_entries(play, size):
    """All entries, and all pairs of them, are equally likely; no two tanks share one."""
    game = play(teams=(Team(("player",) * size), Team(("player",) * size)), worlds=WORLDS, random_start=True)
    for team in (0, 1):
        x, y = places(game, team, size)
        assert (y == (200, 8)[team]).all()
        assert (np.diff(np.sort(x, axis=1), axis=1) > 0).all()
        taken = (x[:, :, None] == np.array(ENTRIES)).any(axis=1)
        assert (taken.sum(axis=1) == size).all()
        assert all(close(count, size / 7, WORLDS) for count in taken.sum(axis=0)) or size == 7
        both = (taken[:, :, None] & taken[:, None, :]).sum(axis=0)[np.triu_indices(7, 1)]
        assert all(close(count, size * (size - 1) / 42, WORLDS) for count in both) or size == 7


def test_teams_start_independently(play):
    game = play(teams=("player", "player"), worlds=WORLDS, random_start=True)
    one, other = places(game, 0, 1)[0], places(game, 1, 1)[0]
    assert close((one == other).sum(), 1 / 7, WORLDS)


def test_all_headings_are_equally_likely(play):
    game = play(worlds=WORLDS, random_start=True)
    for i in (0, 1):
        counts = np.bincount(game.env.worlds["tanks"]["heading"][:, i], minlength=4)
        assert all(close(count, 1 / 4, WORLDS) for count in counts)


def test_another_episode_starts_elsewhere(play):
    game = play(worlds=64, random_start=True, max_steps=1)
    before = game.env.worlds["tanks"]["x"][:, :2].copy()
    game.run(1)
    assert (game.env.worlds["tanks"]["x"][:, :2] != before).any(axis=1).mean() > 0.8


def test_the_same_seed_starts_alike_in_any_batch(play):
    many = play(worlds=9, seed=5, random_start=True).env
    again = play(worlds=9, seed=5, random_start=True).env
    few = play(worlds=2, seed=5, random_start=True).env
    assert many.worlds.tobytes() == again.worlds.tobytes()
    assert many.worlds[:2].tobytes() == few.worlds.tobytes()
    assert many.worlds.tobytes() != play(worlds=9, seed=6, random_start=True).env.worlds.tobytes()


@pytest.mark.parametrize("mode", ["skirmish", "defend"])
def test_fixed_places_in_defend_or_where_asked_for(play, mode):
    """Evenly spread, towards the middle of the field."""
    text = "\n".join(
        ["B.B.B.B.B.B.B", *["............."] * 11, "A.A.A.E.A.A.A" if mode == "defend" else "A.A.A.A.A.A.A"]
    )
    teams = (Team(("player",) * 2), Team(("basic",) * 2, "classic"))
    game = play(text, teams, mode=mode, worlds=32, random_start=mode == "defend")
    for field in ("x", "y", "heading"):
        values = game.env.worlds["tanks"][field][:, :4]
        assert (values == values[0]).all()
    assert [game.at(i) for i in range(4)] == [(8, 200), (200, 200), (8, 8), (200, 8)]
    assert (game.env.worlds["terrain"] == BASE).any() == (mode == "defend")


@pytest.mark.parametrize("stance", ["hold", "patrol"])
def test_posts_are_drawn_too(play, stance):
    """What guards a base has holes, and not the same ones in every episode."""
    teams = (Team(("player",)), Team(("player",) * 2, "classic", stance=stance))
    game = play(teams=teams, worlds=64, random_start=True)
    tanks = game.env.worlds["tanks"]
    assert len(set(tanks["x"][:, 1].tolist())) == 6
    assert (tanks["post_x"][:, 1:3] == tanks["x"][:, 1:3]).all()


@pytest.mark.parametrize("stance", ["hold", "patrol"])
def test_the_guards_of_targets_start_beside_them(play, stance):
    """In `scout`; where they look is drawn."""
    text = "\n".join(["B.BFB.B", *["......."] * 5, "A.....A"])
    teams = (Team(("player",)), Team(("player",) * 2, "classic", stance=stance))
    game = play(text, teams, mode="scout", worlds=64, random_start=True)
    tanks = game.env.worlds["tanks"]
    assert set(zip(tanks["x"][:, 1:3].ravel().tolist(), tanks["y"][:, 1:3].ravel().tolist(), strict=True)) == {
        (40, 8),
        (72, 8),
    }
    assert len(set(tanks["heading"][:, 1].tolist())) == 4
