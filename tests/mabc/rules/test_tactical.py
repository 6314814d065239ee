"""Our tactical opponent: paths, aim, dodging, and fire held on its own base and team (our rules)."""

import numpy as np

import mabc
from mabc import Scenario, Team
from mabc.params import RIGHT

BATTLE = "\n".join(["A.A.A.A", ".......", "..#.#..", "...@...", "..#.#..", ".......", "B.B.B.B"])
BASES = "\n".join(["...F..B", ".......", ".......", ".......", ".......", ".......", "A..E..."])


def tactical(play, map, enemies="armor", mode="skirmish", mates=1, **changes):
    """A tactical team (first slots) against tanks at rest."""
    return play(map, (Team(("player",) * mates, "tactical", lives=9), enemies), mode=mode, **changes)


def test_beats_random():
    teams = (Team(("player",) * 3, "tactical"), Team(("player",) * 3, "random"))
    env = mabc.make_batch(Scenario("t", "skirmish", BATTLE, teams, max_steps=250), num_envs=128)
    env.reset(seed=0)
    outcomes = np.full(128, -1)
    for _ in range(250):
        info = env.step(np.zeros((128, 0), np.int64))[-1]
        outcomes = np.where(outcomes < 0, info["outcome"], outcomes)
    assert (outcomes == 1).mean() > 0.9


def test_shoots_what_is_in_line(play):
    game = tactical(play, BASES)
    game.put(0, 24, 56, "right")
    game.put(1, 88, 56, "up")
    game.run(1)
    assert game.bullets(0) == [(32, 56)]


def test_holds_fire_on_its_own_base(play):
    game = tactical(play, BASES, mode="versus")
    game.put(0, 16, 104, "right")  # its base at (56, 104) lies between it and the enemy
    game.put(1, 104, 104, "up")
    game.run(1)
    assert not game.bullets(0)
    game.run(600)
    assert game.outcome in (None, 1)


def test_never_destroys_its_own_base():
    teams = (Team(("player",) * 2, "tactical"), Team(("player",) * 2, "random"))
    text = "\n".join(["B.#F#.B", "..###..", ".......", ".......", ".......", "..###..", "A.#E#.A"])
    env = mabc.make_batch(Scenario("t", "versus", text, teams, max_steps=300), num_envs=64)
    env.reset(seed=0)
    for _ in range(300):
        env.step(np.zeros((64, 0), np.int64))
        bases = env.worlds["bases"][:, :2]
        assert not ((bases["team"] == 1) & (bases["by"] == 1)).any()


def test_holds_fire_on_its_team(play):
    game = tactical(play, "\n".join(["A..B..A", *["......."] * 6]), mates=2)
    game.put(0, 8, 56, "right")
    game.put(1, 40, 56, "right")
    game.put(2, 88, 56, "up")
    game.run(1)
    assert not game.bullets(0)
    assert game.bullets(1)


def test_shoots_an_incoming_bullet_down(play):
    game = tactical(play, BASES)
    game.put(0, 24, 56, "right")
    game.put(1, 104, 8, "up")
    game.shoot(1, 64, 56, "left")
    game.run(20)
    assert game.tank(0)["alive"]
    assert not game.bullets(1)


def test_dodges_when_it_cannot_shoot(play):
    for seed in range(8):
        game = tactical(play, BASES, seed=seed)
        game.put(0, 24, 56, "right")
        game.put(1, 104, 8, "up")
        game.shoot(0, 104, 104, "left", speed=1)  # its only bullet is elsewhere
        game.shoot(1, 70, 56, "left")
        game.run(24)
        assert game.tank(0)["alive"]
        assert game.at(0)[1] != 56


def test_finds_a_way_round_a_wall(play):
    walled = "\n".join(["....@..", "..@.@..", "..@.@..", "A.@.@.B", "..@.@..", "..@.@..", "..@...."])
    game = tactical(play, walled, enemies="basic")
    frames = game.until(lambda: game.tank(0)["kills"] > 0, limit=1200)
    assert frames < 1200


def test_shoots_its_way_through_brick(play):
    walled = "\n".join(["...#...", "...#...", "...#...", "A..#..B", "...#...", "...#...", "...#..."])
    game = tactical(play, walled, enemies="basic")
    assert game.until(lambda: game.tank(0)["kills"] > 0, limit=1200) < 1200
    assert game.tank(0)["heading"] == RIGHT
