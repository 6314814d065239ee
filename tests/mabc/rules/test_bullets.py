"""Who hits whom, and how near (facts: tanks)."""

import pytest

NEAR = [(0, 0), (9, 0), (-9, 0), (0, 9), (0, -9), (9, 9), (-9, -9), (9, -9)]
FAR = [(10, 0), (-10, 0), (0, 10), (0, -10), (10, 9), (9, -10), (-10, -10)]


@pytest.mark.parametrize("heading", ["up", "right", "down", "left"])
@pytest.mark.parametrize(("offset", "hit"), [(o, True) for o in NEAR] + [(o, False) for o in FAR])
def test_bullet_against_tank_within_10_px(play, offset, hit, heading):
    game = play()
    game.put(1, 104, 104)
    game.hang(0, 104 + offset[0], 104 + offset[1], heading)
    game.run(1)
    assert bool(game.tank(1)["alive"]) != hit
    assert bool(game.bullets(0)) != hit


CLOSE = [(0, 0), (5, 0), (-5, 0), (0, 5), (0, -5), (5, 5), (-5, 5)]
APART = [(6, 0), (-6, 0), (0, 6), (0, -6), (6, 5), (-5, -6)]


@pytest.mark.parametrize("headings", [("up", "down"), ("up", "right"), ("left", "left")])
@pytest.mark.parametrize(("offset", "hit"), [(o, True) for o in CLOSE] + [(o, False) for o in APART])
def test_bullet_against_bullet_within_6_px(play, offset, hit, headings):
    game = play()
    game.hang(0, 104, 104, headings[0])
    game.hang(1, 104 + offset[0], 104 + offset[1], headings[1])
    game.run(1)
    assert bool(game.bullets(0)) != hit
    assert bool(game.bullets(1)) != hit
    assert game.world["flying"] == (0 if hit else 2)


@pytest.mark.parametrize(
    ("teams", "one", "other", "cancel"),
    [
        (("player", "basic"), 0, 1, True),
        (("player player", "basic"), 0, 1, True),  # of two players
        (("player", "basic fast"), 1, 2, False),  # of two enemies
        (("basic", "basic"), 0, 1, True),  # between teams all is hostile
        (("player basic", "player"), 0, 1, True),  # our choice: a player among bots is a player
    ],
)
def test_whose_bullets_cancel(play, teams, one, other, cancel):
    game = play(teams=teams)
    game.hang(one, 104, 104, "up")
    game.hang(other, 104, 104, "down")
    game.run(1)
    assert (not game.bullets(one)) == cancel
    assert (not game.bullets(other)) == cancel


def test_a_players_own_two_bullets_do_not_cancel(play):
    game = play()
    game.hang(0, 104, 104, "up", slot=0)
    game.hang(0, 104, 104, "down", slot=1)
    game.run(1)
    assert len(game.bullets(0)) == 2


def test_enemy_bullets_pass_through_enemies(play):
    game = play(teams=("player", "basic armor"))
    game.put(2, 104, 104)
    game.shoot(1, 104, 130, "up")
    game.run(30)
    assert game.tank(2)["alive"]
    assert game.tank(2)["hits"] == 4
    assert game.bullets(1) == [(104, 70)]


def test_a_players_bullet_passes_through_a_bot_of_its_team(play):
    """Our choice: only tanks of type player are stunned, and no team mate is hurt."""
    game = play(teams=("player basic", "player"))
    game.put(1, 104, 104)
    game.shoot(0, 104, 130, "up")
    game.run(30)
    assert game.tank(1)["alive"]
    assert game.bullets(0) == [(104, 70)]


def test_a_bullet_does_not_hit_its_own_tank(play):
    game = play()
    game.put(0, 104, 104, "up")
    game.run(1, "fire")  # 8 px from the centre, within the 10 px of a hit
    assert game.tank(0)["alive"]
    assert game.tank(0)["stun"] == 0
    assert game.bullets(0)


def test_a_bullet_hits_one_tank_only(play):
    game = play(teams=("player", "basic basic"))
    game.put(1, 96, 104)
    game.put(2, 112, 104)
    game.hang(0, 104, 104)
    game.run(1)
    assert sorted([bool(game.tank(1)["alive"]), bool(game.tank(2)["alive"])]) == [False, True]


def test_a_shot_at_a_tank_that_touches_hits_at_once(play):
    game = play()
    game.put(0, 104, 104, "up")
    game.put(1, 104, 88)
    game.run(1, "fire")
    assert not game.tank(1)["alive"]


def test_bullets_fly_on_after_their_tank_died(play):
    """Our choice."""
    game = play()
    game.shoot(0, 104, 150, "up")
    game.hang(1, *game.at(0))
    game.run(1)
    assert not game.tank(0)["alive"]
    game.run(10)
    assert game.bullets(0) == [(104, 128)]


def test_an_exploding_tank_is_out_of_the_way(play):
    """Our choice: it neither blocks tanks nor stops bullets."""
    game = play(teams=("player", "basic"))
    game.put(1, 104, 104)
    game.put(0, 104, 120, "up")
    game.hang(0, 104, 104)
    game.run(1)
    game.run(8, "up")
    assert game.at(0)[1] < 120
