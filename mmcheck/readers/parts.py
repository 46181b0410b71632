"""A large file falls into parts that can be read apart: byte ranges, row groups, record batches."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from mmcheck.limits import Limits
from mmcheck.readers import apart, json_parts
from mmcheck.readers.batch import Part
from mmcheck.readers.container import container
from mmcheck.readers.source import BLOCK, open_file

_WINDOW = 64 << 10


def parts(path: Path, size: int, at: str = "", limits: Limits = Limits()) -> list[Part]:  # noqa: B008  # frozen
    """Parts of about `size` bytes, in order; none where the file can only be read whole, or is not larger.

    Nothing is read but footers, and a few bytes at each seam; a JSON document, whose records are `at` a pointer, is
    looked through to its end. Raises OpenError where the file is missing.
    """
    found = container(path)
    total = path.stat().st_size
    if found.fault is not None or found.compression or total <= size:
        return []
    if found.name == "json":
        return json_parts.parts(path, at, size, limits)
    if at:
        return []
    if found.name == "jsonl":
        return list(_lines(path, total, size))
    if found.name in ("parquet", "arrow"):
        return list(_groups(apart.ask(f"sizes of {found.name}", path) or [], size))
    return []


def _groups(sizes: list[int], size: int) -> Iterator[Part]:
    """Consecutive groups that have `size` bytes together; nothing where all of them are one part."""
    start = have = 0
    for number, more in enumerate(sizes, 1):
        have += more
        if (have >= size or number == len(sizes)) and (start or number < len(sizes)):
            yield Part(start, number)
            start, have = number, 0


def _lines(path: Path, total: int, size: int) -> Iterator[Part]:
    with open_file(path) as file:
        start = 0
        while start < total:
            stop = _after_line_break(file, start + size - min(_WINDOW, size // 8), total)  # whole blocks, no rest
            yield Part(start, stop)
            start = stop


def _after_line_break(file: IO[bytes], offset: int, total: int) -> int:
    """The first byte after the next line break from `offset` on."""
    while offset < total:
        file.seek(offset, os.SEEK_SET)
        window = file.read(_WINDOW)
        cut = window.find(b"\n")
        if cut >= 0:
            return offset + cut + 1
        if not window:
            break
        offset += len(window)
    return total


def span(path: Path, part: Part) -> str:
    """A part in words, counted as the file counts. Raises OpenError where the file is missing."""
    name = container(path).name
    if name in ("json", "jsonl"):
        return f"bytes {part.start:,} to {part.stop:,}"
    what = "row group" if name == "parquet" else "record batch"
    if part.stop - part.start == 1:
        return f"{what} {part.start:,}"
    return f"{what}{'s' if name == 'parquet' else 'es'} {part.start:,} to {part.stop - 1:,}"


def count(path: Path, part: Part, at: str = "", limits: Limits = Limits()) -> tuple[int, int]:  # noqa: B008  # frozen
    """How many records and how many lines a part holds, sound or not; only JSON lines have lines."""
    rows = lines = 0
    if (name := container(path).name) == "json":
        return json_parts.count(path, part, at, limits), 0
    if name != "jsonl":
        for batch in apart.read(path, name, BLOCK, limits, part):
            rows += len(batch.rows) + sum(1 for fault in batch.faults if fault.row is not None)
        return rows, 0
    left, blank = part.stop - part.start, True
    with open_file(path) as file:
        file.seek(part.start)
        while left > 0 and (data := file.read(min(left, 1 << 20))):
            left -= len(data)
            pieces = data.split(b"\n")
            for number, piece in enumerate(pieces):
                blank = blank and not piece.strip(b" \t\r")
                if number < len(pieces) - 1:
                    rows += not blank
                    lines += 1
                    blank = True
    return rows + (not blank), lines
