"""The table of tanks, levels, firing and turning (facts: tanks)."""

from itertools import permutations

import numpy as np
import pytest

from mabc import Team, params
from mabc.rules.chance import draw_order

TABLE = {  # hits, px in 64 frames, bullet px a frame, points
    "basic": (1, 32, 2, 100),
    "fast": (1, 64, 2, 200),
    "power": (1, 32, 4, 300),
    "armor": (4, 32, 2, 400),
    "player": (1, 48, 2, 0),
}


@pytest.mark.parametrize("kind", TABLE)
def test_hits(play, kind):
    game = play(teams=("player", kind))
    game.put(1, 104, 104)
    for hit in range(TABLE[kind][0]):
        assert game.tank(1)["alive"], hit
        game.hang(0, 104, 104)
        game.run(1)
    assert not game.tank(1)["alive"]


@pytest.mark.parametrize("phase", range(4))
@pytest.mark.parametrize("kind", TABLE)
def test_speed(play, kind, phase):
    game = play(teams=(kind, "player"))
    game.run(phase)
    _, y = game.at(0)
    game.run(64, "up")
    assert y - game.at(0)[1] == TABLE[kind][1]


def test_a_player_moves_on_3_of_4_frames(play):
    game = play()
    places = []
    for _ in range(40):
        game.run(1, "up")
        places.append(game.at(0)[1])
    moves = [before - after for before, after in zip([200, *places], places, strict=False)]
    assert set(moves) == {0, 1}
    assert all(sum(moves[k : k + 4]) == 3 for k in range(len(moves) - 3))


@pytest.mark.parametrize("kind", TABLE)
def test_bullet_speed(play, kind):
    game = play(teams=(kind, "player"))
    game.put(0, 104, 104, "up")
    game.run(1, "fire")
    ((x, y),) = game.bullets(0)
    game.run(5)
    assert game.bullets(0) == [(x, y - 5 * TABLE[kind][2])]


@pytest.mark.parametrize("kind", TABLE)
def test_points(play, kind):
    game = play(teams=("player", kind))
    game.put(1, 104, 104)
    for _ in range(TABLE[kind][0]):
        game.hang(0, 104, 104)
        game.run(1)
    assert game.tank(0)["points"] == TABLE[kind][3]


@pytest.mark.parametrize(("level", "speed", "bullets"), [(0, 2, 1), (1, 4, 1), (2, 4, 2), (3, 4, 2)])
def test_player_levels(play, level, speed, bullets):
    game = play(teams=(Team(("player",), lives=2, level=level), "player"))
    game.put(0, 104, 200, "up", level=level)
    game.run(1, "fire")
    (start,) = game.bullets(0)
    game.run(1)
    assert start[1] - game.bullets(0)[0][1] == speed
    game.run(10, "fire")
    assert len(game.bullets(0)) == bullets
    assert game.world["flying"] == bullets


@pytest.mark.parametrize("kind", ["basic", "fast", "power", "armor"])
def test_enemies_have_one_bullet_in_flight(play, kind):
    game = play(teams=(kind, "player"))
    game.put(0, 104, 200, "up", level=3)
    game.run(10, "fire")
    assert len(game.bullets(0)) == 1


def test_levels_are_lost_on_death(play):
    game = play(teams=(Team(("player",), lives=2, level=3), "player"))
    assert game.tank(0)["level"] == 3
    game.hang(1, *game.at(0))
    game.run(1)
    game.until(lambda: game.tank(0)["alive"])
    assert game.tank(0)["level"] == 0


def test_levels_are_kept_over_a_stage_change(play):
    """An episode is a stage: a scenario hands the next one its tanks' level."""
    for level in range(4):
        game = play(teams=(Team(("player",), level=level), "player"))
        assert game.tank(0)["level"] == level


def test_a_press_fires_once(play):
    game = play(teams=(Team(("player",), lives=2, level=2), "player"), frame_skip=8)
    game.run(1, "fire")  # held over the 8 frames of the step: one press
    assert len(game.bullets(0)) == 1
    game.run(1, "fire")  # no release is needed between steps
    assert len(game.bullets(0)) == 2


def test_a_press_waits_within_its_step_for_a_free_bullet(play):
    game = play(frame_skip=8)
    game.put(0, 104, 104, "up")
    game.shoot(0, 120, 6, "up")  # reaches the border in the third frame
    game.run(1, "fire")
    # 3 frames until the border takes the bullet, fired in the next, then 4 frames of flight
    assert game.bullets(0) == [(104, 104 - params.MUZZLE - 2 * 4)]


def test_a_press_does_not_outlast_its_step(play):
    game = play(frame_skip=8)
    game.put(0, 104, 104, "up")
    game.shoot(0, 120, 40, "up")
    game.run(1, "fire")
    assert game.bullets(0) == [(120, 24)]
    game.run(3)
    assert not game.bullets(0)


def test_a_bullet_starts_8_px_ahead(play):
    """Our choice: at the tank's edge."""
    for heading, place in {
        "up": (104, 96),
        "right": (112, 104),
        "down": (104, 112),
        "left": (96, 104),
    }.items():
        game = play()
        game.put(0, 104, 104, heading)
        game.run(1, "fire")
        assert game.bullets(0) == [place]


@pytest.mark.parametrize(("x", "snapped"), [(96, 96), (97, 96), (99, 96), (100, 104), (101, 104), (103, 104)])
@pytest.mark.parametrize("heading", ["right", "left"])
def test_a_turn_of_90_degrees_snaps_x(play, heading, x, snapped):
    game = play()
    game.put(0, x, 104, heading)
    game.run(1, "up")  # frame 0, in which a player's tank does not drive
    assert game.at(0) == (snapped, 104)


@pytest.mark.parametrize(("y", "snapped"), [(96, 96), (99, 96), (100, 104), (103, 104)])
@pytest.mark.parametrize("heading", ["up", "down"])
def test_a_turn_of_90_degrees_snaps_y(play, heading, y, snapped):
    game = play()
    game.put(0, 104, y, heading)
    game.run(1, "left")
    assert game.at(0) == (104, snapped)


def test_a_turn_snaps_both_coordinates(play):
    game = play()
    game.put(0, 99, 101, "up")
    game.run(1, "left")
    assert game.at(0) == (96, 104)


@pytest.mark.parametrize("x", range(96, 105))
def test_a_reversal_does_not_snap(play, x):
    game = play()
    game.put(0, x, 104, "right")
    game.run(1, "left")
    assert game.at(0) == (x, 104)
    assert game.tank(0)["heading"] == params.LEFT


def test_a_snap_into_another_tank_takes_the_multiple_behind(play):
    """Our choice: see docs/decisions.md."""
    game = play()
    game.put(0, 92, 104, "right")
    game.put(1, 108, 104, "up")
    game.run(1, "up")
    assert game.at(0) == (88, 104)
    assert game.tank(0)["heading"] == params.UP


def test_a_turn_waits_where_both_multiples_are_taken(play):
    """Our choice: see docs/decisions.md."""
    game = play(teams=("player", "player player"))
    game.put(0, 92, 104, "right")
    game.put(1, 108, 104, "up")
    game.put(2, 76, 104, "up")
    game.run(4, "up")
    assert game.at(0) == (92, 104)
    assert game.tank(0)["heading"] == params.RIGHT
    game.put(1, 200, 200)
    game.run(1, "up")
    assert game.tank(0)["heading"] == params.UP
    assert game.at(0) == (96, 104)


def test_overlapping_tanks_may_drive_apart_but_not_together(play):
    """Our choice: no rule makes an overlap, but if one is there the tanks are not stuck."""
    for heading, moves in {"left": True, "right": False}.items():
        game = play()
        game.put(0, 96, 104, heading)
        game.put(1, 104, 104, "up")
        game.run(8, heading)
        assert (game.at(0) != (96, 104)) == moves


@pytest.mark.parametrize("waits", range(6))
def test_a_crossing_is_anyones(play, waits):
    """Our choice: two tanks that reach a crossing together get through equally often, whoever they are."""
    game = play(worlds=200, frame_skip=8)
    game.everywhere(0, x=40, y=200, heading="up")
    game.everywhere(1, x=8, y=168, heading="right")
    game.run(waits)
    game.run(5, {0: "up", 1: "right"})  # they touch after 22 frames
    tanks = game.env.worlds["tanks"]
    one, other = 200 - tanks["y"][:, 0], tanks["x"][:, 1] - 8
    assert (one != other).all()
    assert 70 <= (one > other).sum() <= 130


@pytest.mark.parametrize("count", [2, 3])
def test_every_order_of_movement_is_equally_likely(play, count):
    worlds = play(worlds=6000).env.worlds
    orders = np.zeros((6000, count), np.uint8)
    for b in range(6000):
        draw_order(worlds[b], count, orders[b])
    found, counts = np.unique(orders, axis=0, return_counts=True)
    assert found.tolist() == [list(order) for order in permutations(range(count))]
    expected = 6000 / len(found)
    assert (abs(counts - expected) <= 4.5 * np.sqrt(expected)).all()


def test_the_order_of_movement_is_drawn_anew_each_step(play):
    """Two tanks that reach for one place: neither gets it always, in a world's frames or in a frame's worlds."""
    winners = []
    for start in range(32):
        game = play(teams=("fast", "fast"), worlds=32)  # a frame a step
        game.everywhere(0, x=80, y=104, heading="right")
        game.everywhere(1, x=97, y=104, heading="left")  # one px between them
        game.run(start)
        game.run(1, {0: "right", 1: "left"})
        x = game.env.worlds["tanks"]["x"][:, :2].astype(int)
        assert (x[:, 1] - x[:, 0] == 16).all()
        winners.append(x[:, 0] == 81)
    share = np.array(winners)  # [steps, worlds]
    assert ((share.mean(axis=0) > 0.1) & (share.mean(axis=0) < 0.9)).all()
    assert ((share.mean(axis=1) > 0.1) & (share.mean(axis=1) < 0.9)).all()


def test_the_order_of_movement_is_the_same_in_any_batch(play):
    many, few = play(worlds=8).env.worlds, play(worlds=3).env.worlds
    for b in range(3):
        orders = np.zeros((2, 9), np.uint8)
        draw_order(many[b], 9, orders[0])
        draw_order(few[b], 9, orders[1])
        assert np.array_equal(orders[0], orders[1])
        assert sorted(orders[0]) == list(range(9))
