"""Reads CSV: rows are records of strings by the header's names, ragged rows are faults, broken ones hide no others."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator

from mmcheck.limits import Limits
from mmcheck.readers.batch import Batch, Fault
from mmcheck.readers.jsonl import told
from mmcheck.readers.source import BLOCK, Stream, StreamError

_LINES = 1_000
"""How many lines one row may have: a quote that is never closed would else swallow the file."""
_RECORDS = 10_000


class _Feeder:
    """Hands lines to the csv module, and can take back those behind the first of a broken row."""

    def __init__(self, lines: Iterator[str], longest: int) -> None:
        self._lines = lines
        self._longest = longest
        self._back: list[str] = []
        self.row: list[str] = []
        self.line = 1

    def __iter__(self) -> _Feeder:
        return self

    def __next__(self) -> str:
        if len(self.row) >= _LINES:
            raise csv.Error("a quote that is not closed")
        line = self._back.pop() if self._back else next(self._lines)
        self.row.append(line)
        if len(line) > self._longest:
            raise csv.Error(f"a line longer than {told(self._longest)}")
        return line

    def done(self) -> None:
        """The row is read: the next one begins."""
        self.line += len(self.row)
        self.row = []

    def broken(self) -> None:
        """The row is broken: its first line is passed over, the others are read anew."""
        self._back.extend(reversed(self.row[1:]))
        self.line += 1
        self.row = []


def read(
    stream: Stream,
    delimiter: str = ",",
    block: int = BLOCK,
    limits: Limits = Limits(),  # noqa: B008  # frozen
) -> Iterator[Batch]:
    """The rows below the header; `lines` are where they begin. Lines without any text are no rows."""
    text = io.TextIOWrapper(io.BufferedReader(stream, min(block, 1 << 20)), "utf-8", "surrogateescape", newline="")
    # The module has one limit for the whole process: it must not be the stricter one.
    csv.field_size_limit(max(csv.field_size_limit(), limits.max_line_bytes))
    feeder = _Feeder(_lines(text, limits.max_line_bytes), limits.max_line_bytes)
    reader = csv.reader(feeder, delimiter=delimiter, strict=True)
    rows = _Rows(feeder)
    try:
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                if not feeder.row:
                    break
                rows.broken(error)
                feeder.broken()
                reader = csv.reader(feeder, delimiter=delimiter, strict=True)
            else:
                rows.add(cells)
                feeder.done()
            if len(rows.batch.rows) + len(rows.batch.faults) >= _RECORDS or rows.size >= block:
                yield rows.taken()
    except StreamError as error:
        rows.batch.faults.append(Fault("MM002", error.message, line=feeder.line, hint=error.hint))
    else:
        if not rows.row:
            what = "the file holds a header and no row" if rows.header else "the file holds only blank lines"
            rows.batch.faults.append(Fault("MM003", what, hint="write it again or fetch it again"))
    if rows.batch.rows or rows.batch.faults:
        yield rows.taken()


def _lines(text: io.TextIOWrapper, longest: int) -> Iterator[str]:
    """Lines of bounded length: of one that is longer, the beginning."""
    while line := text.readline(longest + 1):
        yield line
        while len(line) > longest and not line.endswith(("\n", "\r")):
            line = text.readline(longest + 1)


class _Rows:
    """Makes records of rows."""

    def __init__(self, feeder: _Feeder) -> None:
        self._feeder = feeder
        self.header: list[str] = []
        self.row = 0
        self.size = 0
        self.batch = Batch(lines=[])

    def taken(self) -> Batch:
        """The batch so far; the next one is empty."""
        batch, self.batch, self.size = self.batch, Batch(lines=[]), 0
        return batch

    def add(self, cells: list[str]) -> None:
        """One row as the csv module has it: the header, a record, a ragged row, or nothing."""
        if not cells:
            return
        joined = "".join(cells)
        self.size += len(joined)
        problem = _bad_text(joined)
        if not self.header:
            self._name(cells, problem)
            return
        if problem:
            self._fault("MM002", *problem)
        elif len(cells) != len(self.header):
            hint = "quote cells that hold a delimiter, a quote or a line break, and give every row all cells"
            message = f"the row at line {self._feeder.line} has {len(cells)} cells, the header {len(self.header)}"
            self._fault("MM001", message, hint)
        else:
            self.batch.rows.append(self.row)
            self.batch.values.append(dict(zip(self.header, cells, strict=True)))
            if self.batch.lines is not None:
                self.batch.lines.append(self._feeder.line)
        self.row += 1

    def broken(self, error: csv.Error) -> None:
        """A row that is not CSV."""
        words = str(error)
        if "unexpected end" in words:
            words = "a quote that is not closed"
        hint = 'a quote inside a quoted cell is written twice (""), and a cell with quotes stands in quotes as a whole'
        self._fault("MM002", f"not CSV at line {self._feeder.line}: {words}", hint)
        if self.header:
            self.row += 1

    def _name(self, cells: list[str], problem: tuple[str, str] | None) -> None:
        """Take the header. A repeated name gets a number, as pandas does it."""
        if problem:
            self._fault("MM002", *problem)
        seen: Counter[str] = Counter()
        for cell in cells:
            self.header.append(f"{cell}.{seen[cell]}" if seen[cell] else cell)
            seen[cell] += 1
        twice = [name for name, count in seen.items() if count > 1]
        if twice:
            self._fault(
                "MM001", f"the header names {twice[0]!r} {seen[twice[0]]} times", "give every column its own name"
            )

    def _fault(self, code: str, message: str, hint: str) -> None:
        row = self.row if self.header and self._feeder.line > 1 else None
        value = "".join(self._feeder.row[:1]).rstrip("\r\n")[:80].encode(errors="replace").decode()
        self.batch.faults.append(Fault(code, message, row=row, line=self._feeder.line, value=value, hint=hint))


def _bad_text(text: str) -> tuple[str, str] | None:
    """Bytes that are not UTF-8 came through as surrogates."""
    if text.isascii():
        return ("NUL bytes in the row", "the file was not written to its end, or is UTF-16") if "\0" in text else None
    try:
        text.encode()
    except UnicodeEncodeError as error:
        byte = ord(text[error.start]) & 0xFF
        hint = "convert the file to UTF-8: iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW"
        return f"byte 0x{byte:02X} is not UTF-8", hint
    return None
