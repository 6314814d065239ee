"""Configuration: keys read from source, and the exact words for every kind of wrong override."""

import subprocess
import sys
import time

import pytest

from algos import train
from algos.common import config
from algos.common.errors import BadInput


def test_presets_and_keys_are_found_without_imports():
    assert config.presets() == {"ippo": "algos.online.ppo", "mappo": "algos.online.ppo"} | config.presets()
    assert {config.data_use(name) for name in config.presets()} <= {"none", "optional", "required"}
    assert {"lr", "gamma", "clip_coef"} <= {key.name for key in config.algo_keys("mappo")}
    assert {"scenario", "opponent", "num_envs", "sight", "frame_skip"} <= {key.name for key in config.env_keys("mabc")}
    lr = next(key for key in config.algo_keys("ippo") if key.name == "lr")
    assert lr.type == "float"
    assert lr.comment


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["algo.lrr=1"], "unknown configuration key 'algo.lrr'. Did you mean 'algo.lr'?"),
        (["+algo.lrr=1"], "unknown configuration key 'algo.lrr'. Did you mean 'algo.lr'?"),
        (["++algo.lrr=1"], "unknown configuration key 'algo.lrr'. Did you mean 'algo.lr'?"),
        (["algo=otto", "algo.members=3", "data=x"], "algo.members is called algo.ensemble_size now"),
        (["algo=td3_bc", "algo.policy_every=3", "data=x"], "algo.policy_every is called algo.policy_freq now"),
        (["algo.members=3"], "unknown configuration key 'algo.members'."),
        (["lr=1"], "unknown configuration key 'lr'. Did you mean 'algo.lr'?"),
        (["total_step=5"], "unknown configuration key 'total_step'. Did you mean 'total_steps'?"),
        (["env.scenarios=x"], "unknown configuration key 'env.scenarios'. Did you mean 'env.scenario'?"),
        (["env=gym", "env.scenario=x"], "unknown configuration key 'env.scenario'."),
        (["env=mabcc"], "unknown env= 'mabcc'. Did you mean 'mabc'?"),
        (["algo=ipo"], "unknown algo= 'ipo'. Did you mean 'ippo'?"),
        (["algo=zzz"], "unknown algo= 'zzz'. Known: bc, combo, cql, iql"),
        (["algo.lr"], "'algo.lr' is not of the form key=value"),
        (["~algo.lr"], "'~algo.lr': keys cannot be taken away"),
        (["algo.lr=abc"], "algo.lr=abc: Value 'abc' of type 'str' could not be converted to Float"),
        (["seed=1.5"], "seed=1.5: Value '1.5' of type 'float' could not be converted to Integer"),
        (["algo.gamma=2"], "algo.gamma=2.0: between 0 and 1"),
        (["algo.num_steps=0"], "algo.num_steps=0: at least 1"),
        (
            ["algo.recurrent=true", "algo.num_steps=9"],
            "algo.num_steps=9 is no multiple of algo.chunk_length=8",
        ),
        (["total_steps=0"], "total_steps=0: at least 1"),
        (["seed=1,2"], "seed=1,2: several values are a sweep, add -m"),
        (["algo=ippo,mappo"], "several values for one key are a sweep: add -m"),
        (["resume=x", "algo.lr=1"], "resume= goes on with the run's own configuration: leave algo.lr out"),
    ],
)
def test_wrong_overrides(overrides, message):
    with pytest.raises(BadInput) as error:
        train.check_overrides(overrides, sweep=False)
    assert str(error.value).startswith(message)


def test_right_overrides():
    given = ["+algo.lr=1e-3", "env=gym", "env.kwargs.is_slippery=false", "hydra.verbose=true"]
    clean = ["algo.lr=1e-3", "env=gym", "++env.kwargs.is_slippery=false", "hydra.verbose=true"]
    assert train.check_overrides(given, sweep=False) == clean
    assert train.check_overrides(["algo=ippo,mappo", "seed=1,2"], sweep=True) == [
        "algo=ippo,mappo",
        "seed=1,2",
    ]


def test_hydras_flags_are_kept_apart():
    assert config.split_arguments(["-m", "a=1", "--cfg", "job", "b=2"]) == (
        ["-m", "--cfg", "job"],
        ["a=1", "b=2"],
    )


def test_help_says_where_the_discount_of_shaping_comes_from():
    line = next(line for line in train.help_text(["env=mabc"]).splitlines() if line.split()[:1] == ["gamma"])
    assert "as algo.gamma" in line


def test_help_is_quick_and_complete():
    start = time.perf_counter()
    command = [sys.executable, "-X", "importtime", "-m", "algos.train", "--help", "algo=mappo", "env=gym"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert time.perf_counter() - start < 10, "about a second on an idle machine"
    for word in ("algo.lr=5e-4", "centralised", "total_steps", "CartPole-v1", "-m env=mabc seed=1,2,3"):
        assert word in done.stdout
    assert "torch" not in done.stderr
    assert "numba" not in done.stderr
