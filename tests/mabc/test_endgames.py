"""Every endgame: its line wins whatever the random streams hold, and doing nothing does not."""

import numpy as np
import pytest

import mabc
from mabc.commands import CommandError
from mabc.endgames import ENDGAMES, actions_of
from mabc.params import MODES, RUNNING

WORLDS = 20  # as many draws from the random streams


def outcomes(endgame, line, seed):
    """How the first episode of every world ends, int [B]; after the line the agents stay."""
    env = mabc.make_batch(endgame.scenario, num_envs=WORLDS, seed=seed)
    env.reset(seed=seed)
    first = np.full(WORLDS, RUNNING)
    for step in range(env.max_steps):
        actions = line[step] if step < len(line) else (0,) * env.num_agents
        *_, info = env.step(np.tile(actions, (WORLDS, 1)))
        first = np.where(first == RUNNING, info["outcome"], first)
    return first


@pytest.mark.parametrize("endgame", ENDGAMES, ids=lambda e: e.scenario.name)
def test_the_line_wins_and_nothing_else_does_it_by_itself(endgame):
    for seed in (0, 1):
        assert (outcomes(endgame, endgame.line, seed) == 1).all()
        idle = outcomes(endgame, (), seed)
        assert (idle != 1).all()
        assert (idle != RUNNING).all()


@pytest.mark.parametrize("endgame", ENDGAMES, ids=lambda e: e.scenario.name)
def test_in_a_pair_or_a_trio_everybody_is_needed(endgame):
    line = np.array(endgame.line)
    for n in range(line.shape[1] if line.shape[1] > 1 else 0):
        alone = line.copy()
        alone[:, n] = 0
        assert (outcomes(endgame, alone, 0) != 1).all(), f"agent {n} may as well stay"


def test_there_is_a_dozen_over_all_modes():
    scenarios = [endgame.scenario for endgame in ENDGAMES]
    assert len({s.name for s in scenarios}) == len(scenarios) >= 12
    assert {s.mode for s in scenarios} == set(MODES)
    assert {len(s.teams[0].tanks) for s in scenarios} == {1, 2, 3}
    for s in scenarios:
        assert s.name.startswith("endgame-")
        assert s.max_steps <= 100
        assert s.name in mabc.scenarios()


def test_a_line_is_written_as_commands():
    assert actions_of("right*2 up+fire stay fire") == (4, 4, 3, 0, 1)
    with pytest.raises(CommandError, match="unknown word 'jump'"):
        actions_of("jump*2")
