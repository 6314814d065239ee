"""Multi-Agent Battle City: a fast, partially observed tank game for teams, for Gymnasium and PettingZoo.

import mabc
env = mabc.make_batch("skirmish-3v3", num_envs=1024)
obs, info = env.reset(seed=0)
obs, reward, terminated, truncated, info = env.step(env.bot_actions("classic"))
"""

from . import maps, render
from .api.batched import BatchedEnv, make_batch
from .api.gym import register as register_gymnasium
from .api.parallel import env, parallel_env
from .api.parallel import register as register_pettingzoo
from .catalogue import STANDARD, scenario, scenarios
from .check import CheckError, check
from .commands import CommandError, command_of, parse_command
from .replay import Replay, ReplayError, load_replay
from .scenarios import Rewards, Scenario, ScenarioError, Team

__all__ = [
    "STANDARD",
    "BatchedEnv",
    "CheckError",
    "CommandError",
    "Replay",
    "ReplayError",
    "Rewards",
    "Scenario",
    "ScenarioError",
    "Team",
    "check",
    "command_of",
    "env",
    "load_replay",
    "make_batch",
    "maps",
    "parallel_env",
    "parse_command",
    "render",
    "scenario",
    "scenarios",
]
__version__ = "0.1.0"

register_gymnasium()
register_pettingzoo()
