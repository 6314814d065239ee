"""The browser's picture is Python's, pixel for pixel, with effects and without."""

import numpy as np
import pytest

SMALL = {"viewport": {"width": 880, "height": 560}}  # px: a field of 208 px is shown as it is
SCENARIOS = ["skirmish", "defend", "blind", "scout", "wide", "tiny"]


def some_frames(replay, count=5):
    """Frames spread over the episode, and some at which something explodes, enters or is picked up."""
    spread = np.linspace(0, replay.num_frames, count).astype(int).tolist()
    telling = [e.frame + 3 for e in replay.events if e.kind in ("kill", "enter", "pick_up", "stun", "power_up")]
    return sorted({min(frame, replay.num_frames) for frame in spread + telling[:5]})


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_frame_looks_as_in_python(watch, episodes, replays, name):
    view, replay = watch(**SMALL).files(episodes[name]), replays[name]
    view.do("effects")
    scale = view.js("viewer.stages[0].scale")
    for frame in some_frames(replay):
        view.seek(frame)
        assert np.array_equal(view.canvas(), replay.picture(frame, scale)), f"frame {frame}"


@pytest.mark.parametrize("name", SCENARIOS)
def test_followed_tanks_see_what_python_says_they_see(watch, episodes, replays, name):
    view, replay = watch(**SMALL).files(episodes[name]), replays[name]
    view.do("effects")
    for tank in (0, len(replay.tanks) - 1):
        view.js(f"viewer.follow(viewer.state.replays[0].tanks[{tank}].name)")
        for frame in some_frames(replay, 3):
            view.seek(frame)
            assert np.array_equal(view.drawn(), replay.picture(frame, agent=tank)), f"tank {tank}, frame {frame}"


def test_effects(watch, episodes, replays):
    view, replay = watch(**SMALL).files(episodes["skirmish"]), replays["skirmish"]
    lately = [event.frame for event in replay.events if event.kind in ("fire", "spent")]
    for frame in sorted({at + age for at in lately[:12] for age in (0, 3, 6, 9)}):
        view.seek(frame)
        assert np.array_equal(view.drawn(), replay.picture(frame, effects=True)), f"frame {frame}"
    view.seek(lately[0])
    view.press("e")
    assert np.array_equal(view.drawn(), replay.picture(lately[0]))
    assert not np.array_equal(view.drawn(), replay.picture(lately[0], effects=True))


def test_scale_is_whole_on_a_screen_with_fine_pixels(watch, episodes, replays):
    view = watch(device_scale_factor=2).files(episodes["skirmish"])
    view.do("effects")
    scale = view.js("viewer.stages[0].scale")
    assert view.canvas().shape == (208 * scale, 208 * scale, 3)
    assert np.array_equal(view.canvas(), replays["skirmish"].picture(0, scale))
    assert view.js("viewer.stages[0].canvas.getBoundingClientRect().width * 2") == 208 * scale
