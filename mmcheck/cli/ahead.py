"""Processes that a conversion will need are started while this one still imports what it needs itself."""

from __future__ import annotations

import os
from pathlib import Path

from mmcheck.child import ready
from mmcheck.cores import CONVERSION_WORTH

_TEXT = (".json", ".jsonl", ".ndjson")


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
