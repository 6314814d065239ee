"""What stops tanks and bullets, brick, the eagle and ice (facts: terrain)."""

import pytest

from mabc import Team, params

LANE = "B......\n.......\n.......\nA..?..."
"""A lane of 112 px at y = 56 with one block of something from x = 48 to 64."""


def lane(play, letter, teams=("player", "player"), **changes):
    return play(LANE.replace("?", letter), teams, **changes)


@pytest.mark.parametrize("letter", [".", "_", "%"])
def test_a_tank_drives_over_empty_ice_and_forest(play, letter):
    game = lane(play, letter)
    game.run(200, "right")
    assert game.at(0) == (104, 56)


@pytest.mark.parametrize("letter", ["#", "@", "~"])
def test_brick_steel_and_water_stop_a_tank(play, letter):
    game = lane(play, letter)
    game.run(200, "right")
    assert game.at(0) == (40, 56)


@pytest.mark.parametrize(
    ("heading", "end"), [("up", (40, 8)), ("right", (72, 40)), ("down", (40, 72)), ("left", (8, 40))]
)
def test_the_border_stops_a_tank(play, heading, end):
    game = play("A...B\n.....\n.....\n.....\n.....")
    game.put(0, 40, 40, "up")
    game.put(1, 200, 200)
    game.run(100, heading)
    assert game.at(0) == end


def test_another_tank_stops_a_tank(play):
    game = lane(play, ".")
    game.put(1, 72, 64, "up")
    game.run(200, "right")
    assert game.at(0) == (56, 56)  # 16 px apart: edge to edge
    assert game.tank(0)["blocked"]


def test_tanks_side_by_side_pass(play):
    game = lane(play, ".")
    game.put(1, 72, 40, "up")
    game.run(200, "right")
    assert game.at(0) == (104, 56)


@pytest.mark.parametrize("row", [6, 7])
def test_movement_probes_both_leading_corners(play, row):
    game = lane(play, ".")
    game.paint("@", 6, row)
    game.run(200, "right")
    assert game.at(0) == (40, 56)


def test_terrain_beside_the_leading_corners_lets_pass(play):
    game = lane(play, ".")
    game.put(0, 8, 40, "right")
    game.paint("@", 6, 3)
    game.paint("@", 6, 6)
    game.run(200, "right")
    assert game.at(0) == (104, 40)


@pytest.mark.parametrize("quarter", [1, 2, 4, 8])
@pytest.mark.parametrize("row", [6, 7])
def test_one_brick_quarter_blocks_a_tank(play, quarter, row):
    game = lane(play, ".")
    game.world["terrain"][row * 14 + 6] = quarter
    game.run(200, "right")
    assert game.at(0) == (40, 56)


def last_of_shot(game, limit=200):
    """Where a shot to the right was seen last."""
    game.tank(0)["heading"] = params.RIGHT
    game.run(1, "fire")
    last = None
    while game.bullets(0):
        (last,) = game.bullets(0)
        game.run(1)
    return last


@pytest.mark.parametrize("letter", [".", "~", "_", "%"])
def test_a_bullet_flies_over_empty_water_ice_and_forest_to_the_border(play, letter):
    game = lane(play, letter)
    assert last_of_shot(game) == (110, 56)
    assert game.tile(6, 6) == {".": 0, "~": 17, "_": 19, "%": 18}[letter]


@pytest.mark.parametrize("letter", ["#", "@"])
def test_steel_and_brick_stop_a_bullet(play, letter):
    game = lane(play, letter)
    assert last_of_shot(game) == (46, 56)
    assert game.tile(6, 6) == {"#": 15 & ~5, "@": 16}[letter]


def test_a_bullet_flies_through_cleared_quarters(play):
    game = lane(play, ".")
    game.world["terrain"][6 * 14 + 6] = 3  # only the quarters away from the bullet's line are left
    game.world["terrain"][7 * 14 + 6] = 12
    assert last_of_shot(game) == (110, 56)
    assert (game.tile(6, 6), game.tile(6, 7)) == (3, 12)


@pytest.mark.parametrize("quarter", [1, 2])
def test_a_quarter_on_the_line_stops_a_bullet(play, quarter):
    game = lane(play, ".")
    game.world["terrain"][7 * 14 + 6] = quarter
    assert last_of_shot(game) == (46 if quarter == 1 else 50, 56)
    assert game.tile(6, 7) == 0


SHOTS = {  # where the tank stands beside the block at (40, 40), and the tiles of the block after one, two, three shots
    "right": ((24, 40), [(10, 15, 10, 15), (0, 15, 0, 15), (0, 10, 0, 10)]),
    "left": ((56, 40), [(15, 5, 15, 5), (15, 0, 15, 0), (5, 0, 5, 0)]),
    "down": ((40, 24), [(12, 12, 15, 15), (0, 0, 15, 15), (0, 0, 12, 12)]),
    "up": ((40, 56), [(15, 15, 3, 3), (15, 15, 0, 0), (3, 3, 0, 0)]),
}


@pytest.mark.parametrize("heading", SHOTS)
def test_two_shots_a_tile_four_a_block(play, heading):
    game = play("B....\n.....\n..#..\n.....\nA....")
    place, stages = SHOTS[heading]
    for expected in [*stages, (0, 0, 0, 0)]:
        game.put(0, *place, heading)
        game.run(1, "fire")
        game.until(lambda: not game.bullets(0))
        assert tuple(game.tile(c, r) for r in (4, 5) for c in (4, 5)) == expected
    game.run(1, "fire")
    assert game.bullets(0)  # the way is free: at this distance brick would have stopped it at once


@pytest.mark.parametrize("heading", ["right", "down"])
def test_a_strip_is_16_px_wide(play, heading):
    game = play("B....\n.....\n.....\n.....\nA....")
    game.paint("####\n####\n####\n####", 3, 3)
    game.put(0, 16 if heading == "right" else 40, 40 if heading == "right" else 16, heading)
    game.run(1, "fire")
    tiles = [[game.tile(c, r) for c in range(3, 7)] for r in range(3, 7)]
    first = [15, 10, 10, 15] if heading == "right" else [15, 12, 12, 15]
    line = [row[0] for row in tiles] if heading == "right" else tiles[0]
    assert line == first
    assert sum(tile != 15 for row in tiles for tile in row) == 2


@pytest.mark.parametrize("letter", ["#", "@"])
def test_a_level_3_shot_clears_whole_tiles_16_wide_and_8_deep(play, letter):
    game = play("B....\n.....\n.....\n.....\nA....")
    game.paint("\n".join([letter * 4] * 4), 3, 3)
    game.put(0, 16, 40, "right", level=3)
    game.run(1, "fire")
    code = {"#": 15, "@": 16}[letter]
    assert [[game.tile(c, r) for c in range(3, 7)] for r in range(3, 7)] == [
        [code] * 4,
        [0] + [code] * 3,
        [0] + [code] * 3,
        [code] * 4,
    ]


@pytest.mark.parametrize("level", [0, 1, 2])
def test_steel_withstands_lower_levels(play, level):
    game = play("B....\n.....\n.....\n.....\nA....")
    game.paint("@@\n@@", 3, 4)
    game.put(0, 16, 40, "right", level=level)
    game.run(5, "fire")
    assert game.tile(3, 4) == game.tile(3, 5) == 16


EAGLE = "B.....B\n.......\n.......\n.......\n.......\n.......\nA..E..A"


@pytest.mark.parametrize("shooter", [0, 2], ids=["own player", "enemy"])
@pytest.mark.parametrize("x", [48, 56, 64], ids=["left edge", "middle", "right edge"])
def test_any_bullet_destroys_the_eagle(play, shooter, x):
    teams = (Team(("player", "player"), lives=3), Team(("basic", "basic"), lives=3))
    game = play(EAGLE, teams, mode="defend")
    game.shoot(shooter, x, 80, "down")
    assert game.until(lambda: game.terminated, limit=30) == 8  # the base begins at y = 96
    assert game.outcome == 2
    assert game.info["success"][0].tolist() == [False, False, True, True]


def test_a_point_blank_shot_destroys_the_eagle(play):
    """Our choice: fired after the eagle's turn in the frame's order, it hits in the next frame."""
    game = play(EAGLE, (Team(("player", "player"), lives=3), Team(("basic",), lives=3)), mode="defend")
    game.put(0, 56, 88, "down")
    game.run(1, "fire")
    assert not game.terminated
    game.run(1)
    assert game.terminated
    assert game.outcome == 2


def test_a_bullet_past_the_eagle_spares_it(play):
    game = play(EAGLE, (Team(("player", "player"), lives=3), Team(("basic",), lives=3)), mode="defend")
    game.shoot(0, 40, 80, "down")
    game.run(40)
    assert not game.terminated
    assert game.world["bases"][0]["alive"]


def ice_field(play, driver="player"):
    return play("\n".join(["B..........", *["___________"] * 2, "A.........."]), (driver, "player"))


def test_a_player_slides_28_ticks_on_ice(play):
    for wait in range(4):  # whatever the phase of the clock
        game = ice_field(play)
        game.put(0, 16, 32, "right")
        game.run(wait)
        game.run(24, "right")
        x, _ = game.at(0)
        frames = game.until(lambda: not game.tank(0)["moved"])
        assert frames == 29  # the 29th is the first in which it stands
        assert game.at(0) == (x + 21, 32)  # 28 frames at 0.75 px


def test_enemies_do_not_slide(play):
    for kind in ("basic", "fast", "power", "armor"):
        game = ice_field(play, kind)
        game.put(0, 16, 32, "right")
        game.run(24, "right")
        stop = game.at(0)
        game.run(40)
        assert game.at(0) == stop


def test_off_ice_a_player_stops_at_once(play):
    game = play()
    game.run(20, "up")
    stop = game.at(0)
    game.run(40)
    assert game.at(0) == stop


def test_a_slide_ends_where_the_ice_ends(play):
    """Our choice: a tank slides only while two of its four tiles are ice."""
    game = play("B.......\n__......\n__......\nA.......")
    game.put(0, 16, 32, "right")
    game.run(12, "right")
    game.run(40)
    x, _ = game.at(0)
    assert 24 <= x <= 37


def test_a_key_pressed_on_ice_ends_the_slide(play):
    game = ice_field(play)
    game.put(0, 48, 32, "right")
    game.run(24, "right")
    game.run(10)
    x, _ = game.at(0)
    game.run(8, "left")
    assert game.at(0)[0] < x
