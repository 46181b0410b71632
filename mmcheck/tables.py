"""Records unfold into tables: samples, turns, slots, media and a format's own, as its rules file declares them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain, count, repeat
from typing import Any

import polars as pl

from mmcheck import arrow_tables, paths
from mmcheck.cells import constant, fitting
from mmcheck.columns import Elements, of_key
from mmcheck.contracts import TABLES, Kind
from mmcheck.expression import dtype
from mmcheck.readers.batch import Batch
from mmcheck.slots import find_placeholders, ordinals, positions
from mmcheck.sources import media_columns, with_bytes
from mmcheck.table_plans import Spec, TablePlan, declared_columns

#: A sample's key holds the file's number above these bits and the row below.
ROW_BITS = 40


#: The column that numbers the rows of a record, where the table has a word of its own for it.
INDEX = {"turns": "turn", "slots": "slot", "media": "ordinal", "samples": None}


@dataclass(slots=True)
class Tables:
    """The tables of one batch, and the bytes of its media: `media._blob` is an index into `blobs`."""

    frames: dict[str, pl.DataFrame]
    blobs: list[Any]
    ids: pl.Series


_KINDS_OF: dict[str, Kind] = {"String": "string", "Boolean": "boolean", "Float64": "number", "Float32": "number"}


def view_columns(view: TablePlan, plans: tuple[TablePlan, ...]) -> dict[str, Kind]:
    """The columns of a view, found by running it over empty tables."""
    empty = {
        plan.name: pl.DataFrame(schema={name: dtype(kind) for name, kind in declared_columns(plan).items()})
        for plan in plans
        if not plan.sql
    }
    schema = pl.SQLContext(empty, eager=True).execute(view.sql or "").schema
    kinds: dict[str, Kind] = {name: _KINDS_OF.get(str(kind), "integer") for name, kind in schema.items()}
    index = INDEX.get(view.name, "ordinal")
    return kinds | ({index: "integer"} if index else {})


def unfold(
    plans: tuple[TablePlan, ...],
    batch: Batch,
    file_number: int,
    *,
    placeholders: Mapping[str, str | None],
    header: Mapping[str, Any],
    context: Mapping[str, Any],
    ids_only: bool = False,
) -> Tables:
    """The tables of a batch of valid records. `sample` is the file's number and the record's row in one integer.

    Of a batch of columns they are made of those. Raises Unfit where they cannot be.

    `ids_only` leaves out what is made of other tables: enough to count the ids of records that break the schema.
    """
    tables = Tables({}, [], pl.Series("id", batch.keys or [None] * len(batch.rows), dtype=pl.String))
    base = file_number << ROW_BITS
    samples = pl.Series("sample", batch.rows, dtype=pl.Int64) + base
    named = False
    for plan in plans:
        if plan.specs:
            if batch.columns is not None:
                parts = [
                    arrow_tables.rows(each, batch.columns, samples, header, context, plan.name) for each in plan.specs
                ]
            else:
                parts = [_rows(spec, batch, samples, header, context, tables, plan.name) for spec in plan.specs]
            frame = _together(parts)
            tables.frames[plan.name] = _numbered(frame, plan)
            if not named and plan.specs[0].each is None and "id" in frame.columns:
                tables.ids, named = frame["id"], True
    for plan in () if ids_only else plans:
        if plan.text_of is not None:
            tables.frames[plan.name] = find_placeholders(tables.frames[plan.text_of[0]], plan.text_of[1], placeholders)
    for plan in () if ids_only else plans:
        if plan.sql is not None:
            view = pl.SQLContext(tables.frames, eager=True).execute(plan.sql)
            tables.frames[plan.name] = _numbered(view, plan)
    if "samples" in tables.frames:
        count = len(batch.rows)
        lines = (
            pl.Series("line", batch.lines, dtype=pl.Int64) if batch.lines else constant("line", None, "integer", count)
        )
        tables.frames["samples"] = tables.frames["samples"].with_columns(
            constant("file", context.get("file"), "string", count),
            constant("split", context.get("split"), "string", count),
            pl.Series("row", batch.rows, dtype=pl.Int64),
            lines,
        )
    return tables


def _together(parts: list[pl.DataFrame]) -> pl.DataFrame:
    """The rows of several specs of one table, those of one record together, in the order of the specs."""
    if len({tuple(part.columns) for part in parts}) == 1:
        parts = [part for part in parts if part.height] or parts[:1]
    return parts[0] if len(parts) == 1 else pl.concat(parts, how="diagonal").sort("sample", maintain_order=True)


def _rows(
    spec: Spec,
    batch: Batch,
    samples: pl.Series,
    header: Mapping[str, Any],
    context: Mapping[str, Any],
    tables: Tables,
    table: str,
) -> pl.DataFrame:
    elements = _elements(spec, batch)
    elements.record_keys, elements.texts = batch.keys, batch.texts
    elements.header, elements.context = header, context
    columns: dict[str, Any] = {"sample": samples if spec.each is None else samples.gather(elements.parents)}
    if table == "media":
        columns |= media_columns(spec, elements, tables.blobs)
    for column in spec.columns:
        if not (table == "media" and column.name == "source"):
            columns[column.name] = fitting(column.name, column.get(elements), column.kind)
    return pl.DataFrame(columns)


def _elements(spec: Spec, batch: Batch) -> Elements:
    records = batch.values
    if spec.each is None:
        return Elements(records, list(range(len(records))), records)
    values: list[Any] = []
    parents: list[int] = []
    steps = spec.each
    if len(steps) == 1 and steps[0].kind == "key":
        elements = Elements(*_of_members(spec, records, steps[0].key), records)
    else:
        ordinals: list[tuple[int, ...]] = []
        keys: list[tuple[str, ...]] = []
        for number, record in enumerate(records):
            for place in paths.places(record, steps):
                spread = place.value if spec.scalar and isinstance(place.value, list) else [place.value]
                if spec.scalar and place.value is None:
                    continue
                values += spread
                parents += [number] * len(spread)
                ordinals += [place.ordinals] * len(spread)
                keys += [place.keys] * len(spread)
        elements = Elements(values, parents, records, ordinals, keys)
    return _kept(spec, elements)


def _of_members(spec: Spec, records: list[Any], key: str) -> tuple[list[Any], list[int]]:
    """The elements of one member of the records, and the ordinals of their records."""
    found = of_key(records, key)
    if spec.unless is not None:
        others = of_key(records, spec.unless)
        found = [None if other else value for value, other in zip(found, others, strict=True)]
    if spec.embedded is not None:
        blobs = of_key(records, spec.embedded)
        found = [with_bytes(value, beside) if value else value for value, beside in zip(found, blobs, strict=True)]
    types = set(map(type, found))
    if types == {list}:  # the common cases, with no Python code a record
        return list(chain.from_iterable(found)), list(chain.from_iterable(map(repeat, count(), map(len, found))))
    if types.isdisjoint((list, type(None))):
        return (found, list(range(len(found)))) if spec.scalar else ([], [])
    values: list[Any] = []
    parents: list[int] = []
    for number, value in enumerate(found):
        if value.__class__ is list:
            values += value
            parents += [number] * len(value)
        elif spec.scalar and value is not None:
            values.append(value)
            parents.append(number)
    return values, parents


def _kept(spec: Spec, elements: Elements) -> Elements:
    if not spec.where and not any(skipped in elements.values for skipped in spec.skip):
        return elements
    keep = [
        number
        for number, value in enumerate(elements.values)
        if value not in spec.skip and _wanted(spec.where, value, elements.records[elements.parents[number]])
    ]
    return Elements(
        [elements.values[number] for number in keep],
        [elements.parents[number] for number in keep],
        elements.records,
        [elements.ordinals[number] for number in keep] if elements.ordinals is not None else None,
        [elements.keys[number] for number in keep] if elements.keys is not None else None,
    )


def _wanted(where: Mapping[str, tuple[Any, ...]], element: Any, record: Any) -> bool:
    """Whether an element, or its record where a key begins with `$.`, has the values that are wanted."""
    for key, wanted in where.items():
        holder = record if key.startswith("$.") else element
        if not isinstance(holder, dict) or holder.get(key.removeprefix("$.")) not in wanted:
            return False
    return True


def _numbered(frame: pl.DataFrame, plan: TablePlan) -> pl.DataFrame:
    """The frame with the columns that the engine makes: the ordinal in the record, and positions by kind."""
    index = INDEX.get(plan.name, "ordinal")
    have = {*frame.columns}
    made: list[pl.Series] = []
    number: pl.Series | None = None
    if index is not None and index not in have:
        number = ordinals(frame, index)
        made.append(number)
    have |= {index or "position", "position"}
    made += [
        constant(column.name, None, column.kind, frame.height)
        for column in _standard(plan.name)
        if column.name not in have and column.depth is None
    ]
    if plan.name in ("slots", "media") and "position" not in frame.columns:
        made.append(positions(frame, number))
    return frame.hstack(made)


def _standard(name: str) -> tuple[Any, ...]:
    return TABLES[name].columns if name in TABLES else ()
