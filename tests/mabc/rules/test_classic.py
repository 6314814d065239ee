"""The original's enemies, mostly by statistics over many worlds (facts: enemies).

A share is compared with its probability within 4.5 standard deviations; seeds are fixed.
"""

import numpy as np
import pytest

from mabc import Team, params
from mabc.params import DOWN, LEFT, RIGHT, UP

WORLDS = 8000
DEFEND = "\n".join(["B.....B.....B", *["............."] * 11, "....A.E.A...."])
RANDOM, PLAYER, EAGLE = "random", "player", "eagle"


def close(count, probability, trials=WORLDS):
    """Whether a count is what a binomial of this probability gives."""
    deviation = np.sqrt(trials * probability * (1 - probability))
    return abs(count - trials * probability) <= 4.5 * deviation


def bot(play, kind="basic", **changes):
    """Many worlds of one bot, tank 1, at (104, 104) heading up, against one player, tank 0, at rest."""
    bot = Team((kind,), "classic", lives=9, knowledge="all")  # as in the original
    game = play(teams=("player", bot), worlds=WORLDS, **changes)
    game.everywhere(0, x=200, y=200)
    game.everywhere(1, x=104, y=104, heading="up")
    return game


def headings(game, i=1):
    """How many worlds' tank i heads up, right, down, left."""
    return np.bincount(game.env.worlds["tanks"]["heading"][:, i], minlength=4)


def test_fires_with_probability_1_in_32_a_frame(play):
    game = bot(play)
    shots = free = 0
    for _ in range(20):
        before = game.env.worlds["bullets"]["speed"][:, 2] == 0
        game.run(1)
        shots += (before & (game.env.worlds["bullets"]["speed"][:, 2] != 0)).sum()
        free += before.sum()
    assert close(shots, 1 / 32, free)


def test_does_not_save_a_shot_up_while_its_bullet_flies(play):
    game = bot(play)
    bullets = game.env.worlds["bullets"]
    bullets["x"][:, 2], bullets["y"][:, 2], bullets["speed"][:, 2], bullets["heading"][:, 2] = 40, 100, 2, UP
    game.env.worlds["flying"] = 1
    game.run(50)  # it meets the border in frame 50
    assert (bullets["speed"][:, 2] == 0).all() or (bullets["y"][:, 2] == 0).all()
    game.until(lambda: (bullets["speed"][:, 2] == 0).all(), limit=2)
    game.run(1)
    assert close((bullets["speed"][:, 2] != 0).sum(), 1 / 32)


def test_aligned_it_decides_with_probability_1_in_16(play):
    game = bot(play)
    game.run(1)  # frame 0: a random heading, three in four of which are new
    counts = headings(game)
    assert close(WORLDS - counts[UP], 3 / 64)
    assert all(close(counts[k], 1 / 64) for k in (RIGHT, DOWN, LEFT))


@pytest.mark.parametrize("offset", range(1, 8))
def test_between_the_lines_it_does_not_decide(play, offset):
    game = bot(play)
    game.everywhere(1, y=104 + offset)
    game.run(1)
    assert headings(game)[UP] == WORLDS


def blocked(play, y):
    game = bot(play)
    game.everywhere(1, y=y, blocked=1)
    game.env.worlds["terrain"][:, 26 * 11 : 26 * 12] = params.STEEL  # the row above a tank at (104, 104)
    return game


def test_blocked_it_keeps_pressing_or_decides_anew(play):
    game = blocked(play, 104)
    game.run(1)
    counts = headings(game)
    waiting = game.env.worlds["tanks"]["wait"][:, 1] > 0
    assert close(waiting.sum(), 3 / 4)
    # Aligned: of the other quarter a half is a goal decision (here a random heading), a quarter left, a quarter right.
    assert close(counts[UP], 3 / 4 + 1 / 32)
    assert close(counts[DOWN], 1 / 32)
    assert close(counts[LEFT], 1 / 16 + 1 / 32)
    assert close(counts[RIGHT], 1 / 16 + 1 / 32)


def test_blocked_between_the_lines_it_reverses_in_a_quarter_of_cases(play):
    game = blocked(play, 105)
    game.run(1)
    counts = headings(game)
    assert close(counts[DOWN], 1 / 4)
    assert counts[UP] + counts[DOWN] == WORLDS
    game.run(1)
    assert headings(game)[DOWN] == counts[DOWN]  # and goes that way


def test_the_wait_is_short(play):
    game = blocked(play, 104)
    game.run(1)
    waiting = game.env.worlds["tanks"]["wait"][:, 1] > 0
    game.run(params.BLOCKED_WAIT - 1)
    assert (game.env.worlds["tanks"]["heading"][waiting, 1] == UP).all()
    game.run(4)
    assert (game.env.worlds["tanks"]["heading"][waiting, 1] != UP).any()


def decisions(play, t, slot=0, alive=(True, True), at=(104, 104), d=186, **changes):
    """The headings that a defend stage's enemy decides on at age t: player 1 up right, 2 up left, eagle below left."""
    players = Team(("player", "player"), lives=9)
    enemies = Team(("basic",) * 6, "classic", wave=("basic",) * 20)
    game = play(DEFEND, (players, enemies), mode="defend", worlds=WORLDS, **changes)
    game.env._spec["classic_delay"] = d
    i = 2 + slot
    for player, x in ((0, 200), (1, 8)):
        game.everywhere(player, x=x, y=8, alive=alive[player], lives=1, wait=0 if alive[player] else 99)
    game.everywhere(i, x=at[0] + 48, y=at[1], heading="up", alive=1, hits=1)
    game.env.worlds["entry_wait"] = 30_000
    game.env.worlds["frame"] = 64 * t
    found = np.zeros(4, int)
    for k, heading in enumerate(("up", "right", "down", "left")):
        game.everywhere(i, heading=heading, x=at[0] + 48, y=at[1])
        game.env.worlds["frame"] = 64 * t + 2 * k  # in even frames a basic tank does not drive
        game.run(1)
        counts = headings(game, i)
        counts[k] = 0
        found += counts
    return found


@pytest.mark.parametrize("t", [0, 23, 256, 256 + 23])
def test_up_to_an_eighth_of_the_delay_a_random_heading(play, t):
    counts = decisions(play, t)
    assert all(close(count, 3 / 4 / 16, WORLDS) for count in counts)


@pytest.mark.parametrize("t", [24, 46, 256 + 24])
def test_then_up_to_a_quarter_it_chases_a_player(play, t):
    counts = decisions(play, t)
    assert counts[DOWN] == counts[LEFT] == 0
    assert close(counts[UP], 3 / 2 / 16, WORLDS)  # a coin flip between the two axes
    assert close(counts[RIGHT], 3 / 2 / 16, WORLDS)


@pytest.mark.parametrize("t", [47, 255, 256 + 47])
def test_later_it_chases_the_eagle(play, t):
    counts = decisions(play, t)
    assert counts[UP] == counts[RIGHT] == 0
    assert close(counts[DOWN], 3 / 2 / 16, WORLDS)
    assert close(counts[LEFT], 3 / 2 / 16, WORLDS)


@pytest.mark.parametrize(
    ("slot", "alive", "heading"),
    [
        (0, (True, True), RIGHT),
        (1, (True, True), LEFT),
        (2, (True, True), RIGHT),
        (0, (False, True), LEFT),
        (1, (True, False), RIGHT),
    ],
)
def test_even_slots_chase_the_first_player_odd_the_second(play, slot, alive, heading):
    counts = decisions(play, 30, slot, alive)
    assert counts[DOWN] == 0
    assert counts[heading] > 0
    assert counts[heading ^ 2] == 0


def test_in_line_the_other_axis_serves(play):
    counts = decisions(play, 100, at=(104 - 48, 104))  # straight above the eagle
    assert counts[DOWN] > 0
    assert counts[UP] == counts[RIGHT] == counts[LEFT] == 0


def test_the_entry_delay_times_the_phases(play):
    assert decisions(play, 24, d=24 * 8)[LEFT] > 0  # still random
    assert decisions(play, 24, d=24 * 8 - 1)[LEFT] == 0


def test_the_delay_is_the_stages(play):
    game = play(DEFEND, (Team(("player",)), Team(("basic",) * 4, "classic", wave=("basic",) * 20)), mode="defend")
    assert game.env._spec[0]["classic_delay"] == 186


def test_without_an_eagle_it_chases_tanks(play):
    game = bot(play)
    game.env.worlds["frame"] = 64 * 200
    game.run(1)
    counts = headings(game)
    assert counts[LEFT] == 0
    assert counts[RIGHT] > 0
    assert counts[DOWN] > 0


def test_no_path_finding(play):
    """A goal decision looks at signs alone: it chooses a heading into a wall."""
    game = bot(play)
    game.everywhere(0, x=200, y=104)
    game.env.worlds["frame"] = 64 * 200
    game.env.worlds["terrain"].reshape(WORLDS, -1)[:, [26 * r + 14 for r in range(26)]] = params.STEEL
    game.run(1)
    counts = headings(game)
    assert close(counts[RIGHT], 1 / 16)
    assert counts[UP] + counts[RIGHT] == WORLDS


def chase(play, places, t=8, **changes):
    """What a `classic` tank at (104, 104) decides on in the chase, with an enemy tank of each other team at a place."""
    text = "\n".join(["B.....C.....D", *["............."] * 11, "A............"])
    teams = (Team(("basic",), "classic"), *(Team(("player",)) for _ in range(3)))
    game = play(text, teams, worlds=WORLDS, **changes)
    for i, (x, y) in enumerate(places, 1):
        game.everywhere(i, x=x, y=y, alive=x >= 0)
    game.env.worlds["frame"] = 64 * t
    found = np.zeros(4, int)
    for k, heading in enumerate(("up", "right", "down", "left")):
        game.everywhere(0, heading=heading, x=104, y=104)
        game.env.worlds["frame"] = 64 * t + 2 * k  # in even frames a basic tank does not drive
        game.run(1)
        counts = headings(game, 0)
        counts[k] = 0
        found += counts
    return found


@pytest.mark.parametrize("nearest", [0, 1, 2])
def test_it_chases_the_nearest_enemy_of_any_team(play, nearest):
    """Ours, outside `defend`."""
    places = [(104, 56), (152, 104), (104, 152)]
    x, y = places[nearest]
    places[nearest] = ((x + 104) // 2, (y + 104) // 2)
    counts = chase(play, places)
    assert counts[nearest] == counts.sum() > 0


def test_equally_near_enemies_are_chased_equally_often(play):
    counts = chase(play, [(104, 56), (152, 104), (104, 152)])
    assert counts[LEFT] == 0
    assert all(close(counts[k], 1 / 3, counts.sum()) for k in (UP, RIGHT, DOWN))
    counts = chase(play, [(56, 104), (-1, -1), (152, 104)])
    assert counts[UP] == counts[DOWN] == 0
    assert close(counts[LEFT], 1 / 2, counts.sum())
    assert counts.sum() > 1000


def test_it_chases_whom_its_team_sees(play):
    """The nearer enemy is out of sight."""
    counts = chase(play, [(104, 56), (152, 104), (-1, -1)], sight=40)
    assert (counts > 0).all()  # neither is in sight: it searches
    counts = chase(play, [(104, 32), (144, 144), (-1, -1)], sight=64)
    assert counts[UP] == counts[LEFT] == 0
    assert counts[RIGHT] > 0
    assert counts[DOWN] > 0


def test_where_it_knows_of_no_enemy_it_searches(play):
    """It drives to one place for some time, then to another: within one such time it takes two headings at most."""
    game = play(teams=("player", Team(("basic",), "classic", lives=9)), worlds=200, sight=32)
    game.everywhere(0, x=200, y=200)
    seen = np.zeros((2, 200, 4), bool)
    for k in range(2):
        game.env.worlds["frame"] = first = (20 + k) * params.SEARCH_FRAMES
        for frame in range(128):
            game.env.worlds["frame"] = first + 2 * frame
            game.everywhere(1, x=104, y=104, heading="up")
            game.run(1)
            heading = game.env.worlds["tanks"]["heading"][:, 1]
            seen[k, np.arange(200), heading] |= heading != UP
    counts = seen.sum(axis=2)
    assert (counts <= 2).all()
    assert counts.max() == 2
    assert (seen[0] != seen[1]).any(axis=1).mean() > 0.5
    assert seen.any(axis=(0, 1))[[RIGHT, DOWN, LEFT]].all()


def test_it_never_shoots_at_its_own_base(play):
    """Wherever it drives, turns and is blocked, round a base of its own; at the enemy's it does shoot."""
    text = "\n".join(["B..F..B", ".#...#.", ".......", "...E...", ".......", ".#...#.", "A.....A"])
    game = play(text, (Team(("basic", "fast"), "classic", lives=9), "player"), mode="versus", worlds=500)
    game.everywhere(2, x=8, y=8, shield=30_000)
    own = enemy = 0
    for _ in range(1500):
        _, _, terminated, _, info = game.env.step(np.zeros((500, 1), np.int64))
        own += (info["outcome"][terminated] == 2).sum()
        enemy += (info["outcome"][terminated] == 1).sum()
    assert own == 0
    assert enemy > 50
