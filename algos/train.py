"""Train an algorithm on an environment.

    python -m algos.train env=mabc                                 ippo, skirmish-3v3 against three tactical novices
    python -m algos.train env=mabc algo=mappo env.scenario=skirmish-5v6 total_steps=4_000_000
    python -m algos.train env=mabc algo.lr=5e-4 algo.recurrent=true seed=3 dir=runs/mine
    python -m algos.train -m env=mabc seed=1,2,3                   a sweep, one run after the other
    python -m algos.train resume=runs/mine                         go on after a crash, bit for bit
    python -m algos.train resume=runs/mine/checkpoints/FILE        go on from there; later checkpoints are removed
    python -m algos.train env=pettingzoo env.id=mpe2.simple_spread_v3
    python -m algos.train env=gym env.id=CartPole-v1 algo.num_steps=128
    python -m algos.train env=gym env.id=Hopper-v5 algo=iql data=hopper-medium     offline: learns from a dataset
    python -m algos.train env=mabc algo=cql data=expert algo.alpha=1               the same for a team of tanks
    python -m algos.train --help env=gym algo=mappo                the keys of these two

Afterwards: python -m algos.evaluate run=PATH, python -m algos.play run=PATH, tensorboard --logdir PATH.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from algos.common import config as cfg
from algos.common.errors import BadInput

if TYPE_CHECKING:
    from algos.common.protocol import Policy

DEFAULT_ENV, DEFAULT_ALGO = "mabc", "ippo"


@dataclass
class TrainConfig:
    defaults: list[Any] = field(default_factory=lambda: ["_self_", {"env": DEFAULT_ENV}, {"algo": DEFAULT_ALGO}])
    env: Any = None  # what to learn in; its keys are env.…
    algo: Any = None  # how to learn; its keys are algo.…
    seed: int = 0  # of networks, sampling and worlds
    data: str | None = None  # what offline algorithms learn from: a recipe's name, minari:ID, a file or folder
    total_steps: int | None = None  # environment steps, summed over worlds; offline: gradient steps
    dir: str | None = None  # run folder; empty: runs/<scenario>-<algo>-s<seed>
    resume: str | None = None  # a run folder (or one of its checkpoints: later ones are removed) to go on with
    device: str = "cpu"  # of the networks: cpu | cuda


def general_keys() -> list[cfg.Key]:
    """Keys of every run."""
    return [key for key in cfg.read_dataclass(Path(__file__), "TrainConfig") if key.name != "defaults"]


def help_text(overrides: list[str]) -> str:
    """What `--help` prints, for the environment and algorithm chosen beside it."""
    known = cfg.presets()
    env = cfg.choices(overrides, "env", DEFAULT_ENV, cfg.adapters())[0]
    algo = cfg.choices(overrides, "algo", DEFAULT_ALGO, known)[0]
    general = general_keys()
    names = {"env": " | ".join(cfg.adapters()), "algo": " | ".join(known)}
    shown = {key.name: names.get(key.name, key.default) for key in general}
    shown["total_steps"] = cfg.constant(cfg.source_of(algo), "TOTAL_STEPS")
    return "\n\n".join(
        [
            (__doc__ or "").strip(),
            cfg.describe("Keys of every run (key=value):", general, shown),
            cfg.describe(
                f"Keys of env={env} (env.key=value; None: as the scenario says):",
                cfg.env_keys(env),
                {"gamma": "as algo.gamma"},
            ),
            cfg.describe(f"Keys of algo={algo} (algo.key=value):", cfg.algo_keys(algo), {"name": repr(algo)}),
        ]
    )


def check_overrides(overrides: list[str], sweep: bool) -> list[str]:
    """Overrides as Hydra will take them, after all keys and values have been looked at."""
    modules = cfg.presets()
    envs = cfg.choices(overrides, "env", DEFAULT_ENV, cfg.adapters())
    algos = cfg.choices(overrides, "algo", DEFAULT_ALGO, modules)
    if not sweep and len(envs) + len(algos) > 2:
        raise BadInput("several values for one key are a sweep: add -m")
    known = [key.name for key in general_keys()] + [f"algo.{key.name}" for name in algos for key in cfg.algo_keys(name)]
    known += [f"env.{key.name}" for name in envs for key in cfg.env_keys(name)]
    bases = [base for name in algos for base in cfg.constant(cfg.source_of(name), "BASES") or ()]
    known += [f"algo.kwargs.{key.name}" for base in bases for key in cfg.algo_keys(base)]
    clean = cfg.check_keys(overrides, known, open_keys=["env.kwargs", "algo.kwargs"])
    check_resume(clean)
    check_data(clean, algos)
    register(envs, {name: modules[name] for name in algos})
    if not sweep:
        check_values(clean, envs[0], algos[0], modules[algos[0]])
    return clean


def check_resume(overrides: list[str]) -> None:
    """BadInput if something is given beside resume= that belongs to the run's own configuration."""
    from algos.common.run import RESUME_KEYS

    keys = [cfg.split_override(override)[0] for override in overrides]
    extra = [key for key in keys if key not in RESUME_KEYS and not key.startswith("hydra")]
    if "resume" in keys and extra:
        raise BadInput(
            f"resume= goes on with the run's own configuration: leave {', '.join(extra)} out "
            f"(only {', '.join(sorted(RESUME_KEYS - {'resume'}))} may change)"
        )


def check_data(overrides: list[str], algos: list[str]) -> None:
    """BadInput where an offline algorithm has no dataset, or another one has."""
    given = dict(map(cfg.split_override, overrides))
    for name in algos:
        use = cfg.data_use(name)
        if use == "required" and not given.get("data") and "resume" not in given:
            raise BadInput(
                f"algo={name} learns from recorded episodes: say which with data=NAME "
                "(python -m scripts.make_dataset --list shows the names)"
            )
        if given.get("data") and use == "none":
            known = [other for other in cfg.presets() if cfg.data_use(other) != "none"]
            raise BadInput(f"data={given['data']}: algo={name} learns in the environment; use {', '.join(known)}")


def register(envs: list[str], algos: dict[str, str]) -> None:
    """Tell Hydra about the configurations chosen; only their modules are imported."""
    from hydra.core.config_store import ConfigStore

    from algos.adapters import config_class

    store = ConfigStore.instance()
    store.store(name="train", node=TrainConfig)
    for name in envs:
        store.store(group="env", name=name, node=config_class(name))
    for name, module in algos.items():
        store.store(group="algo", name=name, node=algo_config(name, module))


def algo_config(name: str, module: str) -> Any:
    """An algorithm's Config as its preset has it."""
    loaded = cfg.load_module(module)
    return loaded.Config(name=name, **loaded.PRESETS[name])


def check_values(overrides: list[str], env: str, algo: str, module: str) -> None:
    """BadInput for a value of the wrong type or out of range."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException
    from omegaconf import OmegaConf

    from algos.adapters import config_class

    node = OmegaConf.structured(TrainConfig)
    node.env = OmegaConf.structured(config_class(env))
    node.algo = OmegaConf.structured(algo_config(algo, module))
    for override in overrides:
        key, _ = cfg.split_override(override)
        if key in ("env", "algo") or key.startswith("hydra"):
            continue
        try:
            parsed = OverridesParser.create().parse_override(override)
        except HydraException as error:
            raise BadInput(f"{override}: {str(error).splitlines()[0]}") from error
        if parsed.is_sweep_override():
            raise BadInput(f"{override}: several values are a sweep, add -m (a list is {key}=[1,2])")
        if not key.startswith(("env.kwargs.", "algo.kwargs.")):
            cfg.check_value(node, key, parsed.value())
    OmegaConf.to_object(node.algo)  # __post_init__ looks at ranges
    if node.total_steps is not None and node.total_steps < 1:
        raise BadInput(f"total_steps={node.total_steps}: at least 1")
    if node.seed < 0:
        raise BadInput(f"seed={node.seed}: at least 0")


# --- a run ---


def run_training(config: dict[str, Any]) -> dict[str, Any]:
    """Train as an effective configuration says, evaluate, record an episode; returns the evaluation."""
    from algos.adapters import make_env
    from algos.common import run as runs
    from algos.common.checkpoint import list_checkpoints
    from algos.common.protocol import rules_version
    from algos.evaluation.playback import record_clip
    from mabc.jit import is_cold

    tree, made = None, False
    if config["resume"]:
        file, tree = runs.resume_file(config["resume"])
        folder, config = runs.folder_of(file), resumed_config(config, tree["config"])
    else:
        folder = Path(config["dir"]) if config["dir"] else runs.default_folder(config)
        share_discount(config)
    check_device(config["device"])
    env = make_env(config["env"], seed=config["seed"])
    rules = rules_version(env)
    module = cfg.load_module(cfg.presets()[config["algo"]["name"]])
    algo = module.Config(**config["algo"])
    config["total_steps"] = config["total_steps"] or module.TOTAL_STEPS
    if tree:
        runs.check_rules(tree["rules"], rules, folder)
        runs.drop_later(file)
    else:
        config["dir"], made = str(folder), not folder.exists()
        runs.create_folder(folder, config)
    run = runs.Run(folder, config, tree, rules=rules)
    if config["env"].get("name") == "mabc":
        run.record = lambda step, policy: record_clip(run, step, policy)
    size = f"{env.num_envs} worlds of {env.num_agents} agents"
    print(f"{config['algo']['name']} on {env_name(config)}: {size}; run folder {folder}")
    if config["env"].get("name") == "mabc" and is_cold():
        print("the rules of the game are compiled first, once on a machine: most of a minute", flush=True)
    try:
        policy = module.train(algo, env, run)
        replay = run.record(run.last_step, policy) if run.record else None
    except BaseException:
        if not list_checkpoints(folder / "checkpoints"):  # refused or stopped before it began: nothing stays of it
            if made:
                shutil.rmtree(folder)
            else:
                (folder / "config.yaml").unlink()  # the folder is no run, and free for the next try
        raise
    finally:
        run.log.close()
        env.close()
    return finish(folder, config, policy, replay)


def share_discount(config: dict[str, Any]) -> None:
    """Set env.gamma to algo.gamma unless it is given: MABC's shaping by another discount would change what is best.

    Not where data= is learned from: their shaping is recorded, and policies are judged by the same rewards.
    """
    env = config["env"]
    if env.get("name") == "mabc" and env.get("gamma") is None and not config.get("data"):
        env["gamma"] = config["algo"].get("gamma")


def resumed_config(given: dict[str, Any], saved: dict[str, Any]) -> dict[str, Any]:
    """A run's own configuration, with what may be changed on resuming if it was given."""
    config = dict(saved)
    for key in given.get("given", []):
        config[key] = given[key]
    return config


def check_device(device: str) -> None:
    """BadInput if torch has no such device."""
    import torch

    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise BadInput(f"device={device}: {str(error).splitlines()[0]}. Use device=cpu") from error


def env_name(config: dict[str, Any]) -> str:
    env = config["env"]
    return str(env.get("scenario") or env.get("id") or env["name"])


def finish(folder: Path, config: dict[str, Any], policy: Policy, replay: Path | None = None) -> dict[str, Any]:
    """Evaluate with the bots beside it, export the last episode, plot; print what a user wants to see next."""
    from algos.evaluation.episodes import evaluate_run, table
    from algos.evaluation.playback import announce, export
    from algos.evaluation.plots import plot

    quick = not config["data"] or config["env"]["name"] == "mabc"  # 512 episodes of 1,000 steps would take minutes
    result = evaluate_run(folder, config, policy, episodes=512 if quick else 100)
    (folder / "evaluation.json").write_text(json.dumps(result) + "\n", encoding="utf-8")
    print(table(result))
    plot(folder)
    if replay:
        print(announce(replay, [export(replay)]))
    print(f"curves  {folder / 'report.png'}; tensorboard --logdir {folder}")
    return result


def hydra_main(config: Any) -> None:
    """What Hydra calls, once per run of a sweep."""
    from omegaconf import OmegaConf

    from algos.common.errors import CheckpointError
    from algos.data.dataset import DatasetError

    plain: Any = OmegaConf.to_container(config, resolve=True, enum_to_str=True)
    try:
        OmegaConf.to_object(config.algo)
        run_training({**plain, "given": GIVEN})
    except BadInput as error:
        cfg.stop(error)
    except (CheckpointError, DatasetError) as error:
        cfg.stop(error, 1)


GIVEN: list[str] = []  # general keys on the command line: those that may change on resuming


def main(argv: list[str] | None = None) -> None:
    """Entry point: help, check of overrides, then Hydra."""
    # torch's threads would otherwise spin while they wait, which on a busy machine costs nearly everything
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    flags, overrides = cfg.split_arguments(sys.argv[1:] if argv is None else argv)
    sweep = bool({"-m", "--multirun"} & set(flags))
    try:
        if {"-h", "--help"} & set(flags):
            print(help_text(overrides))
            return
        overrides = check_overrides(overrides, sweep)
    except BadInput as error:
        cfg.stop(error)
    GIVEN[:] = [key for key, _ in map(cfg.split_override, overrides) if key in ("total_steps", "device")]
    import hydra

    where = "hydra.sweep.dir=runs/sweeps/${now:%Y-%m-%d_%H-%M-%S}" if sweep else "hydra.run.dir=."
    quiet = [where, "hydra.output_subdir=null", "hydra/job_logging=none", "hydra/hydra_logging=none"]
    given = [cfg.split_override(override)[0] for override in overrides]
    quiet = [setting for setting in quiet if setting.partition("=")[0] not in given]
    sys.argv = [sys.argv[0], *flags, *overrides, *quiet]
    hydra.main(config_path=None, config_name="train", version_base="1.3")(hydra_main)()


if __name__ == "__main__":
    main()
