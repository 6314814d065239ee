"""Step every scenario on the CPU and on the GPU side by side and compare what comes out.

    python scripts/gpu_compare.py [SCENARIO ...] [--worlds 256] [--steps 200]

The game is whole numbers, so the worlds must be the same bytes. Rewards, potentials and observations are floats: a
GPU fuses a product and a sum and rounds once, so they may differ in the last digit. Exits 1 on any other difference,
2 without a GPU. NUMBA_ENABLE_CUDASIM=1 NUMBA_DISABLE_JIT=1 runs numba's simulator instead: slow, use few worlds.
"""

import argparse
import sys

import numpy as np

import mabc
from mabc.gpu import GpuBatch, copied

CLOSE = 1e-5


def game(worlds: np.ndarray) -> np.ndarray:
    """The worlds' bytes, uint8 [B, bytes], their floats set to 0."""
    copy = copied(worlds)
    copy["potential"] = copy["start_distance"] = 0.0
    copy["tanks"]["episode_return"] = 0.0
    return copy.view(np.uint8).reshape(len(worlds), -1)


def compare(name: str, worlds: int, steps: int) -> float:
    """Play random actions on both; the largest difference between floats. Raises AssertionError for any other."""
    env = mabc.make_batch(name, num_envs=worlds, seed=1)
    env.reset(seed=1)
    gpu = GpuBatch(env)
    rng = np.random.default_rng(1)
    largest = 0.0
    for step in range(steps):
        actions = rng.integers(0, env.num_actions, (worlds, env.num_agents))
        obs, reward, terminated, truncated, info = env.step(actions)
        gpu.step(actions)
        there = gpu.results
        same = (game(env.worlds) == game(gpu.worlds)).all(axis=1)
        assert same.all(), f"{name}: worlds {np.flatnonzero(~same)[:5].tolist()} differ after step {step}"
        pairs = [(terminated, there.terminated), (truncated, there.truncated), (info["outcome"], there.outcome)]
        pairs += [(info["success"], there.success), (env.action_mask(), there.mask), (info["alive"], there.alive)]
        assert all(np.array_equal(a, b) for a, b in pairs), f"{name}: flags or masks differ after step {step}"
        floats = [(obs, gpu.obs), (reward, there.reward), (env.worlds["potential"], gpu.worlds["potential"])]
        largest = max(largest, *(float(np.abs(a - b).max(initial=0.0)) for a, b in floats))
        assert largest <= CLOSE, f"{name}: floats differ by {largest:g} after step {step}"
    return largest


def main() -> int:
    """Compare all scenarios, or those named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenarios", nargs="*", help="by default all")
    parser.add_argument("--worlds", type=int, default=256)
    parser.add_argument("--steps", type=int, default=200)
    args = parser.parse_args()
    differs = 0
    for name in args.scenarios or mabc.scenarios():
        try:
            largest = compare(name, args.worlds, args.steps)
        except RuntimeError as error:
            print(f"gpu_compare: {error}", file=sys.stderr)
            return 2
        except AssertionError as error:
            print(f"DIFFERS  {error}")
            differs += 1
        else:
            print(f"same     {name}: {args.worlds} worlds, {args.steps} steps; floats within {largest:.1e}", flush=True)
    return 1 if differs else 0


if __name__ == "__main__":
    sys.exit(main())
