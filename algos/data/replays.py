"""A folder of MABC's replays (*.mabc) as a dataset: each is played again, and what its agents saw is collected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from algos.data.dataset import Dataset, DatasetError, join

SUFFIX = ".mabc"


def read(folder: str | Path) -> Dataset:
    """The episodes of all replays in a folder, in the order of their names.

    DatasetError names a file that cannot be read or played again, that was recorded under other rules, in another
    scenario than the first, by several teams, or with actions that did not last a step each.
    """
    paths = sorted(Path(folder).glob(f"*{SUFFIX}"))
    if not paths:
        raise DatasetError(f"{folder} holds no replay: *{SUFFIX} files are needed")
    parts = [_episode(path) for path in paths]
    first = parts[0]
    for path, part in zip(paths, parts, strict=True):
        if part.info["env"] != first.info["env"] or part.obs.shape[1:] != first.obs.shape[1:]:
            raise DatasetError(
                f"{path} is of {part.info['env']['scenario']}, {paths[0].name} of {first.info['env']['scenario']} "
                "(or of a changed one): put the replays of each scenario into a folder of their own"
            )
    dataset = join(parts)
    dataset.info |= {"name": f"{Path(folder).name} ({len(paths)} replays)"}
    return dataset.check()


def _episode(path: Path) -> Dataset:
    """One replay as a dataset of one episode."""
    from mabc.replay import ReplayError, load_replay

    try:
        replay = load_replay(path)
        _check(path, replay)
        replay.verify()
        rows = [_row(env) for env in replay.simulate()]
        rules = f"{replay.rules_version} (scenario {replay.scenario.version})"
    except ReplayError as error:
        text = str(error).removeprefix(f"{path}: ")
        raise DatasetError(f"{path}: {text}") from error
    T, N = replay.num_steps, len(replay.agents)
    team = next(tank["team"] for tank in replay.tanks if tank["agent"] is not None)
    terminals = np.zeros(T, bool)
    terminals[-1] = replay.outcome is not None and not replay.header["truncated"]
    columns = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    return Dataset(
        obs=columns["obs"],
        actions=replay.actions[:, :N].astype(np.int64),
        rewards=replay.reward[:, 0].astype(np.float32),
        terminals=terminals,
        starts=np.array([0, T]),
        masks=columns["masks"],
        alive=columns["alive"],
        extras={"state": columns["state"], "success": np.array([replay.outcome == team])},
        num_actions=columns["masks"].shape[-1],
        info={
            "env": {
                "name": "mabc",
                "scenario": replay.scenario_name,
                "obs": "vector",
                "state": "vector",
                "rules": rules,
            },
            "made": {"how": "recorded episodes, played again", "policies": "as recorded"},
        },
    )


def _check(path: Path, replay: Any) -> None:
    if not replay.num_steps:
        raise DatasetError(f"{path}: it has no step")
    teams = {tank["team"] for tank in replay.tanks if tank["agent"] is not None}
    if len(teams) != 1:
        raise DatasetError(f"{path}: its agents are of {len(teams)} teams; a dataset is of one team")
    if (replay.reward != replay.reward[:, :1]).any():
        raise DatasetError(f"{path}: its agents have rewards of their own; a dataset's are the team's")
    skip = replay.scenario.frame_skip
    if replay.hold is not None and ((replay.hold != 0) & (replay.hold != skip)).any():
        raise DatasetError(
            f"{path}: some of its actions hold for other than {skip} frames, a step of the scenario (as people's do): "
            "only actions that last a step each can be learned from"
        )


def _row(env: Any) -> dict[str, np.ndarray]:
    """What is seen at a step of a replay that plays again."""
    spec = env.view.spec[0]
    slots = spec["slot"][: env.num_agents]
    return {
        "obs": env.observe("vector")[0].copy(),
        "masks": env.action_mask()[0].copy(),
        "alive": env.worlds[0]["tanks"]["alive"][slots] != 0,
        "state": env.state("vector")[0].copy(),
    }
