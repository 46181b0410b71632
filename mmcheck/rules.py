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
    able = [(number, rule) for number, rule in enumerate(rules) if rule.reads <= set(frame.columns)]
    if not able or frame.height == 0:
        return outcomes
    for number, rule in able:
        if rule.mask is not None:
            outcomes[number] = _masked(frame, rule, most[number])
    runnable = [(number, rule) for number, rule in able if rule.mask is None]
    if not runnable:
        return outcomes
    try:
        row = _passes(runnable, frame)
    except Exception:  # Polars raises many kinds; one bad rule must not silence the others
        if len(rules) == 1:
            return [_error(frame, rules[0])]
        return [evaluate(frame, [rule], [limit])[0] for rule, limit in zip(rules, most, strict=True)]
    for number, rule in runnable:
        outcome = outcomes[number]
        outcome.checked, outcome.failed = row[f"c{number}"], row[f"f{number}"]
        outcome.unknown = outcome.checked - outcome.failed - row[f"p{number}"]
        if outcome.failed and most[number] != 0:
            failing = frame.lazy().filter(_fails(rule))
            limit = most[number]
            outcome.failures = (failing if limit is None else failing.head(limit)).collect()
    return outcomes


def _masked(frame: pl.DataFrame, rule: Rule, most: int | None) -> Outcome:
    """What a rule says that Python judges: counted in one pass, and only the rows that are shown are built."""
    assert rule.mask is not None
    try:
        told = frame.with_columns(_mask(rule).alias("about")).select("about").hstack(rule.mask(frame))
    except Exception as error:
        return Outcome(rule, error=(str(error) or type(error).__name__).splitlines()[0])
    about = told.filter(pl.col("about")) if rule.when is not None else told
    outcome = Outcome(rule, about.height, int((~about["fine"]).sum()), about["fine"].null_count())
    if outcome.failed and most != 0:
        failing = told.select((pl.col("about") & ~pl.col("fine")).fill_null(False)).to_series()
        rows = frame.with_columns(told["check"]).filter(failing)
        outcome.failures = rows if most is None else rows.head(most)
    return outcome


def _passes(runnable: Sequence[tuple[int, Rule]], frame: pl.DataFrame) -> dict[str, int]:
    """For each rule: `c` checked, `f` failed and `p` passed rows. One lazy pass, each expression evaluated once."""
    outcomes = [_outcome(rule).alias(f"o{number}") for number, rule in runnable]
    masks = [_mask(rule).alias(f"m{number}") for number, rule in runnable]
    sums = [
        part.sum().cast(pl.Int64).alias(f"{name}{number}")
        for number, _ in runnable
        for name, part in (
            ("p", pl.col(f"o{number}")),
            ("f", ~pl.col(f"o{number}")),
            ("c", pl.col(f"m{number}")),
        )
    ]
    return frame.lazy().with_columns(*outcomes, *masks).select(sums).collect().row(0, named=True)


def _mask(rule: Rule) -> pl.Expr:
    """The rows that the rule is about."""
    return pl.lit(True) if rule.when is None else rule.when.cast(pl.Boolean).fill_null(False)


def _outcome(rule: Rule) -> pl.Expr:
    """True where a row passes, false where it fails, null where the rule is not about it or cannot tell."""
    expr = rule.expr if rule.expr is not None else pl.lit(True)
    return expr.cast(pl.Boolean) if rule.when is None else pl.when(_mask(rule)).then(expr.cast(pl.Boolean))


def _fails(rule: Rule) -> pl.Expr:
    return ~_outcome(rule).fill_null(True)


def _error(frame: pl.DataFrame, rule: Rule) -> Outcome:
    try:
        _passes([(0, rule)], frame)
    except Exception as error:
        return Outcome(rule, error=str(error).splitlines()[0])
    raise AssertionError(f"{rule.code} raised once and not again")
