from collections import Counter

import numpy as np
import pytest

from mabc.maps import PURPOSES, MapError, generate, load, names, parse, problems, split, symmetries

BATTLES = ("skirmish", "versus")


def test_there_are_enough_maps_and_each_has_a_purpose():
    assert set(names()) == set(PURPOSES)
    assert len(names()) >= 20
    assert {mode for mode, _ in PURPOSES.values()} == {"skirmish", "versus", "defend", "siege", "scout"}
    assert len({load(name).hash for name in names()}) == len(names())


@pytest.mark.parametrize("name", names())
def test_map_serves_its_purpose(name):
    field = load(name)
    assert field.name == name
    assert problems(field, *PURPOSES[name]) == []


@pytest.mark.parametrize("name", [name for name in names() if PURPOSES[name][0] in BATTLES])
def test_battle_maps_favour_no_team(name):
    field, (mode, teams) = load(name), PURPOSES[name]
    assert len(set(teams)) == 1
    swaps = symmetries(field)
    if len(teams) == 2:
        assert (2, 1) in swaps.values()
    if len(teams) == 4:
        assert swaps["rotate_90"] == (2, 3, 4, 1)
    if len(teams) == 3:  # a quarter turn takes team 1 to 2 and 2 to 3; the fourth side is empty
        side = field.tiles.shape[0] * 8
        for places in (field.entries, field.bases) if mode == "versus" else (field.entries,):
            for here, there in ((0, 1), (1, 2)):
                assert {(side - y, x) for x, y in places[here]} == set(places[there])


@pytest.mark.parametrize("name", [name for name in names() if PURPOSES[name][0] == "defend"])
def test_defend_maps_have_the_places_of_the_classic(name):
    field = load(name)
    assert field.entries[:2] == (((72, 200), (136, 200)), ((8, 8), (104, 8), (200, 8)))
    assert field.bases[0] == ((104, 200),)


@pytest.mark.parametrize("name", [name for name in names() if PURPOSES[name][0] == "scout"])
def test_scout_maps_have_two_posts_near_every_target(name):
    field = load(name)
    assert len(field.bases[1]) >= 4
    for x, y in field.bases[1]:
        assert sum(abs(x - px) + abs(y - py) <= 4 * 16 for px, py in field.entries[1]) >= 2


def test_the_maps_use_all_terrain():
    seen = set()
    for name in names():
        seen |= set(np.unique(load(name).tiles).tolist())
    assert seen >= {0, 15, 16, 17, 18, 19, 20}
    assert seen & set(range(1, 15))  # a tile map has bricks with quarters missing
    assert {load(name).width for name in names()} >= {9, 13, 17, 21}


def test_load_by_path_and_by_text(tmp_path):
    field = load("crossing")
    path = tmp_path / "mine.txt"
    path.write_text(field.text, encoding="utf-8")
    assert load(path).name == load(str(path)).name == "mine"
    assert load(path).hash == load(field.text).hash == field.hash
    path.write_bytes(b"\xef\xbb\xbf" + field.text.replace("\n", "\r\n").encode())
    assert load(path).hash == field.hash
    assert load("AA....\nAA....\n" + "......\n" * 4, unit="tile").unit == "tile"


def test_load_a_seed():
    assert load("generator:7").name == "generator:7"
    for bad in ("generator:", "generator:-1", "generator:seven", "generator:²"):
        with pytest.raises(MapError, match="after 'generator:' comes a seed"):
            load(bad)


def test_unknown_name_gets_the_nearest():
    with pytest.raises(MapError, match="unknown map 'crosing': did you mean 'crossing'"):
        load("crosing")
    with pytest.raises(MapError, match=r"a file's name must end in \.txt"):
        load("maps/mine")


def test_files_that_are_no_maps(tmp_path):
    with pytest.raises(MapError, match="No such file"):
        load(tmp_path / "none.txt")
    with pytest.raises(MapError, match="cannot read"):
        load(tmp_path)
    path = tmp_path / "mine.txt"
    path.write_bytes(b"." * 65 * 1024)
    with pytest.raises(MapError, match="larger than 64 kB"):
        load(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MapError, match="no text in UTF-8"):
        load(path)
    path.write_text("A..\n.x.\n...")
    with pytest.raises(MapError, match="map 'mine': row 2, column 2"):
        load(path)


def test_every_part_of_the_split_has_maps_of_ours():
    parts = Counter(split(load(name)) for name in names())
    assert parts["train"] >= 10
    assert parts["validation"] >= 2
    assert parts["test"] >= 2


def test_split_depends_on_the_text_alone():
    for name in names():
        field = load(name)
        assert split(parse(field.text + "\n", name="other")) == split(field)
    shares = Counter(split(load(f"generator:{seed}")) for seed in range(1000))
    assert 650 < shares["train"] < 750
    assert 110 < shares["validation"] < 190


@pytest.mark.parametrize("given", [["A..", "...", "..B"], None, 7])
def test_what_is_no_source_is_refused_with_what_would_do(given):
    with pytest.raises(TypeError, match=rf"load\(\) takes a map's name, .* not {type(given).__name__}"):
        load(given)


@pytest.mark.parametrize("call", [split, symmetries, lambda map: problems(map, "skirmish", (1, 1))])
def test_a_name_is_no_map(call):
    with pytest.raises(TypeError, match=r"takes a Map, as mabc.maps.load\(\) and parse\(\) make it, not str"):
        call("duel")


def test_a_seed_is_a_whole_number():
    for given in ("7", 1.5, True, None):
        with pytest.raises(TypeError, match=r"seed=.*: generate\(\) takes a whole number there"):
            generate(given)
