"""Where the media of a record come from: paths, ids, bytes, base64 text, or nothing at all."""

from __future__ import annotations

from typing import Any

import polars as pl

from mmcheck.cells import constant, series, text
from mmcheck.columns import Elements
from mmcheck.locate import is_path
from mmcheck.readers.batch import BINARY
from mmcheck.table_plans import Spec


def with_bytes(sources: Any, blobs: Any) -> Any:
    """Paths, each with its bytes where the parallel list `blobs` has them (Data-Juicer's `image_bytes`)."""
    if not isinstance(sources, list) or not isinstance(blobs, list):
        return sources
    beside = [blob if isinstance(blob, BINARY) else None for blob in blobs[: len(sources)]]
    beside += [None] * (len(sources) - len(beside))
    pairs = zip(sources, beside, strict=True)
    return [source if blob is None else {"bytes": blob, "path": source} for source, blob in pairs]


def media_columns(spec: Spec, elements: Elements, blobs: list[Any]) -> dict[str, Any]:
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
        if isinstance(value, BINARY) or (spec.base64 and isinstance(value, str)):
            storages.append("base64" if isinstance(value, str) else "bytes")
            sources.append(None)
            numbers.append(len(blobs))
            names.append(name)
            blobs.append(value)
        else:
            storages.append("null" if value is None else _named(spec, value))
            sources.append(text(value))
            numbers.append(None)
            names.append(None)
    return _with_kind(
        spec,
        {
            "source": series("source", sources, "string"),
            "storage": series("storage", storages, "string"),
            "_blob": series("_blob", numbers, "integer"),
            "_name": series("_name", names, "string"),
        },
    )


def _paths_only(spec: Spec, values: list[Any]) -> dict[str, Any]:
    """The common case, all paths, with no Python object a cell."""
    count = len(values)
    return _with_kind(
        spec,
        {
            "source": series("source", values, "string"),
            "storage": pl.Series("storage", [_named(spec, value) for value in values], dtype=pl.String)
            if spec.ids == "bare"
            else constant("storage", _named(spec, None), "string", count),
            "_blob": constant("_blob", None, "integer", count),
            "_name": constant("_name", None, "string", count),
        },
    )


def _named(spec: Spec, value: Any) -> str:
    """Whether a source is an id or a path."""
    if spec.ids == "bare" and isinstance(value, str) and is_path(value):
        return "path"
    return "id" if spec.ids else "path"


def _with_kind(spec: Spec, columns: dict[str, Any]) -> dict[str, Any]:
    if spec.kind is not None:
        columns["kind"] = constant("kind", spec.kind.strip("'"), "string", len(columns["source"]))
    return columns
