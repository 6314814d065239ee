"""Who sees what, whatever the kind: the window's tiles, forest, and what walls hide."""

import numpy as np
import pytest

from mabc import Team
from mabc.observe.planes import CHANNELS
from mabc.observe.vector import obs_names
from mabc.params import BASE, FOREST

FIELD = "\n".join(["B.B...F...B.B", *["............."] * 11, "A.A...E...A.A"])
TEAMS = ("player player", "basic armor")


@pytest.fixture(scope="module")
def game(play):
    return play(FIELD, TEAMS, "versus")


@pytest.fixture(autouse=True)
def stage(game):
    game.env.reset(seed=0)
    for i, (x, y) in enumerate([(112, 160), (8, 200), (200, 8), (8, 8)]):
        game.put(i, x, y, "right")


@pytest.mark.parametrize("heading", ["right", "down"])
def test_forest_hides_who_stands_wholly_in_it(game, heading):
    """Forest 32 px wide: from 8 px inside one edge to 8 px inside the other, and not a pixel beyond."""
    game.paint("%%%%\n%%%%\n%%%%\n%%%%", 12, 12)  # px 96 to 127
    hidden = []
    for at in range(96, 130):
        game.put(2, *((at, 112) if heading == "right" else (112, at)), heading)
        game.run(1)
        hidden += [at] if game.tank(2)["in_forest"] else []
        assert bool(game.env.observe("entities")["tanks"][1][0, 0, 2]) == (at not in hidden)
    assert hidden == list(range(104, 121))


def test_forest_with_a_hole_hides_nobody(game):
    """A tank off the lattice touches three columns, the last one with a pixel."""
    game.world["terrain"][: 26 * 26] = FOREST
    game.paint(".", 14, 13)
    for x, hidden in ((104, True), (105, False), (112, False), (128, True)):
        game.put(2, x, 104, "right")
        game.run(1)
        assert game.tank(2)["in_forest"] == hidden


@pytest.mark.parametrize("sight", [16, 60, 64])
@pytest.mark.parametrize("shift", range(8))
def test_rays_and_ways_reach_as_far_as_planes(play, sight, shift):
    """A wall that comes nearer tile by tile is told of as soon as planes show it, and not before."""
    game = play(FIELD, TEAMS, "versus", sight=sight)
    told = []
    for heading, row in enumerate((0, 1, 2, 3)):
        x, y = (104, 104 + shift) if heading % 2 == 0 else (104 + shift, 104)
        for away in range(2, 12):
            game.env.reset(seed=0)
            game.put(0, x, y, ("up", "right", "down", "left")[heading])
            ahead = ((x, y - 12), (x + 12, y), (x, y + 12), (x - 12, y))[heading]
            step = ((0, -8), (8, 0), (0, 8), (-8, 0))[heading]
            column, row = ((ahead[k] + (away - 2) * step[k]) // 8 for k in (0, 1))
            game.world["terrain"][: 26 * 26] = 0
            if heading % 2 == 0:
                game.paint("@" * 26, 0, row)
            else:
                game.paint("\n".join("@" * 26), column, 0)
            steel = game.env.observe("planes")[0, 0, CHANNELS.index("steel")].any()
            ray = game.env.observe("vector")[0, 0, 21 + 4 * heading] < 1
            ways = game.env.observe("text")[0][0].split("Ways (tiles): ")[1].split("; ")[heading]
            told.append((steel, ray, "steel" in ways))
    assert {bool(steel) for steel, _, _ in told} == {False, True}
    assert [row for row in told if len(set(map(bool, row))) > 1] == []


def test_a_wall_hides_what_is_behind_it_and_is_seen_itself(play):
    """Planes and rgb show every tile that a line of sight touches."""
    game = play(FIELD, TEAMS, "versus", line_of_sight=True, sight=64)
    game.put(0, 104, 104)
    game.paint("#" * 26, 0, 9)
    game.paint("%" * 26, 0, 8)
    planes = dict(zip(CHANNELS, game.env.observe("planes")[0, 0], strict=True))
    assert (planes["brick"][4, 1:-1] == 255).all(), "row 9 of the field is row 4 of the window"
    assert not planes["forest"].any()
    assert (planes["unseen"][:4] == 255).all()
    assert np.argwhere(planes["unseen"][4:]).tolist() == [[0, 0], [0, 15]], "the wall hides its own far ends"


@pytest.mark.parametrize(("x", "seen"), [(152, True), (136, False)])
def test_a_tank_beside_a_wall(play, x, seen):
    """Seen is who has a seen tile at his middle."""
    game = play(FIELD, TEAMS, "versus", line_of_sight=True, sight=64)
    game.put(0, 104, 104)
    game.put(2, x, 104)
    game.shoot(2, x, 104, "left")
    game.paint("#\n#", 15, 12) if not seen else game.paint("#", 15, 13)
    tanks, bullets = (game.env.observe("entities")[kind][1][0, 0] for kind in ("tanks", "bullets"))
    assert (bool(tanks[2]), bool(bullets[4])) == (seen, seen)
    row = dict(zip(obs_names(4, 2, False), game.env.observe("vector")[0, 0].tolist(), strict=True))
    assert (bool(row["other1.seen"]), bool(row["other1.bullet"])) == (seen, seen)


def test_an_unseen_target_looks_like_empty_ground(play):
    """`scout`: its nearer tiles are in sight, its middle is not."""
    game = play(FIELD, ("player", Team(("basic",), "classic")), "scout", sight=48)
    game.put(0, 104, 60, "up")
    game.world["bases"]["y"][0] = 8
    assert game.tile(12, 1) == BASE
    before = game.env.observe("vector")[0, 0].copy()
    assert before[21:23].tolist() == [1, 1]
    assert "up free as far as you see" in game.env.observe("text")[0][0]
    game.put(0, 104, 56, "up")
    row = game.env.observe("vector")[0, 0]
    assert row[21] < 1
    assert row[22] < 1
    assert "up 4 free then a base" in game.env.observe("text")[0][0]
