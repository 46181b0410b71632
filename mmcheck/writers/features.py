"""What `datasets` of Hugging Face has to be told of a table: its features, as they stand in their JSON files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mmcheck.readers.columnar import records as read
from mmcheck.writers.columnar import table
from mmcheck.writers.kinds import pyarrow, solid, widened


def columns_of(batches: Iterable[Sequence[Mapping[str, Any]]], wide: Mapping[str, str]) -> tuple[Any, dict[str, Any]]:
    """One schema for all records, as far as they fit, and those of its columns that simply hold not every value.

    `wide` says of columns by name how they become wider (`joined`).
    """
    pa = pyarrow()
    columns: dict[str, Any] = {}
    odd: set[str] = set()
    for records in batches:
        for name in dict.fromkeys(name for record in records for name in record):
            cells = [record.get(name) for record in records]
            columns[name], plain = widened(columns.get(name, pa.null()), cells, wide.get(name, ""))
            if not plain:
                odd.add(name)
    kinds = {name: solid(kind) for name, kind in columns.items()}
    return pa.schema(list(kinds.items())), {name: kinds[name] for name in odd}


def rows(records: Sequence[Mapping[str, Any]], schema: Any) -> list[dict[str, Any]]:
    """What a table of the schema gives back of records."""
    return [row for batch in table(records, schema).to_batches() for row in read(batch)]


def with_meta(schema: Any) -> Any:
    """The schema with a place for text at `meta.mmcheck`. Raises ValueError where `meta` is no struct."""
    pa = pyarrow()
    place = pa.struct([("mmcheck", pa.string())])
    try:
        return pa.unify_schemas([schema, pa.schema([("meta", place)])], promote_options="permissive")
    except pa.ArrowException:
        raise ValueError("their field 'meta' is no object: --no-residue leaves out what columns do not say") from None


def features(schema: Any, images: Sequence[str] = ()) -> dict[str, Any]:
    """The features of a schema; `images` are the dotted places of `{bytes, path}` structs that are images."""
    return {field.name: _feature(field.type, field.name, images) for field in schema}


def _feature(kind: Any, at: str, images: Sequence[str]) -> Any:
    types = pyarrow(".types")
    if at in images:
        return {"_type": "Image"}
    if types.is_struct(kind):
        return {field.name: _feature(field.type, f"{at}.{field.name}", images) for field in kind}
    if types.is_list(kind) or types.is_large_list(kind):
        return [_feature(kind.value_type, at, images)]
    name = {"double": "float64", "float": "float32", "halffloat": "float16"}.get(str(kind), str(kind))
    return {"dtype": name, "_type": "Value"}


def with_features(schema: Any, told: Mapping[str, Any]) -> Any:
    """The schema with its features where `datasets` looks for them in a Parquet or Arrow file."""
    import json

    return schema.with_metadata({"huggingface": json.dumps({"info": {"features": told}})})
