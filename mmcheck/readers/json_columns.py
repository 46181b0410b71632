"""JSON records as Arrow columns, where all of a block have the shape of those before: no Python object a value.

Arrow's reader is held to one exact shape: another type, an unknown key or a key that stands twice is an error there,
never a conversion, and the block is then read record by record. What it takes beyond JSON (NaN, two records in one
line, a byte order mark) is refused here. Its nulls are nulls of the text or keys that are not there: `says_null` tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

import msgspec

from mmcheck.limits import Limits

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    import pyarrow as pa

_DECODER = msgspec.json.Decoder()
#: Records that tell the shape of those that follow.
_TELLING = 100
#: Shapes beyond this are no tables: a metadata object with a key a record, brackets in brackets.
_MOST_FIELDS, _MOST_LEVELS = 100, 16
#: So many blocks, and one of so many, may not be of the shape before the file is taken for one that has none.
_MOST_MISSES, _ONE_OF = 4, 4
_LIMIT = 2**63
_PIECE = 256 << 10
#: About what Arrow's reader parses at a time.
_PARSED = 1 << 20
#: Arrow's offsets have 32 bits.
_MOST_BYTES = 1 << 30
#: A text of so many bytes at most stands in the view itself.
_INLINE = 12
_NEWLINE, _OPENS, _CLOSES = b"\n{}"


class Lines(Sequence[bytes]):
    """The lines of a block, each cut out when it is asked for; `ends` are where they end, `starts` where they begin."""

    def __init__(self, text: bytearray, starts: np.ndarray[Any, Any], ends: np.ndarray[Any, Any]) -> None:
        self._text, self.starts, self.ends = text, starts, ends

    def __len__(self) -> int:
        return len(self.starts)

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> Lines: ...
    def __getitem__(self, index: int | slice) -> bytes | Lines:
        if isinstance(index, slice):
            return Lines(self._text, self.starts[index], self.ends[index])
        return bytes(self._text[int(self.starts[index]) : int(self.ends[index])])

    def series(self, name: str) -> pl.Series:
        """The lines as a column of texts, which shares the memory of the block."""
        import numpy as np
        import polars as pl
        import pyarrow as pa

        sizes = self.ends - self.starts
        if int(sizes.min()) <= _INLINE:
            return pl.Series(name, list(self), dtype=pl.Binary).cast(pl.String)
        data = np.frombuffer(self._text, np.uint8)
        # Arrow's layout of a view: how long a text is, how it begins, in which buffer it is, and where.
        views = np.zeros((len(self), 4), np.uint32)
        views[:, 0], views[:, 3] = sizes, self.starts
        views[:, 1:2].view(np.uint8)[:] = data[self.starts[:, None] + np.arange(4)]
        buffers = [None, pa.py_buffer(views), pa.py_buffer(self._text)]
        return pl.Series(name, pa.Array.from_buffers(pa.string_view(), len(self), buffers))


@dataclass(frozen=True)
class Columns:
    """Records as an Arrow array of structs, the block that they were read from, and its lines."""

    array: pa.StructArray
    text: bytearray
    lines: Lines

    def slice(self, start: int, count: int) -> Columns:
        """So many of the records."""
        return Columns(self.array.slice(start, count), self.text, self.lines[start : start + count])

    @cached_property
    def says_null(self) -> bool:
        """Whether there may be a null in the text; if not, a null in a column is a key that is not there."""
        at = self.text.find(b"null")
        while at >= 0:
            before = self.text[max(0, at - 64) : at].rstrip(b" \t\r\n")
            if not before or before.endswith((b":", b",", b"[")):
                return True
            at = self.text.find(b"null", at + 4)
        return False


class Lane:
    """Reads blocks of one file by columns, as long as it has a shape: told by its first records, and by what is new."""

    def __init__(self) -> None:
        self._shape: pa.DataType | None = None
        self._hits = self._misses = 0

    @property
    def open(self) -> bool:
        """Whether blocks should still be tried."""
        return self._misses <= _MOST_MISSES + self._hits // _ONE_OF

    def miss(self) -> None:
        """Tell that columns were no use for a block."""
        self._misses += 1

    def read(self, text: bytearray, limits: Limits) -> Columns | None:
        """The records of whole lines, the last without its line break; None where they are to be read one by one."""
        if not self.open or len(text) > _MOST_BYTES:
            return None
        lines = _lines(text, limits.max_line_bytes)
        return None if lines is None else self._columns(text, lines, limits)

    def join(self, records: Sequence[bytes], limits: Limits) -> Columns | None:
        """The same for texts of one JSON value each, in which there may be line breaks."""
        import numpy as np

        sizes = np.fromiter(map(len, records), np.int64, len(records))
        if not self.open or not len(records) or int(sizes.sum()) > _MOST_BYTES:
            return None
        text = bytearray(b"\n").join(records)
        ends = np.cumsum(sizes + 1) - 1
        return self._columns(text, Lines(text, ends - sizes, ends), limits, broken=text.count(b"\n") >= len(records))

    def _columns(self, text: bytearray, lines: Lines, limits: Limits, *, broken: bool = False) -> Columns | None:
        """The columns of a text, where some record may be `broken` into several lines."""
        import pyarrow as pa
        from pyarrow import json

        shape = self._shape or self._learn(lines, limits)
        if shape is None or not shape.num_fields:
            return None
        options = json.ParseOptions(
            explicit_schema=pa.schema(list(shape)), unexpected_field_behavior="error", newlines_in_values=broken
        )
        longest = int((lines.ends - lines.starts).max())
        whole = json.ReadOptions(use_threads=False, block_size=max(_PARSED, 2 * longest))
        try:
            table = json.read_json(pa.BufferReader(text), read_options=whole, parse_options=options)
            batch = table.combine_chunks().to_batches()[0] if table.num_rows else None
            if batch is None or batch.num_rows != len(lines):
                raise ValueError("not one record a line")
            array = pa.StructArray.from_arrays(batch.columns, fields=list(shape))
            array.validate(full=True)  # Arrow's reader does not ask whether texts are UTF-8
            if "double" in str(array.type) and not _finite(array):
                raise ValueError("NaN is no JSON")
        except (ValueError, pa.ArrowException, MemoryError):
            if self._learn(lines, limits) is not None:
                self.miss()
            return None
        self._hits += 1
        return Columns(array, text, lines)

    def _learn(self, lines: Lines, limits: Limits) -> pa.DataType | None:
        """The shape of the records so far, with what is new in these; None where they have none together."""
        import pyarrow as pa

        try:
            levels = min(_MOST_LEVELS, limits.max_nesting)
            told = [_DECODER.decode(line) for line in lines[:_TELLING]]
            shape = _joined([self._shape or pa.null(), *(_shape(value, levels) for value in told)])
            if _fields(shape) > _MOST_FIELDS:
                raise _Shapeless
        except (_Shapeless, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self.miss()
            return None
        self._shape = shape
        return shape


def _lines(text: bytearray, longest: int) -> Lines | None:
    """The lines of a block in which all line breaks stand between `}` and `{`, where no value can go on."""
    import numpy as np

    if text[:1] != b"{" or text[-1:] != b"}":
        return None
    data = np.frombuffer(text, np.uint8)
    # A piece at a time stays in the processor's cache.
    pieces = range(0, len(data), _PIECE)
    breaks = np.concatenate([np.flatnonzero(data[at : at + _PIECE] == _NEWLINE) + at for at in pieces])
    if not ((data[breaks - 1] == _CLOSES) & (data[breaks + 1] == _OPENS)).all():
        return None
    starts = np.concatenate(([0], breaks + 1))
    ends = np.append(breaks, len(text))
    return Lines(text, starts, ends) if int((ends - starts).max()) <= longest else None


class _Shapeless(Exception):
    """Values that no Arrow type holds as they are."""


def _shape(value: Any, levels: int) -> pa.DataType:
    """The Arrow type that holds a JSON value without changing it. Raises _Shapeless."""
    import pyarrow as pa

    if not levels:
        raise _Shapeless
    if value is None:
        return pa.null()
    if isinstance(value, str):
        return pa.string()
    if isinstance(value, bool):
        return pa.bool_()
    if isinstance(value, int) and -_LIMIT <= value < _LIMIT:
        return pa.int64()
    if isinstance(value, float):
        return pa.float64()
    if isinstance(value, list):
        return pa.list_(_joined([_shape(element, levels - 1) for element in value]))
    if isinstance(value, dict) and len(value) <= _MOST_FIELDS:
        return pa.struct([pa.field(key, _shape(element, levels - 1)) for key, element in value.items()])
    raise _Shapeless


def _joined(types: list[pa.DataType]) -> pa.DataType:
    """The type that holds the values of all. Raises _Shapeless where they are of different sorts."""
    import pyarrow as pa
    from pyarrow import types as is_

    several = {kind for kind in types if not is_.is_null(kind)}
    if len(several) <= 1:
        return several.pop() if several else pa.null()
    if all(map(is_.is_list, several)):
        return pa.list_(_joined([kind.value_type for kind in several]))
    if all(map(is_.is_struct, several)):
        fields: dict[str, list[pa.DataType]] = {}
        for kind in (kind for kind in types if not is_.is_null(kind)):
            for field in kind:
                fields.setdefault(field.name, []).append(field.type)
        if len(fields) > _MOST_FIELDS:
            raise _Shapeless
        return pa.struct([pa.field(name, _joined(found)) for name, found in fields.items()])
    raise _Shapeless


def _fields(shape: pa.DataType) -> int:
    """How many fields a shape has at all depths."""
    return sum(1 + _fields(shape.field(number).type) for number in range(shape.num_fields))


def _finite(array: pa.Array) -> bool:
    """Whether no number of an array is NaN or infinite."""
    from pyarrow import compute
    from pyarrow import types as is_

    if is_.is_struct(array.type):
        return all(_finite(part) for part in array.flatten())
    if is_.is_list(array.type):
        return _finite(array.flatten())
    return not is_.is_float64(array.type) or compute.all(compute.is_finite(array)).as_py() is not False
