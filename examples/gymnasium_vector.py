"""Gymnasium: many worlds of one tank against one bot at once, with random legal actions."""

import argparse
import time

import gymnasium
import numpy as np

import mabc  # noqa: F401  (registers mabc/Solo-v1)


def main(steps: int, num_envs: int, opponent: str) -> None:
    """Play steps * num_envs steps and say how many episodes were won, and how fast it went."""
    envs = gymnasium.make_vec("mabc/Solo-v1", num_envs=num_envs, opponents=opponent)
    observations, info = envs.reset(seed=0)
    rng = np.random.default_rng(0)
    episodes = wins = 0
    start = time.perf_counter()
    for _ in range(steps):
        legal = info["action_mask"]  # int8 [B, A]
        actions = np.argmax(legal * rng.random(legal.shape), axis=1)
        observations, rewards, terminated, truncated, info = envs.step(actions)
        if "final_info" in info:  # some episodes ended; `observations` are already those of the next ones
            episodes += int(info["_final_info"].sum())
            wins += int(info["final_info"]["is_success"].sum())
    seconds = time.perf_counter() - start
    print(f"{episodes} episodes, {wins} won; {steps * num_envs / seconds:,.0f} steps/s")
    envs.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=500, help="of each world")
    parser.add_argument("--num-envs", type=int, default=64)
    parser.add_argument("--opponent", default="random", choices=["random", "classic", "tactical"])
    options = parser.parse_args()
    main(options.steps, options.num_envs, options.opponent)
