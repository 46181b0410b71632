"""The expression language once more, row by row in plain Python: what Polars' answers are held against.

Written from the language's documents (docs/rules.md, PostgreSQL's for what it leaves open), not from the engine.
Null is `None` and unknown: it spreads through operators and functions, `AND` and `OR` are Kleene's.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlglot
from sqlglot import exp

Row = Mapping[str, Any]

#: Unicode's White_Space, which TRIM takes off.
SPACE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_CLASSES = {"[:punct:]": r"!-/:-@\[-`{-~"}


def parsed(sql: str) -> exp.Expression:
    """The tree of an expression whose parameters are bound."""
    select = sqlglot.parse_one(f"SELECT {sql}", dialect="postgres")
    assert isinstance(select, exp.Select)
    tree: exp.Expression = select.expressions[0]
    return tree


def outcomes(sql: str, rows: Sequence[Row]) -> list[Any]:
    """The value of an expression at each row of a table."""
    tree = parsed(sql)
    return [value(tree, row, rows) for row in rows]


def value(node: Any, row: Row, rows: Sequence[Row]) -> Any:
    """The value of one node at one row of a table."""
    for kind, function in NODES.items():
        if type(node) is kind:
            found = function(node, lambda part: value(part, row, rows), row, rows)
            return not found if node.args.get("negate") and found is not None else found  # IS NOT
    raise AssertionError(f"{type(node).__name__} is not known here: {node.sql()}")


def _strict(function: Callable[..., Any], *names: str) -> Callable[..., Any]:
    """A node whose value is null where one of its parts is."""

    def evaluated(node: Any, of: Any, row: Row, rows: Sequence[Row]) -> Any:
        parts = [of(node.args[name]) for name in names]
        return None if any(part is None for part in parts) else function(*parts)

    return evaluated


def _and(node: Any, of: Any, row: Row, rows: Sequence[Row]) -> bool | None:
    sides = (of(node.this), of(node.expression))
    return False if False in sides else None if None in sides else True


def _or(node: Any, of: Any, row: Row, rows: Sequence[Row]) -> bool | None:
    sides = (of(node.this), of(node.expression))
    return True if True in sides else None if None in sides else False


def _in(node: Any, of: Any, row: Row, rows: Sequence[Row]) -> bool | None:
    wanted, given = of(node.this), [of(each) for each in node.expressions]
    if wanted is None:
        return None
    return True if wanted in [each for each in given if each is not None] else None if None in given else False


def _case(node: Any, of: Any, row: Row, rows: Sequence[Row]) -> Any:
    for branch in node.args["ifs"]:
        if of(branch.this) is True:
            return of(branch.args["true"])
    return of(node.args["default"]) if node.args.get("default") is not None else None


def _between(node: Any, of: Any, row: Row, rows: Sequence[Row]) -> bool | None:
    what, low, high = of(node.this), of(node.args["low"]), of(node.args["high"])
    above = None if None in (what, low) else what >= low
    below = None if None in (what, high) else what <= high
    return False if False in (above, below) else None if None in (above, below) else True


def _coalesce(node: Any, of: Any, row: Row, rows: Sequence[Row]) -> Any:
    return next((found for part in (node.this, *node.expressions) if (found := of(part)) is not None), None)


def _is(node: Any, of: Any, row: Row, rows: Sequence[Row]) -> bool:
    return of(node.this) is of(node.expression)


def _called(node: Any, of: Any, row: Row, rows: Sequence[Row]) -> Any:
    """A function that the parser knows by nothing but its name."""
    parts = [of(part) for part in node.expressions]
    name = node.name.upper()
    if None in parts:
        return None
    if name == "REGEXP_LIKE":
        return _matches(*parts)
    if name == "ENDS_WITH":
        return parts[0].endswith(parts[1])
    if name == "SPLIT_PART":
        return _split_part(*parts)
    raise AssertionError(f"{name} is not known here")


def _matches(text: str, pattern: str) -> bool:
    for name, members in _CLASSES.items():
        pattern = pattern.replace(name, members)
    return re.search(re.sub(r"(?<!\\)\$", r"\\Z", pattern), text) is not None


def _split_part(text: str, by: str, number: int) -> str | None:
    parts = text.split(by)
    return parts[number - 1] if number <= len(parts) else ""


def _cast(node: Any, of: Any, row: Row, rows: Sequence[Row]) -> Any:
    """What cannot be cast is null."""
    what, to = of(node.this), node.args["to"].sql("postgres").upper()
    if what is None:
        return None
    if to in ("INT", "INTEGER"):
        found = int(what) if not isinstance(what, str) else int(what) if re.fullmatch("[+-]?[0-9]+", what) else None
        return found if found is not None and -(2**31) <= found < 2**31 else None
    if to in ("DOUBLE PRECISION", "DOUBLE"):
        if not isinstance(what, str):
            return float(what)
        sound = re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", what)
        return float(what) if sound else None
    raise AssertionError(f"a cast to {to} is not known here")


def _window(node: Any, of: Any, row: Row, rows: Sequence[Row]) -> Any:
    """A function over the rows of the same partition, in the order that is asked for."""

    def key(other: Row) -> list[Any]:
        return [value(part, other, rows) for part in node.args["partition_by"]]

    mine = key(row)
    part = [other for other in rows if key(other) == mine]
    if node.args.get("order"):
        by = [each.this for each in node.args["order"].expressions]
        part.sort(key=lambda other: [value(each, other, rows) for each in by])
    at = next(number for number, other in enumerate(part) if other is row)
    call = node.this
    if isinstance(call, exp.RowNumber):
        return at + 1
    if isinstance(call, exp.Lag):
        return value(call.this, part[at - 1], rows) if at else None
    if isinstance(call, exp.Lead):
        return value(call.this, part[at + 1], rows) if at + 1 < len(part) else None
    found = [each for other in part if (each := value(call.this, other, rows)) is not None]
    if isinstance(call, exp.Count):
        return len(found)
    if isinstance(call, exp.Max | exp.Min):
        return (max if isinstance(call, exp.Max) else min)(found, default=None)
    raise AssertionError(f"{call.sql()} is not known here")


def _literal(node: Any, of: Any, row: Row, rows: Sequence[Row]) -> Any:
    return node.name if node.is_string else float(node.name) if re.search("[.eE]", node.name) else int(node.name)


def _divide(left: float, right: float) -> float | None:
    return left / right if right else math.copysign(math.inf, left) if left else math.nan


NODES: dict[type, Callable[[Any, Any, Row, Sequence[Row]], Any]] = {
    exp.Literal: _literal,
    exp.Boolean: lambda node, of, row, rows: bool(node.this),
    exp.Null: lambda node, of, row, rows: None,
    exp.Column: lambda node, of, row, rows: row[node.name],
    exp.Paren: lambda node, of, row, rows: of(node.this),
    exp.And: _and, exp.Or: _or, exp.In: _in, exp.Case: _case, exp.Between: _between, exp.Coalesce: _coalesce,
    exp.Is: _is, exp.Anonymous: _called, exp.Window: _window, exp.TryCast: _cast, exp.Cast: _cast,
    exp.Not: _strict(lambda one: not one, "this"),
    exp.Neg: _strict(lambda one: -one, "this"),
    exp.EQ: _strict(lambda one, other: one == other, "this", "expression"),
    exp.NEQ: _strict(lambda one, other: one != other, "this", "expression"),
    exp.LT: _strict(lambda one, other: one < other, "this", "expression"),
    exp.LTE: _strict(lambda one, other: one <= other, "this", "expression"),
    exp.GT: _strict(lambda one, other: one > other, "this", "expression"),
    exp.GTE: _strict(lambda one, other: one >= other, "this", "expression"),
    exp.Add: _strict(lambda one, other: one + other, "this", "expression"),
    exp.Sub: _strict(lambda one, other: one - other, "this", "expression"),
    exp.Mul: _strict(lambda one, other: one * other, "this", "expression"),
    exp.DPipe: _strict(lambda one, other: one + other, "this", "expression"),
    exp.Lower: _strict(str.lower, "this"),
    exp.Trim: _strict(lambda text: text.strip(SPACE), "this"),
    exp.Length: _strict(len, "this"),
    exp.StartsWith: _strict(lambda text, start: text.startswith(start), "this", "expression"),
    exp.EndsWith: _strict(lambda text, end: text.endswith(end), "this", "expression"),
    exp.StrPosition: _strict(lambda text, what: text.find(what) + 1, "this", "substr"),
    exp.SplitPart: _strict(_split_part, "this", "delimiter", "part_index"),
    exp.RegexpLike: _strict(_matches, "this", "expression"),
}  # fmt: skip
