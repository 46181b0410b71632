"""Slots: the placeholders of a text, and how rows of a record are numbered."""

from __future__ import annotations

import re
from collections.abc import Mapping

import polars as pl


def _ordinal(*by: str) -> pl.Expr:
    return pl.int_range(pl.len(), dtype=pl.Int64).over(by)


def ordinals(samples: pl.Series) -> pl.Series:
    """0, 1, … within each run of equal samples; a table's rows of one record stand together."""
    if samples.is_empty():
        return pl.Series([], dtype=pl.Int64)
    runs = samples.rle().struct.field("len").alias("len")
    return pl.select(pl.int_ranges(pl.lit(0), runs, dtype=pl.Int64)).to_series().explode()


def positions(frame: pl.DataFrame) -> pl.Series | pl.Expr:
    """0, 1, … within each record and kind."""
    if frame["kind"].n_unique() <= 1:
        return ordinals(frame["sample"]).alias("position")
    return _ordinal("sample", "kind").alias("position")


def find_placeholders(texts: pl.DataFrame, column: str, placeholders: Mapping[str, str | None]) -> pl.DataFrame:
    """Every placeholder of a text column, in order; `{n}` in a placeholder stands for the number that it names."""
    kinds: dict[str, str | None] = {}
    patterns = []
    for token, kind in sorted(placeholders.items(), key=lambda item: -len(item[0])):
        kinds[token] = kind
        patterns.append(re.escape(token).replace(r"\{n\}", r"\d+"))
    turn = "turn" if "turn" in texts.columns else "ordinal"
    found = (
        texts.lazy()
        .filter(pl.col(column).str.contains("|".join(patterns)))
        .select("sample", pl.col(turn).alias("turn"), pl.col(column).str.extract_all("|".join(patterns)).alias("token"))
        .explode("token")
        .with_columns(
            pl.col("token").str.replace(r"\d+", "{n}").alias("_named"),
            pl.col("token").str.extract(r"(\d+)").alias("_number"),
        )
        .with_columns(
            pl.when(pl.col("token").is_in(list(kinds)))
            .then(pl.lit(None, pl.String))
            .otherwise(pl.col("_number"))
            .alias("reference"),
            pl.when(pl.col("token").is_in(list(kinds)))
            .then(pl.col("token").replace_strict(kinds, default=None, return_dtype=pl.String))
            .otherwise(pl.col("_named").replace_strict(kinds, default=None, return_dtype=pl.String))
            .alias("kind"),
        )
        .select("sample", "turn", "kind", "reference")
    ).collect()
    return found.with_columns(ordinals(found["sample"]).alias("slot"), positions(found))
