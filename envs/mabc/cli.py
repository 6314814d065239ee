"""The `mabc` command: what scenarios there are, and what is wrong with a map of one's own."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from . import maps
from .catalogue import scenario, scenarios
from .params import MODES

EPILOG = """examples:
  mabc scenarios                         every named scenario, one a line
  mabc check mine.txt                    what is wrong with a map, and what would do
  mabc check mine.txt --mode versus --tanks 3,3
  mabc check harbour --mode skirmish     a map that ships with mabc, by name"""


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit status: 0 fine, 1 a map has problems, 2 wrong usage."""
    parser = argparse.ArgumentParser(
        prog="mabc",
        description="Multi-Agent Battle City.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("scenarios", help="list the named scenarios")
    check = commands.add_parser("check", help="say what is wrong with a map")
    check.add_argument("map", help="a text file, a shipped map's name, or generator:SEED")
    check.add_argument("--unit", choices=("block", "tile"), default="block", help="one character a block or a tile")
    check.add_argument("--mode", choices=MODES, help="the mode it is for (default: all are tried)")
    check.add_argument("--tanks", help="tanks of each team, e.g. 3,3 (default: one for each team with entries)")
    arguments = parser.parse_args(argv)
    if arguments.command == "scenarios":
        return list_scenarios()
    return check_map(arguments)


def list_scenarios() -> int:
    """Print name, mode, who meets whom, and a note."""
    for name in scenarios():
        one = scenario(name)
        sides = " v ".join(f"{len(team.tanks)} {team.driver}" for team in one.teams)
        print(f"{name:24} {one.mode:9} {sides}{'  (' + one.note + ')' if one.note else ''}")
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
