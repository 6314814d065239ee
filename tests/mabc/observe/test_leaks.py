"""What an agent does not see moves no byte of what it observes, in any kind and any scenario.

One hidden thing is changed in the worlds' records, and observations are compared by their bytes: values would let the
sign of a zero through. What is hidden is told by geometry, not by the code under test; of terrain the `planes` say it.
"""

import numpy as np
import pytest

import mabc
from mabc.observe.kinds import OBS_KINDS
from mabc.observe.planes import UNSEEN
from mabc.params import BASE, BRICK, DX, DY, EMPTY, STEEL, WATER
from mabc.rules.sight import look_around
from mabc.state import SEEN

WORLDS = 7
"""Of a batch: the first as it is, and in each of the others one hidden thing is changed."""
MOMENTS = (1, 18)
"""Steps of random play after which worlds are looked at."""
VARIANTS = [(name, {}) for name in mabc.scenarios()] + [
    (name, changes)
    for name in ("skirmish-3v3", "versus-5v5-power-ups", "scout-3v4")
    for changes in ({"sight": 60}, {"line_of_sight": True})
]


class Stage:
    """A world at one moment, and the agent whose observations are compared."""

    def __init__(self, label, env, record, rng):
        self.label, self.env, self.record, self.rng = label, env, record.copy(), rng
        spec = env.view.spec[0]
        self.num_tanks, self.num_bases = int(spec["num_tanks"]), int(spec["num_bases"])
        self.n = int(rng.integers(env.num_agents))
        self.i = int(spec["slot"][self.n])
        self.sight, self.full = int(spec["sight"]), bool(spec["full_observability"])
        self.walls = bool(spec["line_of_sight"]) and not self.full
        self.width, self.height = int(record["width"]), int(record["height"])

    @property
    def me(self):
        return self.record["tanks"][self.i]

    @property
    def place(self):
        return int(self.me["x"]), int(self.me["y"])

    @property
    def tiles(self):
        return self.tiles_of(self.record)

    def tiles_of(self, world):
        return world["terrain"][: self.width * self.height].reshape(self.height, self.width)

    def away(self, x, y):
        """How far a point lies from the agent, on the axis on which it is farther."""
        mx, my = self.place
        return max(abs(int(x) - mx), abs(int(y) - my))

    def hidden(self, x, y):
        """Whether a point lies outside the agent's window."""
        return not self.full and self.away(x, y) > self.sight

    def hidden_places(self, count):
        """Points of the field outside the window, the half of them just outside; none if it all lies inside."""
        points = self.rng.integers(8, (8 * self.width - 8, 8 * self.height - 8), (400, 2), endpoint=True)
        points = [(x, y) for x, y in points.tolist() if self.hidden(x, y)]
        near = [point for point in points if self.away(*point) <= self.sight + 16]
        return (near[: count // 2] + points)[:count]

    def strangers(self):
        """The other tanks outside the window."""
        tanks = self.record["tanks"][: self.num_tanks]
        return [j for j in range(self.num_tanks) if j != self.i and self.hidden(tanks[j]["x"], tanks[j]["y"])]

    def random_shot(self, world, k, point):
        """Bullet k flies at a point, in any way."""
        bullet = world["bullets"][k]
        world["flying"] += bullet["speed"] == 0
        bullet["x"], bullet["y"] = point
        bullet["heading"], bullet["speed"] = self.rng.integers(4), self.rng.choice((2, 4))

    def random_condition(self, tank):
        """Anything about a tank but where it is."""
        tank["heading"], tank["hits"], tank["level"] = self.rng.integers((0, 1, 0), (4, 5, 4))
        tank["shield"], tank["stun"], tank["entering"] = self.rng.integers(0, 28, 3)
        tank["lives"], tank["carrier"] = self.rng.integers(1, 4), self.rng.integers(2)

    def told(self, edits, kinds=OBS_KINDS):
        """The kinds in which one of these edits of the world shows."""
        worlds = self.env.worlds
        worlds[:] = self.record
        for b, edit in enumerate(edits[: WORLDS - 1], 1):
            edit(worlds[b])
        return [kind for kind in kinds if len({self.bytes_of(kind, b) for b in range(WORLDS)}) > 1]

    def bytes_of(self, kind, b):
        if b == 0:
            self.seen = self.env.observe(kind)
        if isinstance(self.seen, dict):
            return b"".join(part[b, self.n].tobytes() for pair in self.seen.values() for part in pair)
        one = self.seen[b][self.n]
        return one.encode() if isinstance(one, str) else one.tobytes()


# -- what is hidden: each function gives (edits, kinds) of a stage, or nothing where there is nothing to hide ---------


def place_of_a_tank(stage):
    for j in stage.strangers()[:2]:
        yield [lambda world, at=at, j=j: put(world, j, *at) for at in stage.hidden_places(6)], OBS_KINDS


def condition_of_a_tank(stage):
    for j in stage.strangers()[:2]:
        yield [lambda world, j=j: stage.random_condition(world["tanks"][j])] * 6, OBS_KINDS


def death_of_a_tank(stage):
    def die(world, j):
        tank = world["tanks"][j]
        tank["alive"], tank["wait"], tank["hits"] = 1 - tank["alive"], 20, 0

    yield [lambda world, j=j: die(world, j) for j in stage.strangers()[:6]], OBS_KINDS


def tank_in_the_forest(stage):
    """An enemy in the window, hidden by forest from more than 24 px off."""
    if stage.full or not stage.me["alive"]:
        return
    tanks, (x, y) = stage.record["tanks"], stage.place
    for j in [j for j in range(stage.num_tanks) if tanks[j]["team"] != stage.me["team"]][:1]:

        def hide(world, dx, dy, j=j):
            put(world, j, x + dx, y + dy, in_forest=1)
            stage.random_condition(world["tanks"][j])

        far = min(stage.sight, 64)
        hide(stage.record, far, 0)
        offsets = [(-far, 0), (0, far), (0, -far), (25, 3), (-25, -9), (-far, -far)]
        yield [lambda world, at=at: hide(world, *at) for at in offsets], OBS_KINDS


def bullet_in_flight(stage):
    places = stage.hidden_places(7)
    if len(places) < 7 or stage.num_tanks < 2:
        return
    j = int(stage.rng.choice([j for j in range(stage.num_tanks) if j != stage.i]))
    stage.random_shot(stage.record, 2 * j, places[6])
    yield [lambda world, at=at: stage.random_shot(world, 2 * j, at) for at in places[:6]], OBS_KINDS


def first_bullet_of_two(stage):
    """It is gone, and the second one is in sight; the owner is not, for whom one sees sees how many it may fire."""
    places, owners = stage.hidden_places(1), stage.strangers()
    if not places or not owners:
        return
    k = 2 * owners[0]
    stage.random_shot(stage.record, k, places[0])
    stage.random_shot(stage.record, k + 1, (stage.place[0], max(stage.place[1] - 9, 0)))

    def land(world):
        world["flying"] -= 1
        world["bullets"][k]["speed"] = 0

    yield [land], OBS_KINDS


def bullets_at_rest(stage):
    """Where bullets ended, the agent's own too."""

    def scatter(world):
        bullets = world["bullets"]
        rest = np.flatnonzero(bullets["speed"] == 0)
        for name, top in (("x", 8 * stage.width), ("y", 8 * stage.height), ("heading", 4), ("steel", 2)):
            bullets[name][rest] = stage.rng.integers(0, top, len(rest))

    yield [scatter] * 6, OBS_KINDS


def target_of_scout(stage):
    """On open ground in line with the agent: its nearer tiles in sight, its middle not."""
    record, bases = stage.record, stage.record["bases"]
    targets = [b for b in range(stage.num_bases) if bases[b]["team"] != stage.me["team"]]
    if stage.env.scenario.mode != "scout" or stage.full or not targets:
        return
    tiles, b = stage.tiles, targets[0]
    tiles[tiles == BASE] = 0
    for other in range(stage.num_bases):
        bases[other]["x"], bases[other]["y"] = 8, 8  # all but one out of the way
    x, y = 8 * (stage.width // 4), 8 * (stage.height // 2)
    put(record, stage.i, x + 4, y, heading=1)
    tiles[y // 8 - 1 : y // 8 + 1] = 0
    if not stage.hidden(8, 8):
        return

    def build(world, at):
        world["bases"][b]["x"], world["bases"][b]["y"] = at
        stage.tiles_of(world)[at[1] // 8 - 1 : at[1] // 8 + 1, at[0] // 8 - 1 : at[0] // 8 + 1] = BASE

    step = -(-(stage.sight + 5) // 8) * 8  # the next place on the lattice that lies outside the window
    places = [(x + step + more, y) for more in (0, 8, 16)]
    assert all(stage.hidden(*at) for at in places)
    yield [lambda world, at=at: build(world, at) for at in places], OBS_KINDS


def power_up(stage):
    places = stage.hidden_places(7)
    if len(places) < 7 or not stage.env.scenario.has_power_ups:
        return

    def lie(world, at, kind):
        world["power_up"], (world["power_up_x"], world["power_up_y"]) = kind, at

    lie(stage.record, places[6], 0)
    yield [lambda world, at=at, kind=kind: lie(world, at, kind) for kind, at in enumerate(places[:6], -1)], OBS_KINDS


def terrain_past_the_sight(stage):
    """The tiles that lie just outside the window, in line with the agent and elsewhere."""
    if stage.full or not stage.me["alive"]:
        return
    x, y = stage.place
    column, row = (x - 4) // 8, (y - 4) // 8
    ahead = []
    for heading in range(4):
        dx, dy = int(DX[heading]), int(DY[heading])
        for k in range(1, stage.width):
            at = (column + k * dx + (dx > 0), row + k * dy + (dy > 0))
            if beyond(stage, *at):
                pair = [at, (at[0] + (dx == 0), at[1] + (dy == 0))]
                ahead.append([tile for tile in pair if inside(stage, *tile)])
                break
    hidden = [(c, r) for r in range(stage.height) for c in range(stage.width) if beyond(stage, c, r)]
    others = [hidden[k : k + 1] for k in stage.rng.permutation(len(hidden))[:2]]
    groups = [group for group in ahead + others if group]
    for wall in (True, False):
        yield [lambda world, group=group: paint(stage, world, group, wall) for group in groups], tiled(OBS_KINDS)
    drawn = [group for group in groups if all(undrawn(stage, *tile) for tile in group)]
    yield [lambda world, group=group: paint(stage, world, group, True) for group in drawn], ("rgb",)


def terrain_behind_walls(stage):
    """The tiles that planes call `unseen`, and those that rgb hatches, among bricks that are shot to pieces."""
    if not stage.walls or not stage.me["alive"]:
        return
    for _ in range(10):
        (x, y), shift = stage.place, stage.rng.integers(-3, 4)
        sideways = int(stage.me["heading"]) & 1
        put(stage.record, stage.i, *np.clip((x + shift * sideways, y + shift * (1 - sideways)), 8, 8 * stage.width - 8))
        some = np.flatnonzero(stage.tiles.ravel() == BRICK)
        if len(some):
            for at in stage.rng.choice(some, len(some) // 2, replace=False):
                stage.record["terrain"][at] = stage.rng.integers(1, 16)
        for hidden, kinds in ((unseen(stage), tiled(OBS_KINDS)), (hatched(stage), OBS_KINDS)):
            groups = [[hidden[k]] for k in stage.rng.permutation(len(hidden))[:6]]
            for wall in (True, False):
                yield [lambda world, group=group: paint(stage, world, group, wall) for group in groups], kinds


def terrain_round_a_brick(stage):
    """A brick whose middle is shot away lets a shot through, and no look."""
    if not stage.walls or not stage.me["alive"]:
        return
    x, y = 8 * (stage.width // 2), 8 * (stage.height // 2)
    put(stage.record, stage.i, x, y, heading=0)
    column, row = x // 8 - 1, y // 8 - 1
    tiles = stage.tiles
    tiles[row - 5 : row, column : column + 2] = 0
    tiles[row - 2, column], tiles[row - 2, column + 1] = 5, 10
    hidden = unseen(stage)
    group = [(column, row - 4), (column + 1, row - 4)]
    assert set(group) <= set(hidden)
    yield [lambda world: paint(stage, world, group, True)], tiled(OBS_KINDS)


def tank_behind_a_wall(stage):
    """A wall of steel across the whole field, and everything right of it."""
    if not stage.walls or not stage.me["alive"]:
        return
    x, y = 8 * (stage.width // 2), 8 * (stage.height // 2)
    put(stage.record, stage.i, x, y)
    wall = x // 8 + 2
    stage.tiles[:, wall] = STEEL
    right = 8 * wall + 16
    j = (stage.i + 1) % stage.num_tanks

    def hide(world):
        at = stage.rng.integers((right, 8), (8 * stage.width - 8, 8 * stage.height - 8), endpoint=True)
        put(world, j, *at)
        stage.random_condition(world["tanks"][j])
        stage.random_shot(world, 2 * j, at)

    hide(stage.record)
    yield [hide] * 6, OBS_KINDS
    area = [(c, r) for r in range(stage.height) for c in range(wall + 1, stage.width)]
    groups = [[area[k]] for k in stage.rng.permutation(len(area))[:6]]
    yield [lambda world, group=group: paint(stage, world, group, True) for group in groups], OBS_KINDS


def what_is_to_come(stage):
    """The random key, counters and plans: of the agent too."""

    def scramble(world):
        world["key"] ^= np.uint64(stage.rng.integers(1, 2**63))
        world["seed"], world["index"], world["episode"] = stage.rng.integers(1, 1000, 3)
        for name in ("entry_wait", "entry_next", "entered"):
            world[name][:] = stage.rng.integers(0, 9, 4)
        world["power_up_wait"] = stage.rng.integers(1, 1000)
        world["potential"][:] = stage.rng.random(4)
        tanks = world["tanks"][: stage.num_tanks]
        for name in ("engaged", "post_x", "post_y", "held", "points", "kills", "move", "press", "axis"):
            tanks[name] = stage.rng.integers(0, 4, stage.num_tanks)

    yield [scramble] * 6, OBS_KINDS


def shovels_and_timers(stage):
    """Of teams of which the agent sees neither a tank nor the ground round a base."""
    tanks, bases = stage.record["tanks"][: stage.num_tanks], stage.record["bases"][: stage.num_bases]
    teams = {int(team) for team in tanks["team"]} - {int(stage.me["team"])}
    teams -= {int(t["team"]) for t in tanks if t["alive"] and not stage.hidden(t["x"], t["y"])}
    teams -= {
        int(b["team"])
        for b in bases
        if not stage.hidden(b["x"], b["y"]) or stage.away(b["x"], b["y"]) < stage.sight + 16
    }

    def run(world, team):
        world["shovel"][team - 1], world["frozen"][team - 1] = stage.rng.integers(1, 250, 2)

    yield [lambda world, team=team: run(world, team) for team in sorted(teams)] * 2, OBS_KINDS


def everything_from_the_dead(stage):
    stage.me["alive"] = stage.me["hits"] = 0

    def disturb(world):
        for j in range(stage.num_tanks):
            put(world, j, *stage.rng.integers(8, 8 * stage.height - 8, 2)) if j != stage.i else None
            stage.random_condition(world["tanks"][j])
            stage.random_shot(world, 2 * j, (8 + j, 16))
        world["bases"]["alive"] = stage.rng.integers(0, 2, len(world["bases"]))
        world["terrain"][stage.rng.integers(0, stage.width * stage.height, 99)] = STEEL
        world["power_up"] = stage.rng.integers(-1, 6)

    yield [disturb] * 6, OBS_KINDS


# -- helpers ----------------------------------------------------------------------------------------------------------


def put(world, j, x, y, heading=None, in_forest=0):
    tank = world["tanks"][j]
    tank["x"], tank["y"], tank["alive"], tank["in_forest"] = x, y, 1, in_forest
    tank["hits"] = max(tank["hits"], 1)
    if heading is not None:
        tank["heading"] = heading


def inside(stage, column, row):
    return 0 <= column < stage.width and 0 <= row < stage.height


def beyond(stage, column, row):
    """Whether the middle of a tile lies outside the window."""
    return stage.away(8 * column + 4, 8 * row + 4) > stage.sight


def undrawn(stage, column, row):
    """Whether no pixel of a tile lies in the window of rgb."""
    return stage.away(8 * column + 4, 8 * row + 4) > stage.sight + 4


def unseen(stage):
    """The tiles (column, row) of the field that the agent's planes call unseen."""
    stage.env.worlds[:] = stage.record
    plane = stage.env.observe("planes")[0, stage.n, UNSEEN]
    x, y = stage.place
    left, top = (x - 4) // 8 + 1 - len(plane) // 2, (y - 4) // 8 + 1 - len(plane) // 2
    return [(left + int(c), top + int(r)) for r, c in np.argwhere(plane)]


def hatched(stage):
    """The tiles (column, row) of the field that rgb takes for hidden by walls."""
    stage.env.worlds[:] = stage.record
    seen = np.zeros(stage.num_tanks, SEEN)
    look_around(stage.env.worlds, stage.env.view.spec, seen)
    tiles = seen["tiles"][stage.i, : stage.width * stage.height].reshape(stage.height, stage.width)
    return [(int(c), int(r)) for r, c in np.argwhere(tiles == 0)]


def paint(stage, world, group, wall):
    """Change tiles: to steel or, if not `wall`, to nothing; to water what is that already."""
    tiles, code = stage.tiles_of(world), STEEL if wall else EMPTY
    for column, row in group:
        if tiles[row, column] != BASE:
            tiles[row, column] = code if tiles[row, column] != code else WATER


def tiled(kinds):
    """The kinds that know terrain by the tile; rgb shows a tile at the window's edge in part."""
    return tuple(kind for kind in kinds if kind != "rgb")


HIDDEN = (
    place_of_a_tank,
    condition_of_a_tank,
    death_of_a_tank,
    tank_in_the_forest,
    bullet_in_flight,
    first_bullet_of_two,
    bullets_at_rest,
    target_of_scout,
    power_up,
    terrain_past_the_sight,
    terrain_behind_walls,
    terrain_round_a_brick,
    tank_behind_a_wall,
    what_is_to_come,
    shovels_and_timers,
    everything_from_the_dead,
)


@pytest.fixture(scope="module")
def games():
    """(name, environment, worlds at some moments) of all scenarios."""
    found = []
    for name, changes in VARIANTS:
        env = mabc.make_batch(name, num_envs=WORLDS, seed=5, **changes)
        if env.num_agents == 0:
            continue
        env.reset(seed=5)
        rng, records = np.random.default_rng(5), []
        for step in range(max(MOMENTS) + 1):
            env.step(rng.integers(0, 10, (WORLDS, env.num_agents)))
            if step in MOMENTS:
                records.append(env.worlds[step % WORLDS].copy())
        found.append((f"{name} {changes or ''}".strip(), env, records))
    return found


@pytest.mark.parametrize("hidden", HIDDEN, ids=lambda hidden: hidden.__name__)
def test_what_is_hidden_moves_no_byte(games, hidden):
    rng = np.random.default_rng(1)
    leaks, changed = set(), 0
    for label, env, records in games:
        for record in records:
            stage = Stage(label, env, record, rng)
            for edits, kinds in hidden(stage):
                if edits:
                    changed += len(edits)
                    leaks |= {(label, kind) for kind in stage.told(edits, kinds)}
    assert changed >= 6, "something was hidden"
    kinds = sorted({kind for _, kind in leaks})
    assert not leaks, f"{len(leaks)} of scenario and kind, in {kinds}, as {sorted(leaks)[:4]}"
