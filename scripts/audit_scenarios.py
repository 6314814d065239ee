"""What trivial policies, bots and learners reach in every scenario: whether its game is worth learning.

    python scripts/audit_scenarios.py                                  all scenarios; under an hour of two cores
    python scripts/audit_scenarios.py --only skirmish-3v3,siege-3v3    some of them
    python scripts/audit_scenarios.py --learners --only standard       the benchmark set, ippo besides: hours
    python scripts/audit_scenarios.py --table                          docs/scenarios.md from the results that are there
    python scripts/audit_scenarios.py --json                           the results on standard output

For every learning team's tanks: standing still, each of the ten constant actions, uniformly random legal actions and
each bot, over the first episodes of 512 worlds; other learning teams are driven by `tactical:regular`. Where the teams
are equal, also every bot against itself over 8,192 games, shares by team and by side of the map; and of two teams
`bot_actions` against the same bot in the kernel, and each level against the one below. In `mabc.STANDARD` the best
fixed sequence of actions that a cross-entropy search finds. With --learners `ippo`, memoryless and recurrent (with 64
units), three seeds each at the default budget.

Results are kept scenario by scenario in baselines/results/audit/; what is there already, made under the same version
of rules and scenario, is not done again, so a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from audit_table import shown, write_page
from bench_common import ROOT, write_json

import mabc
from algos.data.recipes.battles import legal
from algos.evaluation.episodes import play_episodes
from mabc.params import NUM_ACTIONS, RULES_VERSION

RESULTS = ROOT / "baselines" / "results" / "audit"
BOTS = ("random", "classic", "tactical:novice", "tactical:regular", "tactical:expert")
LEVELS = BOTS[2:]
MIRRORED = ("random", "classic", "tactical:regular", "tactical:expert")
OTHERS = "tactical:regular"  # drives the learning teams that are not looked at
SEED = 20_000
Act = Callable[[mabc.BatchedEnv], np.ndarray]


@dataclass(frozen=True)
class Options:
    """How much is played."""

    games: int = 512
    mirrored: int = 8192
    generations: int = 20
    sequences: int = 128
    games_each: int = 32
    seeds: tuple[int, ...] = (0, 1, 2)


# --- games ---


@dataclass(frozen=True)
class Games:
    """The first episode of every world: arrays [B]."""

    outcome: np.ndarray  # the winning team, 0 for a draw
    length: np.ndarray  # steps
    at_limit: np.ndarray  # whether it lasted until the time limit
    earned: np.ndarray  # the agents' mean return

    def summary(self, team: int) -> dict[str, float]:
        """Shares of games won and drawn by a team, mean length, and the share that lasted until the limit."""
        found = {"win": self.outcome == team, "draw": self.outcome == 0, "length": self.length, "limit": self.at_limit}
        return {name: round(float(values.mean()), 4) for name, values in found.items()}


def play(env: mabc.BatchedEnv, act: Act, seed: int = SEED) -> Games:
    """Play until every world has ended its first episode. act: env -> actions int [B, N]."""
    found = play_episodes(env, lambda *_: (act(env), None), env.num_envs, seed)
    by_world = np.argsort(found["world"])
    outcome, length, earned = (found[key][by_world] for key in ("outcome", "length", "return"))
    return Games(outcome, length, length >= env.max_steps, earned)


def constant(action: int) -> Act:
    """The same action for ever; an illegal one does what of it is possible."""
    return lambda env: np.full((env.num_envs, env.num_agents), action)


def uniform(seed: int = 0) -> Act:
    """Uniform over the legal actions."""
    rng = np.random.default_rng(seed)
    return lambda env: legal(env.action_mask(), rng)


def policies() -> dict[str, Act]:
    """Everybody who is tried with a team's tanks, by name; `constant-0` stands still, `constant-1` stands and fires."""
    found = {f"constant-{action}": constant(action) for action in range(NUM_ACTIONS)}
    found["uniform"] = uniform()
    return found | {bot: (lambda env, bot=bot: env.bot_actions(bot)) for bot in BOTS}


def learning_teams(scenario: mabc.Scenario) -> list[int]:
    """Numbers of the teams that learn and have a tank."""
    return [number for number, team in enumerate(scenario.teams, 1) if team.driver == "learn" and team.tanks]


def make_env(scenario: mabc.Scenario, team: int, games: int) -> mabc.BatchedEnv:
    """Worlds in which one team is the agents'; other learning teams are bots."""
    others = {number: OTHERS for number in learning_teams(scenario) if number != team}
    return mabc.make_batch(scenario, games, **({"opponents": others} if others else {}))


def trivial(scenario: mabc.Scenario, team: int, games: int) -> dict[str, Any]:
    """What every policy reaches with a team's tanks."""
    env = make_env(scenario, team, games)
    found = {name: play(env, act).summary(team) for name, act in policies().items()}
    if scenario.name.startswith("endgame-"):
        found["line"] = play(env, line_of(scenario.name)).summary(team)
    return found


def line_of(name: str) -> Act:
    """The winning line of an endgame."""
    from mabc.endgames import ENDGAMES

    line = next(endgame.line for endgame in ENDGAMES if endgame.scenario.name == name)
    return fixed(np.array(line))


def fixed(sequence: np.ndarray) -> Act:
    """A sequence of actions, int [T, N] or one for each world [T, B, N]; then standing still."""
    step = iter(sequence)

    def act(env: mabc.BatchedEnv) -> np.ndarray:
        actions = next(step, np.zeros(env.num_agents, int))
        return np.broadcast_to(actions, (env.num_envs, env.num_agents))

    return act


# --- fairness ---


def equal_teams(scenario: mabc.Scenario) -> bool:
    """Whether all teams are alike but for who drives them."""
    alike = {(team.tanks, team.lives, team.level, team.stance, team.wave, team.knowledge) for team in scenario.teams}
    return scenario.mode in ("skirmish", "versus") and len(alike) == 1


def sides_of(env: mabc.BatchedEnv) -> np.ndarray:
    """Which side of the map each team has in each layout: int [layouts, teams]."""
    found = []
    for layout in env.layouts:
        sides = env.maps[layout["map"]].entries
        places = [(int(x), int(y)) for x, y in zip(layout["entry_x"][:, 0], layout["entry_y"][:, 0], strict=True)]
        teams = range(len(env.scenario.teams))
        found.append([next(s for s, entries in enumerate(sides) if places[t] in entries) for t in teams])
    return np.array(found)


def mirror(scenario: mabc.Scenario, bot: str, games: int, batch: int = 2048) -> dict[str, Any]:
    """One bot drives all teams: games won by each team and by each side of the map, and how the games went."""
    teams = range(1, len(scenario.teams) + 1)
    played = min(games, batch)
    env = mabc.make_batch(scenario, played, opponents=dict.fromkeys(teams, bot))
    sides = sides_of(env)
    by_team, by_side, had_side = (np.zeros(len(teams) + 2, int) for _ in range(3))
    draws, lengths, limits = 0, [], []
    for block in range(-(-games // played)):
        env.reset(seed=SEED + block)
        placed = sides[env.worlds["layout"]]
        found = play(env, lambda env: np.zeros((played, 0), int), SEED + block)
        draws += int((found.outcome == 0).sum())
        lengths.append(found.length)
        limits.append(found.at_limit)
        won = np.flatnonzero(found.outcome > 0)
        by_team += np.bincount(found.outcome[won], minlength=len(by_team))
        by_side += np.bincount(placed[won, found.outcome[won] - 1], minlength=len(by_side))
        had_side += np.bincount(placed[won].ravel(), minlength=len(had_side))
    total = len(np.concatenate(lengths))
    return {
        "games": total,
        "draw": round(draws / total, 4),
        "length": round(float(np.concatenate(lengths).mean()), 1),
        "limit": round(float(np.concatenate(limits).mean()), 4),
        "by_team": by_team[1 : len(teams) + 1].tolist(),
        "by_side": by_side[had_side > 0].tolist(),
        "had_side": had_side[had_side > 0].tolist(),
    }


# --- levels ---


def match(scenario: mabc.Scenario, bot: str, other: str, games: int, as_agents: bool = False) -> dict[str, float]:
    """Team 1 driven by a bot, in the kernel or by `bot_actions`, against team 2, driven by another in the kernel."""
    env = mabc.make_batch(scenario, games, opponents={2: other} if as_agents else {1: bot, 2: other})
    act = (lambda env: env.bot_actions(bot)) if as_agents else (lambda env: np.zeros((games, 0), int))
    found = play(env, act).summary(1)
    return found | {"decided": round(found["win"] / max(1 - found["draw"], 1e-9), 4)}


# --- fixed sequences ---


def open_loop(scenario: mabc.Scenario, team: int, options: Options, hold: int = 4) -> dict[str, Any]:
    """The best fixed sequence of actions that a cross-entropy search finds (Rubinstein, 1999), on fresh worlds.

    A sequence has an action for each agent and each `hold` steps. The best tenth of a generation's sequences, by games
    won and then by return, move the distribution that the next ones are drawn from.
    """
    rng = np.random.default_rng(0)
    env = make_env(scenario, team, options.sequences * options.games_each)
    parts, agents = -(-env.max_steps // hold), env.num_agents
    odds = np.full((parts, agents, NUM_ACTIONS), 1 / NUM_ACTIONS)
    rows, found = np.arange(options.sequences), []
    for generation in range(options.generations):
        drawn = (rng.random((options.sequences, parts, agents, 1)) > odds.cumsum(-1)).sum(-1).clip(0, NUM_ACTIONS - 1)
        steps = drawn.repeat(hold, axis=1).repeat(options.games_each, axis=0).swapaxes(0, 1)
        games = play(env, fixed(steps), SEED + 1 + generation)
        won = (games.outcome == team).reshape(options.sequences, -1).mean(-1)
        worth = won + 0.1 * games.earned.reshape(options.sequences, -1).mean(-1)
        best = rows[np.argsort(-worth)][: options.sequences // 10]
        found += [(float(worth[k]), drawn[k]) for k in best[:3]]
        chosen = np.eye(NUM_ACTIONS)[drawn[best]].mean(0)
        odds = 0.3 * odds + 0.7 * (0.98 * chosen + 0.02 / NUM_ACTIONS)
    found.sort(key=lambda pair: -pair[0])
    finalists = [sequence for _, sequence in found[:8]] + [odds.argmax(-1)]
    check = make_env(scenario, team, 256)
    scores = [play(check, fixed(one.repeat(hold, axis=0)), SEED - 1).summary(team)["win"] for one in finalists]
    winner = finalists[int(np.argmax(scores))]
    games = play(make_env(scenario, team, 512), fixed(winner.repeat(hold, axis=0)), SEED)
    return games.summary(team) | {"sequence": winner.tolist(), "hold": hold}


# --- learners ---

MEMORY = ["algo.recurrent=true", "algo.hidden_size=64"]  # at 64 a step costs about what it costs at 128 without a GRU


def learner(scenario: mabc.Scenario, recurrent: bool, seed: int) -> dict[str, Any]:
    """Train `ippo` in a process of its own, and what its greedy policy reached in 512 episodes."""
    name = f"{scenario.name}-{'recurrent' if recurrent else 'memoryless'}-s{seed}"
    folder = ROOT / "runs" / "audit" / name
    if not (folder / "evaluation.json").exists():
        command = [sys.executable, "-m", "algos.train"]
        if folder.exists():
            command += [f"resume={folder}"]
        else:
            command += ["env=mabc", f"env.scenario={scenario.name}", f"seed={seed}", f"dir={folder}"]
            command += MEMORY if recurrent else []
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return json.loads((folder / "evaluation.json").read_text()) | {"run": str(folder.relative_to(ROOT))}


# --- results ---


def path_of(name: str) -> Path:
    """The result file of a scenario."""
    return RESULTS / f"{name}.json"


def load(scenario: mabc.Scenario) -> dict[str, Any]:
    """What is known of a scenario under its present rules; nothing of earlier ones."""
    version = f"{RULES_VERSION} (scenario {scenario.version})"
    path = path_of(scenario.name)
    known = json.loads(path.read_text()) if path.exists() else {}
    return known if known.get("rules") == version else {"scenario": scenario.name, "rules": version}


def save(known: dict[str, Any]) -> None:
    """Write a scenario's results, whole or not at all."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    write_json(str(path_of(known["scenario"])), known)


def parts_of(scenario: mabc.Scenario, options: Options, learners: bool) -> dict[str, Callable[[], Any]]:
    """Everything that is asked of a scenario, by the key of its result."""
    wanted: dict[str, Callable[[], Any]] = {}
    for team in learning_teams(scenario):
        wanted[f"team{team}"] = lambda team=team: trivial(scenario, team, options.games)
    if equal_teams(scenario):
        for bot in MIRRORED:
            wanted[f"mirror.{bot}"] = lambda bot=bot: mirror(scenario, bot, options.mirrored)
        if len(scenario.teams) == 2:
            for bot in MIRRORED[1:]:
                wanted[f"agents.{bot}"] = lambda bot=bot: match(scenario, bot, bot, options.games, as_agents=True)
            for bot, other in pairwise(LEVELS):
                wanted[f"above.{bot}"] = lambda bot=bot, other=other: match(scenario, other, bot, options.games)
    if scenario.name in mabc.STANDARD:
        wanted["open-loop"] = lambda: open_loop(scenario, learning_teams(scenario)[0], options)
    if learners:
        for recurrent in (False, True):
            for seed in options.seeds:
                key = f"ippo.{'recurrent' if recurrent else 'memoryless'}.{seed}"
                wanted[key] = lambda recurrent=recurrent, seed=seed: learner(scenario, recurrent, seed)
    return wanted


def audit(names: Iterable[str], options: Options, learners: bool) -> list[dict[str, Any]]:
    """Do what is missing, and give everything."""
    found = []
    for name in names:
        scenario = mabc.scenario(name)
        known = load(scenario)
        if known.get("options", asdict(options)) != json.loads(json.dumps(asdict(options))):
            known = {"scenario": name, "rules": known["rules"]}
        known["options"] = json.loads(json.dumps(asdict(options)))
        for key, make in parts_of(scenario, options, learners).items():
            if key not in known:
                print(f"{name}: {key}", file=sys.stderr, flush=True)
                known[key] = make()
                save(known)
        found.append(known)
    return found


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="names with commas between them, or `standard`")
    parser.add_argument("--learners", action="store_true", help="train ippo as well")
    parser.add_argument("--table", action="store_true", help="write docs/scenarios.md from the results that are there")
    parser.add_argument("--json", action="store_true", help="print the results")
    arguments = parser.parse_args()
    names = list(mabc.STANDARD) if arguments.only == "standard" else (arguments.only or "").split(",")
    names = mabc.scenarios() if names == [""] else names
    if arguments.table:
        write_page([load(mabc.scenario(name)) for name in names])
        return
    found = audit(names, Options(), arguments.learners)
    print(json.dumps(found) if arguments.json else shown(found))


if __name__ == "__main__":
    main()
