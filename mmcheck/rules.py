"""Rules meet a table: all of them in one lazy pass, counts exact, examples taken afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from mmcheck.ruleset import Rule


@dataclass(slots=True)
class Outcome:
    """What a rule says of a table. `failures` holds whole rows, the first ones by place; `error` a rule that raised."""

    rule: Rule
    checked: int = 0
    failed: int = 0
    unknown: int = 0
    failures: pl.DataFrame | None = None
    error: str | None = None


def evaluate(frame: pl.DataFrame, rules: Sequence[Rule], most: Sequence[int | None]) -> list[Outcome]:
    """Evaluate expression rules over a table. `most` limits the failing rows that are kept of each (None: all).

    A null is neither passed nor failed. An expression that raises is told in its outcome; the others still run.
    """
    outcomes = [Outcome(rule) for rule in rules]
    runnable = [(number, rule) for number, rule in enumerate(rules) if rule.reads <= set(frame.columns)]
    if not runnable or frame.height == 0:
        return outcomes
    counts = [expr for number, rule in runnable for expr in _counts(number, rule)]
    try:
        row = frame.lazy().select(counts).collect().row(0, named=True)
    except Exception:  # Polars raises many kinds; one bad rule must not silence the others
        if len(rules) == 1:
            return [_error(frame, rules[0])]
        return [
            evaluate(frame, [rule], [limit])[0] for rule, limit in zip(rules, most, strict=True)
        ]
    for number, rule in runnable:
        outcome = outcomes[number]
        outcome.checked, outcome.unknown = row[f"{number}c"], row[f"{number}u"]
        outcome.failed = row[f"{number}f"]
        if outcome.failed and most[number] != 0:
            failing = frame.lazy().filter(_fails(rule))
            limit = most[number]
            outcome.failures = (failing if limit is None else failing.head(limit)).collect()
    return outcomes


def _counts(number: int, rule: Rule) -> list[pl.Expr]:
    mask, holds = _mask(rule), _holds(rule)
    return [
        mask.sum().cast(pl.Int64).alias(f"{number}c"),
        (mask & ~holds.fill_null(True)).sum().cast(pl.Int64).alias(f"{number}f"),
        (mask & holds.is_null()).sum().cast(pl.Int64).alias(f"{number}u"),
    ]


def _mask(rule: Rule) -> pl.Expr:
    """The rows that the rule is about, as long as the table: a literal `when` is spread over it."""
    rows = pl.int_range(pl.len()) >= 0
    return rows if rule.when is None else rows & rule.when.cast(pl.Boolean).fill_null(False)


def _holds(rule: Rule) -> pl.Expr:
    expr = rule.expr if rule.expr is not None else pl.lit(True)
    return pl.when(pl.int_range(pl.len()) >= 0).then(expr.cast(pl.Boolean))


def _fails(rule: Rule) -> pl.Expr:
    return _mask(rule) & ~_holds(rule).fill_null(True)


def _error(frame: pl.DataFrame, rule: Rule) -> Outcome:
    try:
        frame.lazy().select(_counts(0, rule)).collect()
    except Exception as error:
        return Outcome(rule, error=str(error).splitlines()[0])
    raise AssertionError(f"{rule.code} raised once and not again")
