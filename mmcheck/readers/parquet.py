"""Reads Parquet row groups in small batches, with no more of a row group in memory than a few pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmcheck.limits import Limits
from mmcheck.readers.batch import Batch, Fault
from mmcheck.readers.columnar import batches, damage, pyarrow, rows_for
from mmcheck.readers.source import BLOCK, Expansion, StreamError, open_file

_BUFFER = 1 << 20
_TRIAL = 16


def opened(path: Path) -> Any:
    """The file as pyarrow has it. Raises OpenError where it is missing, and one of `damage()` where it is damaged."""
    open_file(path).close()
    return pyarrow(".parquet").ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER, memory_map=False)


def damaged(error: Exception, row: int = 0) -> Fault:
    """The fault of a file that pyarrow refuses, after `row` rows."""
    words = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
    after = f" after {row} rows" if row else ""
    hint = "the file was not written or copied to its end: write it again or fetch it again"
    return Fault("MM003", f"the Parquet file is damaged{after}: {words}", hint=hint)


def read(path: Path, block: int = BLOCK, limits: Limits = Limits()) -> Iterator[Batch]:  # noqa: B008  # frozen
    """The rows of all row groups; what stands before a damaged place is read."""
    row = 0
    try:
        unfolds = Expansion(path.stat().st_size, limits)
        with opened(path) as file:
            for group in range(file.metadata.num_row_groups):
                size = _rows(file, group, block)
                for table in file.iter_batches(batch_size=size, row_groups=[group]):
                    unfolds.add(table.nbytes)
                    yield from batches(table, row, block)
                    row += table.num_rows
    except StreamError as error:
        yield Batch(faults=[Fault("MM002", error.message, hint=error.hint)])
        return
    except damage() as error:
        yield Batch(faults=[damaged(error, row)])
        return
    if not row:
        yield Batch(faults=[Fault("MM003", "the file holds no record", hint="write it again or fetch it again")])


def _rows(file: Any, group: int, block: int) -> int:
    """How many rows to read at once. A dictionary hides how long its values are: then a few rows are tried."""
    meta = file.metadata.row_group(group)
    size = rows_for(meta.total_byte_size, meta.num_rows, block)
    columns = (meta.column(index) for index in range(meta.num_columns))
    if any(column.has_dictionary_page and column.physical_type == "BYTE_ARRAY" for column in columns):
        for table in file.iter_batches(batch_size=_TRIAL, row_groups=[group]):
            return min(size, rows_for(table.nbytes, table.num_rows, block))
    return size
