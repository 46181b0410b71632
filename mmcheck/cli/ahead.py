"""Processes that a command will need are started while this one still imports what it needs itself."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mmcheck.child import ready
from mmcheck.cores import CONVERSION_WORTH, TEXT_WORTH, default_jobs

#: Bytes of a dataset's own files from which on there may be media enough to be worth it.
_WORTH = 256 << 10
_TABLES = (".parquet", ".arrow")
_TEXT = (".json", ".jsonl", ".ndjson")


def start(path: Path | list[Path], request: dict[str, Any]) -> None:
    """Start what reads tables, looks into media or judges text, where the dataset is large enough to need them."""
    if request.get("engine", "local") != "local":
        return
    sizes = _sizes(path if isinstance(path, list) else [path])
    if sum(sizes.values()) < _WORTH:
        return
    if any(name.lower().endswith(_TABLES) for name in sizes):
        ready("mmcheck.readers.apart:serve", 1)
    jobs = request.get("jobs") or default_jobs()
    if request.get("probe") in ("auto", "header", "decode"):
        ready("mmcheck.probe.serving:serve", jobs)
    elif jobs > 1 and sum(sizes.values()) >= TEXT_WORTH:
        ready("mmcheck.local:serve", jobs)


def start_conversion(source: Path, target: Path, jobs: int) -> None:
    """Start what converts parts of a file of text to text, where there is one that is large enough."""
    if jobs > 1 and target.suffix.lower() in ("", *_TEXT):
        sizes = _sizes([source])
        if any(size >= CONVERSION_WORTH and name.lower().endswith(_TEXT) for name, size in sizes.items()):
            ready("mmcheck.encoding:serve", jobs)


def _sizes(paths: list[Path]) -> dict[str, int]:
    """The sizes of files that are named, and of those in folders that are; what cannot be looked at is left out."""
    found: dict[str, int] = {}
    for path in paths:
        try:
            if os.path.isdir(path):
                with os.scandir(path) as entries:
                    found |= {entry.path: entry.stat().st_size for entry in entries if entry.is_file()}
            else:
                found[os.fspath(path)] = os.stat(path).st_size
        except (OSError, ValueError):  # the check itself will say so
            continue
    return found
