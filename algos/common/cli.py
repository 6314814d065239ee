"""What the smaller commands share: their keys, numbers and switches on the command line, help and errors."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from algos.common import config as cfg
from algos.common.errors import BadInput, CheckpointError


def command(argv: list[str] | None, doc: str | None, keys: dict[str, str], call: Callable[[list[str]], Any]) -> None:
    """Run `call` with the arguments of a command; its text and keys for --help, a mistake in one line."""
    argv = sys.argv[1:] if argv is None else argv
    if {"-h", "--help"} & set(argv):
        print((doc or "").strip() + "\n")
        print("\n".join(f"  {key:<10} {text}" for key, text in keys.items()))
        return
    try:
        call(argv)
    except BadInput as error:
        cfg.stop(error)
    except CheckpointError as error:
        cfg.stop(error, 1)


def parse(argv: list[str], keys: dict[str, str]) -> tuple[dict[str, str], dict[str, Any]]:
    """Options and changes of the environment (env.key=value) from the command line."""
    from omegaconf import OmegaConf

    options: dict[str, str] = {}
    changes: dict[str, Any] = {}
    names = {f"env.{key.name}" for env in cfg.adapters() for key in cfg.env_keys(env)}
    for override in argv:
        key, value = cfg.split_override(override)
        if key in names:
            changes[key.removeprefix("env.")] = OmegaConf.create(f"value: {value}").value
        elif key in keys:
            options[key] = value
        else:
            raise cfg.unknown("configuration key", key, [*keys, *sorted(names)])
    if "run" not in options:
        raise BadInput("run=PATH is missing: a run folder, one of its checkpoints, or zoo:NAME")
    return options, changes


def number(options: dict[str, str], key: str, default: Any, kind: type = int, above: float = -1) -> Any:
    """A number of the command line, `kind` being int or float; BadInput for anything else and for one not `above`."""
    try:
        value = kind(options.get(key, default))
    except ValueError:
        value = above
    if not value > above:
        wanted = f"a whole number of at least {above + 1}" if kind is int else f"a number above {above}"
        raise BadInput(f"{key}={options[key]}: {wanted} is needed")
    return value


def flag(options: dict[str, str], key: str, default: bool = False) -> bool:
    """A switch of the command line; BadInput for what is neither true nor false."""
    value = options.get(key, str(default)).lower()
    if value not in ("true", "false"):
        raise BadInput(f"{key}={options[key]}: true or false is needed")
    return value == "true"
