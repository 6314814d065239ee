"""What the commands have in common: options with bounds, and how a command says what is wrong."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable


def whole(low: int, high: int) -> Callable[[str], int]:
    """An option that is a whole number from low to high."""

    def number(text: str) -> int:
        if not text.lstrip("+-").isdigit() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number from {low} to {high:,}")
        return int(text)

    return number


def number(low: float, high: float) -> Callable[[str], float]:
    """An option that is a number from low to high."""

    def number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r}: expected a number from {low:g} to {high:g}")
        return value

    return number


def plain(text: str) -> str:
    """A stranger's text without what would steer a terminal."""
    return "".join(char if char.isprintable() or char == "\n" else "?" for char in text)


def refuse(command: str, error: object, status: int) -> int:
    """Say on stderr what is wrong; returns the exit status."""
    print(f"mabc {command}: {plain(str(error))}", file=sys.stderr)
    return status
