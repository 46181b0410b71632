"""Cuts a sound JSON document between its records: a part, opened and closed as the document is, is one as well."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from mmcheck.limits import Limits
from mmcheck.readers import json_outline
from mmcheck.readers.batch import Part
from mmcheck.readers.json_chunks import Chunk, chunks, skip
from mmcheck.readers.json_document import steps
from mmcheck.readers.json_window import Broken, Window, members
from mmcheck.readers.source import Stream, StreamError

#: Bytes that are looked through at once: what the processor's own memory holds.
_BLOCK = 1 << 20


class PartStream(Stream):
    """A part of a document as a document: its bytes between what opens and what closes it."""

    def __init__(self, path: Path, part: Part, limits: Limits = Limits()) -> None:  # noqa: B008  # frozen
        super().__init__(path, limits=limits, span=(part.start, part.stop))
        self._rest = part.opening + self._rest
        self._closing = part.closing

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, `b""` at the end; what closes the document comes by itself. Raises OpenError."""
        data = super().read(size)
        if not data:
            data, self._closing = self._closing, b""
        return data


def parts(path: Path, at: str, size: int, limits: Limits) -> list[Part]:
    """Parts of about `size` bytes; none where the document is no array or map of records, or is not larger, or where
    the least is wrong with its brackets, commas and keys.

    All of it is looked through for that, several times faster than records are judged: whether a bracket is one, or
    stands in a string, only what comes before can tell. Raises OpenError.
    """
    opening = b"".join(b"{" + msgspec.json.encode(step) + b":" for step in steps(at))
    keyed, seams = False, list[tuple[int, int]]()
    row, seam = 0, None
    with Stream(path, limits=limits) as stream:
        window = Window(stream, min(_BLOCK, size), limits)
        try:
            if not at and window.peek() != b"[":
                return []
            for keys, raws in _records(window, steps(at)):
                if seam is not None and seam - (seams[-1][0] if seams else 0) >= size:
                    seams.append((seam, row))
                keyed, row = keys is not None, row + len(raws)
                # Where another chunk follows, this one ends behind a comma, which may have left the window meanwhile.
                comma = window.buffer.rfind(b",", 0, window.at)
                seam = stream.position() - len(window.buffer) + comma if comma >= 0 else None
            if window.peek():
                return []
        except (Broken, StreamError):
            return []
        total = stream.position()
    if not seams:
        return []
    opening += b"{" if keyed else b"["
    closing = (b"}" if keyed else b"]") + b"}" * len(steps(at))
    starts = [(0, 0), *((comma + 1, row) for comma, row in seams)]
    stops = [*(comma for comma, _ in seams), total]
    found = [
        Part(start, stop, row, opening if start else b"", closing if stop < total else b"")
        for (start, row), stop in zip(starts, stops, strict=True)
    ]
    beside = _beside(path, at, found[0]) | _beside(path, at, found[-1])
    return [replace(each, header=beside) for each in found]


def count(path: Path, part: Part, at: str, limits: Limits) -> int:
    """How many records a part holds. Raises OpenError."""
    rows = 0
    with PartStream(path, part, limits) as stream, contextlib.suppress(Broken):
        for _, raws in _records(Window(stream, _BLOCK, limits), steps(at)):
            rows += len(raws)
    return rows


def _records(window: Window, path: list[str]) -> Iterator[Chunk]:
    """The records at the end of `path`, and then the rest of the document. Raises Broken where there are none."""
    if not path:
        if window.peek() not in (b"{", b"["):
            raise Broken(window.at)
        yield from chunks(window)
        return
    if window.peek() != b"{":
        raise Broken(window.at)
    found = False
    for key in members(window):
        if key == path[0] and not found:
            found = True
            yield from _records(window, path[1:])
        elif key == path[0] or not skip(window):
            raise Broken(window.at)


def _beside(path: Path, at: str, part: Part) -> dict[str, Any]:
    with PartStream(path, part) as stream:
        return json_outline.header(stream, at)
