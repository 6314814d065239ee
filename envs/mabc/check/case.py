"""What a check gets and gives, and what several kinds of check use."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

MOST_STEPS = 10_000  # how long an episode is waited for where max_steps is unknown


class CheckError(AssertionError):
    """A check that failed. `name` is the check's; the message says what was seen and what would do."""

    def __init__(self, name: str, seen: str, remedy: str) -> None:
        super().__init__(f"{name}: {seen}. {remedy}")
        self.name, self.seen, self.remedy = name, seen, remedy


@dataclass
class Report:
    """The environment's kind, the checks that passed, and those that did not apply, with the reason."""

    kind: str
    passed: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"{self.kind}: {len(self.passed)} checks passed"] + [f"  ok    {name}" for name in self.passed]
        return "\n".join(lines + [f"  skip  {name}: {why}" for name, why in self.skipped.items()])


class Skip(Exception):
    """Raised by a check that does not apply."""


@dataclass(frozen=True)
class Case:
    """What a check gets: the environment, how to make another one (None: there is only this), and its budget."""

    env: Any
    make: Callable[[], Any] | None
    steps: int
    seed: int
    name: str

    def want(self, holds: Any, seen: str, remedy: str) -> None:
        """Fail unless `holds`."""
        if not holds:
            raise CheckError(self.name, seen, remedy)

    @contextlib.contextmanager
    def second(self) -> Iterator[Any]:
        """Another copy, where there is a factory; else the same environment."""
        other = self.make() if self.make else self.env
        try:
            yield other
        finally:
            if other is not self.env:
                other.close()


Check = Callable[[Case], None]


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(path, leaf) of nested dicts, lists and tuples; lists of text are leaves too."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{path}[{key!r}]")
    elif isinstance(value, tuple):
        for number, item in enumerate(value):
            yield from leaves(item, f"{path}[{number}]")
    else:
        yield path, value


def freeze(value: Any) -> Any:
    """A deep copy that compares by value: arrays become (dtype, shape, bytes)."""
    return [
        (path, leaf.dtype.str, leaf.shape, leaf.tobytes()) if isinstance(leaf, np.ndarray) else (path, repr(leaf))
        for path, leaf in leaves(value)
    ]


def describe(value: Any) -> str:
    """What a message says of a value: dtype, shape and range of an array."""
    if isinstance(value, np.ndarray):
        span = f", {value.min()} to {value.max()}" if value.size and value.dtype.kind in "iufb" else ""
        return f"{value.dtype}{list(value.shape)}{span}"
    return repr(value)[:80]


def delegate(case: Case, whose: str, function: Callable, *args: Any, **options: Any) -> None:
    """Run somebody else's test quietly; what it raises becomes a CheckError."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            function(*args, **options)
        except Exception as error:
            seen = f"{type(error).__name__}: {error}"
            raise CheckError(case.name, seen, f"See the documentation of {whose}") from error
