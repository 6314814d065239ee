"""The window of `mabc watch`, on SDL's dummy driver."""

import argparse

import numpy as np
import pygame
import pytest

import mabc
from mabc.window import add_watch_arguments, run_watch
from mabc.window.reel import Reel
from mabc.window.shell import Window
from mabc.window.watch import STRIP, Watch


@pytest.fixture
def watch(recorded):
    replay = mabc.load_replay(recorded)
    height, width = replay.picture(0).shape[:2]
    watch = Watch(Window("test", (width, height), scale=2, strip=STRIP), Reel(replay))
    watch.reel.playing = False
    watch.turn()
    return watch


def shown(watch):
    """The field as it stands in the window, uint8 [H, W, 3], without the followed tank's arrow."""
    part = watch.window.surface.subsurface(watch.window.field_area)
    return pygame.surfarray.array3d(part).swapaxes(0, 1)[::2, ::2]


def mouse(kind, position, **more):
    pygame.event.post(pygame.event.Event(kind, pos=position, button=1, **more))


def test_the_field_is_the_replays_picture(watch):
    watch.reel.seek(100)
    watch.turn()
    assert np.array_equal(shown(watch), watch.reel.replay.picture(100))


def test_keys(watch, post):
    reel = watch.reel
    ends = reel.replay.step_frame
    for keys, mod, frame in [
        (["RIGHT"], 0, ends[1]), (["RIGHT"], pygame.KMOD_SHIFT, ends[11]), (["LEFT"], 0, ends[10]),
        (["PERIOD", "PERIOD"], 0, ends[10] + 2), (["COMMA"], 0, ends[10] + 1), (["HOME"], 0, 0),
        (["PAGEDOWN"], 0, 60), (["END"], 0, reel.last),
    ]:  # fmt: skip
        post(*keys, mod=mod)
        watch.turn()
        assert reel.frame == frame, keys
    post("r", "PLUS")
    watch.turn(0.0)
    assert (reel.frame, reel.playing, reel.speed) == (0, True, 2.0)
    watch.turn(0.1)
    assert reel.frame == 12
    post("SPACE", "MINUS", "MINUS")
    watch.turn()
    assert (reel.frame, reel.playing, reel.speed) == (12, False, 0.5)


def test_follow_by_tab_leave_by_escape_then_quit(watch, post):
    post("TAB")
    watch.turn()
    assert watch.reel.follow == 0
    fog, clear = watch.reel.replay.picture(0, agent=0), watch.reel.replay.picture(0)
    assert not np.array_equal(fog, clear)
    assert (shown(watch) != fog).any(axis=2).sum() < 30  # the arrow
    post("ESCAPE")
    watch.turn()
    assert (watch.reel.follow, watch.running) == (None, True)
    post("ESCAPE")
    watch.turn()
    assert not watch.running


def test_follow_by_a_click_on_a_tank_or_its_name(watch):
    tank = watch.world["tanks"][4]
    area = watch.window.field_area
    mouse(pygame.MOUSEBUTTONDOWN, (area.left + 2 * tank["x"], area.top + 2 * tank["y"]))
    watch.turn()
    assert watch.reel.follow == 4
    mouse(pygame.MOUSEBUTTONDOWN, (area.left + 2 * 104, area.top + 2 * 104))
    watch.turn()
    assert watch.reel.follow is None
    row, slot = watch._rows[2]
    mouse(pygame.MOUSEBUTTONDOWN, row.center)
    watch.turn()
    assert watch.reel.follow == slot == 2


def test_the_timeline_is_dragged_and_goes_on_after(watch):
    watch.reel.playing = True
    track = watch._track()
    mouse(pygame.MOUSEBUTTONDOWN, (track.left + track.width // 2, track.centery))
    watch.turn()
    assert watch.reel.frame == pytest.approx(watch.reel.last / 2, abs=2)
    mouse(pygame.MOUSEMOTION, (track.right + 500, 0), rel=(0, 0), buttons=(1, 0, 0))
    watch.turn()
    assert watch.reel.frame == watch.reel.last
    mouse(pygame.MOUSEMOTION, (track.left, 0), rel=(0, 0), buttons=(1, 0, 0))
    watch.turn()
    assert watch.reel.frame == 0
    mouse(pygame.MOUSEBUTTONUP, (track.left, 0))
    watch.turn(0.5)
    assert watch.reel.frame == 30


def test_help_and_end(watch, post):
    post("h")
    watch.turn()
    assert watch.help
    post("END")  # closes the help
    watch.turn()
    assert (watch.help, watch.reel.frame) == (False, 0)
    post("END", "TAB")
    watch.turn()
    assert watch.reel.frame == watch.reel.last


def options(*words):
    parser = argparse.ArgumentParser()
    add_watch_arguments(parser)
    return parser.parse_args(words)


def test_the_whole_command(recorded, monkeypatch):
    seen = []

    def turn(self, seconds, plain=Watch.turn):
        plain(self, seconds)
        seen.append((self.reel.step, self.reel.follow, self.reel.speed))
        if len(seen) == 3:
            pygame.event.post(pygame.event.Event(pygame.QUIT))

    monkeypatch.setattr(Watch, "turn", turn)
    words = (str(recorded), "--follow", "blue_1", "--start", "7", "--speed", "0.5", "--paused", "--scale", "1")
    assert run_watch(options(*words)) == 0
    assert set(seen) == {(7, 1, 0.5)}


def test_what_cannot_be_watched_is_told(recorded, tmp_path, capsys):
    (tmp_path / "broken.mabc").write_bytes(b"no replay at all")
    assert run_watch(options(str(tmp_path / "broken.mabc"))) == 1
    assert run_watch(options(str(tmp_path / "none.mabc"))) == 1
    assert run_watch(options(str(recorded), "--follow", "blue_9")) == 2
    err = capsys.readouterr().err
    assert "broken.mabc" in err
    assert "did you mean 'blue_" in err
