"""What `datasets` of Hugging Face has to be told of a table: its features, as they stand in their JSON files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mmcheck.readers.columnar import records as read
from mmcheck.writers.columnar import pyarrow, table


def schema_of(batches: Iterable[Sequence[Mapping[str, Any]]]) -> Any:
    """One schema for all records. Raises ValueError where a column would hold values of several types."""
    pa = pyarrow()
    schema = pa.schema([])
    for records in batches:
        try:
            schema = pa.unify_schemas([schema, table(records).schema], promote_options="permissive")
        except pa.ArrowException as error:
            raise ValueError(str(error).splitlines()[0]) from None
    return schema


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
