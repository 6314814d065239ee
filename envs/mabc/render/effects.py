"""Fleeting effects of a replay's pictures: a flash where a bullet leaves the gun, a puff where it ends.

They come from events, not from the world: a bullet that is fired at a wall and ends there within one frame stands in
no world, and is seen all the same. The browser's viewer draws the same ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np

FLASH_FRAMES, PUFF_FRAMES = 5, 11
WHITE, YELLOW = (255, 255, 255), (255, 225, 77)
PALE, GREY, DARK = (255, 244, 228), (180, 172, 164), (120, 114, 108)
COLOURS = np.array([WHITE, YELLOW, PALE, GREY, DARK], np.uint8)


def draw_flashes(picture: np.ndarray, places: Iterable[tuple[int, int, int]]) -> None:
    """Shots that were fired: (x, y) px and frames since, onto a picture uint8 [H, W, 3]."""
    for x, y, age in places:
        if age < FLASH_FRAMES:
            _ring(picture, x, y, 0.0, 3.4 - 0.6 * age, WHITE if age < 2 else YELLOW)


def draw_puffs(picture: np.ndarray, places: Iterable[tuple[int, int, int]]) -> None:
    """Bullets that ended: (x, y) px and frames since, onto a picture uint8 [H, W, 3]."""
    for x, y, age in places:
        if age < PUFF_FRAMES:
            colour = PALE if age < 4 else GREY if age < 8 else DARK
            _ring(picture, x, y, 0.55 * age - 1.5, 2 + 0.45 * age, colour)


def _ring(picture: np.ndarray, x: int, y: int, inner: float, outer: float, colour: tuple[int, int, int]) -> None:
    """The pixels whose distance from (x, y) is from `inner` to `outer`, every other one where it thins out."""
    dy, dx = _offsets(inner, outer)
    rows, columns = dy + y, dx + x
    there = (rows >= 0) & (rows < picture.shape[0]) & (columns >= 0) & (columns < picture.shape[1])
    picture[rows[there], columns[there]] = colour


@cache
def _offsets(inner: float, outer: float) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of a ring's pixels from its middle."""
    reach = int(np.ceil(outer))
    dy, dx = np.mgrid[-reach:reach, -reach:reach]
    distance = np.hypot(dx + 0.5, dy + 0.5)
    inside = (distance <= outer) & (distance >= inner)
    if inner > 0:
        inside &= (dx + dy) % 2 == 0
    return dy[inside], dx[inside]
