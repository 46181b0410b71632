"""How much there is in a record: the table `lengths`, which token budgets are written about."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

_KINDS = {"images": "image", "videos": "video", "audios": "audio"}


def lengths(samples: Sequence[int], turns: pl.DataFrame | None, media: pl.DataFrame | None) -> pl.DataFrame:
    """A row a record: characters and number of its turns, and how many media of each kind."""
    frame = pl.DataFrame({"sample": pl.Series(samples, dtype=pl.Int64)})
    if turns is not None:
        said = turns.group_by("sample").agg(
            pl.col("text").str.len_chars().sum().cast(pl.Int64).alias("characters"),
            pl.len().cast(pl.Int64).alias("turns"),
        )
        frame = frame.join(said, on="sample", how="left", maintain_order="left")
    if media is not None:
        counted = media.group_by("sample").agg(
            (pl.col("kind") == kind).sum().cast(pl.Int64).alias(name) for name, kind in _KINDS.items()
        )
        frame = frame.join(counted, on="sample", how="left", maintain_order="left")
    names = ("characters", "turns", *_KINDS)
    missing = [pl.lit(None, pl.Int64).alias(name) for name in names if name not in frame.columns]
    return frame.with_columns(missing).with_columns(pl.col(name).fill_null(0) for name in names)
