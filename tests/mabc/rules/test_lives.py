"""Friendly fire, lives and shields (facts: tanks)."""

from mabc import Team, params


def stunned(play):
    """Two players of one team; the first has just been hit by the second."""
    game = play(teams=("player player", "player"))
    game.put(0, 104, 104, "up")
    game.hang(1, 104, 104)
    game.run(1)
    return game


def test_friendly_fire_stuns_for_267_frames(play):
    game = stunned(play)
    assert game.tank(0)["alive"]
    assert game.tank(0)["stun"] == 267
    assert not game.bullets(1)  # the bullet is spent
    for _ in range(267):
        game.run(1, "left")
        assert game.at(0) == (104, 104)
        assert game.tank(0)["heading"] == params.UP  # no turn either
    game.run(2, "left")
    assert game.tank(0)["heading"] == params.LEFT
    assert game.at(0) != (104, 104)


def test_friendly_fire_takes_no_hit(play):
    game = stunned(play)
    assert game.tank(0)["hits"] == 1
    assert game.tank(1)["damage"] == game.tank(1)["kills"] == 0


def test_a_stunned_player_can_fire(play):
    game = stunned(play)
    game.run(1, "left fire")
    assert game.bullets(0) == [(104, 96)]
    assert game.env.action_mask()[0, 0].tolist() == [True, True] + [False] * 8


def test_a_stunned_player_is_not_stunned_again(play):
    game = stunned(play)
    game.run(100)
    game.hang(1, 104, 104)
    game.run(1)
    assert game.tank(0)["stun"] == 267 - 101
    assert not game.bullets(1)


def test_a_shielded_player_is_not_stunned(play):
    game = play(teams=("player player", "player"))
    game.put(0, 104, 104, "up", shield=100)
    game.hang(1, 104, 104)
    game.run(1)
    assert game.tank(0)["stun"] == 0
    assert not game.bullets(1)


def test_a_shield_stops_enemy_bullets(play):
    game = play()
    game.put(0, 104, 104, "up", shield=5)
    for _ in range(4):
        game.hang(1, 104, 104)
        game.run(1)
        assert game.tank(0)["alive"]
        assert not game.bullets(1)
    game.hang(1, 104, 104)
    game.run(1)
    assert not game.tank(0)["alive"]


def test_players_have_3_lives(play):
    assert params.PLAYER_LIVES == 3
    game = play(teams=(Team(("player",), lives=params.PLAYER_LIVES), "player"))
    for deaths in range(1, 4):
        game.until(lambda: game.tank(0)["alive"])
        game.tank(0)["entering"] = game.tank(0)["shield"] = 0
        game.hang(1, *game.at(0))
        game.run(1)
        assert game.terminated == (deaths == 3)
    assert game.outcome == 2


def score(play, points, lives=3):
    """A player with some points destroys a basic tank (100 points)."""
    game = play(teams=(Team(("player",), lives=lives), "basic"))
    game.tank(0)["points"] = points
    game.put(1, 104, 104)
    game.hang(0, 104, 104)
    game.run(1)
    return game


def test_a_life_more_at_20000_points(play):
    assert score(play, 19_800).tank(0)["lives"] == 3
    assert score(play, 19_900).tank(0)["lives"] == 4
    assert score(play, 19_999).tank(0)["lives"] == 4
    assert score(play, 20_000).tank(0)["lives"] == 3  # once only
    assert score(play, 39_900).tank(0)["lives"] == 3


def test_a_respawned_player_is_shielded_for_3_units(play):
    game = play()
    assert game.tank(0)["shield"] == 0  # not at the start of a game
    game.hang(1, *game.at(0))
    game.run(1)
    game.until(lambda: game.tank(0)["alive"])
    game.until(lambda: game.tank(0)["entering"] == 0)
    shielded = 1  # the frame in which its entry ended
    while True:
        game.hang(1, *game.at(0))
        game.run(1)
        if not game.tank(0)["alive"]:
            break
        shielded += 1
    assert shielded == 3 * 64


def test_other_tanks_come_back_without_a_shield(play):
    game = play(teams=("basic", "player"))
    game.hang(1, *game.at(0))
    game.run(1)
    game.until(lambda: game.tank(0)["alive"])
    game.until(lambda: game.tank(0)["entering"] == 0)
    assert game.tank(0)["shield"] == 0


def test_a_dead_tank_may_only_stay(play):
    game = play()
    game.hang(1, *game.at(0))
    game.run(1)
    assert game.env.action_mask()[0, 0].tolist() == [True] + [False] * 9
    assert not game.info["alive"][0, 0]
    game.run(1, "up fire")
    assert not game.bullets(0)
