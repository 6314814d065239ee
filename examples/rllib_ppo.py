"""RLlib: PPO with shared parameters through RLlib's own PettingZoo adapter.

RLlib pins an older Gymnasium, so it needs an environment of its own: `make interop` makes one and runs this.
Masks are left out: RLlib looks for them under names of its own, and an illegal action is no error.
"""

import argparse

from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.env.wrappers.pettingzoo_env import ParallelPettingZooEnv
from ray.tune.registry import register_env

import mabc

POLICY = "tank"  # one network for all tanks of the team


def configure(scenario: str, steps: int) -> PPOConfig:
    """PPO in this process: no remote workers, no GPU; `steps` environment steps an iteration."""
    register_env("mabc", lambda options: ParallelPettingZooEnv(mabc.parallel_env(options["scenario"])))
    return (
        PPOConfig()
        .environment("mabc", env_config={"scenario": scenario})
        .multi_agent(policies={POLICY}, policy_mapping_fn=lambda agent, *args, **kwargs: POLICY)
        .env_runners(num_env_runners=0, rollout_fragment_length=steps)
        .learners(num_learners=0, num_gpus_per_learner=0)
        .training(train_batch_size_per_learner=steps, minibatch_size=steps // 2, num_epochs=2)
    )


def train(scenario: str, steps: int, iterations: int) -> list[dict]:
    """Train, print a line for each iteration, and give RLlib's results."""
    algorithm = configure(scenario, steps).build_algo()
    results = []
    try:
        for iteration in range(iterations):
            result = algorithm.train()
            loss = result["learners"][POLICY]["total_loss"]
            taken = result["env_runners"]["num_env_steps_sampled_lifetime"]
            print(f"iteration {iteration}: {taken:.0f} steps, loss {loss:.4f}")
            results.append(result)
    finally:
        algorithm.stop()
    return results


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", default="skirmish-3v3")
    parser.add_argument("--steps", type=int, default=1024, help="environment steps in each iteration")
    parser.add_argument("--iterations", type=int, default=2)
    options = parser.parse_args()
    train(options.scenario, options.steps, options.iterations)
