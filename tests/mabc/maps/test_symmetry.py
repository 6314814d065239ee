"""Turning and mirroring maps."""

import numpy as np
import pytest

from mabc.maps import load, names, parse, rotated, symmetries
from mabc.params import BRICK


def test_symmetries_name_who_takes_whose_place():
    assert symmetries(parse("A.B\n...\nA.B")) == {
        "mirror_x": (2, 1),
        "mirror_y": (1, 2),
        "rotate_180": (2, 1),
    }
    assert symmetries(parse("A..\n...\n..B")) == {"rotate_180": (2, 1)}
    assert symmetries(parse("AE.\n...\n..B")) == {}
    assert symmetries(parse("A#B\n...\n...")) == {"mirror_x": (2, 1)}
    assert symmetries(parse(".A.\nD.B\n.C."))["rotate_90"] == (2, 3, 4, 1)
    assert symmetries(parse("A..\n...\n...\n..B")) == {"rotate_180": (2, 1)}


def test_symmetries_look_at_quarters_of_brick():
    rows = ["AA..BB", "AA..BB", "1....2", "......", "......", "4....8"]
    assert symmetries(parse("\n".join(rows), unit="tile")) == {"mirror_x": (2, 1)}
    rows[2] = "1....1"
    assert symmetries(parse("\n".join(rows), unit="tile")) == {}
    turned = parse("\n".join(["AA..BB", "AA..BB", ".1.2..", "..8...", "DD..CC", "DD..CC"]), unit="tile")
    assert symmetries(turned) == {}
    turned = parse("\n".join(["AA..BB", "AA..BB", "..12..", "..48..", "DD..CC", "DD..CC"]), unit="tile")
    assert symmetries(turned)["rotate_90"] == (2, 3, 4, 1)


def test_a_map_is_turned_clockwise():
    """By hand: what was on the left is at the top."""
    turned = rotated(parse("A.#\n.%.\nE.B\n~@_", name="yard"))
    assert turned.text == "~E.A\n@.%.\n_B.#"
    assert turned.name == "yard, turned 90"
    assert (turned.entries[0], turned.entries[1]) == (((56, 8),), ((24, 40),))
    assert turned.bases[0] == ((24, 8),)


def test_quarters_of_brick_turn_with_a_map():
    """By hand: 1 top left goes to 2 top right, that to 8 bottom right, that to 4 bottom left."""
    text = "tiles\nAA1248\nAA3c5a\n7bde69\n......\n......\n......"
    turned = ["tiles", "...bAA", "...eAA", "...7a2", "...d58", "...931", "...6c4"]
    assert rotated(parse(text)).text.split("\n") == turned
    assert rotated(rotated(parse(text))).text == rotated(parse(text), 2).text


@pytest.mark.parametrize("name", names())
def test_four_quarter_turns_of_a_map_are_the_map(name):
    """And the opposite one turns both coordinates of all that is on it round."""
    whole = load(name)
    turned = whole
    for _ in range(4):
        turned = rotated(turned)
    assert (turned.text, turned.entries, turned.bases) == (whole.text, whole.entries, whole.bases)
    opposite = rotated(whole, 2)
    kinds = [np.where((tiles > 0) & (tiles < BRICK), BRICK, tiles) for tiles in (opposite.tiles, whole.tiles)]
    assert np.array_equal(kinds[0], kinds[1][::-1, ::-1])
    height, width = (8 * side for side in whole.tiles.shape)
    assert [{(width - x, height - y) for x, y in team} for team in whole.entries] == list(map(set, opposite.entries))
    assert rotated(whole, 4) is whole
