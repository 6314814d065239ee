"""Multi-Agent Battle City: a fast, partially observed tank game for teams, for Gymnasium and PettingZoo.

    import mabc
    env = mabc.make_batch("skirmish-3v3", num_envs=1024)
    obs, info = env.reset(seed=0)
    obs, reward, terminated, truncated, info = env.step(env.bot_actions("classic"))
"""

from .api.batched import BatchedEnv, make_batch
from .catalogue import scenario, scenarios
from .scenarios import Rewards, Scenario, ScenarioError, Team

__all__ = ["BatchedEnv", "Rewards", "Scenario", "ScenarioError", "Team", "make_batch", "scenario", "scenarios"]
__version__ = "0.1.0"
