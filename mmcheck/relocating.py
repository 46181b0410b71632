"""Where media are as the target sees them: a relative path, seen from another folder, is another path."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Container
from itertools import islice
from pathlib import Path
from typing import Any

from mmcheck.listing import near

_ELSEWHERE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://|data:|[a-zA-Z]:[\\/]|[\\/]")
_FOLDERS = 10_000
_ASKED = 20
_NAMES = 200_000


class _Place:
    """A folder in which media may be; `prefix` leads from the target to where relative paths start.

    Where many names are asked for, the folder is listed: to ask the system for each takes longer.
    """

    def __init__(self, path: str, prefix: str, allowed: bool) -> None:
        self.path, self.prefix, self.allowed = path, prefix, allowed
        self._asked = 0
        self._names: Container[str] = ()

    def has(self, name: str) -> bool:
        """Whether the folder has a file or folder of this name."""
        if name in self._names:
            return True
        self._asked += 1
        if self._asked == _ASKED:
            self._names = self._listed()
        return os.path.exists(os.path.join(self.path, name))

    def _listed(self) -> Container[str]:
        """The names in the folder that are no links, which may lead nowhere; not all where they are very many."""
        try:
            with os.scandir(self.path) as entries:
                return {entry.name for entry in islice(entries, _NAMES) if not entry.is_symlink()}
        except OSError:
            return ()


class Relocator:
    """Rewrites relative paths of files that are there, so that they lead from `target`, a folder, to the same files.

    Paths are looked for below `media_root` if that is given, else where a check looks for them: in the folder of the
    file that names them, in the dataset's root, and in three parents of it. What is absolute, a URL, missing, or
    would lie outside the folders that a check of the target may read, stays as it is. `counts` says how many were
    moved, missing and outside. `placed` are paths that already are as the target sees them.
    """

    def __init__(self, naming: Path, root: Path, target: Path, media_root: Path | None = None) -> None:
        here = Path(os.path.abspath(target))
        bases = [Path(os.path.abspath(media_root))] if media_root else [naming.parent, *near(root)]
        self._bases = [str(base) for base in dict.fromkeys(bases)]
        self._here = str(here)
        self._allowed = [str(folder) for folder in near(here)]
        self._folders: dict[str, list[_Place]] = {}
        self.counts: Counter[str] = Counter()
        self.placed: Container[str] = ()

    def __call__(self, source: str, kind: str, record: dict[str, Any]) -> str:
        """The path as the target sees it."""
        if not source or "\0" in source or _ELSEWHERE.match(source) or source in self.placed:
            return source
        folder, _, name = source.rpartition("/")
        places = self._folders.get(folder)
        if places is None:
            if len(self._folders) > _FOLDERS:
                self._folders.clear()
            places = self._folders[folder] = self._places(folder)
        for place in places:
            if place.has(name):
                if not (place.allowed or self._is_allowed(os.path.join(place.path, name))):
                    self.counts["outside"] += 1
                    return source
                self.counts["moved"] += bool(place.prefix)
                return place.prefix + source
        self.counts["missing"] += 1
        return source

    def _places(self, folder: str) -> list[_Place]:
        """The folders that a relative folder may mean."""
        found = []
        for base in self._bases:
            path = os.path.normpath(os.path.join(base, folder))
            if any(_below(path, each) for each in self._bases) and os.path.isdir(path):
                start = os.path.relpath(base, self._here)
                prefix = "" if start == "." else start.replace(os.sep, "/") + "/"
                found.append(_Place(path, prefix, self._is_allowed(path)))
        return found

    def _is_allowed(self, path: str) -> bool:
        return any(_below(path, folder) for folder in self._allowed)


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def relocator(naming: Path, root: Path, target: Path, media_root: Path | None = None) -> Relocator | None:
    """A relocator; None where the target is in the folder of the file that names the media."""
    same = os.path.abspath(target) == os.path.abspath(naming.parent)
    return None if same and media_root is None else Relocator(naming, root, target, media_root)
