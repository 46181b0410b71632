"""Slots meet media: the table `counts`, for every format alike.

The count rule of all formats' documents stands on it: a slot without media, media without a slot.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl


def stand_in(slots: pl.DataFrame, media: pl.DataFrame, substitutes: Mapping[str, str]) -> pl.DataFrame:
    """Slots of kind A become slots of kind B in records that have media of kind B and none of kind A."""
    for kind, other in substitutes.items():
        have = media.filter(pl.col("kind") == kind)["sample"].unique()
        instead = media.filter(pl.col("kind") == other)["sample"].unique()
        sample = pl.col("sample")
        swap = (pl.col("kind") == kind) & sample.is_in(instead.implode()) & ~sample.is_in(have.implode())
        position = pl.int_range(pl.len(), dtype=pl.Int64).over("sample", "kind")
        slots = slots.with_columns(pl.when(swap).then(pl.lit(other)).otherwise("kind").alias("kind"))
        slots = slots.with_columns(position.alias("position"))
    return slots


def counts(slots: pl.DataFrame, media: pl.DataFrame, *, any_kind: bool) -> pl.DataFrame:
    """How many slots and media each record has of each kind; one kind, null, where placeholders are for any."""
    if any_kind:
        slots, media = (frame.with_columns(pl.lit(None, pl.String).alias("kind")) for frame in (slots, media))
    by = ["sample", "kind"]
    joined = (
        slots.lazy()
        .group_by(by)
        .agg(pl.len().cast(pl.Int64).alias("slots"))
        .join(
            media.lazy().group_by(by).agg(pl.len().cast(pl.Int64).alias("media")),
            on=by,
            how="full",
            coalesce=True,
            nulls_equal=True,
        )
        .with_columns(pl.col("slots").fill_null(0), pl.col("media").fill_null(0))
        .with_columns(
            (
                (pl.col("slots").sum().over("sample") == pl.col("media").sum().over("sample"))
                & (pl.col("slots") != pl.col("media")).any().over("sample")
            ).alias("kinds_differ"),
            pl.lit(None, pl.Int64).alias("foreign_slots"),
        )
        .sort(by, nulls_last=False)
    )
    return joined.collect()


def foreign(counts: pl.DataFrame, texts: pl.DataFrame, column: str, tokens: Mapping[str, str]) -> pl.DataFrame:
    """`counts` with `foreign_slots`: how many placeholders of another format stand where media have no slot.

    `tokens` maps the other format's placeholders to their kinds. Null where there is none of them.
    """
    lost = counts.filter((pl.col("slots") == 0) & (pl.col("media") > 0) & pl.col("kind").is_in(list(tokens.values())))
    if lost.height == 0:
        return counts
    texts = texts.filter(pl.col("sample").is_in(lost["sample"].implode()))
    parts = [
        texts.group_by("sample", maintain_order=True).agg(
            pl.lit(kind).alias("kind"),
            pl.col(column).str.count_matches(token, literal=True).sum().cast(pl.Int64).alias("_foreign"),
        )
        for token, kind in tokens.items()
    ]
    seen = pl.concat(parts).group_by("sample", "kind", maintain_order=True).agg(pl.col("_foreign").sum())
    return (
        counts.join(seen.filter(pl.col("_foreign") > 0), on=["sample", "kind"], how="left", maintain_order="left")
        .with_columns(
            pl.when((pl.col("slots") == 0) & (pl.col("media") > 0)).then(pl.col("_foreign")).alias("foreign_slots")
        )
        .drop("_foreign")
    )
