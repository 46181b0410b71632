"""Writes records as JSON lines, a JSON array, a member of a JSON object, or CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

_ENCODER = msgspec.json.Encoder()
_BUFFER = 1 << 20


def encoded(records: Sequence[Any], container: str) -> bytes:
    """Records as `write_encoded` of a jsonl or json writer takes them: one a line."""
    return _ENCODER.encode_lines(records) if container == "jsonl" else joined(map(_ENCODER.encode, records), container)


def joined(texts: Iterable[bytes], container: str) -> bytes:
    """Encoded records one after the other."""
    return (b"" if container == "jsonl" else b",\n").join(texts)


class JsonLines:
    """A record a line."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", _BUFFER)

    @property
    def size(self) -> int:
        """How many bytes were written."""
        return self._file.tell()

    def write(self, records: Sequence[Any]) -> None:
        """Write records."""
        self._file.write(encoded(records, "jsonl"))

    def write_encoded(self, text: bytes) -> None:
        """Write lines, the last with its line break."""
        self._file.write(text)

    def close(self) -> None:
        """End the file."""
        self._file.close()


class JsonArray:
    """An array of records; with `frame`, as the member of that object whose value is `...`.

    With `key` the records become a map: each gives its own key under that name.
    """

    def __init__(self, path: Path, frame: Mapping[str, Any] | None = None, key: str | None = None) -> None:
        self._file = path.open("wb", _BUFFER)
        self._key = key
        self._between = b"\n"
        self._after = list[tuple[str, Any]]()
        before = list[tuple[str, Any]]()
        if frame is not None:
            names = list(frame)
            place = next(number for number, value in enumerate(frame.values()) if value is ...)
            before = [(name, frame[name]) for name in names[:place]]
            self._after = [(name, frame[name]) for name in names[place + 1 :]]
            self._file.write(b"{" + b"".join(_member(*each) + b",\n" for each in before))
            self._file.write(_ENCODER.encode(names[place]) + b":")
        self._framed = frame is not None
        self._file.write(b"[" if key is None else b"{")

    @property
    def size(self) -> int:
        """How many bytes were written."""
        return self._file.tell()

    def write_encoded(self, text: bytes) -> None:
        """Write records of an array, a comma between any two of them."""
        if text:
            self._file.write(self._between + text)
            self._between = b",\n"

    def write(self, records: Sequence[Any]) -> None:
        """Write records."""
        if not records:
            return
        if self._key is None:
            self.write_encoded(encoded(records, "json"))
            return
        self._file.write(self._between)
        self._between = b",\n"
        members = []
        for record in records:
            rest = {name: value for name, value in record.items() if name != self._key}
            members.append(_member(str(record[self._key]), rest))
        self._file.write(b",\n".join(members))

    def write_member(self, name: str, value: Any) -> None:
        """Write one member of a map."""
        self._file.write(self._between + _member(name, value))
        self._between = b",\n"

    def close(self) -> None:
        """End the document."""
        end = b"\n]" if self._key is None else b"\n}"
        end += b"".join(b",\n" + _member(*each) for each in self._after)
        self._file.write(end + (b"}\n" if self._framed else b"\n"))
        self._file.close()


def _member(name: str, value: Any) -> bytes:
    return _ENCODER.encode(name) + b":" + _ENCODER.encode(value)


class Csv:
    """Rows below a header; cells that are no text are written as JSON, null and absent cells are empty."""

    def __init__(self, path: Path, columns: Iterable[str], *, bom: bool = False, newline: str = "\n") -> None:
        self._file = path.open("w", encoding="utf-8-sig" if bom else "utf-8", newline="")
        self._columns = list(columns)
        self._writer = csv.writer(self._file, lineterminator=newline)
        self._writer.writerow(self._columns)

    @property
    def size(self) -> int:
        """How many bytes were written."""
        return self._file.tell()

    def write(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Write records. Raises ValueError for a field that has no column."""
        for record in records:
            odd = next((key for key in record if key not in self._columns), None)
            if odd is not None:
                raise ValueError(f"the field {odd!r} has no column: the first record does not have it")
            self._writer.writerow([_cell(record.get(column)) for column in self._columns])

    def close(self) -> None:
        """End the file."""
        self._file.close()


def _cell(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return _ENCODER.encode(value).decode()
