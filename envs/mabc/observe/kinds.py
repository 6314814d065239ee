"""The kinds of observation and state by name: a module each, with `obs_kind(view)` and mostly `state_kind(view)`.

A `Kind` knows its space, allocates its buffers and writes them; `View` is all that it may know of an environment.
"""

from __future__ import annotations

import importlib
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces

from ..scenarios import Scenario, unknown

OBS_KINDS = ("vector", "entities", "planes", "rgb", "text")
STATE_KINDS = ("vector", "entities", "planes", "rgb")


def columns(names: str) -> Any:
    """The numbers of columns by their names: columns("x y").y is 1, a constant in a rule; `_fields` are the names."""
    words = names.split()
    return namedtuple("Columns", words)(*range(len(words)))


@dataclass(frozen=True)
class View:
    """What a kind is made from: the compiled scenario and the largest map's size in tiles."""

    scenario: Scenario
    spec: np.ndarray  # [1] of SPEC
    width: int  # tiles
    height: int

    @property
    def num_agents(self) -> int:
        """Agents, N."""
        return int(self.spec[0]["num_agents"])

    @property
    def num_tanks(self) -> int:
        """Tanks of all teams."""
        return int(self.spec[0]["num_tanks"])

    @property
    def num_bases(self) -> int:
        """Bases of all teams."""
        return int(self.spec[0]["num_bases"])


@dataclass(frozen=True)
class Kind:
    """One kind of observation (per agent) or state (per world).

    space: of one agent's observation, or of one world's state. allocate(B): the buffers, arrays with leading
    [B, N] or [B]. write(worlds, buffers, low, high, only): fills rows low..high where only[b] is set, bool [B].
    """

    space: spaces.Space
    allocate: Callable[[int], Any]
    write: Callable[[np.ndarray, Any, int, int, np.ndarray], None]


def obs_kind(name: str, view: View) -> Kind:
    """The observation kind of that name."""
    if name not in OBS_KINDS:
        raise unknown("observation", name, OBS_KINDS)
    return importlib.import_module(f".{name}", __package__).obs_kind(view)


def state_kind(name: str, view: View) -> Kind:
    """The state kind of that name."""
    if name not in STATE_KINDS:
        raise unknown("state", name, STATE_KINDS)
    return importlib.import_module(f".{name}", __package__).state_kind(view)
