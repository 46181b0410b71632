"""Records unfold into tables: samples, turns, slots, media and a format's own, as its rules file declares them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from mmcheck import paths
from mmcheck.columns import Declared, Elements, coerce, declare, text
from mmcheck.contracts import SAMPLE, TABLES, Kind
from mmcheck.errors import RequestError, nearest
from mmcheck.expression import dtype
from mmcheck.readers.batch import Batch

#: A sample's key holds the file's number above these bits and the row below.
ROW_BITS = 40

#: The column that numbers the rows of a record, where the table has a word of its own for it.
INDEX = {"turns": "turn", "slots": "slot", "media": "ordinal", "samples": None}

_SPEC_KEYS = (
    "each", "scalar", "skip_empty", "skip", "kind", "ids", "encoding", "in", "sql", "columns", "where", "unless",
    "embedded",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spec:
    """One declared way from records to rows of a table."""

    each: tuple[paths.Step, ...] | None
    columns: tuple[Declared, ...]
    scalar: bool = False
    skip: tuple[Any, ...] = ()
    kind: str | None = None
    ids: bool = False
    base64: bool = False
    where: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    unless: str | None = None
    embedded: str | None = None


@dataclass(frozen=True, slots=True)
class TablePlan:
    """How a table is made: by unfolding (`specs`), by finding placeholders in `text_of`, or as a view (`sql`)."""

    name: str
    specs: tuple[Spec, ...] = ()
    text_of: tuple[str, str] | None = None
    sql: str | None = None


@dataclass(slots=True)
class Tables:
    """The tables of one batch, and the bytes of its media: `media._blob` is an index into `blobs`."""

    frames: dict[str, pl.DataFrame]
    blobs: list[Any]
    ids: list[str | None]


def compile_tables(data: Mapping[str, Any]) -> tuple[TablePlan, ...]:
    """The plans of the `tables:` of a role. Raises RequestError where a declaration is wrong."""
    plans = []
    for name, declared in data.items():
        if declared is None:
            continue
        specs = declared if isinstance(declared, list) else [declared]
        for spec in specs:
            for key in spec:
                if key not in _SPEC_KEYS:
                    raise RequestError(f"the table {name!r} has an unknown key {key!r}{nearest(key, _SPEC_KEYS)}")
        first = specs[0]
        if "sql" in first:
            plans.append(TablePlan(name, sql=first["sql"]))
        elif "in" in first:
            table, _, column = first["in"].partition(".")
            plans.append(TablePlan(name, text_of=(table, column)))
        else:
            plans.append(TablePlan(name, specs=tuple(_spec(spec) for spec in specs)))
    return tuple(plans)


def _spec(data: Mapping[str, Any]) -> Spec:
    return Spec(
        each=paths.parse(data["each"]) if data.get("each") is not None else None,
        columns=tuple(declare(name, spec) for name, spec in (data.get("columns") or {}).items()),
        scalar=bool(data.get("scalar")),
        skip=(*data.get("skip", ()), *([""] if data.get("skip_empty") else [])),
        kind=data.get("kind"),
        ids=bool(data.get("ids")),
        base64=data.get("encoding") == "base64",
        where={key: tuple(value) if isinstance(value, list) else (value,) for key, value in data.get("where", {}).items()},
        unless=data.get("unless"),
        embedded=data.get("embedded"),
    )  # fmt: skip


def declared_columns(plan: TablePlan) -> dict[str, Kind]:
    """The columns of a table: those that every format has, and the format's own."""
    table = TABLES.get(plan.name)
    columns: dict[str, Kind] = {column.name: column.kind for column in table.columns} if table else {}
    if not table:
        columns = {"sample": SAMPLE.kind, "ordinal": "integer"}
    for spec in plan.specs:
        columns |= {column.name: column.kind for column in spec.columns if column.name not in ("sample",)}
    return columns


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

    `ids_only` leaves out what is made of other tables: enough to count the ids of records that break the schema.
    """
    tables = Tables({}, [], [])
    base = file_number << ROW_BITS
    samples = pl.Series("sample", batch.rows, dtype=pl.Int64) + base
    ids: list[str | None] | None = None
    for plan in plans:
        if plan.specs:
            parts = [_rows(spec, batch, samples, header, context, tables, plan.name) for spec in plan.specs]
            frame = parts[0] if len(parts) == 1 else pl.concat(parts, how="diagonal").sort("sample", maintain_order=True)
            tables.frames[plan.name] = _numbered(frame, plan)
            if ids is None and plan.specs[0].each is None and "id" in frame.columns:
                ids = frame["id"].to_list()
    tables.ids = ids or list(batch.keys or [None] * len(batch.rows))
    for plan in () if ids_only else plans:
        if plan.text_of is not None:
            tables.frames[plan.name] = _placeholders(tables.frames[plan.text_of[0]], plan.text_of[1], placeholders)
    for plan in () if ids_only else plans:
        if plan.sql is not None:
            view = pl.SQLContext(tables.frames, eager=True).execute(plan.sql)
            tables.frames[plan.name] = _numbered(view, plan)
    if "samples" in tables.frames:
        lines = pl.Series("line", batch.lines, dtype=pl.Int64) if batch.lines else pl.lit(None, pl.Int64).alias("line")
        tables.frames["samples"] = tables.frames["samples"].with_columns(
            pl.lit(context.get("file"), pl.String).alias("file"),
            pl.lit(context.get("split"), pl.String).alias("split"),
            pl.Series("row", batch.rows, dtype=pl.Int64), lines
        )
    return tables


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
    columns: dict[str, Any] = {"sample": samples.gather(elements.parents) if spec.each is not None else samples}
    if table == "media":
        columns |= _media_columns(spec, elements, tables.blobs)
    for column in spec.columns:
        if not (table == "media" and column.name == "source"):
            columns[column.name] = _series(column.name, coerce(column.get(elements), column.kind), column.kind)
    return pl.DataFrame(columns)


def _elements(spec: Spec, batch: Batch) -> Elements:
    records = batch.values
    if spec.each is None:
        return Elements(records, list(range(len(records))), records)
    values: list[Any] = []
    parents: list[int] = []
    steps = spec.each
    if len(steps) == 1 and steps[0].kind == "key":
        key = steps[0].key
        for number, record in enumerate(records):
            value = record.get(key) if record.__class__ is dict else None
            if spec.unless is not None and record.get(spec.unless):
                continue
            if spec.embedded is not None and value:
                value = _with_bytes(value, record.get(spec.embedded))
            if value.__class__ is list:
                values += value
                parents += [number] * len(value)
            elif spec.scalar and value is not None:
                values.append(value)
                parents.append(number)
        elements = Elements(values, parents, records)
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


def _with_bytes(sources: Any, blobs: Any) -> Any:
    """Paths, each with its bytes where the parallel list `blobs` has them (Data-Juicer's `image_bytes`)."""
    if not isinstance(sources, list) or not isinstance(blobs, list):
        return sources
    beside = [blob if isinstance(blob, bytes | memoryview) else None for blob in blobs[: len(sources)]]
    beside += [None] * (len(sources) - len(beside))
    pairs = zip(sources, beside, strict=True)
    return [source if blob is None else {"bytes": blob, "path": source} for source, blob in pairs]


def _kept(spec: Spec, elements: Elements) -> Elements:
    if not spec.skip and not spec.where:
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


def _media_columns(spec: Spec, elements: Elements, blobs: list[Any]) -> dict[str, Any]:
    """`source`, `storage` and what the probe needs: the bytes' index, their name, and whether a source is an id."""
    source = next((column for column in spec.columns if column.name == "source"), None)
    values = source.get(elements) if source else elements.values
    if not spec.base64 and set(map(type, values)) <= {str}:
        return _paths_only(spec, values)
    sources: list[str | None] = []
    storages: list[str] = []
    numbers: list[int | None] = []
    names: list[str | None] = []
    for value in values:
        name = None
        if isinstance(value, dict):  # the struct of Hugging Face's Image() and Audio(): {bytes, path}
            name = text(value.get("path"))
            value = value["bytes"] if value.get("bytes") is not None else name
        if isinstance(value, bytes | memoryview) or (spec.base64 and isinstance(value, str)):
            storages.append("base64" if isinstance(value, str) else "bytes")
            sources.append(None)
            numbers.append(len(blobs))
            names.append(name)
            blobs.append(value)
        else:
            storages.append("null" if value is None else "id" if spec.ids else "path")
            sources.append(text(value))
            numbers.append(None)
            names.append(None)
    return _with_kind(
        spec,
        {
            "source": _series("source", sources, "string"),
            "storage": _series("storage", storages, "string"),
            "_blob": _series("_blob", numbers, "integer"),
            "_name": _series("_name", names, "string"),
        },
    )


def _paths_only(spec: Spec, values: list[Any]) -> dict[str, Any]:
    """The common case, all paths, with no Python object a cell."""
    count = len(values)
    return _with_kind(
        spec,
        {
            "source": _series("source", values, "string"),
            "storage": pl.repeat("id" if spec.ids else "path", count, dtype=pl.String, eager=True).alias("storage"),
            "_blob": pl.repeat(None, count, dtype=pl.Int64, eager=True).alias("_blob"),
            "_name": pl.repeat(None, count, dtype=pl.String, eager=True).alias("_name"),
        },
    )


def _with_kind(spec: Spec, columns: dict[str, Any]) -> dict[str, Any]:
    if spec.kind is not None:
        count = len(columns["source"])
        columns["kind"] = pl.repeat(spec.kind.strip("'"), count, dtype=pl.String, eager=True).alias("kind")
    return columns


def _series(name: str, values: list[Any], kind: Kind) -> pl.Series:
    try:
        return pl.Series(name, values, dtype=dtype(kind))
    except UnicodeEncodeError:  # a lone surrogate is no Unicode text: it becomes a question mark
        whole = [v.encode("utf-8", "replace").decode() if isinstance(v, str) else v for v in values]
        return pl.Series(name, whole, dtype=dtype(kind))


def _numbered(frame: pl.DataFrame, plan: TablePlan) -> pl.DataFrame:
    """The frame with the columns that the engine makes: the ordinal in the record, and positions by kind."""
    index = INDEX.get(plan.name, "ordinal")
    if index is not None and index not in frame.columns:
        frame = frame.with_columns(_ordinals(frame["sample"]).alias(index))
    missing = [column for column in _standard(plan.name) if column.name not in frame.columns and column.depth is None]
    frame = frame.with_columns(
        pl.lit(None, dtype(column.kind)).alias(column.name) for column in missing if column.name != "position"
    )
    if plan.name in ("slots", "media") and "position" not in frame.columns:
        frame = frame.with_columns(_positions(frame))
    return frame


def _standard(name: str) -> tuple[Any, ...]:
    return TABLES[name].columns if name in TABLES else ()


def _ordinal(*by: str) -> pl.Expr:
    return pl.int_range(pl.len(), dtype=pl.Int64).over(by)


def _ordinals(samples: pl.Series) -> pl.Series:
    """0, 1, … within each run of equal samples; a table's rows of one record stand together."""
    if samples.is_empty():
        return pl.Series([], dtype=pl.Int64)
    runs = samples.rle().struct.field("len").alias("len")
    return pl.select(pl.int_ranges(pl.lit(0), runs, dtype=pl.Int64)).to_series().explode()


def _positions(frame: pl.DataFrame) -> pl.Series | pl.Expr:
    """0, 1, … within each record and kind."""
    if frame["kind"].n_unique() <= 1:
        return _ordinals(frame["sample"]).alias("position")
    return _ordinal("sample", "kind").alias("position")


def _placeholders(texts: pl.DataFrame, column: str, placeholders: Mapping[str, str | None]) -> pl.DataFrame:
    """Every placeholder of a text column, in order; `{n}` in a placeholder stands for the number that it names."""
    kinds: dict[str, str | None] = {}
    patterns = []
    for token, kind in sorted(placeholders.items(), key=lambda item: -len(item[0])):
        kinds[token] = kind
        patterns.append(re.escape(token).replace(r"\{n\}", r"\d+"))
    turn = "turn" if "turn" in texts.columns else "ordinal"
    found = (
        texts.lazy()
        .filter(pl.col(column).str.contains("|".join(patterns)))
        .select("sample", pl.col(turn).alias("turn"), pl.col(column).str.extract_all("|".join(patterns)).alias("token"))
        .explode("token")
        .with_columns(
            pl.col("token").str.replace(r"\d+", "{n}").alias("_named"),
            pl.col("token").str.extract(r"(\d+)").alias("_number"),
        )
        .with_columns(
            pl.when(pl.col("token").is_in(list(kinds)))
            .then(pl.lit(None, pl.String))
            .otherwise(pl.col("_number"))
            .alias("reference"),
            pl.when(pl.col("token").is_in(list(kinds)))
            .then(pl.col("token").replace_strict(kinds, default=None, return_dtype=pl.String))
            .otherwise(pl.col("_named").replace_strict(kinds, default=None, return_dtype=pl.String))
            .alias("kind"),
        )
        .select("sample", "turn", "kind", "reference")
    ).collect()
    return found.with_columns(_ordinals(found["sample"]).alias("slot"), _positions(found))


_IDENTIFIER = re.compile(r"[A-Za-z_]\w*$")


def check_names(plans: tuple[TablePlan, ...]) -> None:
    """Refuse a column whose name does not parse bare in SQL (`from`, `end`, `exists`)."""
    for plan in plans:
        for name in declared_columns(plan):
            if not _IDENTIFIER.match(name):
                raise RequestError(f"the column {name!r} of {plan.name!r} is no name that SQL reads without quotes")
            try:
                bare = pl.sql_expr(f"{name} IS NULL").meta.root_names() == [name]
            except Exception:
                bare = False
            if not bare:
                raise RequestError(f"the column {name!r} of {plan.name!r} is a word of SQL: choose another name")
