"""What the pages of a Parquet file say they unfold to, before any is unfolded: the footer's own sums may lie.

A page's header is a Thrift struct in the compact protocol (parquet-format, `PageHeader`): field 2 is the size of the
page unfolded, field 3 as it is stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any

_WINDOW, _LONGEST = 1 << 10, 16 << 20
_MOST_PAGES = 1_000_000
_DEEPEST = 20


def page_sizes(file: IO[bytes], column: Any) -> Iterator[int]:
    """The sizes in bytes, unfolded, of the pages of a column chunk; what cannot be followed is left to pyarrow."""
    starts = (column.dictionary_page_offset, column.data_page_offset)
    at = min(start for start in starts if start is not None)
    end = at + column.total_compressed_size
    for _ in range(_MOST_PAGES):
        if at >= end:
            return
        header = _header(file, at)
        if header is None:
            return
        unfolded, stored, length = header
        yield unfolded
        at += length + stored


def _header(file: IO[bytes], at: int) -> tuple[int, int, int] | None:
    """What a page's header says: its size unfolded and stored, and how long the header is; None for what is none."""
    window = _WINDOW
    while window <= _LONGEST:
        file.seek(at)
        data = file.read(window)
        try:
            sizes, length = _page(data)
        except IndexError:
            if len(data) < window:
                return None
            window *= 16
            continue
        except ValueError:
            return None
        return (*sizes, length) if min(sizes) >= 0 else None
    return None


def _page(data: bytes) -> tuple[tuple[int, int], int]:
    sizes = {2: -1, 3: -1}
    at = number = 0
    while data[at]:
        kind, delta = data[at] & 15, data[at] >> 4
        at += 1
        if delta:
            number += delta
        else:
            told, at = _varint(data, at)
            number = (told >> 1) ^ -(told & 1)
        if number in sizes and kind in (4, 5, 6):
            told, at = _varint(data, at)
            sizes[number] = (told >> 1) ^ -(told & 1)
        else:
            at = _skipped(data, at, kind, _DEEPEST)
    return (sizes[2], sizes[3]), at + 1


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("a number of more than ten bytes")


def _skipped(data: bytes, at: int, kind: int, levels: int) -> int:
    """Where a value of the compact protocol ends. IndexError beyond the data, ValueError for what is none."""
    if not levels:
        raise ValueError("too deep")
    if kind in (1, 2):  # the type of a field says which truth it is
        return at
    if kind == 3:
        end = at + 1
    elif kind in (4, 5, 6):
        _, end = _varint(data, at)
    elif kind == 7:
        end = at + 8
    elif kind == 8:
        length, end = _varint(data, at)
        end += length
    elif kind in (9, 10):
        count, of = data[at] >> 4, data[at] & 15
        end = at + 1
        if count == 15:
            count, end = _varint(data, end)
        for _ in range(count):
            end = _skipped(data, end, 3 if of in (1, 2) else of, levels - 1)
    elif kind == 12:
        end = at
        while data[end]:
            of, delta = data[end] & 15, data[end] >> 4
            end += 1
            if not delta:
                _, end = _varint(data, end)
            end = _skipped(data, end, of, levels - 1)
        end += 1
    else:
        raise ValueError(f"a value of the sort {kind}")
    if end > len(data):
        raise IndexError(end)
    return end
