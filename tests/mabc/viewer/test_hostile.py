"""Files that are broken, foreign, too large or malicious: a message, or text; never code, never a blank page."""

import base64
import json
import struct
import zlib

import numpy as np
import pytest

from mabc.replay import Replay, ReplayError, container
from mabc.viewer import page

EVENT = {"frame": "i4", "kind": "u1", "tank": "i1", "by": "i1", "x": "i2", "y": "i2"}
CHANGE = {"frame": "i4", "tile": "u2", "code": "u1"}
IMAGE = "<img src=x onerror=alert(1)>"
SCRIPT = "</script><script>alert(2)</script>"


def parts(path):
    """Header and sections of a file."""
    header, sections = container.unpack(path.read_bytes())
    return {key: value for key, value in header.items() if key != "sections"}, sections


def packed(header, sections):
    return container.pack(header, sections, {"tank.x", "tank.y", "step_frame"} & set(sections))


def with_header(data, text):
    """The file with another header, bytes."""
    size = struct.unpack("<I", data[12:16])[0]
    stored = zlib.compress(text)
    return data[:12] + struct.pack("<I", len(stored)) + stored + data[16 + size :]


def entry(data, places=slice(1), **changes):
    """The file in whose table of sections some entries are changed, the first one unless told otherwise."""
    size = struct.unpack("<I", data[12:16])[0]
    header = json.loads(zlib.decompress(data[16 : 16 + size]))
    for one in header["sections"][places]:
        one |= changes
    return with_header(data, json.dumps(header).encode())


def test_names_in_a_file_are_text(watch, episodes):
    header, sections = parts(episodes["tiny"])
    header["tanks"][0]["name"], header["tanks"][1]["name"] = IMAGE, SCRIPT
    header["agents"] = [IMAGE, SCRIPT]
    header["scenario"] |= {"name": IMAGE, "note": SCRIPT, "mode": IMAGE}
    header["mabc"] = SCRIPT
    view = watch().open(page([(f"{IMAGE}{SCRIPT}.mabc".replace("/", ""), packed(header, sections))]))
    assert view.text("#title") == IMAGE
    assert IMAGE in view.text("#agents")
    assert SCRIPT in view.text("#agents")
    view.press("1")
    assert IMAGE in view.text(".detail")
    for tab in ("events", "about"):
        view.page.click(f"#tab-{tab}")
    assert SCRIPT in view.text("#about")
    assert view.page.locator("img, iframe, object").count() == 0
    assert view.page.locator("script").count() == 3


def test_a_formula_in_the_table_of_events_is_disarmed(watch, episodes, tmp_path):
    header, sections = parts(episodes["tiny"])
    header["tanks"][0]["name"] = '=1+"2"'
    sections |= listed("event", EVENT, 1)
    view = watch().open(page([("a.mabc", packed(header, sections))]))
    with view.page.expect_download() as download:
        view.press("c")
    lines = download.value.path().read_text().splitlines()
    assert lines[1] == """0,0,fire,"'=1+""2\""","'=1+""2\""",0,0"""


def broken_files(good):
    """What is wrong → (the file's bytes, a part of the message)."""
    flipped = bytearray(good)
    flipped[-3] ^= 1
    bomb = zlib.compress(bytes(64 << 20))
    return {
        "empty": (b"", "only 0 bytes"),
        "foreign": (b"PNG" * 40, "not a replay"),
        "line ends": (good.replace(b"\r\n", b"\n", 1), "line ends"),
        "version": (good[:8] + b"\x07\0\0\0" + good[12:], "This file is format version 7, this viewer reads 1"),
        "header cut": (good[:40], "truncated"),
        "section cut": (good[:-10], "truncated"),
        "more follows": (good + b"x", "bytes follow"),
        "bit flipped": (bytes(flipped), "damaged"),
        "header no zlib": (good[:20] + b"\xff" * 40 + good[60:], "header is damaged"),
        "header bomb": (good[:12] + struct.pack("<I", len(bomb)) + bomb, "holds more than it says"),
        "header no json": (with_header(good, b"{"), "not JSON"),
        "header a list": (with_header(good, b"[1]"), "not an object"),
        "header without sections": (with_header(good, b"{}"), "no sections"),
        "too large": (entry(good, shape=[1 << 30, 4]), "spans more than 256 MiB"),
        "too large beside a side of 0": (entry(good, shape=[1 << 30, 0, 4]), "spans more than 256 MiB"),
        "too large together": (entry(good, slice(2), shape=[70 << 20]), "sections hold more than 256 MiB"),
        "a side too long": (entry(good, shape=[1 << 31, 0]), "no valid shape"),
        "too many sides": (entry(good, shape=[1] * 9), "no valid shape"),
        "negative shape": (entry(good, shape=[-1]), "no valid shape"),
        "shape too large": (entry(good, shape=[100_000]), "holds less than it says"),
        "shape too small": (entry(good, shape=[2]), "holds more than it says"),
        "dtype": (entry(good, dtype="f8"), "unknown type"),
        "prototype": (entry(good, dtype="constructor"), "unknown type"),
        "name twice": (entry(good, name="terrain"), "table of sections"),
    }


def listed(group, columns, count, **values):
    """Sections of a list of changes or events that are alike: zeros, but for the values of some columns."""
    return {f"{group}.{name}": np.full(count, values.get(name, 0), kind) for name, kind in columns.items()}


def stretched(header, sections, steps, frames):
    """The same, longer: an episode of so many steps and frames in which nothing is and nothing happens."""
    tall = {
        name: np.zeros((frames + 1, *array.shape[1:]), array.dtype)
        for name, array in sections.items()
        if name == "field" or name.startswith(("tank.", "bullet."))
    }
    tall |= {name: np.zeros((steps, *sections[name].shape[1:]), sections[name].dtype) for name in ("actions", "reward")}
    tall |= {
        "step_frame": np.linspace(0, frames, steps + 1).astype("i4"),
        "seen": np.zeros((steps + 1, *sections["seen"].shape[1:]), "u1"),
        "hash": np.zeros((-(-steps // 64) + 1, 16), "u1"),
    }
    long = header | {
        "num_steps": steps,
        "num_frames": frames,
        "scenario": header["scenario"] | {"max_steps": steps, "frame_skip": 64},
    }
    return long, sections | listed("event", EVENT, 0) | listed("change", CHANGE, 0) | tall


def wrong_numbers(header, sections):
    """Files whole in themselves, with a number that leads out of a table → a part of the message."""

    def changed(name, index, value):
        array = sections[name].copy()
        array[index] = value
        return packed(header, sections | {name: array})

    def headed(**changes):
        return packed(header | changes, sections)

    def with_list(group, columns, count, **values):
        return packed(header, sections | listed(group, columns, count, **values))

    tanks = [dict(tank) for tank in header["tanks"]]
    frames, width, height = header["num_frames"], header["width"], header["height"]
    most = 64 * (frames + 1)
    no_hold = np.zeros_like(sections["actions"], "i2")
    longest, empty = stretched(header, sections, steps=500, frames=32_000)
    return {
        "tank type": (changed("tank.look", (0, 0), 0x70), "tank.look"),
        "bullet": (changed("bullet.look", (0, 0), 9), "bullet.look"),
        "power-up": (changed("field", (0, 0), 7), "power-up"),
        "tile code": (changed("terrain", 0, 21), "terrain"),
        "action": (changed("actions", (0, 0), -3), "actions"),
        "steps": (changed("step_frame", 1, 60_000), "step_frame"),
        "steps back": (changed("step_frame", 2, 0), "not in order"),
        "event kind": (with_list("event", EVENT, 1, kind=99), "event.kind"),
        "a tile's place": (with_list("change", CHANGE, 1, tile=60_000), "change.tile"),
        "many events": (with_list("event", EVENT, most + 1), f"event.frame lists {most + 1}"),
        "many changes": (with_list("change", CHANGE, most + 1), f"change.frame lists {most + 1}"),
        "2,000,001 events": (packed(longest, empty | listed("event", EVENT, 2_000_001)), "at most 2000000"),
        "2,000,001 changes": (packed(longest, empty | listed("change", CHANGE, 2_000_001)), "at most 2000000"),
        "power-up's x": (changed("field", (0, slice(3)), (1, 8 * width + 1, 0)), "field places a power-up"),
        "power-up's y": (changed("field", (0, slice(3)), (6, 0, 8 * height + 1)), "field places a power-up"),
        "reward no number": (changed("reward", (0, 0), np.nan), "reward holds NaN"),
        "reward without end": (changed("reward", (1, 0), -np.inf), "reward holds -Infinity"),
        "hold": (packed(header, sections | {"hold": no_hold - 1}), "hold holds -1"),
        "hits left": (changed("tank.state", (0, 0), 0x51), "tank.state"),
        "more frames than steps have": (headed(num_frames=header["num_steps"] * 8 + 1), "num_frames"),
        "more steps than the scenario has": (headed(scenario=header["scenario"] | {"max_steps": 3}), "num_steps"),
        "frame_skip": (headed(scenario=header["scenario"] | {"frame_skip": 0}), "frame_skip"),
        "not one tank": (headed(tanks=[], agents=[]), "tanks"),
        "a seed that is a number": (headed(seed=0), "seed"),
        "a section less": (packed(header, {k: v for k, v in sections.items() if k != "tank.x"}), "tank.x is missing"),
        "width": (headed(width=10**9), "width"),
        "a fraction": (headed(height=1.5), "height"),
        "team": (headed(tanks=[tanks[0] | {"team": 5}, *tanks[1:]]), "team"),
        "agent": (headed(tanks=[tanks[0] | {"agent": 40}, *tanks[1:]]), "agent"),
        "a name that is none": (headed(tanks=[tanks[0] | {"name": {"a": 1}}, *tanks[1:]]), "tanks"),
        "no tanks": (headed(tanks=None), "tanks"),
        "no scenario": (headed(scenario=None), "scenario"),
        "bases": (headed(bases=[None]), "bases"),
        "outcome": (headed(outcome="x"), "outcome"),
    }  # fmt: skip


def odd_files(header, sections):
    """Files that no recorder writes, at the edge of what is read."""
    frames, width, height = header["num_frames"], header["width"], header["height"]
    field = sections["field"].copy()
    field[1, :3] = 6, 8 * width - 1, 8 * height - 1
    longest, empty = stretched(header, sections, steps=500, frames=32_000)
    return {
        "events": packed(header, sections | listed("event", EVENT, 64 * (frames + 1), by=-1)),
        "changes": packed(header, sections | listed("change", CHANGE, 64 * (frames + 1))),
        "2,000,000 changes": packed(longest, empty | listed("change", CHANGE, 2_000_000)),
        "power-up": packed(header, sections | {"field": field}),
        "no hold": packed(header, sections | {"hold": np.zeros_like(sections["actions"], "i2")}),
        "section of nothing": packed(header, sections | {"more": np.zeros((2**20, 0, 2**8), "u1")}),
    }


def open_bytes(view, data, name="given.mabc"):
    """Give the page a file; the message it shows, "" for none."""
    view.js(
        """async ([name, data]) => {
            await viewer.open(Uint8Array.from(atob(data), (c) => c.charCodeAt(0)), name);
        }""",
        [name, base64.b64encode(data).decode()],
    )
    return view.text("#message") if view.page.is_visible("#message") else ""


def test_broken_files_say_what_is_wrong_with_them(watch, episodes):
    view = watch().files(episodes["tiny"])
    cases = broken_files(episodes["tiny"].read_bytes()) | wrong_numbers(*parts(episodes["tiny"]))
    for what, (data, message) in cases.items():
        told = open_bytes(view, data)
        assert message in told, f"{what}: {told!r}"
        assert "given.mabc" in told
        assert view.js("viewer.state.replays.length") == 1, "what was open stays"
    assert open_bytes(view, episodes["tiny"].read_bytes()) == "", "a good file takes the message away"


def test_odd_files_are_shown(watch, episodes):
    view = watch().files(episodes["tiny"])
    for what, data in odd_files(*parts(episodes["tiny"])).items():
        assert open_bytes(view, data) == "", what
        view.js("for (const frame of [0, 1, viewer.player.lead.F]) viewer.player.seek(frame)")


def test_the_place_of_a_power_up_counts_where_there_is_one(watch, episodes):
    header, sections = parts(episodes["tiny"])
    view = watch().files(episodes["tiny"])
    for power_up, told in ((0, ""), (1, "field places a power-up")):
        for place in ((8 * header["width"], 0), (0, 8 * header["height"])):
            field = sections["field"].copy()
            field[0, :3] = power_up, *place
            message = open_bytes(view, packed(header, sections | {"field": field}))
            assert told in message
            assert bool(message) == bool(told)


def test_a_hold_of_none_is_not_shown(watch, episodes):
    header, sections = parts(episodes["tiny"])
    hold = np.zeros_like(sections["actions"], "i2")
    hold[1:] = 3
    view = watch().open(page([("a.mabc", packed(header, sections | {"hold": hold}))]))
    view.press("1")
    assert "frames" not in view.text(".detail")
    view.press("ArrowRight")
    assert ", 3 frames" in view.text(".detail")


def refused_by_python(data, play):
    try:
        replay = Replay(data)
        if play:
            replay.verify()
    except ReplayError:
        return True
    return False


def test_python_refuses_and_reads_the_same_files(episodes):
    good = episodes["tiny"].read_bytes()
    for what, (data, _) in (broken_files(good) | wrong_numbers(*parts(episodes["tiny"]))).items():
        # Python looks at orders when it plays them.
        assert refused_by_python(data, play=what in ("action", "hold")), what
    for data in odd_files(*parts(episodes["tiny"])).values():
        Replay(data)


@pytest.mark.parametrize("data", [b"", b"nonsense"])
def test_a_page_made_of_a_broken_file_says_so(watch, data):
    view = watch().open(page([("bad <b>.mabc", data)]))
    assert "bad <b>.mabc: This is not a replay" in view.text("#message")
    assert view.page.is_visible("#empty")


def test_any_damage_is_met_with_a_message(watch, episodes):
    """Bytes changed at random, in whole files and inside sections: drawn, or refused; no other error."""
    view = watch().files(episodes["tiny"])
    rng = np.random.default_rng(7)
    good = episodes["tiny"].read_bytes()
    header, sections = parts(episodes["tiny"])
    for k in range(60):
        if k % 2:
            data = bytearray(good[: rng.integers(8, len(good))] if k % 4 == 1 else good)
            data[rng.integers(8, len(data))] = rng.integers(256)
        else:
            name = list(sections)[k // 2 % len(sections)]
            raw = bytearray(sections[name].tobytes())
            for _ in range(3):
                if raw:
                    raw[rng.integers(len(raw))] = rng.integers(256)
            array = np.frombuffer(bytes(raw), sections[name].dtype).reshape(sections[name].shape)
            data = packed(header, sections | {name: array})
        open_bytes(view, bytes(data))
        view.js("for (const frame of [0, 30, viewer.player.lead.F]) viewer.player.seek(frame)")
