"""What the benchmarks share: the checkout on the path, the machine, spread over repeats, files of results."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
for _folder in (ROOT, ROOT / "envs"):  # a bare checkout works, and is what is measured
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine() -> dict[str, Any]:
    """The machine's kind: processor, cores, memory, system."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        rows = [line.partition(":") for line in cpuinfo.read_text(encoding="utf-8").splitlines()]
        told = {key.strip(): value.strip() for key, _, value in reversed(rows)}  # of the first core
        name = told.get("model name", name)
        if {"cpu family", "model"} <= set(told):
            name += f" (family {told['cpu family']}, model {told['model']})"
    found: dict[str, Any] = {"processor": name, "cores": cores(), "system": f"{platform.system()} {platform.machine()}"}
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        found["memory_gib"] = round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1)
    return found


def versions(*packages: str) -> dict[str, str]:
    """Versions of Python, of mabc (with a digest of its sources) and of some packages."""
    import mabc
    from mabc import jit, params

    found = {"python": platform.python_version(), "mabc": mabc.__version__, "mabc_sources": jit.cache_dir().name}
    found["rules"] = str(params.RULES_VERSION)
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    return found


def command() -> str:
    """The command line that made a result, without the folders of this machine."""
    words = [word.replace(f"{ROOT}{os.sep}", "") for word in sys.argv]
    if spec := sys.modules["__main__"].__spec__:
        words[:1] = ["-m", spec.name]
    return " ".join(["python", *(Path(word).name if os.path.isabs(word) else word for word in words)])


def header(*packages: str) -> dict[str, Any]:
    """What stands at the head of every file of results."""
    return {
        "command": command(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "load_before": load(),
        "versions": versions(*packages),
    }


def load() -> float | None:
    """Processes that wanted a core over the last minute: about 0 on a quiet machine before a benchmark."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def spread(values: Iterable[float], digits: int = 4) -> dict[str, Any]:
    """Median, least and greatest of some repeats, and the repeats themselves; numbers rounded to so many digits."""
    rounded = [float(f"{value:.{digits}g}") for value in values]
    ordered = sorted(rounded)
    half = len(ordered) // 2
    median = ordered[half] if len(ordered) % 2 else float(f"{(ordered[half - 1] + ordered[half]) / 2:.{digits}g}")
    return {"median": median, "min": ordered[0], "max": ordered[-1], "values": rounded}


def shown(found: dict[str, Any], unit: str = "") -> str:
    """A spread as people read it: median (least to greatest)."""
    return "{}{} ({} to {})".format(*(short(found["median"]), unit, short(found["min"]), short(found["max"])))


def short(value: float) -> str:
    """1234567 as 1.23 M, 0.01234 as 0.0123."""
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e4, " k")):
        if abs(value) >= size:
            return f"{value / (1e3 if unit == ' k' else size):.3g}{unit}"
    return f"{value:.4g}"


class Worker:
    """A process that answers every line with a line of JSON, and says one when it is ready."""

    def __init__(self, name: str, command: list[str], env: dict[str, str] | None = None):
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
        self.ready = self.answer()

    def answer(self) -> Any:
        """Its next line."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.name} stopped (status {self.process.wait()}); what it said is above")
        return json.loads(line)

    def ask(self, question: Any) -> Any:
        """What it answers."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self) -> None:
        """End its process."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


START = time.perf_counter()


def tell(text: str) -> None:
    """A line of progress on stderr."""
    print(f"[{time.perf_counter() - START:6.1f} s] {text}", file=sys.stderr, flush=True)


def write_json(path: str | None, result: dict[str, Any]) -> None:
    """Write results to a file, whole or not at all; "-" is stdout."""
    text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
    if path is None:
        return
    if path == "-":
        sys.stdout.write(text)
        return
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, target)
