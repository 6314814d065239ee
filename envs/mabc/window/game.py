"""A game that people take part in, without a window: who drives which tank, and one frame after another.

People act in every frame. Whoever sits beside them decides every `pace` frames, the frame_skip of the scenario, as in
training: their actions hold that long, so that a press fires once in that time. Shapes: N agents.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from .. import render
from ..api.batched import BatchedEnv, make_batch
from ..catalogue import scenario as find_scenario
from ..core import suggest_actions, trace_step
from ..names import names_of, team_of
from ..params import BOTS, BY_TEAM, RUNNING, driver_of
from ..scenarios import Scenario, ScenarioError, unknown
from ..state import SCRATCH, WORLD
from .fog import picture_of

RIVAL = "tactical:novice"
"""Who drives other teams that learn, where nobody is named."""
NO_HOLD = np.zeros((1, 0), np.int16)


@dataclass(frozen=True)
class Trained:
    """A trained team: the callable (obs, mask, memory) -> (actions, memory), and the observations that it reads."""

    name: str
    policy: Callable
    obs: str = "vector"


Who = str | Trained
"""A bot's name or a trained team."""


class Driver(Protocol):
    """Decides for some agents at once."""

    columns: np.ndarray
    """The agents that it decides for."""

    def reset(self) -> None:
        """A new game begins."""

    def decide(self) -> np.ndarray:
        """Actions int [columns] for the next `pace` frames."""


class BotDriver:
    """A kernel's bot in the seats of agents.

    It is asked as if a step had `pace` frames: whether it would fire in any of them, not in the first alone.
    """

    def __init__(self, env: BatchedEnv, columns: np.ndarray, bot: str, pace: int) -> None:
        self.env, self.columns, (self.bot, self.level) = env, columns, driver_of(bot)
        self._spec = env.view.spec.copy()
        self._spec["frame_skip"] = pace
        self._scratch = np.zeros(1, SCRATCH)
        self._actions = np.zeros((1, env.num_agents), np.int64)

    def reset(self) -> None:
        """A bot remembers nothing."""

    def decide(self) -> np.ndarray:
        """Actions int [columns]."""
        suggest_actions(
            self.env.worlds,
            self._spec,
            self.env.layouts,
            self._scratch,
            self.bot,
            self.level,
            BY_TEAM,
            self._actions,
        )
        return self._actions[0, self.columns]


class TrainedDriver:
    """A trained policy in the seats of one team. It sees all of the team, people included, as it did in training."""

    def __init__(self, env: BatchedEnv, columns: np.ndarray, trained: Trained) -> None:
        self.env, self.columns, self.trained = env, columns, trained
        self.memory: Any = None

    def reset(self) -> None:
        """Forget the last game."""
        self.memory = None

    def decide(self) -> np.ndarray:
        """Actions int [columns]."""
        seen, mask = self.env.observe(self.trained.obs), self.env.action_mask()[:, self.columns]
        if isinstance(seen, dict):
            obs: Any = {kind: tuple(x[:, self.columns] for x in parts) for kind, parts in seen.items()}
        else:
            obs = seen[:, self.columns]
        actions, self.memory = self.trained.policy(obs, mask, self.memory)
        return np.asarray(actions)[0]


class Game:
    """One world, frame by frame.

    people: names of the tanks that they drive (`blue_0`); default the first one. mates: who drives the rest of their
    teams. against: who drives the other teams (default the scenario's bots, and RIVAL in place of learners).
    Raises ScenarioError for a scenario or a tank that there is not, or a team that cannot be driven so.
    """

    def __init__(
        self,
        scenario: str | Scenario,
        people: Sequence[str] | int = 1,
        mates: Who = "classic",
        against: Who | None = None,
        seed: int = 0,
        record: str | None = None,
    ) -> None:
        source = find_scenario(scenario)
        self.pace = source.frame_skip
        names = _names(source, people)
        teams = {team_of(name) for name in names}
        self.env = make_batch(
            source,
            seed=seed,
            record=record,
            frame_skip=1,
            max_steps=source.max_steps * self.pace,
            opponents=_opponents(source, teams, against),
        )
        self.source, self.scenario, self.names = source, self.env.scenario, names
        ids = self.env.agent_ids
        self.people = [ids.index(name) for name in names]
        self.slots = [int(self.env.view.spec[0]["slot"][agent]) for agent in self.people]
        self.teams = [int(self.env.agent_teams[agent]) for agent in self.people]
        self.drivers = self._drivers(mates, RIVAL if against is None else against)
        self._hold = np.full((1, self.env.num_agents), self.pace, np.int16)
        self._hold[0, self.people] = 1
        self._actions = np.zeros((1, self.env.num_agents), np.int64)
        self._scratch = np.zeros(1, SCRATCH)
        self._after = np.zeros(1, WORLD)
        self.reset(seed)

    def _drivers(self, mates: Who, against: Who) -> list[Driver]:
        """One for each team that learns and has seats which no person takes."""
        found: list[Driver] = []
        for team in sorted(set(self.env.agent_teams.tolist())):
            columns = np.flatnonzero(self.env.agent_teams == team)
            who = mates if team in self.teams else against
            if not set(columns.tolist()) <= set(self.people):
                found.append(
                    BotDriver(self.env, columns, who, self.pace)
                    if isinstance(who, str)
                    else TrainedDriver(self.env, columns, who)
                )
        return found

    def reset(self, seed: int) -> None:
        """Begin a new game."""
        self.seed, self.outcome, self.after_frames = seed, RUNNING, 0
        self.returns = [0.0] * len(self.people)
        self._actions[:] = 0
        for driver in self.drivers:
            driver.reset()
        self.env.reset(seed=seed)

    @property
    def ended(self) -> bool:
        """Whether the game is over."""
        return self.outcome != RUNNING

    @property
    def world(self) -> np.void:
        """The world to look at, a record of state.WORLD; after the end the one that ended, not the next."""
        return self._after[0] if self.ended else self.env.worlds[0]

    def tank(self, person: int) -> np.void:
        """The record of a person's tank."""
        return self.world["tanks"][self.slots[person]]

    @property
    def seconds_left(self) -> float:
        """Until the time limit."""
        return max(0, self.scenario.max_steps - int(self.world["step"])) / 60

    def step(self, orders: Sequence[int]) -> None:
        """Play one frame; orders: each person's action, 2 * move + fire. After the end the world only fades out."""
        if self.ended:
            self._fade()
            return
        if int(self.env.worlds[0]["frame"]) % self.pace == 0:
            for driver in self.drivers:
                self._actions[0, driver.columns] = driver.decide()
        self._actions[0, self.people] = orders
        self._after[:] = self.env.worlds
        _, _, terminated, truncated, info = self.env.step(self._actions, hold=self._hold)
        self.returns = [float(info["episode_return"][0, agent]) for agent in self.people]
        if terminated[0] or truncated[0]:  # the environment has begun the next episode: play the last frame once more
            self._trace(self._actions, self._hold)
            self.outcome = int(info["outcome"][0])

    def _fade(self) -> None:
        """Let explosions and bullets of the last world run out, with nobody at the wheel."""
        self.after_frames += 1
        if self.after_frames <= 60:
            self._trace(np.zeros_like(self._actions), NO_HOLD)

    def _trace(self, actions: np.ndarray, hold: np.ndarray) -> None:
        frames = np.zeros(1, WORLD)
        spec, orders = self.env.view.spec, actions.astype(np.int8)
        trace_step(self._after, spec, self.env.layouts, self._scratch, orders, hold, frames)

    def picture(self, fog: bool = False) -> np.ndarray:
        """The field, uint8 [H, W, 3]; fog: only what people's tanks see, until the last of them is out."""
        spec = self.env.view.spec
        inside = [slot for slot in self.slots if self.world["tanks"][slot]["alive"]]
        lost = not any(self.tank(person)["lives"] > 0 for person in range(len(self.slots)))
        if not fog or self.ended or (lost and not inside):
            return render.frame(self.world, spec[0])
        return picture_of(self.env.worlds, spec, inside)

    def close(self) -> None:
        """Let go of the environment; a recording is written."""
        self.env.close()


def seats_of(scenario: Scenario) -> list[str]:
    """The tanks that a person can drive: of every team but a wave."""
    return names_of(t for t, team in enumerate(scenario.teams, 1) if not team.wave for _ in team.tanks)


def _names(scenario: Scenario, people: Sequence[str] | int) -> list[str]:
    """Names of the tanks that people drive, checked."""
    seats = seats_of(scenario)
    if isinstance(people, int):
        learning = [seat for seat in seats if scenario.teams[team_of(seat) - 1].driver == "learn"]
        first = learning if len(learning) >= people else seats
        if len(first) < people:
            raise ScenarioError(f"{scenario.name!r} has no place for {people} people: {', '.join(seats)} can be driven")
        return first[:people]
    for k, name in enumerate(people):
        if name not in seats:
            raise unknown("seat", name, seats)
        if name in people[:k]:
            raise ScenarioError(f"seat {name!r} is named twice: a tank has one driver")
    return list(people)


def _opponents(scenario: Scenario, teams: set[int], against: Who | None) -> dict[int, str]:
    """Changes of drivers by team: teams of people and trained ones are agents, the others bots of the kernel."""
    changes: dict[int, str] = {}
    for number, team in enumerate(scenario.teams, 1):
        if number in teams or isinstance(against, Trained):
            changes[number] = "learn"
        elif against is not None or team.driver == "learn":
            changes[number] = against or RIVAL
    for who in changes.values():
        if who != "learn" and who not in BOTS:
            raise unknown("bot", who, BOTS)
    return changes
