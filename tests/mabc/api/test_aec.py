"""PettingZoo's AEC interface, derived from the parallel one: PettingZoo's own tests."""

import types

import pytest
from pettingzoo.test import api_test, max_cycles_test, render_test, seed_test
from pettingzoo.test.save_obs_test import test_save_obs as save_obs_test

import mabc

SCENARIO = "skirmish-3v3"


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("dead", ["stay", "leave"])
@pytest.mark.parametrize("mask", ["info", "obs"])
def test_pettingzoo(mask, dead):
    api_test(mabc.env(SCENARIO, mask=mask, dead=dead), num_cycles=300)
    seed_test(lambda: mabc.env(SCENARIO, mask=mask, dead=dead), num_cycles=60)


def test_max_cycles():
    max_cycles_test(mabc)
    max_cycles_test(
        types.SimpleNamespace(
            parallel_env=lambda **options: mabc.parallel_env("duel", **options),
            env=lambda **options: mabc.env("duel", **options),
        )
    )


def test_render(monkeypatch):
    pytest.importorskip("pygame", reason="the window is drawn by pygame (extra `render`)")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    render_test(lambda **options: mabc.env(SCENARIO, **options))


def test_save_obs(tmp_path, monkeypatch, capsys):
    """Applies to observations that are pictures; PettingZoo says so of others instead of failing."""
    pytest.importorskip("PIL", reason="PettingZoo saves pictures with Pillow")
    monkeypatch.chdir(tmp_path)
    save_obs_test(mabc.env(SCENARIO, obs="rgb"))
    assert "did not save" not in capsys.readouterr().out
    save_obs_test(mabc.env(SCENARIO))
    assert "did not save" in capsys.readouterr().out


def test_turns_and_state():
    env = mabc.env(SCENARIO)
    env.reset(seed=0)
    assert env.state_space.contains(env.state())
    acted = []
    for agent in env.agent_iter(6):
        acted.append(agent)
        env.step(0)
    assert acted == env.possible_agents * 2
    assert env.unwrapped.batch.world(0)["step"] == 2


def test_actions_out_of_bounds():
    env = mabc.env(SCENARIO)
    env.reset(seed=0)
    with pytest.raises(AssertionError, match="not in action space"):
        env.step(10)


def test_step_before_reset():
    with pytest.raises(AttributeError, match="before reset"):
        _ = mabc.env(SCENARIO).agent_selection
