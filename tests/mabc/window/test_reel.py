"""The playhead of a replay."""

import numpy as np
import pytest

import mabc
from mabc.window.reel import SPEEDS, Reel


@pytest.fixture
def reel(recorded):
    reel = Reel(mabc.load_replay(recorded))
    reel.playing = False
    return reel


def test_time_goes_by_at_its_speed_and_stops_at_the_end(reel):
    reel.toggle()
    reel.tick(0.5)
    assert reel.frame == 30
    reel.speed = 0.25
    reel.tick(1.0)
    assert reel.frame == 45
    reel.speed = 16.0
    reel.tick(60.0)
    assert (reel.frame, reel.playing) == (reel.last, False)
    reel.toggle()
    assert (reel.frame, reel.playing) == (0, True)


def test_steps_end_where_the_replay_says(reel):
    ends = reel.replay.step_frame
    reel.by_steps(1)
    assert (reel.frame, reel.step) == (ends[1], 1)
    reel.by_steps(10)
    assert (reel.frame, reel.step) == (ends[11], 11)
    reel.by_frames(3)
    assert (reel.frame, reel.step) == (ends[11] + 3, 11)
    reel.by_steps(-1)  # back to the start of the step it is in
    assert reel.frame == ends[11]
    reel.by_steps(-1)
    assert reel.frame == ends[10]
    reel.by_steps(-100)
    assert reel.frame == 0
    reel.by_frames(-1)
    assert reel.frame == 0
    reel.by_steps(100_000)
    assert (reel.frame, reel.step) == (reel.last, reel.replay.num_steps)


def test_speeds_have_ends(reel):
    seen = []
    for _ in range(6):
        reel.faster(1)
        seen.append(reel.speed)
    assert seen == [2, 4, 8, 16, 16, 16]
    for _ in range(9):
        reel.faster(-1)
    assert reel.speed == SPEEDS[0] == 0.25
    reel.speed = 1.5  # as the command line may have it
    reel.faster(1)
    assert reel.speed in (2.0, 4.0)


def test_following_goes_round_by_way_of_nobody(reel):
    seen = []
    for _ in range(8):
        reel.follow_next()
        seen.append(reel.follow)
    assert seen == [0, 1, 2, 3, 4, 5, None, 0]
    reel.follow_next(-1)
    reel.follow_next(-1)
    assert reel.follow == 5


def test_what_a_spectator_is_told(reel):
    kills = [event for event in reel.replay.events if event.kind == "kill"]
    assert kills
    reel.seek(reel.last)
    assert sum(reel.kills(i) for i in range(6)) == sum(event.by >= 0 for event in kills)
    assert reel.earned(0) == pytest.approx(reel.replay.reward[:, 0].sum(), abs=1e-5)
    assert reel.earned(5) is None
    assert reel.recent(3)[0].kind == "win"
    deaths = {(event.frame, event.tank) for event in kills}
    assert not any(event.kind == "hit" and (event.frame, event.tank) in deaths for event in reel.told)
    reel.seek(kills[0].frame - 1)
    assert sum(reel.kills(i) for i in range(6)) == 0
    assert all(event.frame <= reel.frame for event in reel.recent(5))


def test_a_reel_may_begin_anywhere(recorded):
    replay = mabc.load_replay(recorded)
    assert Reel(replay, step=5).frame == replay.step_frame[5]
    assert Reel(replay, step=10**9).frame == replay.num_frames
    assert np.array_equal(replay.step_frame, np.sort(replay.step_frame))
