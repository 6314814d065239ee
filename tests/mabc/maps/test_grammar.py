import contextlib
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mabc import params
from mabc.maps import MapError, parse, place, to_text

SMALL = """
B.#F#.B
..###..
.%...%.
~~._.~~
.%...%.
.@###@.
A.#E#.A
"""


def test_block_map():
    field = parse(SMALL, name="ford")
    assert (field.name, field.unit, field.width, field.height) == ("ford", "block", 7, 7)
    assert field.tiles.shape == (14, 14)
    assert field.tiles.dtype == np.uint8
    assert field.entries == (((8, 104), (104, 104)), ((8, 8), (104, 8)), (), ())
    assert field.bases == (((56, 104),), ((56, 8),), (), ())
    column, row = 1, 5
    assert field.tiles[2 * row, 2 * column] == params.STEEL
    top = field.tiles[0].tolist()
    assert top == [0] * 4 + [params.BRICK] * 2 + [params.BASE] * 2 + [params.BRICK] * 2 + [0] * 4
    assert field.tiles[6].tolist() == [17] * 4 + [0] * 2 + [params.ICE] * 2 + [0] * 2 + [17] * 4
    assert field.tiles[4, 2:4].tolist() == [params.FOREST] * 2


def test_tile_map_has_partial_bricks_and_letters_of_2x2():
    field = parse("tiles\n.AA12~\n.AA3e~\nEEEE5a\nEEEEcf".replace("f", "#") + "\n......\n......")
    assert field.unit == "tile"
    assert (field.width, field.height) == (3, 3)
    assert field.entries[0] == ((16, 8),)
    assert field.bases[0] == ((8, 24), (24, 24))
    assert field.tiles[0].tolist() == [0, 0, 0, 1, 2, 17]
    assert field.tiles[1, 3:].tolist() == [3, 14, 17]
    assert field.tiles[3].tolist() == [20, 20, 20, 20, 12, 15]


def test_letters_are_read_greedily_from_the_top_left():
    field = parse(".AA...\n.AA...\nAA....\nAABB..\n..BB..\n......", unit="tile")
    assert field.entries[:2] == (((16, 8), (8, 24)), ((24, 32),))


def test_first_line_tiles_wins_over_the_unit():
    assert parse("tiles\n" + "AA....\n" * 2 + "......\n" * 4, unit="block").unit == "tile"


def test_text_is_canonical():
    indented = "\r\n" + "".join(f"    {line}  \r\n" for line in SMALL.strip().split("\n")) + "\n  \n"
    field = parse(indented)
    assert field == parse(SMALL)
    assert field.hash == parse(SMALL).hash
    assert parse(field.text) == field
    assert field.text == SMALL.strip("\n")


def test_a_map_is_a_value():
    field = parse(SMALL)
    assert hash(field) == hash(parse(SMALL))
    assert pickle.loads(pickle.dumps(field)) == field
    with pytest.raises(ValueError, match="read-only"):
        field.tiles[0, 0] = 1


@pytest.mark.parametrize(
    ("row", "char", "words"),
    [
        ("A..x.", "x", ["did you mean '#' (brick)", "@ steel", "A-D entries"]),
        ("A..,.", ",", ["did you mean '.' (empty)"]),
        ("A..b.", "b", ["did you mean 'B' (entry of team 2)", "tile maps"]),
        ("A..7.", "7", ["Partial bricks are for tile maps, whose first line is `tiles`"]),
        ("A.. .", " ", ["did you mean '.' (empty)"]),
        ("A..é.", "é", ["'é'"]),
        ("A..\x00.", "\x00", [r"'\x00'"]),
        ("A..Z.", "Z", ["'Z' is no block of a map; Legal"]),
    ],
)
def test_wrong_character(row, char, words):
    with pytest.raises(MapError) as caught:
        parse(f".....\n{row}\n.....", name="mine")
    message = str(caught.value)
    assert message.startswith("map 'mine': row 2, column 4: ")
    for word in [repr(char), *words]:
        assert word in message


def test_wrong_character_of_a_tile_map():
    with pytest.raises(MapError, match=r"row 1, column 3: 'f' .* mean '#'.*1-9 and a-e"):
        parse("tiles\n..f...\n" + "......\n" * 5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        (" \n\n ", "empty"),
        ("tiles\n", "nothing follows"),
        ("Tile:\nAA", "did you mean `tiles`"),
        ("A....\n....\n.....\n.....", "row 2 has 4 characters, expected 5"),
        (".....\n.....\n.....", "no entry"),
        ("EFGH.\n.....\n.....", "no entry"),
        ("A.\n..", "2x2 blocks: the least is 3x3, the most 26x26"),
        ("A" + "." * 26 + ("\n" + "." * 27) * 4, "27x5 blocks"),
        ("tiles\n" + "AA...\n" * 2 + ".....\n" * 4, "5x6 tiles: both must be even"),
        ("tiles\n" + "AA..\n" * 2 + "....\n" * 2, "2x2 blocks"),
        ("tiles\nAA..A.\nAA....\n" + "......\n" * 4, "row 1, column 5: .* covers 2x2 tiles"),
        ("tiles\nAAA...\nAAA...\n" + "......\n" * 4, "row 1, column 3: .* covers 2x2 tiles"),
        ("tiles\n" + "......\n" * 5 + "....EE", "row 6, column 5: .* base of team 1 covers 2x2 tiles"),
        ("tiles\n" + "......\n" * 4 + ".....E\n.....E", "row 5, column 6: .* covers 2x2 tiles"),
        (("A" * 5 + "\n") * 5, "25 entries 'A': a team has at most 24"),
        ("A....\nEEEEE\nFFFF.", "9 bases: a map has at most 8"),
        ("." * 70_000, "70000 characters"),
    ],
)
def test_bad_texts(text, message):
    with pytest.raises(MapError, match=message):
        parse(text)


def test_unknown_unit():
    with pytest.raises(MapError, match="unknown unit 'tiles': 'block' or 'tile'"):
        parse(SMALL, unit="tiles")


def test_a_map_without_entries_where_none_is_needed():
    assert parse(".....\n.....\n.....", need_entries=False).entries == ((), (), (), ())


def test_to_text_writes_terrain_and_bases_but_no_entries():
    text = to_text(parse("A#E\n~@%\n_..").tiles, parse("A#E\n~@%\n_..").bases)
    assert text == "..##EE\n..##EE\n~~@@%%\n~~@@%%\n__....\n__...."
    assert to_text(parse("A..\n...\n...").tiles, header=True).startswith("tiles\n......\n")


def test_to_text_refuses_what_it_cannot_write():
    field = parse(SMALL)
    with pytest.raises(MapError, match="nothing is written for code 20"):
        to_text(field.tiles)
    with pytest.raises(MapError, match=r"base E at .* stands on terrain code 0"):
        to_text(np.zeros((6, 6), np.uint8), [[(8, 8)]])
    with pytest.raises(MapError, match="nothing is written for code 99"):
        to_text(np.full((6, 6), 99, np.uint8))


def test_place_counts_in_characters_of_the_map():
    block, tile = parse(SMALL), parse("......\n..AA..\n..AA..\n" + "......\n" * 3, unit="tile")
    assert place(block, block.entries[1][1]) == "row 1, column 7"
    assert place(tile, tile.entries[0][0]) == "row 2, column 3"


def blocks_of(draw, chars):
    width, height = draw(st.integers(3, 26)), draw(st.integers(3, 26))
    rows = draw(st.lists(st.text(chars, min_size=width, max_size=width), min_size=height, max_size=height))
    return [list(row) for row in rows]


@st.composite
def block_maps(draw):
    """Any terrain with a few letters."""
    rows = blocks_of(draw, ".#@~%_")
    for letter in "A" + draw(st.text("ABCDEFGH", max_size=8)):
        row = draw(st.integers(0, len(rows) - 1))
        rows[row][draw(st.integers(0, len(rows[0]) - 1))] = letter
    rows[0][0] = "A"
    return "\n".join(map("".join, rows))


@st.composite
def tile_maps(draw):
    """Any terrain, partial bricks too, with squares of letters anywhere on the lattice of tiles."""
    width, height = 2 * draw(st.integers(3, 10)), 2 * draw(st.integers(3, 10))
    rows = [list(draw(st.text(".#@~%_123456789abcde", min_size=width, max_size=width))) for _ in range(height)]
    taken = set()
    for letter in "A" + draw(st.text("ABCDEFGH", max_size=8)):
        top, left = draw(st.integers(0, height - 2)), draw(st.integers(0, width - 2))
        square = {(top + down, left + right) for down in (0, 1) for right in (0, 1)}
        if not square & taken:
            taken |= square
            for row, col in square:
                rows[row][col] = letter
    return "\n".join(["tiles", *map("".join, rows)])


@given(st.one_of(block_maps(), tile_maps()))
def test_reading_and_writing_are_inverse(text):
    field = parse(text)
    assert field.text == text
    again = parse(to_text(field.tiles, field.bases), unit="tile", need_entries=False)
    np.testing.assert_array_equal(again.tiles, field.tiles)
    assert again.bases == field.bases
    with_header = to_text(field.tiles, field.bases, header=True)
    assert parse(with_header, need_entries=False) == again


@given(st.text(max_size=200), st.sampled_from(["block", "tile"]))
def test_any_text_is_a_map_or_a_map_error(text, unit):
    with contextlib.suppress(MapError):
        assert any(parse(text, unit).entries)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["A..", "...", "..B"], "not list; join its rows"),
        (b"A..\n...\n..B", "not bytes; decode it"),
        (None, "not NoneType"),
        (7, "not int"),
    ],
)
def test_what_is_no_text_is_refused_with_what_would_do(given, says):
    with pytest.raises(
        TypeError, match=r"parse\(\) takes the text of a map, one str with a line for each row, " + says
    ):
        parse(given)


def test_tiles_that_are_no_array_are_refused():
    with pytest.raises(TypeError, match=r"to_text\(\) takes tiles as an array, uint8 \[H, W\], not list"):
        to_text([[0, 0], [0, 0]])
