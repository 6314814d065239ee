"""The sprites: pixel art of our own, as data. Nothing here draws on a frame; see draw.py.

A sprite is an array of colour numbers, uint8 [height, width], 0 transparent. `SHEET` holds all of them,
with the palettes that turn numbers into colours. Team colours are numbers 1 to 3 (dark, middle, light), so
that one sprite serves all teams: palette t paints team t, palette 0 nobody, palette FLASH a carrier's
flash. Teams are blue, orange, pink and green after Okabe and Ito, which people with any colour vision
tell apart.

Art is text, one character a pixel (KEY says which colour); `half` art is mirrored. Tanks point up.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

KEY = ".dmlktTgGwyorbBnvsSzuUqfFeiIjcCXpaAhOH"
"""Colour number of each character of the art: its position."""

_COLOURS = {
    ".": 0x000000,  # transparent
    "d": 0x5A5F66, "m": 0x8B9198, "l": 0xC9CED3,  # a team's; here nobody's
    "k": 0x0B0D10,  # outlines
    "t": 0x4A4F57, "T": 0x8D949D,  # treads
    "g": 0x787E87, "G": 0xC3C8CF,  # guns
    "w": 0xFFFFFF, "y": 0xFFE14D, "o": 0xFF9A2E, "r": 0xE2402B,
    "b": 0x9C4A2F, "B": 0xC26A43, "n": 0x4A3A38, "v": 0x7A3824,  # brick
    "s": 0x8F98A3, "S": 0xD3DAE1, "z": 0x555D68,  # steel
    "u": 0x1F5FA8, "U": 0x5BA4E0, "q": 0x174A86,  # water
    "f": 0x2F7D3B, "F": 0x5DAE52, "e": 0x1B4A29,  # forest
    "i": 0x93AFC0, "I": 0xC6DBE6, "j": 0x7C9AAD,  # ice
    "c": 0x77736C, "C": 0xA9A49A, "X": 0x4B4842,  # concrete
    "p": 0x33235C,  # badge of a power-up
    "a": 0x38D6E8, "A": 0xB8F6FF,  # shields
    "h": 0x191C21,  # the ground
    "O": 0x3A3F47, "H": 0x2C3037,  # outside the field, and unseen
}  # fmt: skip
_TEAMS = (
    (0x0A5C96, 0x3E9FDE, 0xA5DAFA),  # blue
    (0xB34A00, 0xF08A1C, 0xFFD08A),  # orange
    (0x8C3F73, 0xD47FB4, 0xF7C6E3),  # pink
    (0x006B4E, 0x1FB68A, 0x9FEBD0),  # green
)
GROUND = KEY.index("h")
PIP = KEY.index("w")
FLASH = 5
"""The palette of a carrier's flash."""

# -- tanks: left halves, pointing up; x is tread, which rolls -------------------------------------
_PLAYER_0 = """
.......G
.......G
.xx....G
.xxk..kG
.xxddddG
.xxdmllG
.xxdmkkk
.xxdkmll
.xxdkmlw
.xxdkmmm
.xxdmkdd
.xxdmmkk
.xxdmmmm
.xxkdggg
.xxkkkkk
.xx.....
"""
_PLAYER_1 = """
......ww
......kG
.xxk..kG
xxxkkkkG
xxxdlllG
xxxdlmmG
xxxdmkkk
xxxdkmll
xxxdkmlw
xxxdkmmm
xxxdmkdd
xxxdlmkk
xxxdlmmm
xxxkdmgg
xxxkkddd
.xxk.kkk
"""
_PLAYER_2 = """
.....wwk
.....GGk
.xxk.GGk
xxxkkGGk
xxxdlGGl
xxxdlGGm
xxxdmkkk
xxxdkmll
xxxdkmlw
xxxdkmmm
xxxdkmdd
xxxdmkkk
xxxdlmmm
xxxkddgg
xxxkkkdd
.xxk.kkk
"""
_PLAYER_3 = """
....wwww
....kGGG
.xxk.kGG
xxxdddGG
xxxdlmGG
xxxdlmGG
xxxdmkkk
xxxdkmll
xxxdkmyy
xxxdkmyy
xxxdkmmm
xxxdkddd
xxxdlkkk
xxxdlmgg
xxxdddgg
.xxk.kkk
"""
_BASIC = """
........
.......G
.......G
.xx....G
.xxkkkkG
.xxdmmmG
.xxdmmmG
.xxdkkkG
.xxdkllk
.xxdkmmm
.xxdkmmm
.xxdkkkk
.xxdmmmm
.xxddddd
.xxkkkkk
.xx.....
"""
_FAST = """
.......G
.......G
......kG
.....kmG
..xxkmlG
..xxkmlG
..xxdmlk
....dmkl
....dkml
....dkmm
..xxdmkk
.xxxdmmm
.xxxdmgk
.xxxddgk
.xxxkkkk
..xx....
"""
_POWER = """
.....www
.....kGG
.xx..kGG
.xxk.kGG
.xxdddGG
.xxdmmGG
.xxdkkkk
.xxkllll
.xxklmmm
.xxklmgm
.xxklmmm
.xxklmgm
.xxkkddd
.xxdmkkk
.xxddddd
.xx..kkk
"""
_ARMOR = """
.......G
..kkk..G
.kllkkkG
kxmlmmmG
kxmlmmlG
kxmlkkkG
kxmklllk
kxmklmmm
kxmklmdd
kxmklmdd
kxmkmddd
kxmmkkkk
kxmmmmmm
kxdmgmgm
.kddgdgd
..kkkkkk
"""
TANK_LOOKS = (_BASIC, _FAST, _POWER, _ARMOR, _PLAYER_0, _PLAYER_1, _PLAYER_2, _PLAYER_3)
"""By type; a player's by 4 + level."""

# -- terrain, 8x8 ----------------------------------------------------------------------------------
_BRICK = """
BBBBBBBn
bbbbbbbn
bbbbbbvn
nnnnnnnn
BBBnBBBB
bbbnbbbb
bbvnbbbb
nnnnnnnn
"""
_STEEL = """
SSSSSSSs
Sssssssz
SsSSSSsz
SsSwSszz
SsSSszsz
SsSszzsz
Sssssssz
szzzzzzz
"""
_WATER = """
uuuuuuuu
uUUuuuuu
UuuUuuuq
uuuuquuu
uuuuuUUu
uuuuUuuU
uquuuuuu
uuuuuuuu
"""
_FOREST = """
.eFFe.eF
eFfffeFf
eFffFfff
.effffe.
eF.eeeFe
FfffeFff
ffFfeffF
.effe.ee
"""
_ICE = """
IIiiiiji
Iiiiijii
iiiijiiI
iiijiiII
iijiiIIi
ijiiIIii
jiiIIiii
iiIIiiij
"""

# -- things, 16x16 ---------------------------------------------------------------------------------
_BASE = """
kkkkkkkk
kCCCCCCC
kCcccccc
kCkkkkkk
kCkdmmmm
kCkdmmmw
kCkdmmmw
kCkdwwww
kCkdmwww
kCkdmmww
kCkkdmww
kCckdwwm
kCcckdmm
kCcXckdd
kCXXXXkk
kkkkkkkk
"""
_RUIN = """
................
................
..kk............
.kCXk......kk...
.kcXXk....kCck..
..kXXk...kcXXk..
...kkk.kkkXXk...
......kCckkk....
..kk.kcXXXk.kk..
.kCckkXXkkkkCck.
.kcXXkXkoykXXcXk
kCXXXXkorrokXXXk
kcCXkkXkorkXcXkk
kXXXXcXkkXXXXXXk
kkXkkXXXXckXXkkk
.kkkkkkkkkkkkkk.
"""
_BULLET = """
..l
.lw
.lw
.mw
..m
..d
"""
_STUN = """
................
....y......y....
...yyy....yyy...
....y..yy..y....
......yyyy......
.......yy.......
................
................
................
................
................
................
................
................
................
................
"""
_FROZEN = """
........
........
........
........
...A...A
....A..A
.....A.A
......AA
...AAAAw
......AA
.....A.A
....A..A
...A...A
........
........
........
"""

# -- power-ups: 10x10 icons on a badge ---------------------------------------------------------
_HELMET = """
...ww
.wwww
.wwAA
wwwww
wwwww
wwwww
aaaaa
.g...
.g...
..ggg
"""
_TIMER = """
....rr....
..wwwwww..
.wkkkkkkw.
wkkkkrkkkw
wkkkkrkkkw
wkkkkrrrkw
wkkkkkkkkw
.wkkkkkkw.
..wwwwww..
.ww....ww.
"""
_SHOVEL = """
......ooo.
.......oo.
......o.o.
.....o....
.w..o.....
.www......
wwSww.....
wSSSw.....
wSSw......
.ww.......
"""
_EXTRA_TANK = """
....G
....G
ll..G
llkmG
llmmm
llmkk
llmkA
llmkk
llmmm
ll...
"""
_STAR = """
....y
....y
...yy
yyyyy
.yyyw
..yyy
..yyy
.yyyy
.yyo.
yo...
"""
_GRENADE = """
...gGGG...
..gg..GG..
...gg..G..
..FFFffG..
.FFkffkff.
.FffkkffF.
.fkffffkf.
.ffkffkff.
.effkkffe.
..eeffee..
"""
_POWER_UPS = (_HELMET, _TIMER, _SHOVEL, _EXTRA_TANK, _STAR, _GRENADE)  # in params.POWER_UPS' order


class Sheet(NamedTuple):
    """All sprites, by what they show; numba takes it as it is."""

    palettes: np.ndarray  # uint8 [6, colours, 3]
    bricks: np.ndarray  # uint8 [16, 8, 8] by mask of the quarters that are there
    ground: np.ndarray  # uint8 [4, 2, 8, 8] steel, water, forest, ice; two phases
    outside: np.ndarray  # uint8 [2, 8, 8] beyond the border, unseen
    tanks: np.ndarray  # uint8 [8, 2, 4, 16, 16] look, phase of the treads, heading
    bases: np.ndarray  # uint8 [2, 16, 16] destroyed, alive
    bullets: np.ndarray  # uint8 [4, 6, 6] by heading
    power_ups: np.ndarray  # uint8 [6, 16, 16] in params.POWER_UPS' order
    shields: np.ndarray  # uint8 [2, 20, 20] two phases
    stars: np.ndarray  # uint8 [4, 16, 16] of an entering tank, growing
    explosions: np.ndarray  # uint8 [4, 24, 24] in order of time
    marks: np.ndarray  # uint8 [2, 16, 16] stunned, frozen


def art(text: str) -> np.ndarray:
    """Text to colour numbers, uint8 [height, width]."""
    return np.array([[KEY.index(mark) for mark in line] for line in text.split()], np.uint8)


def half(text: str) -> np.ndarray:
    """The same for the left half of a symmetric sprite."""
    left = art(text)
    return np.concatenate([left, left[:, ::-1]], axis=1)


def turned(sprite: np.ndarray) -> np.ndarray:
    """A sprite that points up, in the four headings up, right, down, left: [4, size, size]."""
    return np.stack([np.rot90(sprite, -k) for k in range(4)])


def palettes() -> np.ndarray:
    """uint8 [6, colours, 3]: nobody's, four teams', the flash."""
    plain = [_COLOURS[mark] for mark in KEY]
    flash = (0xA01515, 0xF4483A, 0xFFD9D0)
    rows = [plain] + [[0, *team, *plain[4:]] for team in (*_TEAMS, flash)]
    return np.array([[(c >> 16, c >> 8 & 255, c & 255) for c in row] for row in rows], np.uint8)


def _tank(text: str) -> np.ndarray:
    """[2, 4, 16, 16]: two phases of the treads, four headings."""
    plain = half(text.replace("x", "t"))
    treads = np.char.find(list("".join(text.split())), "x").reshape(16, 8) == 0
    treads = np.concatenate([treads, treads[:, ::-1]], axis=1)
    phases = []
    for phase in range(2):
        sprite = plain.copy()
        lugs = treads & ((np.arange(16)[:, None] + phase) % 2 == 0)
        sprite[lugs] = KEY.index("T")
        phases.append(turned(sprite))
    return np.stack(phases)


def _bricks() -> np.ndarray:
    whole = art(_BRICK)
    found = np.zeros((16, 8, 8), np.uint8)
    for mask in range(16):
        for quarter in range(4):
            if mask >> quarter & 1:
                top, left = quarter // 2 * 4, quarter % 2 * 4
                part = slice(top, top + 4), slice(left, left + 4)
                found[mask][part] = whole[part]
    return found


def _ground() -> np.ndarray:
    pairs = [(_STEEL, 0), (_WATER, 4), (_FOREST, 0), (_ICE, 0)]  # how far the second phase is shifted
    return np.stack([np.stack([art(text), np.roll(art(text), shift, axis=1)]) for text, shift in pairs])


def _outside() -> np.ndarray:
    plain = np.full((8, 8), KEY.index("O"), np.uint8)
    rows, columns = np.indices((8, 8))
    hatched = np.where((rows + columns) % 4 == 0, KEY.index("H"), KEY.index("k")).astype(np.uint8)
    return np.stack([plain, hatched])


def _badge(icon: np.ndarray) -> np.ndarray:
    """A 10x10 icon on a rounded badge of 16x16."""
    badge = np.full((16, 16), KEY.index("p"), np.uint8)
    badge[[0, 15], :] = badge[:, [0, 15]] = KEY.index("w")
    badge[[0, 0, 15, 15], [0, 15, 0, 15]] = 0
    badge[[1, 1, 14, 14], [1, 14, 1, 14]] = KEY.index("w")
    badge[3:13, 3:13] = np.where(icon > 0, icon, badge[3:13, 3:13])
    return badge


def _polar(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Radius and angle of every pixel from the middle."""
    middle = (size - 1) / 2
    y, x = np.indices((size, size)) - middle
    return np.hypot(x, y), np.arctan2(y, x)


def _shields() -> np.ndarray:
    radius, angle = _polar(20)
    ring = (radius > 8.6) & (radius < 9.9)
    phases = []
    for phase in range(2):
        dash = ((angle / np.pi * 6 + phase * 0.5) % 1.0) < 0.5
        phases.append(np.where(ring, np.where(dash, KEY.index("A"), KEY.index("a")), 0))
    return np.array(phases, np.uint8)


def _stars() -> np.ndarray:
    y, x = np.abs(np.indices((16, 16)) - 7.5)
    frames = []
    for size in (2.5, 4.5, 6.5, 8.0):
        reach = np.sqrt(x) + np.sqrt(y)
        frame = np.where(reach <= np.sqrt(size) + 0.75, KEY.index("l"), 0)
        frames.append(np.where(reach <= np.sqrt(size) + 0.1, KEY.index("w"), frame))
    return np.array(frames, np.uint8)


def _explosions() -> np.ndarray:
    radius, angle = _polar(24)
    frames = []
    for size, hole, phase in ((5.0, 0.0, 0.0), (8.5, 0.0, 1.0), (11.5, 3.0, 2.0), (11.5, 7.5, 3.0)):
        edge = size * (0.82 + 0.18 * np.cos(7 * angle + phase))
        frame = np.zeros((24, 24), np.uint8)
        for mark, share in (("r", 1.0), ("o", 0.8), ("y", 0.6), ("w", 0.35)):
            frame[(radius <= edge * share) & (radius >= hole)] = KEY.index(mark)
        frames.append(frame)
    return np.stack(frames)


def make_sheet() -> Sheet:
    """All sprites."""
    icons = [half(text) if len(text.split()[0]) == 5 else art(text) for text in _POWER_UPS]
    return Sheet(
        palettes=palettes(),
        bricks=_bricks(),
        ground=_ground(),
        outside=_outside(),
        tanks=np.stack([_tank(text) for text in TANK_LOOKS]),
        bases=np.stack([art(_RUIN), half(_BASE)]),
        bullets=turned(half(_BULLET)),
        power_ups=np.stack([_badge(icon) for icon in icons]),
        shields=_shields(),
        stars=_stars(),
        explosions=_explosions(),
        marks=np.stack([art(_STUN), half(_FROZEN)]),
    )


SHEET = make_sheet()
