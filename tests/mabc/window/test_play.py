"""The window of `mabc play`, on SDL's dummy driver."""

import argparse
import sys
from pathlib import Path

import numpy as np
import pygame
import pytest

import mabc
from mabc.window import WindowError, add_play_arguments, run_play
from mabc.window import play as module
from mabc.window.game import Game, Trained
from mabc.window.play import GRACE, Play, people_of, rehearse
from mabc.window.shell import Window


def options(*words):
    parser = argparse.ArgumentParser()
    add_play_arguments(parser)
    return parser.parse_args(words)


@pytest.fixture
def make(post):
    def make(scenario="skirmish-3v3", begin=True, **changes):
        fog, speed = changes.pop("fog", False), changes.pop("speed", 1.0)
        window = Window("test", (208, 208), scale=2)
        play = Play(window, Game(scenario, **changes), fog, speed)
        play.turn()
        if begin:
            play.screen = "play"
        return play

    return make


def test_it_waits_with_the_keys_and_the_first_key_already_drives(make, post):
    play = make(begin=False)
    for _ in range(5):
        play.turn()
    assert (play.screen, play.game.world["frame"]) == ("help", 0)
    post("a")
    play.turn()
    assert (play.screen, play.game.world["frame"]) == ("play", 1)
    assert play.game.tank(0)["heading"] == 3


def test_a_key_moves_the_tank_in_the_same_picture(make, post):
    play = make()
    for _ in range(13):  # in the middle of what the mates have decided
        play.turn()
    before = play.window.surface.copy()
    post("LEFT")
    play.turn()
    assert play.game.tank(0)["heading"] == 3
    x, y = (int(play.game.tank(0)[axis]) * play.window.scale for axis in "xy")
    area = pygame.Rect(x - 16, y - 16, 32, 32).move(play.window.field_area.topleft)
    old, new = (pygame.surfarray.array3d(surface.subsurface(area)) for surface in (before, play.window.surface))
    assert not np.array_equal(old, new)


def test_two_people_at_one_keyboard(make, post):
    play = make("duel", people=2)
    post("a", "RIGHT", "SPACE")
    play.turn()
    assert [int(play.game.tank(person)["heading"]) for person in (0, 1)] == [3, 1]
    assert (play.game.world["bullets"]["speed"][[0, 2]] > 0).tolist() == [True, False]


def test_pause_again_next_seed_fog_help_and_quit(make, post):
    play = make(seed=4)
    play.turn()
    post("p")
    play.turn()
    frame = int(play.game.world["frame"])
    play.turn()
    assert (play.screen, play.game.world["frame"]) == ("paused", frame)
    post("p")
    play.turn()
    assert play.game.world["frame"] == frame + 1
    post("r")
    play.turn()
    assert (play.game.seed, play.game.world["frame"]) == (4, 1)
    post("n", "f", "h")
    play.turn()
    assert (play.game.seed, play.fog, play.screen) == (5, True, "help")
    post("q")
    play.turn()
    assert not play.running


def test_q_asks_since_it_lies_beside_w_and_a(make, post):
    play = make()
    post("q")
    play.turn()
    assert (play.screen, play.running) == ("leave", True)
    post("w")
    play.turn()
    assert play.screen == "play"
    post("q", "q")
    play.turn()
    assert not play.running
    other = make()
    post("ESCAPE")
    other.turn()
    assert not other.running


def test_the_end_says_who_won_and_is_not_hammered_away(make, post):
    play = make(seed=1, speed=8.0)
    for _ in range(400):
        play.turn()
        if play.screen == "end":
            break
    assert play.screen == "end"
    post("SPACE")
    play.turn()
    assert (play.screen, play.game.seed) == ("end", 1)
    while play.game.after_frames < GRACE:
        play.turn()
    post("SPACE")
    play.turn()
    assert (play.screen, play.game.seed) == ("play", 2)


@pytest.mark.parametrize(("speed", "frames"), [(0.5, 5), (1.0, 10), (3.0, 30)])
def test_speed(make, speed, frames):
    play = make(speed=speed)
    for _ in range(10):
        play.turn()
    assert play.game.world["frame"] == frames


def test_a_slow_machine_plays_several_frames_a_picture(make):
    play = make()
    frames = []
    for seconds in (0.016, 0.017, 0.033, 0.2):
        before = int(play.game.world["frame"])
        play.turn(seconds)
        frames.append(int(play.game.world["frame"]) - before)
    assert frames == [1, 1, 2, 4]


def test_the_window_grows_in_whole_steps_and_f12_saves_it(make, post):
    play = make()
    pygame.display.set_mode((1400, 900), pygame.RESIZABLE)
    pygame.event.post(pygame.event.Event(pygame.VIDEORESIZE, size=(1400, 900), w=1400, h=900))
    post("F12")
    play.turn()
    assert play.window.scale == 4
    assert play.window.field_area.size == (832, 832)
    (saved,) = Path().glob("mabc-*.png")
    assert pygame.image.load(saved).get_size() == (1400, 900)


@pytest.mark.parametrize("scenario", ["defend-2", "siege-race-2x2", "scout-3v4-patrol", "versus-4x2", "skirmish-20v20"])
def test_every_mode_is_drawn(scenario):
    game = Game(scenario, people=2)
    window = Window("test", (8 * game.env.view.width, 8 * game.env.view.height), scale=1)
    play = Play(window, game, fog=True)
    for screen in ("help", "play", "paused", "leave"):
        play.screen = screen
        play.turn()
    game.outcome, game.after_frames = 2, GRACE
    play.screen = "end"
    play.draw()


def test_a_team_that_does_not_fit_is_told_apart_before_the_window_opens():
    def broken(obs, mask, memory):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(WindowError, match="runs/x cannot play solo"):
        rehearse(Game("solo", against=Trained("runs/x", broken)))


def test_seats_and_players():
    assert people_of(None, None) == 1
    assert people_of(None, 2) == 2
    assert people_of("blue_0, orange_0", None) == ["blue_0", "orange_0"]
    with pytest.raises(ValueError, match="--seats names 2 tanks for --players 3"):
        people_of("blue_0,orange_0", 3)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("sola",), "did you mean 'solo'"),
        (("solo", "--mates", "tactcal"), "did you mean 'tactical'"),
        (("solo", "--against", "runs/none"), "no such run folder"),
        (("solo", "--seats", "blue_1"), "did you mean 'blue_0'"),
    ],
)
def test_wrong_words_are_told_with_the_nearest_one(words, message, capsys):
    assert run_play(options(*words)) == 2
    assert message in capsys.readouterr().err


def test_without_a_display_it_says_what_else_there_is(monkeypatch, capsys):
    monkeypatch.delenv("SDL_VIDEODRIVER")
    monkeypatch.setattr(pygame.display, "get_driver", lambda: "offscreen")
    monkeypatch.setenv("DISPLAY", ":77")
    assert run_play(options("solo")) == 1
    err = capsys.readouterr().err
    assert "no display found" in err
    assert "mabc export" in err


def test_without_pygame_it_says_what_to_install(monkeypatch, capsys):
    for name in [name for name in sys.modules if name.startswith("mabc.window.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pygame", None)
    assert run_play(options("solo")) == 1
    assert 'pip install "mabc[render]"' in capsys.readouterr().err


def test_without_torch_it_says_what_to_install(monkeypatch):
    found = module.importlib.util.find_spec
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None if name == "torch" else found(name))
    with pytest.raises(WindowError, match=r"needs torch: pip install \"mabc\[train\]\""):
        module.who_is("zoo:any", "--against", None)


def test_trained_teams_play_where_they_fit(capsys):
    pytest.importorskip("torch")
    scenario = mabc.scenario("skirmish-3v3")
    team = module.who_is("zoo:skirmish-3v3", "--against", scenario)
    game = Game(scenario, mates=team, against=team)
    for _ in range(30):
        game.step([0])
    assert len(game.drivers) == 2
    assert run_play(options("solo", "--against", "zoo:skirmish-3v3")) == 1
    assert "zoo:skirmish-3v3 cannot play solo" in capsys.readouterr().err
    assert run_play(options("solo", "--against", "zoo:skirmsh-3v3")) == 1
    assert "Did you mean 'skirmish-3v3'" in capsys.readouterr().err


@pytest.mark.parametrize("begun", [True, False])
def test_the_whole_command(begun, monkeypatch, post, tmp_path, capsys):
    turns = []

    def turn(self, seconds, plain=Play.turn):
        turns.append(self.screen)
        if len(turns) == 3 and begun:
            post("d")
        if len(turns) == 12:
            post("ESCAPE")
        plain(self, seconds)

    monkeypatch.setattr(Play, "turn", turn)
    path = tmp_path / "game.mabc"
    assert run_play(options("solo", "--record", str(path), "--scale", "1")) == 0
    if begun:
        assert path.stat().st_size > 100
        assert f"recorded {path}: mabc watch {path}" in capsys.readouterr().out
    else:
        assert not path.exists()
        assert "nothing recorded" in capsys.readouterr().out
