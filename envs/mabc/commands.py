"""Actions as words: what language agents and people type.

>>> parse_command("Move UP, and fire!")
3
>>> command_of(3)
'move up and fire'
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

from .params import HEADINGS, NUM_ACTIONS

COMMANDS = ("stay", "fire", *(f"move {heading}{fire}" for heading in HEADINGS for fire in ("", " and fire")))
"""The command of every action, by its number 2 * move + fire."""

_MOVES = {
    1: ("up", "north", "upward", "upwards"),
    2: ("right", "east", "rightward", "rightwards"),
    3: ("down", "south", "downward", "downwards"),
    4: ("left", "west", "leftward", "leftwards"),
}
_MOVE_OF = {word: move for move, words in _MOVES.items() for word in words}
_FIRE = {"fire", "fires", "firing", "shoot", "shoots", "shooting"}
_STAY = {"stay", "stop", "wait", "hold", "noop", "nothing", "still", "idle"}
_VERBS = {
    "move",
    "go",
    "drive",
    "turn",
    "head",
    "face",
    "step",
    "moving",
    "going",
    "driving",
    "turning",
    "facing",
}
_FILLERS = {
    "and",
    "then",
    "while",
    "now",
    "please",
    "i",
    "ll",
    "will",
    "the",
    "a",
    "to",
    "my",
    "tank",
    "gun",
    "do",
}
_FILLERS |= {"command", "action", "answer", *_VERBS}
_NO_FIRE = re.compile(r"\b(?:hold|no|not|don t|dont|do not|without|cease)\s+(?:fire|firing|shoot|shooting)\b")
_WORDS = sorted({*_MOVE_OF, *_FIRE, *_STAY})


class CommandError(ValueError):
    """A command that names no single action. `legal`: those that would do; `nearest`: the likeliest."""

    def __init__(self, why: str, legal: list[str], nearest: str | None = None):
        self.legal, self.nearest = legal, nearest
        hint = f"; did you mean {nearest!r}?" if nearest else ""
        super().__init__(f"{why}{hint} (legal commands: {', '.join(legal)})")


def command_of(action: int) -> str:
    """The command of an action from 0 to 9; ValueError for any other."""
    if not 0 <= action < NUM_ACTIONS:
        raise ValueError(f"action {action!r}: expected 0 to {NUM_ACTIONS - 1}")
    return COMMANDS[action]


def legal_commands(mask: Iterable[bool]) -> list[str]:
    """The commands of the actions that a mask, bool [A], allows."""
    return [command for command, legal in zip(COMMANDS, mask, strict=True) if legal]


def parse_command(text: str, mask: Iterable[bool] | None = None) -> int:
    """The action that a command means, in any case and punctuation: "up", "Turn left.", "down + shoot".

    mask: bool [A], the legal actions; by default all are. Raises CommandError, with the nearest legal
    command, for an empty command, an unknown word, two directions, a contradiction, or an illegal action.
    """
    legal = list(COMMANDS) if mask is None else legal_commands(mask)
    words, hold = _words(text)
    for word in words:
        if word not in _MOVE_OF and word not in _FIRE and word not in _STAY and word not in _FILLERS:
            raise CommandError(f"unknown word {word!r} in {_short(text)}", legal, _nearest(words, legal))
    moves = {_MOVE_OF[word] for word in words if word in _MOVE_OF}
    fire = any(word in _FIRE for word in words)
    stay = hold or any(word in _STAY for word in words)
    if not (moves or fire or stay):
        raise CommandError(f"{_short(text)} says neither where to move nor to fire", legal)
    if len(moves) > 1:
        named = " and ".join(HEADINGS[move - 1] for move in sorted(moves))
        raise CommandError(f"{_short(text)} says {named}: a tank moves in one direction", legal)
    if moves and stay and not hold:
        raise CommandError(f"{_short(text)} says both to stay and to move", legal)
    if fire and hold:
        raise CommandError(f"{_short(text)} says both to fire and not to", legal)
    action = 2 * (moves.pop() if moves else 0) + fire
    if COMMANDS[action] not in legal:
        nearest = _nearest(COMMANDS[action].split(), legal)
        raise CommandError(f"{COMMANDS[action]!r} is not legal now", legal, nearest)
    return action


def _words(text: str) -> tuple[list[str], bool]:
    """The words of a command, and whether it says to hold fire."""
    plain = " ".join(re.findall(r"[^\W_]+", text.lower()))
    without, times = _NO_FIRE.subn(" ", plain)
    return without.split(), times > 0


def _nearest(words: list[str], legal: list[str]) -> str | None:
    """The legal command that is most like the words, misspelt ones put right."""
    known = [word if word in _FILLERS else "".join(get_close_matches(word, _WORDS, n=1)) for word in words]
    moves = [_MOVE_OF[word] for word in known if word in _MOVE_OF]
    fire = any(word in _FIRE for word in known)
    if moves or fire:
        for action in (2 * (moves[0] if moves else 0) + fire, 2 * (moves[0] if moves else 0), int(fire)):
            if COMMANDS[action] in legal:
                return COMMANDS[action]
    found = get_close_matches(" ".join(words), legal, n=1, cutoff=0.5)
    return found[0] if found else None


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
