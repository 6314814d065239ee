"""Mistakes that are told in one line, without a traceback."""


class BadInput(ValueError):
    """A mistake of the user's: exit code 2."""


class CheckpointError(RuntimeError):
    """A checkpoint that cannot be written or read, exit code 1: the text names file, fault and what would do."""


def require(condition: bool, message: str) -> None:
    """BadInput with this message unless the condition holds."""
    if not condition:
        raise BadInput(message)
