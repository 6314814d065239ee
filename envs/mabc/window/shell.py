"""The window itself: opening it, where field, panel and strip lie at an integer scale, and drawing in pixels of art."""

from __future__ import annotations

import os
import time
from functools import lru_cache
from pathlib import Path

import numpy as np
import pygame

from ..params import PLAYER, TYPES
from ..render.sprites import KEY, SHEET
from . import WindowError, font

Colour = tuple[int, int, int]


def _art(mark: str, palette: int = 0) -> Colour:
    """A colour of the sprites."""
    red, green, blue = SHEET.palettes[palette][KEY.index(mark)].tolist()
    return red, green, blue


BACK = _art("k")
CARD = _art("h")
LINE = _art("H")
EDGE = _art("O")
WHITE = _art("w")
TEXT = _art("l")
DIM = _art("m")
FAINT = _art("d")
GOLD = _art("y")
RED = _art("r")
GREEN = _art("F")
TEAMS = [(FAINT, DIM, TEXT)] + [(_art("d", t), _art("m", t), _art("l", t)) for t in range(1, 5)]
"""Dark, middle and light by team; 0 is nobody's."""

MARGIN = 6  # units round field and panel
PANEL = 128  # units: the panel's width
DEFAULT_SCALE = 3


class Pen:
    """Draws on a part of a surface in units: squares of `unit` px, as text and sprites are made of."""

    def __init__(self, surface: pygame.Surface, area: pygame.Rect, unit: int) -> None:
        self.surface, self.area, self.unit = surface, area, unit
        self.width, self.height = area.width // unit, area.height // unit

    def place(self, x: float, y: float, width: float, height: float) -> pygame.Rect:
        """A part of the area, in px."""
        u = self.unit
        left, top = round(x * u), round(y * u)
        return pygame.Rect(
            self.area.left + left, self.area.top + top, round((x + width) * u) - left, round((y + height) * u) - top
        )

    def box(self, x: float, y: float, width: float, height: float, colour: Colour, alpha: int = 255) -> None:
        """Fill a rectangle."""
        where = self.place(x, y, width, height)
        if alpha == 255:
            self.surface.fill(colour, where)
        elif where.width > 0 and where.height > 0:
            veil = pygame.Surface(where.size, pygame.SRCALPHA)
            veil.fill((*colour, alpha))
            self.surface.blit(veil, where)

    def text(
        self, x: float, y: float, words: str, colour: Colour = TEXT, size: int = 1, align: str = "left", room: int = 0
    ) -> int:
        """Write a line, at most `room` units wide; returns its width. align: left, middle or right of x."""
        words = font.fitted(words, room // size) if room else words
        width = size * font.width(words)
        x -= {"left": 0, "middle": width // 2, "right": width}[align]
        where = self.place(x, y, 0, 0)
        self.surface.blit(_written(words, colour, size * self.unit), where)
        return width

    def sprite(self, x: float, y: float, art: np.ndarray, palette: int, faded: bool = False) -> None:
        """Paint a sprite of the sheet: colour numbers uint8 [h, w]."""
        key = (art.tobytes(), art.shape, palette, self.unit, faded)
        self.surface.blit(_painted(*key), self.place(x, y, 0, 0))


@lru_cache(maxsize=1024)
def _written(words: str, colour: Colour, unit: int) -> pygame.Surface:
    return _surface(font.mask(words), np.broadcast_to(np.array(colour, np.uint8), (*font.mask(words).shape, 3)), unit)


@lru_cache(maxsize=512)
def _painted(art: bytes, shape: tuple[int, int], palette: int, unit: int, faded: bool) -> pygame.Surface:
    numbers = np.frombuffer(art, np.uint8).reshape(shape)
    colours = SHEET.palettes[palette][numbers]
    if faded:
        colours = np.broadcast_to(np.array(LINE, np.uint8), colours.shape)
    return _surface(numbers > 0, colours, unit)


def _surface(shown: np.ndarray, colours: np.ndarray, unit: int) -> pygame.Surface:
    """A surface from pixels [h, w, 3], of which only those are there that are shown, bool [h, w]."""
    made = pygame.Surface(shown.shape[::-1], pygame.SRCALPHA)
    if shown.size:
        pygame.surfarray.blit_array(made, np.ascontiguousarray(colours.swapaxes(0, 1)))
        alpha = pygame.surfarray.pixels_alpha(made)
        alpha[:] = np.where(shown.T, 255, 0)
        del alpha  # it locks the surface
    return pygame.transform.scale_by(made, unit)


def tank_art(kind: int, level: int = 0, heading: int = 0) -> np.ndarray:
    """The sprite of a tank by its type and level."""
    look = PLAYER + min(level, 3) if kind == PLAYER else kind
    return SHEET.tanks[look, 0, heading]


def tank_type(name: str) -> int:
    """The number of a tank's type."""
    return TYPES.index(name)


def unit_of(scale: int) -> int:
    """Px of a unit of text beside a field of this scale."""
    return max(1, round(scale * 2 / 3))


class Window:
    """A resizable window: the field, `field` px of the game, at the upper left, a panel at its right, a strip below.

    The field is shown at the largest whole scale that fits.
    """

    def __init__(self, title: str, field: tuple[int, int], scale: int | None = None, strip: int = 0) -> None:
        self.title, self.field, self._strip = title, field, strip
        _start_display()
        desktop = pygame.display.get_desktop_sizes()[0]
        self.scale = scale or self._largest(int(desktop[0] * 0.95), int(desktop[1] * 0.88), DEFAULT_SCALE)
        pygame.display.set_caption(f"{title} – mabc")
        icon = pygame.Surface((16, 16), pygame.SRCALPHA)
        icon.blit(_painted(tank_art(PLAYER).tobytes(), (16, 16), 1, 1, False), (0, 0))
        pygame.display.set_icon(icon)
        self.surface = pygame.display.set_mode(self._size(self.scale), pygame.RESIZABLE)
        self._lay_out()
        self._note, self._note_until = "", 0.0

    def _size(self, scale: int) -> tuple[int, int]:
        """The window's size at a scale."""
        u, (width, height) = unit_of(scale), self.field
        strip = (self._strip + MARGIN) * u if self._strip else 0
        return width * scale + (PANEL + 3 * MARGIN) * u, height * scale + 2 * MARGIN * u + strip

    def _largest(self, width: int, height: int, limit: int = 64) -> int:
        scale = 1
        while scale < limit and self._size(scale + 1)[0] <= width and self._size(scale + 1)[1] <= height:
            scale += 1
        return scale

    def _lay_out(self) -> None:
        """Place everything in the middle of the surface as it is now."""
        u, s = unit_of(self.scale), self.scale
        width, height = self._size(s)
        left = max(0, (self.surface.get_width() - width) // 2) + MARGIN * u
        top = max(0, (self.surface.get_height() - height) // 2) + MARGIN * u
        self.field_area = pygame.Rect(left, top, self.field[0] * s, self.field[1] * s)
        panel = pygame.Rect(self.field_area.right + MARGIN * u, top, PANEL * u, self.field_area.height)
        strip = pygame.Rect(left, self.field_area.bottom + MARGIN * u, panel.right - left, self._strip * u)
        self.panel, self.strip = Pen(self.surface, panel, u), Pen(self.surface, strip, u)
        self.over, self.game = Pen(self.surface, self.field_area, u), Pen(self.surface, self.field_area, s)

    def handle(self, event: pygame.event.Event) -> bool:
        """Take a change of size or F12; whether the event was for the window."""
        if event.type == pygame.VIDEORESIZE:
            self.surface = pygame.display.get_surface() or self.surface
            self.scale = self._largest(*self.surface.get_size())
            self._lay_out()
            return True
        if event.type == pygame.KEYDOWN and event.key == pygame.K_F12:
            self._screenshot()
            return True
        return False

    def _screenshot(self) -> None:
        path = Path(time.strftime("mabc-%Y%m%d-%H%M%S.png"))
        try:
            pygame.image.save(self.surface, path)
            self.note(f"saved {path}")
        except (OSError, pygame.error) as error:
            self.note(f"not saved: {error}")

    def note(self, words: str, seconds: float = 2.0) -> None:
        """Show a few words over the field for a while."""
        self._note, self._note_until = words, time.monotonic() + seconds

    def begin(self, picture: np.ndarray) -> None:
        """Start a new picture with the field, uint8 [H, W, 3], which may be smaller than the largest one."""
        self.surface.fill(BACK)
        frame = pygame.surfarray.make_surface(picture.swapaxes(0, 1))
        self.surface.fill(LINE, self.field_area.inflate(2, 2))
        self.surface.blit(pygame.transform.scale_by(frame, self.scale), self.field_area)
        self.panel.box(0, 0, self.panel.width, self.panel.height, CARD)

    def finish(self) -> None:
        """Show what was drawn."""
        if time.monotonic() < self._note_until:
            width, height = font.width(self._note) + 12, font.HEIGHT + 8
            x, y = (self.over.width - width) // 2, self.over.height - height - 6
            self.over.box(x, y, width, height, BACK, 220)
            self.over.text(x + 6, y + 4, self._note, WHITE)
        pygame.display.flip()

    def at_field(self, position: tuple[int, int]) -> tuple[int, int] | None:
        """Px of the field under a point of the window, if there is any."""
        if not self.field_area.collidepoint(position):
            return None
        return (position[0] - self.field_area.left) // self.scale, (position[1] - self.field_area.top) // self.scale

    def close(self) -> None:
        """Close it."""
        pygame.display.quit()


def _start_display() -> None:
    """Start pygame's display, or say why there is none."""
    chosen = os.environ.get("SDL_VIDEODRIVER")
    try:
        pygame.display.init()
        hidden = pygame.display.get_driver() in ("offscreen", "dummy", "evdev") and not chosen
        reason = "this machine shows no windows"
    except pygame.error as error:
        hidden, reason = True, str(error)
    if hidden:
        pygame.display.quit()
        where = f"DISPLAY is {os.environ['DISPLAY']!r}" if os.environ.get("DISPLAY") else "DISPLAY is not set"
        raise WindowError(
            f"no display found: {reason} ({where}). Use `mabc export` to make a video or a page for the browser "
            "instead, or start a virtual screen: xvfb-run -a mabc …"
        )


def overlay(window: Window, title: str, lines: list[tuple[str, str]], foot: str = "", colour: Colour = WHITE) -> None:
    """A card in the middle of the field: a title, lines of (key, meaning) – or ("", words), wrapped – and a foot."""
    pen = window.over
    pen.box(0, 0, pen.width, pen.height, BACK, 150)
    size = 3 if 3 * font.width(title) + 30 <= pen.width else 2
    keys = max((font.width(key) for key, _ in lines if key), default=0)
    room = min(pen.width - 12, 230) - 24
    rows: list[tuple[str, str]] = []
    for key, words in lines:
        parts = font.wrapped(words, room - (keys + 10 if key else 0)) or [""]
        rows += [(key, parts[0]), *((" " if key else "", part) for part in parts[1:])]
    width = max([size * font.width(title), font.width(foot)] + [_row_width(row, keys) for row in rows]) + 24
    height = font.HEIGHT * size + 10 + len(rows) * font.LINE + 16 + (16 if foot else 0)
    x, y = (pen.width - width) // 2, (pen.height - height) // 2
    pen.box(x - 1, y - 1, width + 2, height + 2, EDGE)
    pen.box(x, y, width, height, CARD)
    pen.box(x, y, width, 2, colour)
    pen.text(x + width // 2, y + 10, title, colour, size, "middle")
    line = y + 10 + font.HEIGHT * size + 6
    for key, words in rows:
        if key:
            pen.text(x + 12 + keys, line, key, GOLD, align="right")
            pen.text(x + 12 + keys + 10, line, words, TEXT)
        else:
            pen.text(x + width // 2, line, words, TEXT, align="middle")
        line += font.LINE
    if foot:
        pen.text(x + width // 2, line + 5, foot, DIM, align="middle")


def _row_width(row: tuple[str, str], keys: int) -> int:
    return font.width(row[1]) + (keys + 10 if row[0] else 0)
