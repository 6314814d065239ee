"""The zoo: every team loads, is small, and plays far better than chance."""

import json
import tomllib
from pathlib import Path

import pytest

import mabc
from algos.common import checkpoint
from algos.common.errors import BadInput
from algos.data.recipes import behaviour
from algos.evaluate import run_evaluation
from algos.evaluation import zoo
from algos.evaluation.episodes import evaluate_bot, evaluate_policy
from algos.evaluation.trained import load_opponent, load_run
from algos.online.ppo import POLICY_STATE

ROOT = Path(__file__).parents[3]


def test_there_are_some():
    assert {"skirmish-3v3", "skirmish-5v5", "siege-3v3", "versus-2v2"} <= set(zoo.names())


@pytest.mark.parametrize("name", zoo.names())
def test_team(name):
    (path,) = (zoo.FOLDER / name).glob("checkpoints/*")
    assert path.suffix == checkpoint.SUFFIX
    assert path.stat().st_size < 400_000
    tree = checkpoint.load(path)
    assert set(tree["state"]) == set(POLICY_STATE)
    assert not {"dir", "resume"} & set(tree["config"])
    assert str(ROOT) not in json.dumps(checkpoint.pack(tree)[1])
    told = json.loads((zoo.FOLDER / name / "evaluation.json").read_text(encoding="utf-8"))
    assert told["episodes"] == 512
    assert told["rules"] == tree["rules"], "made under other rules: run scripts/make_zoo.py"
    row = f"| `{name}` | "
    assert row in (zoo.FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", zoo.names())
def test_team_beats_chance(name):
    config, policy = load_run(f"zoo:{name}")
    learned = evaluate_policy(config["env"], policy, 64)
    chance = evaluate_bot(config["env"], "random", 64)
    assert learned["interval"][0] > chance["interval"][1] + 0.1


def test_nearest_name():
    with pytest.raises(BadInput, match=r"unknown team in the zoo 'skirmsh-3v3'\. Did you mean 'skirmish-3v3'\?"):
        load_run("zoo:skirmsh-3v3")
    with pytest.raises(BadInput, match="Known: "):
        zoo.run_path("zoo:")


def test_the_zoo_is_accepted_wherever_a_run_is():
    result = run_evaluation(["run=zoo:siege-3v3", "episodes=16", "bots="])
    assert (result["run"], result["scenario"]) == ("zoo:siege-3v3", "siege-3v3")
    policy, obs = load_opponent("zoo:siege-3v3")
    assert callable(policy)
    assert obs == "vector"
    assert callable(load_opponent(zoo.FOLDER / "siege-3v3")[0])
    assert zoo.run_path("runs/mine") == Path("runs/mine")


def test_the_wheel_takes_all_of_it():
    data = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["package-data"]["algos"]
    packed = {path for pattern in data for path in (ROOT / "algos").glob(pattern)}
    folders = [zoo.FOLDER, behaviour.FOLDER]  # and the snapshots that play the recipes' datasets
    assert packed == {path for folder in folders for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "replays").glob("*.mabc")), ids=lambda path: path.stem)
def test_replays_of_the_docs(path):
    """Small, won by the trained team, with what it thought, and playable by today's rules."""
    assert path.stat().st_size < 30_000
    replay = mabc.load_replay(path)
    assert replay.scenario_name == path.stem
    assert replay.outcome == 1
    assert replay.extras["probs"].shape == (replay.num_steps, len(replay.agents), 10)
    assert replay.verify() > 1
