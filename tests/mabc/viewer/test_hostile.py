"""Files that are broken, foreign, too large or malicious: a message, or text; never code, never a blank page."""

import base64
import json
import struct
import zlib

import numpy as np
import pytest

from mabc.replay import container
from mabc.viewer import page

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


def entry(data, **changes):
    """The file whose first section's entry is changed."""
    size = struct.unpack("<I", data[12:16])[0]
    header = json.loads(zlib.decompress(data[16 : 16 + size]))
    header["sections"][0] |= changes
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
    sections |= {f"event.{name}": np.zeros(1, kind) for name, kind in
                 {"frame": "i4", "kind": "u1", "tank": "i1", "by": "i1", "x": "i2", "y": "i2"}.items()}  # fmt: skip
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
        "too large": (entry(good, shape=[1 << 30, 4]), "more than 256 MiB"),
        "negative shape": (entry(good, shape=[-1]), "no valid shape"),
        "shape too large": (entry(good, shape=[100_000]), "holds less than it says"),
        "shape too small": (entry(good, shape=[2]), "holds more than it says"),
        "dtype": (entry(good, dtype="f8"), "unknown type"),
        "prototype": (entry(good, dtype="constructor"), "unknown type"),
        "name twice": (entry(good, name="terrain"), "table of sections"),
    }


def wrong_numbers(header, sections):
    """Files whole in themselves, with a number that leads out of a table → a part of the message."""

    def changed(name, index, value):
        array = sections[name].copy()
        array[index] = value
        return packed(header, sections | {name: array})

    def headed(**changes):
        return packed(header | changes, sections)

    tanks = [dict(tank) for tank in header["tanks"]]
    return {
        "tank type": (changed("tank.look", (0, 0), 0x70), "tank.look"),
        "bullet": (changed("bullet.look", (0, 0), 9), "bullet.look"),
        "power-up": (changed("field", (0, 0), 7), "power-up"),
        "tile code": (changed("terrain", 0, 21), "terrain"),
        "action": (changed("actions", (0, 0), -3), "actions"),
        "steps": (changed("step_frame", 1, 60_000), "step_frame"),
        "steps back": (changed("step_frame", 2, 0), "not in order"),
        "event kind": (packed(header, sections | {
            f"event.{name}": np.full(1, 99 if name == "kind" else 0, kind) for name, kind in
            {"frame": "i4", "kind": "u1", "tank": "i1", "by": "i1", "x": "i2", "y": "i2"}.items()}), "event.kind"),
        "a tile's place": (packed(header, sections | {
            "change.frame": np.zeros(1, "i4"), "change.tile": np.full(1, 60_000, "u2"),
            "change.code": np.zeros(1, "u1")}), "change.tile"),
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
