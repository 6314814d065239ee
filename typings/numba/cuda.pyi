# Whichever package brings it: numba's own or numba-cuda's.
from typing import Any

def __getattr__(name: str) -> Any: ...
