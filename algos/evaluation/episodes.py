"""Evaluation: episodes of fixed seeds, win rates with their interval, and what bots reach in the policy's place.

Where several teams learn, the policy (or the bot) controls the first, and RIVAL (or env.opponent) the others.

Shapes: B worlds, N agents, A actions.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from algos.adapters import make_env
from algos.common.protocol import Explains, Policy, rules_version

SEED = 1_000_003  # of evaluation worlds: not a seed that anybody trains with
WORLDS = 256  # worlds that play at once
BOTS = ("random", "classic", "tactical:regular", "tactical")
RIVAL = "tactical:regular"  # drives the other learning teams


def wilson(wins: float, count: int, z: float = 1.959964) -> list[float]:
    """Interval for a rate of `wins` in `count` trials (Wilson 1927), 95% by default."""
    if count == 0:
        return [0.0, 1.0]
    rate = wins / count
    centre = rate + z * z / (2 * count)
    spread = z * math.sqrt(rate * (1 - rate) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return [max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)]


def play_episodes(env: Any, policy: Policy | None, episodes: int, seed: int = SEED) -> dict[str, np.ndarray]:
    """The first `episodes` / B episodes of every world, so that short episodes are not over-represented.

    policy: (obs, mask, memory) -> (actions, memory); None where bots control all agents (N = 0).
    An environment that records gets what the policy thinks, and stops after world 0's last counted episode.
    Returns arrays, one entry per episode: world (its number), outcome, success (mean over agents), return, length.
    """
    B = env.num_envs
    quota = -(-episodes // B)
    counts = np.zeros(B, np.int64)
    found: dict[str, list[np.ndarray]] = {"world": [], "outcome": [], "success": [], "return": [], "length": []}
    obs, info = env.reset(seed=seed)
    memory, critic_memory, actions = None, None, np.zeros((B, env.num_agents), np.int64)
    while counts.min() < quota:
        if policy is not None:
            if getattr(env, "recorder", None) is not None:
                critic_memory = note_thoughts(env, policy, obs, memory, critic_memory, info["alive"][0])
            actions, memory = policy(obs, env.action_mask(), memory)
        obs, _, terminated, truncated, info = env.step(actions)
        ended = terminated | truncated
        new = np.flatnonzero(ended & (counts < quota))
        counts[ended] += 1
        found["world"].append(new)
        found["outcome"].append(info["outcome"][new].astype(np.int64))
        found["length"].append(info["episode_length"][new].astype(np.float64))
        for name, key in (("success", "success"), ("return", "episode_return")):
            rows = info[key][new].astype(np.float64)
            found[name].append(rows.mean(-1) if rows.shape[-1] else np.zeros(len(new)))
        if memory is not None:
            memory[ended] = 0
        if ended[0]:
            critic_memory = None
            if counts[0] >= quota and getattr(env, "recorder", None) is not None:
                env.recorder = None
    return {name: np.concatenate(parts) for name, parts in found.items()}


def note_thoughts(env: Any, policy: Any, obs: Any, memory: Any, critic_memory: Any, alive: np.ndarray) -> Any:
    """Give the recorder what a policy thinks of world 0, if it can say (`explain`); returns the critic's memory.

    alive: bool [N]. The dead have no value of their own: NaN.
    """
    if not isinstance(policy, Explains):
        return None
    memory, state = None if memory is None else memory[:1], env.state()
    obs = {kind: (rows[:1], mask[:1]) for kind, (rows, mask) in obs.items()} if isinstance(obs, dict) else obs[:1]
    state = state[:1] if isinstance(state, np.ndarray) else None
    thoughts, critic_memory = policy.explain(obs, env.action_mask()[:1], memory, state, critic_memory)
    thoughts["value"] = np.where(alive, thoughts["value"], np.nan)
    env.recorder.note(**{name: rows[0] for name, rows in thoughts.items()})
    return critic_memory


def summary(played: dict[str, np.ndarray], wins: np.ndarray | None) -> dict[str, Any]:
    """JSON-able measures of some episodes; wins float [episodes], None where nothing can be won."""
    count = len(played["length"])
    result: dict[str, Any] = {"episodes": count, "win_rate": None, "interval": None}
    if wins is not None:
        result["win_rate"], result["interval"] = float(wins.mean()), wilson(float(wins.sum()), count)
        result["draw_rate"] = float((played["outcome"] == 0).mean())
    return {**result, "return": float(played["return"].mean()), "length": float(played["length"].mean())}


def evaluate_policy(
    env_config: dict[str, Any],
    policy: Policy,
    episodes: int = 512,
    seed: int = SEED,
    record: str | Path | None = None,
) -> dict[str, Any]:
    """Measures of a policy in the environment of a configuration, and the rules that it was played by.

    record: a folder for replays of MABC's world 0, or a .mabc file for the last of them.
    Without a win rate where nothing can be won, or where several teams of the policy are each other's only rivals.
    """
    against = None
    if env_config["name"] == "mabc":
        env_config, _, against = controlled(env_config)
    worlds = min(WORLDS, episodes) if env_config["name"] in ("mabc", "batched") else env_config["num_envs"]
    env = make_env(env_config, num_envs=worlds, seed=seed, **({"record": str(record)} if record else {}))
    try:
        played = play_episodes(env, policy, episodes, seed)
        winnable = env.metadata.get("outcomes", True) and len(np.unique(env.agent_teams)) == 1
        result = summary(played, played["success"] if winnable else None)
        return {"against": against, "rules": rules_version(env), **result}
    finally:
        env.close()


def evaluate_bot(env_config: dict[str, Any], bot: str, episodes: int = 512, seed: int = SEED) -> dict[str, Any]:
    """The same for a bot of MABC in the policy's place."""
    env_config, team, _ = controlled(env_config, bot)
    env = make_env(env_config, num_envs=min(WORLDS, episodes), seed=seed)
    played = play_episodes(env, None, episodes, seed)
    env.close()
    wins = (played["outcome"] == team).astype(np.float64)
    result = summary(played, wins)
    decided = played["outcome"] > 0
    result["decided_win_rate"] = float(wins[decided].mean()) if decided.any() else None
    result.pop("return")
    return result


def controlled(env_config: dict[str, Any], bot: str | None = None) -> tuple[dict[str, Any], int, str | None]:
    """MABC as it is evaluated: its configuration, the team measured, and who drives the other learning teams.

    One team is measured, the first that learns, driven by `bot` if it is given. A policy that played itself would
    win half of what is decided, whatever it can do; so the others that learn are driven by env.opponent or RIVAL
    (None where there are none).
    """
    import mabc

    drivers = [team.driver for team in mabc.scenario(env_config["scenario"]).teams]
    team, *rivals = [n for n, driver in enumerate(drivers, 1) if driver == "learn"]
    opponent = env_config.get("opponent")
    against = (opponent or RIVAL) if rivals else None
    players = {n: opponent for n, driver in enumerate(drivers, 1) if driver != "learn" and opponent}
    players |= dict.fromkeys(rivals, against) | ({team: bot} if bot else {})
    return {**env_config, "opponent": players or None}, team, against


def evaluate_run(
    path: str | Path,
    config: dict[str, Any],
    policy: Policy,
    episodes: int = 512,
    bots: tuple[str, ...] = BOTS,
    seed: int = SEED,
    record: str | Path | None = None,
) -> dict[str, Any]:
    """A policy's measures, and those of the bots in its place where there are bots."""
    result = {"run": str(path), "algo": config["algo"]["name"], "env": config["env"]["name"]}
    result["greedy"] = policy.greedy
    result["scenario"] = config["env"].get("scenario") or config["env"].get("id")
    result.update(evaluate_policy(config["env"], policy, episodes, seed, record))
    if references := policy.references:  # of the dataset that an offline policy learned from
        from algos.data.dataset import normalised_score

        result["score"] = float(normalised_score(result["return"], {"references": references}))
    result["bots"] = {}
    if config["env"]["name"] == "mabc":
        result["bots"] = {bot: evaluate_bot(config["env"], bot, episodes, seed) for bot in bots}
    return result


def table(result: dict[str, Any]) -> str:
    """A small table for people."""
    against = f" against {result['against']}" if result.get("against") else ""
    manner = "Deterministic evaluation" if result["greedy"] else "Stochastic evaluation"
    lines = [f"{manner}, {result['episodes']} episodes of {result['scenario']}{against}:"]
    rows = {result["algo"]: result, **{f"{bot} (bot)": row for bot, row in result["bots"].items()}}
    lines.append(f"  {'controller':<16} {'win rate':>8}  {'95% interval':<15} {'length':>7}  {'return':>7}")
    for name, row in rows.items():
        rate, interval = "-", "-"
        if row["win_rate"] is not None:
            rate, interval = f"{row['win_rate']:.3f}", "{:.3f} to {:.3f}".format(*row["interval"])
        gained = f"{row['return']:.3f}" if "return" in row else "-"
        lines.append(f"  {name:<16} {rate:>8}  {interval:<15} {row['length']:>7.1f}  {gained:>7}")
    if "score" in result:
        lines.append(f"  normalised score {result['score']:.1f} (0: random, 100: the data's expert)")
    return "\n".join(lines)
