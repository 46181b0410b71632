"""Slots: the placeholders of a text, and how rows of a record are numbered."""

from __future__ import annotations

import re
from collections.abc import Mapping

import polars as pl

from mmcheck import runs


def ordinals(frame: pl.DataFrame, name: str) -> pl.Series:
    """0, 1, … within each record."""
    return pl.Series(name, runs.ordinals(runs.keys(frame["sample"])), dtype=pl.Int64)


def of_one_kind(frame: pl.DataFrame) -> bool:
    """Whether all rows are of the same kind, or of none."""
    if "kind" not in frame.columns:
        return True
    kind = frame["kind"]
    nulls = kind.null_count()
    return nulls == len(kind) or (not nulls and kind.min() == kind.max())


def positions(frame: pl.DataFrame, ordinal: pl.Series | None = None) -> pl.Series:
    """0, 1, … within each record and kind; `ordinal` is the number within the record, where there is one."""
    if of_one_kind(frame):
        return ordinals(frame, "position") if ordinal is None else ordinal.alias("position")
    return frame.select(pl.int_range(pl.len(), dtype=pl.Int64).over("sample", "kind").alias("position")).to_series()


def _each(column: str, tokens: list[str]) -> pl.Expr:
    """Every token in the texts; where two begin at one place, the one that is listed first."""
    return pl.col(column).str.extract_many(tokens, leftmost=True)


def find_placeholders(texts: pl.DataFrame, column: str, placeholders: Mapping[str, str | None]) -> pl.DataFrame:
    """Every placeholder of a text column, in order; `{n}` in a placeholder stands for the number that it names."""
    kinds: dict[str, str | None] = dict(sorted(placeholders.items(), key=lambda item: -len(item[0])))
    pattern = "|".join(re.escape(token).replace(r"\{n\}", r"\d+") for token in kinds)
    numbered = any("{n}" in token for token in kinds)
    some = pl.col(column).str.contains(pattern) if numbered else pl.col(column).str.contains_any(list(kinds))
    turn = "turn" if "turn" in texts.columns else "ordinal"
    found_in = pl.col(column).str.extract_all(pattern) if numbered else _each(column, list(kinds))
    tokens = (
        texts.lazy()
        .select("sample", pl.col(turn).alias("turn"), column)
        .filter(some)
        .select("sample", "turn", found_in.alias("token"))
        .explode("token")
    )
    kind = reference = pl.lit(None, pl.String)
    if numbered:
        exact = pl.col("token").is_in(list(kinds))
        named = pl.when(exact).then("token").otherwise(pl.col("token").str.replace(r"\d+", "{n}"))
        number_in = pl.when(~exact).then(pl.col("token").str.extract(r"(\d+)"))
        tokens = tokens.with_columns(named.alias("token"), number_in.alias("reference"))
        reference = pl.col("reference")
    for token, its in kinds.items():
        kind = pl.when(pl.col("token") == token).then(pl.lit(its, pl.String)).otherwise(kind)
    rows = tokens.select("sample", "turn", kind.alias("kind"), reference.alias("reference"))
    found = rows.collect(optimizations=pl.QueryOptFlags.none())
    number = ordinals(found, "slot")
    return found.hstack([number, positions(found, number)])
