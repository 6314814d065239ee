"""Endgames: small set positions with a known winning line, to see at once whether a policy has learnt anything.

Each position sets one task; doing nothing loses or draws it, and the line wins it for every seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest

from .commands import parse_command
from .scenarios import Scenario, Team

FIELD_SIGHT = 208  # px: all of the small fields


@dataclass(frozen=True)
class Endgame:
    """A position and a line that wins it: one tuple of actions, one an agent, for each step."""

    scenario: Scenario
    line: tuple[tuple[int, ...], ...]


def actions_of(text: str) -> tuple[int, ...]:
    """`"right*2 up+fire stay*3"` as actions: commands with "+" for blanks, each with the steps that it lasts."""
    moves = (word.partition("*") for word in text.split())
    return tuple(parse_command(command) for command, _, times in moves for _ in range(int(times or 1)))


def _endgame(name: str, mode: str, teams: tuple[Team, ...], field: str, lines: tuple[str, ...], steps: int, note: str):
    """An endgame for one line of text an agent; who has done its part stays."""
    scenario = Scenario(
        f"endgame-{name}",
        mode,
        field,
        teams,
        max_steps=steps,
        sight=FIELD_SIGHT,
        swap_sides=False,
        random_start=False,
        note=note,
    )
    return Endgame(scenario, tuple(zip_longest(*map(actions_of, lines), fillvalue=0)))


def _guard(kind: str = "basic", driver: str = "attract", stance: str = "hold", count: int = 1) -> Team:
    """Enemies that do the same in every game.

    "attract" turns towards its target and fires without pause, but not in the two bottom rows of blocks; "tactical"
    fires when it has a shot.
    """
    return Team((kind,) * count, driver=driver, stance=stance)


_ONE, _TWO, _THREE = (Team(("player",) * count) for count in (1, 2, 3))
_NOBODY = Team(())

ENDGAMES: tuple[Endgame, ...] = (
    _endgame(
        "brick",
        "defend",
        (_ONE, _guard()),
        """
        ..A...E
        .......
        .......
        .@.#.@.
        .@.#.@.
        .@@.@@.
        ...B...
        """,
        ("right*3 down+fire*40",),
        40,
        "find the shaft and shoot through two blocks of brick",
    ),
    _endgame(
        "armor",
        "skirmish",
        (_ONE, _guard("armor")),
        """
        ...A.......
        ...........
        ...@...@...
        ...@...@...
        ...@...@...
        ...@...@...
        ...@...@...
        ...@...@...
        ...@...@...
        ...........
        .....B.....
        """,
        ("right*6 down+fire*40",),
        32,
        "four hits before time is up: go near, so that the next shot is ready sooner",
    ),
    _endgame(
        "steel",
        "siege",
        (Team(level=3), _NOBODY),
        """
        ....F....
        .........
        @@@@@@@@.
        .........
        .........
        .........
        .........
        .........
        ..A......
        """,
        ("right*6 up+fire*18",),
        26,
        "a tank of level 3 shoots its way through steel",
    ),
    _endgame(
        "moat",
        "siege",
        (_ONE, _NOBODY),
        """
        ..~....
        ..~~~~.
        A....~.
        .....~.
        .....~.
        .....~F
        .......
        """,
        ("down*8 right+fire*20",),
        24,
        "bullets fly over water: find the row",
    ),
    _endgame(
        "race",
        "scout",
        (_ONE, _NOBODY),
        """
        A.@....
        @.@.@@.
        ..@.@..
        .@@.@.@
        ....@..
        @@@@@@.
        F......
        """,
        ("right*3 down*6 left*3 down*6 right*8 up*11 right*8 down*6 left*3 down*6 right*3 down*6 left*13",),
        85,
        "the way through a maze to the target",
    ),
    _endgame(
        "sneak",
        "scout",
        (_ONE, _guard(driver="tactical")),
        """
        A........
        .@@@@@@@.
        .@.....@.
        .@.....@.
        .@..B..@.
        .@@@.@@@.
        .........
        .@@@@@@@.
        ........F
        """,
        ("right*21 down*18",),
        60,
        "reach the target without crossing the guard's line of fire",
    ),
    _endgame(
        "ice",
        "skirmish",
        (_ONE, _guard()),
        """
        A_______.
        @@@@@.@@@
        .@@@@.@@.
        .........
        .@@.@.@@.
        .@@.@.@@.
        .....B...
        """,
        ("right*10 stay*4 down+fire*12",),
        30,
        "let go on ice and slide to where the gun bears",
    ),
    _endgame(
        "ambush",
        "defend",
        (Team(level=1), _guard(stance="hunt")),
        """
        B........
        @@@@.@@@@
        @@@@.@@@@
        @@@@%@@@@
        @@@@%@@@@
        .........
        ...A....E
        """,
        ("right*3 up*11 stay*20 fire*20",),
        60,
        "hide in the forest and shoot what comes round the corner",
    ),
    _endgame(
        "pincer",
        "skirmish",
        (_TWO, _guard()),
        """
        .........
        .........
        A...B....
        .........
        .........
        .........
        .........
        .........
        ..A......
        """,
        ("fire*18", "right*6 up+fire*12"),
        26,
        "one holds the gunner's fire, shot for shot, the other hits it from the side",
    ),
    _endgame(
        "bodyguard",
        "defend",
        (_TWO, _guard()),
        """
        ....B....
        .........
        .........
        .........
        .........
        .........
        .........
        ....A....
        A...E....
        """,
        ("fire*40", "up*22 right+fire*12"),
        40,
        "shoot the gunner's bullets down before they reach the base, until a mate gets there",
    ),
    _endgame(
        "hold-fire",
        "versus",
        (_ONE, _guard()),
        """
        ....A....
        ....E....
        .........
        .........
        .........
        .........
        .........
        ....F....
        ....B....
        """,
        ("right*6 down*19 left+fire*4",),
        45,
        "the own base stands in the line of fire: drive round it first",
    ),
    _endgame(
        "trio",
        "siege",
        (_THREE, _NOBODY),
        """
        F...F...F
        #...#...#
        .........
        .@@@.@@@.
        .........
        .A..A..A.
        """,
        ("left*3 up+fire*18", "up+fire*18", "right*3 up+fire*18"),
        24,
        "three walled bases and time for one each",
    ),
)
