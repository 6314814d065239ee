"""RLlib trains on mabc through its own PettingZoo adapter, unchanged. Run by `make interop`.

Not a pytest file: RLlib pins an older Gymnasium, so it lives in an environment of its own (.venv-rllib).
Exits with 0 if two iterations of examples/rllib_ppo.py ran, every learner was updated and episodes ended, and
mabc.check finds no fault in what RLlib gets.
"""

import argparse
import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))

import gymnasium
import rllib_ppo as example

import mabc


def main() -> None:
    """Train for two iterations and check what RLlib reports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", default="skirmish-3v3")
    parser.add_argument("--steps", type=int, default=1024, help="environment steps in each iteration")
    options = parser.parse_args()

    print(mabc.check(lambda: mabc.parallel_env(options.scenario)))
    print(mabc.check(lambda: gymnasium.make("mabc/Solo-v1")))
    results = example.train(options.scenario, options.steps, iterations=2)
    assert all(math.isfinite(result["learners"][example.POLICY]["total_loss"]) for result in results)
    collected = results[-1]["env_runners"]
    assert collected["num_env_steps_sampled_lifetime"] >= 2 * options.steps
    assert collected["num_episodes_lifetime"] > 0, "no episode ended: raise --steps"
    print(f"RLlib trained on {options.scenario} with gymnasium {gymnasium.__version__}.")


if __name__ == "__main__":
    main()
