"""The attract mode's two-player script (facts: enemies)."""

import pytest

from mabc import Team, params
from mabc.params import DOWN, LEFT, RIGHT, STAR, UP


def script(play, **changes):
    """Two scripted players in the middle, who know all as in the original, against six tanks at rest."""
    teams = (Team(("player", "player"), "attract", lives=9, knowledge="all"), Team(("basic",) * 6, lives=9))
    game = play(teams=teams, **changes)
    game.put(0, 104, 104, "right")
    game.put(1, 56, 104, "right")
    return game


def test_a_power_up_first(play):
    game = script(play, power_up_period=30_000)
    game.world["power_up"], game.world["power_up_x"], game.world["power_up_y"] = STAR, 104, 176
    for i in range(6):
        game.put(2 + i, 104, 24)
    game.until(lambda: game.tank(0)["pick_ups"], limit=200)
    assert game.at(0)[0] == 104


@pytest.mark.parametrize(
    ("player", "dead", "target"),
    [(0, (), 2), (0, (2,), 4), (0, (2, 4), 3), (1, (), 3), (1, (3,), 5), (1, (3, 5), 4)],
)
def test_targets_in_the_order_of_first_living(play, player, dead, target):
    """Our reading: places of the enemy's team, counted from 0 like the even and odd slots of the other facts."""
    game = script(play)
    x, _ = game.at(player)
    for place in range(6):
        game.put(2 + place, x, 24 if place == target else 184)
    for place in dead:
        game.tank(2 + place)["alive"] = 0
        game.tank(2 + place)["wait"] = 1000
    game.run(1)
    assert game.tank(player)["heading"] == UP


def test_without_these_targets_the_nearest_enemy(play):
    """Our choice."""
    game = script(play)
    for place in range(6):
        game.put(2 + place, 104, 184 if place else 56)
        if place > 1:
            game.tank(2 + place)["alive"], game.tank(2 + place)["wait"] = 0, 1000
    game.run(1)
    assert game.tank(0)["heading"] == UP


def test_the_major_axis_alternates(play):
    game = script(play)
    for place in range(6):
        game.put(2 + place, 200, 200, shield=1000)
    seen = []
    for _ in range(120):
        game.run(1)
        if not seen or seen[-1] != game.tank(0)["heading"]:
            seen.append(int(game.tank(0)["heading"]))
    assert set(seen) == {RIGHT, DOWN}
    assert len(seen) >= 4


def test_always_firing(play):
    game = script(play)
    for place in range(6):
        game.put(2 + place, 104, 8, shield=30_000)
    for _ in range(100):
        free = not game.bullets(0)
        game.run(1)
        if free:
            assert game.tank(0)["press"] == 0  # the press was used

    assert game.world["flying"] >= 1


@pytest.mark.parametrize(("y", "fires"), [(168, True), (176, False), (200, False)])
def test_no_shot_in_the_bottom_rows(play, y, fires):
    game = script(play)
    game.put(0, 104, y, "left")
    for place in range(6):
        game.put(2 + place, 8, y, shield=1000)
    game.put(1, 8, 40)
    game.run(1)
    assert bool(game.bullets(0)) == fires
    assert game.tank(0)["heading"] in (LEFT, UP, DOWN)
    assert params.TILE * (26 - 4) == 176
