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
        counts = _counts(runnable, frame)
    except Exception:  # Polars raises many kinds; one bad rule must not silence the others
        if len(rules) == 1:
            return [_error(frame, rules[0])]
        return [evaluate(frame, [rule], [limit])[0] for rule, limit in zip(rules, most, strict=True)]
    for number, rule in runnable:
        outcome = outcomes[number]
        outcome.checked, outcome.failed, outcome.unknown = counts[number]
        if outcome.failed and most[number] != 0:
            failing = frame.lazy().filter(~rule.outcome.fill_null(True))
            limit = most[number]
            outcome.failures = (failing if limit is None else failing.head(limit)).collect()
    return outcomes


def _masked(frame: pl.DataFrame, rule: Rule, most: int | None) -> Outcome:
    """What a rule says that Python judges: counted in one pass, and only the rows that are shown are built."""
    assert rule.mask is not None
    try:
        told = frame.with_columns(rule.about.alias("about")).select("about").hstack(rule.mask(frame))
    except Exception as error:
        return Outcome(rule, error=(str(error) or type(error).__name__).splitlines()[0])
    about = told.filter(pl.col("about")) if rule.when is not None else told
    outcome = Outcome(rule, about.height, int((~about["fine"]).sum()), about["fine"].null_count())
    if outcome.failed and most != 0:
        failing = told.select((pl.col("about") & ~pl.col("fine")).fill_null(False)).to_series()
        rows = frame.with_columns(told["check"]).filter(failing)
        outcome.failures = rows if most is None else rows.head(most)
    return outcome


def _counts(runnable: Sequence[tuple[int, Rule]], frame: pl.DataFrame) -> dict[int, tuple[int, int, int]]:
    """For each rule: checked, failed and unknown rows. One pass, what several rules share evaluated once."""
    beside: dict[str, pl.Expr] = {}
    about: dict[str, pl.Expr] = {}
    outcomes: list[pl.Expr] = []
    for number, rule in runnable:
        asked = rule.asked
        if rule.near is not None and rule.asked_near is not None and rule.near.fit(frame):
            asked = rule.asked_near
            beside |= asked.beside
        if asked.when is not None:
            about[asked.about] = asked.when
        outcomes.append(asked.outcome.alias(f"_outcome{number}"))
    steps = frame.lazy()
    for made in (beside, about):
        steps = steps.with_columns(**made) if made else steps
    every = pl.first().alias("_every")  # outcomes that read no column are as many as there are rows all the same
    # A small table in memory: there is nothing to find for an optimizer.
    told = steps.select(every, *about, *outcomes).collect(optimizations=pl.QueryOptFlags.none())
    counts = {}
    for number, rule in runnable:
        outcome = told[f"_outcome{number}"]
        checked = frame.height if rule.when is None else int(told[rule.asked.about].sum())
        judged = frame.height - outcome.null_count()
        counts[number] = (checked, judged - int(outcome.sum()), checked - judged)
    return counts


def _error(frame: pl.DataFrame, rule: Rule) -> Outcome:
    try:
        _counts([(0, rule)], frame)
    except Exception as error:
        return Outcome(rule, error=str(error).splitlines()[0])
    raise AssertionError(f"{rule.code} raised once and not again")
