"""Every named scenario: it builds and runs with every bot as opponent; together they cover what was promised."""

import numpy as np
import pytest

import mabc
from mabc.params import BOTS, MODES

STEPS = 30
SCENARIOS = [mabc.scenario(name) for name in mabc.scenarios()]
NAMED = [s for s in SCENARIOS if not s.name.startswith("endgame-")]


def sides(scenario):
    """How many tanks each team has on the field."""
    return tuple(len(team.tanks) for team in scenario.teams)


@pytest.mark.parametrize("bot", BOTS)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
def test_it_runs_against_every_bot(scenario, bot):
    bots = [number for number, team in enumerate(scenario.teams, 1) if team.driver != "learn"]
    others = bots or [number for number, team in enumerate(scenario.teams, 1) if number > 1 and team.tanks]
    env = mabc.make_batch(scenario, num_envs=2, seed=3, opponents=dict.fromkeys(others, bot))
    obs, _ = env.reset(seed=3)
    assert obs.shape == (2, env.num_agents, *env.obs_shape)
    rng = np.random.default_rng(3)
    for _ in range(STEPS):
        mask = env.action_mask()
        assert mask[..., 0].all()
        actions = np.where(mask, rng.random(mask.shape), -1.0).argmax(axis=-1)
        obs, reward, *_ = env.step(actions)
        assert np.isfinite(obs).all()
        assert np.isfinite(reward).all()
    assert env.bot_actions(bot).shape == (2, env.num_agents)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
def test_somebody_learns_in_it_and_its_note_fits_a_table(scenario):
    assert scenario.teams[0].driver == "learn"
    assert len(scenario.note) <= 100
    assert "\n" not in scenario.note


def test_there_are_enough_over_all_modes_and_sizes():
    assert len(NAMED) >= 24
    assert {s.mode for s in NAMED} == set(MODES)
    sizes = {size for s in NAMED for size in sides(s)}
    assert {1, 2, 3, 5, 10, 20} <= sizes
    assert {len(s.teams) for s in NAMED} == {2, 3, 4}


def test_there_are_symmetric_outnumbered_and_mixed_ones():
    two_sided = [s for s in NAMED if len(s.teams) == 2 and s.mode in ("skirmish", "versus")]
    assert any(sides(s)[0] == sides(s)[1] for s in two_sided)
    assert any(sides(s)[0] < sides(s)[1] for s in two_sided)
    assert any(len(set(team.tanks)) > 1 for s in two_sided for team in s.teams)


def test_there_are_free_for_alls_and_a_shared_enemy():
    several = [s for s in NAMED if len(s.teams) > 2]
    assert any(all(team.driver == "learn" for team in s.teams) for s in several)
    assert any(sum(team.driver == "learn" for team in s.teams) >= 2 and s.teams[-1].driver != "learn" for s in several)


def test_the_ladder_has_seven_stages_for_single_paired_and_teamed_agents():
    ladder = [s for s in NAMED if s.name.startswith("ladder-")]
    assert [s.name.split("-")[1] for s in ladder] == list("1234567")
    assert {len(s.teams[0].tanks) for s in ladder} >= {1, 2}
