"""Our tactical opponent: paths, aim, dodging, reaction, levels, fire held on its own base and team (our rules).

What a level does in how many of a hundred cases is read from params.py: the tests hold whatever the numbers are.
"""

import heapq

import numpy as np
import pytest

import mabc
from mabc import Scenario, Team, params
from mabc.params import (
    BASE,
    BRICK,
    BRICK_COST,
    BY_ALL,
    BY_TEAM,
    DOWN,
    DX,
    DY,
    LEFT,
    LEVELS,
    LINE_COST,
    NOBODY,
    REACTION,
    RIGHT,
    STEEL,
    UP,
    WATER,
)
from mabc.rules.path import FAR, search
from mabc.rules.tactical import mark_lines
from mabc.state import SCRATCH

from .test_classic import close

BATTLE = "\n".join(["A.A.A.A", ".......", "..#.#..", "...@...", "..#.#..", ".......", "B.B.B.B"])
BASES = "\n".join(["...F..B", ".......", ".......", ".......", ".......", ".......", "A..E..."])
WORLDS = 512


def tactical(play, map, enemies="armor", mode="skirmish", mates=1, level="expert", **changes):
    """A tactical team (first slots) against tanks at rest."""
    return play(map, (Team(("player",) * mates, f"tactical:{level}", lives=9), enemies), mode=mode, **changes)


def outcomes_of(env, policy=None, steps=250):
    """How each world's first episode ended; policy(env): the agents' actions."""
    outcomes = np.full(env.num_envs, -1)
    for _ in range(steps):
        actions = policy(env) if policy else np.zeros((env.num_envs, env.num_agents), np.int64)
        info = env.step(actions)[-1]
        outcomes = np.where(outcomes < 0, info["outcome"], outcomes)
    return outcomes


def battle(*drivers, worlds=WORLDS, seed=0, tanks=2):
    """Worlds of a small symmetric skirmish of teams with these drivers."""
    teams = tuple(Team(("player",) * tanks, driver) for driver in drivers)
    env = mabc.make_batch(Scenario("t", "skirmish", BATTLE, teams, max_steps=250), num_envs=worlds)
    env.reset(seed=seed)
    return env


def test_beats_random():
    assert (outcomes_of(battle("tactical", "random", worlds=128, tanks=3)) == 1).mean() > 0.9


@pytest.mark.parametrize(("better", "worse"), [("expert", "regular"), ("regular", "novice")])
def test_the_levels_are_in_order(better, worse):
    outcomes = outcomes_of(battle(f"tactical:{better}", f"tactical:{worse}", tanks=3))
    winners = outcomes[outcomes > 0]
    assert len(winners) > WORLDS / 2
    assert (winners == 1).mean() >= 0.7


@pytest.mark.parametrize("level", LEVELS)
def test_an_agent_that_copies_it_is_its_match(level):
    """`bot_actions` once a step against the kernel's own: no level reacts faster than an agent can."""
    bot = f"tactical:{level}"
    copied = outcomes_of(battle("learn", bot), lambda env: env.bot_actions(bot))
    winners = copied[copied > 0]
    assert len(winners) > WORLDS / 4
    assert 0.4 < (winners == 1).mean() < 0.6
    assert (copied == outcomes_of(battle(bot, bot))).mean() > 0.9  # the very same games, but for the stunned


@pytest.mark.parametrize("level", LEVELS)
def test_it_decides_once_in_its_reaction_time(play, level):
    """In between it keeps its order; a press is used up, and never new. The tanks of a team decide in turn."""
    reaction = REACTION[LEVELS.index(level)]
    assert reaction >= 8
    game = tactical(play, BATTLE, mates=3, level=level)
    game.tank(3)["shield"] = 30_000
    changes = np.zeros(3, int)
    for frame in range(400):
        before = game.world["tanks"][:3].copy()
        game.run(1)
        after = game.world["tanks"][:3]
        for i in range(3):
            if (frame + 8 * i) % reaction == 0:
                changes[i] += before["move"][i] != after["move"][i]
            else:
                assert before["move"][i] == after["move"][i]
                assert before["press"][i] >= after["press"][i]
    assert (changes > 5).all()


@pytest.mark.parametrize("frame_skip", [1, 3, 8, 16])
@pytest.mark.parametrize("level", LEVELS)
def test_an_agent_may_ask_at_any_frame_skip(play, level, frame_skip):
    """Of a step that covers a frame in which the tank is due the answer is a decision, of others the order kept."""
    game = play(BATTLE, ("player player", "armor"), worlds=32, frame_skip=frame_skip)
    reaction = REACTION[LEVELS.index(level)]
    asked = np.zeros((32, 3), np.int64)
    changes = np.zeros(2, int)
    for step in range(64):
        found = game.env.bot_actions(f"tactical:{level}")[:, :2]
        frames = step * frame_skip + np.arange(frame_skip)
        for i in range(2):
            due = ((frames + 8 * i) % reaction == 0).any()
            moves = game.env.worlds["tanks"]["stun"][:, i] == 0  # the stunned only fire
            changed = ((found[:, i] >> 1 != asked[:, i] >> 1) & moves).sum()
            changes[i] += changed
            assert due or not changed
        asked[:, :2] = found
        game.env.step(asked)
    assert (changes > 0).all()


@pytest.mark.parametrize("level", LEVELS)
def test_shoots_what_is_in_line(play, level):
    """As often as its level takes a shot."""
    game = tactical(play, BASES, level=level, worlds=WORLDS)
    game.everywhere(0, x=24, y=56, heading="right")
    game.everywhere(1, x=72, y=56, heading="up")
    game.run(1)
    shots = game.env.worlds["bullets"]["speed"][:, 0] != 0
    assert close(shots.sum(), params.AIM_ODDS[LEVELS.index(level)] / 100, WORLDS)
    assert (game.env.worlds["bullets"]["y"][shots, 0] == 56).all()


@pytest.mark.parametrize("level", LEVELS)
def test_opens_fire_within_its_range(play, level):
    reach = int(params.AIM_RANGE[LEVELS.index(level)])
    for distance, fires in ((reach, True), (reach + 1, False)):
        game = tactical(
            play, "\n".join(["A.............B", *["..............."] * 4]), level=level, worlds=64, sight=416
        )
        game.everywhere(0, x=24, y=40, heading="right")
        game.everywhere(1, x=24 + distance, y=40)
        game.run(1)
        assert (game.env.worlds["bullets"]["speed"][:, 0] != 0).any() == fires


def test_goes_for_the_nearest_enemy_of_any_team(play):
    """Equally near ones are equally likely, whatever their team; a nearer one comes first."""
    text = "\n".join(["B.C.D..", *["......."] * 5, "...A..."])
    teams = (Team(("player",), "tactical"), *(Team(("armor",)) for _ in range(3)))
    for near in (None, 1, 2, 3):
        game = play(text, teams, worlds=3000, sight=416)
        for i, (x, y) in enumerate(((56, 56), (56, 16), (16, 56), (56, 96))):
            game.everywhere(i, x=x, y=y, heading="left")
        if near:
            game.everywhere(near, x=(0, 56, 32, 56)[near], y=(0, 32, 56, 80)[near])
        game.run(1)
        moves = np.bincount(game.env.worlds["tanks"]["move"][:, 0] - 1, minlength=4)
        shots = game.env.worlds["bullets"]["speed"][:, 0] != 0
        taken = np.bincount(game.env.worlds["tanks"]["heading"][shots, 0], minlength=4)
        toward = [None, UP, LEFT, DOWN]
        if near:
            assert taken[toward[near]] == shots.sum() > 0
        else:
            assert all(close(taken[heading], 1 / 3, shots.sum()) for heading in toward[1:])
            assert moves[RIGHT] == 0


def test_shoots_at_the_nearest_base_of_any_team(play):
    """Of equally near ones at any, whatever its team; a nearer one comes first. (It was the lowest number.)"""
    text = "\n".join(["B..F..C", *["......."] * 2, "G..A..H", *["......."] * 2, "D..E..."])
    teams = (Team(("player",), "tactical"), *(Team(("armor",)) for _ in range(3)))
    toward = (DOWN, UP, LEFT, RIGHT)  # of each base, the first its own
    places = ((56, 104), (56, 8), (8, 56), (104, 56))
    for near in (None, 1, 2, 3):
        game = play(text, teams, mode="versus", worlds=3000, sight=416)
        for i, (x, y) in enumerate(((56, 56), (8, 8), (104, 8), (8, 104))):
            game.everywhere(i, x=x, y=y, heading="left")
        for k, (x, y) in enumerate(places):
            at = (56 + (x - 56) // 2, 56 + (y - 56) // 2) if k == near else (x, y)
            game.env.worlds["bases"]["x"][:, k], game.env.worlds["bases"]["y"][:, k] = at
        game.run(1)
        shots = game.env.worlds["bullets"]["speed"][:, 0] != 0
        taken = np.bincount(game.env.worlds["tanks"]["heading"][shots, 0], minlength=4)
        if near:
            assert taken[toward[near]] == shots.sum() > 0
        else:
            assert all(close(taken[heading], 1 / 3, shots.sum()) for heading in toward[1:])


def test_holds_fire_on_its_own_base(play):
    game = tactical(play, BASES, mode="versus", worlds=64)
    game.everywhere(0, x=16, y=104, heading="right")  # its base at (56, 104) lies between it and the enemy
    game.everywhere(1, x=104, y=104, heading="up")
    game.run(1)
    assert not (game.env.worlds["bullets"]["speed"][:, 0] != 0).any()
    for _ in range(600):
        game.env.step(np.zeros((64, 1), np.int64))
        assert not ((game.env.worlds["bases"]["team"] == 1) & (game.env.worlds["bases"]["by"] == 1)).any()


@pytest.mark.parametrize("offset", range(-13, 14))
def test_holds_fire_on_its_own_base_after_the_snap_of_a_turn(play, offset):
    """A shot at an enemy between them, which is gone before the bullet comes."""
    game = tactical(play, BASES, mode="versus", worlds=64)
    game.everywhere(0, x=56 + offset, y=24, heading="right")
    game.everywhere(1, x=56 + offset, y=72, heading="up")
    for _ in range(80):
        if (game.env.worlds["bullets"]["speed"][:, 0] != 0).any():
            game.everywhere(1, x=8, y=8)
        outcome = game.env.step(np.zeros((64, 1), np.int64))[-1]["outcome"]
        assert not (outcome == 2).any()


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
    game = tactical(play, "\n".join(["A..B..A", *["......."] * 6]), mates=2, worlds=64)
    game.everywhere(0, x=8, y=56, heading="right")
    game.everywhere(1, x=40, y=56, heading="right")
    game.everywhere(2, x=88, y=56, heading="up")
    game.run(1)
    flying = game.env.worlds["bullets"]["speed"] != 0
    assert not flying[:, 0].any()
    assert flying[:, 2].any()


def under_fire(play, level, distance, gun_is_free):
    """A bullet that flies at a tactical tank, in many worlds: which of them noticed it."""
    game = tactical(play, BASES, level=level, worlds=WORLDS)
    game.everywhere(0, x=24, y=56, heading="right")
    game.everywhere(1, x=104, y=8, heading="up")
    bullets = game.env.worlds["bullets"]
    game.env.worlds["flying"] = 1 + (not gun_is_free)
    for k, x, y, speed in ((2, 24 + distance, 56, 2), (0, 104, 104, 0 if gun_is_free else 1)):
        bullets["x"][:, k], bullets["y"][:, k], bullets["heading"][:, k], bullets["speed"][:, k] = x, y, 3, speed
    game.run(1)
    return game, game.env.worlds["tanks"]["engaged"][:, 0] == 1


@pytest.mark.parametrize("level", LEVELS)
def test_shoots_an_incoming_bullet_down(play, level):
    """As often as its level notices one."""
    game, noticed = under_fire(play, level, 40, True)
    assert close(noticed.sum(), params.DODGE_ODDS[LEVELS.index(level)] / 100, WORLDS)
    assert ((game.env.worlds["bullets"]["speed"][:, 0] != 0) == noticed).all()
    game.run(15)
    assert game.env.worlds["tanks"]["alive"][noticed, 0].all()
    assert (game.env.worlds["bullets"]["speed"][noticed, 2] == 0).all()


@pytest.mark.parametrize("level", LEVELS)
def test_dodges_when_it_cannot_shoot(play, level):
    """Out of the bullet's line, up or down, either as often."""
    game, noticed = under_fire(play, level, params.DODGE_RANGE - 2, False)
    assert close(noticed.sum(), params.DODGE_ODDS[LEVELS.index(level)] / 100, WORLDS)
    moves = game.env.worlds["tanks"]["move"][noticed, 0] - 1
    assert np.isin(moves, (UP, DOWN)).all()
    assert close((moves == UP).sum(), 1 / 2, len(moves))
    game.run(26)
    alive = game.env.worlds["tanks"]["alive"][:, 0] == 1
    assert alive[noticed].mean() > alive[~noticed].mean()


def test_finds_a_way_round_a_wall(play):
    walled = "\n".join(["....@..", "..@.@..", "..@.@..", "A.@.@.B", "..@.@..", "..@.@..", "..@...."])
    game = tactical(play, walled, enemies="basic")
    frames = game.until(lambda: game.tank(0)["kills"] > 0, limit=1200)
    assert frames < 1200


def test_shoots_its_way_through_brick(play):
    walled = "\n".join(["...#...", "...#...", "...#...", "A..#..B", "...#...", "...#...", "...#..."])
    game = tactical(play, walled, enemies="basic")
    assert game.until(lambda: game.tank(0)["kills"] > 0, limit=1200) < 1200
    tiles = game.world["terrain"][: 14 * 14].reshape(14, 14)[:, 6:8]
    assert (tiles != BRICK).any()


@pytest.mark.parametrize(
    ("gun", "wall", "heading"),
    [
        ("up", None, DOWN),  # round the gun, not through its line
        ("down", None, RIGHT),
        ("up", 11, RIGHT),  # steel before the gun: no line
        ("up", 5, UP),  # steel behind the crossing, which is still in the line: round the steel
        ("up", 8, RIGHT),  # steel between the gun and the crossing
    ],
)
def test_goes_round_a_line_of_fire(play, gun, wall, heading):
    """The way to the base at (168, 72) crosses the line of a gun at (104, 104)."""
    text = "\n".join(
        [
            "B.............",
            "..............",
            "..............",
            "..............",
            "..........F...",
            *[".............."] * 8,
            "A" + "." * 13,
        ]
    )
    game = tactical(play, text, mode="siege", worlds=32, sight=64)
    game.everywhere(0, x=88, y=56, heading="right")
    game.everywhere(1, x=104, y=104, heading=gun)
    if wall is not None:
        game.env.worlds["terrain"][:, [28 * wall + 12, 28 * wall + 13]] = STEEL
    game.run(1)
    assert (game.env.worlds["tanks"]["move"][:, 0] == heading + 1).all()


def cheapest(tiles, in_line, start, goal, reach):
    """Dijkstra's algorithm (1959), in plain Python: the cost of the cheapest way, None if none leads there."""
    height, width = tiles.shape

    def cost_of(column, row):
        if not (0 <= column <= width - 2 and 0 <= row <= height - 2):
            return None
        under = tiles[row : row + 2, column : column + 2]
        if ((under == STEEL) | (under == WATER) | (under == BASE)).any():
            return None
        return 1 + BRICK_COST * bool(((under > 0) & (under <= BRICK)).any()) + LINE_COST * in_line[row, column]

    queue, done = [(0, start)], set()
    while queue:
        cost, (column, row) = heapq.heappop(queue)
        if abs(column - goal[0]) <= reach and abs(row - goal[1]) <= reach:
            return cost
        if (column, row) in done:
            continue
        done.add((column, row))
        for k in range(4):
            there = column + int(DX[k]), row + int(DY[k])
            step = cost_of(*there)
            if step is not None and there not in done:
                heapq.heappush(queue, (cost + step, there))
    return None


def test_its_way_is_a_cheapest_one(play):
    """A* against Dijkstra on 300 random fields: the same cost, along moves that may be made."""
    game = play("\n".join(["B..........", *["..........."] * 9, "A.........."]))
    env, scratch = game.env, np.zeros(1, SCRATCH)[0]
    rng = np.random.default_rng(0)
    width = height = 22
    found_none = 0
    for _ in range(300):
        tiles = rng.choice([0, BRICK, 3, STEEL, WATER], (height, width), p=[0.8, 0.08, 0.04, 0.04, 0.04])
        in_line = (rng.random((height, width)) < 0.3).astype(int)
        start, goal = (tuple(rng.integers(0, 21, 2).tolist()) for _ in range(2))
        reach = int(rng.integers(0, 4))
        env.worlds["terrain"][0, : tiles.size] = tiles.ravel()
        scratch["in_line"][: tiles.size] = in_line.ravel()
        game.put(0, 8 * (start[0] + 1), 8 * (start[1] + 1))
        at = search(game.world, env._spec[0], env.layouts[0], scratch, 0, *goal, reach, BY_ALL, int(rng.integers(4)))
        expected = cheapest(tiles, in_line, start, goal, reach)
        if expected is None:
            found_none += 1
            assert at == NOBODY
            continue
        assert scratch["cost"][at] == expected
        row, column = divmod(int(at), width)
        assert max(abs(column - goal[0]), abs(row - goal[1])) <= reach
        for _ in range(expected):
            if (column, row) == start:
                break
            k = int(scratch["came"][row * width + column])
            here = int(scratch["cost"][row * width + column])
            column, row = column - int(DX[k]), row - int(DY[k])
            assert scratch["cost"][row * width + column] < here < FAR
        assert (column, row) == start
    assert 0 < found_none < 250


def test_a_line_of_fire_ends_at_a_wall(play):
    """The places, by their top left tile, on which a shot straight ahead would meet a tank."""
    game = play("\n".join(["B..........", *["..........."] * 9, "A.........."]), ("player", "armor"), sight=416)
    game.put(1, 88, 88, "right")
    game.paint("@\n@", 18, 10)
    game.put(0, 8, 168)
    scratch = np.zeros(1, SCRATCH)[0]
    mark_lines(game.world, game.env._spec[0], game.env.layouts[0], scratch, 0, BY_TEAM)
    marked = scratch["in_line"][: 22 * 22].reshape(22, 22)
    rows, columns = np.nonzero(marked)
    assert set(rows.tolist()) == {9, 10, 11}
    assert set(columns.tolist()) == set(range(11, 17))  # tiles 12 to 17 lie between the gun and the wall
