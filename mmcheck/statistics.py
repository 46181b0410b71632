"""Statistics of a dataset, gathered batch by batch in the same pass as the rules; parts add up in any order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mmcheck import runs
from mmcheck.histograms import SIDES, Counter, Extreme, Extremes, Histogram
from mmcheck.slots import of_one_kind
from mmcheck.tables import ROW_BITS

if TYPE_CHECKING:
    import polars as pl

#: What is counted of the media of each kind, by the column of the media table.
COUNTED = {"formats": "container", "modes": "mode", "defects": "defect"}
#: An image is told as elongated from this ratio of its sides up.
ELONGATED = 3


@dataclass(slots=True)
class Statistics:
    """Distributions over records, turns and references to media. Media are counted as often as they are referred to."""

    records_per_file: Histogram = field(default_factory=Histogram)
    turns_per_record: Histogram = field(default_factory=Histogram)
    text_length: Histogram = field(default_factory=Histogram)
    roles: Counter = field(default_factory=Counter)
    records_with_media_table: int = 0
    media_per_record: dict[str, Histogram] = field(default_factory=dict)
    durations: dict[str, Histogram] = field(default_factory=dict)
    counted: dict[str, dict[str, Counter]] = field(default_factory=lambda: {name: {} for name in COUNTED})
    sizes: dict[tuple[int, int], int] = field(default_factory=dict)
    extremes: dict[str, Extremes] = field(
        default_factory=lambda: {what: Extremes() for what in ("smallest", "largest", "most elongated")}
    )

    def see_file(self, records: int) -> None:
        """Count a file of so many records."""
        self.records_per_file.see_times(records, 1)

    def see(self, frames: Mapping[str, pl.DataFrame], records: int, file: str, *, samples: bool) -> None:
        """Take in the tables of a batch of so many records; `samples` says whether they are the dataset's own."""
        turns, media = frames.get("turns"), frames.get("media")
        if turns is not None:
            self._turns(turns, records)
        if media is None:
            return
        if samples:
            self.records_with_media_table += records
        if media.height:
            self._media(media, samples)
            self._sizes(media, file)

    def add(self, other: Statistics) -> None:
        """Add another part."""
        for name in ("records_per_file", "turns_per_record", "text_length", "roles"):
            getattr(self, name).add(getattr(other, name))
        self.records_with_media_table += other.records_with_media_table
        for mine, more in ((self.media_per_record, other.media_per_record), (self.durations, other.durations)):
            for kind, histogram in more.items():
                mine.setdefault(kind, Histogram()).add(histogram)
        for name, kinds in other.counted.items():
            for kind, counter in kinds.items():
                self.counted[name].setdefault(kind, Counter()).add(counter)
        for cell, count in other.sizes.items():
            self.sizes[cell] = self.sizes.get(cell, 0) + count
        for what, extremes in other.extremes.items():
            self.extremes[what].add(extremes)

    def move(self, rows: int) -> None:
        """Count rows from another start, so many before."""
        for extremes in self.extremes.values():
            extremes.move(rows)

    def to_dict(self) -> dict[str, Any]:
        """What `statistics` of a result holds; only what was seen."""
        told: dict[str, Any] = {}
        for name, histogram, unit in (
            ("records_per_file", self.records_per_file, "records"),
            ("turns_per_record", self.turns_per_record, "turns"),
            ("text_length", self.text_length, "characters"),
        ):
            if histogram.count:
                told[name] = histogram.to_dict(unit)
        if self.roles.count:
            told["roles"] = self.roles.to_dict()
        told["media_per_record"] = {
            kind: self._with_none(self.media_per_record[kind]) for kind in _kinds(self.media_per_record)
        }
        told["durations"] = {kind: self.durations[kind].to_dict("seconds", 1000) for kind in _kinds(self.durations)}
        for name, kinds in self.counted.items():
            told[name] = {kind: kinds[kind].to_dict() for kind in _kinds(kinds)}
        if self.sizes:
            told["image_sizes"] = {
                "unit": "pixels",
                "count": sum(self.sizes.values()),
                "cells": [[SIDES[x], SIDES[y], count] for (x, y), count in sorted(self.sizes.items())],
                "outliers": [each for what, found in self.extremes.items() for each in found.to_list(what)],
            }
        return {name: value for name, value in told.items() if value}

    def _with_none(self, histogram: Histogram) -> dict[str, Any]:
        """The histogram with the records that have no medium of the kind."""
        whole = Histogram()
        whole.add(histogram)
        whole.see_times(0, self.records_with_media_table - histogram.count)
        return whole.to_dict("media")

    def _turns(self, turns: pl.DataFrame, records: int) -> None:
        lengths = runs.lengths(runs.keys(turns["sample"]))  # the turns of a record stand together
        self.turns_per_record.see(lengths)
        self.turns_per_record.see_times(0, records - len(lengths))
        if "text" in turns.columns:
            self.text_length.see(runs.whole(_there(turns["text"].str.len_chars())))
        if "role" in turns.columns:
            self.roles.see(_occurrences(turns["role"]))

    def _media(self, media: pl.DataFrame, samples: bool) -> None:
        for part in [media] if of_one_kind(media) else media.partition_by("kind", maintain_order=True):
            kind = part["kind"][0] or "any"
            if samples:
                of = runs.keys(part["sample"] if part["sample"].is_sorted() else part["sample"].sort())
                self.media_per_record.setdefault(kind, Histogram()).see(runs.lengths(of))
            for name, column in COUNTED.items():
                found = _occurrences(part[column])
                if found:
                    self.counted[name].setdefault(kind, Counter()).see(found)
            seconds = _there(part["duration"])
            if len(seconds):
                # Whole milliseconds add up exactly, in any order; no clip is longer than a year.
                thousandths = (seconds.fill_nan(0).clip(0, 3e7) * 1000).round()
                self.durations.setdefault(kind, Histogram()).see(runs.whole(thousandths.cast(int)))

    def _sizes(self, media: pl.DataFrame, file: str) -> None:
        import polars as pl

        if media["width"].null_count() == media.height:
            return
        sized = media.filter(
            (pl.col("width") > 0) & (pl.col("height") > 0) & (pl.col("kind").fill_null("image") == "image")
        )
        if not sized.height:
            return
        import numpy as np

        x, y = (np.searchsorted(SIDES, sized[side].to_numpy(), side="right") - 1 for side in ("width", "height"))
        cells, counts = np.unique(x * len(SIDES) + y, return_counts=True)
        for cell, count in zip(cells.tolist(), counts.tolist(), strict=True):
            place = divmod(cell, len(SIDES))
            self.sizes[place] = self.sizes.get(place, 0) + count
        short, long = pl.min_horizontal("width", "height"), pl.max_horizontal("width", "height")
        area = pl.col("width") * pl.col("height")
        for what, measure, some in (
            ("smallest", area, pl.lit(True)),
            ("largest", -area, pl.lit(True)),
            ("most elongated", -(long * 1000 // short), long >= ELONGATED * short),
        ):
            extremes = self.extremes[what]
            columns = sized.filter(some).select(
                measure.alias("measure"), "sample", "position", "source", "width", "height"
            )
            first = (
                columns.sort("measure", "source", "sample", "position")
                .filter(pl.col("source").is_null() | pl.col("source").is_first_distinct())
                .head(extremes.most)
            )
            for value, sample, position, source, width, height in first.rows():
                row = sample & ((1 << ROW_BITS) - 1)
                extremes.see(Extreme(value, source or "", file, row, position, width, height))


def _kinds(by_kind: Mapping[str, Any]) -> list[str]:
    return sorted(by_kind)[:32]


def _occurrences(names: pl.Series) -> dict[str, int]:
    if names.null_count() == len(names):
        return {}
    return dict(_there(names).value_counts().iter_rows())


def _there(values: pl.Series) -> pl.Series:
    return values.drop_nulls() if values.null_count() else values


def series(statistics: Mapping[str, Any], prefix: str = "") -> dict[str, Mapping[str, Any]]:
    """The single distributions of a result's statistics by name, such as `media_per_record image`."""
    found: dict[str, Mapping[str, Any]] = {}
    for name, value in statistics.items():
        if not isinstance(value, Mapping):
            continue
        if "bins" in value or "values" in value or "cells" in value:
            found[prefix + name] = value
        else:
            found |= series(value, f"{prefix}{name} ")
    return found


def shares(distribution: Mapping[str, Any]) -> dict[Any, float]:
    """The share of each bin, name or cell."""
    if "values" in distribution:
        counts = {**distribution["values"], None: distribution.get("other", 0)}
    else:
        counts = {tuple(each[:2]): each[2] for each in distribution.get("bins", distribution.get("cells", ()))}
    whole = sum(counts.values()) or 1
    return {name: count / whole for name, count in counts.items()}


def distance(old: Mapping[str, Any], new: Mapping[str, Any]) -> float:
    """How far two distributions are apart: half the sum of the differences of their shares, from 0 to 1."""
    before, after = shares(old), shares(new)
    return sum(abs(before.get(name, 0.0) - after.get(name, 0.0)) for name in before.keys() | after.keys()) / 2


def gist(distribution: Mapping[str, Any]) -> str:
    """A distribution in a few words."""
    if "values" in distribution:
        first = sorted(distribution["values"].items(), key=lambda item: (-item[1], item[0]))[:3]
        return ", ".join(f"{name}: {count:,}" for name, count in first)
    if "cells" in distribution:
        return f"{distribution['count']:,} images"
    return f"mean {distribution['mean']:,} ({distribution['min']:,} to {distribution['max']:,}) {distribution['unit']}"
