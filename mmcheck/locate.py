"""Where a medium is: a path is tried below the roots that are allowed, and nothing beyond them is touched."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from mmcheck import storage

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(//|[A-Za-z0-9/]+[;,])")
_NO_RELATIVE_PATH = re.compile(rf"\Z|/|.*\0|{_URL.pattern}", re.DOTALL)
#: A relative path that says where it leads: no empty step, and none that begins with a dot.
_PLAIN = re.compile(r"[^./\0][^/\0]*(/[^./\0][^/\0]*)*\Z")
#: Paths that end so lead to no file: the system opens `a.jpg/` only if it is a folder.
_OF_FOLDERS = ("/", "/.")
_PARENTS = 3
_MOST_FOLDERS = 5_000

#: Suffixes with which a bare id is tried below the media root.
ID_SUFFIXES = {
    "video": (".mp4", ".mkv", ".webm", ".avi", ".mov"),
    "audio": (".flac", ".wav", ".mp3", ".ogg"),
    "image": ("", ".jpg", ".jpeg", ".png", ".webp"),
}
_MEDIA_SUFFIX = re.compile(
    r"\.(jpe?g|png|webp|gif|bmp|tiff?|mp4|mkv|webm|avi|mov|m4v|flac|wav|mp3|ogg|opus|m4a|aac|npy|nii|npz)(\.gz)?$", re.I
)


def is_path(source: str) -> bool:
    """Whether the look of a source, a separator or a media suffix, says that it is a path rather than a bare id."""
    return "/" in source or _MEDIA_SUFFIX.search(source) is not None


def has_media_suffix(name: str) -> bool:
    """Whether a file name is that of an image, a sound or a video."""
    return _MEDIA_SUFFIX.search(name) is not None


@dataclass(frozen=True, slots=True)
class Location:
    """What became of one source. `path` is set where the file was found.

    `skipped` says why it was not looked at; `in_parent` names the parent folder that it was found in, if only there.
    `absent` are the places where it was looked for in vain; `settled` tells that it is where it is for as long as
    nothing turns up there.
    """

    path: str | None = None
    found: bool | None = None
    absolute: bool = False
    escapes: bool = False
    in_parent: str | None = None
    skipped: str | None = None
    absent: tuple[str, ...] = field(default=(), compare=False)
    settled: bool = field(default=True, compare=False)


@dataclass(frozen=True)
class Roots:
    """The folders that media are looked for in, and the folders that may be read."""

    dataset: Path
    media_root: Path | None = None
    allowed: tuple[Path, ...] = ()
    fixed: bool = False

    def parents(self) -> list[Path]:
        """Up to three parents of the dataset's root, never the filesystem's root."""
        return [parent for parent in self.dataset.parents[:_PARENTS] if parent != parent.parent]

    def own(self) -> tuple[Path, ...]:
        """The dataset's root and the media root that was named: what lies there may be shown in a report.

        What is remote is left out: it would be fetched once more.
        """
        own = (self.dataset, *([self.media_root] if self.media_root else []))
        return tuple(folder for folder in own if not storage.is_remote(folder))

    def may_read(self, path: str) -> bool:
        """Whether a normalised absolute path lies inside an allowed root."""
        return any(path == root or path.startswith(root.rstrip("/") + "/") for root in self._allowed())

    def _allowed(self) -> list[str]:
        folders = [self.dataset, *self.parents(), *([self.media_root] if self.media_root else []), *self.allowed]
        return [os.fspath(folder) for folder in folders if os.fspath(folder) != folder.anchor]


class Locator:
    """Looks for the media of the annotation files of one dataset; every folder is resolved once."""

    def __init__(self, roots: Roots) -> None:
        self.roots = roots
        self._seen: dict[tuple[str, str, bool, str | None], Location] = {}
        self._allowed = [root.rstrip("/") + "/" for root in roots._allowed()]
        self._real: dict[str, str] = {}
        self._inside: dict[Path, str] = {}
        self._beyond: dict[str, str] = {}
        self._sorts: dict[tuple[Path, str], bool] = {}

    def locate(self, source: str, folder: Path, *, is_id: bool, kind: str | None) -> Location:
        """The place of a source that an annotation file in `folder` names."""
        key = (source, os.fspath(folder), is_id, kind if is_id else None)
        found = self._seen.get(key)
        if found is None:
            if len(self._seen) > 100_000:  # bounded: a source that comes again after so many is looked up again
                self._seen.clear()
            found = self._seen[key] = self._look(source, folder, is_id=is_id, kind=kind)
        return found

    def expect(self, sources: Iterable[str], folder: Path) -> None:
        """Say which sources of an annotation file in `folder` will be located next: remote storage is asked at once."""
        given, dataset = self.roots.media_root, self.roots.dataset
        bases = [given] if given else list(dict.fromkeys([folder, dataset, *self.roots.parents()]))
        if not any(storage.is_remote(base) for base in bases):
            return
        missing = [each for each in dict.fromkeys(sources) if not _NO_RELATIVE_PATH.match(each)]
        for base in bases:
            paths = {each: self._within(os.path.join(base, each)) for each in missing}
            storage.expect(path for path in paths.values() if path is not None)
            missing = [each for each, path in paths.items() if path is None or not storage.lexists(path)]

    def seen_in_parent(self, source: str) -> str | None:
        """The parent folder in which a missing source was seen, where the format's loader does not look there."""
        return self._beyond.get(source)

    def root_that_works(self, source: str) -> Path | None:
        """A folder below the dataset's root in which the source is found, among the first thousands of folders.

        None on remote storage, which is not searched for a hint.
        """
        if storage.is_remote(self.roots.dataset):
            return None
        for number, (folder, folders, _) in enumerate(os.walk(self.roots.dataset)):
            folders.sort()
            path = self._within(os.path.join(folder, source))
            if path is not None and os.path.isfile(path):
                return Path(folder)
            if number > _MOST_FOLDERS:
                return None
        return None

    def _look(self, source: str, folder: Path, *, is_id: bool, kind: str | None) -> Location:
        if source == "":
            return Location(found=None)
        if _URL.match(source):
            return Location(skipped="a URL")
        if "\0" in source:
            return Location(found=False)
        if is_id and not is_path(source):
            return self._by_id(source, kind)
        if is_id and self.roots.media_root is None and "/" not in source and not self._beside(source, folder):
            return Location(skipped="no media root is given", settled=False)
        if os.path.isabs(source):
            return self._absolute(source)
        return self._relative(source, folder)

    def _beside(self, source: str, folder: Path) -> bool:
        """Whether media of a source's sort lie beside the annotation file: then a name that is not there is missing."""
        suffix = os.path.splitext(source)[1].lower()
        if (folder, suffix) not in self._sorts:
            names = [each.name for each in folder.iterdir()] if folder.is_dir() else []
            self._sorts[(folder, suffix)] = any(name.lower().endswith(suffix) for name in names)
        return self._sorts[(folder, suffix)]

    def _by_id(self, source: str, kind: str | None) -> Location:
        if self.roots.media_root is None:
            return Location(skipped="no media root is given")
        absent: list[str] = []
        for suffix in ID_SUFFIXES.get(kind or "", ("",)):
            path = self._within(os.path.join(self.roots.media_root, source + suffix))
            if path is not None and storage.isfile(path):
                return Location(path, True, absent=tuple(absent))
            absent += [path] if path is not None else []
        return Location(found=False, absent=tuple(absent))

    def _absolute(self, source: str) -> Location:
        # A dataset cannot speak of remote storage, not even by the names that it has in here.
        path = None if storage.is_remote(source) else self._within(source)
        if path is None:
            return Location(absolute=True, skipped="outside the allowed roots")
        if self._links_out(path):
            return Location(absolute=True, skipped="a link out of the allowed roots", settled=False)
        found = storage.exists(path)
        return Location(path if found else None, found, absolute=True, absent=() if found else (path,))

    def _relative(self, source: str, folder: Path) -> Location:
        absent: list[str] = []
        given = self.roots.media_root
        for base in [given] if given else dict.fromkeys([folder, self.roots.dataset]):
            path = self._below(base, source)
            if path is None:
                continue
            there = self._found(path)
            if there is not None:
                return replace(there, absent=tuple(absent)) if absent else there
            absent.append(path)
        parents: list[str] = []
        for base in () if given else self.roots.parents():
            path = self._below(base, source)
            there = self._found(path) if path is not None else None
            if there is not None:
                found = replace(there, in_parent=str(base), absent=tuple(absent))
                if self.roots.fixed or found.found is False:
                    self._beyond[source] = str(base)
                    return replace(found, path=None, found=False, escapes=False, settled=False)
                return found
            parents += [path] if path is not None else []
        if not absent:
            return Location(escapes=True, absent=tuple(parents))
        return Location(found=False, absent=(*absent, *parents))

    def _found(self, path: str) -> Location | None:
        """What is at a path; None where there is nothing."""
        if storage.is_remote(path):
            return Location(path, True) if storage.exists(path) else None
        try:
            mode = os.lstat(path).st_mode
        except (OSError, ValueError):
            return None
        if not stat.S_ISLNK(mode) and self._plain(path):
            return Location(path, True)
        if self._links_out(path):
            return Location(escapes=True, settled=False)
        found = os.path.exists(path)
        return Location(path if found else None, found, settled=found)

    def _plain(self, path: str) -> bool:
        """Whether no link is on the way to a path."""
        folder = path[: path.rindex("/")]
        return self._resolved(folder) == folder

    def _resolved(self, folder: str) -> str:
        real = self._real.get(folder)
        if real is None:
            real = self._real[folder] = os.path.realpath(folder)
        return real

    def _below(self, base: Path, source: str) -> str | None:
        """Where a relative path leads below a folder, if that is inside an allowed root."""
        if _PLAIN.match(source):
            inside = self._inside.get(base)
            if inside is None:
                inside = self._inside[base] = (self._within(os.path.join(base, "x")) or "")[:-1]
            if inside:
                return inside + source
        return self._within(os.path.join(base, source))

    def _within(self, path: str) -> str | None:
        """The normalised path if it lies inside an allowed root; by its text alone, nothing is opened."""
        folder = path.endswith(_OF_FOLDERS)
        path = os.path.normpath(path) + "/" * folder
        return path if any(path.startswith(root) for root in self._allowed) else None

    def _links_out(self, path: str) -> bool:
        """Whether a link on the way leads out of the allowed roots. Folders are resolved once each."""
        if storage.is_remote(path):
            return False
        folder, name = os.path.split(path)
        full = os.path.join(self._resolved(folder), name)
        if os.path.islink(full):
            full = os.path.realpath(full)
        if full == path:
            return False
        allowed = [os.path.realpath(root) + "/" for root in self._allowed]
        return not any(full.startswith(root) for root in allowed)
