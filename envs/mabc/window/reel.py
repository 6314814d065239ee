"""Where a person is in a replay, and how fast it runs. Knows no window. T steps, F frames."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ..params import FPS
from ..replay import Event, Replay

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
TOLD = ("hit", "kill", "stun", "base", "pick_up", "power_up", "win")
"""Kinds of events that a spectator is told of."""


class Reel:
    """A replay with a playhead. `frame` is what is shown, 0 to F; `follow` the slot of a tank or None."""

    def __init__(self, replay: Replay, speed: float = 1.0, step: int = 0, follow: int | None = None) -> None:
        self.replay, self.speed, self.follow = replay, speed, follow
        self.playing = True
        self._at = 0.0
        self.seek(int(replay.step_frame[min(step, replay.num_steps)]))

    @property
    def frame(self) -> int:
        """The frame that is shown."""
        return int(self._at)

    @property
    def last(self) -> int:
        """The last frame, F."""
        return self.replay.num_frames

    @property
    def step(self) -> int:
        """How many steps are over."""
        return int(np.searchsorted(self.replay.step_frame, self.frame, side="right")) - 1

    def tick(self, seconds: float) -> None:
        """Time goes by."""
        if self.playing:
            self._at = min(self._at + seconds * FPS * self.speed, float(self.last))
            self.playing = self._at < self.last

    def seek(self, frame: float) -> None:
        """Go to a frame, or to the nearest there is."""
        self._at = float(np.clip(frame, 0, self.last))

    def toggle(self) -> None:
        """Pause or go on; at the end, once more from the start."""
        if not self.playing and self.frame >= self.last:
            self.seek(0)
        self.playing = not self.playing

    def restart(self) -> None:
        """From the start."""
        self.seek(0)
        self.playing = True

    def by_frames(self, count: int) -> None:
        """Stop, some frames on or back."""
        self.playing = False
        self.seek(self.frame + count)

    def by_steps(self, count: int) -> None:
        """Stop at the end of a step, some steps on or back; from within a step, back leads to its start first."""
        self.playing = False
        ends = self.replay.step_frame
        inside = count < 0 and ends[self.step] < self.frame
        self.seek(int(ends[np.clip(self.step + count + inside, 0, self.replay.num_steps)]))

    def faster(self, notches: int) -> None:
        """To the next speed up (1) or down (-1)."""
        nearest = int(np.argmin([abs(np.log(one / self.speed)) for one in SPEEDS]))
        self.speed = SPEEDS[int(np.clip(nearest + notches, 0, len(SPEEDS) - 1))]

    def follow_next(self, count: int = 1) -> None:
        """Follow the next tank (1) or the one before (-1); between the last and the first comes nobody."""
        places = len(self.replay.tanks) + 1
        now = 0 if self.follow is None else self.follow + 1
        chosen = (now + count) % places
        self.follow = None if chosen == 0 else chosen - 1

    @cached_property
    def told(self) -> list[Event]:
        """The events that a spectator is told of, in order of time; a hit that kills is a kill."""
        deaths = {(event.frame, event.tank) for event in self.replay.events if event.kind == "kill"}
        events = [event for event in self.replay.events if event.kind in TOLD]
        return [event for event in events if event.kind != "hit" or (event.frame, event.tank) not in deaths]

    @cached_property
    def _kills(self) -> list[np.ndarray]:
        """The frames of each tank's kills."""
        kills = [event for event in self.replay.events if event.kind == "kill"]
        return [np.array([e.frame for e in kills if e.by == i]) for i in range(len(self.replay.tanks))]

    @cached_property
    def _returns(self) -> np.ndarray:
        """Reward so far after each step, float64 [T + 1, N]."""
        reward = np.asarray(self.replay.reward, np.float64)
        return np.concatenate([np.zeros((1, reward.shape[1])), reward.cumsum(axis=0)])

    def kills(self, tank: int) -> int:
        """How many tanks this one has destroyed so far."""
        return int(np.searchsorted(self._kills[tank], self.frame, side="right"))

    def earned(self, tank: int) -> float | None:
        """A tank's reward so far; None for one that no agent drives."""
        agent = self.replay.tanks[tank]["agent"]
        return None if agent is None else float(self._returns[self.step, agent])

    def recent(self, count: int) -> list[Event]:
        """The last events up to now, the newest first."""
        until = int(np.searchsorted([event.frame for event in self.told], self.frame, side="right"))
        return self.told[max(0, until - count) : until][::-1]
