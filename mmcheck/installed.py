"""What else is installed, told by names of folders: the library for it takes longer to import than a look at them."""

from __future__ import annotations

import os
import sys
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path


def version(name: str) -> str | None:
    """The version of a distribution; None where it is not installed."""
    if _in_folders():
        return _known(tuple(sys.path)).get(_plain(name), (None,))[0]
    from importlib import metadata

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def named_by(group: str) -> list[str]:
    """The modules that installed distributions name by an entry point of the group. None of their code is run."""
    folders = (folder for _, folder in _known(tuple(sys.path)).values())
    if _in_folders() and not any(group in _text(Path(folder, "entry_points.txt")) for folder in folders):
        return []
    from importlib.metadata import entry_points

    return [point.module for point in entry_points(group=group)]


def _in_folders() -> bool:
    """Whether nothing is imported from archives, or by what finds distributions in a way of its own."""
    own = any(hasattr(finder, "find_distributions") for finder in sys.meta_path if finder is not PathFinder)
    return not own and not any(map(os.path.isfile, sys.path))


@cache
def _known(path: tuple[str, ...]) -> dict[str, tuple[str, str]]:
    """The version of each distribution, the first on the path, and the folder that tells of it."""
    found: dict[str, tuple[str, str]] = {}
    for place in path:
        try:
            entries = os.listdir(place or ".")
        except OSError:
            continue
        for entry in entries:
            stem, suffix = os.path.splitext(entry)
            if suffix in (".dist-info", ".egg-info"):
                name, _, its = stem.partition("-")
                found.setdefault(_plain(name), (its, os.path.join(place, entry)))
    return found


def _plain(name: str) -> str:
    return name.lower().replace("-", "_").replace(".", "_")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
