"""Compile the step for a GPU without having one: PTX for compute capability 9.0, and a look at what came out.

    make gpu-check        this script in .venv-cuda, an environment of its own with numba-cuda

Mode and opponent are data of a scenario, so one kernel serves them all. Whether it does is read from the PTX: compiled
with line information, it names for every instruction the source line that it came from, through inlining too. Every
function of rules/ must have left instructions, and so must each test for a mode and each opponent's own functions.
ptxas, where it is installed, then assembles it. Exits 1 with the reason if anything is missing.
"""

import ast
import re
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from types import SimpleNamespace

from numba import cuda, typeof
from numba.core.dispatcher import Dispatcher
from numba.cuda import dispatcher as cuda_dispatcher

import mabc
from mabc.gpu import arguments_of, step_one
from mabc.params import DRIVERS, MODES

CC = (9, 0)
ENGINE = Path(mabc.__file__).parent

# What must be there for each mode and driver: "function", or "function: text" for its lines that hold the text.
OF_MODE = {
    "defend": ("judge_bases: == DEFEND", "enter_wave", "drop_power_up", "apply"),
    "skirmish": ("judge: == SKIRMISH", "last_standing"),
    "siege": ("judge_time: == SIEGE", "judge_bases", "bullets_on_bases"),
    "versus": ("judge: not world.out", "leave", "bases_left"),
    "scout": ("judge_time: == SCOUT", "guard_bases: == SCOUT", "find_targets"),
}
OF_DRIVER = {
    "learn": ("take_orders", "write_masks"),
    "random": ("decide: == RANDOM_BOT", "random_bot"),
    "classic": ("decide: == CLASSIC_BOT", "classic", "goal_heading"),
    "tactical": ("decide: == TACTICAL_BOT", "tactical", "dodge", "shot_at_enemy", "objective", "flood", "follow_plan"),
    "attract": ("decide: == ATTRACT_BOT", "attract", "attract_target"),
    "policy": ("take_orders",),
}
BESIDE_RULES = ("core.py", "reward.py", "observe/vector.py")


class Missing(Exception):
    """What the PTX lacks."""


def rules() -> dict[str, Dispatcher]:
    """The engine's compiled functions by name, as "module.function"."""
    found = {}
    for name, module in list(sys.modules.items()):
        if name == "mabc" or name.startswith("mabc."):
            own = (f for f in vars(module).values() if isinstance(f, Dispatcher) and f.py_func.__module__ == name)
            found.update({f"{name}.{f.py_func.__name__}": f for f in own})
    return found


def compile_ptx() -> str:
    """PTX of the launcher's kernel. No GPU or driver is asked: numba-cuda is told what it would answer."""
    env = mabc.make_batch("defend-1", num_envs=2)
    signature = tuple(typeof(argument) for argument in arguments_of(env))
    for rule in rules().values():
        rule.targetoptions["lineinfo"] = True  # device functions are compiled with the options of the CPU's
    cuda_dispatcher.get_current_device = lambda: SimpleNamespace(compute_capability=CC)
    ptx, _ = cuda.compile_ptx(step_one, signature, cc=CC, lineinfo=True)
    return ptx


def lines_with_instructions(ptx: str) -> dict[Path, set[int]]:
    """The source lines that left instructions, by file."""
    files = {number: Path(name) for number, name in re.findall(r'\.file\s+(\d+) "([^"]+)"', ptx)}
    found: dict[Path, set[int]] = {path: set() for path in files.values()}
    at = None
    for line in ptx.splitlines():
        if place := re.match(r"\s*\.loc\s+(\d+) (\d+)", line):
            at = files[place[1]], int(place[2])
        elif at and re.match(r"\s+(@!?%p\d+ )?[a-z][\w.]*\s.*;", line):  # an instruction, no directive
            found[at[0]].add(at[1])
    return found


@cache
def bodies() -> dict[str, tuple[Path, int, list[str]]]:
    """Every function of the step's files by name: its file, the first line of its body, and the body's lines."""
    found = {}
    for path in (*sorted((ENGINE / "rules").glob("*.py")), *(ENGINE / name for name in BESIDE_RULES)):
        text = path.read_text(encoding="utf-8")
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef):
                first = node.body[1 if ast.get_docstring(node) and len(node.body) > 1 else 0].lineno
                found[node.name] = path, first, text.splitlines()[first - 1 : node.end_lineno]
    return found


def require(what: str, part: str, lines: dict[Path, set[int]]) -> None:
    """Raise Missing unless a function, or its lines that hold a text, left instructions."""
    function, _, text = part.partition(": ")
    if function not in bodies():
        raise Missing(f"{what}: there is no function {function!r}; bring the tables of this script up to date")
    path, first, body = bodies()[function]
    wanted = {first + k for k, line in enumerate(body) if text in line}
    if not wanted & lines.get(path, set()):
        raise Missing(f"{what}: no instruction comes from {part!r}")


def check(ptx: str) -> str:
    """Look at the PTX and say in one line what it holds; raises Missing."""
    if f".target sm_{CC[0]}{CC[1]}" not in ptx:
        raise Missing(f"the PTX is not for compute capability {CC[0]}.{CC[1]}")
    if len(re.findall(r"^\.visible \.entry", ptx, re.MULTILINE)) != 1:
        raise Missing("the PTX does not hold one kernel")
    if set(OF_MODE) != set(MODES) or set(OF_DRIVER) != set(DRIVERS):
        raise Missing("OF_MODE and OF_DRIVER do not list the modes and drivers of params.py")
    lines = lines_with_instructions(ptx)
    for what, table in (("mode", OF_MODE), ("driver", OF_DRIVER)):
        for name, parts in table.items():
            for part in parts:
                require(f"{what} {name}", part, lines)
    of_rules = [name for name, (path, *_) in bodies().items() if path.parent.name == "rules"]
    for name in of_rules:
        require("rule", name, lines)
    modes, drivers = ", ".join(OF_MODE), ", ".join(OF_DRIVER)
    return f"{ptx.count(chr(10))} lines of PTX: {len(of_rules)} rules; modes {modes}; drivers {drivers}"


def assemble(ptx: str) -> str:
    """Machine code by ptxas, where it is installed: what it says of registers and stack. Raises Missing."""
    try:
        from cuda.pathfinder import find_nvidia_binary_utility
    except ImportError:
        return "ptxas not looked for: cuda-pathfinder has no find_nvidia_binary_utility"
    ptxas = find_nvidia_binary_utility("ptxas")
    if ptxas is None:
        return "ptxas is not installed, so the PTX was not assembled"
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "step.ptx"
        source.write_text(ptx, encoding="utf-8")
        command = [ptxas, "-v", f"-arch=sm_{CC[0]}{CC[1]}", "-o", f"{folder}/step.cubin", str(source)]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise Missing(f"ptxas refuses the PTX: {done.stderr.strip()[:2000]}")
    told = [line.replace("ptxas info    :", "").strip() for line in done.stderr.splitlines()]
    return "ptxas: " + "; ".join(line for line in told if line.startswith("Used") or "spill" in line)


def main() -> int:
    """Compile, look, assemble."""
    try:
        ptx = compile_ptx()
        print(check(ptx))
        print(assemble(ptx))
    except Missing as error:
        print(f"gpu-check: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
