"""Configuration: which keys exist, what they mean, and a check of overrides before Hydra sees them.

Everything here reads source files instead of importing them, so that `--help` and a misspelt key answer at
once.
"""

from __future__ import annotations

import ast
import difflib
import functools
import importlib
import importlib.util
import sys
import types
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from algos.common import renamed
from algos.common.errors import BadInput

FOLDER = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Key:
    """One configuration key as its source line has it."""

    name: str
    type: str
    default: str
    comment: str


def read_dataclass(path: Path, class_name: str) -> list[Key]:
    """Fields of a dataclass with defaults and comments, from source, and those of the class of ours it extends.

    [] if file or class is absent. A field that a class has again replaces its base's.
    """
    if not path.is_file():
        return []
    source = path.read_text(encoding="utf-8")
    lines, tree = source.splitlines(), ast.parse(source).body
    for node in tree:
        if isinstance(node, ast.ClassDef) and node.name == class_name:
            fields = [item for item in node.body if isinstance(item, ast.AnnAssign)]
            fields = [item for item in fields if not ast.unparse(item.annotation).startswith("ClassVar")]
            rest = [lines[(item.end_lineno or item.lineno) - 1][item.end_col_offset :] for item in fields]
            own = {ast.unparse(item.target): _key(item, text) for item, text in zip(fields, rest, strict=True)}
            bases = [key for base in node.bases for key in read_dataclass(*_source_of(tree, ast.unparse(base)))]
            return [own.pop(key.name, key) for key in bases] + list(own.values())
    return []


def _source_of(tree: list[ast.stmt], name: str) -> tuple[Path, str]:
    """The file of ours that a module's `from … import …` takes a name from, and what it is called there."""
    for node in tree:
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                if name == (alias.asname or alias.name):
                    return FOLDER.parent / f"{node.module.replace('.', '/')}.py", alias.name
    return Path(), name


def constant(path: Path, name: str) -> Any:
    """Value of a constant that a source file of ours declares, or imports from another one; None without it."""
    tree = ast.parse(path.read_text(encoding="utf-8")).body
    for node in tree:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and _target(node) == name and node.value:
            return ast.literal_eval(node.value)
    source, _ = _source_of(tree, name)
    return constant(source, name) if source.is_file() else None


def _key(field: ast.AnnAssign, rest: str) -> Key:
    """A Key from a field's syntax tree and the rest of its line."""
    comment = rest.partition("#")[2].strip()
    default = ast.unparse(field.value) if field.value else ""
    default = {"None": "none", "True": "true", "False": "false", "field(default_factory=dict)": "{}"}.get(
        default, default.strip("'")
    )
    return Key(ast.unparse(field.target), ast.unparse(field.annotation), default, comment)


@functools.cache
def presets() -> dict[str, str]:
    """Every `algo=` name and the module that declares it in its PRESETS dictionary, in any folder of algos."""
    found: dict[str, str] = {}
    for path in sorted(FOLDER.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if "\nPRESETS" not in source:  # parsing takes a hundred times as long as looking
            continue
        module = ".".join(path.relative_to(FOLDER.parent).with_suffix("").parts)
        for node in ast.parse(source).body:
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and _target(node) == "PRESETS":
                names = [ast.literal_eval(key) for key in node.value.keys]  # type: ignore[union-attr]
                found.update(dict.fromkeys(names, module))
    return found


def _target(node: ast.Assign | ast.AnnAssign) -> str:
    """Name that an assignment gives a value to."""
    target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
    return target.id if isinstance(target, ast.Name) else ""


def source_of(preset: str) -> Path:
    """The file of the module that declares an `algo=`."""
    return FOLDER.parent / f"{presets()[preset].replace('.', '/')}.py"


def algo_keys(preset: str) -> list[Key]:
    """Keys of one algorithm: the fields of the class Config in its module."""
    return read_dataclass(source_of(preset), "Config")


def data_use(preset: str) -> str:
    """What an algorithm's module says of data=: DATA is "none", "optional" or "required"."""
    return constant(source_of(preset), "DATA")


def scenario_keys() -> list[Key]:
    """Scenario fields and reward weights that a command line can set; [] where mabc is not installed."""
    spec = importlib.util.find_spec("mabc")
    if spec is None or spec.origin is None:
        return []
    source = Path(spec.origin).parent / "scenarios.py"
    keys = read_dataclass(source, "Scenario") + read_dataclass(source, "Rewards")
    own = {key.name for key in read_dataclass(adapters()["mabc"], "Config")}
    return [key for key in keys if key.name not in {*own, "teams", "rewards", "version", "note"}]


@functools.cache
def adapters() -> dict[str, Path]:
    """Every `env=` name and the file that adapts it, the default first: those in algos/adapters that have a Config."""
    files = sorted((FOLDER / "adapters").glob("*.py"), key=lambda path: (path.stem != "mabc", path.stem))
    return {path.stem: path for path in files if "\nclass Config" in path.read_text(encoding="utf-8")}


def env_keys(name: str) -> list[Key]:
    """Keys of one kind of environment; those of MABC include the fields of its scenarios."""
    keys = read_dataclass(adapters()[name], "Config")
    return keys + (scenario_keys() if name == "mabc" else [])


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name closest to `word`; a dotted name also matches by its last part."""
    known = list(known)
    by_last = {name.rpartition(".")[2]: name for name in reversed(known)}
    last = word.rpartition(".")[2]
    if last in by_last:
        return by_last[last]
    close = difflib.get_close_matches(word, known, 1, 0.6) or difflib.get_close_matches(last, by_last, 1, 0.6)
    return by_last.get(close[0], close[0]) if close else None


MOST_TOLD = 30  # names that an error lists


def unknown(what: str, word: str, known: Iterable[str]) -> BadInput:
    """The error for a name that does not exist, with the nearest one that does."""
    known = list(known)
    near = nearest(word, known)
    more = f" and {len(known) - MOST_TOLD} more" if len(known) > MOST_TOLD else ""
    advice = f"Did you mean '{near}'?" if near else f"Known: {', '.join(known[:MOST_TOLD])}{more}."
    return BadInput(f"unknown {what} '{word}'. {advice}")


# --- overrides on the command line ---

FLAGS_WITH_VALUE = ("--cfg", "-c", "--package", "-p", "--config-path", "-cp", "--config-dir", "-cd")


def split_arguments(argv: list[str]) -> tuple[list[str], list[str]]:
    """Separate Hydra's own flags from overrides (`key=value`)."""
    flags, overrides = [], []
    words = iter(argv)
    for word in words:
        if not word.startswith("-"):
            overrides.append(word)
            continue
        flags.append(word)
        if word in FLAGS_WITH_VALUE:
            flags.append(next(words, ""))
    return flags, overrides


def split_override(override: str) -> tuple[str, str]:
    """Key and value of `key=value`; a leading + or ++ is dropped, because every key exists already."""
    key, equals, value = override.partition("=")
    if key.startswith("~"):
        raise BadInput(f"'{override}': keys cannot be taken away; give the key another value instead")
    if not equals:
        raise BadInput(f"'{override}' is not of the form key=value (python -m algos.train --help lists the keys)")
    return key.lstrip("+"), value


def choices(overrides: list[str], group: str, default: str, known: Iterable[str]) -> list[str]:
    """Names chosen for a group (several in a sweep); BadInput for one that does not exist."""
    chosen = [value for key, value in map(split_override, overrides) if key == group]
    names = [name.strip() for name in (chosen[-1] if chosen else default).split(",")]
    for name in names:
        if name not in known:
            raise unknown(f"{group}=", name, known)
    return names


def check_keys(overrides: list[str], known: Iterable[str], open_keys: Iterable[str] = ()) -> list[str]:
    """Overrides with their + dropped; BadInput for one that is not `known` nor below an open one."""
    known = list(known)
    clean = []
    for override in overrides:
        key, value = split_override(override)
        free = key.startswith(("hydra.", "hydra/")) or any(key.startswith(f"{name}.") for name in open_keys)
        if not free and key not in known:
            group, _, name = key.rpartition(".")
            if (now := f"{group}.{renamed.KEYS.get(name)}") in known:
                raise BadInput(f"{key} is called {now} now")
            raise unknown("configuration key", key, known)
        # a key below an open one is new to Hydra, which wants to be told so
        below = any(key.startswith(f"{name}.") for name in open_keys)
        clean.append(f"{'++' if below else ''}{key}={value}")
    return clean


def check_value(node: Any, key: str, value: Any) -> None:
    """BadInput if a structured OmegaConf node does not take `value` for `key`."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        OmegaConf.update(node, key, value)
    except OmegaConfBaseException as error:
        raise BadInput(f"{key}={value}: {str(error).splitlines()[0]}") from error


def load_module(name: str) -> types.ModuleType:
    """Import an algorithm's module by the name that `presets` gave."""
    return importlib.import_module(name)


def describe(title: str, keys: list[Key], changes: dict[str, Any] | None = None) -> str:
    """Lines of help for a group of keys: name, default, comment."""
    changes = changes or {}
    lines = [title]
    for key in keys:
        default = changes.get(key.name, key.default)
        lines.append(f"  {key.name:<22} {default!s:<22} {key.comment}".rstrip())
    return "\n".join(lines)


def stop(error: BaseException, code: int = 2) -> None:
    """Print a mistake in one line and leave."""
    print(f"algos: {error}", file=sys.stderr)
    raise SystemExit(code)
