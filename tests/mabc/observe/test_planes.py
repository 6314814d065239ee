"""The `planes` kind: the window, every channel, and what is hidden."""

import numpy as np
import pytest

import mabc
from mabc.observe.planes import CHANNELS, STATE_CHANNELS
from mabc.params import STAR

FIELD = "\n".join(["B.B...F...B.B", *["............."] * 11, "A.A...E...A.A"])
TEAMS = ("player player", "basic armor")


@pytest.fixture(scope="module")
def game(play):
    """Two against two, a base each, sight 32: a window of 8x8 tiles."""
    return play(FIELD, TEAMS, "versus", sight=32, power_up_period=30_000)


@pytest.fixture(autouse=True)
def stage(game):
    game.env.reset(seed=0)
    for i, (x, y) in enumerate([(104, 104), (8, 200), (200, 8), (8, 8)]):
        game.put(i, x, y, "right")


def cells(game, channel, agent=0):
    """The cells (column, row) of a channel that are not 0, with their values."""
    plane = game.env.observe("planes")[0, agent, CHANNELS.index(channel)]
    return {(int(c), int(r)): int(plane[r, c]) for r, c in np.argwhere(plane)}


def block(column, row, value=255):
    return {(column + c, row + r): value for c in range(2) for r in range(2)}


def test_the_tank_lies_in_the_middle(game):
    assert game.env.observe("planes").shape == (1, 4, len(CHANNELS), 8, 8)
    assert cells(game, "self") == block(3, 3) == cells(game, "tank_right")
    assert cells(game, "hits") == block(3, 3, 63)
    assert not cells(game, "shield")
    for x in range(100, 108):  # wherever between two tiles
        game.put(0, x, 104, "left", shield=9, level=2)
        assert cells(game, "self") == block(3, 3) == cells(game, "tank_left") == cells(game, "shield")
        assert cells(game, "level") == block(3, 3, 170)


def test_terrain(game):
    game.paint("#@~%_", 9, 10)  # the window's corner is tile (9, 9)
    game.world["terrain"][11 * 26 + 9] = 7
    assert cells(game, "brick") == {(0, 1): 255, (0, 2): 191}
    names = ("steel", "water", "forest", "ice")
    assert [cells(game, name) for name in names] == [{(k, 1): 255} for k in (1, 2, 3, 4)]


def test_the_window_moves_with_the_tank(game):
    game.paint("@", 13, 9)
    assert cells(game, "steel") == {(4, 0): 255}
    game.put(0, 112, 96)
    assert cells(game, "steel") == {(3, 1): 255}


def test_outside(game):
    game.put(0, 8, 8)  # tiles -3 to 4
    outside = cells(game, "outside")
    assert len(outside) == 64 - 25
    assert (3, 3) not in outside
    assert (2, 3) in outside
    assert (3, 2) in outside


def test_allies_and_enemies(game):
    game.put(1, 88, 104, "up")
    game.put(2, 104, 128, "down")
    game.put(3, 136, 80, in_forest=1)
    assert cells(game, "ally") == block(1, 3) == cells(game, "tank_up")
    assert cells(game, "enemy") == block(3, 6) == cells(game, "tank_down"), "the one in forest is hidden"
    assert cells(game, "ally", agent=2) == {}
    game.put(3, 137, 104)
    assert len(cells(game, "enemy")) == 4, "33 px away"


def test_bullets(game):
    game.shoot(0, 104, 90, "up")
    game.shoot(2, 120, 104, "left")
    assert cells(game, "own_bullet") == {(4, 2): 255} == cells(game, "bullet_up")
    assert cells(game, "enemy_bullet") == {(6, 4): 255} == cells(game, "bullet_left")


def test_bases_and_power_up(game):
    game.put(0, 104, 176)
    assert cells(game, "own_base") == block(3, 6)
    assert not cells(game, "enemy_base")
    game.put(0, 104, 24)
    game.world["bases"][1]["alive"] = 0
    assert cells(game, "enemy_base") == block(3, 1, 85)
    game.world["power_up"], game.world["power_up_x"], game.world["power_up_y"] = STAR, 128, 32
    assert cells(game, "power_up") == block(6, 4, 200)


def test_a_dead_agents_planes_are_zero(game):
    game.tank(0)["alive"] = 0
    assert not game.env.observe("planes")[0, 0].any()


def test_line_of_sight(play):
    game = play(FIELD, TEAMS, "versus", sight=32, line_of_sight=True)
    game.put(0, 104, 104)
    game.paint("####\n....\n....\n@@@@", 11, 10)  # a wall above, two tiles of air, steel right below the tank
    game.paint("%%%%", 11, 9)
    game.put(2, 104, 72)
    unseen = cells(game, "unseen")
    assert {(2, 0), (3, 0), (4, 0), (5, 0)} <= unseen.keys(), "behind the wall"
    assert cells(game, "forest") == {}
    assert cells(game, "enemy") == {}
    assert cells(game, "brick") == {(c, 1): 255 for c in (2, 3, 4, 5)}, "the wall itself is seen"
    assert not {(c, 3) for c in range(8)} & unseen.keys(), "along the free row"


def test_full_observability(play):
    game = play(FIELD, TEAMS, "versus", sight=32, full_observability=True)
    game.put(0, 8, 200)
    game.put(2, 200, 8, in_forest=1)
    assert game.env.observe("planes").shape[-1] == 52
    assert not cells(game, "unseen")
    assert len(cells(game, "outside")) == 52 * 52 - 26 * 26
    assert cells(game, "enemy").items() >= block(25 + 24, 25 - 24).items()


def test_state(game):
    game.put(1, 8, 24, "up", level=1)
    game.shoot(2, 180, 8, "left")
    game.paint("#", 5, 4)
    state = game.env.state("planes")
    assert state.shape == (1, len(STATE_CHANNELS), 26, 26)
    plane = dict(zip(STATE_CHANNELS, state[0], strict=True))
    assert plane["tank1"][12:14, 12:14].all()
    assert plane["tank1"].astype(bool).sum() == 8
    assert plane["tank2"].astype(bool).sum() == 8
    assert plane["hits"][0, 0] == 255, "armor"
    assert plane["level"][2, 0] == 85
    assert plane["tank_up"][2, 0] == 255
    assert plane["bullet2"][1, 22] == plane["bullet_left"][1, 22] == 255
    assert plane["base1"][24:26, 12:14].all()
    assert plane["base2"][0:2, 12:14].all()
    assert plane["brick"][4, 5] == 255
    assert not plane["outside"].any()


def test_smaller_maps_are_padded(play):
    small, large = "B.A\n...\n...", "B...A\n.....\n.....\n....."
    game = play(large, ("player", "player"))
    scenario = game.env.scenario.changed(map=(small, large))
    env = mabc.make_batch(scenario, num_envs=16)
    env.reset(seed=0)
    outside = env.state("planes")[:, STATE_CHANNELS.index("outside")].astype(bool).sum(axis=(1, 2))
    assert set(outside.tolist()) == {0, 8 * 10 - 6 * 6}
    assert env.state("rgb").shape == (16, 64, 80, 3)
