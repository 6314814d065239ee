"""`mabc watch`: a replay in a window."""

from __future__ import annotations

import argparse
from typing import Any

import pygame

from ..params import FPS, HALF_TANK
from ..replay import Event, ReplayError, load_replay
from . import WindowError, font
from .reel import Reel
from .shell import BACK, CARD, DIM, EDGE, FAINT, GOLD, GREEN, LINE, TEAMS, TEXT, WHITE, Colour, Pen, Window, overlay
from .words import clock

STRIP = 38  # units: the timeline's height
HEAD = 19  # units of it above the track
MARK_HEIGHT = {"hit": 3, "stun": 3, "pick_up": 6, "kill": 9, "base": 12, "win": 12}
KEYS = [
    ("Space", "pause, go on"), ("← →", "a step (Shift: ten)"), (", .", "a frame"), ("PgUp PgDn", "a second"),
    ("Home End R", "start, end, again"), ("+ -", "speed"), ("Tab, click", "follow a tank"), ("Esc", "leave it, quit"),
    ("F12", "save a picture"),
]  # fmt: skip
VERBS = {"hit": "hits", "kill": "kills", "stun": "stuns", "base": "takes a base", "pick_up": "gets a power-up"}
SECOND = FPS  # frames


class Watch:
    """A window with a replay in it."""

    def __init__(self, window: Window, reel: Reel) -> None:
        self.window, self.reel = window, reel
        self.running, self.help = True, False
        self._dragging = self._was_playing = False
        self._rows: list[tuple[pygame.Rect, int]] = []  # where each tank stands in the panel
        self._drawn_world: tuple[int, dict[str, Any]] = (-1, {})

    def run(self) -> None:
        """Until the person quits."""
        timer = pygame.time.Clock()
        while self.running:
            self.turn(timer.tick(FPS) / 1000)

    def turn(self, seconds: float = 1 / FPS) -> None:
        """One picture, some time after the last one."""
        for event in pygame.event.get():
            self.handle(event)
        if not self._dragging and not self.help:
            self.reel.tick(seconds)
        self.draw()

    @property
    def world(self) -> dict[str, Any]:
        """The frame that is shown, as plain data."""
        if self._drawn_world[0] != self.reel.frame:
            self._drawn_world = self.reel.frame, self.reel.replay.world(self.reel.frame)
        return self._drawn_world[1]

    # -- what people do -----------------------------------------------------------------------------------

    def handle(self, event: pygame.event.Event) -> None:
        """Act on one event."""
        if event.type == pygame.QUIT:
            self.running = False
        elif self.window.handle(event):
            return
        elif event.type == pygame.KEYDOWN:
            self._key(event.key, getattr(event, "mod", 0), getattr(event, "unicode", ""))
        elif event.type == pygame.MOUSEBUTTONDOWN and event.button == 1:
            self._press(event.pos)
        elif event.type == pygame.MOUSEMOTION and self._dragging:
            self.reel.seek(self._frame_at(event.pos))
        elif event.type == pygame.MOUSEBUTTONUP and event.button == 1 and self._dragging:
            self._dragging, self.reel.playing = False, self._was_playing
        elif event.type == pygame.MOUSEWHEEL:
            self.reel.by_steps(-1 if event.y > 0 else 1)

    def _key(self, key: int, mod: int, letter: str) -> None:
        reel, many = self.reel, 10 if mod & pygame.KMOD_SHIFT else 1
        if self.help or key == pygame.K_h:
            self.help = not self.help
            return
        match key:
            case pygame.K_SPACE | pygame.K_p:
                reel.toggle()
            case pygame.K_LEFT | pygame.K_RIGHT:
                reel.by_steps(many if key == pygame.K_RIGHT else -many)
            case pygame.K_COMMA | pygame.K_PERIOD:
                reel.by_frames(1 if key == pygame.K_PERIOD else -1)
            case pygame.K_PAGEUP | pygame.K_PAGEDOWN:
                reel.seek(reel.frame + (SECOND if key == pygame.K_PAGEDOWN else -SECOND))
            case pygame.K_HOME:
                reel.seek(0)
            case pygame.K_END:
                reel.by_frames(reel.last)
            case pygame.K_r:
                reel.restart()
            case pygame.K_TAB:
                reel.follow_next(-1 if many > 1 else 1)
            case pygame.K_ESCAPE if reel.follow is not None:
                reel.follow = None
            case pygame.K_ESCAPE | pygame.K_q:
                self.running = False
            case pygame.K_PLUS | pygame.K_EQUALS | pygame.K_KP_PLUS | pygame.K_UP:
                reel.faster(1)
            case pygame.K_MINUS | pygame.K_KP_MINUS | pygame.K_DOWN:
                reel.faster(-1)
            case _ if letter in ("+", "-"):  # where the keyboard has them elsewhere
                reel.faster(1 if letter == "+" else -1)

    def _press(self, position: tuple[int, int]) -> None:
        """The mouse button goes down: on the timeline, a tank, or a name."""
        strip = self.window.strip
        if self.help:
            self.help = False
        elif strip.area.collidepoint(position):
            if position[1] < strip.area.top + (HEAD - 5) * strip.unit:
                self.reel.toggle()
                return
            self._dragging, self._was_playing = True, self.reel.playing
            self.reel.seek(self._frame_at(position))
        elif (place := self.window.at_field(position)) is not None:
            self.reel.follow = self._tank_at(place)
        else:
            for row, tank in self._rows:
                if row.collidepoint(position):
                    self.reel.follow = None if self.reel.follow == tank else tank

    def _tank_at(self, place: tuple[int, int]) -> int | None:
        """The tank under a point of the field, px."""
        for tank in self.world["tanks"]:
            reach = max(abs(tank["x"] - place[0]), abs(tank["y"] - place[1]))
            if tank["alive"] and reach <= HALF_TANK + 2:
                return int(tank["id"])
        return None

    def _track(self) -> pygame.Rect:
        """Where the timeline's track lies in the window."""
        pen = self.window.strip
        return pen.place(8, HEAD, pen.width - 16, 5)

    def _frame_at(self, position: tuple[int, int]) -> int:
        """The frame under the mouse."""
        track = self._track()
        return round((position[0] - track.left) / max(1, track.width) * self.reel.last)

    # -- how it looks -----------------------------------------------------------------------------------

    def draw(self) -> None:
        """Paint everything."""
        self.window.begin(self.reel.replay.picture(self.reel.frame, agent=self.reel.follow))
        self._draw_followed()
        self._draw_panel()
        self._draw_strip()
        if self.help:
            overlay(self.window, "Keys", KEYS, "Any key goes on.", GOLD)
        self.window.finish()

    def _draw_followed(self) -> None:
        """An arrow over the tank that is followed, or a word where it is not on the field."""
        if self.reel.follow is None:
            return
        tank = self.world["tanks"][self.reel.follow]
        if not tank["alive"]:
            pen = self.window.over
            pen.text(pen.width // 2, pen.height // 2, f"{self._name(tank['id'])} is off the field", DIM, align="middle")
            return
        x, top = tank["x"], tank["y"] - 14 if tank["y"] >= 16 else tank["y"] + 12
        for k in range(3):
            self.window.game.box(x - 3 + k, top + k, 6 - 2 * k, 1, WHITE)

    def _name(self, tank: int) -> str:
        return str(self.reel.replay.tanks[tank]["name"])

    def _light(self, tank: int) -> Colour:
        return TEAMS[self.reel.replay.tanks[tank]["team"]][2] if tank >= 0 else DIM

    def _draw_panel(self) -> None:
        """Who is there and how they do, and what has happened last."""
        pen, replay = self.window.panel, self.reel.replay
        x, y, room = 6, 7, pen.width - 12
        pen.text(x, y, replay.scenario_name, WHITE, room=room)
        self._draw_ending(pen, x, y + font.LINE, room)
        y += 2 * font.LINE + 3
        pen.text(x + room - 32, y, "kills", FAINT, align="right")
        pen.text(x + room, y, "return", FAINT, align="right")
        y += font.LINE
        recent = self.reel.recent(5)
        y = self._draw_tanks(pen, x, y, room, pen.height - 5 * font.LINE - 14)
        y = pen.height - 5 * font.LINE - 8
        pen.box(x, y - 5, room, 1, LINE)
        for event in recent:
            self._draw_event(pen, x, y, room, event)
            y += font.LINE

    def _draw_ending(self, pen: Pen, x: int, y: int, room: int) -> None:
        """How it ended, once it has; before, the seed."""
        outcome = self.reel.replay.outcome
        if self.reel.frame < self.reel.last:
            pen.text(x, y, f"seed {self.reel.replay.header['seed']}", DIM, room=room)
            return
        ending = {None: "cut short", 0: "a draw"}.get(outcome, f"team {outcome} wins")
        pen.text(x, y, ending, TEAMS[outcome][2] if outcome else TEXT, room=room)

    def _draw_tanks(self, pen: Pen, x: int, y: int, room: int, bottom: int) -> int:
        """A line for each tank, as many as there is room for; notes where they stand, for the mouse."""
        self._rows = []
        tanks, team = self.world["tanks"], 0
        for tank in tanks:
            i = int(tank["id"])
            if tank["team"] != team:
                y, team = y + (4 if team else 0), tank["team"]
            if y + font.LINE > bottom:
                pen.text(x, y, f"and {len(tanks) - i} more (Tab)", DIM)
                return y + font.LINE
            there = tank["alive"] or tank["lives"] > 0
            _, middle, light = TEAMS[team]
            if self.reel.follow == i:
                pen.box(x - 3, y - 2, room + 6, font.LINE, EDGE)
            pen.box(x, y, 2, font.HEIGHT - 1, middle if there else LINE)
            name = self._name(i) + (f" ×{tank['lives']}" if tank["lives"] > 1 else "")
            pen.text(x + 5, y, name, light if there else FAINT, room=room - 45)
            kills, earned = self.reel.kills(i), self.reel.earned(i)
            pen.text(x + room - 32, y, str(kills) if kills else "·", TEXT if kills else FAINT, align="right")
            if earned is not None:
                pen.text(x + room, y, f"{earned:+.2f}", TEXT if there else DIM, align="right")
            self._rows.append((pen.place(x - 3, y - 2, room + 6, font.LINE), i))
            y += font.LINE
        return y

    def _draw_event(self, pen: Pen, x: int, y: int, room: int, event: Event) -> None:
        """One event in a line: who, what, whom."""
        fresh = self.reel.frame - event.frame < 2 * SECOND
        if event.kind in ("win", "power_up"):
            ending = "a draw" if event.x == 0 else f"team {event.x} wins"
            pen.text(x, y, ending if event.kind == "win" else "a power-up appears", TEXT if fresh else DIM)
            return
        right = x + room
        if event.by >= 0:
            x += 4 + pen.text(x, y, self._name(event.by), self._light(event.by), room=room // 2 - 18)
        colour = GOLD if fresh and event.kind in ("kill", "base") else TEXT if fresh else DIM
        x += 4 + pen.text(x, y, VERBS[event.kind], colour, room=right - x)
        if event.tank >= 0 and event.kind != "pick_up":
            pen.text(x, y, self._name(event.tank), self._light(event.tank), room=right - x)

    def _draw_strip(self) -> None:
        """The timeline: time, step and speed; the track with marks of what happens; the playhead."""
        pen, reel = self.window.strip, self.reel
        pen.box(0, 0, pen.width, pen.height, CARD)
        self._draw_button(pen, 8, 5)
        pen.text(20, 5, f"{clock(reel.frame / FPS)} / {clock(reel.last / FPS)}", WHITE)
        middle = f"step {reel.step} of {reel.replay.num_steps}"
        if reel.follow is not None:
            middle = f"{self._name(reel.follow)}'s eyes · {middle}"
        pen.text(pen.width // 2, 5, middle, TEXT if reel.follow is None else self._light(reel.follow), align="middle")
        pen.text(pen.width - 42, 5, f"×{reel.speed:g}", GOLD if reel.speed != 1 else DIM, align="right")
        pen.text(pen.width - 8, 5, "H help", FAINT, align="right")
        length = pen.width - 16
        pen.box(8, HEAD, length, 5, LINE)
        share = reel.frame / max(1, reel.last)
        pen.box(8, HEAD, length * share, 5, GREEN)
        for event in reel.told:
            self._draw_mark(pen, 8 + length * event.frame / max(1, reel.last), event)
        x = 8 + length * share
        pen.box(x - 2, HEAD - 3, 4, 11, BACK)
        pen.box(x - 1, HEAD - 2, 2, 9, WHITE)

    def _draw_button(self, pen: Pen, x: int, y: int) -> None:
        if self.reel.playing:
            pen.box(x, y, 2, 7, WHITE)
            pen.box(x + 4, y, 2, 7, WHITE)
        else:
            pen.text(x, y, "▶", WHITE)

    def _draw_mark(self, pen: Pen, x: float, event: Event) -> None:
        height = MARK_HEIGHT.get(event.kind)
        if height is not None:
            big = event.kind in ("base", "win")
            colour = GOLD if big else TEAMS[self.reel.replay.tanks[event.by]["team"]][1] if event.by >= 0 else DIM
            pen.box(x - 0.5, HEAD + 6, 1 if height < 9 else 1.5, height, colour)


def watch(arguments: argparse.Namespace) -> None:
    """Open a window and show what the options say."""
    try:
        replay = load_replay(arguments.file)
    except ReplayError as error:
        raise WindowError(str(error)) from error
    follow = None if arguments.follow is None else replay.slot(arguments.follow)
    height, width = replay.picture(0).shape[:2]
    window = Window(f"{replay.scenario_name} – watch", (width, height), arguments.scale, strip=STRIP)
    try:
        reel = Reel(replay, arguments.speed, arguments.start, follow)
        reel.playing = not arguments.paused
        Watch(window, reel).run()
    finally:
        window.close()
