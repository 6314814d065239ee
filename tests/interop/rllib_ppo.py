"""RLlib trains on mabc through its own PettingZoo adapter, unchanged. Run by `make interop`.

Not a pytest file: RLlib pins an older Gymnasium, so it lives in an environment of its own (.venv-rllib).
Exits with 0 if two iterations ran, every learner was updated and episodes ended.
"""

import argparse
import math

from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.env.wrappers.pettingzoo_env import ParallelPettingZooEnv
from ray.tune.registry import register_env

import mabc

POLICY = "tank"  # one network for all tanks of the team


def configure(scenario: str, steps: int) -> PPOConfig:
    """PPO with shared parameters, in this process: no remote workers, no GPU."""
    register_env("mabc", lambda options: ParallelPettingZooEnv(mabc.parallel_env(options["scenario"])))
    return (
        PPOConfig()
        .environment("mabc", env_config={"scenario": scenario})
        .multi_agent(policies={POLICY}, policy_mapping_fn=lambda agent, *args, **kwargs: POLICY)
        .env_runners(num_env_runners=0, rollout_fragment_length=steps)
        .learners(num_learners=0, num_gpus_per_learner=0)
        .training(train_batch_size_per_learner=steps, minibatch_size=steps // 2, num_epochs=2)
    )


def main() -> None:
    """Train for two iterations and check what RLlib reports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", default="skirmish-3v3")
    parser.add_argument("--steps", type=int, default=1024, help="environment steps in each iteration")
    options = parser.parse_args()

    algorithm = configure(options.scenario, options.steps).build_algo()
    try:
        for iteration in range(2):
            result = algorithm.train()
            loss = result["learners"][POLICY]["total_loss"]
            steps = result["env_runners"]["num_env_steps_sampled_lifetime"]
            print(f"iteration {iteration}: {steps:.0f} steps, loss {loss:.4f}")
            assert math.isfinite(loss)
        assert steps >= 2 * options.steps
        assert result["env_runners"]["num_episodes_lifetime"] > 0, "no episode ended: raise --steps"
    finally:
        algorithm.stop()
    print(f"RLlib trained on {options.scenario}.")


if __name__ == "__main__":
    main()
