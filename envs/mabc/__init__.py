"""Multi-Agent Battle City: a fast, partially observed tank game for teams, for Gymnasium and PettingZoo.

    import mabc
    env = mabc.make_batch("skirmish-3v3", num_envs=1024)
    obs, info = env.reset(seed=0)
    obs, reward, terminated, truncated, info = env.step(env.bot_actions("classic"))
"""

from .api.batched import BatchedEnv, make_batch
from .api.gym import register
from .api.parallel import env, parallel_env
from .catalogue import scenario, scenarios
from .check import CheckError, check
from .scenarios import Rewards, Scenario, ScenarioError, Team

__all__ = [
    "BatchedEnv",
    "CheckError",
    "Rewards",
    "Scenario",
    "ScenarioError",
    "Team",
    "check",
    "env",
    "make_batch",
    "parallel_env",
    "scenario",
    "scenarios",
]
__version__ = "0.1.0"

register()
