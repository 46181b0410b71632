"""Reads JSON lines in blocks: a block at once where every line is sound, line by line where one is not."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from mmcheck.limits import Limits
from mmcheck.readers.batch import Batch, Fault
from mmcheck.readers.diagnose import PRETTY, diagnose, extent, too_deep
from mmcheck.readers.json_columns import Lane
from mmcheck.readers.source import BLOCK, Stream, StreamError

RECORDS = 10_000
"""How many records a batch holds at most."""
WIDE = 50_000
"""How many, where they are columns."""
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_DECODER = msgspec.json.Decoder()
_BLANK = b" \t\r\n"
_BROKEN, _TOO_LONG = object(), object()
_OPENS, _CLOSES = {ord("{")}, {ord("}")}


@contextmanager
def no_gc() -> Iterator[None]:
    """Decoding makes containers by the hundred thousand, none of them garbage: looking for it costs a quarter more."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


#: After so many batches what is garbage in circles is looked for all the same.
_SOME = 16
#: Bytes of text that are at least decoded at a time.
_PIECE = 2 << 20
#: Bytes that are read first; most files have no more, and memory is written before it is filled.
_LITTLE = 1 << 16


def without_gc(batches: Iterator[Batch]) -> Iterator[Batch]:
    """The batches, each decoded, judged and dropped before the collector runs: their records are in no circles."""
    with no_gc():
        since = 0
        for batch in batches:
            yield batch
            del batch  # else it would be held until the next one is made
            since = (since + 1) % _SOME
            if not since:
                gc.collect(1)


def read(
    stream: Stream,
    block: int = BLOCK,
    limits: Limits = Limits(),  # noqa: B008  # frozen
    *,
    whole: bool = True,
    pretty: bool | None = None,
    lane: Lane | None = None,
) -> Iterator[Batch]:
    """The records of a JSON lines stream, by columns where there is a `lane`; blank lines have no row, broken ones do.

    The last batch is empty and tells how many rows and lines there were. A part of a file (not `whole`) may be blank;
    whether the file is pretty-printed JSON, only its beginning tells.
    """
    reader = _Lines(limits, pretty, lane)
    begun, overlong, ended = b"", False, False  # what is there of a line that goes on
    while not ended:
        try:
            text, ended = _more(stream, begun, block)
        except StreamError as error:
            row = reader.row if begun else None
            yield Batch(
                lines=[], raws=[], faults=[Fault("MM002", error.message, row=row, line=reader.line, hint=error.hint)]
            )
            return
        if overlong:
            first = text.find(b"\n")
            if first < 0 and not ended:
                continue
            del text[: first + 1 if first >= 0 else len(text)]
            overlong = False
            yield reader.too_long()
        cut = len(text) if ended else text.rfind(b"\n")
        if cut < 0:
            overlong = len(text) > limits.max_line_bytes
            begun = b"" if overlong else bytes(text)
            continue
        begun = bytes(text[cut + 1 :])
        del text[cut:]
        yield from reader.block(text, last=ended)
        del text  # else it would be held while the next one is read
    blank = Fault("MM003", "the file holds only blank lines", hint="write it again or fetch it again")
    end = (reader.row, reader.line - 1)
    yield Batch(lines=[], raws=[], faults=[blank] if whole and not reader.row else [], end=end)


def _pieces(text: bytearray) -> Iterator[bytes]:
    """Whole lines, without the last line break of each piece: a record takes many times its text as Python values."""
    start = 0
    while start <= len(text):
        end = text.find(b"\n", start + _PIECE)
        end = end if end >= 0 else len(text)
        yield bytes(text[start:end])
        start = end + 1


def _more(stream: Stream, begun: bytes, block: int) -> tuple[bytearray, bool]:
    """What was begun and the next `block` bytes, in memory that is written once; and whether that is all."""
    first = bytearray(min(block, _LITTLE))
    there = stream.readinto(first)
    if there < len(first) or there == block:
        return bytearray(begun) + first[:there], not there
    text = bytearray(len(begun) + block)
    start = len(begun) + there
    text[:start] = begun + first
    with memoryview(text) as whole, whole[start:] as rest:
        got = stream.readinto(rest)
    del text[start + got :]
    return text, False


class _Lines:
    """Where the reading stands: the next row, the next line, and whether the file is pretty-printed."""

    def __init__(self, limits: Limits, pretty: bool | None, lane: Lane | None = None) -> None:
        self.limits = limits
        self.lane = lane
        self.row = 0
        self.line = 1
        self.pretty = pretty

    def block(self, text: bytearray, *, last: bool) -> Iterator[Batch]:
        """The batches of some whole lines, the last without its line break."""
        if not text and last:
            return
        columns = self.lane.read(text, self.limits) if self.lane is not None else None
        if columns is not None:
            for start in range(0, len(columns.lines), WIDE):
                part = columns.slice(start, WIDE)
                yield self._placed(Batch(columns=part), len(part.lines))
            return
        for piece in _pieces(text):
            yield from self._by_records(piece)

    def _by_records(self, text: bytes) -> Iterator[Batch]:
        lines = self._sound(text)
        if lines is None:
            yield from self._one_by_one(text)
            return
        raws, values = lines
        for start in range(0, len(raws), RECORDS):
            some = raws[start : start + RECORDS]
            yield self._placed(Batch(values=values[start : start + RECORDS], raws=some), len(some))

    def _placed(self, batch: Batch, count: int) -> Batch:
        """The batch of the next so many lines, of which each is a record."""
        batch.rows = list(range(self.row, self.row + count))
        batch.lines = list(range(self.line, self.line + count))
        self.row += count
        self.line += count
        return batch

    def _sound(self, text: bytes) -> tuple[list[bytes], list[Any]] | None:
        """Lines and values of a block in which each line is one object, else None.

        Between `}` and `{` no value can go on (it would need a comma), so if all line breaks stand there, each line
        holds at least one value, and as many values as lines means exactly one each.
        """
        first = text.find(b"\n")
        newline = b"\r\n" if text[first - 1 : first] == b"\r" or (first < 0 and text.endswith(b"\r")) else b"\n"
        text = text.removesuffix(b"\r")
        raws = text.split(newline)
        try:
            if {raw[0] for raw in raws} != _OPENS or {raw[-1] for raw in raws} != _CLOSES:
                return None
            if newline == b"\r\n" and text.count(b"\n") >= len(raws):
                return None
            with no_gc():
                values = _DECODER.decode_lines(text)
        except (*UNREADABLE, IndexError):
            return None
        sound = len(values) == len(raws) and too_deep(text, self.limits.max_nesting) is None
        return (raws, values) if sound and self._short(text, raws) else None

    def _short(self, text: bytes, raws: list[bytes]) -> bool:
        longest = self.limits.max_line_bytes
        return len(text) <= longest or max(map(len, raws)) <= longest

    def _one_by_one(self, text: bytes) -> Iterator[Batch]:
        deep = too_deep(text, self.limits.max_nesting) is not None
        lines = text.split(b"\n")
        with no_gc():
            values = [_value(line.strip(_BLANK), deep, self.limits) for line in lines]
        batch = Batch(lines=[], raws=[])
        for line, value in zip(lines, values, strict=True):
            if value is _BLANK:
                self.line += 1
                continue
            if value is _TOO_LONG:
                batch.faults += self.too_long().faults
                continue
            if value is _BROKEN:
                if self.pretty is None:
                    self.pretty = not self.row and is_pretty(text)
                batch.faults.append(self._fault(line))
            elif batch.lines is not None and batch.raws is not None:
                batch.rows.append(self.row)
                batch.values.append(value)
                batch.lines.append(self.line)
                batch.raws.append(line.strip(_BLANK))
            self.row += 1
            self.line += 1
            if len(batch.rows) + len(batch.faults) >= RECORDS:
                yield batch
                batch = Batch(lines=[], raws=[])
        if batch.rows or batch.faults:
            yield batch

    def _fault(self, line: bytes) -> Fault:
        found = diagnose(line, deepest=self.limits.max_nesting)
        column = len(line[: found.offset].decode(errors="replace")) + 1
        return Fault(
            code="MM002",
            message=f"not JSON at line {self.line}, column {column}: {found.message}",
            row=self.row,
            line=self.line,
            value=excerpt(line, found.offset),
            hint=PRETTY if self.pretty else found.hint,
        )

    def too_long(self) -> Batch:
        """The fault of a line that nobody can hold in memory."""
        message = f"line {self.line} is longer than {told(self.limits.max_line_bytes)}"
        hint = "line breaks are missing between the records, or media should be files of their own"
        fault = Fault("MM002", message, row=self.row, line=self.line, hint=hint)
        self.row += 1
        self.line += 1
        return Batch(lines=[], raws=[], faults=[fault])


def told(size: int) -> str:
    """A limit in the largest unit that it is a whole number of."""
    unit = next((each for each in (1 << 20, 1 << 10) if size % each == 0), 1)
    return f"{size // unit:,} {({1 << 20: 'MB', 1 << 10: 'kB', 1: 'bytes'})[unit]}"


def _value(line: bytes, deep: bool, limits: Limits) -> Any:
    """The value of a line, or which kind of no value it is; `deep` where some line of the block is too deep."""
    if not line:
        return _BLANK
    if len(line) > limits.max_line_bytes:
        return _TOO_LONG
    try:
        value = _DECODER.decode(line)
    except UNREADABLE:
        return _BROKEN
    return _BROKEN if deep and too_deep(line, limits.max_nesting) is not None else value


def is_pretty(text: bytes) -> bool:
    """Does the first value of the block go on behind its first line?"""
    body = text.lstrip(_BLANK)
    first = body.partition(b"\n")[0].rstrip(_BLANK)
    return first[-1:] in (b"{", b"[", b",") and extent(body) > len(first) + 1


def excerpt(text: bytes, offset: int) -> str:
    """What stands around a place, at most some 80 characters."""
    return text[max(0, offset - 40) : offset + 40].decode(errors="replace").strip()
