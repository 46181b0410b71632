"""The type of a column that holds the values of all records, and which values fit none."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any

import msgspec

_WORDS = {
    "null": "nothing", "string": "text", "bool": "true or false", "int64": "whole numbers", "double": "numbers",
    "binary": "bytes",
}  # fmt: skip


@cache
def pyarrow(module: str = "") -> Any:
    """Import pyarrow or one of its modules, when it is needed: it takes 0.2 s."""
    return import_module("pyarrow" + module)


class Misfit(ValueError):
    """A value that a column cannot hold beside those of the records before."""


def kind_of(cells: Sequence[Any]) -> Any:
    """The type of some values. Raises Misfit where they are of several."""
    pa = pyarrow()
    try:
        return pa.array(cells).type
    except (pa.ArrowException, TypeError, OverflowError) as error:
        raise Misfit(f"values of several types, or numbers beyond 64 bits: {error}") from None


def joined(one: Any, other: Any, wide: str = "", at: str = "") -> Any:
    """The type that holds values of both.

    Where `wide` is `text`, numbers become text beside text, where it is `list`, a value a list of one beside lists.
    Raises Misfit where no type holds both.
    """
    pa, types = pyarrow(), pyarrow(".types")
    if one.equals(other) or types.is_null(other):
        return one
    if types.is_null(one):
        return other
    if types.is_list(one) and types.is_list(other):
        return pa.list_(joined(one.value_type, other.value_type, at=at + "/*"))
    if types.is_struct(one) and types.is_struct(other):
        fields = {field.name: field.type for kind in (other, one) for field in kind}
        for field in other:
            if one.get_field_index(field.name) >= 0:
                fields[field.name] = joined(fields[field.name], field.type, at=f"{at}/{field.name}")
        names = [*(field.name for field in one), *fields]
        return pa.struct([(name, fields[name]) for name in dict.fromkeys(names)])
    lists = types.is_list(one), types.is_list(other)
    if wide == "list" and any(lists):
        single, several = (one, other) if lists[1] else (other, one)
        return pa.list_(joined(several.value_type, single, at=at + "/*"))
    if wide == "text" and all(types.is_string(kind) or types.is_primitive(kind) for kind in (one, other)):
        return pa.string()
    try:
        if not types.is_binary(one) and not types.is_binary(other):  # bytes that become text are no longer bytes
            both = [pa.schema([("", kind)]) for kind in (one, other)]
            return pa.unify_schemas(both, promote_options="permissive").field(0).type
    except pa.ArrowException:
        pass
    raise Misfit(f"{at}: {_words(one)} in the records before, {_words(other)} in this one")


def widened(before: Any, cells: Sequence[Any], wide: str = "", at: str = "") -> tuple[Any, bool]:
    """The type of a column with some more values, as far as they fit; whether each simply is of that type."""
    try:
        found = kind_of(cells)
        kind = joined(before, found, at=at)
        return kind, True
    except Misfit:
        kind = before
    groups: dict[type, list[Any]] = {}
    for each in cells:
        groups.setdefault(type(each), []).append(each)
    for some in groups.values():
        try:
            kind = joined(kind, kind_of(some), wide, at)
        except Misfit:
            for each in some:
                kind = _with(kind, each, wide)
    return kind, False


def _with(kind: Any, value: Any, wide: str) -> Any:
    try:
        return joined(kind, kind_of([value]), wide)
    except Misfit:
        return kind


def refuse(value: Any, kind: Any, wide: str, at: str) -> None:
    """Raise Misfit where a column of the type cannot hold the value."""
    found = kind_of([value])
    if not solid(joined(kind, found, wide, at)).equals(kind):
        raise Misfit(f"{at}: {_words(kind)} in the records before, {_words(found)} in this one")


def solid(kind: Any) -> Any:
    """The type with nothing in place of objects without a field, for which Parquet has no place."""
    pa, types = pyarrow(), pyarrow(".types")
    if types.is_list(kind):
        return pa.list_(solid(kind.value_type))
    if types.is_struct(kind):
        return pa.struct([(field.name, solid(field.type)) for field in kind]) if kind.num_fields else pa.null()
    return kind


def cell(value: Any, kind: Any) -> Any:
    """What a column of the type has for a value that fits it."""
    types = pyarrow(".types")
    if value is None or types.is_null(kind):
        return None
    if types.is_list(kind):
        return [cell(each, kind.value_type) for each in (value if isinstance(value, list) else [value])]
    if types.is_struct(kind):
        return {field.name: cell(value.get(field.name), field.type) for field in kind}
    if types.is_floating(kind):
        return float(value)
    if types.is_string(kind) and not isinstance(value, str):
        return msgspec.json.encode(value).decode()
    return value


def _words(kind: Any) -> str:
    types = pyarrow(".types")
    return "lists" if types.is_list(kind) else "objects" if types.is_struct(kind) else _WORDS.get(str(kind), str(kind))
