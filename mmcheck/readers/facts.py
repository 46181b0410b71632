"""What a file tells about itself without being read: its size and, for Parquet, what the footer says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mmcheck.readers import apart
from mmcheck.readers.columnar import damage
from mmcheck.readers.container import container

_WINDOW = 1_000
_LONG = 200
"""From this mean on, bytes a value, a dictionary cannot hide much: the values themselves fill the chunk."""
_FRONT_CODED = {"RLE_DICTIONARY", "PLAIN_DICTIONARY", "DELTA_BYTE_ARRAY"}


def facts(path: Path) -> dict[str, Any]:
    """The columns of the files table that come from the file itself. Raises OpenError where it is missing."""
    found: dict[str, Any] = {
        "container": container(path).name or None, "bytes": path.stat().st_size, "records": None, "row_groups": None,
        "largest_row_group_bytes": None, "largest_string_bytes": None, "string_window_bytes": None,
        "pandas_index": None, "columns": None,
    }  # fmt: skip
    if found["container"] == "parquet":
        found |= apart.ask("footer", path) or {}
    return found


def footer(path: Path) -> dict[str, Any]:
    """What the footer of a Parquet file says; nothing where it is damaged."""
    from mmcheck.readers.parquet import opened

    try:
        with opened(path) as file:
            return _footer(file)
    except damage():
        return {}


def _footer(file: Any) -> dict[str, Any]:
    meta, schema = file.metadata, file.schema_arrow
    groups = [meta.row_group(index) for index in range(meta.num_row_groups)]
    strings = [_string_bytes(group) for group in groups]
    known = [size for size in strings if size is not None]
    complete = len(known) == len(groups)
    means = [
        size / group.num_rows
        for size, group in zip(strings, groups, strict=True)
        if size is not None and group.num_rows
    ]
    return {
        "records": meta.num_rows,
        "row_groups": len(groups),
        "largest_row_group_bytes": max((group.total_byte_size for group in groups), default=0),
        "largest_string_bytes": max(known, default=0) if complete else None,
        "string_window_bytes": round(max(means, default=0) * min(_WINDOW, meta.num_rows)) if complete else None,
        "pandas_index": _pandas_index(schema.metadata or {}),
        "columns": json.dumps({field.name: str(field.type) for field in schema}, ensure_ascii=False),
    }


def _string_bytes(group: Any) -> int | None:
    """The bytes of all strings of a row group; None where the footer cannot tell.

    A PLAIN chunk is four bytes of length and the bytes of each value (mimic-it: U - 4n).
    """
    total = 0
    for index in range(group.num_columns):
        column = group.column(index)
        if column.physical_type != "BYTE_ARRAY":
            continue
        size, values = column.total_uncompressed_size, column.num_values
        hidden = column.has_dictionary_page or not _FRONT_CODED.isdisjoint(column.encodings)
        if hidden and values and size / values < _LONG:
            return None
        total += max(0, size - 4 * values)
    return total


def _pandas_index(metadata: dict[bytes, bytes]) -> str | None:
    """The index that pandas kept: its name, "range", several names as JSON text, "" for none; None without pandas."""
    try:
        columns = json.loads(metadata[b"pandas"])["index_columns"]
    except (KeyError, ValueError, TypeError):
        return None
    if len(columns) == 1:
        return "range" if isinstance(columns[0], dict) else str(columns[0])
    return json.dumps(columns) if columns else ""
