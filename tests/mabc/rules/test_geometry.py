"""Geometry, the clock, starts and entries (facts: geometry and clock)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mabc import Team, params
from mabc.rules.terrain import NOWHERE, near, packed

DEFEND = "\n".join(["B.....B.....B", *["............."] * 11, "....A.E.A...."])
ENEMIES = Team(("basic",) * 6, "classic", wave=("basic",) * 20)


def stage(play, players=1, **changes):
    """A defend stage whose enemies are frozen, so that only the entries go on."""
    team = Team(("player",) * players, lives=3)
    enemies = Team(("basic",) * (4 if players == 1 else 6), "classic", wave=("basic",) * 20)
    game = play(DEFEND, (team, enemies), mode="defend", **changes)
    game.world["frozen"][1] = 30_000
    return game


def park(game, slot, number):
    """Take an enemy away from its entry, to a place of its own in the middle rows."""
    game.put(slot, 24 + 24 * (number % 7), 56 + 24 * (number // 7), "down")


def on_field(game, players=1):
    return [i for i in range(players, game.env.view.num_tanks) if game.tank(i)["alive"]]


def test_sixty_frames_a_second(play):
    assert play().env.metadata["render_fps"] == params.FPS == 60
    game = play()
    game.run(60)
    assert game.world["frame"] == 60


def test_field_is_13_blocks_26_tiles(play):
    game = play()
    assert (game.world["width"], game.world["height"]) == (26, 26)
    game.put(0, 104, 104, "right")
    game.run(400, "right")
    assert game.at(0) == (200, 104)  # the tank's edge touches the border at 208 px
    game.run(400, "down")
    assert game.at(0) == (200, 200)


def test_a_position_is_the_centre_of_a_block(play):
    game = play("B....\n.....\n..#..\n.....\nA....")
    assert game.at(0) == (8, 72)
    assert game.at(1) == (8, 8)
    assert [game.tile(c, r) for r in (4, 5) for c in (3, 4, 5, 6)] == [0, 15, 15, 0] * 2


def test_a_unit_is_64_frames():
    assert params.UNIT == 64
    assert params.RESPAWN_SHIELD == 3 * 64
    assert params.HELMET_FRAMES == params.FREEZE_FRAMES == 10 * 64
    assert params.SHOVEL_FRAMES == 20 * 64


def test_players_start_beside_the_eagle(play):
    game = stage(play, players=2)
    assert [game.at(0), game.at(1)] == [(72, 200), (136, 200)]
    assert (game.world["bases"][0]["x"], game.world["bases"][0]["y"]) == (104, 200)
    assert game.tank(0)["heading"] == game.tank(1)["heading"] == params.UP


def test_enemies_enter_middle_right_left_and_round(play):
    game = stage(play)
    entered = []
    for number in range(4):
        game.until(lambda n=number: game.world["entered"][1] > n)
        slot = 1 + number
        entered.append(game.at(slot))
        park(game, slot, number)
    assert entered == [(104, 8), (200, 8), (8, 8), (104, 8)]


@pytest.mark.parametrize(("players", "limit"), [(1, 4), (2, 6)])
def test_limit_of_enemies_on_the_field(play, players, limit):
    game = stage(play, players)
    number = 0
    for _ in range(1500):
        game.run(1)
        for slot in on_field(game, players)[number:]:
            park(game, slot, number)
            number += 1
    assert len(on_field(game, players)) == limit
    assert game.world["entered"][1] == limit


def test_an_exploding_enemy_counts_to_the_limit(play):
    game = stage(play)
    for number in range(4):
        game.until(lambda n=number: game.world["entered"][1] > n)
        park(game, 1 + number, number)
        game.run(30)
    game.run(300)
    assert game.world["entered"][1] == 4
    x, y = game.at(2)
    game.hang(0, x, y)
    game.run(1)
    assert not game.tank(2)["alive"]
    assert game.until(lambda: game.world["entered"][1] == 5) == params.EXPLOSION_FRAMES


def test_an_entering_enemy_counts_to_the_limit(play):
    game = stage(play)
    for number in range(4):
        game.until(lambda n=number: game.world["entered"][1] > n)
        if number < 3:
            park(game, 1 + number, number)
    game.world["entry_wait"][1] = 0
    assert game.tank(4)["entering"] > 0
    game.run(20)
    assert game.world["entered"][1] == 4


def test_twenty_enemies_in_a_stage(play):
    game = stage(play)
    for _ in range(6000):
        game.run(1)
        game.world["entry_wait"][1] = 0
        for slot in on_field(game):
            if game.tank(slot)["entering"] == 0:
                game.hang(0, *game.at(slot))
        if game.terminated:
            break
    assert game.terminated
    assert game.outcome == 1
    assert game.info["episode_length"][0] < 6000


@pytest.mark.parametrize(("number", "players", "delay"), [(1, 1, 186), (1, 2, 166), (10, 1, 150), (35, 2, 30)])
def test_delay_between_entries(play, number, players, delay):
    game = stage(play, players, stage=number)
    game.run(1)
    assert game.world["entered"][1] == 1  # the first comes at once
    park(game, players, 0)
    assert game.until(lambda: game.world["entered"][1] == 2) == delay
    park(game, players + 1, 1)
    assert game.until(lambda: game.world["entered"][1] == 3) == delay


def test_an_entering_tank_cannot_be_hit_for_28_frames(play):
    game = stage(play)
    safe = 0
    while True:
        game.hang(0, 104, 8)
        game.run(1)
        if game.world["entered"][1] and not game.tank(1)["alive"]:
            break
        safe += 1
    assert safe == 28


def test_an_entering_tank_is_inactive_for_28_frames(play):
    game = play()
    game.put(1, 8, 8)
    game.hang(1, *game.at(0))
    game.run(1)
    assert not game.tank(0)["alive"]
    game.until(lambda: game.tank(0)["alive"], "up fire")
    start = game.at(0)
    # Its entry is frame 0; shots come late in a frame, so it fires in frame 28 and drives in the next.
    assert game.until(lambda: game.bullets(0), "up fire") == 28
    assert game.at(0) == start
    game.run(2, "up")
    assert game.at(0) != start


def test_an_entry_erases_the_terrain_under_it(play):
    game = stage(play)
    game.paint("####\n####\n####\n####", 11, 0)
    game.paint("@@", 12, 0)
    game.run(1)
    assert [game.tile(c, r) for r in range(3) for c in range(11, 15)] == [15, 0, 0, 15] * 2 + [15] * 4


def test_an_occupied_entry_is_passed_over(play):
    """Our choice: a tank enters at the next point in turn that is free, and waits where none is."""
    game = stage(play)
    game.put(0, 104, 16)
    game.run(1)
    assert game.at(1) == (200, 8)


def test_an_entry_waits_while_all_points_are_occupied(play):
    game = play("B..\n...\n..A")
    game.hang(1, *game.at(0))
    game.run(1)
    game.put(1, 40, 32, "up")
    game.run(params.EXPLOSION_FRAMES + 50)
    assert not game.tank(0)["alive"]
    game.put(1, 8, 8, "up")
    game.run(1)
    assert game.tank(0)["alive"]
    assert game.at(0) == (40, 40)


@given(*[st.integers(-40, 460) for _ in range(4)])
def test_packed_places_are_near_when_both_coordinates_are(x, y, other_x, other_y):
    """Our choice of a first test for pairs: a window of 32 px on each axis, wider than every rule's own range."""
    inside = -16 <= x - other_x <= 15 and -16 <= y - other_y <= 15
    assert near(packed(x, y), packed(other_x, other_y)) == inside
    assert not near(packed(x, y), NOWHERE)


def test_the_first_test_for_pairs_is_wider_than_the_rules_own():
    assert max(params.TANK_CLEARANCE, params.BULLET_TANK, params.BULLET_BULLET, params.HALF_TANK + 1) - 1 <= 15
