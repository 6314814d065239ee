import time

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mabc.maps import MODES, MapError, generate, problems, reachable, regions, symmetries, touching

SEED_7 = """\
~.B.B.B.B.B..
~.....@.%%...
........%%###
..%%.#.....@#
..##.#.##..@#
.~~..#......#
........_.%%.
.~~..#......#
..##.#.##..@#
..%%.#.....@#
........%%###
~.....@.%%...
~.A.A.A.A.A..
"""


@st.composite
def wishes(draw):
    mode = draw(st.sampled_from(MODES))
    wish = {
        "mode": mode,
        "width": draw(st.integers(7, 26)),
        "height": draw(st.integers(7, 26)),
        "entries": draw(st.integers(1, 8)),
        "density": draw(st.floats(0, 0.9)),
        "symmetric": draw(st.booleans()),
    }
    if mode in ("skirmish", "versus"):
        wish["teams"] = draw(st.integers(2, 4))
        wish["bases"] = draw(st.booleans())
        if wish["teams"] > 2:
            wish["height"] = wish["width"]
    return wish


@settings(max_examples=200)
@given(st.integers(0, 2**64), wishes())
def test_what_must_be_reachable_is(seed, wish):
    try:
        field = generate(seed, **wish)
    except MapError as error:  # a small map has no room for many
        assume("have room for" not in str(error))
        raise
    tanks = [len(places) for places in field.entries]
    assert problems(field, wish["mode"], tanks) == []
    # Without a shot: from every entry to every other, …
    start = field.entries[0][0]
    there = reachable(field.tiles, start, through_brick=False)
    for places in field.entries:
        for x, y in places:
            assert there[y // 8 - 1, x // 8 - 1]
    # … and through brick alone to every base.
    there = reachable(field.tiles, start)
    for base in (base for places in field.bases for base in places):
        assert (there & touching(field.tiles, base)).any()


@settings(max_examples=50)
@given(st.integers(0, 2**32), st.integers(7, 20), st.integers(7, 20), st.booleans())
def test_two_teams_have_the_same(seed, width, height, bases):
    field = generate(seed, width, height, entries=3 if bases else 4, bases=bases)
    assert (2, 1) in symmetries(field).values()


@pytest.mark.parametrize("seed", range(10))
def test_three_and_four_teams_have_the_same(seed):
    field = generate(seed, width=15, height=15, teams=4, entries=4, mode="versus")
    assert symmetries(field)["rotate_90"] == (2, 3, 4, 1)
    field = generate(seed, teams=3, entries=4)
    for here, there in ((0, 1), (1, 2)):
        assert {(13 * 16 - y, x) for x, y in field.entries[here]} == set(field.entries[there])


@pytest.mark.parametrize("mode", ["defend", "siege"])
def test_left_is_as_right(mode):
    assert symmetries(generate(5, mode=mode, entries=4)).get("mirror_x") == (1, 2)


def test_symmetric_is_a_choice():
    assert not any(symmetries(generate(seed, symmetric=False)) for seed in range(10))


def test_same_arguments_same_map_and_other_seed_other_map():
    assert generate(7) == generate(7)
    assert generate(7).name == "generator:7"
    assert len({generate(seed).hash for seed in range(200)}) == 200


def test_a_seed_gives_its_map_on_every_machine():
    # Results name their maps by seed: a change here makes them wrong, so it is a change of version.
    assert generate(7).text == SEED_7.rstrip("\n")


def test_numbers_of_entries():
    assert [len(places) for places in generate(0, entries=(5, 6)).entries] == [5, 6, 0, 0]
    assert [len(places) for places in generate(0, entries=20, width=17, height=17).entries[:2]] == [20, 20]
    scout = generate(0, entries=(3, 8), mode="scout")
    assert [len(places) for places in scout.entries] == [3, 8, 0, 0]
    assert len(scout.bases[1]) == 4
    assert generate(0, entries=2, mode="defend").entries[:2] == (
        ((72, 200), (136, 200)),
        ((8, 8), (104, 8), (200, 8)),
    )


def test_density_is_the_share_of_terrain():
    def share(density):
        return np.mean([(generate(seed, density=density).tiles > 0).mean() for seed in range(20)])

    assert share(0) == 0
    assert 0.2 < share(0.35) < 0.4
    assert share(0.1) < share(0.35) < share(0.6)


def test_all_kinds_of_terrain_appear():
    seen = {code for seed in range(20) for code in np.unique(generate(seed).tiles).tolist()}
    assert seen == {0, 15, 16, 17, 18, 19}


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"seed": -1}, "seed=-1"),
        ({"width": 5}, "5x13 blocks: each side is 7 to 26"),
        ({"height": 27}, "13x27"),
        ({"density": 1.0}, "density=1.0"),
        ({"teams": 5}, "mode 'skirmish' is for 2 to 4"),
        ({"teams": 3, "mode": "siege"}, "mode 'siege' is for 2"),
        ({"teams": 3, "width": 15}, "15x13 blocks: three and four teams need a square map"),
        ({"entries": (5,)}, "one number from 1 for each of 2 teams"),
        ({"entries": 0}, "one number from 1"),
        ({"entries": 20, "width": 9, "height": 9}, "9x9 blocks have room for 14, not 20"),
        ({"entries": (5, 30), "mode": "scout"}, "have room for"),
    ],
)
def test_wishes_that_cannot_be_met(wish, message):
    with pytest.raises(MapError, match=message):
        generate(**{"seed": 0, **wish})


def test_unknown_mode():
    with pytest.raises(ValueError, match="did you mean 'versus'"):
        generate(0, mode="verses")


def test_it_is_fast():
    generate(0)
    start = time.perf_counter()
    for seed in range(50):
        generate(seed, width=26, height=26)
    assert (time.perf_counter() - start) / 50 < 0.02  # measured: 2 ms; 0.5 ms at the default size


def test_regions_without_brick_are_one_for_all_entries():
    field = generate(3, density=0.9)
    labels = regions(field.tiles, through_brick=False)
    assert len({int(labels[y // 8 - 1, x // 8 - 1]) for places in field.entries for x, y in places}) == 1
