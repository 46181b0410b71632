"""Slots meet media: the table `counts`, for every format alike.

The count rule of all formats' documents stands on it: a slot without media, media without a slot.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from mmcheck import runs
from mmcheck.cells import constant
from mmcheck.slots import of_one_kind


def stand_in(slots: pl.DataFrame, media: pl.DataFrame, substitutes: Mapping[str, str]) -> pl.DataFrame:
    """Slots of kind A become slots of kind B in records that have media of kind B and none of kind A."""
    for kind, other in substitutes.items():
        are = media["kind"] == other
        if not are.any():
            continue
        instead = media["sample"].filter(are).unique()
        have = media.filter(pl.col("kind") == kind)["sample"].unique()
        sample = pl.col("sample")
        swap = (pl.col("kind") == kind) & sample.is_in(instead.implode()) & ~sample.is_in(have.implode())
        position = pl.int_range(pl.len(), dtype=pl.Int64).over("sample", "kind")
        slots = slots.with_columns(pl.when(swap).then(pl.lit(other)).otherwise("kind").alias("kind"))
        slots = slots.with_columns(position.alias("position"))
    return slots


def counts(slots: pl.DataFrame, media: pl.DataFrame, *, any_kind: bool) -> pl.DataFrame:
    """How many slots and media each record has of each kind; one kind, null, where placeholders are for any."""
    simple = _of_one_kind(slots, media, any_kind=any_kind)
    if simple is not None:
        return simple
    kind = pl.lit(None, pl.String).alias("kind") if any_kind else pl.col("kind")
    slots, media = slots.select("sample", kind), media.select("sample", kind)
    one, none = (pl.lit(number, pl.Int64) for number in (1, 0))
    places = (slots.with_columns(slots=one, media=none), media.with_columns(slots=none, media=one))
    counted = pl.concat(places).group_by("sample", "kind").sum().sort("sample", "kind", nulls_last=False)
    return counted.with_columns(_kinds_differ(counted), pl.lit(None, pl.Int64).alias("foreign_slots"))


def _of_one_kind(slots: pl.DataFrame, media: pl.DataFrame, *, any_kind: bool) -> pl.DataFrame | None:
    """The counts where all is of one kind and in the same records, as it mostly is: the lengths of runs."""
    both = (slots, media)
    if not all(part.height and part["sample"].is_sorted() for part in both):
        return None
    kind = None if any_kind else slots["kind"][0]
    if kind != (None if any_kind else media["kind"][0]) or not (any_kind or all(of_one_kind(part) for part in both)):
        return None
    of_slots, of_media = (runs.keys(part["sample"]) for part in both)
    samples, others = (
        part["sample"].gather(runs.starts(keys)) for part, keys in zip(both, (of_slots, of_media), strict=True)
    )
    if not samples.equals(others):
        return None
    return pl.DataFrame(
        {
            "sample": samples,
            "kind": constant("kind", kind, "string", len(samples)),
            "slots": runs.lengths(of_slots),
            "media": runs.lengths(of_media),
            "kinds_differ": constant("kinds_differ", False, "boolean", len(samples)),
            "foreign_slots": constant("foreign_slots", None, "integer", len(samples)),
        }
    )


def _kinds_differ(counted: pl.DataFrame) -> pl.Expr:
    """Whether a record has as many slots as media in all, but of other kinds: never where each has one kind."""
    if counted["sample"].n_unique() == counted.height:
        return pl.lit(False).alias("kinds_differ")
    same = pl.col("slots").sum().over("sample") == pl.col("media").sum().over("sample")
    return (same & (pl.col("slots") != pl.col("media")).any().over("sample")).alias("kinds_differ")


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
