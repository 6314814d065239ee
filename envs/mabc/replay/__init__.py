"""Episodes in files: `load_replay` reads one; `record=` of any interface writes them (docs/replay.md)."""

from .container import ReplayError
from .events import Event
from .reader import Replay, load_replay
from .recorder import Recorder

__all__ = ["Event", "Recorder", "Replay", "ReplayError", "load_replay"]
