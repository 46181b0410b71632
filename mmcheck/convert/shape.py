"""What columns do not say of a record: absent keys and nulls, the order of keys, 1 and 1.0.

A table gives every record all columns. Where that is not the record that was written, `meta.mmcheck` of its row has its
shape: `@` for what the table gives back as it was, objects and lists as far as they differ, and `{"@": [value, cell]}`
for a value of which the table makes the cell.
"""

from __future__ import annotations

from typing import Any

import msgspec

KEPT = "@"


def same(one: Any, other: Any) -> bool:
    """Whether two values are one JSON value, keys in the same order, numbers of the same type."""
    if type(one) is not type(other):
        return False
    if type(one) is dict:
        return list(one) == list(other) and all(same(value, other[key]) for key, value in one.items())
    if type(one) is list:
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def shape(value: Any, cell: Any) -> Any:
    """The shape of a value that a table gives back as `cell`."""
    if same(value, cell):
        return KEPT
    if isinstance(value, dict) and isinstance(cell, dict) and KEPT not in value:
        return {key: shape(each, cell.get(key)) for key, each in value.items()}
    if isinstance(value, list) and isinstance(cell, list) and len(value) == len(cell):
        return list(map(shape, value, cell))
    return {KEPT: [value, cell]}


def shaped(found: Any, cell: Any) -> Any:
    """The value of a shape, as far as the table still says the same; what was edited is as the table has it."""
    if isinstance(found, dict) and list(found) == [KEPT]:
        value, before = found[KEPT]
        return value if cell == before else cell
    if isinstance(found, dict) and isinstance(cell, dict):
        value = {key: shaped(each, cell.get(key)) for key, each in found.items()}
        return value | {key: each for key, each in cell.items() if key not in found and each is not None}
    if isinstance(found, list) and isinstance(cell, list) and len(found) == len(cell):
        return list(map(shaped, found, cell))
    return cell


def with_shape(record: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """The record with its shape in `meta.mmcheck`, where `row`, which a table gives back of it, is another."""
    found = shape(record, {**row, "meta": _own(row["meta"])} if "meta" in row else row)
    if found == KEPT:
        return record
    text = msgspec.json.encode({"shape": found}).decode()
    return {**record, "meta": {**(_own(record.get("meta")) or {}), "mmcheck": text}}


def without_shape(row: dict[str, Any]) -> dict[str, Any]:
    """The record that a row was made from."""
    meta = row.get("meta")
    if not isinstance(meta, dict) or not isinstance(text := meta.get("mmcheck"), str):
        return row
    try:
        found = msgspec.json.decode(text)["shape"]
    except (msgspec.DecodeError, TypeError, KeyError):
        return row
    meta = _own(meta)
    if meta is None and isinstance(found, dict) and "meta" not in found:
        row = {key: value for key, value in row.items() if key != "meta"}
    else:
        row = {**row, "meta": meta}
    try:
        value = shaped(found, row)
    except (TypeError, ValueError):  # a shape that mmcheck did not write
        return row
    return value if isinstance(value, dict) else row


def _own(meta: Any) -> Any:
    """What a record's `meta` has beside what mmcheck keeps there; None where that is nothing."""
    if not isinstance(meta, dict):
        return meta
    own = {key: value for key, value in meta.items() if key != "mmcheck"}
    return own if any(value is not None for value in own.values()) else None


def bare(record: dict[str, Any]) -> dict[str, Any]:
    """The record without what a conversion put into `meta.mmcheck`: a table has its shape there."""
    meta = record.get("meta")
    if not isinstance(meta, dict) or "mmcheck" not in meta:
        return record
    return {**record, "meta": {key: value for key, value in meta.items() if key != "mmcheck"}}
