"""How the game's functions are compiled, and where the compiled code is kept.

numba's disk cache notices an edit in a kernel's own file but not in the files that it calls, so an edited
rule would silently run its old self. The cache folder is therefore keyed by a hash of all of this
package's sources and numba's version.
"""

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

import numba
from numba import njit
from numba.core.types import none
from numba.core.typing.templates import signature
from numba.extending import intrinsic

from .interpreted import interpreted

_SOURCES = Path(__file__).parent


def cache_dir() -> Path:
    """The folder of this version's compiled code: `$MABC_CACHE_DIR` or the user's cache, plus a hash."""
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(_SOURCES.rglob("*.py")):
        digest.update(str(path.relative_to(_SOURCES)).encode())
        digest.update(path.read_bytes())
    user_cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    root = Path(os.environ.get("MABC_CACHE_DIR") or Path(user_cache) / "mabc")
    return root / digest.hexdigest()[:16]


def _usable_cache_dir() -> str:
    folder = cache_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return str(folder)
    except OSError:
        pass
    return str(Path(tempfile.gettempdir()) / f"mabc-{os.getuid() if hasattr(os, 'getuid') else 0}" / folder.name)


_CACHE = _usable_cache_dir()


def is_cold() -> bool:
    """Whether nothing is compiled yet for these sources on this machine: the first step then takes half a minute."""
    return not any(Path(_CACHE).rglob("*.nbi"))


_OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True, "_nrt": False}
"""`_nrt`: nothing here allocates, so that numba's counts of references, atomic and thus slow, are left out."""

rule = njit(**_OPTIONS, forceinline=True)
"""A function of the game: no Python object, no allocation, no exception, so it compiles for a GPU too."""

large_rule = njit(**_OPTIONS, forceinline=False)
"""A rule that is long, or called from many places; it begins with `apart()`.

forceinline has to be said: a function that says nothing takes it over from the one that calls it.
"""


def _apart(typing_context):
    def lower(context, builder, its_signature, arguments):
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return signature(none), lower


apart: Any = (lambda: None) if numba.config.DISABLE_JIT else intrinsic(_apart)
"""Keeps the function that calls it from being inlined; numba has no option for that.

LLVM copies the bots and lines of sight into every caller otherwise, and takes four times as long to compile a step.
"""


def kernel(function):
    """An entry point called from Python: compiled without the GIL and cached on disk with all it calls.

    With NUMBA_DISABLE_JIT=1 nothing is compiled; see interpreted.py.
    """
    if numba.config.DISABLE_JIT:
        return interpreted(function)
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = _CACHE
    try:
        return njit(**_OPTIONS, cache=True)(function)
    finally:
        numba.config.CACHE_DIR = before
