"""The window: `mabc play SCENARIO` for people, `mabc watch FILE` for replays. Needs pygame: pip install "mabc[render]".

Only what the command line needs is here; pygame is imported when a window opens.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from ..params import BOTS
from ..scenarios import ScenarioError
from ..terminal import number, refuse, whole

MAX_SCALE = 16

PLAY_EPILOG = f"""who drives a tank:
  {", ".join(BOTS)}   a bot
  RUN        a trained team: a run folder of algos.train, or a checkpoint
  zoo:NAME   a trained team that ships with the suite

examples:
  mabc play skirmish-3v3                 you and two mates against three bots
  mabc play defend-2 --players 2         two at one keyboard: WASD, arrows
  mabc play duel --players 2             the same, one against the other
  mabc play solo --against runs/mine     meet what you have trained
  mabc play versus-5v5 --mates runs/mine --against runs/mine
  mabc play skirmish-3v3 --seats orange_1  sit in another tank
  mabc play scout-3v4 --fog --record game.mabc    see what your tank sees

A tank of yours acts in every frame; trained teams and mates decide every eight
frames, as in training. `mabc watch game.mabc` shows a recorded game again."""

WATCH_EPILOG = """examples:
  mabc watch game.mabc
  mabc watch game.mabc --follow blue_0          with the eyes of one tank
  mabc watch game.mabc --speed 0.25 --start 40  slowly, from step 40

Keys: space pause, left and right a step, comma and point a frame, + and -
speed, tab follow a tank, H all keys."""


class WindowError(Exception):
    """What keeps a window from opening or a game from starting; the message says what would do."""


def add_play_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `mabc play`."""
    _teach(parser, "Play yourself: alone or two at one keyboard, with and against bots and teams.", PLAY_EPILOG)
    parser.add_argument("scenario", metavar="SCENARIO", help="a scenario's name; `mabc scenarios` lists them")
    parser.add_argument("--players", type=whole(1, 4), metavar="N", help="how many people play (default 1)")
    parser.add_argument("--seats", metavar="TANK,…", help="the tanks that people drive (default: the first ones)")
    parser.add_argument("--mates", default="classic", metavar="WHO", help="drives the rest of your team (classic)")
    parser.add_argument(
        "--against",
        metavar="WHO",
        help="drives the other teams (default: the scenario's bots; tactical:novice for learners)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="of the first game (0); N in the window goes on to the next"
    )
    parser.add_argument("--record", metavar="FILE", help="write the games as replays: a file, or a folder for all")
    parser.add_argument("--fog", action="store_true", help="show only what your tanks see (F in the window switches)")
    parser.add_argument("--speed", type=number(0.1, 8.0), default=1.0, metavar="X", help="of the game, 0.1 to 8 (1)")
    _add_scale(parser)


def add_watch_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `mabc watch`."""
    _teach(parser, "Watch a replay in a window.", WATCH_EPILOG)
    parser.add_argument("file", metavar="FILE", type=Path, help="a replay, *.mabc")
    parser.add_argument("--follow", metavar="TANK", help="begin with the eyes of this tank")
    parser.add_argument("--start", type=whole(0, 10_000_000), default=0, metavar="STEP", help="where to begin (0)")
    parser.add_argument("--speed", type=number(0.25, 16.0), default=1.0, metavar="X", help="0.25 to 16 (1)")
    parser.add_argument("--paused", action="store_true", help="wait for the space bar")
    _add_scale(parser)


def run_play(arguments: argparse.Namespace) -> int:
    """`mabc play`: the exit status, 0 fine, 1 no window, 2 wrong usage."""

    def play() -> None:
        from .play import play

        play(arguments)

    return _run("play", play)


def run_watch(arguments: argparse.Namespace) -> int:
    """`mabc watch`: the exit status, 0 fine, 1 no window or no such replay, 2 wrong usage."""

    def watch() -> None:
        from .watch import watch

        watch(arguments)

    return _run("watch", watch)


def _run(command: str, work: Callable[[], None]) -> int:
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    try:
        work()
    except KeyboardInterrupt:
        return 130
    except (ScenarioError, WindowError) as error:
        return refuse(command, error, 2 if isinstance(error, ScenarioError) else 1)
    except ModuleNotFoundError as error:
        if error.name != "pygame":
            raise
        return refuse(command, 'a window needs pygame: pip install "mabc[render]"', 1)
    return 0


def _teach(parser: argparse.ArgumentParser, text: str, epilog: str) -> None:
    parser.description, parser.epilog = text, epilog
    parser.formatter_class = argparse.RawDescriptionHelpFormatter


def _add_scale(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--scale",
        type=whole(1, MAX_SCALE),
        metavar="N",
        help=f"window pixels for one of the game, 1 to {MAX_SCALE} (default: as large as the screen allows, up to 3)",
    )
