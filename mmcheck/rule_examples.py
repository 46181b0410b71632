"""A rule's examples are its tests: no row of a `good` table fails, at least one of a `bad` table does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from mmcheck import global_rules
from mmcheck.contracts import TABLES, Kind
from mmcheck.errors import RequestError, nearest
from mmcheck.expression import dtype
from mmcheck.format import Format
from mmcheck.rulefile import Example, Stanza
from mmcheck.rules import evaluate
from mmcheck.ruleset import Rule, compile_stanza

_INDEXES = ("turn", "slot", "position", "ordinal")


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """An example that does not do what it should: `which` is good or bad, `number` counts from 1."""

    stanza: Stanza
    which: str
    number: int
    why: str

    def __str__(self) -> str:
        return f"{self.stanza.where}: {self.stanza.code} {self.which} example {self.number}: {self.why}"


def misbehaving(stanza: Stanza, form: Format, params: Mapping[str, Any], *, python: bool = False) -> list[Misbehaviour]:
    """The examples of a stanza that do not behave, under the parameters of a format."""
    found = []
    for which, examples in (("good", stanza.good), ("bad", stanza.bad)):
        for number, example in enumerate(examples, 1):
            failed, error = fails(stanza, form, params, example, python=python)
            if error is not None:
                found.append(Misbehaviour(stanza, which, number, f"the expression raised: {error}"))
            elif which == "good" and failed:
                found.append(Misbehaviour(stanza, which, number, f"{failed} row(s) fail"))
            elif which == "bad" and not failed:
                found.append(Misbehaviour(stanza, which, number, "no row fails"))
    return found


def fails(
    stanza: Stanza, form: Format, params: Mapping[str, Any], example: Example, *, python: bool = False
) -> tuple[int, str | None]:
    """How many rows of an example fail the stanza, and what an expression raised, if it did.

    The table `params` of an example, of one row, sets parameters for it.
    """
    for row in example.get("params", ()):
        params = {**params, **row}
    rule = compile_stanza(stanza, form, params, python=python)
    frames = {table: frame(table, rows, form, stanza) for table, rows in example.items() if table != "params"}
    if stanza.references and stanza.references.to_table not in frames:
        frames[stanza.references.to_table] = frame(stanza.references.to_table, [], form, stanza)
    if rule.by_row:
        outcome = evaluate(frames[stanza.table or ""], [rule], [None])[0]
        return outcome.failed, outcome.error
    return _failing(rule, frames), None


def _failing(rule: Rule, frames: Mapping[str, pl.DataFrame]) -> int:
    places = pl.DataFrame(schema={"sample": pl.Int64, "_line": pl.Int64, "_id": pl.String})
    facts = global_rules.gather(frames, [(0, rule)], places, valid=True)
    return global_rules.judge(0, rule, facts, None).failed


def frame(table: str, rows: Sequence[Mapping[str, Any]], form: Format, stanza: Stanza) -> pl.DataFrame:
    """The rows of an example as a table: `sample` 0, indexes counted, other columns null unless given."""
    kinds: dict[str, Kind] = dict(form.columns(table))
    if not kinds and table in TABLES:
        kinds = {column.name: column.kind for column in TABLES[table].columns}
    columns: dict[str, list[Any]] = {name: [] for name in kinds}
    for number, row in enumerate(rows):
        for name in row:
            if name not in columns:
                raise RequestError(
                    f"{stanza.where}: {stanza.code}: an example has a column {name!r}, "
                    f"which the table {table!r} has not{nearest(str(name), columns)}"
                )
        for name, values in columns.items():
            default = 0 if name == "sample" else number if name in _INDEXES else None
            values.append(row.get(name, default))
    if stanza.aggregate or stanza.unique or stanza.references:
        # Each row of an example of a rule over the whole dataset is a record of its own.
        columns["sample"] = [row.get("sample", number) for number, row in enumerate(rows)]
    series = [_series(name, values, kinds[name], stanza) for name, values in columns.items()]
    return pl.DataFrame(series)


def _series(name: str, values: list[Any], kind: Kind, stanza: Stanza) -> pl.Series:
    try:
        return pl.Series(name, values, dtype=dtype(kind), strict=True)
    except (TypeError, pl.exceptions.PolarsError):
        if kind == "number":
            return pl.Series(name, [None if value is None else float(value) for value in values], dtype=pl.Float64)
        raise RequestError(f"{stanza.where}: {stanza.code}: an example's {name!r} is no {kind}") from None
