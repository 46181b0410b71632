"""Reads a JSON document as a stream: the records of an array or a map, wherever a pointer says they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from mmcheck.limits import Limits
from mmcheck.readers.batch import Batch, Fault
from mmcheck.readers.diagnose import diagnose, too_deep
from mmcheck.readers.json_chunks import Chunk, chunks, skip
from mmcheck.readers.json_columns import Lane
from mmcheck.readers.json_window import Broken, Window, members
from mmcheck.readers.jsonl import RECORDS, UNREADABLE, WIDE, excerpt, no_gc
from mmcheck.readers.source import BLOCK, Stream, StreamError

_EMPTY = re.compile(rb"\[[ \t\r\n]*\]|\{[ \t\r\n]*\}")
_TYPES = {b"{": "object", b"[": "array", b'"': "string", b"t": "boolean", b"f": "boolean", b"n": "null"}
_DECODE = msgspec.json.Decoder().decode


def read(
    stream: Stream,
    at: str = "",
    *,
    document: bool = False,
    block: int = BLOCK,
    limits: Limits = Limits(),  # noqa: B008  # frozen
    before: int = 0,
    lane: Lane | None = None,
) -> Iterator[Batch]:
    """The records at the JSON pointer `at` (`*`: the members of the document itself), or the document as one record;
    by columns where there is a `lane`.

    In a part of a document, `before` is how many records stand before it.
    """
    return _Document(Window(stream, block, limits), at, before, lane).batches(document)


def steps(at: str) -> list[str]:
    """The keys along a JSON pointer."""
    return [step.replace("~1", "/").replace("~0", "~") for step in at.split("/")[1:]]


def kind(byte: bytes) -> str:
    """The JSON type of a value by its first byte."""
    return _TYPES.get(byte, "number")


class _Document:
    def __init__(self, window: Window, at: str, before: int, lane: Lane | None) -> None:
        self.window = window
        self.lane = lane
        self.before = before
        self.deepest = window.limits.max_nesting
        self.at = at
        self.row = 0
        self.inside = False
        self.faults: list[Fault] = []

    def batches(self, whole: bool) -> Iterator[Batch]:
        window = self.window
        try:
            first = window.peek()
            if whole or (not self.at and first != b"["):
                yield from self._one()
            elif self.at:
                yield from self._below(steps(self.at), "")
            else:
                yield from self._records()
            if window.peek():
                raise Broken(window.at, *_behind(window))
        except Broken as broken:
            yield Batch(raws=[], faults=[*self.faults, self._fault(broken)])
        except StreamError as error:
            yield Batch(raws=[], faults=[*self.faults, Fault("MM002", error.message, hint=error.hint)])
        else:
            if not self.row and not self.faults:
                what = f"the member {self.at!r}" if self.at.startswith("/") else "the file"
                self.faults.append(Fault("MM003", f"{what} holds no record", hint="write it again or fetch it again"))
            if self.faults:
                yield Batch(raws=[], faults=self.faults)

    def _one(self) -> Iterator[Batch]:
        self.inside = True
        raw = self.window.take(self.window.limits.max_document_bytes)
        self.inside = False
        if raw[:1] == b"{" and not raw[1:-1].strip():
            return
        yield from self._decoded((None, [raw]))

    def _records(self) -> Iterator[Batch]:
        self.inside = True
        for chunk in chunks(self.window):
            yield from self._decoded(chunk)
        self.inside = False

    def _below(self, path: list[str], walked: str) -> Iterator[Batch]:
        """Go down `path`: read what is at its end, pass over what stands beside."""
        window = self.window
        first = window.peek()
        if not path:
            if first in (b"{", b"["):
                yield from self._records()
            else:
                what = f"the member {walked!r}" if walked else "the document"
                message = f"{what} is a {kind(first)}, not an array or an object of records"
                self.faults.append(Fault("MM001", message, pointer=walked))
                window.take()
            return
        if not walked and (empty := _EMPTY.match(window.buffer, window.at)):
            self.faults.append(Fault("MM003", "the file holds no record", hint="write it again or fetch it again"))
            window.at = empty.end()
            return
        if first != b"{":
            message = f"the document has no member {path[0]!r}: {walked or 'it'} is {_article(kind(first))}"
            self.faults.append(Fault("MM001", message, pointer=walked, hint="records are looked for at " + self.at))
            skip(window)
            return
        seen: dict[str, str] = {}
        found = False
        for key in members(window):
            if len(seen) < 50:
                seen[key] = kind(window.peek())
            if key != path[0]:
                self._pass(key)
            elif found:
                hint = "loaders keep only the last of them: put all records in one"
                self.faults.append(Fault("MM002", f"the member {key!r} stands twice in the document", hint=hint))
                self._pass(key)
            else:
                found = True
                yield from self._below(path[1:], f"{walked}/{key}")
        if not found:
            has = ", ".join(f"{key!r} ({below})" for key, below in list(seen.items())[:8]) or "nothing"
            message = f"the document has no member {path[0]!r}{' at ' + walked if walked else ''}; it has {has}"
            self.faults.append(
                Fault("MM001", message, pointer=walked or None, hint=f"records are looked for at {self.at}")
            )

    def _pass(self, key: str) -> None:
        if not skip(self.window):
            hint = "convert the file to UTF-8: iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW"
            self.faults.append(Fault("MM002", f"the member {key!r} holds bytes that are not UTF-8", hint=hint))

    def _decoded(self, chunk: Chunk) -> Iterator[Batch]:
        keys, raws = chunk
        start = 0
        while start < len(raws):
            size = WIDE if self.lane is not None and self.lane.open else RECORDS
            part, its = raws[start : start + size], keys[start : start + size] if keys is not None else None
            start += size
            columns = self.lane.join(part, self.window.limits) if self.lane is not None else None
            if columns is not None:
                yield Batch(rows=list(range(self.row, self.row + len(part))), keys=its, columns=columns)
                self.row += len(part)
                continue
            for at in range(0, len(part), RECORDS):
                some = slice(at, at + RECORDS)
                yield self._batch(its[some] if its is not None else None, part[some])

    def _batch(self, keys: list[str] | None, raws: list[bytes]) -> Batch:
        first, self.row = self.row, self.row + len(raws)
        try:
            with no_gc():
                values: list[Any] = [_DECODE(raw) for raw in raws]
            if too_deep(b",".join(raws), self.deepest) is not None:
                raise RecursionError
            return Batch(rows=list(range(first, self.row)), values=values, raws=raws, keys=keys)
        except UNREADABLE:
            batch = Batch(raws=[], keys=None if keys is None else [])
        for index, raw in enumerate(raws):
            try:
                value = _DECODE(raw)
                if too_deep(raw, self.deepest) is not None:
                    raise RecursionError
            except UNREADABLE:
                found = diagnose(raw, deepest=self.deepest)
                where = f"record {self.before + first + index}" + (f" ({keys[index]!r})" if keys else "")
                message = f"{where} is not readable JSON: {found.message}"
                batch.faults.append(
                    Fault("MM002", message, row=first + index, value=excerpt(raw, found.offset), hint=found.hint)
                )
                continue
            batch.rows.append(first + index)
            batch.values.append(value)
            if batch.raws is not None:
                batch.raws.append(raw)
            if keys is not None and batch.keys is not None:
                batch.keys.append(keys[index])
        return batch

    def _fault(self, broken: Broken) -> Fault:
        window = self.window
        offset, message, hint = broken.offset, broken.message, broken.hint
        if message is None:
            found = diagnose(window.buffer[offset:], alone=False, deepest=self.deepest)
            offset, message, hint = offset + found.offset, found.message, found.hint
        line, column = window.place(offset)
        message = f"not JSON at line {line}, column {column}: {message}"
        row = self.row if self.inside else None
        return Fault("MM002", message, row=row, line=line, value=excerpt(window.buffer, offset), hint=hint)


def _article(name: str) -> str:
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def _behind(window: Window) -> tuple[str, str]:
    byte = window.peek()
    if byte in (b"{", b"["):
        return (
            "a second document begins here",
            "join them to one array, or write one record a line and name the file .jsonl",
        )
    if byte in (b"]", b"}"):
        return f"{byte.decode()!r} closes nothing", "a bracket is too many"
    return "text behind the end of the document", "remove what follows the last bracket"
