"""The real entry points in processes of their own: train, kill, resume, evaluate."""

import base64
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mabc
from algos.common import checkpoint
from algos.common.errors import BadInput
from algos.common.log import CLOCK, read_metrics, truncate_metrics
from algos.common.run import CLIPS, Run, check_rules, create_folder, default_folder
from algos.data import store
from algos.evaluation.playback import record_clip
from algos.train import share_discount
from tests.algos.offline.offline_data import team

ROOT = Path(__file__).parents[2]
ENV = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'envs'}", "OMP_NUM_THREADS": "1"}
SMALL = ["algo.num_steps=16", "algo.hidden_size=16", "algo.threads=1", "algo.checkpoint_every=3"]
TOY = ["env=batched", "env.id=tests.toy_env:make", "env.num_envs=16", *SMALL]

MABC = {"name": "mabc", "scenario": "skirmish-3v3", "num_envs": 1, "obs": "vector", "state": "vector"}


def command(module, *arguments):
    return [sys.executable, "-m", f"algos.{module}", *arguments]


def run(folder, module, *arguments, code=0):
    done = subprocess.run(command(module, *arguments), cwd=folder, env=ENV, capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def without_clock(path):
    return [{k: v for k, v in line.items() if not k.startswith(CLOCK)} for line in read_metrics(path)]


def test_run_folder_and_evaluation(tmp_path):
    out = run(tmp_path, "train", *TOY, "total_steps=12800", "dir=a", "algo.lr=5e-3").stdout
    assert "Deterministic evaluation, 512 episodes" in out
    assert not list((tmp_path / "a" / "replays").iterdir()), "no pictures of other environments than MABC"
    assert "watch" not in out
    for name in ("config.yaml", "metrics.jsonl", "tensorboard", "checkpoints", "replays", "report.png"):
        assert (tmp_path / "a" / name).exists(), name
    done = run(tmp_path, "evaluate", "run=a", "episodes=100")
    assert done.stdout.count("\n") == 1
    result = json.loads(done.stdout)
    assert result["episodes"] == 100
    low, high = result["interval"]
    assert 0 <= low <= result["win_rate"] <= high <= 1
    assert result["win_rate"] > 0.9
    assert {"return", "length", "bots"} <= set(result)
    assert result["rules"] == "1"
    again = run(tmp_path, "train", *TOY, "total_steps=256", "dir=a", code=2)
    assert "run folder a already holds a run: go on with it by resume=a" in again.stderr


def kill_and_resume(folder, arguments, last_step):
    """Train `a` in one go; kill `b` when it has written some metrics, and resume it; compare everything.

    Returns what `a` printed.
    """
    printed = run(folder, "train", *arguments, "dir=a").stdout
    process = subprocess.Popen(command("train", *arguments, "dir=b"), cwd=folder, env=ENV, stdout=subprocess.DEVNULL)
    metrics, deadline = folder / "b" / "metrics.jsonl", time.time() + 400  # a cold kernel on a busy machine
    try:
        while not (metrics.exists() and metrics.read_text().count("\n") >= 8):
            assert process.poll() is None
            assert time.time() < deadline
            time.sleep(0.002)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    killed_at = len(read_metrics(metrics)) if metrics.read_text().endswith("\n") else 8
    (folder / "b" / "evaluation.json").unlink(missing_ok=True)
    run(folder, "train", "resume=b")
    assert killed_at < len(read_metrics(metrics)), "killed before the end"
    assert without_clock(folder / "a" / "metrics.jsonl") == without_clock(metrics)
    first, second = (checkpoint.load(checkpoint.find(folder / name)) for name in "ab")
    assert first["step"] == second["step"] >= last_step
    left, _ = checkpoint.pack(first["state"])
    right, _ = checkpoint.pack(second["state"])
    assert left.keys() == right.keys()
    for name in left:
        np.testing.assert_array_equal(left[name], right[name], err_msg=name)
    return printed


@pytest.mark.parametrize("changes", [[], ["algo=mappo", "algo.recurrent=true", "algo.norm_obs=true"]])
def test_killed_and_resumed_is_bit_exact(tmp_path, changes):
    arguments = [*TOY, *changes, "env.kwargs.death=0.1", "env.kwargs.cut=true", "total_steps=25600"]
    kill_and_resume(tmp_path, arguments, 25600)


OFFLINE = ["env=batched", "env.id=tests.toy_env:make", "data=team.safetensors", "total_steps=900"]
QUICK = {"eval_every": 50, "checkpoint_every": 150, "eval_episodes": 4, "hidden_size": 16, "batch_size": 48}


@pytest.mark.parametrize("name", ["iql", "otto"])
def test_offline_killed_and_resumed_is_bit_exact(tmp_path, name):
    store.save(tmp_path / "team.safetensors", team())
    below = "algo.kwargs" if name == "otto" else "algo"
    arguments = [*OFFLINE, f"algo={name}", *(f"{below}.{key}={value}" for key, value in QUICK.items())]
    if name == "otto":
        arguments += ["algo.base=iql", "algo.model_steps=20", "algo.ensemble_size=2", "algo.num_generated=500"]
        arguments += ["algo.horizon=4", "algo.kwargs.seeds='2'", "algo.quantile=1"]  # a quoted number is one
    printed = kill_and_resume(tmp_path, arguments, 900)
    assert "Deterministic evaluation" in printed
    result = json.loads(run(tmp_path, "evaluate", "run=a", "episodes=32").stdout)
    assert result["algo"] == name
    if name == "iql":
        drawn, again = (run(tmp_path, "evaluate", "run=a", "episodes=32", "greedy=false").stdout for _ in range(2))
        assert drawn == again, "drawn by the seed"
        assert json.loads(drawn)["return"] != result["return"]
    if name == "otto":
        for number in (0, 1):
            for file in ("world-s{}.safetensors", "generated-s{}.safetensors", "generated-s{}.png"):
                assert (tmp_path / "a" / file.format(number)).is_file()
        assert store.load(tmp_path / "a" / "generated-s0.safetensors").num_agents == 3
    store.save(tmp_path / "team.safetensors", team(seed=1))
    refused = run(tmp_path, "train", "resume=a", "total_steps=1000", code=2).stderr
    assert "data=team.safetensors is" in refused, "other data under the same name"


def test_stopped_while_the_world_models_train(tmp_path):
    """Nothing half-written stays, and resume= goes on from what there is, as if nothing had happened."""
    store.save(tmp_path / "team.safetensors", team())
    arguments = [*OFFLINE[:-1], "total_steps=100", "algo=otto", "algo.base=bc", "algo.model_steps=300"]
    arguments += ["algo.ensemble_size=2", "algo.quantile=1", "algo.num_generated=500"]
    run(tmp_path, "train", *arguments, "dir=a")
    arguments.append("dir=b")
    process = subprocess.Popen(command("train", *arguments), cwd=tmp_path, env=ENV, stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.startswith("world models") or not line:
            break
        if "run folder" in line:
            wait_for(tmp_path / "b" / "checkpoints" / f"{0:012d}.safetensors", process)
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not list((tmp_path / "b").glob("*.safetensors")), "neither models nor trajectories"
    done = run(tmp_path, "evaluate", "run=b", code=1)
    assert "the run holds no policy yet" in done.stderr
    run(tmp_path, "train", "resume=b")
    assert without_clock(tmp_path / "a" / "metrics.jsonl") == without_clock(tmp_path / "b" / "metrics.jsonl")
    first, second = (checkpoint.pack(checkpoint.load(checkpoint.find(tmp_path / name))["state"]) for name in "ab")
    for name, array in first[0].items():
        np.testing.assert_array_equal(array, second[0][name], err_msg=name)


def wait_for(path, process, seconds=120):
    """Until a file is there."""
    deadline = time.time() + seconds
    while not path.exists():
        assert process.poll() is None
        assert time.time() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["env=gym", "algo=iql"], "algo=iql learns from recorded episodes: say which with data=NAME"),
        (["env=gym", "algo=ippo", "data=x"], "data=x: algo=ippo learns in the environment; use bc, combo"),
        (["env=gym", "algo=otto", "data=x", "algo.kwargs.alhpa=1"], "'alhpa'. Did you mean 'alpha'"),
        (["env=gym", "algo=otto", "data=x", "algo.seeds=3"], "'algo.seeds'. Did you mean 'algo.kwargs.seeds'"),
        (["env=gym", "algo=iql", "data=x", "seed=-1"], "seed=-1: at least 0"),
        (["env=gym", "algo=iql", "data=hoper-medium"], "unknown dataset 'hoper-medium'. Did you mean 'hopper-medium'"),
    ],
)
def test_offline_refusals(tmp_path, arguments, words):
    assert words in run(tmp_path, "train", *arguments, code=2).stderr


def test_a_run_that_is_refused_leaves_no_folder(tmp_path):
    store.save(tmp_path / "team.safetensors", team())
    (tmp_path / "mine").mkdir()
    for folder in ("new", "mine", "mine"):
        done = run(tmp_path, "train", *OFFLINE, "algo=otto", "algo.base=rebrac", f"dir={folder}", code=2)
        assert "algo=rebrac needs continuous actions; for discrete ones: bc, iql, cql" in done.stderr
    assert not (tmp_path / "new").exists()
    assert (tmp_path / "mine").is_dir(), "was there before, and is free for the next try"
    for words, code, *arguments in (
        ("no/x.hdf5 is not there", 1, "algo=iql", "data=no/x.hdf5"),
        ("algo.world_models=no: there is no world-s0", 2, "algo=otto", "algo.base=bc", "algo.world_models=no"),
    ):
        assert words in run(tmp_path, "train", *OFFLINE, "dir=new", *arguments, code=code).stderr
        assert not (tmp_path / "new").exists(), words


def test_mabc_killed_and_resumed_is_bit_exact(tmp_path):
    pytest.importorskip("mabc")
    printed = kill_and_resume(tmp_path, ["env=mabc", "env.num_envs=32", *SMALL, "total_steps=20480"], 20480)
    seen_at_the_end(tmp_path, printed)
    seen_in_tensorboard(tmp_path / "a" / "tensorboard")
    replays = [sorted(path.name for path in (tmp_path / name / "replays").iterdir()) for name in "ab"]
    assert replays[0] == replays[1]
    result = json.loads(run(tmp_path, "evaluate", "run=a", "episodes=32", "bots=random,classic").stdout)
    assert set(result["bots"]) == {"random", "classic"}
    assert result["bots"]["classic"]["win_rate"] is not None
    done = run(tmp_path, "evaluate", "run=a", "env.scenari=x", code=2)
    assert "unknown configuration key 'env.scenari'. Did you mean 'env.scenario'?" in done.stderr
    shown = run(tmp_path, "play", "run=a", "show=true").stdout.splitlines()
    assert re.fullmatch(r"(team \d won|a draw) after \d+ steps", shown[-1])
    saved = checkpoint.load(checkpoint.find(tmp_path / "a"))
    assert saved["config"]["env"]["gamma"] == saved["config"]["algo"]["gamma"] == 0.99
    assert result["rules"] == saved["rules"]
    play_options(tmp_path, saved)


def printed_paths(printed):
    """What stands behind `replay`, `html`, `watch` … at the beginnings of lines."""
    words = [line.split() for line in printed.splitlines()]
    return {word[0]: word[-1] if word[0] == "watch" else word[1] for word in words if len(word) > 1}


def seen_at_the_end(folder, printed):
    """The replay and its page, as the last lines of training name them; `a` in `folder` is the run."""
    told = printed_paths(printed)
    replay = mabc.load_replay(folder / told["replay"])
    assert told["watch"] == told["replay"] == f"a/replays/{20480:012d}.mabc"
    assert "mabc watch a/replays" in printed
    assert set(replay.extras) == {"value", "probs"}
    page = (folder / told["html"]).read_text(encoding="utf-8")
    assert "<canvas" in page
    assert base64.b64encode(replay.data[:300]).decode() in page
    assert (folder / told["curves"].rstrip(";")).is_file()


def seen_in_tensorboard(folder):
    """A moving picture and a still one, at a few moments and at the end."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), size_guidance={"images": 0}).Reload()
    for tag, start in (("episode/clip", b"GIF89a"), ("episode/end", b"\x89PNG")):
        images = events.Images(tag)
        assert len(images) == CLIPS + 1
        assert images[0].step == 0
        assert images[-1].step == 20480
        assert all(image.encoded_image_string.startswith(start) for image in images)
    clip = Image.open(io.BytesIO(events.Images("episode/clip")[-1].encoded_image_string))
    lengths = []
    for k in range(clip.n_frames):
        clip.seek(k)
        lengths.append(clip.info["duration"])
    assert clip.n_frames > 1
    assert sum(lengths) <= 10_100, "milliseconds"
    assert clip.size == (208, 208)


def play_options(folder, saved):
    """What play takes and refuses; `a` is a run of MABC in `folder`, `saved` its last checkpoint."""
    first = checkpoint.list_checkpoints(folder / "a" / "checkpoints")[0].relative_to(folder)
    told = printed_paths(run(folder, "play", f"run={first}", "seed=5").stdout)
    assert told["replay"] == f"a/replays/{first.stem}-seed5.mabc"
    assert told["html"] == f"a/replays/{first.stem}-seed5.html"
    assert mabc.load_replay(folder / told["replay"]).header["seed"] == "5"
    for wrong in ("seed=x", "episodes=0", "show=maybe"):
        assert run(folder, "play", "run=a", wrong, code=2).stderr.startswith(f"algos: {wrong}: ")
    assert "Did you mean 'gif'?" in run(folder, "play", "run=a", "export=giff", code=2).stderr
    assert "is one file" in run(folder, "play", "run=a", "record=x.mabc", "episodes=2", code=2).stderr
    (folder / "old" / "checkpoints").mkdir(parents=True)
    checkpoint.save(folder / "old" / "checkpoints" / first.name, {**saved, "rules": "0"})
    assert "old was made under rules version 0" in run(folder, "play", "run=old", code=2).stderr


def moments(folder, total_steps, steps, saved=None):
    """The steps, of those that a run comes to, at which it records an episode; `saved`: where it was resumed."""
    found = []
    tree = None if saved is None else {"step": saved, "seconds": 0.0, "state": {"step": saved} if saved else {}}
    made = Run(folder, {"seed": 0, "total_steps": total_steps}, tree, record=lambda step, policy: found.append(step))
    for step in steps:
        made.show(step, None)
    made.log.close()
    return found


def test_moments_of_clips(tmp_path):
    assert CLIPS == 3
    assert moments(tmp_path, 90, range(0, 100, 10)) == [0, 30, 60]
    assert moments(tmp_path, 100, [0, 32, 64, 96, 128]) == [0, 64, 96]
    assert moments(tmp_path, 90, range(50, 100, 10), saved=40) == [60]
    assert moments(tmp_path, 90, range(70, 100, 10), saved=60) == []
    assert moments(tmp_path, 10, [0, 1000]) == [0]
    assert moments(tmp_path, 90, [0, 10, 30], saved=0) == [0, 30], "stopped before it had a policy"


def test_a_clip_that_cannot_be_written_stops_nothing(tmp_path, capsys):
    (tmp_path / "replays").touch()
    made = Run(tmp_path, {"seed": 0, "total_steps": 1, "env": {**MABC, "max_steps": 3}})
    assert record_clip(made, 0, lambda obs, mask, memory: (np.zeros(obs.shape[:2], int), None)) is None
    made.log.close()
    assert capsys.readouterr().out.startswith("no replay at step 0: ")


def test_sweep(tmp_path):
    run(tmp_path, "train", "-m", *TOY, "seed=1,2", "total_steps=256", "dir=run-${seed}")
    assert (tmp_path / "run-1" / "config.yaml").exists()
    assert "seed: 2" in (tmp_path / "run-2" / "config.yaml").read_text()


@pytest.mark.parametrize("argument", ["algo.lrr=1", "+algo.lrr=1"])
def test_unknown_key_stops_with_code_2(tmp_path, argument):
    done = run(tmp_path, "train", argument, code=2)
    assert done.stderr == "algos: unknown configuration key 'algo.lrr'. Did you mean 'algo.lr'?\n"
    assert not list(tmp_path.iterdir())


def test_broken_checkpoint_is_named(tmp_path):
    run(tmp_path, "train", *TOY, "total_steps=2560", "dir=a")
    *_, before, last = checkpoint.list_checkpoints(tmp_path / "a" / "checkpoints")
    last.write_bytes(last.read_bytes()[:1000])
    for module, key in (("train", "resume"), ("evaluate", "run")):
        done = run(tmp_path, module, f"{key}=a", code=1)
        assert f"{last.relative_to(tmp_path)} is cut short" in done.stderr
        assert f"Use the one before it: {before.relative_to(tmp_path)}" in done.stderr
    run(tmp_path, "train", f"resume={before.relative_to(tmp_path)}")
    assert checkpoint.load(checkpoint.find(tmp_path / "a"))["step"] == 2560


def test_later_checkpoints_go_only_when_all_is_well(tmp_path):
    run(tmp_path, "train", *TOY, "total_steps=2560", "dir=a")
    files = checkpoint.list_checkpoints(tmp_path / "a" / "checkpoints")
    metrics = (tmp_path / "a" / "metrics.jsonl").read_text()
    given = f"resume={files[0].relative_to(tmp_path)}"
    assert "device=nowhere: " in run(tmp_path, "train", given, "device=nowhere", code=2).stderr
    old = {**checkpoint.load(files[0]), "rules": "0"}
    good = files[0].read_bytes()
    checkpoint.save(files[0], old)
    assert "was made under rules version 0" in run(tmp_path, "train", given, code=2).stderr
    assert checkpoint.list_checkpoints(tmp_path / "a" / "checkpoints") == files
    assert (tmp_path / "a" / "metrics.jsonl").read_text() == metrics
    files[0].write_bytes(good)
    out = run(tmp_path, "train", given).stdout
    later = ", ".join(file.name for file in files[1:])
    assert f"going on from {files[0].name}; removed what came later: {later}\n" in out
    assert without_clock(tmp_path / "a" / "metrics.jsonl") == [
        {k: v for k, v in json.loads(line).items() if not k.startswith(CLOCK)} for line in metrics.splitlines()
    ]


def test_shaping_has_the_algorithms_discount():
    config = {"env": {"name": "mabc", "gamma": None}, "algo": {"gamma": 0.9}}
    share_discount(config)
    assert config["env"]["gamma"] == 0.9
    config["env"]["gamma"] = 0.5
    share_discount(config)
    assert config["env"]["gamma"] == 0.5, "given"
    config = {"env": {"name": "mabc", "gamma": None}, "algo": {"gamma": 0.9}, "data": "mixed"}
    share_discount(config)
    assert config["env"]["gamma"] is None, "recorded rewards have the shaping that they were recorded with"
    config = {"env": {"name": "gym"}, "algo": {"gamma": 0.9}}
    share_discount(config)
    assert "gamma" not in config["env"]


def test_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BadInput) as error:
        create_folder(tmp_path / "file" / "run", {})
    expected = f"run folder {tmp_path}/file/run cannot be written: Not a directory. Choose another one with dir=PATH"
    assert str(error.value) == expected


def test_read_only_folder(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(checkpoint, "open", refuse, raising=False)
    with pytest.raises(BadInput, match=r"cannot be written: Read-only file system\. Choose another one with dir="):
        create_folder(tmp_path / "run", {"seed": 1})


def test_other_rules(tmp_path):
    check_rules("1", "1", tmp_path)
    with pytest.raises(BadInput, match="was made under rules version 1, the environment now has 2"):
        check_rules("1", "2", tmp_path)


def test_default_folder_is_never_taken(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = {"env": {"name": "mabc", "scenario": "skirmish-3v3"}, "algo": {"name": "ippo"}, "seed": 0}
    assert str(default_folder(config)) == "runs/skirmish-3v3-ippo-s0"
    default_folder(config).mkdir(parents=True)
    assert str(default_folder(config)) == "runs/skirmish-3v3-ippo-s0-2"


def test_metrics_are_cut_at_the_checkpoint(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1}\n{"step": 2}\n{"step": 3}\n{"st')
    truncate_metrics(path, 2)
    assert path.read_text() == '{"step": 1}\n{"step": 2}\n'
