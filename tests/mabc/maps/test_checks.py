import numpy as np
import pytest

from mabc.maps import fits, parse, problems, reachable, regions, touching

OPEN = """
B...B
.....
.#F#.
.....
A...A
"""


def test_a_good_map_has_no_problems():
    field = parse(OPEN)
    for mode, teams in [("skirmish", (2, 2)), ("siege", (2, 2)), ("scout", (1, 2)), ("siege", (2, 0))]:
        assert problems(field, mode, teams) == []


def test_missing_entry():
    assert problems(parse("A..\n...\n..."), "skirmish", (1, 1)) == [
        "team 2 has no entry: put at least one 'B' on the map"
    ]


def test_too_few_entries_where_all_start_at_once():
    field = parse(OPEN.replace("F", "E"))
    (sentence,) = problems(field, "skirmish", (2, 5))
    assert "starts with 5 tanks at once, the map has 2 of its entries: put 3 more 'B'" in sentence
    assert "take 3 tanks away" in sentence
    assert problems(field, "defend", (2, 20)) == []  # a wave enters by and by


@pytest.mark.parametrize(
    ("mode", "letters"), [("defend", "E"), ("siege", "F"), ("scout", "F"), ("versus", "EF"), ("skirmish", "")]
)
def test_missing_bases(mode, letters):
    field = parse("A..\n...\n..B")
    assert [f"put {letter!r} on the map" in sentence for letter, sentence in zip(
        letters, problems(field, mode, (1, 1)), strict=True
    )] == [True] * len(letters)  # fmt: skip


def test_entry_walled_in_by_steel_is_cut_off_and_by_brick_is_not():
    text = "B@...\n@@...\n.....\n.....\nA.A.."
    (sentence,) = problems(parse(text), "skirmish", (2, 1))
    assert "entry 'B' at row 1, column 1 is cut off" in sentence
    assert "steel or water" in sentence
    assert problems(parse(text.replace("@", "#")), "skirmish", (2, 1)) == []
    assert len(problems(parse(text.replace("@", "~")), "skirmish", (2, 1))) == 1


def test_a_gap_of_one_tile_is_too_narrow():
    rows = ["AA....", "AA....", "@.@@@@", "......", "....BB", "....BB"]
    assert problems(parse("\n".join(rows), unit="tile"), "skirmish", (1, 1))
    rows[2] = "@..@@@"
    assert problems(parse("\n".join(rows), unit="tile"), "skirmish", (1, 1)) == []


def test_base_behind_water():
    field = parse("..~F~\n..~~~\nB....\n.....\nA...A")
    (sentence,) = problems(field, "siege", (2, 1))
    assert sentence.startswith("the base 'F' at row 1, column 4 cannot be reached by team 1 from its entry at row 5")
    assert problems(field, "skirmish", (2, 1)) == []


def test_a_base_need_not_be_reachable_for_its_own_team_alone():
    # Only team 3, which does not play, is near the base.
    assert problems(parse("A.@@E\n..@@.\nB.@@C"), "defend", (1, 1)) != []
    assert problems(parse("A..@E\n...@@\n..B.."), "skirmish", (1, 1)) == []


def test_teams_that_do_not_play_are_not_looked_at():
    field = parse("A...B\n.....\n.....\n..@@@\n..@C@")
    assert problems(field, "skirmish", (1, 1)) == []
    assert problems(field, "skirmish", (1, 1, 0)) == []
    assert len(problems(field, "skirmish", (1, 1, 1))) == 1


def test_too_many_teams_and_unknown_mode():
    assert "5 teams are too many" in problems(parse(OPEN), "skirmish", (1,) * 5)[0]
    with pytest.raises(ValueError, match="unknown mode 'seige': did you mean 'siege'"):
        problems(parse(OPEN), "seige", (1, 1))


def test_fits_and_reachable_by_hand():
    tiles = parse("A#.\n.#.\n.@.").tiles
    assert fits(tiles).tolist() == [[True] * 5] * 3 + [[True, False, False, False, True]] * 2
    assert fits(tiles, through_brick=False).tolist() == [[True, False, False, False, True]] * 5
    assert reachable(tiles, (8, 8)).sum() == 19
    shut = reachable(tiles, (8, 8), through_brick=False)
    assert shut.tolist() == [[True, False, False, False, False]] * 5
    assert not reachable(tiles, (24, 40)).any()


@pytest.mark.parametrize("start", [(0, 8), (8, 48), (12, 8)])
def test_reachable_wants_a_position(start):
    with pytest.raises(ValueError, match="no position"):
        reachable(parse("A..\n...\n...").tiles, start)


def test_one_quarter_of_brick_blocks_a_tank_that_does_not_shoot():
    tiles = np.zeros((6, 6), np.uint8)
    tiles[2, :] = 8
    assert regions(tiles).max() == 1
    assert regions(tiles, through_brick=False)[:, 0].tolist() == [1, 0, 0, 2, 2]


def test_regions_agree_with_reachable():
    tiles = np.random.default_rng(0).choice(np.array([0, 0, 0, 15, 16, 17], np.uint8), (20, 26)).repeat(2, 0)
    labels = regions(tiles)
    for label in range(1, labels.max() + 1):
        row, col = np.argwhere(labels == label)[0].tolist()
        np.testing.assert_array_equal(reachable(tiles, (8 * col + 8, 8 * row + 8)), labels == label)


def test_touching_is_a_shared_edge_and_no_corner():
    near = touching(np.zeros((8, 8), np.uint8), (32, 32))
    assert near.astype(int).tolist() == [
        [0, 0, 0, 0, 0, 0, 0],
        [0, 0, 1, 1, 1, 0, 0],
        [0, 1, 0, 0, 0, 1, 0],
        [0, 1, 0, 0, 0, 1, 0],
        [0, 1, 0, 0, 0, 1, 0],
        [0, 0, 1, 1, 1, 0, 0],
        [0, 0, 0, 0, 0, 0, 0],
    ]
