"""Records that are Arrow columns unfold into tables with no Python object a cell: the same rows as `tables` makes.

What a format declares is followed as far as that can be done for whole columns; where it cannot, `Unfit` says so, and
the records are unfolded one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from mmcheck import paths, slots
from mmcheck.cells import constant
from mmcheck.columns import Declared
from mmcheck.contracts import Kind
from mmcheck.expression import dtype
from mmcheck.readers.json_columns import Columns
from mmcheck.sweeping import json_type, member, names
from mmcheck.table_plans import Spec

if TYPE_CHECKING:
    import pyarrow as pa


class Unfit(Exception):
    """A declared column or table that is not made of whole columns."""


@dataclass(frozen=True, slots=True)
class Elements:
    """Elements of consecutive records. `values` is None where no record has any such; `parents` are the ordinals of
    their records, `ordinals` the list ordinals on the way, outermost first."""

    records: Columns
    values: pa.Array | None
    parents: pl.Series
    header: Mapping[str, Any]
    context: Mapping[str, Any]
    ordinals: tuple[pl.Series, ...] = ()

    def __len__(self) -> int:
        return len(self.parents)

    def pick(self, keep: pl.Series) -> Elements:
        """The elements at which `keep` is true."""
        if keep.all():
            return self
        values = None if self.values is None else self.values.filter(keep.to_arrow())
        ordinals = tuple(each.filter(keep) for each in self.ordinals)
        return replace(self, values=values, parents=self.parents.filter(keep), ordinals=ordinals)


def rows(
    spec: Spec, records: Columns, samples: pl.Series, header: Mapping[str, Any], context: Mapping[str, Any], table: str
) -> pl.DataFrame:
    """The rows that a spec makes of the records. Raises Unfit."""
    elements = _elements(spec, records, header, context)
    made = {"sample": samples if spec.each is None else samples.gather(elements.parents)}
    if table == "media":
        made |= _media(spec, elements)
    for column in spec.columns:
        if not (table == "media" and column.name == "source"):
            some = len(elements) > 0
            made[column.name] = cells(column, elements) if some else pl.Series(column.name, [], dtype(column.kind))
    return pl.DataFrame(made)


def _elements(spec: Spec, records: Columns, header: Mapping[str, Any], context: Mapping[str, Any]) -> Elements:
    start = pl.int_range(len(records.array), dtype=pl.Int64, eager=True)
    every = Elements(records, records.array, start, header, context)
    elements = every if spec.each is None else _walked(every, spec.each)
    for key in (spec.unless, spec.embedded):
        if key is not None and len(elements) and _some(member(records.array, key)):
            raise Unfit(f"beside {key}")
    if spec.each is not None and elements.values is not None:
        is_list = json_type(elements.values.type) == "array"
        one = len(spec.each) == 1 and spec.each[0].kind == "key"
        if is_list and (spec.scalar or one):
            elements = _spread(elements)
        elif one and not spec.scalar:
            elements = _none(elements)
        elif spec.scalar:
            elements = _present(elements)
    return _kept(spec, elements)


def _walked(elements: Elements, steps: tuple[paths.Step, ...]) -> Elements:
    for number, step in enumerate(steps):
        values = elements.values
        if values is None:
            return elements
        if step.kind == "key":
            found = member(values, step.key) if json_type(values.type) == "object" else None
            elements = replace(elements, values=found)
            if found is None:
                return _none(elements)
            if len(steps) > 1:
                if number == len(steps) - 1 and elements.ordinals and found.null_count and elements.records.says_null:
                    raise Unfit("nulls")  # some of which are elements, and some keys that are not there
                elements = _present(elements)
        elif step.kind == "each":
            elements = _spread(elements) if json_type(values.type) == "array" else _none(elements)
        elif _some(values):
            raise Unfit(f"a {step.kind} step")
        else:
            return _none(elements)
    return elements


def _spread(elements: Elements) -> Elements:
    """The elements of lists, one after the other."""
    from pyarrow import compute

    assert elements.values is not None
    at = pl.Series("at", compute.list_parent_indices(elements.values)).cast(pl.Int64)
    outer = (each.gather(at) for each in elements.ordinals)
    return replace(
        elements,
        values=elements.values.flatten(),
        parents=elements.parents.gather(at),
        ordinals=(*outer, slots.ordinals(at)),
    )


def _present(elements: Elements) -> Elements:
    """The elements that are there and not null."""
    assert elements.values is not None
    if not elements.values.null_count:
        return elements
    return elements.pick(pl.Series(elements.values.is_valid()))


def _none(elements: Elements) -> Elements:
    empty = elements.parents.head(0)
    return replace(elements, values=None, parents=empty, ordinals=tuple(each.head(0) for each in elements.ordinals))


def _some(values: pa.Array | None) -> bool:
    """Whether any value is there and not null."""
    return values is not None and values.null_count < len(values)


def _kept(spec: Spec, elements: Elements) -> Elements:
    """Without the elements that the spec skips or does not want."""
    values = elements.values
    if values is None or not len(values):
        return elements
    if spec.skip and json_type(values.type) == "string":
        elements = elements.pick(~pl.Series(values).is_in(list(spec.skip)).fill_null(False))
    for key, wanted in spec.where.items():
        assert elements.values is not None
        if None in wanted or key.startswith("$."):
            raise Unfit(f"where {key}")
        found = member(elements.values, key) if json_type(elements.values.type) == "object" else None
        if found is not None and json_type(found.type) != "string":
            raise Unfit(f"where {key}")
        elements = _none(elements) if found is None else elements.pick(_among(found, wanted))
    return elements


def _among(values: pa.Array, wanted: tuple[Any, ...]) -> pl.Series:
    return pl.Series(values).is_in([each for each in wanted if isinstance(each, str)]).fill_null(False)


def _media(spec: Spec, elements: Elements) -> dict[str, pl.Series]:
    """`source`, `storage` and what the probe needs, of media that are paths or ids."""
    declared = next((column for column in spec.columns if column.name == "source"), None)
    if spec.base64 or spec.ids == "bare":
        raise Unfit("media that are not all paths or all ids")
    if declared is None and elements.values is not None and json_type(elements.values.type) not in ("string", "null"):
        raise Unfit("media that are no paths")
    source = cells(declared, elements) if declared is not None else _cast(elements.values, "string", len(elements))
    word = pl.lit("id" if spec.ids else "path")
    made = pl.DataFrame({"source": source}).select(
        "source",
        pl.when(pl.col("source").is_null()).then(pl.lit("null")).otherwise(word).alias("storage"),
        pl.lit(None, pl.Int64).alias("_blob"),
        pl.lit(None, pl.String).alias("_name"),
    )
    columns = {column.name: column for column in made}
    if spec.kind is not None:
        columns["kind"] = constant("kind", spec.kind.strip("'"), "string", len(elements))
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
        return at[int(name)].cast(dtype(kind)) if int(name) < len(at) else constant("", None, kind, len(elements))
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
        found = _followed(elements.records.array, paths.parse(path[1:].lstrip(".")))
        return None if found is None else found.take(elements.parents.to_arrow())
    return None if elements.values is None else _followed(elements.values, paths.parse(path))


def _followed(values: pa.Array | None, steps: tuple[paths.Step, ...]) -> pa.Array | None:
    for step in steps:
        if values is None:
            return None
        if step.kind != "key":
            raise Unfit(f"a {step.kind} step")
        values = member(values, step.key) if json_type(values.type) == "object" else None
    return values


def _cast(values: pa.Array | None, kind: Kind, count: int) -> pl.Series:
    """Values as cells of a kind, as `cells.fitting` makes them."""
    if not _some(values):
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
    if not _some(values):
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
    if not _some(values):
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
    if _some(values) and values is not None and json_type(values.type) not in ("integer", "boolean"):
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
    outer = _followed(elements.values, steps[: lists[0]])
    if not _some(outer) or outer is None:
        return constant("", None, "string", len(elements))
    if json_type(outer.type) != "array":
        raise Unfit("join")
    start = pl.int_range(len(elements), dtype=pl.Int64, eager=True)
    parts = _spread(replace(elements, values=outer, parents=start, ordinals=()))
    found = _followed(parts.values, steps[lists[0] + 1 :])
    if found is None or not _some(found):
        return constant("", None, "string", len(elements))
    if json_type(found.type) != "string":
        raise Unfit("join")
    if not parts.parents.is_duplicated().any() and not found.null_count and len(parts) == len(elements):
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

    values = None if elements.values is None else _followed(elements.values, steps[:-1])
    if not _some(values) or values is None or json_type(values.type) != "array":
        return constant("", 0, "integer", len(elements))
    return pl.Series(compute.list_value_length(values)).cast(pl.Int64).fill_null(0)


def _extra_keys(spec: Mapping[str, Any], elements: Elements) -> pl.Series:
    """Null, where no object has a key beside the known ones."""
    values = _at(spec.get("path", "."), elements)
    if values is not None and json_type(values.type) == "object":
        more = [name for name in names(values.type) if name not in spec["extra_keys"]]
        if any(_some(member(values, name)) for name in more) or (more and elements.records.says_null):
            raise Unfit("extra keys")
    return constant("", None, "string", len(elements))
