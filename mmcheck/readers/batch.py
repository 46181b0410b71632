"""What every reader yields: batches of raw records, and the faults of those that could not be read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from mmcheck.readers.json_columns import Columns

_DECODER = msgspec.json.Decoder()


@dataclass(frozen=True, slots=True)
class Stored:
    """A binary cell that was left in its file: `length` bytes from `start` on, whose XXH3 hash is `digest` (hex)."""

    path: str
    start: int
    length: int
    digest: str

    def __len__(self) -> int:
        return self.length

    def __bytes__(self) -> bytes:
        """The bytes; fewer where the file has become shorter. Raises OSError."""
        file = os.open(self.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        try:
            return os.pread(file, self.length, self.start)
        finally:
            os.close(file)

    def __reduce__(self) -> tuple[type[Stored], tuple[str, int, int, str]]:
        return Stored, (self.path, self.start, self.length, self.digest)


#: What a binary cell may be.
BINARY = (bytes, memoryview, Stored)


@dataclass(frozen=True, slots=True)
class Fault:
    """A record, or a whole file (`row` is None), that cannot be read.

    `code` is MM001 (the document lacks the place where records should be), MM002 (not readable) or MM003 (empty, or
    not data at all).
    """

    code: str
    message: str
    row: int | None = None
    line: int | None = None
    pointer: str | None = None
    value: str | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A half-open range: bytes of JSON lines, whole lines each, or of a JSON document, whole records each; row groups
    of Parquet; record batches of Arrow.

    Rows and lines of a part are counted from its own start. Of a document it is known as well how many records stand
    before (`row`), what makes the part a document (`opening`, `closing`), and its `header`.
    """

    start: int
    stop: int
    row: int = 0
    opening: bytes = b""
    closing: bytes = b""
    header: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Batch:
    """Consecutive records of one file, as parallel lists.

    `rows` are 0-based ordinals in the file, unreadable records counted; `lines` are 1-based. `raws` holds the bytes
    of each record where the storage has them, `keys` the key of each record where they are values of a map. `texts`
    (YAML) maps the JSON pointer of each plain scalar of a record to what the file spells. `position` is how many
    bytes of the file were read so far, where that is known; `end`, in the last batch of lines, how many rows and lines
    there were. Where `columns` hold the records, `values` and `raws` are empty until `one_by_one`. `shown` are the
    values as the judge of schemas took them for valid: with the digests of binary cells in place of the cells.
    """

    rows: list[int] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    lines: list[int] | None = None
    raws: list[bytes] | None = None
    keys: list[str] | None = None
    texts: list[dict[str, str]] | None = None
    faults: list[Fault] = field(default_factory=list)
    position: int | None = None
    end: tuple[int, int] | None = None
    columns: Columns | None = None
    shown: list[Any] | None = None

    def one_by_one(self) -> Batch:
        """The batch with its records as Python values, and without columns."""
        if self.columns is None:
            return self
        raws = list(self.columns.lines)
        return replace(self, raws=raws, values=[_DECODER.decode(raw) for raw in raws], columns=None)

    def raw(self, number: int) -> bytes | None:
        """The bytes of a record where the storage has them."""
        if self.columns is not None:
            return self.columns.lines[number]
        return None if self.raws is None else self.raws[number]

    def pick(self, keep: list[int]) -> Batch:
        """The records at these positions, without the faults."""
        if self.columns is not None:
            return self.one_by_one().pick(keep)

        def some(values: list[Any] | None) -> list[Any] | None:
            return None if values is None else [values[number] for number in keep]

        return Batch(
            rows=[self.rows[number] for number in keep],
            values=[self.values[number] for number in keep],
            lines=some(self.lines),
            raws=some(self.raws),
            keys=some(self.keys),
            texts=some(self.texts),
            shown=some(self.shown),
        )


def first(batches: Iterator[Batch], n: int, most: int) -> list[Any]:
    """The first `n` records; fewer, but at least one, where they are not in the first `most` batches."""
    values: list[Any] = []
    for number, batch in enumerate(batches, 1):
        values += batch.values
        if len(values) >= n or (values and number >= most):
            break
    return values[:n]
