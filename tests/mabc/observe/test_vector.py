"""The `vector` kind, the default: every column by hand."""

import pytest

from mabc.observe.vector import NUM_TANK_ROW, obs_names, state_names
from mabc.params import FREEZE_FRAMES, HELMET, STUN_FRAMES
from mabc.state import SCRATCH

BASES = "\n".join(["B.B...F...B.B", *["............."] * 11, "A.A...E...A.A"])
TEAMS = ("player player", "basic armor")
STEEL, WATER, FOREST = 16, 17, 18


@pytest.fixture(scope="module")
def game(play):
    """Two against two, a base each, sight 64 px on a field of 208; every test sets its own stage."""
    return play(BASES, TEAMS, "versus", power_up_period=30_000, max_steps=100)


@pytest.fixture(autouse=True)
def stage(game):
    game.env.reset(seed=0)
    for i, (x, y) in enumerate([(104, 104), (88, 120), (136, 88), (8, 8)]):
        game.put(i, x, y, "right")


def tile(game, column, row, code):
    game.world["terrain"][row * 26 + column] = code


def seen(game, agent, prefix):
    """An agent's columns under a prefix, without it."""
    row = game.env.observe("vector")[0, agent]
    names = obs_names(4, 2, power_ups=True)
    assert len(row) == len(names)
    found = zip(names, row.tolist(), strict=True)
    return {name.removeprefix(prefix + "."): value for name, value in found if name.startswith(prefix + ".")}


def only(row, **wanted):
    """The row has these values and zeros elsewhere."""
    assert wanted.keys() <= row.keys()
    assert row == pytest.approx({name: wanted.get(name, 0) for name in row})


def test_there_is_room_for_what_is_noted_of_a_tank():
    """A compiled rule that writes past its row says nothing."""
    assert SCRATCH["tank_rows"].shape[1] == NUM_TANK_ROW


def test_names_are_unique():
    for names in (obs_names(5, 2, True), obs_names(2, 0, False), state_names(5, 2, True)):
        assert len(set(names)) == len(names)


def test_self(game):
    game.put(0, 104, 152, "down", level=2, lives=3, shield=64, stun=89)
    game.world["frozen"][0] = FREEZE_FRAMES // 2
    wanted = {"time_left": 1, "y": 152 / 104 - 1, "down": 1, "level": 2 / 3, "hits": 0.25, "lives": 0.75}
    wanted |= {"shield": 0.1, "stun": 89 / STUN_FRAMES, "frozen": 0.5, "speed": 0.75, "bullet_speed": 1}
    only(seen(game, 0, "self"), **wanted, bullets_free=1)


@pytest.mark.parametrize(("slot", "free"), [(0, 0.5), (1, 0.5)])
def test_own_bullet_is_the_first_in_flight(game, slot, free):
    """A star tank's second bullet counts when its first has landed."""
    game.put(0, 104, 104, "right", level=2)
    game.shoot(0, 136, 96, "right", slot=slot)
    row = seen(game, 0, "self")
    assert (row["bullet"], row["bullet_dx"], row["bullet_dy"]) == (1, 0.5, -0.125)
    assert row["bullets_free"] == free


def test_a_bullet_out_of_sight_is_held_at_its_edge(game):
    game.shoot(0, 200, 104, "right")
    assert seen(game, 0, "self")["bullet_dx"] == 1


def test_rays(game):
    """Eight tiles each way from tiles 12 and 13: how far one may drive, how far a shot flies, if brick stops it."""
    tile(game, 12, 8, STEEL)  # up: four rows from row 12, three of them free
    tile(game, 16, 13, 15)  # right: whole brick after two tiles
    tile(game, 13, 15, WATER)  # down: water after one
    tile(game, 7, 12, 3)  # left: the upper tile's upper quarters after four, which no shot touches
    tile(game, 9, 13, FOREST)
    row = seen(game, 0, "ray")
    assert row == {
        "up.drive": 3 / 8,
        "up.shot": 3 / 8,
        "up.brick": 0,
        "up.tank": 0,
        "right.drive": 2 / 8,
        "right.shot": 2 / 8,
        "right.brick": 1,
        "right.tank": 0,
        "down.drive": 1 / 8,
        "down.shot": 1,
        "down.brick": 0,
        "down.tank": 0,
        "left.drive": 4 / 8,
        "left.shot": 1,
        "left.brick": 0,
        "left.tank": 0,
    }


def test_rays_end_at_the_border(game):
    game.put(0, 24, 200, "up")
    tile(game, 0, 24, 12)  # brick whose lower quarters lie on the line of a shot from rows 24 and 25
    row = seen(game, 0, "ray")
    assert (row["down.drive"], row["down.shot"], row["down.brick"]) == (0, 0, 0)
    assert (row["left.drive"], row["left.shot"], row["left.brick"]) == (1 / 8, 1 / 8, 1)
    assert row["up.drive"] == 1


def in_line(game, agent=0):
    """What an agent's rays tell of tanks: up, right, down, left."""
    row = seen(game, agent, "ray")
    return [row[f"{side}.tank"] for side in ("up", "right", "down", "left")]


def test_rays_tell_whom_a_shot_would_meet(game):
    """Tank 0 stands at (104, 104); 1 is a mate, 2 and 3 are enemies."""
    game.put(1, 104, 136, "up")
    game.put(2, 56, 104, "up")
    game.put(3, 113, 88, "up")  # 9 px beside the line: a shot hits below 10
    assert in_line(game) == [1 - 16 / 64, 0, -(1 - 32 / 64), 1 - 48 / 64]
    assert in_line(game, agent=1) == [-(1 - 32 / 64), 0, 0, 0], "the enemy beside the line is behind the mate"
    game.put(3, 114, 88, "up")
    assert in_line(game)[0] == 0


def test_of_two_tanks_in_line_a_ray_tells_the_nearer(game):
    game.put(1, 136, 104, "up")
    game.put(2, 152, 104, "up")
    assert in_line(game)[1] == -(1 - 32 / 64)
    game.put(3, 120, 104, "up")
    assert in_line(game)[1] == 1 - 16 / 64


@pytest.mark.parametrize(("code", "met"), [(STEEL, 0), (15, 0), (WATER, 1 - 48 / 64), (FOREST, 1 - 48 / 64)])
def test_a_wall_between_keeps_a_tank_from_being_met(game, code, met):
    game.put(2, 104, 152, "up")
    tile(game, 12, 16, code)
    assert in_line(game)[2] == met


def test_a_wall_behind_does_not(game):
    game.put(2, 104, 152, "up")
    tile(game, 12, 20, STEEL)
    assert in_line(game)[2] == 1 - 48 / 64


@pytest.mark.parametrize("hidden", [{"in_forest": 1}, {"alive": 0}])
def test_who_is_not_seen_is_not_met(game, hidden):
    game.put(2, 104, 160, "up")
    assert in_line(game)[2] == 1 - 56 / 64
    game.put(2, 104, 160, "up")
    for name, value in hidden.items():
        game.tank(2)[name] = value
    assert in_line(game)[2] == 0


def test_bases_are_known_from_afar(game):
    only(seen(game, 0, "base0"), known=1, own=1, dx=0, dy=96 / 208)
    only(seen(game, 0, "base1"), known=1, dx=0, dy=-96 / 208)
    game.world["bases"]["alive"][1] = 0
    only(seen(game, 0, "base1"))


def test_power_up(game):
    only(seen(game, 0, "power_up"))
    game.world["power_up"], game.world["power_up_x"], game.world["power_up_y"] = HELMET, 136, 96
    only(seen(game, 0, "power_up"), seen=1, dx=0.5, dy=-0.125, helmet=1)
    game.world["power_up_x"] = 104 + 65
    only(seen(game, 0, "power_up"))


def test_ally_then_enemies_by_id(game):
    """Agent 1 lists tank 0, then 2 and 3; tank 2 as agent 0 sees it, with a bullet."""
    game.shoot(2, 120, 88, "left", speed=4)
    game.tank(2)["shield"] = 5
    only(seen(game, 1, "other0"), seen=1, dx=0.25, dy=-0.25, heading_x=1, hits=0.25, speed=0.75)
    wanted = {"dx": 0.5, "dy": -0.25, "heading_x": 1, "hits": 0.25, "shield": 1, "speed": 0.5}
    bullet = {"bullet": 1, "bullet_dx": 0.25, "bullet_dy": -0.25, "bullet_heading_x": -1}
    only(seen(game, 0, "other1"), seen=1, **wanted, **bullet)
    only(seen(game, 0, "other2"))


@pytest.mark.parametrize(("x", "there"), [(168, 1), (169, 0), (40, 1), (39, 0)])
def test_sight_is_a_window(game, x, there):
    game.put(2, x, 104, "up")
    assert seen(game, 0, "other1")["seen"] == there


@pytest.mark.parametrize(("x", "there"), [(128, 1), (129, 0)])
def test_forest_hides_enemies_that_are_not_near(game, x, there):
    for i in (1, 2):
        game.put(i, x, 104, "up", in_forest=1)
    assert seen(game, 0, "other1")["seen"] == there
    assert seen(game, 0, "other0")["seen"] == 1, "team mates are not hidden"
    game.tank(2)["alive"] = 0
    assert seen(game, 0, "other1")["seen"] == 0


@pytest.mark.parametrize(("line_of_sight", "there"), [(True, 0), (False, 1)])
def test_line_of_sight(play, line_of_sight, there):
    game = play(BASES, TEAMS, "versus", power_up_period=30_000, max_steps=100, line_of_sight=line_of_sight)
    game.put(0, 104, 104)
    game.put(2, 152, 104)
    game.shoot(2, 144, 104, "left")
    for row in (12, 13):
        tile(game, 16, row, STEEL)
    row = seen(game, 0, "other1")
    assert (row["seen"], row["bullet"]) == (there, there / 2)


def test_full_observability(play):
    """Everybody on the field, forest or not; distances by the field's longer side."""
    game = play(BASES, TEAMS, "versus", power_up_period=30_000, max_steps=100, full_observability=True)
    game.put(0, 104, 104)
    game.put(3, 8, 8, "left", in_forest=1)
    row = seen(game, 0, "other2")
    assert (row["seen"], row["dx"], row["dy"], row["hits"]) == pytest.approx((1, -96 / 208, -96 / 208, 1))


def test_the_dead_see_the_clock_alone(game):
    game.tank(0)["alive"] = game.tank(0)["lives"] = 0
    game.run(25)
    row = game.env.observe("vector")[0, 0]
    assert row[0] == 0.75
    assert not row[1:].any()
    only(seen(game, 1, "other0"))


def test_state(game):
    game.put(3, 8, 8, "left", lives=2)
    game.shoot(3, 24, 8, "down", slot=1)
    game.world["power_up"], game.world["power_up_x"], game.world["power_up_y"] = HELMET, 136, 104
    row = dict(zip(state_names(4, 2, power_ups=True), game.env.state("vector")[0].tolist(), strict=True))
    tank = {name.removeprefix("tank3."): value for name, value in row.items() if name.startswith("tank3.")}
    place = {"x": 8 / 104 - 1, "y": 8 / 104 - 1, "heading_x": -1, "hits": 1, "lives": 0.5, "speed": 0.5}
    bullet = {"bullet": 0.5, "bullet_x": 24 / 104 - 1, "bullet_y": 8 / 104 - 1, "bullet_heading_y": 1}
    only(tank, alive=1, **place, **bullet)
    assert (row["base0.alive"], row["base0.x"], row["base0.y"]) == pytest.approx((1, 0, 200 / 104 - 1))
    assert (row["power_up.seen"], row["power_up.dx"], row["power_up.helmet"]) == pytest.approx((1, 136 / 104 - 1, 1))
    game.tank(3)["alive"] = 0
    gone = game.env.state("vector")[0]
    assert gone[list(row).index("tank3.x")] == 0
