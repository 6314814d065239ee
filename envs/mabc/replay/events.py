"""What happened, found by comparing each frame with the one before it: hits, kills, bricks, bases, the end."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..params import BULLET_TANK, NOBODY, RUNNING

EVENT_KINDS = ("fire", "spent", "hit", "kill", "stun", "brick", "pick_up", "power_up", "base", "enter", "win")
FIRE, SPENT, HIT, KILL, STUN, BRICK_GONE, PICK_UP, POWER_UP, BASE_LOST, ENTER, WIN = range(len(EVENT_KINDS))
COUNTS = ("shots", "damage", "kills", "bricks", "pick_ups", "bases")


class Event(NamedTuple):
    """One event. tank, by: slots, -1 for nobody; x, y: px (of "win": the winner's number, 0)."""

    frame: int
    step: int
    kind: str
    tank: int
    by: int
    x: int
    y: int


class Row(NamedTuple):
    """An event as it is stored."""

    frame: int
    kind: int
    tank: int
    by: int
    x: int
    y: int


def eventful(frames: np.ndarray, num_tanks: int, num_bases: int) -> np.ndarray:
    """In which frames anything happens that may be an event: bool [F - 1], for [F] of state.WORLD."""
    tanks, bullets = frames["tanks"][:, :num_tanks], frames["bullets"][:, : 2 * num_tanks]
    watched = [tanks[name] for name in (*COUNTS, "alive", "hits")]
    watched += [tanks["stun"] > 0, bullets["speed"] != 0, frames["bases"]["alive"][:, :num_bases]]
    watched += [frames[name][:, None] for name in ("power_up", "power_up_x", "power_up_y", "outcome")]
    happens = np.zeros(len(frames) - 1, bool)
    for values in watched:
        happens |= (values[1:] != values[:-1]).any(axis=1)
    return happens


def events_of(before: np.void, after: np.void, num_tanks: int, num_bases: int) -> list[Row]:
    """The events of one frame between two records of state.WORLD.

    The growth of the tanks' counts tells who did what; before a step's first frame they must be zero.
    """
    frame = int(after["frame"])
    was, now = before["tanks"][:num_tanks], after["tanks"][:num_tanks]
    grown = {name: now[name].astype(int) - was[name].astype(int) for name in COUNTS}
    spent = _bullets(before, after, grown["shots"], num_tanks)
    rows = [Row(frame, FIRE, i, i, *_place(after["bullets"][k])) for i, k in spent.fired]  # they have not moved yet
    rows += [Row(frame, SPENT, k >> 1, k >> 1, *_place(after["bullets"][k])) for k in spent.spent]
    rows += _hits(was, now, after, grown, spent.spent, frame)
    rows += _bricks(before, after, grown["bricks"], frame)
    rows += _power_ups(before, after, grown["pick_ups"], frame)
    for b in range(num_bases):
        base = after["bases"][b]
        if before["bases"][b]["alive"] and not base["alive"]:
            place = _place(base)
            k = _nearest(spent.spent, after, place, lambda _: True)
            finders = np.flatnonzero(grown["bases"] > 0).tolist()  # of a target of `scout`
            by = k >> 1 if k != NOBODY else min(finders, key=lambda i: _distance(now[i], place), default=-1)
            rows.append(Row(frame, BASE_LOST, -1, by, *place))
    for i in np.flatnonzero((now["alive"] != 0) & (was["alive"] == 0)).tolist():
        rows.append(Row(frame, ENTER, i, i, *_place(now[i])))
    if after["outcome"] != RUNNING:
        rows.append(Row(frame, WIN, -1, -1, int(after["outcome"]), 0))
    return rows


class _Bullets(NamedTuple):
    fired: list[tuple[int, int]]  # (tank, bullet)
    spent: list[int]  # bullets


def _bullets(before: np.void, after: np.void, shots: np.ndarray, num_tanks: int) -> _Bullets:
    """Which bullets were fired in a frame and which came to their end; some do both."""
    flew = before["bullets"]["speed"][: 2 * num_tanks] != 0
    flies = after["bullets"]["speed"][: 2 * num_tanks] != 0
    fired = []
    for i in np.flatnonzero(shots > 0).tolist():
        pair = [2 * i, 2 * i + 1]
        new = [k for k in pair if flies[k] and not flew[k]]
        fired.append((i, (new or [k for k in pair if not flies[k] and _at_muzzle(after, i, k)] or pair[:1])[0]))
    gone = set(np.flatnonzero(flew & ~flies).tolist()) | {k for _, k in fired if not flies[k]}
    return _Bullets(fired, sorted(gone))


def _at_muzzle(world: np.void, i: int, k: int) -> bool:
    return _distance(world["bullets"][k], _place(world["tanks"][i])) <= BULLET_TANK


def _place(thing: np.void) -> tuple[int, int]:
    return int(thing["x"]), int(thing["y"])


def _distance(thing: np.void, place: tuple[int, int]) -> int:
    """On the axis on which they lie farther apart, px."""
    return max(abs(int(thing["x"]) - place[0]), abs(int(thing["y"]) - place[1]))


def _hits(
    was: np.ndarray, now: np.ndarray, after: np.void, grown: dict[str, np.ndarray], spent: list[int], frame: int
) -> list[Row]:
    """Hits, kills and stuns: the nearest bullet that ended tells by whom."""
    rows = []
    damage, free = grown["damage"].copy(), list(spent)
    lost = np.maximum(was["hits"].astype(int) - now["hits"], 0) * (was["alive"] != 0)
    for j in np.flatnonzero(lost).tolist():
        place, dead = _place(now[j]), not now[j]["alive"]
        by = -1
        for _ in range(lost[j]):
            k = _nearest(free, after, place, lambda k: damage[k >> 1] > 0)
            if k == NOBODY:
                break
            by = k >> 1
            free.remove(k)
            damage[by] -= 1
            rows.append(Row(frame, HIT, j, by, *place))
        if dead:
            killers = np.flatnonzero(grown["kills"] > 0).tolist()
            by = by if by >= 0 or not killers else killers[0]
            rows.append(Row(frame, KILL, j, by, *place))
    for j in np.flatnonzero(now["stun"] > was["stun"]).tolist():
        k = _nearest(free, after, _place(now[j]), lambda k, j=j: k >> 1 != j and now[k >> 1]["team"] == now[j]["team"])
        rows.append(Row(frame, STUN, j, -1 if k == NOBODY else k >> 1, *_place(now[j])))
    return rows


def _nearest(bullets: list[int], world: np.void, place: tuple[int, int], fits) -> int:
    """The bullet nearest to a place among those that could have hit there, or NOBODY."""
    found, best = NOBODY, BULLET_TANK
    for k in bullets:
        distance = _distance(world["bullets"][k], place)
        if distance < best and fits(k):
            found, best = k, distance
    return found


def _bricks(before: np.void, after: np.void, cleared: np.ndarray, frame: int) -> list[Row]:
    """One event for each tank that cleared brick, at the changed tile nearest to its bullets."""
    doers = np.flatnonzero(cleared > 0).tolist()
    if not doers:
        return []
    tiles = np.flatnonzero(before["terrain"] != after["terrain"])
    width = int(after["width"])
    xs, ys = tiles % width * 8 + 4, tiles // width * 8 + 4
    rows = []
    for i in doers:
        reach = [np.maximum(abs(xs - x), abs(ys - y)) for x, y in map(_place, after["bullets"][2 * i : 2 * i + 2])]
        at = int(np.argmin(np.minimum(*reach))) if len(tiles) else NOBODY
        place = (int(xs[at]), int(ys[at])) if len(tiles) else _place(after["bullets"][2 * i])
        rows.append(Row(frame, BRICK_GONE, -1, i, *place))
    return rows


def _power_ups(before: np.void, after: np.void, picked: np.ndarray, frame: int) -> list[Row]:
    old = (int(before["power_up"]), int(before["power_up_x"]), int(before["power_up_y"]))
    new = (int(after["power_up"]), int(after["power_up_x"]), int(after["power_up_y"]))
    rows = [Row(frame, PICK_UP, i, i, *old[1:]) for i in np.flatnonzero(picked > 0).tolist()]
    if new[0] != NOBODY and (new != old or rows):
        rows.append(Row(frame, POWER_UP, -1, -1, *new[1:]))
    return rows
