"""Values of records as cells of columns: their JSON types, their text, and what fits a column's kind."""

from __future__ import annotations

from collections.abc import Callable
from types import NoneType
from typing import TYPE_CHECKING, Any

import msgspec

from mmcheck.contracts import Kind
from mmcheck.expression import dtype
from mmcheck.limits import MOST_NESTING
from mmcheck.readers.batch import BINARY

if TYPE_CHECKING:  # what has no tables, a conversion of text, starts without it
    import polars as pl

TYPE_NAMES: dict[type, str] = {
    type(None): "null", bool: "boolean", int: "integer", float: "number", dict: "object", list: "array", str: "string",
    bytes: "string", memoryview: "string",
}  # fmt: skip


def json_type(value: Any) -> str:
    """The JSON Schema name of a value's type; binary cells count as strings."""
    return TYPE_NAMES.get(value.__class__, "string")


def json_text(value: Any) -> str:
    """JSON text of a value; a binary cell is told by its length."""
    return msgspec.json.encode(_printable(value)).decode("utf-8", "replace")


def _printable(value: Any, levels: int = MOST_NESTING) -> Any:
    if not levels:
        return "…"
    if isinstance(value, BINARY):
        return f"<{len(value)} bytes>"
    if isinstance(value, dict):
        return {key: _printable(element, levels - 1) for key, element in value.items()}
    if isinstance(value, list):
        return [_printable(element, levels - 1) for element in value]
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def text(value: Any) -> str | None:
    """A value as text: strings as they are, numbers and booleans spelt as in JSON, the rest as JSON text."""
    if value is None or value.__class__ is str:
        return value
    if value.__class__ is int:
        return str(value)
    return json_text(value)


_LIMIT = 2**63


def _integer(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and -_LIMIT <= value < _LIMIT else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


_COERCE: dict[Kind, Callable[[Any], Any]] = {
    "string": text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
}


_EXACT: dict[Kind, frozenset[type]] = {
    "string": frozenset({str, type(None)}),
    "integer": frozenset({int, type(None)}),
    "number": frozenset({float, type(None)}),
    "boolean": frozenset({bool, type(None)}),
}


def _fit(values: list[int | None]) -> bool:
    """Whether all integers fit into 64 bits: Python's own are not bounded."""
    whole = [value for value in values if value is not None]
    return not whole or (min(whole) >= -_LIMIT and max(whole) < _LIMIT)


def coerce(values: list[Any], kind: Kind) -> list[Any]:
    """The values as `kind`, None where one does not fit."""
    types = set(map(type, values))
    if types <= _EXACT[kind] and (kind != "integer" or _fit(values)):
        return values
    if kind == "string" and types == {int}:
        return list(map(str, values))
    convert = _COERCE[kind]
    return [convert(value) for value in values]


def series(name: str, values: list[Any], kind: Kind) -> pl.Series:
    """A Polars series of a declared kind."""
    import polars as pl

    try:
        return pl.Series(name, values, dtype=dtype(kind))
    except UnicodeEncodeError:  # a lone surrogate is no Unicode text: it becomes a question mark
        whole = [v.encode("utf-8", "replace").decode() if isinstance(v, str) else v for v in values]
        return pl.Series(name, whole, dtype=dtype(kind))


def fitting(name: str, values: list[Any], kind: Kind) -> pl.Series:
    """A Polars series of the values as `kind`, null where one does not fit."""
    if values and values[0] is None and values.count(None) == len(values):
        return constant(name, None, kind, len(values))
    # Polars would look for a type of nested values first, and takes all memory where they are nested deeply.
    if kind == "string" and {*map(type, values)} <= {str, NoneType}:
        return series(name, values, kind)
    return series(name, coerce(values, kind), kind)


def constant(name: str, value: Any, kind: Kind, count: int) -> pl.Series:
    """A Polars series of one value, so many times."""
    import polars as pl

    return pl.Series(name, [value], dtype=dtype(kind)).new_from_index(0, count)
