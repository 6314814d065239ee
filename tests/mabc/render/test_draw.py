"""Sprites and drawing: every picture shows what the record says, and nothing else changes."""

import numpy as np
import pytest

from mabc import Team
from mabc.params import DOWN, POWER_UPS
from mabc.render import ansi, draw_world, frame
from mabc.render.sprites import FLASH, GROUND, KEY, SHEET

FIELD = "\n".join(["B.B...F...B.B", *["............."] * 11, "A.A...E...A.A"])
TEAMS = ("player player", "basic armor")


@pytest.fixture(scope="module")
def game(play):
    return play(FIELD, TEAMS, "versus", power_up_period=30_000)


@pytest.fixture(autouse=True)
def stage(game):
    game.env.reset(seed=0)
    for i, (x, y) in enumerate([(8, 200), (40, 200), (200, 8), (168, 8)]):
        game.put(i, x, y, "right")


def around(picture, x, y, half=8):
    return picture[y - half : y + half, x - half : x + half]


def painted(sprite, palette=0):
    """A sprite on bare ground."""
    return np.where(sprite[..., None] > 0, SHEET.palettes[palette][sprite], SHEET.palettes[0, GROUND])


def test_sprites_are_data():
    colours = SHEET.palettes.shape[1]
    assert colours == len(KEY) == len(set(KEY))
    for name, sprites in SHEET._asdict().items():
        assert sprites.dtype == np.uint8
        if name != "palettes":
            assert sprites.max() < colours, name
    looks = {SHEET.tanks[k, 0, 0].tobytes() for k in range(8)}
    icons = {SHEET.power_ups[k].tobytes() for k in range(len(POWER_UPS))}
    assert (len(looks), len(icons)) == (8, 6), "no two look alike"
    assert (SHEET.tanks[:, 0, DOWN] == SHEET.tanks[:, 0, 0, ::-1, ::-1]).all()
    assert (SHEET.tanks[:, 0] != SHEET.tanks[:, 1]).any(axis=(1, 2, 3)).all(), "treads roll"


def test_team_colours_differ_for_everybody():
    """Also by lightness: two teams that look alike in grey differ strongly in blue against yellow."""
    middle = SHEET.palettes[1:5, KEY.index("m")].astype(int)
    for a in range(4):
        for b in range(a):
            assert np.abs(middle[a] - middle[b]).sum() > 100


@pytest.mark.parametrize("scale", [1, 3])
def test_size(game, scale):
    picture = frame(game.world, game.env.view.spec[0], scale)
    assert picture.shape == (208 * scale, 208 * scale, 3)
    assert picture.dtype == np.uint8
    assert (picture[::scale, ::scale] == draw_world(game.env)).all()


def test_scale_must_be_positive(game):
    with pytest.raises(ValueError, match="scale=0"):
        draw_world(game.env, 0, scale=0)


def test_drawing_changes_nothing(game):
    before = game.env.worlds.tobytes()
    draw_world(game.env)
    ansi(game.env)
    assert game.env.worlds.tobytes() == before


@pytest.mark.parametrize(("level", "heading"), [(0, 0), (1, 1), (2, 2), (3, 3)])
def test_tanks(game, level, heading):
    game.put(0, 104, 104, ("up", "right", "down", "left")[heading], level=level)
    assert (around(draw_world(game.env), 104, 104) == painted(SHEET.tanks[4 + level, 0, heading], 1)).all()


def test_an_armor_tank_shows_its_hits(game):
    game.put(3, 104, 104, "up")
    row = draw_world(game.env)[110:112, 96:112]
    white = (row == 255).all(axis=(0, 2))
    assert white.tolist() == [False, True, True, False] * 4
    game.tank(3)["hits"] = 2
    row = draw_world(game.env)[110:112, 96:112]
    assert (row == 255).all(axis=(0, 2)).sum() == 4


def test_carriers_flash(game):
    game.put(2, 104, 104, "up", carrier=1)
    game.world["frame"] = 8
    assert (around(draw_world(game.env), 104, 104) == painted(SHEET.tanks[0, 0, 0], FLASH)).all()
    game.world["frame"] = 0
    assert (around(draw_world(game.env), 104, 104) == painted(SHEET.tanks[0, 0, 0], 2)).all()


def test_forest_covers_tanks_and_bullets(game):
    game.paint("%%\n%%", 12, 12)
    forest = SHEET.ground[2, 0]
    game.put(0, 104, 104)
    game.shoot(0, 104, 104, "up")
    leaves = np.tile(forest, (2, 2))
    picture = around(draw_world(game.env), 104, 104)
    assert (picture[leaves > 0] == SHEET.palettes[0][leaves[leaves > 0]]).all()
    assert (picture[leaves == 0] != SHEET.palettes[0, GROUND]).any(), "it shows through the gaps"


@pytest.mark.parametrize("mask", range(1, 16))
def test_brick_by_quarters(game, mask):
    game.world["terrain"][12 * 26 + 12] = mask
    tile = draw_world(game.env)[96:104, 96:104]
    there = (tile != SHEET.palettes[0, GROUND]).any(axis=2)
    for quarter in range(4):
        part = there[quarter // 2 * 4 : quarter // 2 * 4 + 4, quarter % 2 * 4 : quarter % 2 * 4 + 4]
        assert part.all() if mask >> quarter & 1 else not part.any()


def test_every_terrain_looks_different(game):
    game.paint("#@~%_.", 10, 10)
    row = draw_world(game.env)[80:88, 80:128]
    assert len({row[:, 8 * k : 8 * k + 8].tobytes() for k in range(6)}) == 6


def test_bases(game):
    assert (around(draw_world(game.env), 104, 200) == painted(SHEET.bases[1], 1)).all()
    game.world["bases"][0]["alive"] = 0
    assert (around(draw_world(game.env), 104, 200) == painted(SHEET.bases[0])).all()


@pytest.mark.parametrize("kind", range(6))
def test_power_ups_lie_on_top(game, kind):
    game.put(0, 104, 104)
    game.world["power_up"], game.world["power_up_x"], game.world["power_up_y"] = kind, 104, 104
    icon = SHEET.power_ups[kind]
    picture = around(draw_world(game.env), 104, 104)
    assert (picture[icon > 0] == SHEET.palettes[0][icon[icon > 0]]).all()


@pytest.mark.parametrize("field", ["shield", "stun", "entering"])
def test_marks(game, field):
    game.put(0, 104, 104)
    plain = draw_world(game.env)
    game.tank(0)[field] = 20
    changed = (draw_world(game.env) != plain).any(axis=2)
    assert changed.any()
    assert not changed[:94].any()
    assert not changed[:, :94].any()


def test_a_timer_marks_the_frozen(game):
    plain = draw_world(game.env)
    game.world["frozen"][0] = 10
    changed = (draw_world(game.env) != plain).any(axis=2)
    assert changed[192:208, 0:16].any()
    assert changed[192:208, 32:48].any()
    assert not changed[:100].any()


def test_explosions(game):
    game.put(0, 104, 104)
    game.tank(0)["alive"] = 0
    pictures = set()
    for wait in (32, 24, 16, 8):
        game.tank(0)["wait"] = wait
        pictures.add(around(draw_world(game.env), 104, 104, 12).tobytes())
    game.tank(0)["wait"] = 0
    assert (around(draw_world(game.env), 104, 104, 12) == SHEET.palettes[0, GROUND]).all()
    assert len(pictures) == 4


def test_nothing_is_drawn_beyond_the_edge(game):
    """Things half outside, in every corner, are cut; the frame is as large as the field."""
    for x in (0, 208):
        for y in (0, 208):
            game.put(0, x, y, "up", shield=9, stun=9)
            game.shoot(0, x, y, "left")
            draw_world(game.env)


# -- text -------------------------------------------------------------------------------------------


def test_ansi_fits_a_terminal(game):
    lines = ansi(game.env).split("\n")
    assert len(lines) == 30
    assert max(map(len, lines)) <= 80
    assert lines[1] == "+" + "-" * 52 + "+" == lines[28]


def test_ansi_shows_everything(game):
    game.put(0, 104, 104, "up")
    game.put(1, 104, 136, "left")
    game.put(2, 152, 136, "down", entering=9)
    game.shoot(2, 60, 60, "up")
    game.paint("#@~%_", 2, 20)
    game.world["terrain"][21 * 26 + 2] = 6
    game.world["power_up"], game.world["power_up_x"], game.world["power_up_y"] = 4, 128, 32
    game.world["bases"][1]["alive"] = 0
    lines = [line[1:-1] for line in ansi(game.env).split("\n")[2:28]]
    assert lines[12][24:28] == "[^^]"
    assert lines[13][24:28] == "[A0]"
    assert lines[16][24:28] == "<=A]"
    assert lines[17][24:28] == "<=1]"
    assert lines[16][36:40] == "\\B0/"
    assert lines[7][15] == "*"
    assert lines[20][4:14] == "██▓▓~~%%··"
    assert lines[21][4:6] == "▄▀"
    assert lines[3][30:34] == "STAR"
    assert lines[0][24:28] == "xxxx"
    assert lines[24][24:28] == "/AA\\"


def test_ansi_colours_say_the_same(game):
    import re

    game.put(0, 104, 104)
    coloured = ansi(game.env, colour=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == ansi(game.env)


def test_ansi_of_a_large_field(play):
    field = "\n".join(["A" + "." * 24 + "B"] + ["." * 26] * 25)
    game = play(field, ("player", "player"))
    lines = ansi(game.env).split("\n")
    assert len(lines) == 30
    assert max(map(len, lines)) <= 80
    assert lines[2].startswith("|A")
    assert "B" in lines[2]
    assert draw_world(game.env).shape == (416, 416, 3)


def test_waves_are_counted(play):
    game = play(
        "B.....B\n.......\n.......\n...E...\nA.....A",
        (Team(("player",), lives=3), Team(("basic",) * 4, "classic", wave=("basic",) * 20)),
        "defend",
    )
    assert ansi(game.env).split("\n")[-1] == "A: 1/1 tanks   B: 0/4 tanks +20"
