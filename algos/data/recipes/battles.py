"""Recorded battles of MABC: whole episodes of a team, by policies of different skill.

Shapes: B worlds, N agents, A actions, D features, S state, M steps of the team, E episodes, R = M + E rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from algos.data.dataset import Dataset, join

KINDS = ("random", "medium", "expert", "mixed")
ENTITIES = "-entities"
STEPS = 100_000
WORLDS = 64  # at most, side by side
NOVICE_SHARE = 0.8  # of the medium team's stretches: the rest are the expert's
RANDOM_SHARE = 0.1  # of its actions
CHANGE = 0.1  # chance a step that a member of it changes its ways
MARGIN = 0.02  # a trained team whose win rate is that close to the best bot's equals it
REFERENCE_WORLDS, REFERENCE_ROUNDS = 64, 4

Act = Callable[[Any, np.ndarray], np.ndarray]
"""(environment, worlds that begin bool [B]) -> actions int [B, N]"""


def scenarios() -> list[str]:
    """Scenarios in which one team learns: the others are bots'."""
    import mabc

    return [name for name in mabc.scenarios() if _learning(name) == 1]


def _learning(name: str) -> int:
    import mabc

    return sum(team.driver == "learn" for team in mabc.scenario(name).teams)


def names() -> list[str]:
    return [f"{scenario}-{kind}{suffix}" for scenario in scenarios() for kind in KINDS for suffix in ("", ENTITIES)]


def split(name: str) -> tuple[str, str, bool]:
    """Scenario, kind, and whether entities are wanted, of a name."""
    plain = name.removesuffix(ENTITIES)
    scenario, _, kind = plain.rpartition("-")
    return scenario, kind, plain != name


def make(name: str, steps: int, seed: int, workers: int | None, progress: Callable) -> Dataset:
    """A dataset of MABC, not yet kept; one process plays, as it steps many worlds at once."""
    import mabc
    from mabc.params import RULES_VERSION

    scenario, kind, entities = split(name)
    kinds = ["random", "medium", "expert", "tactical"] if kind == "mixed" else [kind]
    parts, shares = [], {}
    for number, part in enumerate(kinds):
        act, who = player(scenario, part, seed + number)
        played = collect(scenario, act, seed + number, steps=-(-steps // len(kinds)), entities=entities)
        wins = float(played.extras["success"].mean())
        shares[part] = {"who": who, "steps": played.num_steps, "episodes": played.num_episodes, "win_rate": wins}
        progress(f"  {part}: {who}; {played.num_steps:,} steps, win rate {wins:.2f}")
        parts.append(played)
    dataset = join(parts)
    dataset.extras["part"] = np.repeat(np.arange(len(parts)), [part.num_episodes for part in parts])
    rules = f"{RULES_VERSION} (scenario {mabc.scenario(scenario).version})"
    how = "whole episodes, equally many of each world" + (f"; by {', '.join(kinds)} in equal parts" * (len(kinds) > 1))
    dataset.info = {
        "name": name,
        "env": {"name": "mabc", "scenario": scenario, "obs": "vector", "state": "vector", "rules": rules},
        "references": references(scenario, progress),
        "made": {
            "how": how,
            "policies": "; ".join(f"{part}: {share['who']}" for part, share in shares.items()),
            "parts": shares,
            "command": f"python -m scripts.make_dataset {name} --steps {steps} --seed {seed}",
        },
    }
    return dataset


def references(scenario: str, progress: Callable) -> dict[str, float]:
    """Mean team return of the random and the expert player, over fixed seeds: measured now, it takes seconds."""
    found = {}
    for kind in ("random", "expert"):
        act, _ = player(scenario, kind, 0)
        played = collect(scenario, act, 1_000_003, worlds=REFERENCE_WORLDS, rounds=REFERENCE_ROUNDS)
        found[kind] = float(played.returns.mean())
    progress(f"  mean return of the random player {found['random']:.3f}, of the expert {found['expert']:.3f}")
    return found


# --- who plays ---


def player(scenario: str, kind: str, seed: int) -> tuple[Act, str]:
    """Who plays a part, and that in words."""
    random = np.random.default_rng([seed, 1])
    if kind == "random":
        return lambda env, fresh: legal(env.action_mask(), random), "random legal actions"
    if kind == "expert" and (team := zoo_team(scenario)):
        return sampled(team, seed), f"{team}, actions drawn from its policy"
    if kind == "medium":
        text = (
            f"each member tactical:novice for {NOVICE_SHARE:.0%} of its time, in stretches, else tactical; "
            f"{RANDOM_SHARE:.0%} random"
        )
        return moody(NOVICE_SHARE, random), text
    return lambda env, fresh: env.bot_actions("tactical"), "tactical"


def legal(mask: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Uniform among the legal actions of a mask [B, N, A]: int [B, N]."""
    return (random.random(mask.shape) * mask).argmax(-1)


def moody(share: float, random: np.random.Generator) -> Act:
    """A team whose members are novices for a share of their time and experts for the rest, ten steps on end or so.

    The novice is nearly always the more frequent, so that whoever imitates the most frequent action becomes one, and
    whoever tells good from bad can do better. (Experts with random actions in between would be given away by them.)
    """
    novice = None

    def act(env: Any, fresh: np.ndarray) -> np.ndarray:
        nonlocal novice
        shape = env.num_envs, env.num_agents
        drawn = random.random(shape) < share
        change = fresh[:, None] | (random.random(shape) < CHANGE)
        novice = drawn if novice is None else np.where(change, drawn, novice)
        often = env.bot_actions("tactical:novice").copy()  # the next call writes into the same array
        actions = np.where(novice, often, env.bot_actions("tactical"))
        return np.where(random.random(shape) < RANDOM_SHARE, legal(env.action_mask(), random), actions)

    return act


def zoo_team(scenario: str) -> str | None:
    """zoo:NAME of a trained team for a scenario that is as good as the best bot in its seats; None without one."""
    from algos.evaluation import zoo

    path = zoo.FOLDER / scenario / "evaluation.json"
    if not path.is_file():
        return None
    result = json.loads(path.read_text("utf-8"))
    best = max(bot["win_rate"] for bot in result["bots"].values())
    return f"{zoo.PREFIX}{scenario}" if result["win_rate"] >= best - MARGIN else None


def sampled(team: str, seed: int) -> Act:
    """A trained team that draws its actions from its policy, by a random stream of its own."""
    import torch

    from algos.common.protocol import rules_version
    from algos.common.run import check_rules
    from algos.evaluation.trained import load_run

    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):  # networks draw their first weights
        config, policy = load_run(team, greedy=False)
        torch.manual_seed(seed)
        stream = torch.get_rng_state()
    torch.set_num_threads(threads)
    memory: Any = None

    def act(env: Any, fresh: np.ndarray) -> np.ndarray:
        nonlocal memory, stream
        check_rules(config["rules"], rules_version(env), team)
        if memory is not None:
            memory[fresh] = 0
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(stream)
            actions, memory = policy(env.observe("vector"), env.action_mask(), memory)
            stream = torch.get_rng_state()
        return actions

    return act


# --- playing ---


def collect(
    scenario: str,
    act: Act,
    seed: int,
    steps: int = 0,
    worlds: int | None = None,
    rounds: int = 0,
    entities: bool = False,
) -> Dataset:
    """Play whole episodes, until every world has played equally many and there are `steps` steps, or `rounds` rounds.

    What a world plays beyond that is dropped, so that short episodes are not over-represented.
    """
    import mabc
    from mabc.api.manual import ManualBatch

    limit = mabc.scenario(scenario).max_steps
    worlds = worlds or int(np.clip(steps // (10 * limit), 1, WORLDS))
    env = ManualBatch(scenario, worlds, seed=seed)
    _, info = env.reset(seed=seed)
    record = _Record(env, info["alive"], entities)
    fresh = np.ones(worlds, bool)
    while not record.enough(steps, rounds):
        actions = act(env, fresh)
        record.before(actions)
        _, reward, terminated, truncated, info = env.step(actions)
        record.after(reward[:, 0], terminated, truncated, info["success"][:, 0])
        fresh = terminated | truncated
        if fresh.any():
            env.reset_where(fresh)
    env.close()
    return record.dataset()


class _Record:
    """Steps of B worlds side by side, taken apart into episodes at the end."""

    def __init__(self, env: Any, alive: np.ndarray, entities: bool):
        self.env, self.entities = env, entities
        self.alive = alive  # the environment's own array: always of now
        self.frames: list[dict[str, np.ndarray]] = []  # of every step: what was seen before it, and what came of it
        self.begun = np.zeros(env.num_envs, int)  # the step with which each world's episode began
        self.episodes: list[list[tuple]] = [[] for _ in range(env.num_envs)]  # first step, steps, last row, success

    def _seen(self, only: slice | np.ndarray = slice(None)) -> dict[str, np.ndarray]:
        """What is seen now: copies, by name."""
        env = self.env
        found = {"obs": env.observe("vector"), "masks": env.action_mask(), "alive": self.alive}
        found["state"] = env.state("vector")
        if self.entities:
            for kind, (rows, there) in env.observe("entities").items():
                found[f"entities/{kind}"], found[f"entities/{kind}/mask"] = rows, there
        return {name: array[only].copy() for name, array in found.items()}

    def before(self, actions: np.ndarray) -> None:
        self.frames.append({**self._seen(), "actions": actions.astype(np.int64)})

    def after(self, reward: np.ndarray, terminated: np.ndarray, truncated: np.ndarray, success: np.ndarray) -> None:
        self.frames[-1] |= {"rewards": reward.copy(), "terminals": terminated.copy()}
        ended = np.flatnonzero(terminated | truncated)
        if not len(ended):
            return
        last, now = self._seen(ended), len(self.frames)
        for k, b in enumerate(ended):
            rows = {name: array[k] for name, array in last.items()}
            self.episodes[b].append((self.begun[b], now - self.begun[b], rows, success[b]))
            self.begun[b] = now

    def rounds(self) -> int:
        """Episodes that every world has finished."""
        return min(map(len, self.episodes))

    def enough(self, steps: int, rounds: int) -> bool:
        done = self.rounds()
        return done > 0 and done >= rounds and sum(e[1] for world in self.episodes for e in world[:done]) >= steps

    def dataset(self) -> Dataset:
        """All rounds, one after the other."""
        world_count = len(self.episodes)
        order = [(b, *self.episodes[b][r]) for r in range(self.rounds()) for b in range(world_count)]
        lengths = np.array([length for _, _, length, _, _ in order])
        joined: dict[str, np.ndarray] = {}
        for name in list(self.frames[0]):
            column = np.stack([frame.pop(name) for frame in self.frames])  # [T, B, ...]
            pieces = []
            for b, first, length, last, _ in order:
                pieces.append(column[first : first + length, b])
                if name in last:
                    pieces.append(last[name][None])
            joined[name] = np.concatenate(pieces)
        main: dict[str, Any] = {
            name: joined.pop(name) for name in ("obs", "actions", "rewards", "terminals", "masks", "alive")
        }
        success = np.array([won for *_, won in order])
        return Dataset(
            **main,
            starts=np.concatenate([[0], np.cumsum(lengths)]),
            extras={**joined, "success": success},
            num_actions=self.env.num_actions,
        )
