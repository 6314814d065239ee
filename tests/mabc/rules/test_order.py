"""The order of rules within a frame; each test tells two neighbours, or near neighbours, apart.

Two pairs of neighbours cannot be told apart from outside: a player's fire and an enemy's, and fire and entries, since
neither rule reads what the other writes. Ice before input is seen in the count of ticks of a slide (test_terrain.py).
"""

from mabc import Team, params
from mabc.params import NOBODY, STAR

EAGLE = "B.....B\n.......\n.......\n.......\n.......\n.......\nA..E..A"
TEAMS = (Team(("player", "player"), lives=3), Team(("basic", "basic"), lives=3))


def test_input_before_movement(play):
    game = play()
    game.run(1)  # in frame 1 a player's tank drives
    game.run(1, "left")
    assert game.at(0) == (103, 200)


def test_movement_before_bullet_against_tank(play):
    game = play(teams=("player", "fast"))
    game.put(1, 104, 104, "right")
    game.hang(0, 95, 104)  # 9 px: a hit, did the tank not drive first
    game.run(1, {1: "right"})
    assert game.tank(1)["alive"]


def test_bullets_move_before_fire(play):
    game = play()
    game.put(0, 104, 104, "up")
    game.run(1, "fire")
    assert game.bullets(0) == [(104, 96)]  # it has not flown yet


def test_bullets_move_before_the_eagle(play):
    game = play(EAGLE, TEAMS, mode="defend")
    game.hang(2, 56, 96, "down")
    game.run(1)
    assert game.terminated


def test_the_eagle_before_bullet_against_terrain(play):
    game = play(EAGLE, TEAMS, mode="defend")
    game.paint("@@\n@@", 4, 12)  # steel beside the eagle: this bullet meets both
    game.hang(2, 48, 96, "down")
    game.run(1)
    assert game.terminated


def test_the_eagle_before_bullet_against_bullet(play):
    game = play(EAGLE, TEAMS, mode="defend")
    game.hang(2, 56, 96, "down")
    game.hang(0, 56, 94, "up")
    game.run(1)
    assert game.terminated


def test_the_shovel_before_bullet_against_terrain(play):
    game = play(EAGLE, TEAMS, mode="defend")
    game.paint("@@", 6, 11)
    game.world["shovel"][0] = 1  # its steel turns to brick in this frame, and the bullet clears brick
    game.hang(2, 56, 88, "down")
    game.run(1)
    assert (game.tile(6, 11), game.tile(7, 11)) == (12, 12)


def test_shields_before_bullet_against_tank(play):
    game = play()
    game.put(0, 104, 104, shield=1)
    game.hang(1, 104, 104)
    game.run(1)
    assert not game.tank(0)["alive"]


def test_shields_and_clocks_before_fire(play):
    game = play()
    game.put(0, 104, 104, entering=1)
    game.run(1, "fire")
    assert game.bullets(0) == [(104, 96)]


def test_fire_before_bullet_against_terrain(play):
    game = play()
    game.put(0, 104, 104, "up")
    game.paint("##", 12, 11)
    game.run(1, "fire")
    assert (game.tile(12, 11), game.tile(13, 11)) == (3, 3)


def test_fire_before_bullet_against_bullet(play):
    game = play()
    game.put(0, 104, 104, "up")
    game.hang(1, 104, 91, "down")
    game.run(1, "fire")
    assert game.world["flying"] == 0


def test_entries_before_bullet_against_terrain(play):
    game = play("B....\n.....\n.....\n.....\nA....")
    game.hang(0, 8, 8)
    game.run(params.EXPLOSION_FRAMES)
    assert not game.tank(1)["alive"]
    game.paint("##\n##", 0, 0)
    game.hang(0, 8, 16, "up")  # would meet the brick that the entry erases in this frame
    game.run(1)
    assert game.tank(1)["alive"]
    assert game.bullets(0) == [(8, 16)]


def test_bullet_against_terrain_before_bullet_against_bullet(play):
    game = play()
    game.paint("@@", 12, 10)
    game.hang(0, 104, 88, "up")  # meets steel
    game.hang(1, 104, 92, "right")
    game.run(1)
    assert not game.bullets(0)
    assert game.bullets(1) == [(104, 92)]


def test_bullet_against_bullet_before_bullet_against_tank(play):
    game = play(teams=("player player", "player player"))
    game.put(1, 104, 104)
    game.hang(2, 104, 104, "up")
    game.hang(0, 104, 104, "down")
    game.run(1)
    assert game.tank(1)["alive"]
    assert game.world["flying"] == 0


def test_bullet_against_tank_before_power_up(play):
    game = play(power_up_period=30_000)
    game.world["power_up"], game.world["power_up_x"], game.world["power_up_y"] = STAR, 104, 104
    game.put(0, 104, 104)
    game.hang(1, 104, 104)
    game.run(1)
    assert not game.tank(0)["alive"]
    assert game.world["power_up"] == STAR


def test_movement_before_power_up(play):
    game = play(power_up_period=30_000)
    game.run(1)
    game.world["power_up"], game.world["power_up_x"], game.world["power_up_y"] = STAR, 104, 104
    game.put(0, 116, 104, "left")
    game.run(1, "left")
    assert game.world["power_up"] == NOBODY
