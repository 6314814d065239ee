"""The `text` observation: what an agent sees, in words, for language agents. list [B][N] of str.

Places are given in tiles (8 px) from the agent's own tank, up being the top of the map. Everything that the
agent sees is in it, up to the five nearest of a kind; `mabc.parse_command` turns the answer into an action.
"""

from __future__ import annotations

import string
from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces

from ..commands import legal_commands
from ..core import write_masks
from ..jit import kernel, rule
from ..params import (
    BASE,
    DX,
    DY,
    EMPTY,
    FOREST,
    FPS,
    HEADINGS,
    ICE,
    MAX_BASES,
    MAX_BULLETS,
    MAX_TANKS,
    NOBODY,
    NUM_ACTIONS,
    PLAYER,
    POWER_UPS,
    STEEL,
    TILE,
    TYPES,
    WATER,
)
from ..rules.drive import snapped
from ..rules.sight import knows_base, seen_code, sees_point, sees_tank
from ..rules.terrain import overlaps, stops_tank
from .kinds import Kind, View

MAX_LENGTH = 1200
"""Characters of one observation, at most."""
LISTED = 5
"""How many of a kind are listed, the nearest first, and the rest counted; fewer where that gets too long."""
MISSIONS = {
    "defend": (
        "guard your base and destroy every enemy that enters",
        "destroy the enemy base or all its tanks",
    ),
    "skirmish": ("destroy all enemy tanks", "destroy all enemy tanks"),
    "siege": ("destroy the enemy base", "guard your base"),
    "versus": ("destroy the enemy bases and guard yours", "destroy the enemy bases and guard yours"),
    "scout": ("find all targets: drive next to each", "keep the targets from being found"),
}
"""By mode: what a team is to do, and what the last team is."""
_BORDER, _ALLY, _ENEMY = -1, -2, -3
_STOPS = {STEEL: "steel", WATER: "water", BASE: "a base", _BORDER: "the border"}
_STOPS |= {_ALLY: "an ally", _ENEMY: "an enemy"}


class Seen(NamedTuple):
    """What the N agents of one world see, filled by `look`."""

    tanks: np.ndarray  # bool [N, MAX_TANKS]
    bullets: np.ndarray  # bool [N, MAX_BULLETS]
    bases: np.ndarray  # bool [N, MAX_BASES] known
    power_up: np.ndarray  # bool [N]
    way: np.ndarray  # int32 [N, 4, 2] by heading: px that are free, and a code of _STOPS, brick or 0: nothing
    mask: np.ndarray  # bool [N, A]
    alive: np.ndarray  # bool [N]


@rule
def tank_ahead(world, spec, i, x, y, heading, seen):
    """The nearest tank that tank i sees in its way from (x, y), and the px between: (slot or NOBODY, px)."""
    found, nearest = NOBODY, 9999
    for j in range(spec.num_tanks):
        if j == i or not seen[j]:
            continue
        dx, dy = world.tanks[j].x - x, world.tanks[j].y - y
        along = dx * DX[heading] + dy * DY[heading]
        across = abs(dx * DY[heading] + dy * DX[heading])
        if along > 0 and across < 2 * TILE:
            gap = max(along - 2 * TILE, 0)
            if gap < nearest:
                found, nearest = j, gap
    return found, nearest


@rule
def seen_tank_on(world, spec, i, x, y, seen):
    """Whether a tank that tank i sees overlaps it where it stands at (x, y)."""
    for j in range(spec.num_tanks):
        if j != i and seen[j] and overlaps(x, y, world.tanks[j].x, world.tanks[j].y):
            return True
    return False


@rule
def start_of_way(world, spec, i, heading, seen):
    """Where tank i drives off along a heading, px: a 90 degree turn snaps it first (rules/drive.py, `turn`)."""
    tank = world.tanks[i]
    x, y = int(tank.x), int(tank.y)
    if (heading - tank.heading) & 1:
        x, y = snapped(x), snapped(y)
        if (x != tank.x or y != tank.y) and seen_tank_on(world, spec, i, x, y, seen):
            x += TILE * ((tank.x > x) - (tank.x < x))
            y += TILE * ((tank.y > y) - (tank.y < y))
    return x, y


@rule
def look_along(world, spec, i, heading, seen, out):
    """What stops tank i along a heading as far as it sees, and how many px before it are free."""
    me = world.tanks[i]
    x, y = start_of_way(world, spec, i, heading, seen)
    dx, dy = DX[heading], DY[heading]
    gap, code = 0, EMPTY
    while True:
        # the two tiles before the leading corners
        edge_x = x + dx * gap + (7 if heading == 1 else -8) + dx
        edge_y = y + dy * gap + (7 if heading == 2 else -8) + dy
        other_x = edge_x + (15 if dx == 0 else 0)
        other_y = edge_y + (15 if dx != 0 else 0)
        first = seen_code(world, spec, me, edge_x >> 3, edge_y >> 3)
        second = seen_code(world, spec, me, other_x >> 3, other_y >> 3)
        ends = (first < 0) | (second < 0)
        first, second = max(first, EMPTY), max(second, EMPTY)
        if stops_tank(first) or stops_tank(second):
            code = max(first if stops_tank(first) else 0, second if stops_tank(second) else 0)
            outside = edge_x < 0 or edge_y < 0 or other_x >= world.width * TILE or other_y >= world.height * TILE
            code = _BORDER if outside else code
            break
        if ends:
            break
        gap += 1
    out[0], out[1] = gap, code
    j, before = tank_ahead(world, spec, i, x, y, heading, seen)
    if j != NOBODY and before < gap:
        out[0] = before
        out[1] = _ALLY if world.tanks[j].team == me.team else _ENEMY


@kernel
def look(worlds, spec_array, b, seen):
    """Fill `seen` for the agents of world b."""
    world, spec = worlds[b], spec_array[0]
    write_masks(world, spec, seen.mask, seen.alive)
    for n in range(spec.num_agents):
        if not seen.alive[n]:
            continue
        i = spec.slot[n]
        me = world.tanks[i]
        for j in range(spec.num_tanks):
            seen.tanks[n, j] = sees_tank(world, spec, i, j)
        for k in range(2 * spec.num_tanks):
            bullet = world.bullets[k]
            seen.bullets[n, k] = bullet.speed != 0 and sees_point(world, spec, me, bullet.x, bullet.y)
        for k in range(spec.num_bases):
            seen.bases[n, k] = knows_base(world, spec, me, world.bases[k])
        x, y = world.power_up_x, world.power_up_y
        seen.power_up[n] = world.power_up != NOBODY and sees_point(world, spec, me, x, y)
        for heading in range(4):
            look_along(world, spec, i, heading, seen.tanks[n], seen.way[n, heading])


def direction(dx: int, dy: int) -> str:
    """A place in words, from px: "3 right 2 up"; "here" within half a tile."""
    columns, rows = round(dx / TILE), round(dy / TILE)
    words = [f"{abs(columns)} {'right' if columns > 0 else 'left'}"] if columns else []
    words += [f"{abs(rows)} {'down' if rows > 0 else 'up'}"] if rows else []
    return " ".join(words) or "here"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {'lives' if what == 'life' else what + 's'}"


def _seconds(frames: int) -> str:
    return f"{frames / FPS:.1f}s"


class _Teller:
    """Tells what one agent sees."""

    def __init__(self, view: View, world: np.void, seen: Seen, n: int):
        self.view, self.spec, self.world, self.seen, self.n = view, view.spec[0], world, seen, n
        self.i = int(self.spec["slot"][n])
        self.me, self.most = world["tanks"][self.i], LISTED
        self.x, self.y, self.team = int(self.me["x"]), int(self.me["y"]), int(self.spec["team"][self.i])

    def tell(self) -> str:
        """All of it, in at most MAX_LENGTH characters."""
        for self.most in range(LISTED, 0, -1):
            text = self.everything()
            if len(text) <= MAX_LENGTH:
                break
        return text[:MAX_LENGTH]

    def everything(self) -> str:
        """All of it, up to `most` of a kind."""
        lines = [self.mission()]
        if not self.seen.alive[self.n]:
            return "\n".join([*lines, "Your tank is destroyed.", "Commands: stay"])
        lines += [self.self(), *self.tanks(), *self.bullets(), *self.bases(), *self.power_up(), self.ways()]
        return "\n".join([*lines, "Commands: " + ", ".join(legal_commands(self.seen.mask[self.n].tolist()))])

    def mission(self) -> str:
        scenario = self.view.scenario
        left = scenario.max_steps - int(self.world["step"])
        last = self.team == len(scenario.teams) and scenario.mode in ("defend", "siege", "scout")
        mission = MISSIONS[scenario.mode][last]
        return f"Mission ({scenario.mode}): {mission}. {left} of {scenario.max_steps} steps left."

    def self(self) -> str:
        me = self.me
        column, row = self.x // TILE, self.y // TILE
        size = f"{int(self.world['width'])}x{int(self.world['height'])}"
        parts = [
            f"You: {self.tank_name(self.i)} at column {column} row {row} of {size} tiles",
            f"facing {HEADINGS[me['heading']]}",
            _count(int(me["hits"]), "hit") + " left",
            _count(max(int(me["lives"]), 0), "life"),
            self.gun(),
        ]
        return ", ".join(parts + self.conditions(me)) + "."

    def gun(self) -> str:
        flying = int((self.world["bullets"]["speed"][2 * self.i : 2 * self.i + 2] != 0).sum())
        free = (2 if self.me["type"] == PLAYER and self.me["level"] >= 2 else 1) - flying
        return "gun ready" if free > 0 else "gun empty until your bullet hits"

    def conditions(self, tank: np.void) -> list[str]:
        frozen = int(self.world["frozen"][tank["team"] - 1])
        clocks = [
            (tank["entering"], "entering"),
            (tank["shield"], "shielded"),
            (tank["stun"], "stunned"),
            (frozen, "frozen"),
        ]
        words = [f"{word} {_seconds(int(frames))}" for frames, word in clocks if frames > 0]
        return words + (["in forest"] if tank["in_forest"] else [])

    def tank_name(self, j: int) -> str:
        tank = self.world["tanks"][j]
        level = f" level {int(tank['level'])}" if tank["type"] == PLAYER else ""
        return f"{TYPES[tank['type']]}{level} tank of team {int(tank['team'])}"

    def nearest(self, slots: list[int], things: np.ndarray) -> list[int]:
        away = np.abs(things["x"].astype(int) - self.x) + np.abs(things["y"].astype(int) - self.y)
        return sorted(slots, key=lambda k: (away[k], k))

    def listed(self, title: str, items: list[str]) -> list[str]:
        if not items:
            return []
        more = [f"and {len(items) - self.most} more"] if len(items) > self.most else []
        return [f"{title}: " + "; ".join(items[: self.most] + more) + "."]

    def tanks(self) -> list[str]:
        tanks = self.world["tanks"]
        there = np.flatnonzero(self.seen.tanks[self.n, : self.spec["num_tanks"]]).tolist()
        seen = self.nearest([j for j in there if j != self.i], tanks)
        allies = [self.tank(j) for j in seen if self.spec["team"][j] == self.team]
        enemies = [self.tank(j) for j in seen if self.spec["team"][j] != self.team]
        return [
            *self.listed("Allies", allies),
            *(self.listed("Enemies", enemies) or ["Enemies: none in sight."]),
        ]

    def tank(self, j: int) -> str:
        tank = self.world["tanks"][j]
        name = TYPES[tank["type"]]
        if self.spec["num_teams"] > 2 and tank["team"] != self.team:
            name += f" (team {int(tank['team'])})"
        where = direction(int(tank["x"]) - self.x, int(tank["y"]) - self.y)
        hits = [f"{int(tank['hits'])} hits left"] if tank["hits"] > 1 else []
        return ", ".join([f"{name} {where}", f"facing {HEADINGS[tank['heading']]}", *hits, *self.conditions(tank)])

    def bullets(self) -> list[str]:
        bullets = self.world["bullets"]
        there = np.flatnonzero(self.seen.bullets[self.n, : 2 * self.spec["num_tanks"]]).tolist()
        return self.listed("Bullets", [self.bullet(k) for k in self.nearest(there, bullets)])

    def bullet(self, k: int) -> str:
        bullet, owner = self.world["bullets"][k], k // 2
        whose = "yours" if owner == self.i else "ally's" if self.spec["team"][owner] == self.team else "enemy's"
        dx, dy = int(bullet["x"]) - self.x, int(bullet["y"]) - self.y
        heading = int(bullet["heading"])
        across = abs(dx * DY[heading] + dy * DX[heading])
        coming = dx * DX[heading] + dy * DY[heading] < 0 and across < 10 and owner != self.i
        return f"{whose} {direction(dx, dy)} flying {HEADINGS[heading]}" + (" AT YOU" if coming else "")

    def bases(self) -> list[str]:
        known = np.flatnonzero(self.seen.bases[self.n, : self.spec["num_bases"]]).tolist()
        items = [self.base(b) for b in self.nearest(known, self.world["bases"])]
        return self.listed("Targets" if self.view.scenario.mode == "scout" else "Bases", items)

    def base(self, b: int) -> str:
        base, scout = self.world["bases"][b], self.view.scenario.mode == "scout"
        name = ("your " if base["team"] == self.team else "" if scout else "enemy ") + ("target" if scout else "base")
        state = "" if base["alive"] else " (found)" if scout else " (destroyed)"
        return f"{name}{state} {direction(int(base['x']) - self.x, int(base['y']) - self.y)}"

    def power_up(self) -> list[str]:
        if not self.seen.power_up[self.n]:
            return []
        world = self.world
        where = direction(int(world["power_up_x"]) - self.x, int(world["power_up_y"]) - self.y)
        return [f"Power-up: {POWER_UPS[world['power_up']]} {where}."]

    def ways(self) -> str:
        items = []
        for heading, name in enumerate(HEADINGS):
            free, code = self.seen.way[self.n, heading].tolist()
            what = _STOPS.get(code, "brick" if code > 0 else "")
            tiles = f"{free / TILE:.0f}" if free % TILE == 0 else f"{free / TILE:.1f}"
            if not what:
                items.append(f"{name} free as far as you see")
            else:
                items.append(f"{name} {what} at once" if free == 0 else f"{name} {tiles} free then {what}")
        on = {FOREST: " You stand in forest.", ICE: " You stand on ice."}.get(self.ground(), "")
        return "Ways (tiles): " + "; ".join(items) + "." + on

    def ground(self) -> int:
        """The terrain under the tank, where its four tiles agree."""
        column, row, width = (self.x - 4) >> 3, (self.y - 4) >> 3, int(self.world["width"])
        codes = {int(self.world["terrain"][(row + k // 2) * width + column + k % 2]) for k in range(4)}
        return codes.pop() if len(codes) == 1 else 0


def _seen(agents: int) -> Seen:
    return Seen(
        np.zeros((agents, MAX_TANKS), bool),
        np.zeros((agents, MAX_BULLETS), bool),
        np.zeros((agents, MAX_BASES), bool),
        np.zeros(agents, bool),
        np.zeros((agents, 4, 2), np.int32),
        np.zeros((agents, NUM_ACTIONS), bool),
        np.zeros(agents, bool),
    )


def obs_kind(view: View) -> Kind:
    """List [B][N] of str."""

    def write(worlds: np.ndarray, out: Any, low: int, high: int, only: np.ndarray) -> None:
        seen = _seen(view.num_agents)
        for b in range(low, high):
            if only[b]:
                look(worlds, view.spec, b, seen)
                out[b] = [_Teller(view, worlds[b], seen, n).tell() for n in range(view.num_agents)]

    return Kind(
        spaces.Text(MAX_LENGTH, min_length=0, charset=string.printable),
        lambda batch: [[""] * view.num_agents for _ in range(batch)],
        write,
    )
