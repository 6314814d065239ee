"""TorchRL: its check_env_specs, partial resets, masks, and a short training run."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("torchrl", reason="TorchRL is optional (extra `interop`)")

import torch
from torchrl.envs import PettingZooWrapper
from torchrl.envs.utils import check_env_specs

import mabc
from mabc.interop.torchrl import TankEnv

SCENARIO = "skirmish-3v3"


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.mark.parametrize("num_envs", [1, 3])
def test_specs(num_envs):
    check_env_specs(TankEnv(SCENARIO, num_envs=num_envs, max_steps=4), break_when_any_done="both", seed=0)


def test_specs_of_pictures():
    env = TankEnv(SCENARIO, num_envs=2, obs="planes", state="planes", max_steps=4)
    check_env_specs(env)
    assert env.reset()["agents", "observation"].dtype == torch.uint8


@pytest.mark.filterwarnings("ignore:PettingZoo in TorchRL is tested")
def test_the_ready_made_wrapper():
    """PettingZooWrapper works too: one world, masks from the infos."""
    env = PettingZooWrapper(mabc.parallel_env(SCENARIO, max_steps=6), use_mask=False)
    check_env_specs(env)
    (group,) = env.group_map
    assert env.rollout(4)[group, "action_mask"].shape == (4, 3, 10)
    leaving = PettingZooWrapper(mabc.parallel_env(SCENARIO, max_steps=40, dead="leave"), use_mask=True)
    check_env_specs(leaving)


def test_rollout():
    env = TankEnv(SCENARIO, num_envs=4, max_steps=20)
    env.set_seed(0)
    data = env.rollout(60, break_when_any_done=False)
    assert data.shape == (4, 60)
    assert data["next", "done"].sum() >= 8
    chosen = data["agents", "action_mask"].gather(-1, data["agents", "action"].unsqueeze(-1))
    assert chosen.all(), "random actions are legal"
    done = data["next", "done"][:, :-1, 0]
    begins = data["state"][:, 1:]
    ends = data["next", "state"][:, :-1]
    assert (begins[done] != ends[done]).any(-1).all(), "the next episode begins anew"
    torch.testing.assert_close(begins[~done], ends[~done])
    first = data["state"][:, 0, 0]  # the share of time left
    assert (begins[done][:, 0] == first[0]).all()


def test_the_same_seed_gives_the_same_rollout():
    def rollout():
        env = TankEnv("duel", num_envs=2, max_steps=10, opponents={2: "random"})
        env.set_seed(3)
        return env.rollout(25, policy=drive_right, break_when_any_done=False)

    def drive_right(tensordict):
        return tensordict.set(("agents", "action"), torch.full((2, 1), 4))

    one, two = rollout(), rollout()
    torch.testing.assert_close(one["next", "agents", "observation"], two["next", "agents", "observation"])


def test_training(capsys):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))
    try:
        import torchrl_ppo
    finally:
        sys.path.pop(0)
    torchrl_ppo.main(SCENARIO, steps=512, num_envs=4, hidden=16)
    assert "batch 1:" in capsys.readouterr().out


def test_what_is_refused():
    with pytest.raises(ValueError, match="obs='text'"):
        TankEnv(SCENARIO, obs="text")
