"""Media into the table and out of it again: original bytes, never encoded anew, and every key kept."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mmcheck.convert import Inexpressible
from mmcheck.dataset import look_up
from mmcheck.probe.containers import CONTAINERS
from mmcheck.probe.sniff import HEAD, sniff
from mmcheck.writers.columnar import ArrowStream, save_to_disk_files

SHARD = 500 << 20
"""How many bytes a shard of an Arrow directory has, unless the user says otherwise."""

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
    """Puts `{bytes, path}` where a path was. Raises Inexpressible for a file that is missing or outside the roots."""

    def __init__(self, root: Path, naming: Path, *, dry: bool = False) -> None:
        self._root, self._naming, self._dry = root, naming, dry

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
        found, _ = look_up(path, self._naming, self._root)
        if found is None or not found.is_file():
            raise Inexpressible(f"{path} is missing, or outside the roots of the dataset: it cannot be embedded")
        try:
            return {"bytes": found.read_bytes(), "path": path}
        except OSError as error:
            raise Inexpressible(f"{path} cannot be read: {error.strerror}") from None


class Extractor:
    """Writes bytes to files below a folder and puts their paths in the record; equal files of one name are one."""

    def __init__(self, folder: Path, prefix: str = "") -> None:
        self._folder, self._prefix = folder, prefix
        self._written: dict[str, bytes] = {}
        self._number = 0

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
        return self._prefix + name

    def _name(self, path: Any, data: bytes) -> str:
        """The name that the bytes had, if it stays below the folder and is not another file's, else a number."""
        digest = hashlib.blake2b(data, digest_size=16).digest()
        if isinstance(path, str) and path and "\0" not in path and not os.path.isabs(path):
            name = os.path.normpath(path)
            if not name.startswith("..") and self._written.get(name, digest) == digest and name == path:
                return name
        self._number += 1
        return f"media/{self._number:08d}{_suffix(data)}"


def no_bytes(record: Record) -> Record:
    """The record. Raises Inexpressible where a medium is bytes, which JSON has no place for."""
    return modalities(record, _no_bytes)


def _no_bytes(value: Any, kind: str, position: int) -> Any:
    data = value.get("bytes") if isinstance(value, dict) else value
    if isinstance(data, bytes):
        raise Inexpressible(f"the {kind} {position} is bytes, which JSON has no place for: --media extract")
    return value


def _suffix(data: bytes) -> str:
    container = sniff(data[:HEAD], len(data)).container
    return "." + {"jpeg": "jpg"}.get(container, container) if container in CONTAINERS else ""


class SaveToDisk:
    """A folder as `datasets.save_to_disk` writes it: Arrow streams of about `shard` bytes, and what names them."""

    def __init__(self, folder: Path, schema: Any, features: Any, shard: int = SHARD, split: str | None = None) -> None:
        folder.mkdir(exist_ok=True)
        self._folder, self._schema, self._features, self._limit, self._split = folder, schema, features, shard, split
        self._parts: list[Path] = []
        self._stream: ArrowStream | None = None

    def write(self, records: Sequence[Record]) -> None:
        """Write records, each batch in one shard."""
        if self._stream is None or self._stream.bytes >= self._limit:
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
