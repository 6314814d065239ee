"""The `text` kind: what it says, word for word, and how long it gets."""

import numpy as np
import pytest

from mabc import Team
from mabc.commands import COMMANDS, legal_commands, parse_command
from mabc.observe.text import MAX_LENGTH
from mabc.params import STAR

FIELD = "\n".join(["B.B...F...B.B", *["............."] * 11, "A.A...E...A.A"])


@pytest.fixture(scope="module")
def game(play):
    """Two against two, a base each."""
    return play(FIELD, ("player player", "basic armor"), "versus", power_up_period=30_000, max_steps=100)


@pytest.fixture(autouse=True)
def stage(game):
    game.env.reset(seed=0)
    for i, (x, y) in enumerate([(104, 104), (8, 200), (200, 8), (8, 8)]):
        game.put(i, x, y, "right")


def lines(game, agent=0):
    return game.env.observe("text")[0][agent].split("\n")


def test_everything_it_says(game):
    game.put(0, 104, 104, "up", level=2, shield=90)
    game.put(1, 88, 104, "down")
    game.put(3, 136, 88, "left", hits=3, stun=60)
    game.shoot(3, 128, 104, "left")
    game.shoot(0, 104, 72, "up")
    game.world["power_up"], game.world["power_up_x"], game.world["power_up_y"] = STAR, 128, 120
    game.paint("@@", 12, 9)
    game.paint("~\n~", 16, 12)
    assert lines(game) == [
        "Mission (versus): destroy the enemy bases and guard yours. 100 of 100 steps left.",
        "You: player level 2 tank of team 1 at column 13 row 13 of 26x26 tiles, facing up, 1 hit left, "
        "9 lives, gun ready, shielded 1.5s.",
        "Allies: player 2 left, facing down.",
        "Enemies: armor 4 right 2 up, facing left, 3 hits left, stunned 1.0s.",
        "Bullets: enemy's 3 right flying left AT YOU; yours 4 up flying up.",
        "Bases: your base 12 down; enemy base 12 up.",
        "Power-up: star 3 right 2 down.",
        "Ways (tiles): up 2 free then steel; right 2 free then water; down free as far as you see; "
        "left an ally at once.",
        "Commands: stay, fire, move up, move up and fire, move right, move right and fire, move down, "
        "move down and fire, move left, move left and fire",
    ]


def test_little_to_say(game):
    assert lines(game, 1)[2:] == [
        "Enemies: none in sight.",
        "Bases: your base 12 right; enemy base 12 right 24 up.",
        "Ways (tiles): up free as far as you see; right free as far as you see; down the border at once; "
        "left the border at once.",
        "Commands: " + ", ".join(COMMANDS),
    ]


def test_what_is_hidden_is_not_said(game):
    game.put(2, 169, 104)
    assert "Enemies: none in sight." in lines(game)
    game.put(2, 136, 104, in_forest=1)
    assert "Enemies: none in sight." in lines(game)
    assert not any("enemy at once" in line or "an enemy" in line for line in lines(game))
    game.put(2, 136, 104, in_forest=0)
    assert "Enemies: basic 4 right, facing up." in lines(game)
    assert "right 2 free then an enemy" in lines(game)[-2]


@pytest.mark.parametrize(
    ("fields", "commands"),
    [({"stun": 5}, "stay, fire"), ({"entering": 5}, "stay"), ({}, ", ".join(COMMANDS))],
)
def test_commands_follow_the_mask(game, fields, commands):
    game.put(0, 104, 104, **fields)
    assert lines(game)[-1] == f"Commands: {commands}"


def test_dead(game):
    game.tank(0)["alive"] = 0
    assert lines(game)[1:] == ["Your tank is destroyed.", "Commands: stay"]


def test_ground_and_walls_of_brick(game):
    game.paint("%%\n%%", 12, 12)
    game.paint("12".replace("1", "#").replace("2", "."), 14, 12)
    game.tank(0)["in_forest"] = 1
    assert "in forest" in lines(game)[1]
    assert lines(game)[-2].endswith("You stand in forest.")
    assert "right brick at once" in lines(game)[-2]


def test_targets(play):
    game = play(FIELD, ("player", Team(("basic",), "classic")), "scout")
    game.put(0, 104, 104)
    assert not any(line.startswith("Targets") for line in lines(game))
    game.put(0, 104, 56)
    assert "Targets: target 6 up." in lines(game)
    game.world["bases"][0]["alive"] = 0
    assert "Targets: target (found) 6 up." in lines(game)
    assert lines(game)[0].startswith("Mission (scout): find all targets")


def ways(game, agent=0):
    """Per heading: px that are free, and what is then there, "" where nothing is seen."""
    found = []
    for part in lines(game, agent)[-2].removeprefix("Ways (tiles): ").split(".;")[0].removesuffix(".").split("; "):
        words = part.split(" ", 1)[1]
        if words == "free as far as you see":
            found.append((None, ""))
        elif words.endswith(" at once"):
            found.append((0, words.removesuffix(" at once")))
        else:
            free, what = words.split(" free then ")
            found.append((round(8 * float(free)), what))
    return found


@pytest.mark.parametrize("facing", ["up", "right"])
def test_ways_are_what_the_tank_can_drive(game, facing):
    """Off the lattice too, where a turn snaps it first: told, then driven, among random bricks."""
    random, told, snap = np.random.default_rng(0), 0, {"up": (0, 1), "right": (1, 0)}[facing]
    for _ in range(40):
        game.env.reset(seed=0)
        for i in range(4):
            game.put(i, 8 + 16 * i, 8)
        game.world["terrain"][: 26 * 26] = np.where(random.random(26 * 26) < 0.1, 15, 0)
        x, y = (8 * int(random.integers(6, 20)) + k * int(random.integers(-3, 4)) for k in snap)
        for column, row in ((c, r) for c in range(-2, 2) for r in range(-2, 2)):
            game.world["terrain"][(y // 8 + row) * 26 + x // 8 + column] = 0
        game.put(0, x, y, facing)
        before = game.env.snapshot()
        for heading, (free, what) in enumerate(ways(game)):
            game.env.restore(before)
            dx, dy = ((0, -1), (1, 0), (0, 1), (-1, 0))[heading]
            start = (x, y) if (heading % 2 == 0) == (facing == "up") else ((x + 4) // 8 * 8, (y + 4) // 8 * 8)
            game.run(90, ("up", "right", "down", "left")[heading])
            drove = (game.at(0)[0] - start[0]) * dx + (game.at(0)[1] - start[1]) * dy
            if what:
                told += 1
                assert drove == free, (x, y, facing, heading)
            else:
                assert drove >= 48
    assert told > 60


def test_never_too_long(play):
    """Twenty a side, all in sight, stunned, frozen and shielded, and every bullet in the air."""
    entries = "\n".join(["BBBBBBBBBBBBF", "BBBBBBBB.....", *["............."] * 9, "AAAAAAAA.....", "AAAAAAAAAAAAE"])
    game = play(entries, (" ".join(["player"] * 20), " ".join(["armor"] * 20)), "versus", sight=416)
    tanks = game.world["tanks"][:40]
    tanks["shield"], tanks["stun"], tanks["in_forest"], tanks["level"] = 640, 267, 0, 3
    tanks["in_forest"][:20] = 1
    game.world["frozen"][:] = 640
    for k in range(80):
        game.shoot(k // 2, 104, 104, "right", slot=k % 2)
    texts = game.env.observe("text")[0]
    assert max(map(len, texts)) <= MAX_LENGTH
    for title, number in (("Allies", 19), ("Enemies", 20), ("Bullets", 80)):
        line = next(line for line in texts[0].split("\n") if line.startswith(title))
        listed, more = line.count(";"), int(line.split("and ")[1].split(" more")[0])
        assert listed >= 2
        assert listed + more == number


def test_an_agent_that_only_reads_can_play(game):
    """Every command that a text lists is legal, and parsed to the action that the mask allows."""
    random = np.random.default_rng(0)
    for _ in range(30):
        texts, masks = game.env.observe("text")[0], game.env.action_mask()[0]
        actions = []
        for text, mask in zip(texts, masks, strict=True):
            commands = text.rsplit("Commands: ", 1)[1].split(", ")
            assert commands == legal_commands(mask)
            actions.append(parse_command(str(random.choice(commands)), mask))
        game.env.step(np.array([actions]))
