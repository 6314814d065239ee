"""The `rgb` kind: the agent's window in pixels, and what is not drawn in it."""

import numpy as np
import pytest

from mabc.params import STAR
from mabc.render import draw_view, draw_world
from mabc.render.sprites import GROUND, KEY, SHEET

FIELD = "\n".join(["B.B...F...B.B", *["............."] * 11, "A.A...E...A.A"])
TEAMS = ("player player", "player armor")


@pytest.fixture(scope="module")
def games(play):
    """The same game without and with line of sight."""
    return [play(FIELD, TEAMS, "versus", sight=40, line_of_sight=on, power_up_period=30_000) for on in (0, 1)]


@pytest.fixture
def game(games):
    return set_up(games[0])


@pytest.fixture
def walled(games):
    return set_up(games[1])


def set_up(game):
    game.env.reset(seed=0)
    for i, (x, y) in enumerate([(104, 104), (8, 200), (200, 8), (8, 8)]):
        game.put(i, x, y, "right")
    return game


def view(game, agent=0):
    return game.env.observe("rgb")[0, agent].copy()


def colour(mark, palette=0):
    return SHEET.palettes[palette, KEY.index(mark)].tolist()


def test_the_tank_is_in_the_middle_of_its_window(game):
    picture = view(game)
    assert picture.shape == (80, 80, 3)
    assert picture.dtype == np.uint8
    sprite = SHEET.tanks[4, 0, 1]
    wanted = np.where(sprite[..., None] > 0, SHEET.palettes[1][sprite], SHEET.palettes[0, GROUND])
    assert (picture[32:48, 32:48] == wanted).all()
    assert (picture[:32] == SHEET.palettes[0, GROUND]).all()


def test_the_own_team_always_has_the_first_colours(game):
    game.put(2, 104, 40, "right")
    assert (view(game, 0)[32:48, 32:48] == view(game, 2)[32:48, 32:48]).all()


@pytest.mark.parametrize("place", [(104, 65), (104, 63)])
def test_tanks_out_of_sight_are_not_drawn(game, place):
    empty = view(game)
    game.put(2, *place)
    assert (view(game) == empty).all() == (place[1] < 64)


def test_what_hides_is_not_drawn(game):
    empty = view(game)
    game.put(2, 136, 104, in_forest=1)
    assert (view(game) == empty).all()
    game.put(2, 136, 104, in_forest=0)
    assert (view(game) != empty).any()


def test_a_dead_agent_sees_black(game):
    game.tank(0)["alive"] = 0
    assert not view(game).any()


def test_things(game):
    game.shoot(0, 104, 80, "up")
    game.world["power_up"], game.world["power_up_x"], game.world["power_up_y"] = STAR, 128, 128
    picture = view(game)
    assert (picture[13:19, 37:43] != SHEET.palettes[0, GROUND]).any(), "the bullet, 24 px above"
    assert picture[64, 64].tolist() == colour("y"), "the middle of the star"


def test_beyond_the_border(game):
    game.put(0, 8, 8)
    picture = view(game)
    assert picture[0, 0].tolist() == picture[31, 79].tolist() == colour("O")
    assert picture[79, 79].tolist() == SHEET.palettes[0, GROUND].tolist()


def test_walls_cast_shadows_with_line_of_sight(game, walled):
    for one in (game, walled):
        one.paint("########", 9, 10)
        one.paint("%%%%%%%%", 9, 9)
        one.put(2, 104, 66)
    shadow = [colour("H"), colour("k")]
    assert all(pixel in shadow for pixel in walled.env.observe("rgb")[0, 0, 8:16].reshape(-1, 3).tolist())
    assert colour("f") in view(game)[8:16].reshape(-1, 3).tolist()
    assert colour("b") in view(walled)[16:24].reshape(-1, 3).tolist(), "the wall itself is seen"


def test_full_observability_shows_everything(play):
    game = play(FIELD, TEAMS, "versus", full_observability=True, line_of_sight=True)
    game.put(0, 104, 104)
    game.put(2, 200, 8, in_forest=1)
    picture = view(game)
    assert picture.shape == (416, 416, 3)
    assert (picture[104:312, 104:312] == draw_world(game.env)).all()


def test_state_is_the_field_and_draw_view_the_window(game):
    game.put(2, 120, 120)
    assert (game.env.state("rgb")[0] == draw_world(game.env)).all()
    for agent in range(4):
        assert (draw_view(game.env, 0, agent) == view(game, agent)).all()
    assert draw_view(game.env, 0, 1, scale=2).shape == (160, 160, 3)
