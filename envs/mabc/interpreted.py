"""The rules as plain Python, with NUMBA_DISABLE_JIT=1: to step through one in a debugger, or to check its meaning.

Compiled rules read `world.tanks[i].x` and compute in 64 bits. NumPy's records have no such attributes and its small
integers wrap, so here a view stands between: fields by name, numbers as Python's own. Thousands of times slower.
"""

from functools import wraps

import numpy as np


def plain(value):
    """What a rule gets to see of an element or a field of a record.

    float32 becomes float: like the compiled rules', its arithmetic with integers is in double. uint64, the random
    streams' type, stays: it wraps.
    """
    if isinstance(value, np.void):
        return RecordView(value)
    if isinstance(value, np.ndarray):
        return ArrayView(value)
    return value if isinstance(value, np.uint64) else value.item()


class RecordView:
    """One record: its fields as attributes."""

    __slots__ = ("record",)

    def __init__(self, record):
        object.__setattr__(self, "record", record)

    def __getattr__(self, name):
        return plain(self.record[name])

    def __setattr__(self, name, value):
        self.record[name] = value


class ArrayView:
    """An array of records, or of numbers that is a record's field."""

    __slots__ = ("array",)

    def __init__(self, array):
        self.array = array

    @property
    def shape(self):
        """As of the array."""
        return self.array.shape

    def __getitem__(self, at):
        return plain(self.array[at])

    def __setitem__(self, at, value):
        self.array[at] = value.record if isinstance(value, RecordView) else value


def interpreted(function):
    """A kernel that runs as it is written; arrays of records among its arguments are shown as views."""

    @wraps(function)
    def kernel(*arguments):
        views = [ArrayView(a) if isinstance(a, np.ndarray) and a.dtype.names else a for a in arguments]
        with np.errstate(over="ignore"):  # the random streams wrap on purpose
            return function(*views)

    return kernel
