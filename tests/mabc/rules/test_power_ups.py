"""Who carries power-ups, where they appear, and what they do (facts: power-ups)."""

import numpy as np
import pytest

from mabc import Team, params
from mabc.params import EXTRA_TANK, GRENADE, HELMET, NOBODY, SHOVEL, STAR, TIMER
from mabc.render import draw_world

DEFEND = "\n".join(["B.....B.....B", *["............."] * 10, ".....###.....", "....A#E#A...."])
RING = [(c, r) for r in (23, 24, 25) for c in range(11, 15) if r == 23 or not 12 <= c <= 13]


def stage(play, wave=("basic",) * 20, **changes):
    """A defend stage whose enemies are frozen."""
    team = Team(("player",), lives=3)
    game = play(DEFEND, (team, Team(("basic",) * 4, "classic", wave=wave)), mode="defend", **changes)
    game.world["frozen"][1] = 30_000
    return game


def lie(game, kind, x=80, y=80):
    """Let a power-up lie on the field."""
    game.world["power_up"], game.world["power_up_x"], game.world["power_up_y"] = kind, x, y


def take(game, kind, i=0):
    """Tank i takes a power-up."""
    lie(game, kind)
    game.put(i, 80, 80)
    game.run(1)
    assert game.world["power_up"] == NOBODY


def battle(play, teams=("player", "player"), **changes):
    return play(teams=teams, power_up_period=30_000, **changes)


def test_the_4th_11th_and_18th_enemy_carry(play):
    game = stage(play)
    carriers = []
    while not game.terminated:
        entered = int(game.world["entered"][1])
        game.run(1)
        if game.terminated:
            break
        game.world["entry_wait"][1] = 0
        for slot in range(1, 5):
            tank = game.tank(slot)
            if tank["alive"] and tank["entering"] == params.ENTER_FRAMES and tank["carrier"]:
                carriers.append(entered + 1)
            if tank["alive"] and tank["entering"] == 0:
                game.hang(0, *game.at(slot))
    assert carriers == [4, 11, 18]


def test_the_first_hit_on_a_carrier_drops_a_power_up(play):
    game = battle(play, ("player", "armor"))
    game.put(1, 104, 104, carrier=1)
    game.hang(0, 104, 104)
    game.run(1)
    assert game.tank(1)["alive"]
    assert game.world["power_up"] != NOBODY
    game.world["power_up"] = NOBODY
    game.hang(0, 104, 104)
    game.run(1)
    assert game.tank(1)["hits"] == 2
    assert game.world["power_up"] == NOBODY


def test_a_carriers_entry_removes_the_power_up(play):
    game = stage(play)
    lie(game, STAR)
    seen = []
    for number in range(1, 5):
        game.until(lambda n=number: game.world["entered"][1] == n)
        seen.append(game.world["power_up"] != NOBODY)
        game.put(number, 24 * number, 104, "down")
    assert seen == [True, True, True, False]


def test_one_power_up_at_a_time(play):
    game = battle(play, ("player", "basic"))
    lie(game, STAR, 8, 8)
    game.put(1, 104, 104, carrier=1)
    game.hang(0, 104, 104)
    game.run(1)
    assert game.world["power_up"] != NOBODY
    assert (game.world["power_up_x"], game.world["power_up_y"]) != (8, 8)
    assert isinstance(game.env.world(0)["power_up"], dict)


def test_a_power_up_has_no_time_limit(play):
    game = battle(play)
    lie(game, STAR)
    game.run(5000)
    assert game.world["power_up"] == STAR


def drops(play, worlds=8000, place=(8, 8)):
    """The kinds and places of the power-ups of many worlds; the player stands at `place`."""
    game = battle(play, ("player", "basic"), worlds=worlds)
    all_worlds = game.env.worlds
    tanks, bullets = all_worlds["tanks"], all_worlds["bullets"]
    tanks["x"][:, 0], tanks["y"][:, 0] = place
    tanks["x"][:, 1], tanks["y"][:, 1], tanks["carrier"][:, 1] = 104, 104, 1
    bullets["x"][:, 0], bullets["y"][:, 0], bullets["speed"][:, 0] = 104, 106, 2
    all_worlds["flying"] = 1
    game.run(1)
    assert not tanks["alive"][:, 1].any()
    return all_worlds["power_up"], all_worlds["power_up_x"], all_worlds["power_up_y"]


def near(counts, expected, worlds=8000):
    """Counts within 4.5 standard deviations of a binomial's mean."""
    expected = np.asarray(expected)
    return np.all(np.abs(counts - worlds * expected) < 4.5 * np.sqrt(worlds * expected * (1 - expected)))


def test_odds_of_the_kinds(play):
    kinds, _, _ = drops(play)
    counts = np.bincount(kinds, minlength=6)
    expected = {HELMET: 1, TIMER: 1, SHOVEL: 1, EXTRA_TANK: 1, STAR: 2, GRENADE: 2}
    assert near(counts, [expected[k] / 8 for k in range(6)])


def test_places_are_uniform_over_a_4x4_grid(play):
    _, x, y = drops(play)
    assert set(x.tolist()) == set(y.tolist()) == {32, 80, 128, 176}
    counts = np.bincount((x - 32) // 48 + 4 * ((y - 32) // 48), minlength=16)
    assert near(counts, 1 / 16)


def test_a_place_is_not_on_a_player(play):
    _, x, y = drops(play, place=(80, 128))
    counts = np.bincount((x - 32) // 48 + 4 * ((y - 32) // 48), minlength=16)
    assert counts[1 + 4 * 2] == 0
    assert near(np.delete(counts, 9), 1 / 15)


@pytest.mark.parametrize(
    ("offset", "taken"),
    [
        ((0, 0), True),
        ((11, 0), True),
        ((-11, 11), True),
        ((0, -11), True),
        ((12, 0), False),
        ((0, -12), False),
    ],
)
def test_picked_up_within_12_px(play, offset, taken):
    game = battle(play)
    lie(game, STAR)
    game.put(0, 80 + offset[0], 80 + offset[1])
    game.run(1)
    assert (game.world["power_up"] == NOBODY) == taken
    assert game.tank(0)["pick_ups"] == taken


def test_500_points(play):
    game = battle(play)
    take(game, STAR)
    assert game.tank(0)["points"] == 500


def test_only_players_pick_up(play):
    game = battle(play, ("player", "basic"))
    lie(game, STAR)
    game.put(1, 80, 80)
    game.run(3)
    assert game.world["power_up"] == STAR


def test_helmet_shields_for_10_units(play):
    game = battle(play)
    take(game, HELMET)
    assert game.tank(0)["shield"] == 640
    frames = 0
    while game.tank(0)["alive"]:
        game.hang(1, 80, 80)
        game.run(1)
        frames += 1
    assert frames == 640  # hit in the frame in which the clock reaches 0


def test_timer_freezes_enemies_for_10_units(play):
    game = battle(play)
    game.put(1, 104, 104, "up")
    take(game, TIMER)
    for _ in range(639):
        game.run(1, {1: "left fire"})
        assert game.at(1) == (104, 104)
        assert not game.bullets(1)
        assert game.tank(1)["heading"] == params.UP
    game.run(3, {1: "left fire"})
    assert game.tank(1)["heading"] == params.LEFT
    assert game.bullets(1)


def test_timer_does_not_freeze_the_team(play):
    game = battle(play)
    take(game, TIMER)
    game.run(8, "left")
    assert game.at(0)[0] < 80
    assert game.env.action_mask()[0].sum(axis=1).tolist() == [10, 1]


def test_shovel_is_steel_for_20_units_then_fresh_brick(play):
    game = stage(play)
    for column, row in RING[::2]:
        game.world["terrain"][row * 26 + column] = 0  # some of the wall was shot away
    take(game, SHOVEL)
    assert {game.tile(c, r) for c, r in RING} == {params.STEEL}
    game.put(0, 8, 104)
    assert game.until(lambda: game.tile(11, 23) != params.STEEL) == 20 * 64
    assert {game.tile(c, r) for c, r in RING} == {params.BRICK}
    assert game.tile(12, 24) == params.BASE


def test_shovel_blinks_in_the_last_3_to_4_units(play):
    """Drawn only, in the field's picture and in an agent's: the steel stands until the end."""
    game = stage(play)
    take(game, SHOVEL)
    game.put(0, 104, 168, "up")
    game.world["tanks"]["shield"] = 0
    ring = np.s_[176:208, 88:120]
    pictures = {}
    for left in range(int(game.world["shovel"][0]), 0, -1):
        assert game.world["shovel"][0] == left
        pictures[left] = (draw_world(game.env)[ring].tobytes(), game.env.observe("rgb")[0, 0].tobytes())
        assert {game.tile(c, r) for c, r in RING} == {params.STEEL}
        game.run(1)
    for which in (0, 1):
        steel = pictures[params.SHOVEL_FRAMES - 1][which]
        changed = [left for left in pictures if pictures[left][which] != steel]
        assert 3 * 64 <= max(changed) <= 4 * 64
        assert min(changed) > 1, "it ends as steel, and then is brick"
        assert 0.4 < len(changed) / max(changed) < 0.6, "as long the one as the other"
    assert game.tile(*RING[0]) == params.BRICK
    bricks = draw_world(game.env)[ring].tobytes()
    assert bricks == pictures[max(changed)][0], "it looks like the brick to come"


def test_shovel_spares_a_tile_under_a_tank(play):
    """Our choice: nothing is built under a tank, neither steel nor brick."""
    game = stage(play)
    game.paint("....\n....", 10, 22)
    lie(game, SHOVEL, 88, 192)
    game.put(0, 88, 184, "up")  # its tiles are columns 10, 11 and rows 22, 23
    game.run(1)
    assert [game.tile(11, r) for r in (23, 24, 25)] == [0, params.STEEL, params.STEEL]
    assert game.tile(12, 23) == params.STEEL
    game.run(9, "up")  # it is not stuck
    assert game.at(0)[1] < 184
    game.put(0, 88, 184, "up")
    game.run(20 * 64)
    assert [game.tile(11, r) for r in (23, 24, 25)] == [0, params.BRICK, params.BRICK]


def test_grenade_explodes_all_enemies_without_points(play):
    game = battle(play, ("player player", "basic armor fast"))
    game.tank(3)["shield"] = 100
    game.tank(4)["entering"] = 10
    take(game, GRENADE)
    assert [bool(game.tank(i)["alive"]) for i in range(5)] == [True, True, False, False, True]
    assert game.tank(0)["points"] == 500  # for the power-up only
    assert game.tank(0)["kills"] == 2


def test_tank_is_a_life(play):
    game = battle(play)
    take(game, EXTRA_TANK)
    assert game.tank(0)["lives"] == 10


def test_star_is_a_level_up_to_3(play):
    game = battle(play)
    for level in (1, 2, 3, 3):
        take(game, STAR)
        assert game.tank(0)["level"] == level


def test_by_the_clock_in_modes_without_waves(play):
    """Our choice: a scenario may let one appear every so often."""
    game = play(power_up_period=100)
    assert game.until(lambda: game.world["power_up"] != NOBODY) == 100
