"""One peer environment in a process of its own, measured on request; bench_env.py --peers starts it.

    .venv-peers/bin/python scripts/peers/worker.py PEER '{"batches": [256, 1024, 4096]}'

Prints one JSON line when it is warm, then one for every number of seconds that it reads from its input:
{"env_steps", "agent_steps", "seconds"}. Agent-steps count living learners where agents leave (MAgent2), all learners'
seats otherwise, as ours does. Random actions are drawn beforehand, episodes restart by themselves.

SMAX runs as its users run it at its fastest: worlds under `vmap`, steps under `lax.scan`, the whole compiled by `jit`,
its state donated. Observations, rewards, ends and legal actions are kept in the scan's carry and returned, so that
XLA cannot leave them out; `world_state` is not asked for, as ours writes no global state in a step. A loop in Python
over a compiled step is tried as well, every batch size with both, and the fastest is measured.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np

ANSWERS = os.fdopen(os.dup(1), "w")  # what the peers print themselves goes to stderr
os.dup2(2, 1)

Advance = Callable[[], tuple[int, int]]  # some steps; returns how many of the environment and of agents


def answer(**fields: Any) -> None:
    """One line of JSON for whoever started this."""
    ANSWERS.write(json.dumps(fields) + "\n")
    ANSWERS.flush()


def measure(advance: Advance, seconds: float) -> dict[str, float]:
    """Steps made in at least so many seconds."""
    env_steps = agent_steps = 0
    start = time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        more, by_agents = advance()
        env_steps, agent_steps = env_steps + more, agent_steps + by_agents
    return {"env_steps": env_steps, "agent_steps": agent_steps, "seconds": elapsed}


def rate(advance: Advance, seconds: float) -> float:
    """Agent-steps a second over a short window."""
    found = measure(advance, seconds)
    return found["agent_steps"] / found["seconds"]


# --- JaxMARL ---


class Smax:
    """SMAX 5m_vs_6m with the heuristic enemy: five learners in each of B worlds."""

    def __init__(self, batch: int, mode: str, length: int):
        import jax
        from jaxmarl import make
        from jaxmarl.environments.smax import map_name_to_scenario

        self.jax, self.batch, self.mode, self.length = jax, batch, mode, length
        self.env = make("HeuristicEnemySMAX", scenario=map_name_to_scenario("5m_vs_6m"))
        self.agents = self.env.agents
        key = jax.random.PRNGKey(0)
        low, high = 0, self.env.action_space(self.agents[0]).n
        shape = (length, batch, len(self.agents))
        self.actions = jax.block_until_ready(jax.random.randint(key, shape, low, high))
        self.rows = list(self.actions)
        start = time.perf_counter()
        _, state = jax.jit(jax.vmap(self.env.reset))(jax.random.split(key, batch))
        first = jax.eval_shape(self.step, (state, None, key), self.actions[0])[0][1]
        told = jax.tree.map(lambda leaf: jax.numpy.zeros(leaf.shape, leaf.dtype), first)
        self.carry = (state, told, key)
        if mode == "scan":
            self.run = jax.jit(lambda carry, rows: jax.lax.scan(self.step, carry, rows)[0], donate_argnums=0)
        else:
            self.run = jax.jit(lambda carry, row: self.step(carry, row)[0], donate_argnums=0)
        self.advance()
        self.compile_seconds = time.perf_counter() - start
        for _ in range(2):  # a second call may compile again
            self.advance()

    def step(self, carry: tuple, row: Any) -> tuple[tuple, None]:
        """One step of all worlds; what agents are told replaces what they were told before."""
        jax = self.jax
        state, _, key = carry
        key, now = jax.random.split(key)
        chosen = {agent: row[:, i] for i, agent in enumerate(self.agents)}
        obs, state, reward, done, _ = jax.vmap(self.env.step)(jax.random.split(now, self.batch), state, chosen)
        legal = jax.vmap(self.env.get_avail_actions)(state)
        told = [{agent: part[agent] for agent in self.agents} for part in (obs, reward, legal)]
        return (state, (*told, done["__all__"]), key), None

    def advance(self) -> tuple[int, int]:
        """`length` steps of every world."""
        if self.mode == "scan":
            self.carry = self.run(self.carry, self.actions)
        else:
            for row in self.rows:
                self.carry = self.run(self.carry, row)
        self.jax.block_until_ready(self.carry)
        steps = self.length * self.batch
        return steps, steps * len(self.agents)


def smax(options: dict[str, Any]) -> tuple[Advance, dict[str, Any]]:
    """The fastest of all batch sizes and both ways to loop."""
    best, tried = None, []
    for batch in options["batches"]:
        for mode in options.get("modes", ("scan", "loop")):
            length = options.get("length") or max(10, min(100, 51_200 // batch))
            made = Smax(batch, mode, length)
            found = rate(made.advance, options["probe"])
            tried.append(
                {
                    "batch": batch,
                    "loop": mode,
                    "steps_a_call": length,
                    "agent_steps_per_s": round(found),
                    "compile_s": round(made.compile_seconds, 2),
                }
            )
            print(f"  SMAX {tried[-1]}", file=sys.stderr, flush=True)
            if best is None or found > best[0]:
                best = (found, made, tried[-1])
    assert best is not None
    setting = {**best[2], "scenario": "5m_vs_6m", "learners": 5, "enemy": "heuristic", "tried": tried}
    setting["device"] = str(best[1].jax.devices()[0])
    return best[1].advance, setting


# --- PettingZoo environments ---


class Parallel:
    """One world of a PettingZoo parallel environment; random actions, drawn beforehand."""

    def __init__(self, env: Any, chunk: int):
        self.env, self.chunk, self.turn = env, chunk, 0
        rng = np.random.default_rng(0)
        names = env.possible_agents
        sizes = [env.action_space(agent).n for agent in names]
        self.actions = [dict(zip(names, rng.integers(sizes).tolist(), strict=True)) for _ in range(64)]
        env.reset(seed=0)

    def advance(self) -> tuple[int, int]:
        """Some steps; only agents that are there act and count."""
        agent_steps, whole = 0, len(self.env.possible_agents)
        for _ in range(self.chunk):
            agents = self.env.agents
            if not agents:
                self.env.reset()
                agents = self.env.agents
            actions = self.actions[self.turn % 64]
            self.turn += 1
            if len(agents) < whole:
                actions = {agent: actions[agent] for agent in agents}
            agent_steps += len(agents)
            self.env.step(actions)
        return self.chunk, agent_steps


def spread(options: dict[str, Any]) -> tuple[Advance, dict[str, Any]]:
    """mpe2's simple_spread with its three agents."""
    from mpe2 import simple_spread_v3

    return Parallel(simple_spread_v3.parallel_env(), 64).advance, {"batch": 1, "learners": 3}


def battle(options: dict[str, Any]) -> tuple[Advance, dict[str, Any]]:
    """MAgent2's battle, 162 agents at its default size; its rules run in C++."""
    from magent2.environments import battle_v4

    env = battle_v4.parallel_env()
    return Parallel(env, 8).advance, {"batch": 1, "learners": len(env.possible_agents)}


PEERS = {
    "smax": (smax, ("jaxmarl", "jax", "jaxlib")),
    "simple_spread": (spread, ("mpe2", "pettingzoo")),
    "battle": (battle, ("magent2", "pettingzoo")),
}


def main() -> None:
    """Set the peer up, then measure it as often as asked."""
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    peer = sys.argv[1]
    make, packages = PEERS[peer]
    start = time.perf_counter()
    advance, setting = make(json.loads(sys.argv[2]) if len(sys.argv) > 2 else {})
    measure(advance, 0.5)  # warm, beyond the first calls
    versions = {name: version(name) for name in (*packages, "numpy")}
    versions["python"] = sys.version.split()[0]
    answer(peer=peer, **setting, versions=versions, setup_s=round(time.perf_counter() - start, 1))
    for line in sys.stdin:
        answer(**measure(advance, float(line)))


if __name__ == "__main__":
    main()
