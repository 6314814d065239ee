"""Bots that hold a post or patrol (our rules)."""

import numpy as np
import pytest

from mabc import Team, params

MAP = "\n".join(["A......", ".......", ".......", "...B...", ".......", ".......", "......."])


def guard(play, stance, driver="classic", **changes):
    """A guard of a stance in the middle, tank 1, and a player at rest."""
    return play(MAP, (Team(("player",), lives=9), Team(("player",), driver, lives=9, stance=stance)), **changes)


@pytest.mark.parametrize("driver", ["random", "classic", "tactical"])
def test_hold_stays_at_its_post(play, driver):
    game = guard(play, "hold", driver)
    game.put(0, 56, 104, shield=30_000)
    game.tank(1)["heading"] = params.UP
    turned = set()
    for _ in range(600):
        game.run(1)
        assert game.at(1) == (56, 56)
        turned.add(int(game.tank(1)["heading"]))
    assert turned != {params.UP}


@pytest.mark.parametrize("driver", ["random", "classic", "tactical"])
def test_patrol_goes_to_and_fro_along_its_row(play, driver):
    game = guard(play, "patrol", driver)
    game.put(0, 8, 8, shield=30_000)
    places = set()
    for _ in range(900):
        game.run(1)
        places.add(game.at(1))
    assert {y for _, y in places} == {56}
    assert min(x for x, _ in places) >= 56 - params.PATROL_RANGE
    assert max(x for x, _ in places) <= 56 + params.PATROL_RANGE
    assert len(places) > 16


def test_hunt_leaves_its_post(play):
    game = guard(play, "hunt")
    game.tank(0)["shield"] = 30_000
    game.run(200)
    assert game.at(1) != (56, 56)


@pytest.mark.parametrize("field", ["stun", "frozen"])
def test_a_guard_that_cannot_move_does_not_turn(play, field):
    game = guard(play, "hold", "random")
    heading = game.tank(1)["heading"]
    for _ in range(200):
        if field == "stun":
            game.tank(1)["stun"] = 100
        else:
            game.world["frozen"][1] = 100
        game.run(1)
        assert game.tank(1)["heading"] == heading


def test_a_guard_comes_back_to_its_post(play):
    """A guard with lives left enters at its team's point and keeps to the post it started from."""
    game = guard(play, "hold")
    game.hang(0, 56, 56)
    game.run(1)
    game.until(lambda: game.tank(1)["alive"])
    assert game.at(1) == (56, 56)


def test_a_patrol_of_the_tactical_bot_shoots_out_of_its_row(play):
    """An enemy straight below is shot at, though the patrol's way is the row."""
    game = guard(play, "patrol", "tactical", worlds=128)
    game.everywhere(0, x=56, y=104, shield=30_000)
    bullets = game.env.worlds["bullets"]
    below, places = np.zeros(128, bool), []
    for _ in range(600):
        game.run(1)
        below |= (bullets["speed"][:, 2] != 0) & (bullets["y"][:, 2] > 72)
        places.append(game.env.worlds["tanks"]["x"][:, 1].copy())
    assert below.mean() > 0.9
    waits = (np.array(places[-48:]) == places[-1]).all(axis=0)
    assert (places[-1][waits] % 8 == 0).all()  # only where it can turn to shoot
