"""Slots: the placeholders of a text, and how rows of a record are numbered."""

from __future__ import annotations

import re
from collections.abc import Mapping

import polars as pl


def _ordinal(*by: str) -> pl.Expr:
    return pl.int_range(pl.len(), dtype=pl.Int64).over(by)


def ordinals(samples: pl.Series) -> pl.Series:
    """0, 1, … within each run of equal samples; a table's rows of one record stand together."""
    runs = samples.rle().struct.field("len").alias("len")
    if len(runs) == len(samples):
        return pl.Series("len", [0], dtype=pl.Int64).new_from_index(0, len(samples))
    return pl.select(pl.int_ranges(pl.lit(0), runs, dtype=pl.Int64)).to_series().explode()


def of_one_kind(frame: pl.DataFrame) -> bool:
    """Whether all rows are of the same kind, or of none."""
    return "kind" not in frame.columns or bool(frame["kind"].eq_missing(frame["kind"].head(1)).all())


def positions(frame: pl.DataFrame) -> pl.Series | pl.Expr:
    """0, 1, … within each record and kind."""
    if of_one_kind(frame):
        return ordinals(frame["sample"]).alias("position")
    return _ordinal("sample", "kind").alias("position")


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
    number = ordinals(found["sample"]).alias("slot")
    return found.with_columns(number, number.alias("position") if of_one_kind(found) else positions(found))
