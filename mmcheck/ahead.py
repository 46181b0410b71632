"""Processes that a check will need are started while this one still imports what it needs itself."""

from __future__ import annotations

import sys

from mmcheck.child import ready
from mmcheck.cores import TEXT_WORTH
from mmcheck.dataset import Dataset
from mmcheck.fingerprint import size_of
from mmcheck.request import Request
from mmcheck.storage import is_remote

#: Bytes of a dataset's own files from which on there may be media enough to be worth it.
_WORTH = 256 << 10
_TABLES = (".parquet", ".arrow")


def start(dataset: Dataset, request: Request, jobs: int) -> None:
    """Start what reads tables, looks into media or judges text, where the dataset is large enough to need them."""
    if request.engine != "local" or is_remote(dataset.root) or "polars" in sys.modules:
        return  # where all is imported, who needs a process starts it
    sizes = {file.path: size_of(file.path) for file in dataset.files}
    if sum(sizes.values()) < _WORTH:
        return
    if any(path.name.lower().endswith(_TABLES) for path in sizes):
        ready("mmcheck.readers.apart:serve", 1)
    if request.probe in ("auto", "header", "decode"):
        ready("mmcheck.probe.serving:serve", jobs)
    elif jobs > 1 and sum(sizes.values()) >= TEXT_WORTH:
        ready("mmcheck.local:serve", jobs)
