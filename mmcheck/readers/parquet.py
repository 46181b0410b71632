"""Reads Parquet row groups in small batches, with no more of a row group in memory than a few pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, Any

from mmcheck.errors import OpenError
from mmcheck.limits import Limits
from mmcheck.readers.batch import Batch, Fault, Part
from mmcheck.readers.columnar import ROW, batches, damage, named, pyarrow, rows_for
from mmcheck.readers.page_sizes import page_sizes
from mmcheck.readers.source import BLOCK, Expansion, StreamError, open_file
from mmcheck.storage import RemotePath

_BUFFER = 1 << 20
_REMOTE_BUFFER = 4 << 20
_TRIAL = 16
_ROOM = 1 << 30
_SHARED = "DELTA_BYTE_ARRAY"


def opened(path: Path) -> Any:
    """The file as pyarrow has it. Raises OpenError where it is missing, and one of `damage()` where it is damaged."""
    if isinstance(path, RemotePath):
        # Far away a request costs more than a few bytes too many; nothing is read ahead of what pyarrow asks for.
        return pyarrow(".parquet").ParquetFile(path.ranges(), pre_buffer=False, buffer_size=_REMOTE_BUFFER)
    open_file(path).close()
    return pyarrow(".parquet").ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER, memory_map=False)


def damaged(error: Exception, row: int = 0) -> Fault:
    """The fault of a file that pyarrow refuses, after `row` rows."""
    words = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
    after = f" after {row} rows" if row else ""
    hint = "the file was not written or copied to its end: write it again or fetch it again"
    return Fault("MM003", f"the Parquet file is damaged{after}: {words}", hint=hint)


def read(
    path: Path,
    block: int = BLOCK,
    limits: Limits = Limits(),  # noqa: B008  # frozen
    part: Part | None = None,
) -> Iterator[Batch]:
    """The rows of all row groups, or those of a part; what stands before a damaged place is read."""
    row = 0
    try:
        for table in tables(path, block, limits, part):
            yield from batches(table, row, block, limits.max_line_bytes)
            row += table.num_rows
    except StreamError as error:
        yield Batch(faults=[Fault("MM002", error.message, hint=error.hint)])
        return
    except damage() as error:
        yield Batch(faults=[damaged(error, row)])
        return
    if not row and part is None:
        yield Batch(faults=[Fault("MM003", "the file holds no record", hint="write it again or fetch it again")])


def tables(path: Path, block: int, limits: Limits, part: Part | None = None) -> Iterator[Any]:
    """The rows as record batches of about `block` bytes, each counted before it is there.

    Raises StreamError for a bomb, OpenError where the file is missing, and one of `damage()` where it is damaged.
    """
    unfolds, claims = (Expansion(path.stat().st_size, limits) for _ in range(2))
    with opened(path) as file, _stored(path) as stored:
        for group in range(file.metadata.num_row_groups) if part is None else range(part.start, part.stop):
            hidden = _claimed(file.metadata.row_group(group), stored, claims)
            size = _rows(file, group, block, hidden)
            for table in file.iter_batches(batch_size=size, row_groups=[group]):
                unfolds.add(table.nbytes + ROW * table.num_rows)
                yield table


def schema(path: Path) -> Any:
    """The columns as pyarrow has them. Raises OpenError where the file is missing or damaged."""
    try:
        with opened(path) as file:
            return named(file.schema_arrow)
    except damage() as error:
        raise OpenError(f"{path} cannot be read: {damaged(error).message}") from None


def sizes(path: Path) -> list[int]:
    """The bytes of each row group, unfolded; none where the file is damaged."""
    try:
        with opened(path) as file:
            meta = file.metadata
            return [meta.row_group(group).total_byte_size for group in range(meta.num_row_groups)]
    except damage():
        return []


def _stored(path: Path) -> AbstractContextManager[IO[bytes] | None]:
    """The file as bytes; None for a remote one, where a look at each page would be a request."""
    return nullcontext() if isinstance(path, RemotePath) else open_file(path)


def _claimed(group: Any, stored: IO[bytes] | None, claims: Expansion) -> int:
    """Count what the pages of a row group unfold to, by their own headers where they can be looked at.

    Gives the largest value in bytes that may hide behind a dictionary or a shared prefix, for each row of the group.
    Raises StreamError where a page is a bomb.
    """
    hidden = 0
    for index in range(group.num_columns):
        column = group.column(index)
        largest = 0
        for size in page_sizes(stored, column) if stored is not None else [max(0, column.total_uncompressed_size)]:
            claims.add(size)
            largest = max(largest, size)
        if column.physical_type == "BYTE_ARRAY" and (column.has_dictionary_page or _SHARED in column.encodings):
            hidden += largest
    return hidden


def _rows(file: Any, group: int, block: int, hidden: int) -> int:
    """How many rows to read at once. Where `hidden` bytes may be in each of them, a few rows are tried first."""
    meta = file.metadata.row_group(group)
    size = rows_for(meta.total_byte_size, meta.num_rows, block)
    if not hidden:
        return size
    most = max(1, _ROOM // hidden)
    for table in file.iter_batches(batch_size=min(_TRIAL, most), row_groups=[group]):
        return min(size, most, rows_for(table.nbytes, table.num_rows, block))
    return size
