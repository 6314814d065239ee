"""How games end in each mode, and who wins (facts for defend; our rules for the others)."""

from itertools import permutations

import numpy as np
import pytest

from mabc import Team

from .test_classic import close

TWO = "B..F..B\n.......\n.......\n.......\n.......\n.......\nA..E..A"
FOUR = "A..E..B\n.......\n.......\nG.....F\n.......\n.......\nC..H..D"
SCOUT = "F....FB\n.......\n.......\n.......\n.......\n.......\nA..A..B"
ONE_LIFE = (Team(("player", "player")), Team(("player", "player")))


def kill(game, *tanks, by):
    """Destroy tanks in the next frame."""
    for slot, i in enumerate(tanks):
        game.hang(by, *game.at(i), slot=slot)
    game.run(1)


def shell(game, base, by):
    """Let a bullet of tank `by` reach a base in the next frame."""
    x, y = int(game.world["bases"][base]["x"]), int(game.world["bases"][base]["y"])
    game.hang(by, x, y + 4, "up")
    game.run(1)


def ended(game, outcome, success=None):
    assert game.terminated
    assert not game.truncated
    assert game.outcome == outcome
    if success is not None:
        assert game.info["success"][0].tolist() == success


def stage(play, **changes):
    enemies = Team(("basic",) * 4, "classic", wave=("basic",) * 5)
    game = play(TWO, (Team(("player",), lives=2), enemies), mode="defend", **changes)
    game.world["frozen"][1] = 30_000
    return game


def test_defend_is_won_when_the_wave_is_destroyed(play):
    game = stage(play)
    for _ in range(600):
        game.world["entry_wait"][1] = 0
        targets = [i for i in range(1, 5) if game.tank(i)["alive"] and not game.tank(i)["entering"]]
        if targets:
            kill(game, targets[0], by=0)
        else:
            game.run(1)
        if game.terminated:
            break
    ended(game, 1, [True])


def test_defend_is_lost_with_the_base(play):
    game = stage(play)
    shell(game, 0, by=1)
    ended(game, 2, [False])


def test_defend_is_lost_with_the_last_player(play):
    game = stage(play)
    kill(game, 0, by=1)
    assert not game.terminated  # a life is left
    game.until(lambda: game.tank(0)["alive"])
    game.tank(0)["entering"] = 0
    kill(game, 0, by=1)
    ended(game, 2, [False])


def test_skirmish_is_won_by_the_last_one_standing(play):
    game = play(TWO, ONE_LIFE)
    kill(game, 2, by=0)
    assert not game.terminated
    kill(game, 3, by=0)
    ended(game, 1, [True, True, False, False])


def test_skirmish_is_a_draw_when_the_last_ones_fall_together(play):
    game = play(TWO, (Team(("player",)), Team(("player",))))
    game.hang(1, *game.at(0))
    game.hang(0, *game.at(1))
    game.run(1)
    ended(game, 0, [False, False])


def test_skirmish_goes_on_while_lives_are_left(play):
    game = play(TWO, (Team(("player",)), Team(("player",), lives=2)))
    kill(game, 1, by=0)
    assert not game.terminated


def test_skirmish_of_three_goes_on_until_one_team_is_left(play):
    game = play(FOUR, tuple(Team(("player",)) for _ in range(3)))
    kill(game, 1, by=0)
    assert not game.terminated
    kill(game, 2, by=0)
    ended(game, 1, [True, False, False])


def siege(play, **changes):
    return play(TWO, (Team(("player",)), Team(("basic", "basic"))), mode="siege", **changes)


def test_siege_is_won_with_the_base(play):
    game = siege(play)
    assert game.env.view.num_bases == 1
    shell(game, 0, by=0)
    ended(game, 1, [True, False, False])


def test_siege_is_lost_with_the_last_attacker(play):
    game = siege(play)
    kill(game, 0, by=1)
    ended(game, 2, [False, True, True])


def test_siege_goes_on_without_guards(play):
    game = siege(play)
    kill(game, 1, 2, by=0)
    assert not game.terminated
    shell(game, 0, by=0)
    ended(game, 1)


def test_siege_a_guards_own_shot_counts_for_the_attackers(play):
    game = siege(play)
    shell(game, 0, by=1)
    ended(game, 1)


def test_versus_is_won_with_the_base(play):
    game = play(TWO, ONE_LIFE, mode="versus")
    shell(game, 1, by=0)
    ended(game, 1, [True, True, False, False])


def test_versus_own_shot_loses(play):
    game = play(TWO, ONE_LIFE, mode="versus")
    shell(game, 0, by=0)
    ended(game, 2)


def test_versus_is_won_against_the_last_tank(play):
    game = play(TWO, ONE_LIFE, mode="versus")
    kill(game, 2, 3, by=0)
    ended(game, 1)


def test_versus_both_bases_at_once_is_a_draw(play):
    game = play(TWO, ONE_LIFE, mode="versus")
    for base in (0, 1):
        x, y = int(game.world["bases"][base]["x"]), int(game.world["bases"][base]["y"])
        game.hang(2 * base, x, y + 4)
    game.run(1)
    ended(game, 0, [False] * 4)


@pytest.mark.parametrize("teams", [3, 4])
def test_versus_of_three_and_four_a_team_without_base_is_out(play, teams):
    game = play(FOUR, tuple(Team(("player",), lives=2) for _ in range(teams)), mode="versus")
    assert game.env.view.num_bases == teams
    for loser in range(1, teams):
        assert game.tank(loser)["alive"]
        shell(game, loser, by=0)
        assert game.terminated == (loser == teams - 1)
        if not game.terminated:
            assert not game.tank(loser)["alive"]  # its tanks leave the field, and do not come back
            game.run(100)
            assert not game.tank(loser)["alive"]
            assert game.world["out"][loser]
    ended(game, 1, [True] + [False] * (teams - 1))


def scout(play, **changes):
    """A scout, one guard, and targets at (8, 8) and (88, 8)."""
    return play(SCOUT, (Team(("player",)), Team(("basic",))), mode="scout", **changes)


@pytest.mark.parametrize(("offset", "found"), [((24, 24), True), ((25, 0), False), ((0, 25), False)])
def test_scout_finds_a_target_within_24_px(play, offset, found):
    game = scout(play)
    game.put(0, 8 + offset[0], 8 + offset[1])
    game.run(1)
    assert bool(game.world["bases"][0]["alive"]) != found
    assert game.tank(0)["bases"] == found


def test_scout_is_won_when_all_targets_are_found(play):
    game = scout(play)
    game.put(0, 8, 24)
    game.run(1)
    assert not game.terminated
    game.put(0, 88, 24)
    game.run(1)
    ended(game, 1, [True, False])


def test_scout_a_target_only_stops_bullets(play):
    game = scout(play)
    game.shoot(0, 8, 40, "up")
    game.run(20)
    assert not game.bullets(0)
    assert game.world["bases"][0]["alive"]
    assert not game.terminated


def test_scout_its_guards_do_not_find_targets(play):
    game = scout(play)
    game.put(1, 8, 24)
    game.run(1)
    assert game.world["bases"][0]["alive"]


def test_scout_is_lost_with_the_last_scout(play):
    game = scout(play)
    kill(game, 0, by=1)
    ended(game, 2)


def test_scout_targets_of_an_episode_are_drawn(play):
    game = scout(play, targets=1, worlds=64)
    assert game.env.view.num_bases == 1
    assert set(game.env.worlds["bases"]["x"][:, 0].tolist()) == {8, 88}


@pytest.mark.parametrize("mode", ["defend", "skirmish", "versus"])
def test_the_time_limit_is_a_truncated_draw(play, mode):
    """In `skirmish` and `versus` where all is even."""
    game = play(TWO, ONE_LIFE, mode=mode, max_steps=10)
    game.run(9)
    assert not game.truncated
    game.run(1)
    drawn(game)


def drawn(game):
    assert game.truncated
    assert not game.terminated
    assert game.outcome == 0
    assert not game.info["success"].any()


def with_lives(play, mode, sizes, left):
    """The end by time of a game of teams with so many tanks, two lives each, of which so many are left in all."""
    teams = tuple(Team(("player",) * size, lives=2) for size in sizes)
    rows = ["....E...."] + ["A.A.A.A.A"] + ["........."] * 3 + ["B.B.B.B.B", "....F...."]
    if len(sizes) > 2:
        rows += ["C.C.C.C.C", "....G...."]
    if len(sizes) > 3:
        rows += ["D.D.D.D.D", "....H...."]
    game = play("\n".join(rows + ["........."] * (13 - len(rows))), teams, mode=mode, max_steps=3)
    i = 0
    for size, lives in zip(sizes, left, strict=True):
        for k in range(size):
            game.tank(i)["lives"] = min(2, max(lives - 2 * k, 0))
            game.tank(i)["alive"] = game.tank(i)["lives"] > 0
            i += 1
    return game.run(3)


@pytest.mark.parametrize("mode", ["skirmish", "versus"])
@pytest.mark.parametrize(
    ("sizes", "left", "winner"),
    [
        ((2, 2), (4, 3), 1),
        ((2, 2), (3, 4), 2),
        ((2, 2), (1, 2), 2),
        ((1, 1), (2, 1), 1),
        ((2, 4), (3, 5), 1),  # 3 of 4 are more than 5 of 8
        ((2, 4), (2, 5), 2),
        ((5, 2), (9, 4), 2),
        ((2, 2, 2), (2, 3, 4), 3),
        ((2, 2, 2), (3, 4, 3), 2),
        ((2, 2, 2), (4, 1, 1), 1),  # who come behind may be even
        ((2, 1, 3), (3, 1, 5), 3),
        ((1, 1, 1, 1), (1, 2, 1, 1), 2),
    ],
)
def test_at_the_time_limit_the_largest_share_of_lives_wins(play, mode, sizes, left, winner):
    game = with_lives(play, mode, sizes, left)
    ended(game, winner)
    assert game.info["success"][0].tolist() == [t + 1 == winner for t, size in enumerate(sizes) for _ in range(size)]


@pytest.mark.parametrize("mode", ["skirmish", "versus"])
@pytest.mark.parametrize(
    ("sizes", "left", "winner"),
    [
        ((2, 2), (4, 4), 2),
        ((2, 2), (1, 1), 2),
        ((2, 4), (3, 6), 2),
        ((3, 1), (3, 1), 2),
        ((2, 2, 2), (3, 3, 2), 2),  # the two that lead are even
        ((2, 2, 2), (3, 2, 3), 3),
        ((2, 2, 2), (2, 3, 3), 0),  # rows 88 and 120, of a field whose middle is 104
        ((2, 1, 2), (2, 1, 1), 2),
    ],
)
def test_even_shares_of_lives_leave_it_to_the_middle(play, mode, sizes, left, winner):
    """Every team but the first stands within a block of the middle row."""
    game = with_lives(play, mode, sizes, left)
    if winner:
        ended(game, winner)
    else:
        drawn(game)


def with_places(play, mode, teams):
    """The end by time of a game in which all have the lives they began with; two teams in `versus`.

    teams: a list of tanks' places, px, each; None for a tank that is off the field, and on its way back.
    """
    rows = ["E...........F" if mode == "versus" else "............."]
    rows += ["A.A.A.A.A.A.A", "B.B.B.B.B.B.B", "C.C.C.C.C.C.C", "D.D.D.D.D.D.D"][: len(teams)]
    text = "\n".join(rows + ["............."] * (13 - len(rows)))
    sides = tuple(Team(("player",) * len(places), lives=2) for places in teams)
    game = play(text, sides, mode=mode, max_steps=3)
    for i, place in enumerate(place for places in teams for place in places):
        if place is None:
            game.tank(i)["alive"], game.tank(i)["wait"] = 0, 100
        else:
            game.tank(i)["x"], game.tank(i)["y"] = place
    return game.run(3)


@pytest.mark.parametrize(
    ("teams", "winner"),
    [
        ([[(104, 64)], [(104, 160)]], 1),  # 40 px against 56
        ([[(104, 48)], [(120, 120)]], 2),  # 56 against 16 + 16
        ([[(104, 64), (8, 200)], [(64, 104), (8, 168)]], 2),  # means, 40 + 192 against 40 + 160
        ([[(104, 64)], [(104, 120), (104, 184)]], 1),  # 40 against (16 + 80) / 2
        ([[(104, 64)], [(104, 128), (104, 152)]], 2),  # 40 against (24 + 48) / 2
        ([[(8, 200), None], [None, None]], 1),  # nobody on the field is far off
        ([[(104, 64), None], [(8, 200), (200, 200)]], 1),  # of those on the field
        ([[(104, 64)], [(104, 160)], [(104, 128)]], 3),
        ([[(104, 64)], [(104, 160)], [(104, 184)], [(8, 200)]], 1),
        ([[(104, 160)], [(104, 160 + 24)], [(104, 64)], [(40, 104)]], 3),
    ],
)
def test_at_the_time_limit_of_even_teams_the_one_nearer_to_the_middle_wins(play, teams, winner):
    ended(with_places(play, "skirmish", teams), winner)


def test_at_the_time_limit_of_versus_the_middle_counts_too(play):
    ended(with_places(play, "versus", [[(104, 160)], [(104, 72)]]), 2)


@pytest.mark.parametrize(
    "teams",
    [
        [[(104, 64)], [(104, 144)]],
        [[(104, 64)], [(64, 104)]],
        [[(104, 64), (104, 168)], [(156, 104)]],  # (40 + 64) / 2 and 52
        [[None], [None]],
        [[(104, 64)], [(104, 144)], [(8, 200)]],  # the two that lead are even
    ],
)
def test_an_even_game_at_the_time_limit_is_a_draw(play, teams):
    drawn(with_places(play, "skirmish", teams))


def test_at_the_time_limit_lives_count_not_hits_or_tanks_on_the_field(play):
    game = play(TWO, (Team(("armor", "armor"), lives=2), Team(("player", "player"), lives=2)), max_steps=3)
    game.tank(2)["alive"], game.tank(2)["wait"] = 0, 100  # it will be back: no life lost by hand
    game.tank(0)["lives"] = 1
    ended(game.run(3), 2)


@pytest.mark.parametrize("mode", ["siege", "scout"])
def test_the_time_limit_is_the_defenders_win(play, mode):
    game = play({"siege": TWO, "scout": SCOUT}[mode], ONE_LIFE, mode=mode, max_steps=10)
    game.run(10)
    ended(game, 2, [False, False, True, True])


def test_a_game_decided_in_the_last_step_is_not_truncated(play):
    game = play(TWO, (Team(("player",)), Team(("player",))), max_steps=3)
    game.run(2)
    kill(game, 1, by=0)
    ended(game, 1)


def test_the_step_limit_counts_steps_not_frames(play):
    game = play(TWO, ONE_LIFE, max_steps=5, frame_skip=8)
    game.run(4)
    assert game.world["frame"] == 32
    assert not game.truncated
    game.run(1)
    assert game.truncated


def test_sides_are_swapped(play):
    game = play(TWO, ONE_LIFE, swap_sides=True, worlds=64)
    first = game.env.worlds["tanks"]["y"][:, 0]
    assert set(np.unique(first).tolist()) == {8, 104}


def sides_of(game, teams):
    """The side on which each team's first tank stands, int [B, teams]: 0 A, 1 B, 2 C, 3 D of the map FOUR."""
    tanks = game.env.worlds["tanks"][:, :teams]
    return (tanks["x"] > 56).astype(int) + 2 * (tanks["y"] > 56)


@pytest.mark.parametrize("mode", ["skirmish", "versus"])
@pytest.mark.parametrize("teams", [2, 3])
def test_fewer_teams_than_sides_take_all_of_them(play, mode, teams):
    """Every way to choose and share out the sides, each as likely; a base is its team's wherever that stands."""
    game = play(FOUR, (Team(("player",)),) * teams, mode=mode, swap_sides=True, worlds=4800)
    ways = list(permutations(range(4), teams))
    assert len(game.env.layouts) == len(ways) == {2: 12, 3: 24}[teams]
    found, counts = np.unique(sides_of(game, teams), axis=0, return_counts=True)
    assert [tuple(way) for way in found.tolist()] == ways
    expected = 4800 / len(ways)
    assert (abs(counts - expected) < 4.5 * np.sqrt(expected)).all()
    if mode == "versus":
        bases = game.env.worlds["bases"][:, :teams]
        assert (bases["team"] == np.arange(1, teams + 1)).all()
        places = {0: (56, 8), 1: (104, 56), 2: (8, 56), 3: (56, 104)}  # E, F, G, H: of sides A, B, C, D
        wanted = np.array([places[side] for side in range(4)])[sides_of(game, teams)]
        assert np.array_equal(np.stack([bases["x"], bases["y"]], -1), wanted)


def test_as_many_teams_as_sides_turn_round(play):
    game = play(FOUR, (Team(("player",)),) * 4, swap_sides=True, worlds=400)
    found = np.unique(sides_of(game, 4), axis=0).tolist()
    assert found == [[k, (k + 1) % 4, (k + 2) % 4, (k + 3) % 4] for k in range(4)]


def test_the_attackers_of_siege_swap_sides(play):
    """The defenders stay with their base."""
    text = "A..G..B\n.......\n.......\n.......\n.......\n.......\n...C..."
    game = play(text, (Team(("player",)),) * 3, mode="siege", swap_sides=True, worlds=64)
    x = game.env.worlds["tanks"]["x"][:, :3]
    assert {tuple(row) for row in x.tolist()} == {(8, 104, 56), (104, 8, 56)}
    assert (game.env.worlds["bases"]["x"][:, 0] == 56).all()
    two = play(TWO, ONE_LIFE, mode="siege", swap_sides=True, worlds=64)
    assert (two.env.worlds["tanks"]["y"][:, 0] == 104).all()


def test_a_map_is_rotated_by_any_quarter_turn(play):
    """All four are equally likely, entries, bases and terrain turn together, and the base's owner stays."""
    text = "..F..\n.....\n.....\n..#..\nA...B"
    game = play(text, (Team(),) * 2, mode="siege", worlds=4800, random_rotation=True)
    places = {(40, 8): (8, 72), (72, 40): (8, 8), (40, 72): (72, 8), (8, 40): (72, 72)}
    worlds = game.env.worlds
    bases = list(zip(worlds["bases"]["x"][:, 0].tolist(), worlds["bases"]["y"][:, 0].tolist(), strict=True))
    tanks = zip(worlds["tanks"]["x"][:, 0].tolist(), worlds["tanks"]["y"][:, 0].tolist(), strict=True)
    assert all(places[base] == tank for base, tank in zip(bases, tanks, strict=True))
    assert all(close(bases.count(place), 1 / 4, 4800) for place in places)
    assert (worlds["bases"]["team"][:, 0] == 2).all()
    assert [one.name for one in game.env.maps] == ["", "turned 90", "turned 180", "turned 270"]
