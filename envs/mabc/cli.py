"""The `mabc` command: scenarios, maps and replays from the terminal, and the game for people."""

from __future__ import annotations

import argparse
import json
import os
import sys
import textwrap
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from . import __version__, maps, window
from .catalogue import scenario, scenarios
from .params import BOTS, MODES, RULES_VERSION
from .scenarios import ScenarioError
from .terminal import plain, refuse, whole

if TYPE_CHECKING:
    from .replay import Replay

EPILOG = """examples:
  mabc scenarios                         every named scenario, one a line
  mabc show versus-5v5 --png             what one looks like, as versus-5v5.png
  mabc play skirmish-3v3                 play it yourself
  mabc watch game.mabc                   a replay in a window
  mabc export game.mabc --html           a page for any browser, or a video
  mabc gallery runs                      a page with all replays below a folder
  mabc check mine.txt                    what is wrong with a map of your own

Replays come from `record="game.mabc"` in any interface, from training, and from
`mabc play --record`."""

SHOW_EPILOG = """examples:
  mabc show skirmish-3v3                 as text, in the terminal
  mabc show defend-2 --png               as a picture, defend-2.png
  mabc show defend-2 --png d.png --steps 60 --bot tactical
  mabc show scout-3v4 --png --agent 0    what the first agent knows
  mabc show solo --png --worlds 9        a contact sheet of nine worlds"""

EXPORT_EPILOG = """examples:
  mabc export game.mabc --html           game.html: opens from disk, offline
  mabc export game.mabc --html both.html --beside other.mabc
  mabc export game.mabc --mp4 --speed 2 --scale 4
  mabc export game.mabc --gif talk.gif --follow blue_0
  mabc export game.mabc --png shot.png --step 42

Videos and GIFs need the extra `render`: pip install "mabc[render]"."""

INFO_EPILOG = """examples:
  mabc info game.mabc                    what it is, who played, what happened
  mabc info game.mabc --events           every event, one a line
  mabc info game.mabc --verify           play it again and compare
  mabc info game.mabc --json             for programs"""

CHECK_EPILOG = """examples:
  mabc check mine.txt                    what is wrong with a map of yours
  mabc check mine.txt --mode versus --tanks 3,3
  mabc check harbour --mode skirmish     a map that ships with mabc, by name"""


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit status: 0 fine, 1 something is wrong with a file or map, 2 wrong usage."""
    parser = argparse.ArgumentParser(
        prog="mabc",
        description="Multi-Agent Battle City.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"mabc {__version__}, rules {RULES_VERSION}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("scenarios", help="list the named scenarios").set_defaults(run=list_scenarios)
    _add_show(commands)
    play = commands.add_parser("play", help="play a scenario yourself, with or against bots and trained teams")
    window.add_play_arguments(play)
    play.set_defaults(run=window.run_play)
    watch = commands.add_parser("watch", help="watch a replay in a window")
    window.add_watch_arguments(watch)
    watch.set_defaults(run=window.run_watch)
    _add_export(commands)
    _add_info(commands)
    _add_gallery(commands)
    _add_check(commands)
    arguments = parser.parse_args(argv)
    from .replay import ReplayError

    try:
        status = arguments.run(arguments)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # whoever read this has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ReplayError, maps.MapError, ImportError, OSError) as error:
        return refuse(arguments.command, error, 1)
    except ValueError as error:
        return refuse(arguments.command, error, 2)


def _parser(commands: argparse._SubParsersAction, name: str, text: str, epilog: str) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_show(commands: argparse._SubParsersAction) -> None:
    show = _parser(commands, "show", "show a scenario, as text or as a picture", SHOW_EPILOG)
    show.add_argument("scenario", metavar="SCENARIO", help="a scenario's name; `mabc scenarios` lists them")
    show.add_argument("--png", nargs="?", const="", metavar="FILE", help="write a picture (default SCENARIO.png)")
    show.add_argument("--seed", type=int, default=0, help="of the episode (0)")
    show.add_argument("--steps", type=whole(0, 1_000_000), default=0, help="how many steps to play first (0)")
    show.add_argument("--bot", choices=BOTS, default="classic", help="who plays them in the agents' seats (classic)")
    show.add_argument("--agent", type=int, metavar="N", help="png: draw what the n-th agent knows, from 0")
    show.add_argument("--worlds", type=whole(1, 64), default=1, help="png: how many worlds to show on one sheet (1)")
    show.add_argument("--scale", type=whole(1, 64), default=3, help="png: screen pixels a pixel of the game (3)")
    show.set_defaults(run=show_scenario)


def _add_export(commands: argparse._SubParsersAction) -> None:
    export = _parser(commands, "export", "write a replay as a page, a video or a picture", EXPORT_EPILOG)
    export.add_argument("file", metavar="FILE", type=Path, help="a replay, *.mabc")
    for kind, what in (("html", "a page"), ("mp4", "a video"), ("gif", "a GIF"), ("png", "a picture")):
        export.add_argument(f"--{kind}", nargs="?", const="", metavar="OUT", help=f"{what} (default FILE.{kind})")
    export.add_argument("--beside", metavar="FILE", type=Path, help="html: a second replay, played in step")
    export.add_argument("--follow", metavar="TANK", help="mp4, gif, png: show what this tank sees")
    export.add_argument("--step", type=int, help="png: which step (default the last)")
    export.add_argument("--speed", type=float, default=1.0, help="mp4, gif: how fast (1)")
    export.add_argument("--scale", type=whole(1, 64), help="screen pixels a pixel of the game (mp4 and png 3, gif 2)")
    export.set_defaults(run=export_replay)


def _add_info(commands: argparse._SubParsersAction) -> None:
    info = _parser(commands, "info", "say what is in a replay", INFO_EPILOG)
    info.add_argument("file", metavar="FILE", type=Path, help="a replay, *.mabc")
    info.add_argument("--events", action="store_true", help="list every event")
    info.add_argument("--verify", action="store_true", help="play it again and compare states")
    info.add_argument("--json", action="store_true", help="print one line of JSON")
    info.set_defaults(run=show_info)


def _add_gallery(commands: argparse._SubParsersAction) -> None:
    gallery = _parser(commands, "gallery", "write a page with all replays below a folder", "")
    gallery.add_argument("folder", metavar="DIR", type=Path)
    gallery.add_argument("--out", metavar="FILE", type=Path, help="default DIR/index.html")
    gallery.set_defaults(run=write_gallery)


def _add_check(commands: argparse._SubParsersAction) -> None:
    check = _parser(commands, "check", "say what is wrong with a map", CHECK_EPILOG)
    check.add_argument("map", help="a text file, a shipped map's name, or generator:SEED")
    check.add_argument("--unit", choices=("block", "tile"), default="block", help="one character a block or a tile")
    check.add_argument("--mode", choices=MODES, help="the mode it is for (default: all are tried)")
    check.add_argument("--tanks", help="tanks of each team, e.g. 3,3 (default: one for each team with entries)")
    check.set_defaults(run=check_map)


def list_scenarios(arguments: argparse.Namespace) -> int:
    """Print name, mode, who meets whom, and a note."""
    for name in scenarios():
        one = scenario(name)
        sides = " v ".join(f"{len(team.tanks)} {team.driver}" for team in one.teams)
        line, note = f"{name:24} {one.mode:9} {sides}", f"({one.note})" if one.note else ""
        below = textwrap.fill(note, 80, initial_indent=" " * 25, subsequent_indent=" " * 26)
        print(f"{line}  {note}".rstrip() if len(line) + len(note) < 78 else f"{line}\n{below}")
    return 0


def show_scenario(arguments: argparse.Namespace) -> int:
    """Print a scenario's world, or write its picture."""
    from .api.batched import make_batch
    from .render import ansi, contact_sheet, draw_fog, draw_world, enlarged
    from .render.png import write_png

    env = make_batch(arguments.scenario, arguments.worlds)
    env.reset(seed=arguments.seed)
    for _ in range(arguments.steps):
        env.step(env.bot_actions(arguments.bot))
    if arguments.png is None:
        if arguments.agent is not None or arguments.worlds > 1:
            raise ScenarioError("--agent and --worlds are for pictures: add --png")
        print(ansi(env, colour=sys.stdout.isatty()))
        return 0
    if arguments.agent is not None and arguments.worlds > 1:
        raise ScenarioError("--agent shows one world: leave --worlds out")
    if arguments.agent is not None and not 0 <= arguments.agent < env.num_agents:
        raise ScenarioError(f"--agent={arguments.agent}: {env.scenario.name} has agents 0 to {env.num_agents - 1}")
    if arguments.worlds > 1:
        picture = enlarged(contact_sheet(env), arguments.scale)
    elif arguments.agent is not None:
        picture = draw_fog(env, 0, arguments.agent, arguments.scale)
    else:
        picture = draw_world(env, 0, arguments.scale)
    path = arguments.png or f"{env.scenario.name}.png"
    write_png(path, picture)
    print(path)
    return 0


def export_replay(arguments: argparse.Namespace) -> int:
    """Write a replay in every form that was asked for; a page if none was."""
    from . import export
    from .replay import load_replay

    replay = load_replay(arguments.file)
    wanted = {kind: getattr(arguments, kind) for kind in ("html", "mp4", "gif", "png")}
    if all(out is None for out in wanted.values()):
        wanted["html"] = ""
    if arguments.follow and not any(wanted[kind] is not None for kind in ("mp4", "gif", "png")):
        raise ScenarioError("--follow is for mp4, gif and png; in the page, click a tank")
    for kind, out in wanted.items():
        if out is None:
            continue
        path = Path(out or arguments.file.with_suffix(f".{kind}"))
        look = {"agent": arguments.follow} | ({"scale": arguments.scale} if arguments.scale else {})
        if kind == "html":
            beside = load_replay(arguments.beside) if arguments.beside else None
            export.export_html(replay, path, arguments.file.name, beside, arguments.beside.name if beside else "")
        elif kind == "png":
            export.export_png(replay, path, _frame(replay, arguments.step), **look)
        else:
            write = export.export_mp4 if kind == "mp4" else export.export_gif
            write(replay, path, speed=arguments.speed, progress=True, **look)
        print(path)
    return 0


def _frame(replay: Replay, step: int | None) -> int:
    """The frame at which a step ended; the last one by default."""
    if step is None:
        return replay.num_frames
    if not 0 <= step <= replay.num_steps:
        raise ScenarioError(f"--step={step}: the replay has steps 0 to {replay.num_steps}")
    return int(replay.step_frame[step])


def show_info(arguments: argparse.Namespace) -> int:
    """Print what a replay holds."""
    from .replay import load_replay

    if arguments.events and arguments.json:
        raise ScenarioError("--events lists them one a line: leave --json out")
    replay = load_replay(arguments.file)
    counts = Counter(event.kind for event in replay.events)
    facts = {
        "file": str(arguments.file),
        "bytes": len(replay.data),
        "scenario": replay.scenario_name,
        "mode": replay.header["scenario"].get("mode"),
        "seed": replay.header["seed"],
        "mabc": replay.header["mabc"],
        "rules_version": replay.rules_version,
        "steps": replay.num_steps,
        "frames": replay.num_frames,
        "outcome": replay.outcome,
        "tanks": {tank["name"]: tank["driver"] for tank in replay.tanks},
        "return": dict(zip(replay.agents, replay.reward.sum(axis=0).round(4).tolist(), strict=True)),
        "events": dict(counts),
        "extras": {name: list(array.shape) for name, array in replay.extras.items()},
    }
    if arguments.verify:
        facts["verified"] = replay.verify()
    print(json.dumps(facts) if arguments.json else _facts(replay, facts))
    if arguments.events:
        names = [tank["name"] for tank in replay.tanks] + ["-"]
        for event in replay.events:
            who = f"{plain(names[event.tank])} by {plain(names[event.by])}"
            print(f"step {event.step:5} frame {event.frame:6}  {event.kind:9} {who:28} at {event.x}, {event.y}")
    return 0


def _facts(replay: Replay, facts: dict) -> str:
    lines = [
        plain(repr(replay)),
        f"{facts['bytes']:,} bytes, mabc {plain(facts['mabc'])}, rules {facts['rules_version']}",
    ]
    for name, driver in facts["tanks"].items():
        earned = f"  return {facts['return'][name]:.3f}" if name in facts["return"] else ""
        lines.append(f"  {plain(name):12} {plain(driver):9}{earned}")
    lines.append("events: " + ", ".join(f"{count} {kind}" for kind, count in facts["events"].items()))
    if facts["extras"]:
        lines.append("extras: " + ", ".join(f"{plain(name)} {shape}" for name, shape in facts["extras"].items()))
    if "verified" in facts:
        lines.append(f"played again: {facts['verified']} states compared, all the same")
    return "\n".join(lines)


def write_gallery(arguments: argparse.Namespace) -> int:
    """Write a page with all replays below a folder."""
    from .replay.recorder import write_file
    from .viewer import gallery

    if not arguments.folder.is_dir():
        raise ScenarioError(f"{arguments.folder} is no folder")
    path = arguments.out or arguments.folder / "index.html"
    write_file(path, gallery(arguments.folder).encode())
    print(path)
    return 0


def check_map(arguments: argparse.Namespace) -> int:
    """Print what a map is and what is wrong with it for each mode asked about."""
    source = arguments.map
    try:
        one = maps.load(Path(source) if Path(source).is_file() else source, unit=arguments.unit)
    except maps.MapError as error:
        print(f"{source}: {error}", file=sys.stderr)
        return 1
    try:
        tanks = _tanks(arguments.tanks, one)
    except ValueError:
        print(f"--tanks={arguments.tanks}: expected whole numbers, one a team, such as 3,3", file=sys.stderr)
        return 2
    print(f"{source}: {one.width} x {one.height} blocks, split {maps.split(one)}, tanks {tanks}")
    found = {mode: maps.problems(one, mode, tanks) for mode in ([arguments.mode] if arguments.mode else MODES)}
    for mode, problems in found.items():
        print(f"  {mode:9} " + ("fits" if not problems else problems[0]))
        for problem in problems[1:]:
            print(f"  {'':9} {problem}")
    return 0 if any(not problems for problems in found.values()) else 1


def _tanks(text: str | None, one: maps.Map) -> tuple[int, ...]:
    """Tanks of each team: as given, or one for each team that the map has entries for."""
    if text:
        return tuple(int(count) for count in text.split(","))
    last = max(t for t in range(len(one.entries)) if one.entries[t] or t < 2)
    return tuple(1 if one.entries[t] else 0 for t in range(last + 1))


if __name__ == "__main__":
    sys.exit(main())
