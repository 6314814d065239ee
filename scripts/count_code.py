"""How much of the suite a reader needs for an algorithm, and whether the house is in order.

    python scripts/count_code.py            the numbers
    python scripts/count_code.py --json     the same as JSON

Of a module: the files of ours that importing it imports (`eager`), envs aside, their lines, and how many imports inside
functions they have. Of the whole: lines of algos/common and of online/ppo.py, files that call zero_grad, and circles.
"""

from __future__ import annotations

import argparse
import ast
import json
from pathlib import Path
from typing import Any

from bench_common import ROOT

PACKAGES = ("algos", "world_models")
MODULES = ("algos.offline.iql", "algos.offline.cql", "algos.offline.otto", "algos.online.ppo")


def file_of(name: str) -> Path | None:
    """The file of a module of ours."""
    path = ROOT / name.replace(".", "/")
    found = [p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()]
    return found[0] if found else None


def imports_of(path: Path) -> tuple[set[str], int]:
    """Modules of ours that a file imports when it is imported, and its number of imports inside functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {id(n) for f in ast.walk(tree) if isinstance(f, (ast.FunctionDef, ast.Lambda)) for n in ast.walk(f)}
    guards = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)]
    typing_only = {id(n) for node in guards for n in ast.walk(node)}
    found: set[str] = set()
    local = 0
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Import, ast.ImportFrom)) or id(node) in typing_only:
            continue
        local += id(node) in inside
        if id(node) in inside:
            continue
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        found |= {name for name in names if name.partition(".")[0] in PACKAGES and file_of(name)}
    return found, local


def closure(name: str) -> dict[str, Any]:
    """What importing a module of ours brings along."""
    todo, seen = [name], set()
    while todo:
        one = todo.pop()
        if one not in seen:
            seen.add(one)
            path = file_of(one)
            todo += list(imports_of(path)[0]) if path else []
    files = sorted({path for one in seen if (path := file_of(one)) and path.name != "__init__.py"})
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files)
    return {"files": len(files), "lines": lines, "local_imports": sum(imports_of(path)[1] for path in files)}


def circles() -> list[list[str]]:
    """Circles of imports among modules of ours, each once."""
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): imports_of(path)[0]
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
    }
    found: list[list[str]] = []

    def visit(name: str, way: list[str]) -> None:
        if name in way:
            circle = way[way.index(name) :]
            if sorted(circle) not in [sorted(other) for other in found]:
                found.append(circle)
            return
        if name not in done:
            for other in sorted(modules.get(name, ())):
                visit(other, [*way, name])
            done.add(name)

    done: set[str] = set()
    for name in sorted(modules):
        visit(name, [])
    return found


def lines_of(*paths: Path) -> int:
    """Lines of files together."""
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="as JSON")
    as_json = parser.parse_args().json
    sources = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    result: dict[str, Any] = {name: closure(name) for name in MODULES}
    result["algos/common"] = lines_of(*(ROOT / "algos" / "common").glob("*.py"))
    result["algos/online/ppo.py"] = lines_of(ROOT / "algos" / "online" / "ppo.py")
    result["zero_grad"] = [str(p.relative_to(ROOT)) for p in sources if "zero_grad(" in p.read_text(encoding="utf-8")]
    result["getattr(policy"] = sum(p.read_text(encoding="utf-8").count("getattr(policy") for p in sources)
    result["circles"] = circles()
    print(json.dumps(result) if as_json else "\n".join(f"{key:<22} {value}" for key, value in result.items()))


if __name__ == "__main__":
    main()
