"""What the compressed buffers of an Arrow file say they unfold to, before any is unfolded.

Messages are flatbuffers (Arrow's Message.fbs and File.fbs); a compressed buffer begins with its size unfolded, in eight
bytes, -1 where it is stored as it is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

_MAGIC, _CONTINUED = b"ARROW1", b"\xff\xff\xff\xff"
_DICTIONARY, _RECORDS = 2, 3


def buffer_sizes(pages: Any) -> Iterator[int]:
    """The sizes in bytes, unfolded, of each batch's compressed buffers; what cannot be followed is left to pyarrow."""
    try:
        if pages[: len(_MAGIC)] == _MAGIC:
            for at in _blocks(pages):
                yield _message(pages, at)[0]
        else:
            at = 0
            while at < len(pages):
                unfolded, after = _message(pages, at)
                yield unfolded
                if after <= at:
                    return
                at = after
    except (struct.error, IndexError, OverflowError):
        return


def _blocks(pages: Any) -> Iterator[int]:
    """Where the dictionaries and record batches are that the footer of a file names."""
    end = len(pages) - len(_MAGIC) - 4
    footer = pages[end - _int(pages, end, "<i") : end]
    root = _int(footer, 0, "<I")
    for field in (2, 3):
        start, count = _vector(footer, root, field)
        for number in range(count):
            yield _int(footer, start + 24 * number, "<q")


def _message(pages: Any, at: int) -> tuple[int, int]:
    """What the buffers of a message unfold to, and where the next message starts."""
    at += 4 if pages[at : at + 4] == _CONTINUED else 0
    length = _int(pages, at, "<i")
    body = at + 4 + length
    meta = pages[at + 4 : body]
    if length <= 0:
        return 0, 0
    root = _int(meta, 0, "<I")
    sort, header, size = (_field(meta, root, number) for number in (1, 2, 3))
    after = body + (_int(meta, size, "<q") if size else 0)
    if not sort or not header or meta[sort] not in (_DICTIONARY, _RECORDS):
        return 0, after
    batch = header + _int(meta, header, "<I")
    if meta[sort] == _DICTIONARY:
        inner = _field(meta, batch, 1)
        batch = inner + _int(meta, inner, "<I")
    if not _field(meta, batch, 3):  # not compressed
        return 0, after
    start, count = _vector(meta, batch, 2)
    unfolded = 0
    for number in range(count):
        offset, stored = struct.unpack_from("<qq", meta, start + 16 * number)
        if stored >= 8:
            unfolded += max(0, _int(pages, body + offset, "<q"))
    return unfolded, after


def _field(data: Any, table: int, number: int) -> int:
    """Where a field of a table is; 0 where the table has it not."""
    described = table - _int(data, table, "<i")
    at = 4 + 2 * number
    offset = _int(data, described + at, "<H") if at < _int(data, described, "<H") else 0
    return table + offset if offset else 0


def _vector(data: Any, table: int, number: int) -> tuple[int, int]:
    """Where the members of a vector start, and how many there are."""
    at = _field(data, table, number)
    if not at:
        return 0, 0
    start = at + _int(data, at, "<I")
    return start + 4, _int(data, start, "<I")


def _int(data: Any, at: int, form: str) -> int:
    if at < 0:
        raise IndexError(at)
    found: int = struct.unpack_from(form, data, at)[0]
    return found
