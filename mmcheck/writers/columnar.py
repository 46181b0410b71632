"""Writes records as Parquet with small row groups, or as Arrow streams the way `save_to_disk` lays them out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmcheck.writers.kinds import cell, pyarrow

ROW_GROUP = 32 << 20
"""How many bytes a row group has at most, unless one record is larger."""


class Parquet:
    """One Parquet file. The schema is `schema`, else that of the first records; a row group is about 32 MB."""

    def __init__(self, path: Path, schema: Any = None, *, plain: Sequence[str] = ()) -> None:
        self._path = path
        self._schema = schema
        self._plain = plain
        self._writer: Any = None
        self._waiting: list[Any] = []
        self._size = 0
        self._flushed = 0

    @property
    def size(self) -> int:
        """How many bytes were written; what waits for its row group counts as it is in memory."""
        return self._flushed + self._size

    def write(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Write records. Raises ValueError where a column would hold values of several types."""
        if records:
            self.write_table(table(records, self._schema))

    def write_table(self, part: Any) -> None:
        """Write a table; a large one is cut."""
        if self._schema is None:
            self._schema = part.schema
        rows = max(1, min(part.num_rows, ROW_GROUP * part.num_rows // max(1, part.nbytes)))
        for start in range(0, part.num_rows, rows):
            piece = part.slice(start, rows)
            self._waiting.append(piece)
            self._size += piece.nbytes
            if self._size >= ROW_GROUP:
                self._flush()

    def _flush(self) -> None:
        if self._writer is None:
            parquet = pyarrow(".parquet")
            names = [name for name in self._schema.names if name not in self._plain]
            try:
                self._writer = parquet.ParquetWriter(
                    self._path, self._schema, use_dictionary=names or False, write_statistics=names or False
                )
            except pyarrow().ArrowNotImplementedError as error:
                raise ValueError(f"Parquet has no place for that: {error}") from None
        if self._waiting:
            self._writer.write_table(pyarrow().concat_tables(self._waiting).combine_chunks())
            self._flushed = self._path.stat().st_size
        self._waiting, self._size = [], 0

    def close(self) -> None:
        """Write the last row group and the footer."""
        if self._schema is None:
            self._schema = pyarrow().schema([])
        self._flush()
        self._writer.close()


class ArrowStream:
    """One shard of a dataset saved by Hugging Face: an Arrow stream."""

    def __init__(self, path: Path, schema: Any) -> None:
        self._file = pyarrow().OSFile(str(path), "wb")
        self._writer = pyarrow(".ipc").new_stream(self._file, schema)
        self._schema = schema
        self.size = 0

    def write(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Write records."""
        if records:
            part = table(records, self._schema)
            self.size += part.nbytes
            self._writer.write_table(part)

    def close(self) -> None:
        """End the stream."""
        self._writer.close()
        self._file.close()


def table(records: Sequence[Mapping[str, Any]], schema: Any = None) -> Any:
    """Records as a table. Raises ValueError where a column would hold values of several types."""
    pa = pyarrow()
    names = list(dict.fromkeys(name for record in records for name in record)) if schema is None else schema.names
    odd = None if schema is None else next((k for record in records for k in record if k not in names), None)
    if odd is not None:
        raise ValueError(f"the field {odd!r} has no column: the first records do not have it")
    arrays = []
    for name in names:
        cells = [record.get(name) for record in records]
        try:
            arrays.append(pa.array(cells) if schema is None else _array(cells, schema.field(name).type))
        except (pa.ArrowException, TypeError, OverflowError) as error:
            raise ValueError(f"the column {name!r} would hold values of several types: {error}") from None
    return pa.Table.from_arrays(arrays, names) if schema is None else pa.Table.from_arrays(arrays, schema=schema)


def _array(cells: list[Any], kind: Any) -> Any:
    pa = pyarrow()
    try:
        return pa.array(cells, kind)
    except pa.ArrowException:  # an object without a field, a large whole number among others
        return pa.array([cell(each, kind) for each in cells], kind)


def save_to_disk_files(folder: Path, shards: Sequence[str], features: Mapping[str, Any], split: str | None) -> None:
    """The two JSON files that make a folder of shards a dataset for `datasets.load_from_disk`."""
    info = {"citation": "", "description": "", "features": features, "homepage": "", "license": ""}
    state: dict[str, Any] = {
        "_data_files": [{"filename": name} for name in shards],
        "_fingerprint": "0" * 16,
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": split,
    }
    (folder / "dataset_info.json").write_text(json.dumps(info, indent=2), encoding="utf-8")
    (folder / "state.json").write_text(json.dumps(state, indent=2), encoding="utf-8")
