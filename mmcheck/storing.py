"""Media into the table and out of it again: original bytes, never encoded anew, and every key kept."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from mmcheck.convert import Inexpressible
from mmcheck.dataset import look_up
from mmcheck.listing import readable
from mmcheck.writers.columnar import ArrowStream, save_to_disk_files

SHARD = 500 << 20
"""How many bytes a shard of an Arrow directory has, unless the user says otherwise."""
#: Bytes of a path below a folder, and of a name in it, that every file system takes.
_LONGEST, _LONGEST_NAME = 1_000, 255

Record = dict[str, Any]


def modalities(record: Record, change: Callable[[Any, str, int], Any]) -> Record:
    """The record with the value of each of its modalities changed: value, kind, position."""
    found = record.get("modalities")
    if not isinstance(found, list):
        return record
    changed = [
        {**each, "value": change(each.get("value"), str(each.get("type")), number)} if isinstance(each, dict) else each
        for number, each in enumerate(found)
    ]
    return {**record, "modalities": changed}


class Embedder:
    """Puts `{bytes, path}` where a path was; `bytes` says how many so far.

    Raises Inexpressible for a file that is missing or outside the roots.
    """

    def __init__(self, root: Path, naming: Path, *, dry: bool = False, media_root: Path | None = None) -> None:
        self._root, self._naming, self._dry, self._media_root = root, naming, dry, media_root
        self.bytes = 0

    def __call__(self, record: Record) -> Record:
        return modalities(record, self._embed)

    def _embed(self, value: Any, kind: str, position: int) -> Any:
        if isinstance(value, bytes):
            return {"bytes": value, "path": None}
        if isinstance(value, dict) and isinstance(value.get("bytes"), bytes):
            return {"bytes": value["bytes"], "path": value.get("path")}
        path = value.get("path") if isinstance(value, dict) else value
        if not isinstance(path, str) or not path:
            raise Inexpressible(f"the {kind} {position} has neither bytes nor a path: nothing can be embedded")
        if self._dry:
            return {"bytes": b"", "path": path}
        found = find(path, self._naming, self._root, self._media_root)
        if found is None:
            raise Inexpressible(f"{path} is missing, or outside the roots of the dataset: it cannot be embedded")
        try:
            data = found.read_bytes()
        except OSError as error:
            raise Inexpressible(f"{path} cannot be read: {error.strerror}") from None
        self.bytes += len(data)
        return {"bytes": data, "path": path}


def find(path: str, naming: Path, root: Path, media_root: Path | None) -> Path | None:
    """The file that a path means: below the media root where one is given, else where a check looks for it."""
    if "\0" in path or path.endswith(("/", "/.")):  # of a folder
        return None
    if media_root is None:
        found, _ = look_up(path, naming, root)
    else:
        below = Path(os.path.abspath(media_root))
        there = Path(os.path.normpath(below / path))
        found = there if there.is_relative_to(below) and readable(there, [below]) else None
    return found if found is not None and found.is_file() else None


class Extractor:
    """Writes bytes to files below a folder and their paths, `names`, to records; equal files of one name are one."""

    def __init__(self, folder: Path, prefix: str = "") -> None:
        self._folder, self._prefix = folder, prefix
        self._written: dict[str, bytes] = {}
        self._folders = {"."}
        self._number = 0
        self.names: set[str] = set()

    def __call__(self, record: Record) -> Record:
        return modalities(record, self._extract)

    def _extract(self, value: Any, kind: str, position: int) -> Any:
        data = value.get("bytes") if isinstance(value, dict) else value
        if not isinstance(data, bytes):
            return value
        name = self._name(value.get("path") if isinstance(value, dict) else None, data)
        if name not in self._written:
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            self._written[name] = hashlib.blake2b(data, digest_size=16).digest()
            self._folders.update(str(folder) for folder in PurePosixPath(name).parents)
        self.names.add(self._prefix + name)
        return self._prefix + name

    def _name(self, path: Any, data: bytes) -> str:
        """The name that the bytes had, if a file below the folder can have it and no other one has; else a number."""
        digest = hashlib.blake2b(data, digest_size=16).digest()
        if isinstance(path, str) and self._takes(path) and self._written.get(path, digest) == digest:
            return path
        while True:
            self._number += 1
            name = f"media/{self._number:08d}{suffix_of(data)}"
            if name not in self._written and self._takes(name):
                return name

    def _takes(self, path: str) -> bool:
        """Whether a file can have the path, beside the files and folders that are there."""
        if not path.isprintable() or os.path.isabs(path) or os.path.normpath(path) != path or path.startswith(".."):
            return False
        encoded = path.encode("utf-8", "surrogatepass")
        if len(encoded) > _LONGEST or max(map(len, encoded.split(b"/"))) > _LONGEST_NAME:
            return False
        above = map(str, PurePosixPath(path).parents)
        return path not in self._folders and self._written.keys().isdisjoint(above)


def no_bytes(record: Record) -> Record:
    """The record. Raises Inexpressible where a medium is bytes, which JSON has no place for."""
    return modalities(record, _no_bytes)


def _no_bytes(value: Any, kind: str, position: int) -> Any:
    data = value.get("bytes") if isinstance(value, dict) else value
    if isinstance(data, bytes):
        raise Inexpressible(f"the {kind} {position} is bytes, which JSON has no place for: --media extract")
    return value


def suffix_of(head: bytes, size: int | None = None) -> str:
    """The suffix of what a medium is by its first bytes; "" for what is no medium."""
    from mmcheck.probe.containers import CONTAINERS
    from mmcheck.probe.sniff import HEAD, sniff

    container = sniff(head[:HEAD], len(head) if size is None else size).container
    known = CONTAINERS.get(container or "")
    return ".jpg" if container == "jpeg" else known.suffixes[0] if known is not None else ""


class SaveToDisk:
    """A folder as `datasets.save_to_disk` writes it: Arrow streams of about `shard` bytes, and what names them."""

    def __init__(self, folder: Path, schema: Any, features: Any, shard: int = SHARD, split: str | None = None) -> None:
        folder.mkdir(exist_ok=True)
        self._folder, self._schema, self._features, self._limit, self._split = folder, schema, features, shard, split
        self._parts: list[Path] = []
        self._stream: ArrowStream | None = None

    @property
    def size(self) -> int:
        """How many bytes the last shard has."""
        return self._stream.size if self._stream is not None else 0

    def write(self, records: Sequence[Record]) -> None:
        """Write records, each batch in one shard."""
        if self._stream is None or self._stream.size >= self._limit:
            self._next()
        assert self._stream is not None
        self._stream.write(records)

    def _next(self) -> None:
        if self._stream is not None:
            self._stream.close()
        self._parts.append(self._folder / f"part-{len(self._parts)}")
        self._stream = ArrowStream(self._parts[-1], self._schema)

    def close(self) -> None:
        """End the last shard, and name them all."""
        if self._stream is None:
            self._next()
        assert self._stream is not None
        self._stream.close()
        names = [f"data-{number:05d}-of-{len(self._parts):05d}.arrow" for number in range(len(self._parts))]
        for part, name in zip(self._parts, names, strict=True):
            part.rename(self._folder / name)
        save_to_disk_files(self._folder, names, self._features, self._split)


def name_splits(folder: Path, splits: Sequence[str]) -> None:
    """Make folders of one split each a DatasetDict."""
    (folder / "dataset_dict.json").write_text(json.dumps({"splits": list(splits)}), encoding="utf-8")
