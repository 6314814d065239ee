"""Stable-Baselines3 on the batch itself: all worlds in one VecEnv. With sb3-contrib installed, PPO uses the masks."""

import argparse

import mabc
from mabc.interop.sb3 import TankVecEnv

try:
    from sb3_contrib import MaskablePPO as PPO
    from sb3_contrib.common.maskable.evaluation import evaluate_policy  # asks the environment for masks, too
except ImportError:
    from stable_baselines3 import PPO
    from stable_baselines3.common.evaluation import evaluate_policy


def main(scenario: str, steps: int, num_envs: int) -> None:
    """Train PPO for `steps` agent-steps, then play 20 episodes."""
    env = TankVecEnv(mabc.make_batch(scenario, num_envs=num_envs, seed=0))
    model = PPO("MlpPolicy", env, n_steps=64, batch_size=1024, n_epochs=4, device="cpu", verbose=1)
    model.learn(steps)
    mean, spread = evaluate_policy(model, env, n_eval_episodes=20)
    print(f"{PPO.__name__}: return {mean:.2f} +- {spread:.2f} over 20 rows' episodes")
    env.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", default="skirmish-3v3")
    parser.add_argument("--steps", type=int, default=100_000, help="agent-steps")
    parser.add_argument("--num-envs", type=int, default=32)
    options = parser.parse_args()
    main(options.scenario, options.steps, options.num_envs)
