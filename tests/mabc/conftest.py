"""A small world to play a rule in: a custom map, one frame a step, and nobody moves unless told."""

import numpy as np
import pytest

import mabc
from mabc import Scenario, Team
from mabc.params import HEADINGS, HITS, TYPES

FIELD = "\n".join(["B.B.B.B.B.B.B", *["............."] * 11, "A.A.A.A.A.A.A"])
"""The classic field of 208x208 px with nothing on it: seven entries a side."""

CODES = {".": 0, "#": 15, "@": 16, "~": 17, "%": 18, "_": 19}


def action(order: str) -> int:
    """`"up fire"` as an action: 2 * move + fire."""
    words = order.split()
    move = next((HEADINGS.index(word) + 1 for word in words if word in HEADINGS), 0)
    return 2 * move + ("fire" in words)


def as_team(team: Team | str) -> Team:
    """`"player player"` as a team of learners that do not run out of lives."""
    return team if isinstance(team, Team) else Team(tuple(team.split()), lives=9)


class Game:
    """Worlds of one scenario that are played frame by frame; the methods look at and play the first one."""

    def __init__(self, map=FIELD, teams=("player", "player"), mode="skirmish", worlds=1, seed=0, **changes):
        changes = {"frame_skip": 1, "max_steps": 100_000, "swap_sides": False, "random_start": False, **changes}
        scenario = Scenario("played", mode, map.strip(), tuple(as_team(team) for team in teams), **changes)
        self.env = mabc.make_batch(scenario, num_envs=worlds)
        self.env.reset(seed=seed)
        self.terminated = self.truncated = False
        self.outcome, self.reward, self.info = None, None, {}

    # -- what there is ------------------------------------------------------------------------------

    @property
    def world(self) -> np.void:
        """The record of the first world."""
        return self.env.worlds[0]

    def tank(self, i: int) -> np.void:
        """The record of tank i; writing to it sets the stage."""
        return self.world["tanks"][i]

    def at(self, i: int) -> tuple[int, int]:
        """Where tank i is, px."""
        return int(self.tank(i)["x"]), int(self.tank(i)["y"])

    def bullets(self, i: int) -> list[tuple[int, int]]:
        """Where the bullets of tank i are, px."""
        own = self.world["bullets"][2 * i : 2 * i + 2]
        return [(int(b["x"]), int(b["y"])) for b in own if b["speed"] != 0]

    def tile(self, column: int, row: int) -> int:
        """The code of a tile."""
        return int(self.world["terrain"][row * self.world["width"] + column])

    # -- setting the stage --------------------------------------------------------------------------

    def put(self, i: int, x: int, y: int, heading: str = "up", **fields) -> None:
        """Place tank i on the field; fields: any other fields of its record."""
        tank = self.tank(i)
        tank["x"], tank["y"], tank["heading"], tank["alive"] = x, y, HEADINGS.index(heading), 1
        tank["hits"] = HITS[tank["type"]]
        for name, value in fields.items():
            tank[name] = TYPES.index(value) if name == "type" else value
        if "type" in fields:
            tank["hits"] = HITS[tank["type"]]

    def everywhere(self, i: int, **fields) -> None:
        """Set fields of tank i in all worlds."""
        for name, value in fields.items():
            self.env.worlds["tanks"][name][:, i] = HEADINGS.index(value) if name == "heading" else value

    def shoot(self, i: int, x: int, y: int, heading: str, speed: int = 2, slot: int = 0) -> None:
        """Put a bullet of tank i into the air."""
        bullet = self.world["bullets"][2 * i + slot]
        self.world["flying"] += bullet["speed"] == 0
        bullet["x"], bullet["y"], bullet["heading"], bullet["speed"] = x, y, HEADINGS.index(heading), speed
        bullet["steel"] = 0

    def hang(self, i: int, x: int, y: int, heading: str = "up", slot: int = 0) -> None:
        """Put a bullet of tank i where this frame's flight will take it to (x, y)."""
        k = HEADINGS.index(heading)
        self.shoot(i, x - 2 * (0, 1, 0, -1)[k], y - 2 * (-1, 0, 1, 0)[k], heading, 2, slot)

    def paint(self, text: str, column: int, row: int) -> None:
        """Set tiles from rows of text, the top left one at (column, row)."""
        for r, line in enumerate(text.split()):
            for c, letter in enumerate(line):
                self.world["terrain"][(row + r) * self.world["width"] + column + c] = CODES[letter]

    # -- playing ------------------------------------------------------------------------------------

    def run(self, frames: int, orders: dict[int, str] | str | None = None) -> "Game":
        """Play some frames; orders by agent, or agent 0's. Stops when the game ends."""
        orders = {0: orders} if isinstance(orders, str) else orders or {}
        actions = np.zeros((self.env.num_envs, self.env.num_agents), np.int64)
        for agent, order in orders.items():
            actions[:, agent] = action(order)
        for _ in range(frames):
            _, self.reward, terminated, truncated, self.info = self.env.step(actions)
            self.terminated, self.truncated = bool(terminated[0]), bool(truncated[0])
            if self.terminated or self.truncated:
                self.outcome = int(self.info["outcome"][0])
                break
        return self

    def until(self, condition, orders=None, limit: int = 2000) -> int:
        """Play until the condition holds: how many frames it took."""
        for frame in range(limit):
            if condition():
                return frame
            self.run(1, orders)
            if self.terminated or self.truncated:
                return frame + 1
        raise AssertionError(f"it did not happen in {limit} frames")


@pytest.fixture(scope="session")
def play():
    """`play(map, teams, ...)` starts a Game."""
    return Game
