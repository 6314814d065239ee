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


@pytest.mark.parametrize("shooter", [0, 2])
@pytest.mark.parametrize("mate_at", ["left", "right"])
def test_between_a_mate_and_an_enemy_a_bullet_hits_the_nearer_or_the_enemy(play, shooter, mate_at):
    """Whichever team comes first in the list of tanks."""
    mate, enemy, sign = shooter + 1, 2 - shooter, -1 if mate_at == "left" else 1
    for off_mate, off_enemy, hit in ((8, 8, enemy), (8, 9, mate), (9, 8, enemy)):
        game = play(teams=("player player", "player player"))
        game.put(shooter, 104, 200, "up")
        game.put(mate, 104 + sign * off_mate, 104)
        game.put(enemy, 104 - sign * off_enemy, 104)
        game.hang(shooter, 104, 104, "up")
        game.run(1)
        assert not game.bullets(shooter)
        assert bool(game.tank(mate)["stun"]) == (hit == mate)
        assert bool(game.tank(enemy)["alive"]) == (hit == mate)


def test_between_two_enemies_a_bullet_hits_either_as_often(play):
    game = play(
        "B.....C\n.......\n.......\n.......\n.......\n.......\nA......", ("player", "player", "player"), worlds=400
    )
    for i, x in ((0, 8), (1, 48), (2, 64)):
        game.everywhere(i, x=x, y=104 if i == 0 else 56)
    bullets = game.env.worlds["bullets"]
    for name, value in {"x": 56, "y": 58, "heading": 0, "speed": 2}.items():
        bullets[name][:, 0] = value
    game.env.worlds["flying"] = 1
    game.run(1)
    alive = game.env.worlds["tanks"]["alive"][:, 1:3]
    assert (alive.sum(axis=1) == 1).all()
    assert 155 < alive[:, 0].sum() < 245


def test_two_bullets_that_meet_one_brick_both_stop(play):
    """Neither flies through what the other clears in the same frame."""
    game = play()
    game.world["terrain"][26 * 12 + 13] = 4  # of this tile only the lower left quarter is there
    game.hang(0, 104, 104, "right")
    game.hang(1, 104, 104, "up")
    game.run(1)
    assert game.world["flying"] == 0
    assert game.tile(13, 12) == 0


def test_where_three_bullets_meet_all_vanish(play):
    game = play(teams=("player player", "player player"))
    game.hang(0, 104, 104, "up")
    game.hang(1, 101, 104, "right")
    game.hang(2, 104, 100, "down")
    game.run(1)
    assert game.world["flying"] == 0
