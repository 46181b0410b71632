"""Writes a file as shards of at most so many bytes, unless one record has more: `train-00000-of-00003.jsonl`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from mmcheck.writers import Writer
from mmcheck.writers.columnar import Parquet
from mmcheck.writers.text import JsonArray, JsonLines, encoded

_END = 16
_SMALL = 64 << 20


class Shards:
    """Shards of the file `path`, in its folder, each opened by `opened`; `limit` is in bytes."""

    def __init__(self, path: Path, limit: int, opened: Callable[[Path], Writer], container: str) -> None:
        self._path, self._limit, self._opened, self._container = path, limit, opened, container
        self._parts: list[Path] = []
        self._writer: Writer | None = None
        self._fresh = True
        self._last = 0
        self.files: list[str] = []

    @property
    def size(self) -> int:
        """How many bytes the last shard has."""
        return self._writer.size if self._writer is not None else 0

    def write(self, records: Sequence[Any]) -> None:
        """Write records."""
        if self._container in ("json", "jsonl"):
            self.write_encoded(encoded(records, self._container))
            return
        for part in _pieces(records, self._limit):
            writer = self._with_room()
            before = writer.size
            writer.write(part)
            self._last, self._fresh = writer.size - before, False

    def write_table(self, table: Any) -> None:
        """Write an Arrow table to shards of Parquet."""
        step = table.num_rows if self._limit > _SMALL else 1
        for start in range(0, table.num_rows, step):
            writer = self._with_room()
            before = writer.size
            assert isinstance(writer, Parquet)
            writer.write_table(table.slice(start, step))
            self._last, self._fresh = writer.size - before, False

    def write_encoded(self, text: bytes) -> None:
        """Write records as text, one a line."""
        lines = text.removesuffix(b"\n").split(b"\n") if text else []
        start = 0
        while start < len(lines):
            writer = self._current()
            room = self._limit - writer.size - _END
            stop = start
            while stop < len(lines) and room >= len(lines[stop]) + 1:
                room -= len(lines[stop]) + 1
                stop += 1
            if stop == start and not self._fresh:
                self._next()
                continue
            stop = max(stop, start + 1)
            assert isinstance(writer, JsonLines | JsonArray)
            body = b"\n".join(lines[start:stop])
            writer.write_encoded(body + b"\n" if self._container == "jsonl" else body.removesuffix(b","))
            self._fresh, start = False, stop

    def _with_room(self) -> Writer:
        """The writer of a shard that has room for as much as was last written."""
        if self._current().size + self._last > self._limit and not self._fresh:
            self._next()
        return self._current()

    def _current(self) -> Writer:
        if self._writer is None:
            self._next()
        assert self._writer is not None
        return self._writer

    def _next(self) -> None:
        if self._writer is not None:
            self._writer.close()
        path = self._path.with_name(f"{self._path.stem}-{len(self._parts)}.part{self._path.suffix}")
        self._parts.append(path)
        self._writer, self._fresh = self._opened(path), True

    def close(self) -> None:
        """End the last shard, and name them all."""
        self._current().close()
        total = len(self._parts)
        for number, part in enumerate(self._parts):
            name = f"{self._path.stem}-{number:05d}-of-{total:05d}{self._path.suffix}"
            part.rename(self._path.with_name(name))
            self.files.append(name)


def _pieces(records: Sequence[Any], limit: int) -> Iterator[Sequence[Any]]:
    """All records at once, one by one where shards are small."""
    if limit > _SMALL:
        yield records
    else:
        yield from ([record] for record in records)
