"""Replays as videos, pictures and pages."""

import numpy as np
import pytest

import mabc
from mabc import cli, export
from mabc.render.png import png


@pytest.fixture(scope="module")
def replay(tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "game.mabc"
    env = mabc.make_batch("skirmish-3v3", 1, record=path)
    env.reset(seed=0)
    for _ in range(30):
        env.step(env.bot_actions("tactical") | 1)
    env.close()
    return mabc.load_replay(path)


def test_png(replay, tmp_path):
    image = pytest.importorskip("PIL.Image")
    export.export_png(replay, tmp_path / "a.png", frame=50, scale=2)
    shown = np.asarray(image.open(tmp_path / "a.png"))
    assert np.array_equal(shown, replay.picture(50, scale=2, effects=True))
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (5, 7, 3), np.uint8)
    (tmp_path / "b.png").write_bytes(png(picture))
    assert np.array_equal(np.asarray(image.open(tmp_path / "b.png")), picture)


@pytest.mark.parametrize("agent", [None, "blue_1"])
def test_a_gif_has_the_very_colours(replay, tmp_path, agent):
    image = pytest.importorskip("PIL.Image")
    export.export_gif(replay, tmp_path / "a.gif", scale=1, fps=10, agent=agent)
    gif = image.open(tmp_path / "a.gif")
    wanted = list(replay.pictures(6, agent=agent, effects=True))
    assert gif.n_frames == len(wanted)
    for k in (0, 1, len(wanted) // 2, len(wanted) - 1):
        gif.seek(k)
        assert np.array_equal(np.asarray(gif.convert("RGB")), wanted[k]), k
    assert gif.info["duration"] == 2000  # the last picture rests


def test_mp4(replay, tmp_path):
    ffmpeg = pytest.importorskip("imageio_ffmpeg")
    export.export_mp4(replay, tmp_path / "a.mp4", scale=2, speed=2)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
    frames, seconds = ffmpeg.count_frames_and_secs(str(tmp_path / "a.mp4"))
    assert frames == replay.num_frames // 2 + 1
    assert seconds == pytest.approx(frames / 60, abs=0.1)
    reader = ffmpeg.read_frames(str(tmp_path / "a.mp4"))
    size = next(reader)["size"]
    first = np.frombuffer(next(reader), np.uint8).reshape(size[1], size[0], 3)
    reader.close()
    assert abs(first.astype(int) - replay.picture(0, 2)).mean() < 6  # lossy, but the same picture


def test_html(replay, tmp_path):
    export.export_html(replay, tmp_path / "a.html")
    assert (tmp_path / "a.html").read_text("utf-8").startswith("<!")


def test_speeds(replay, tmp_path):
    with pytest.raises(ValueError, match=r"speed=0: expected 1/64 to 64"):
        export.export_gif(replay, tmp_path / "a.gif", speed=0)
    assert not list(tmp_path.iterdir())


def test_a_shot_at_a_wall_is_seen(tmp_path):
    """The bullet that never stands in a frame leaves a flash and a puff."""
    wall = mabc.Scenario("wall", "skirmish", "A@..B\n.....\n.....", (mabc.Team(), mabc.Team()), swap_sides=False)
    env = mabc.make_batch(wall, 1, record=tmp_path / "wall.mabc")
    env.reset(seed=0)
    env.step([[5, 0]])
    env.close()
    replay = mabc.load_replay(tmp_path / "wall.mabc")
    shot = next(event for event in replay.events if event.kind == "fire")
    plain, drawn = replay.picture(shot.frame), replay.picture(shot.frame, effects=True)
    rows, columns = np.nonzero((plain != drawn).any(axis=2))
    assert len(rows) > 8
    assert max(abs(columns - shot.x).max(), abs(rows - shot.y).max()) <= 5


def test_the_commands(replay, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    replay.save("game.mabc")
    assert cli.main(["export", "game.mabc", "--html", "--gif", "g.gif", "--png", "--step", "3"]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"game.mabc", "game.html", "g.gif", "game.png"}
    assert cli.main(["show", "scout-3v4", "--png", "--agent", "1"]) == 0
    assert cli.main(["show", "solo", "--png", "many.png", "--worlds", "5"]) == 0
    assert cli.main(["gallery", "."]) == 0
    assert {"scout-3v4.png", "many.png", "index.html"} <= {path.name for path in tmp_path.iterdir()}


def test_info(replay, tmp_path, capsys):
    replay.save(tmp_path / "game.mabc")
    assert cli.main(["info", str(tmp_path / "game.mabc"), "--verify", "--events"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("skirmish-3v3, seed 0: 6 tanks, 30 steps (240 frames), cut short\n")
    assert "played again: 2 states compared, all the same" in told
    assert "blue_0 by blue_0" in told
    assert max(map(len, told.splitlines())) <= 80


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["info", "nowhere.mabc"], 1, "mabc info: cannot read nowhere.mabc: No such file"),
        (["show", "skirmish-3v4"], 2, "did you mean 'skirmish-3v5'"),
        (["export", "game.mabc", "--png", "--step", "99"], 2, "--step=99: the replay has steps 0 to 30"),
        (["export", "game.mabc", "--png", "--follow", "blue_9"], 2, "unknown tank 'blue_9'; did you mean 'blue_"),
        (["gallery", "nowhere"], 2, "nowhere is no folder"),
        (["show", "solo", "--png", "--agent", "3"], 2, "--agent=3: solo has agents 0 to 0"),
    ],
)
def test_wrong_usage(replay, tmp_path, monkeypatch, capsys, words, status, message):
    monkeypatch.chdir(tmp_path)
    replay.save("game.mabc")
    assert cli.main(words) == status
    assert message in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["game.mabc"]


def test_names_do_not_steer_a_terminal(replay, tmp_path, capsys):
    from mabc.replay.container import pack, unpack
    from mabc.replay.sections import DELTA

    header, sections = unpack(replay.data)
    del header["sections"]
    header["tanks"][0]["name"] = "\x1b[2Jevil"
    (tmp_path / "game.mabc").write_bytes(pack(header, sections, DELTA & set(sections)))
    assert cli.main(["info", str(tmp_path / "game.mabc"), "--events"]) == 0
    assert "\x1b" not in capsys.readouterr().out
