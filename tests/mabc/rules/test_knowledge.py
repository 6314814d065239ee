"""What bots know: what each sees, what its team sees, or everything; of the present step only (our rules).

Each case changes one thing that the team of two tanks at the left does not see; most of the frames that are tried
differ in the random draws alone.
"""

import numpy as np
import pytest

import mabc
from mabc import Scenario, Team
from mabc.params import BOTS, LEFT, UP

WORLDS = 128
SIGHT = 32  # px
FIELD = "\n".join(["B.....B.....B", *["............."] * 11, "A.....A.....A"])
WALLED = "\n".join(["B...#........", *["....#........"] * 10, "....#....F...", "A.A.#........"])
SCOUT = "\n".join(["B.B.........F", *["............."] * 11, "A.A.........F"])
PATHFINDERS = [bot for bot in BOTS if bot.startswith("tactical")]
CHASERS = ["classic", "attract", *PATHFINDERS]


def batch(mode="skirmish", map=FIELD, driver="learn", frame=64 * 200, **changes):
    """Worlds with tanks 0 and 1 at (56, 200) and (40, 200), and tanks 2 and 3 of team 2 far away."""
    teams = (Team(("player",) * 2, driver, **changes), Team(("player",) * (1 if mode == "siege" else 2)))
    env = mabc.make_batch(
        Scenario("known", mode, map, teams, sight=SIGHT, swap_sides=False, random_start=False, max_steps=10_000),
        num_envs=WORLDS,
        power_up_period=20_000,
    )
    env.reset(seed=3)
    env.worlds["frame"] = frame + 8 * np.arange(WORLDS)  # each tank decides in every second of these frames at least
    put(env, 0, 56, 200, heading=UP)
    put(env, 1, 40, 200, heading=UP)
    put(env, 2, 152, 8)
    if mode != "siege":
        put(env, 3, 184, 8)
    return env


def put(env, i, x, y, **fields):
    for name, value in {"x": x, "y": y, "alive": 1, **fields}.items():
        env.worlds["tanks"][name][:, i] = value


def enemy(env):
    put(env, 2, 24, 24)


def dead_enemy(env):
    put(env, 2, 0, 0, alive=0, lives=0)
    put(env, 3, 0, 0, alive=0, lives=0)


def bullet(env):
    """40 px above tank 0, and coming."""
    for name, value in {"x": 56, "y": 160, "heading": 2, "speed": 2}.items():
        env.worlds["bullets"][name][:, 4] = value
    env.worlds["flying"] = 1


def power_up(env):
    env.worlds["power_up"], env.worlds["power_up_x"], env.worlds["power_up_y"] = 4, 8, 152


def brick(env):
    """A gap in the wall, 48 px up: the way to the base behind it that then is the cheapest."""
    tiles = env.worlds["terrain"][:, : 26 * 26].reshape(WORLDS, 26, 26)
    assert (tiles[:, :, 8:10] == 15).all()
    tiles[:, 18:20, 8:10] = 0


def target(env):
    """A target found by another one of the team: it is gone."""
    env.worlds["bases"]["x"][:, 0], env.worlds["bases"]["y"][:, 0] = 8, 104


CASES = [
    *[(change, bot, {}) for change in (enemy, dead_enemy) for bot in CHASERS],
    *[(power_up, bot, {}) for bot in ("attract", *PATHFINDERS)],
    *[(bullet, bot, {}) for bot in PATHFINDERS],
    *[(brick, bot, {"mode": "siege", "map": WALLED}) for bot in PATHFINDERS],
    *[(target, bot, {"mode": "scout", "map": SCOUT}) for bot in ("classic", *PATHFINDERS)],
]


def deeds(env, bot, knowledge, change):
    """The actions of the left team before and after a change."""
    before = env.bot_actions(bot, knowledge=knowledge)[:, :2].copy()
    change(env)
    return before, env.bot_actions(bot, knowledge=knowledge)[:, :2].copy()


@pytest.mark.parametrize("knowledge", ["agent", "team"])
@pytest.mark.parametrize(("change", "bot", "options"), CASES)
def test_what_the_team_does_not_see_changes_no_action(change, bot, options, knowledge):
    before, after = deeds(batch(**options), bot, knowledge, change)
    assert before.tobytes() == after.tobytes()


@pytest.mark.parametrize(("change", "bot", "options"), CASES)
def test_who_knows_all_acts_on_it(change, bot, options):
    before, after = deeds(batch(**options), bot, "all", change)
    assert (before != after).any()


@pytest.mark.parametrize("bot", CHASERS)
def test_what_a_mate_sees_the_team_knows_and_the_agent_does_not(bot):
    """An enemy 24 px from tank 1, which is 40 px from tank 0; then on the other side of tank 1."""
    for knowledge in ("agent", "team"):
        env = batch()
        put(env, 1, 96, 200, heading=UP)
        put(env, 2, 96, 176, heading=UP)
        before, after = deeds(env, bot, knowledge, lambda env: put(env, 2, 120, 200))
        assert (before[:, 1] != after[:, 1]).any()
        assert (before[:, 0] != after[:, 0]).any() == (knowledge == "team")


def test_forest_hides_enemies_from_bots_too():
    env = batch()
    put(env, 2, 56, 172, in_forest=1)  # in sight, 28 px away
    before, after = deeds(env, "tactical", "team", lambda env: put(env, 2, 80, 172))
    assert before.tobytes() == after.tobytes()
    before, after = deeds(env, "tactical", "team", lambda env: put(env, 2, 56, 172, in_forest=0))
    assert (before != after).any()


@pytest.mark.parametrize("bot", CHASERS)
@pytest.mark.parametrize("knowledge", ["agent", "team", "all"])
def test_bots_of_the_kernel_know_what_their_team_is_given(bot, knowledge):
    """The same orders, whatever is hidden, unless `Team(knowledge="all")`."""
    orders = []
    for change in (dead_enemy, enemy):
        env = batch(driver=bot, knowledge=knowledge)
        change(env)
        put(env, 3, 184, 8)
        env.step(np.zeros((WORLDS, 2), np.int64))
        tanks = env.worlds["tanks"][:, :2]
        orders.append(np.stack([tanks[name].astype(int) for name in ("x", "y", "heading", "move", "shots")]))
    assert (orders[0] != orders[1]).any() == (knowledge == "all")


def test_the_map_as_it_was_is_known():
    """A way that leads round a wall out of sight is found at once: only changes must be seen."""
    walled = "\n".join(["B.@....", "..@....", "..@....", "..@....", "..@....", "..@...F", "A.....A"])
    env = mabc.make_batch(
        Scenario("w", "siege", walled, (Team(), Team()), sight=16, swap_sides=False, random_start=False),
        num_envs=WORLDS,
    )
    env.reset(seed=0)
    put(env, 0, 8, 8, heading=LEFT)
    put(env, 1, 104, 8)
    env.worlds["tanks"]["y"][:, 0] = 24
    moves = env.bot_actions("tactical", knowledge="agent")[:, 0] >> 1
    assert np.isin(moves, (2, 3)).all()  # down, or right as far as the wall
