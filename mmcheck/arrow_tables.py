"""Records that are Arrow columns unfold into tables with no Python object a cell: the same rows as `tables` makes.

What a format declares is followed as far as that can be done for whole columns; where it cannot, `Unfit` says so, and
the records are unfolded one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from mmcheck import arrow_elements, paths
from mmcheck.arrow_elements import Elements, Unfit, followed, some, spread
from mmcheck.cells import constant
from mmcheck.columns import Declared
from mmcheck.contracts import Kind
from mmcheck.expression import dtype
from mmcheck.readers.json_columns import Columns
from mmcheck.sweeping import json_type, member, names
from mmcheck.table_plans import Spec

if TYPE_CHECKING:
    import pyarrow as pa


def rows(
    spec: Spec, records: Columns, samples: pl.Series, header: Mapping[str, Any], context: Mapping[str, Any], table: str
) -> pl.DataFrame:
    """The rows that a spec makes of the records. Raises Unfit."""
    elements = arrow_elements.find(spec, records, header, context)
    made = {"sample": samples if spec.each is None else pl.Series(samples.to_numpy()[elements.parents])}
    if table == "media":
        made |= _media(spec, elements)
    for column in spec.columns:
        if not (table == "media" and column.name == "source"):
            empty = not len(elements)
            made[column.name] = pl.Series(column.name, [], dtype(column.kind)) if empty else cells(column, elements)
    return pl.DataFrame(made)


def _media(spec: Spec, elements: Elements) -> dict[str, pl.Series]:
    """`source`, `storage` and what the probe needs, of media that are paths or ids."""
    declared = next((column for column in spec.columns if column.name == "source"), None)
    if spec.base64 or spec.ids == "bare":
        raise Unfit("media that are not all paths or all ids")
    if declared is None and elements.values is not None and json_type(elements.values.type) not in ("string", "null"):
        raise Unfit("media that are no paths")
    source = cells(declared, elements) if declared is not None else _cast(elements.values, "string", len(elements))
    count = len(elements)
    storage = constant("storage", "id" if spec.ids else "path", "string", count)
    if source.null_count():
        storage = constant("storage", "null", "string", count).zip_with(source.is_null(), storage)
    columns = {
        "source": source, "storage": storage, "_blob": constant("_blob", None, "integer", count),
        "_name": constant("_name", None, "string", count),
    }  # fmt: skip
    if spec.kind is not None:
        columns["kind"] = constant("kind", spec.kind.strip("'"), "string", count)
    return columns


def cells(column: Declared, elements: Elements) -> pl.Series:
    """The cells of a declared column. Raises Unfit."""
    spec = column.spec
    if isinstance(spec, str | int | float | bool) or spec is None:
        made = _plain("null" if spec is None else str(spec), elements, "string")
    else:
        made = _declared(spec, elements, column.kind)
    return made.alias(column.name)


def _declared(spec: Mapping[str, Any], elements: Elements, kind: Kind) -> pl.Series:
    if "join" in spec:
        return _join(spec, elements)
    if "count" in spec:
        return _count(paths.parse(spec["count"]), elements)
    if "extra_keys" in spec:
        return _extra_keys(spec, elements)
    if kind != "string" and ("first_of" in spec or "concat" in spec):
        raise Unfit(kind)
    if "first_of" in spec:
        found = [_plain(path, elements, "string") for path in spec["first_of"]]
        return pl.select(pl.coalesce(found)).to_series()
    if "concat" in spec:
        parts = [_plain(part, elements, "string") for part in spec["concat"]]
        return pl.select(pl.concat_str(parts)).to_series()
    if "until" in spec:
        raise Unfit("until")
    form = str(spec.get("as", "text"))
    if form in ("string", "integer", "number", "boolean"):
        return _plain(spec["path"], elements, form)  # type: ignore[arg-type]
    if form == "text":
        return _plain(spec["path"], elements, kind)
    if form not in _FORMS:
        raise Unfit(form)
    return _FORMS[form](spec["path"], elements)


def _plain(path: str, elements: Elements, kind: Kind) -> pl.Series:
    """The values at a path as cells of a kind, null where there is none or it does not fit."""
    count = len(elements)
    if path == "null":
        return constant("", None, kind, count)
    if path.startswith("'") and path.endswith("'"):
        return constant("", path[1:-1], kind, count)
    if path.startswith("@"):
        return _place(path[1:], elements, kind)
    return _cast(_at(path, elements), kind, count)


def _place(name: str, elements: Elements, kind: Kind) -> pl.Series:
    if name.isdigit():
        at = elements.ordinals
        return (
            pl.Series(at[int(name)]).cast(dtype(kind))
            if int(name) < len(at)
            else constant("", None, kind, len(elements))
        )
    origin, _, rest = name.partition(".")
    if origin not in ("header", "file"):
        raise Unfit(name)
    value = paths.find(dict(elements.header if origin == "header" else elements.context), paths.parse(rest))
    if value is not None and not isinstance(value, str):
        raise Unfit(name)
    return constant("", value, kind, len(elements))


def _at(path: str, elements: Elements) -> pa.Array | None:
    """The values at a plain path of each element, or of its record where the path begins with `$`."""
    if path.startswith("$"):
        import pyarrow as pa

        found = followed(elements.records.array, paths.parse(path[1:].lstrip(".")))
        return None if found is None else found.take(pa.array(elements.parents))
    return None if elements.values is None else followed(elements.values, paths.parse(path))


def _cast(values: pa.Array | None, kind: Kind, count: int) -> pl.Series:
    """Values as cells of a kind, as `cells.fitting` makes them."""
    if not some(values):
        return constant("", None, kind, count)
    assert values is not None
    way = (json_type(values.type), kind)
    if way not in _WAYS:
        raise Unfit(f"{way[0]} as {kind}")
    return pl.Series(values).cast(dtype(kind))


_WAYS = frozenset(
    (
        ("string", "string"), ("integer", "string"), ("boolean", "string"), ("integer", "integer"),
        ("integer", "number"), ("number", "number"), ("boolean", "boolean"),
    )
)  # fmt: skip


def _type(path: str, elements: Elements) -> pl.Series:
    """The JSON types of the values; null where there is none."""
    if path.startswith("@"):
        raise Unfit(path)
    values = _at(path, elements)
    if not some(values):
        if values is not None and len(values) and elements.records.says_null:
            raise Unfit("nulls")
        return constant("", None, "string", len(elements))
    assert values is not None
    if values.null_count and elements.records.says_null:
        raise Unfit("nulls")
    word = json_type(values.type)
    if not values.null_count:
        return constant("", word, "string", len(elements))
    there = pl.Series("there", values.is_valid())
    return pl.select(pl.when(there).then(pl.lit(word))).to_series()


def _length(path: str, elements: Elements) -> pl.Series:
    from pyarrow import compute

    values = _at(path, elements)
    if not some(values):
        return constant("", None, "integer", len(elements))
    assert values is not None
    word = json_type(values.type)
    if word == "string":
        return pl.Series(values).str.len_chars().cast(pl.Int64)
    if word == "array":
        return pl.Series(compute.list_value_length(values)).cast(pl.Int64)
    if word == "object":
        raise Unfit("the number of keys")
    return constant("", None, "integer", len(elements))


def _is_there(path: str, elements: Elements) -> pl.Series:
    if path.startswith("@"):
        raise Unfit(path)
    values = _at(path, elements)
    if values is None:
        return constant("", False, "boolean", len(elements))
    if values.null_count and elements.records.says_null:
        raise Unfit("nulls")
    return pl.Series(values.is_valid())


def _json(path: str, elements: Elements) -> pl.Series:
    """The values as JSON text, which whole numbers and truth values are as they stand."""
    values = _at(path, elements)
    if some(values) and values is not None and json_type(values.type) not in ("integer", "boolean"):
        raise Unfit("json")
    return _cast(values, "string", len(elements))


_FORMS: dict[str, Callable[[str, Elements], pl.Series]] = {
    "type": _type, "length": _length, "present": _is_there, "json": _json,
}  # fmt: skip


def _join(spec: Mapping[str, Any], elements: Elements) -> pl.Series:
    """The texts that a path of one list leads to, joined; null where there is none."""
    steps = paths.parse(spec["join"])
    lists = [number for number, step in enumerate(steps) if step.kind == "each"]
    if len(lists) != 1 or elements.values is None:
        raise Unfit("join")
    outer = followed(elements.values, steps[: lists[0]])
    if not some(outer) or outer is None:
        return constant("", None, "string", len(elements))
    if json_type(outer.type) != "array":
        raise Unfit("join")
    import numpy as np

    start = np.arange(len(elements))
    parts = spread(replace(elements, values=outer, parents=start, ordinals=()))
    found = followed(parts.values, steps[lists[0] + 1 :])
    if found is None or not some(found):
        return constant("", None, "string", len(elements))
    if json_type(found.type) != "string":
        raise Unfit("join")
    if not found.null_count and np.array_equal(parts.parents, start):
        return pl.Series(found)
    words = pl.DataFrame({"at": parts.parents, "word": pl.Series(found)}).lazy().filter(pl.col("word").is_not_null())
    joined = words.group_by("at", maintain_order=True).agg(pl.col("word").str.join(spec.get("with", ""))).collect()
    whole = pl.DataFrame({"at": start}).join(joined, on="at", how="left", maintain_order="left")
    return whole["word"]


def _count(steps: tuple[paths.Step, ...], elements: Elements) -> pl.Series:
    """How many values a path leads to."""
    if not steps or steps[-1].kind != "each" or any(step.kind != "key" for step in steps[:-1]):
        raise Unfit("count")
    from pyarrow import compute

    values = None if elements.values is None else followed(elements.values, steps[:-1])
    if not some(values) or values is None or json_type(values.type) != "array":
        return constant("", 0, "integer", len(elements))
    return pl.Series(compute.list_value_length(values)).cast(pl.Int64).fill_null(0)


def _extra_keys(spec: Mapping[str, Any], elements: Elements) -> pl.Series:
    """Null, where no object has a key beside the known ones."""
    values = _at(spec.get("path", "."), elements)
    if values is not None and json_type(values.type) == "object":
        more = [name for name in names(values.type) if name not in spec["extra_keys"]]
        if any(some(member(values, name)) for name in more) or (more and elements.records.says_null):
            raise Unfit("extra keys")
    return constant("", None, "string", len(elements))
