"""Make the named datasets, and tell what is in them.

python -m scripts.make_dataset hopper-medium                     a dataset for Gymnasium's Hopper-v5, kept by Minari
python -m scripts.make_dataset skirmish-3v3-mixed --steps 20000  one of MABC, in our own store
python -m scripts.make_dataset hopper-medium --info              its statistics (also of minari:ID, FILE or FOLDER)
python -m scripts.make_dataset --list                            all names, and which are made
python -m scripts.make_dataset --references                      measure the references that are committed
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:  # run as a file; as a module, the checkout is where one stands
    sys.path.insert(0, str(ROOT))

from algos.common.errors import BadInput  # noqa: E402
from algos.data import d4rl, describe, load, minari_files, replays, store  # noqa: E402
from algos.data.dataset import Dataset, DatasetError  # noqa: E402
from algos.data.recipes import battles, catalogue  # noqa: E402


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("name", nargs="?", metavar="NAME", help="of a dataset; with --info also a file or minari:ID")
    found.add_argument("--steps", type=int, help="how many (default: the recipe's own)")
    found.add_argument("--seed", type=int, default=0, help="of environments and noise (0)")
    found.add_argument("--workers", type=int, help="processes that play (default one a core); the data are the same")
    found.add_argument("--force", action="store_true", help="make it again if it is there (--references: all)")
    found.add_argument("--out", metavar="FILE", help=f"keep it in this {store.SUFFIX} file of ours instead")
    found.add_argument("--info", action="store_true", help="statistics of what is there; makes nothing")
    found.add_argument("--list", action="store_true", help="all names")
    found.add_argument("--references", action="store_true", help="measure random and expert returns")
    return found


def listing() -> str:
    """All names; an asterisk for those that are made. Scenarios of MABC in one line each."""
    lines = ["* is made on this machine"]
    for name in catalogue.names():
        if not catalogue.is_battle(name):
            lines.append(
                f"{'*' if catalogue.exists(name) else ' '} {name:<28} {catalogue.default_steps(name):>9,} steps"
            )
    lines.append(f"  SCENARIO-KIND[{battles.ENTITIES}]      about {battles.STEPS:,} steps")
    lines.append(f"    KIND: {', '.join(battles.KINDS)}")
    for scenario in battles.scenarios():
        made = [kind for kind in battles.KINDS if catalogue.exists(f"{scenario}-{kind}")]
        lines.append(f"{'*' if made else ' '}   {scenario:<26} {' '.join(made)}".rstrip())
    return "\n".join(lines)


def look(what: str) -> Dataset:
    """What --info is asked about; nothing is made."""
    if what in catalogue.names():
        if not catalogue.exists(what):
            raise DatasetError(f"{what} is not made yet: python -m scripts.make_dataset {what}")
        return catalogue.load(what)
    if what.startswith(load.MINARI):
        return minari_files.read(what.removeprefix(load.MINARI))
    path = Path(what)
    if path.is_dir():
        return replays.read(path)
    if path.suffix == store.SUFFIX:
        return store.load(path)
    if path.exists() or path.suffix in load.HDF5:
        return d4rl.read(path)
    raise load.not_found(what, catalogue.names())


def check_free(options: argparse.Namespace) -> str | None:
    """A line if the very same dataset is there already; DatasetError if another of its name is."""
    if options.force or options.out or not catalogue.exists(options.name):
        return None
    info = catalogue.load(options.name).info
    same_steps = options.steps is None or f"--steps {options.steps} " in info["made"]["command"]
    if same_steps and options.seed == info["seed"]:
        return f"{options.name} is there already, in {catalogue.place(options.name)}; --force makes it again"
    raise DatasetError(
        f"{options.name} is there with {info['steps']:,} steps and seed {info['seed']}: --force replaces it, "
        "--out FILE keeps another beside it"
    )


def run(options: argparse.Namespace) -> None:
    """Do what was asked for."""
    if options.list:
        print(listing())
    elif options.references:
        print(catalogue.commit_references(options.workers, _say, options.force))
    elif options.name is None:
        raise BadInput("NAME is missing; --list shows all names")
    elif options.info:
        print(describe.describe(look(options.name)))
    else:
        make(options)


def make(options: argparse.Namespace) -> None:
    """Make a dataset, unless it is there."""
    catalogue.check_name(options.name)
    for key in ("steps", "workers"):
        if getattr(options, key) is not None and getattr(options, key) < 1:
            raise BadInput(f"--{key} {getattr(options, key)}: at least 1 is needed")
    if options.seed < 0:
        raise BadInput(f"--seed {options.seed}: at least 0 is needed")
    if options.out and Path(options.out).suffix != store.SUFFIX:
        raise BadInput(f"--out {options.out}: a name that ends in {store.SUFFIX} is needed")
    if there := check_free(options):
        print(there)
        return
    out = Path(options.out) if options.out else None
    catalogue.make(options.name, options.steps, options.seed, options.workers, _say, out)


def _say(text: str) -> None:
    print(text, flush=True)


def main(argv: list[str] | None = None) -> None:
    """What the command line asks for."""
    options = parser().parse_args(argv)
    try:
        run(options)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read this has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except BadInput as error:
        print(f"make_dataset: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except DatasetError as error:
        print(f"make_dataset: {error}", file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
