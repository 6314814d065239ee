"""Words to actions and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mabc.commands import COMMANDS, CommandError, command_of, legal_commands, parse_command


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("stay", 0), ("STAY.", 0), ("wait", 0), ("hold fire", 0), ("do nothing", 0), ("don't shoot!", 0),
        ("fire", 1), ("Shoot!", 1), ("stay and fire", 1), ("fire, please", 1),
        ("up", 2), ("move up", 2), ("Go north", 2), ("**move up**", 2), ("move up, hold fire", 2),
        ("up fire", 3), ("move up and fire", 3), ("Fire up", 3), ("UP+FIRE", 3), ("shoot, then move up", 3),
        ("turn right", 4), ("east", 4), ("down", 6), ("I'll move down", 6), ("Turn LEFT", 8),
        ("command: move left and fire", 9), ("move_left_and_fire", 9), ("do not fire, go left", 8),
    ],
)  # fmt: skip
def test_what_it_understands(text, action):
    assert parse_command(text) == action


@given(
    st.integers(0, 9),
    st.sampled_from([str.upper, str.lower, str.title]),
    st.sampled_from(["{}", " {}. ", "'{}'!", "{}\n", "Command: {}", "`{}`"]),
)
def test_there_and_back(action, case, shape):
    assert parse_command(shape.format(case(command_of(action)))) == action


@given(st.text(max_size=40))
def test_any_text_gives_an_action_or_says_why(text):
    try:
        action = parse_command(text)
    except CommandError as why:
        action, error = 0, why
    else:
        error = None
    assert 0 <= action < 10
    if error:
        assert error.legal == list(COMMANDS)
        assert "legal commands: stay, fire, move up" in str(error)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "'' says neither where to move nor to fire"),
        ("please", "'please' says neither"),
        ("moove upp", "unknown word 'moove' in 'moove upp'; did you mean 'move up'?"),
        ("lefft and fire", "unknown word 'lefft' in 'lefft and fire'; did you mean 'move left and fire'?"),
        ("retreat", "unknown word 'retreat'"),
        ("up and left", "'up and left' says up and left: a tank moves in one direction"),
        ("stay up", "says both to stay and to move"),
        ("fire but hold fire", "unknown word 'but'"),
        ("fire, hold fire", "says both to fire and not to"),
    ],
)
def test_what_it_says_of_the_rest(text, why):
    with pytest.raises(CommandError) as caught:
        parse_command(text)
    assert str(caught.value).startswith(why) or why in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_the_mask():
    mask = [True, True] + [False] * 8
    assert legal_commands(mask) == ["stay", "fire"]
    assert parse_command("fire", mask) == 1
    with pytest.raises(CommandError) as caught:
        parse_command("up and fire", mask)
    assert str(caught.value) == (
        "'move up and fire' is not legal now; did you mean 'fire'? (legal commands: stay, fire)"
    )
    assert caught.value.nearest == "fire"
    assert caught.value.legal == ["stay", "fire"]


def test_no_such_action():
    with pytest.raises(ValueError, match="expected 0 to 9"):
        command_of(10)
