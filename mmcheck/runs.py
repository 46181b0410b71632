"""Runs of equal neighbours: the rows of one record stand together in every table that the engine makes.

A few NumPy calls take microseconds, where each call of Polars is a query of a tenth of a millisecond.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import polars as pl

Whole = np.ndarray[Any, np.dtype[np.int64]]


def keys(samples: pl.Series) -> Whole:
    """Keys of records as an array; a view may have rows of none, which are of one record here."""
    return (samples.fill_null(-1) if samples.null_count() else samples).to_numpy()


def starts(values: Whole) -> Whole:
    """Where each run begins, ascending."""
    return np.flatnonzero(np.append(True, values[1:] != values[:-1])) if len(values) else np.empty(0, np.int64)


def lengths(values: Whole) -> Whole:
    """How long each run is."""
    return np.diff(starts(values), append=len(values))


def ordinals(values: Whole) -> Whole:
    """0, 1, … within each run."""
    first = starts(values)
    if len(first) == len(values):
        return np.zeros(len(values), np.int64)
    return np.arange(len(values)) - np.repeat(first, np.diff(first, append=len(values)))
