"""Writes files by how they are stored, whatever their format: records in batches, to a temporary name beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from mmcheck.errors import RequestError
from mmcheck.writers.text import Csv, JsonArray, JsonLines

__all__ = ["SUFFIXES", "Writer", "container_of", "open_writer"]

#: The container that a suffix asks for.
SUFFIXES = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".csv": "csv", ".parquet": "parquet"}


class Writer(Protocol):
    """What takes records in batches and ends a file. Raises ValueError for a record that the file cannot hold."""

    @property
    def size(self) -> int: ...

    def write(self, records: Sequence[Any]) -> None: ...

    def close(self) -> None: ...


def container_of(path: Path) -> str | None:
    """The container by a path's suffix; None for a folder. Raises RequestError for a suffix that nothing writes."""
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        return SUFFIXES[suffix]
    if suffix and not path.is_dir():
        raise RequestError(f"{path}: nothing writes {suffix} files; write one of {', '.join(SUFFIXES)}, or a folder")
    return None


def open_writer(
    path: Path,
    container: str,
    *,
    frame: Mapping[str, Any] | None = None,
    key: str | None = None,
    columns: Sequence[str] = (),
    dialect: Mapping[str, Any] | None = None,
    schema: Any = None,
) -> Writer:
    """A writer of a container.

    `frame` and `key` are those of `JsonArray`, `columns` and `dialect` (bom, newline) those of `Csv`, `schema` is
    that of an Arrow table.
    """
    if container == "jsonl":
        return JsonLines(path)
    if container == "json":
        return JsonArray(path, frame, key)
    if container == "csv":
        return Csv(path, columns, **(dialect or {}))
    from mmcheck.writers.columnar import Parquet

    return Parquet(path, schema)
