"""Turns Arrow record batches into Python records: bytes stay bytes, null cells of structs are left out."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import pairwise
from mmap import mmap
from pathlib import Path
from typing import Any

from xxhash import xxh3_128_hexdigest

from mmcheck.readers.batch import Batch, Fault, Stored
from mmcheck.readers.jsonl import RECORDS, no_gc, told
from mmcheck.readers.source import BLOCK

STORED = 4 << 10
"""Bytes from which on it is worth while to leave a cell where it is."""

ROW = 8
"""What a row counts for at least, in bytes: rows of nulls take none, and a few bytes may say that there are 2^40."""


def pyarrow(module: str = "") -> Any:
    """Import pyarrow or one of its modules, when it is needed: it takes 0.2 s."""
    return import_module("pyarrow" + module)


def damage() -> tuple[type[Exception], ...]:
    """What pyarrow raises for files and cells that are not what they should be."""
    pa = pyarrow()
    return (pa.ArrowException, OSError, ValueError, OverflowError, TypeError, KeyError, IndexError, MemoryError)


def named(schema: Any) -> Any:
    """A schema whose names are text, as they need not be in a damaged file. Raises ValueError for another."""
    pickle.dumps(schema)
    return schema


def rows_for(size: int, rows: int, block: int = BLOCK) -> int:
    """How many rows make a batch of `block` bytes, where `rows` rows have `size` bytes."""
    return max(1, min(RECORDS, block * rows // max(1, size)))


class Pages:
    """A file that is mapped into memory, in which large binary cells are left where they are: `left` bytes so far."""

    def __init__(self, path: Path, pages: mmap) -> None:
        self.path, self._view = os.fspath(path), pyarrow().py_buffer(pages)
        self.left = 0

    def place(self, data: Any) -> int | None:
        """Where in the file a buffer is; None for one that was made."""
        start: int = data.address - self._view.address
        return start if start >= 0 and start + data.size <= self._view.size else None


def batches(table: Any, first: int, block: int, most: int, pages: Pages | None = None) -> Iterator[Batch]:
    """The rows of a record batch, whose first is row `first` of its file. Each may have `most` bytes, without media.

    Large binary cells that are in `pages` are `Stored` and not read.
    """
    rows = table.num_rows
    if not rows:
        return
    step = rows_for(table.nbytes, rows, block)
    for start in range(0, rows, step):
        yield _batch(table.slice(start, step), first + start, most, pages)


def _batch(part: Any, first: int, most: int, pages: Pages | None) -> Batch:
    rows = part.num_rows
    try:
        part.validate(full=True)
        if part.nbytes > most and rows == 1 and sum(map(_held, part.columns)) > most:
            hint = "media belong in bytes or in files of their own: --param max_line_bytes=N raises the limit"
            message = f"row {first} has more than {told(most)} of text and numbers"
            return Batch(faults=[Fault("MM002", message, row=first, hint=hint)])
        if part.nbytes <= most or rows == 1:
            return _whole(part, first, pages)
    except damage() as error:
        if rows == 1:
            hint = "write the file again from its source"
            return Batch(faults=[Fault("MM002", f"row {first} is not readable: {_words(error)}", row=first, hint=hint)])
    whole = Batch()
    for index in range(rows):
        one = _batch(part.slice(index, 1), first + index, most, pages)
        whole.rows += one.rows
        whole.values += one.values
        whole.faults += one.faults
    return whole


def _whole(part: Any, first: int, pages: Pages | None) -> Batch:
    with no_gc():
        return Batch(rows=list(range(first, first + part.num_rows)), values=records(part, pages))


def _held(array: Any) -> int:
    """The bytes of an array, but for those of binary values, which may be media."""
    types, kind = pyarrow(".types"), array.type
    if any(test(kind) for test in (types.is_binary, types.is_large_binary, types.is_fixed_size_binary)):
        return 0
    if types.is_binary_view(kind):
        return 0
    if types.is_struct(kind):
        return sum(_held(array.field(index)) for index in range(kind.num_fields))
    if types.is_list(kind) or types.is_large_list(kind):
        return _held(array.flatten()) + 8 * len(array)
    if types.is_dictionary(kind):
        return _held(array.dictionary_decode())
    if hasattr(kind, "storage_type"):
        return _held(array.storage)
    size: int = array.nbytes
    return size


def _words(error: Exception) -> str:
    return str(error).splitlines()[0][:300] if str(error) else type(error).__name__


def records(part: Any, pages: Pages | None = None) -> list[Any]:
    """The rows of a record batch as dicts without their null cells."""
    names = part.schema.names
    columns = [values(column, pages) for column in part.columns]
    if not columns:
        return [{} for _ in range(part.num_rows)]
    return _dicts(names, columns)


def _dicts(names: list[str], columns: list[list[Any]]) -> list[Any]:
    found = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    if any(None in column for column in columns):
        return [{name: cell for name, cell in row.items() if cell is not None} for row in found]
    return found


def values(array: Any, pages: Pages | None = None) -> list[Any]:
    """The cells of an Arrow array as Python values, None for null."""
    types = pyarrow(".types")
    kind = array.type
    convert = next((convert for test, convert in _CONVERTERS if getattr(types, test)(kind)), None)
    if convert is not None:
        return convert(array, pages)
    if hasattr(kind, "storage_type"):
        return values(array.storage, pages)
    plain: list[Any] = array.to_pylist()
    return plain


def _struct(array: Any, pages: Pages | None) -> list[Any]:
    kind = array.type
    names = [kind.field(index).name for index in range(kind.num_fields)]
    columns = [values(array.field(index), pages) for index in range(kind.num_fields)]
    rows = _dicts(names, columns) if columns else [{} for _ in range(len(array))]
    return _with_nulls(array, rows)


def _list(array: Any, pages: Pages | None) -> list[Any]:
    """Lists by their offsets; `flatten` would lose what a null list covers."""
    offsets = array.offsets.to_pylist()
    base = offsets[0] if offsets else 0
    cells = values(array.values.slice(base, offsets[-1] - base), pages) if offsets else []
    rows = [cells[start - base : end - base] for start, end in pairwise(offsets)]
    return _with_nulls(array, rows)


def _fixed_list(array: Any, pages: Pages | None) -> list[Any]:
    size = array.type.list_size
    cells = values(array.values.slice(array.offset * size, len(array) * size), pages)
    return _with_nulls(array, [cells[start : start + size] for start in range(0, len(array) * size, size or 1)])


def _map(array: Any, pages: Pages | None) -> list[Any]:
    """A map with text keys is an object, any other a list of pairs."""
    pa = pyarrow()
    pairs = pa.ListArray.from_arrays(
        array.offsets, pa.StructArray.from_arrays([array.keys, array.items], ["key", "value"])
    )
    rows = [[(pair.get("key"), pair.get("value")) for pair in row] for row in _list(pairs, pages)]
    texts = pa.types.is_string(array.type.key_type) or pa.types.is_large_string(array.type.key_type)
    return _with_nulls(array, [dict(row) if texts else [list(pair) for pair in row] for row in rows])


def _with_nulls(array: Any, rows: list[Any]) -> list[Any]:
    if array.null_count:
        return [row if valid else None for row, valid in zip(rows, array.is_valid().to_pylist(), strict=True)]
    return rows


def _binary(array: Any, pages: Pages | None) -> list[Any]:
    """Large cells stay in their file, if they can be told from it."""
    _, told, data = array.buffers()
    place = pages.place(data) if pages is not None and data is not None else None
    if pages is None or place is None:
        plain: list[Any] = array.to_pylist()
        return plain
    whole = memoryview(told)
    numbers = whole.cast("q") if pyarrow().types.is_large_binary(array.type) else whole.cast("i")
    offsets = numbers[array.offset : array.offset + len(array) + 1].tolist()
    view = memoryview(data)
    cells: list[Any] = []
    for start, end in pairwise(offsets):
        cell = view[start:end]
        kept = end - start < STORED
        cells.append(bytes(cell) if kept else Stored(pages.path, place + start, len(cell), xxh3_128_hexdigest(cell)))
    pages.left += sum(len(cell) for cell in cells if isinstance(cell, Stored))
    return _with_nulls(array, cells)


def _decimal(array: Any, pages: Pages | None) -> list[Any]:
    return [None if cell is None else float(cell) for cell in array.to_pylist()]


def _time(array: Any, pages: Pages | None) -> list[Any]:
    """ISO 8601 text; casting keeps nanoseconds and years that Python's datetime does not know."""
    pa = pyarrow()
    texts: list[Any] = array.cast(pa.string()).to_pylist()
    return [text if text is None else text.replace(" ", "T", 1) for text in texts]


def _duration(array: Any, pages: Pages | None) -> list[Any]:
    pa = pyarrow()
    seconds = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[array.type.unit]
    return [None if cell is None else cell / seconds for cell in array.cast(pa.int64()).to_pylist()]


def _dictionary(array: Any, pages: Pages | None) -> list[Any]:
    return values(array.dictionary_decode(), pages)


def _run_ends(array: Any, pages: Pages | None) -> list[Any]:
    return values(pyarrow(".compute").run_end_decode(array), pages)


def _view_list(array: Any, pages: Pages | None) -> list[Any]:
    return [
        None if cell is None else values(cell.values, pages) if hasattr(cell, "values") else cell.as_py()
        for cell in map(_valid, array)
    ]


def _valid(scalar: Any) -> Any:
    return scalar if scalar.is_valid else None


_CONVERTERS: list[tuple[str, Callable[[Any, Pages | None], list[Any]]]] = [
    ("is_binary", _binary),
    ("is_large_binary", _binary),
    ("is_struct", _struct),
    ("is_list", _list),
    ("is_large_list", _list),
    ("is_fixed_size_list", _fixed_list),
    ("is_map", _map),
    ("is_list_view", _view_list),
    ("is_large_list_view", _view_list),
    ("is_dictionary", _dictionary),
    ("is_run_end_encoded", _run_ends),
    ("is_decimal", _decimal),
    ("is_timestamp", _time),
    ("is_date", _time),
    ("is_time", _time),
    ("is_duration", _duration),
]
