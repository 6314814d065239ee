"""Stable-Baselines3 through SuperSuit: the parallel environment as rows of SB3's VecEnv, one policy for all tanks.

Works with any PettingZoo parallel environment. For mabc, examples/sb3_vecenv.py is many times faster and knows masks.
"""

import argparse

import supersuit
from stable_baselines3 import PPO

import mabc


def main(scenario: str, steps: int, copies: int) -> None:
    """Train PPO for `steps` agent-steps."""
    env = mabc.parallel_env(scenario)  # dead="stay": SuperSuit needs the same agents at every step
    env = supersuit.pettingzoo_env_to_vec_env_v1(env)
    env = supersuit.concat_vec_envs_v1(env, copies, base_class="stable_baselines3")
    model = PPO("MlpPolicy", env, n_steps=128, batch_size=512, n_epochs=4, device="cpu", verbose=1)
    model.learn(steps)
    env.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", default="skirmish-3v3")
    parser.add_argument("--steps", type=int, default=20_000, help="agent-steps")
    parser.add_argument("--copies", type=int, default=8, help="worlds")
    options = parser.parse_args()
    main(options.scenario, options.steps, options.copies)
