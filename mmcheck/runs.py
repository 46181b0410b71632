"""Runs of equal neighbours: the rows of one record stand together in every table that the engine makes.

A few NumPy calls take microseconds, where each call of Polars is a query of a tenth of a millisecond. Few rows are
lists: to import NumPy takes longer than all of a small check.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    Array: TypeAlias = np.ndarray[Any, Any]
    #: Whole numbers: a list of few, an array of many.
    Whole: TypeAlias = list[int] | Array

_FEW = 5_000


def whole(values: pl.Series) -> Whole:
    """The whole numbers of a column without nulls."""
    return values.to_list() if len(values) <= _FEW else values.to_numpy()


def keys(samples: pl.Series) -> Whole:
    """Keys of records; a view may have rows of none, which are of one record here."""
    return whole(samples.fill_null(-1) if samples.null_count() else samples)


def starts(values: Whole) -> Whole:
    """Where each run begins, ascending."""
    if isinstance(values, list):
        return [at for at in range(len(values)) if not at or values[at] != values[at - 1]]
    import numpy as np

    return np.flatnonzero(np.append(True, values[1:] != values[:-1])) if len(values) else np.empty(0, np.int64)


def lengths(values: Whole) -> Whole:
    """How long each run is."""
    first = starts(values)
    if isinstance(first, list):
        return [end - start for start, end in pairwise([*first, len(values)])]
    import numpy as np

    return np.diff(first, append=len(values))


def ordinals(values: Whole) -> Whole:
    """0, 1, … within each run."""
    first = starts(values)
    if isinstance(first, list):
        return [at for start, end in pairwise([*first, len(values)]) for at in range(end - start)]
    import numpy as np

    if len(first) == len(values):
        return np.zeros(len(values), np.int64)
    found: Array = np.arange(len(values)) - np.repeat(first, np.diff(first, append=len(values)))
    return found
