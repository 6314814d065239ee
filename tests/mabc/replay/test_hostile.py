"""Files from strangers: a clear error or a picture, never a crash, never more memory than promised."""

import json
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mabc
from mabc.replay import Replay, ReplayError
from mabc.replay.container import MAGIC, pack, unpack
from mabc.replay.sections import DELTA


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("replay") / "whole.mabc"
    env = mabc.make_batch("scout-3v4", 1, record=path, line_of_sight=True)
    env.reset(seed=0)
    for _ in range(12):
        env.recorder.note(value=np.zeros(3), probs=np.zeros((3, 10)))
        env.step(env.bot_actions("tactical"))
    env.close()
    return path.read_bytes()


def altered(data: bytes, change) -> bytes:
    """A well-formed file, but for what `change(header, sections)` does to it."""
    header, sections = unpack(data)
    del header["sections"]
    change(header, sections)
    return pack(header, sections, DELTA & set(sections))


def with_header(data: bytes, change) -> bytes:
    """The same for the header alone, the table of sections included; sections stay as they are stored."""
    _, _, size = struct.unpack_from("<8sII", data)
    header = json.loads(zlib.decompress(data[16 : 16 + size]))
    change(header)
    text = zlib.compress(json.dumps(header).encode())
    return struct.pack("<8sII", MAGIC, 1, len(text)) + text + data[16 + size :]


def use(data: bytes) -> None:
    """Everything that a viewer does with a file."""
    replay = Replay(data)
    for frame in range(0, replay.num_frames + 1, 16):
        replay.picture(frame)
        replay.picture(frame, agent=0)
        replay.world(frame)
    assert repr(replay)
    assert isinstance(replay.events, list)


def test_a_whole_file_is_fine(whole):
    use(whole)


def test_cut_anywhere(whole):
    for length in [*range(40), *range(40, len(whole), 97), len(whole) - 1]:
        with pytest.raises(ReplayError, match=r"cut short|no replay|damaged|unpack|changed"):
            Replay(whole[:length])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no replay"),
        (b"GIF89a and more", "no replay"),
        (b"\x89MABC\n\n" + bytes(40), "changed on its way"),
        (MAGIC + struct.pack("<II", 7, 4) + bytes(4), "format version 7, this mabc reads 1"),
        (MAGIC + struct.pack("<II", 1, 4) + b"abcd", "header cannot be unpacked"),
        (MAGIC + struct.pack("<II", 1, 10) + zlib.compress(b"[]"), "no list of sections"),
    ],
)
def test_foreign_files(data, message):
    with pytest.raises(ReplayError, match=message):
        Replay(data)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**31), st.integers(1, 255))
def test_a_byte_changed(whole, at, by):
    data = bytearray(whole)
    data[at % len(data)] ^= by
    try:
        use(bytes(data))
    except ReplayError:
        return


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_values_that_no_game_has(whole, data):
    """Checksums that are right, values that are not."""

    def change(header, sections):
        name = data.draw(st.sampled_from(sorted(sections)))
        array = sections[name].reshape(-1)
        if array.size:
            info = np.finfo(array.dtype) if array.dtype.kind == "f" else np.iinfo(array.dtype)
            array[data.draw(st.integers(0, array.size - 1))] = data.draw(st.sampled_from([info.min, info.max]))

    try:
        use(altered(whole, change))
    except ReplayError:
        return


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_headers_that_no_recorder_writes(whole, data):
    junk = st.sampled_from([None, -1, 10**30, 1.5, "x", [], {}, [[]], True, "\x00" * 50, [1] * 100])

    def change(header):
        key = data.draw(st.sampled_from(sorted(header)))
        value = header[key]
        if isinstance(value, list) and value and isinstance(value[0], dict) and data.draw(st.booleans()):
            entry = data.draw(st.sampled_from(value))
            entry[data.draw(st.sampled_from(sorted(entry)))] = data.draw(junk)
        elif isinstance(value, dict) and data.draw(st.booleans()):
            value[data.draw(st.sampled_from(sorted(value)))] = data.draw(junk)
        else:
            header[key] = data.draw(junk)

    try:
        replay_data = with_header(whole, change)
        use(replay_data)
        Replay(replay_data).verify()
    except ReplayError:
        return


def test_the_place_of_a_power_up_counts_where_there_is_one(whole):
    def change(kind):
        def put(header, sections):
            sections["field"][0] = [kind, 65535, 1, 0, 0]

        return put

    use(altered(whole, change(0)))
    with pytest.raises(ReplayError, match="section 'field'"):
        use(altered(whole, change(1)))


@pytest.mark.parametrize("name", ["tank.look", "tank.state", "bullet.look", "terrain", "change.code", "event.kind"])
def test_the_message_names_the_section(whole, name):
    def change(header, sections):
        sections[name] = np.full_like(sections[name], 255)

    if not unpack(whole)[1][name].size:
        pytest.skip("nothing of the kind happened")
    with pytest.raises(ReplayError, match=f"section '{name}' holds"):
        Replay(altered(whole, change))


def test_a_bomb_is_not_unpacked(whole):
    """A section that says it is small and unpacks to a gigabyte, and one that says it is large."""
    bomb = zlib.compress(bytes(1 << 27), 9)

    def small(header):
        entry = header["sections"][-1]
        entry["bytes"], entry["crc32"] = len(bomb), zlib.crc32(bomb)

    header, _ = unpack(whole)
    tail = header["sections"][-1]["bytes"]
    tracemalloc.start()
    with pytest.raises(ReplayError, match="does not unpack to the"):
        Replay(with_header(whole, small)[:-tail] + bomb)
    assert tracemalloc.get_traced_memory()[1] < 16 << 20
    tracemalloc.stop()

    def large(header):
        header["sections"][0]["shape"] = [2**20, 2**10]

    with pytest.raises(ReplayError, match="more than the 268,435,456 bytes that are read"):
        Replay(with_header(whole, large))


@pytest.mark.parametrize("shape", [[0, 2**30, 2**30, 2**30], [10, 0, 2**30, 2**30, 2**30]])
@pytest.mark.parametrize("delta", [0, 1])
def test_shapes_of_nothing_that_are_too_large(whole, shape, delta):
    def change(header):
        header["sections"][0] |= {"shape": shape, "delta": delta}

    with pytest.raises(ReplayError, match=r"is more than the 268,435,456 bytes"):
        Replay(with_header(whole, change))


def test_more_events_than_frames_can_have(whole):
    def change(header, sections):
        for name in [name for name in sections if name.startswith("event.")]:
            sections[name] = np.zeros(64 * (header["num_frames"] + 2), sections[name].dtype)

    with pytest.raises(ReplayError, match=r"more than \d+ frames can have"):
        Replay(altered(whole, change))


def test_rewards_that_are_no_numbers(whole):
    def change(header, sections):
        sections["reward"][0, 0] = np.inf

    with pytest.raises(ReplayError, match="section 'reward' holds what is no finite number"):
        Replay(altered(whole, change))


def test_a_power_up_beyond_the_field(whole):
    def change(header, sections):
        sections["field"][0, :2] = 1, 65535

    with pytest.raises(ReplayError, match="section 'field' holds 65535"):
        Replay(altered(whole, change))


@pytest.mark.parametrize(
    ("where", "key", "value"),
    [
        (lambda s: s["teams"][0], "lives", 1.5),
        (lambda s: s["rewards"], "win", 10**400),
        (lambda s: s["teams"][0], "strange", 1),
        (lambda s: s, "targets", 7),
        (lambda s: s, "map", ["x\ny"] * 2000),
        (lambda s: s["teams"][0], "tanks", ["player"] * 7),
        (lambda s: s, "carriers", [10**9]),
    ],
)
def test_scenarios_that_nobody_can_play(whole, where, key, value):
    def change(header):
        where(header["scenario"])[key] = value

    with pytest.raises(ReplayError):
        Replay(with_header(whole, change)).verify()


def test_a_number_of_thousands_of_digits():
    text = zlib.compress(b'{"sections": [], "seed": ' + b"7" * 5000 + b"}")
    with pytest.raises(ReplayError, match="no JSON"):
        Replay(struct.pack("<8sII", MAGIC, 1, len(text)) + text)


def test_a_deep_header(whole):
    text = zlib.compress(b"[" * 200_000)
    with pytest.raises(ReplayError, match="no JSON"):
        Replay(struct.pack("<8sII", MAGIC, 1, len(text)) + text)


def test_a_scenario_that_reads_a_file(whole):
    """A map is text in a replay; the name of a file on this machine is not opened."""

    def change(header):
        header["scenario"]["map"] = ["/etc/passwd.txt"]

    replay = Replay(with_header(whole, change))
    with pytest.raises(ReplayError, match="maps are no texts"):
        replay.verify()
