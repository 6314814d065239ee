"""Text: the font, and what a game is about and how it ended."""

import pytest

import mabc
from mabc.window import font
from mabc.window.words import clock, headline, objective, reason


def test_the_font_has_all_of_ascii():
    assert not [letter for letter in map(chr, range(32, 127)) if letter not in font.GLYPHS]
    assert {art.shape[0] for art in font.GLYPHS.values()} == {font.HEIGHT}
    distinct = {(art.shape, art.tobytes()) for art in font.GLYPHS.values()}
    assert len(distinct) >= len(font.GLYPHS) - 2  # x and ×, and nothing else, may look alike


def test_lines_fit():
    assert font.width("ab") == font.width("a") + font.width("b") + font.GAP
    assert font.mask("").shape == (font.HEIGHT, 0)
    assert font.mask("\x00é").any()  # unknown letters are boxes
    assert font.fitted("short", 100) == "short"
    cut = font.fitted("a name that is much too long", 60)
    assert cut.endswith("…")
    assert font.width(cut) <= 60
    lines = font.wrapped("Destroy every tank of the other team", 80)
    assert len(lines) > 1
    assert max(map(font.width, lines)) <= 80


@pytest.mark.parametrize("name", mabc.scenarios())
def test_every_scenario_has_an_aim(name):
    one = mabc.scenario(name)
    for team in range(1, len(one.teams) + 1):
        aim = objective(one, team)
        assert aim.endswith(".")
        assert " 0 " not in aim


def test_the_clock_shows_zero_only_at_the_end():
    assert [clock(seconds) for seconds in (65, 59.2, 0.1, 0)] == ["1:05", "1:00", "0:01", "0:00"]


def test_headlines():
    assert headline(0, [1]) == "Draw"
    assert headline(1, [1, 1]) == "You win!"
    assert headline(2, [1]) == "You lose"
    assert headline(2, [1, 2]) == "Player 2 wins!"
    assert headline(3, [1, 2]) == "Team 3 wins"


@pytest.mark.parametrize(
    ("scenario", "outcome", "base", "late", "words"),
    [
        ("skirmish-3v3", 1, True, False, "Team 1 is the last one standing."),
        ("skirmish-3v3", 0, True, True, "Time is up and nobody has won."),
        ("skirmish-3v3", 0, True, False, "Nobody is left."),
        ("defend-1", 1, True, False, "Every enemy is destroyed and the base stands."),
        ("defend-1", 2, False, False, "The base of team 1 is destroyed."),
        ("defend-1", 2, True, False, "Nobody is left to guard the base."),
        ("siege-3v3", 1, False, False, "The base of team 2 is destroyed."),
        ("siege-3v3", 2, True, True, "Time is up: team 2 has held out."),
        ("scout-2v2", 1, False, False, "Team 1 has found the target."),
    ],
)
def test_reasons(scenario, outcome, base, late, words):
    env = mabc.make_batch(scenario)
    env.reset(seed=0)
    world = env.worlds[0]
    world["step"] = env.max_steps if late else 10
    world["bases"]["alive"] = base * (world["bases"]["team"] > 0)
    assert reason(env.scenario, world, outcome) == words
