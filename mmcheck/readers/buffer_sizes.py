"""What the compressed buffers of an Arrow file say they unfold to, before any is unfolded.

Messages are flatbuffers (Arrow's Message.fbs and File.fbs); a compressed buffer begins with its size unfolded, in eight
bytes, -1 where it is stored as it is.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from typing import IO, Any

MAGIC, _CONTINUED = b"ARROW1", b"\xff\xff\xff\xff"
_DICTIONARY, _RECORDS = 2, 3
_MOST_MESSAGE = 2 << 30


def buffer_sizes(pages: Any) -> Iterator[int]:
    """The sizes in bytes, unfolded, of each batch's compressed buffers; what cannot be followed is left to pyarrow."""
    try:
        if pages[: len(MAGIC)] == MAGIC:
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


class Counted(io.RawIOBase):
    """The messages of a stream, or of a file read on and on, for pyarrow: the sizes of each are `count`ed, unfolded,
    before it is handed on. Holds one message; raises ValueError for one of more than 2 GB.
    """

    def __init__(self, stream: IO[bytes], count: Callable[[int], None]) -> None:
        self._stream, self._count = stream, count
        self._message, self._ended = memoryview(b""), False
        self._start = stream.read(len(MAGIC))
        self._file = self._start == MAGIC
        if self._file:
            self._start = b""
            stream.read(2)  # fills up to eight bytes; the messages of a stream follow

    def read(self, size: int | None = -1) -> bytes:
        """So many bytes of the message that is read, fewer at its end."""
        if not self._message and not self._ended:
            self._next()
        size = len(self._message) if size is None or size < 0 else size
        part, self._message = bytes(self._message[:size]), self._message[size:]
        return part

    def readable(self) -> bool:
        """True."""
        return True

    def _take(self, size: int) -> bytes:
        if size > _MOST_MESSAGE:
            raise ValueError(f"a message of {size:,} bytes")
        start, self._start = self._start[:size], self._start[size:]
        return start + self._stream.read(size - len(start))

    def _next(self) -> None:
        head = self._take(4)
        if head == _CONTINUED:
            head += self._take(4)
        length = _int(head, len(head) - 4, "<i") if len(head) >= 4 else 0
        if length <= 0:
            self._message, self._ended = memoryview(head), True
            self._read_to_end()
            return
        head += self._take(length)
        try:
            after = _outline(head, 0)[2]
            message = head + self._take(max(0, after - len(head)))
            unfolded, _ = _message(message, 0)
        except (struct.error, IndexError, OverflowError) as error:
            raise ValueError(f"a message that cannot be followed: {error}") from None
        self._count(unfolded)
        self._message = memoryview(message)

    def _read_to_end(self) -> None:
        """What follows the messages: of a file its footer, which ends with the magic word."""
        end = b""
        while piece := self._stream.read(1 << 20):
            end = (end + piece)[-len(MAGIC) :]
        if self._file and end != MAGIC:
            raise ValueError("the file breaks off before its footer ends")


def _blocks(pages: Any) -> Iterator[int]:
    """Where the dictionaries and record batches are that the footer of a file names."""
    end = len(pages) - len(MAGIC) - 4
    footer = pages[end - _int(pages, end, "<i") : end]
    root = _int(footer, 0, "<I")
    for field in (2, 3):
        start, count = _vector(footer, root, field)
        for number in range(count):
            yield _int(footer, start + 24 * number, "<q")


def _message(pages: Any, at: int) -> tuple[int, int]:
    """What the buffers of a message unfold to, and where the next message starts."""
    meta, body, after = _outline(pages, at)
    if not meta:
        return 0, 0
    root = _int(meta, 0, "<I")
    sort, header = (_field(meta, root, number) for number in (1, 2))
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


def _outline(pages: Any, at: int) -> tuple[bytes, int, int]:
    """What a message says of itself, where its body starts, and where the next message does."""
    at += 4 if pages[at : at + 4] == _CONTINUED else 0
    length = _int(pages, at, "<i")
    if length <= 0:
        return b"", 0, 0
    body = at + 4 + length
    meta = pages[at + 4 : body]
    size = _field(meta, _int(meta, 0, "<I"), 3)
    return meta, body, body + (_int(meta, size, "<q") if size else 0)


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
