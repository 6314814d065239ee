"""`mabc play`: the loop round a Game, its screens, and who is named by which word on the command line."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path
from typing import Any, cast

import pygame

from ..api.batched import make_batch
from ..catalogue import scenario as find_scenario
from ..jit import is_cold
from ..params import BOTS, FPS, TILE
from ..scenarios import Scenario, ScenarioError, unknown
from . import WindowError
from .game import Game, Trained, TrainedDriver, Who
from .keys import FIRE, PAD_START, Controls
from .panel import draw_panel
from .shell import GOLD, RED, TEAMS, WHITE, Window, overlay
from .words import headline, objective, reason

MOST_FRAMES = 4  # a picture, at speed 1: below 15 pictures a second the game slows down
GRACE = 90  # frames after the end in which fire, hammered on, does not yet start the next game
SHOW = 25  # frames after the end until its screen covers the field
FOOT = [("P", "pause"), ("R", "again"), ("N", "next seed"), ("F", "fog"), ("H", "help")]


class Play:
    """A window with a game in it. Screens: "help", "play", "paused", "leave" (quit?), "end"."""

    def __init__(self, window: Window, game: Game, fog: bool = False, speed: float = 1.0) -> None:
        self.window, self.game, self.fog, self.speed = window, game, fog, speed
        self.controls = Controls(len(game.people))
        self.screen, self.running = "help", True
        self._due = 0.0

    def run(self) -> None:
        """Until the person quits."""
        clock = pygame.time.Clock()
        while self.running:
            self.turn(clock.tick(FPS) / 1000)

    def turn(self, seconds: float = 1 / FPS) -> None:
        """One picture: what came in since the last one, the frames that are due, and how it looks now.

        seconds: since the last one; a machine too slow for 60 pictures a second plays several frames a picture.
        """
        for event in pygame.event.get():
            self.handle(event)
        if self.screen in ("play", "end"):
            self._due += self.speed * min(max(round(seconds * FPS), 1), MOST_FRAMES)
            while self._due >= 1:
                self._due -= 1
                self.game.step(self.controls.actions())
        if self.game.ended and self.screen == "play":
            self.screen = "end"
        self.draw()

    def handle(self, event: pygame.event.Event) -> None:
        """Act on one event."""
        if event.type == pygame.QUIT:
            self.running = False
        elif not self.window.handle(event):
            pressed = self.controls.handle(event)
            if event.type == pygame.KEYDOWN:
                self._key(event.key)
            elif event.type == pygame.JOYBUTTONDOWN and event.button in PAD_START:
                self._pause()
            if pressed == FIRE and self.screen == "end" and self.game.after_frames >= GRACE:
                self.restart(self.game.seed + 1)
            elif pressed and self.screen not in ("play", "end"):
                self.screen = "play"

    def _key(self, key: int) -> None:
        if key == pygame.K_ESCAPE or (key == pygame.K_q and self.screen != "play"):
            self.running = False
        elif key == pygame.K_q:  # it lies beside W and A
            self.screen = "leave"
        elif key == pygame.K_p:
            self._pause()
        elif key == pygame.K_h:
            self.screen = "help" if self.screen == "play" else self.screen
        elif key == pygame.K_f:
            self.fog = not self.fog
        elif key == pygame.K_r:
            self.restart(self.game.seed)
        elif key == pygame.K_n:
            self.restart(self.game.seed + 1)

    def _pause(self) -> None:
        """P or a gamepad's start: pause or go on; after the end, the next game."""
        if self.screen == "end":
            self.restart(self.game.seed + 1)
        else:
            self.screen = "paused" if self.screen == "play" else "play"

    def restart(self, seed: int) -> None:
        """Begin a new game at once."""
        self.game.reset(seed)
        self.controls.clear()
        self.screen, self._due = "play", 0.0

    # -- how it looks -----------------------------------------------------------------------------------

    def draw(self) -> None:
        """Paint everything."""
        self.window.begin(self.game.picture(self.fog))
        self._draw_markers()
        draw_panel(self.window.panel, self.game, self.fog, FOOT)
        match self.screen:
            case "help":
                overlay(self.window, self.game.scenario.name, self._help(), "Move or fire to begin.", GOLD)
            case "paused":
                overlay(self.window, "Paused", _MENU, "Move, fire or P to go on.")
            case "leave":
                overlay(self.window, "Leave?", [("Q", "quit")], "Move or fire to go on.")
            case "end" if self.game.after_frames >= SHOW:
                self._draw_end()
        self.window.finish()

    def _draw_markers(self) -> None:
        """An arrow over everybody's tank; with a number where several play."""
        pen, several = self.window.game, len(self.game.people) > 1
        for person, team in enumerate(self.game.teams):
            tank = self.game.tank(person)
            if not tank["alive"] or self.game.ended:
                continue
            x, top = int(tank["x"]), int(tank["y"]) - 14 - (int(self.game.world["frame"]) >> 4 & 1)
            top = top if top >= 10 * several else int(tank["y"]) + 12  # at the upper edge: below the tank
            for k in range(3):
                pen.box(x - 3 + k, top + k, 6 - 2 * k, 1, TEAMS[team][2])
            if several:
                pen.text(x, top - 9, str(person + 1), WHITE, align="middle")

    def _draw_end(self) -> None:
        game = self.game
        lines = [("", reason(game.scenario, game.world, game.outcome))]
        returns = ", ".join(f"{value:+.2f}" for value in game.returns)
        lines += [("", f"Your return: {returns}"), ("", "")]
        lines += [("N, fire", "next game"), ("R", "the same again"), ("Q", "quit")]
        won = game.outcome in game.teams
        colour = TEAMS[game.outcome][1] if won and game.outcome else WHITE if game.outcome == 0 else RED
        overlay(self.window, headline(game.outcome, game.teams), lines, "", colour)

    def _help(self) -> list[tuple[str, str]]:
        """Keys and the aim of the game."""
        lines = [("", _aims(self.game)), ("", "")]
        if len(self.game.people) == 1:
            lines += [("WASD ↑↓←→", "drive"), ("Space Enter Ctrl", "fire")]
        else:
            lines += [("WASD", "player 1 drives"), ("Space, left Ctrl", "and fires")]
            lines += [("↑ ↓ ← →", "player 2 drives"), ("Enter, right Ctrl", "and fires")]
        if self.controls.num_pads or len(self.game.people) > 2:
            lines += [("Gamepad", "stick or D-pad, A fires")]
        return [*lines, ("", ""), *_MENU]


_MENU = [
    ("P", "pause"), ("R", "again"), ("N", "next seed"), ("F", "fog of war"), ("F12", "save a picture"), ("Esc", "quit")
]  # fmt: skip


def _aims(game: Game) -> str:
    """What people have to do: once where they have the same aim."""
    aims = [objective(game.source, team) for team in sorted(set(game.teams))]
    return " ".join(aims) if len(set(aims)) > 1 else aims[0]


def play(arguments: argparse.Namespace) -> None:
    """Open a window and play as the options say."""
    scenario = find_scenario(arguments.scenario)
    people = people_of(arguments.seats, arguments.players)
    mates = who_is(arguments.mates, "--mates", scenario)
    against = who_is(arguments.against, "--against", scenario) if arguments.against else None
    if is_cold():
        print("compiling the rules: half a minute, this once", flush=True)
    rehearse(Game(scenario, people, mates, against, arguments.seed))
    game = Game(scenario, people, mates, against, arguments.seed, arguments.record)
    try:
        size = (TILE * game.env.view.width, TILE * game.env.view.height)
        window = Window(f"{scenario.name} – play", size, arguments.scale)
        try:
            pygame.joystick.init()
            pygame.mouse.set_visible(False)
            Play(window, game, arguments.fog, arguments.speed).run()
        finally:
            window.close()
            pygame.joystick.quit()
    finally:
        game.close()
    if game.env.recorder is not None:
        saved = game.env.recorder.saved
        print(f"recorded {arguments.record}: mabc watch {saved}" if saved else "nothing recorded: no game was begun")


def rehearse(game: Game) -> None:
    """Play, draw and end once, so that nothing is compiled, loaded or found wanting in the middle of a game."""
    for driver in game.drivers:
        try:
            driver.decide()
        except (RuntimeError, ValueError, IndexError) as error:
            name = driver.trained.name if isinstance(driver, TrainedDriver) else "the bot"
            raise WindowError(
                f"{name} cannot play {game.scenario.name}: it was trained for another number of tanks or bases, "
                f"or for other observations ({str(error).splitlines()[0]})"
            ) from error
    game.step([0] * len(game.people))
    game.picture(fog=True)
    game.outcome = 0
    game.step([0] * len(game.people))
    game.picture()
    game.close()


def people_of(seats: str | None, players: int | None) -> list[str] | int:
    """The seats that people take, by name, or how many people there are."""
    if not seats:
        return players or 1
    names = [name.strip() for name in seats.split(",") if name.strip()]
    if players is not None and players != len(names):
        raise ScenarioError(f"--seats names {len(names)} tanks for --players {players}: leave one of the options out")
    if not 1 <= len(names) <= 4:
        raise ScenarioError(f"--seats names {len(names)} tanks: one to four people can play")
    return names


# -- who is who ---------------------------------------------------------------------------------------


def who_is(word: str, option: str, scenario: Scenario) -> Who:
    """A bot's name as it is; zoo:NAME or a run folder as a trained team."""
    if word in BOTS:
        return word
    if word.startswith("zoo:") or Path(word).exists():
        return load(word, scenario)
    if "/" in word or "\\" in word:
        raise ScenarioError(f"{option} {word}: there is no such run folder or checkpoint")
    raise unknown(option, word, [*BOTS, "zoo:NAME", "a run folder"])


def _need_training(name: str) -> None:
    """Raise WindowError, with what to install, where trained teams cannot be loaded."""
    for module in ("algos", "torch", "safetensors"):
        if importlib.util.find_spec(module) is None:
            raise WindowError(f'{name} is a trained team and needs {module}: pip install "mabc[train]"')


def load(run: str, scenario: Scenario) -> Trained:
    """A trained team from zoo:NAME, a run folder or a checkpoint. WindowError, if it cannot be loaded, says why."""
    _need_training(run)
    from algos.evaluation.trained import load_opponent

    try:
        return Trained(run, *load_opponent(run, cast(Any, make_batch(scenario))))
    except ValueError as error:
        raise WindowError(f"{run}: {error}") from error
