"""Evidence of order: what a record tells of the order of its media, against what was found; the table `order`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

from mmcheck import paths
from mmcheck.cells import json_text
from mmcheck.evidence import Evidence

#: Of a record with more media, whether they stand in another order is not looked for: that takes all pairs of them.
_MOST = 200

ORDER_SCHEMA = {
    "sample": pl.Int64, "kind": pl.String, "evidence": pl.String, "same": pl.Boolean, "permuted": pl.Boolean,
    "recorded": pl.String, "measured": pl.String,
}  # fmt: skip


def order(
    evidence: Sequence[Evidence],
    records: Callable[[], Sequence[Any]],
    samples: Sequence[int],
    slots: pl.DataFrame | None,
    media: pl.DataFrame,
) -> pl.DataFrame:
    """What speaks for the order of the media of each record, and whether it agrees with what was found.

    `records` are asked for only where they tell something of it.
    """
    rows: list[dict[str, Any]] = []
    for piece in evidence:
        if piece.matrix is not None:
            rows += _matrix_rows(piece, records(), samples)
        else:
            rows += _list_rows(piece, records, samples, media)
    frame = pl.DataFrame(rows, schema=ORDER_SCHEMA)
    if slots is not None and "reference" in slots.columns and slots["reference"].null_count() < slots.height:
        frame = pl.concat([frame, _reference_rows(slots, media)])
    return frame


def _list_rows(
    piece: Evidence, records: Callable[[], Sequence[Any]], samples: Sequence[int], media: pl.DataFrame
) -> list[dict[str, Any]]:
    """Lists in the record, one value a medium, against columns of the media table; absent lists are passed over."""
    if not set(piece.measured) <= set(media.columns):
        return []
    mine = media.filter((pl.col("kind") == piece.kind) & pl.any_horizontal(pl.col(piece.measured).is_not_null()))
    if mine.height == 0:
        return []  # nothing of the kind, or nothing was measured
    having = set(mine["sample"])
    records_of = ((sample, record) for sample, record in zip(samples, records(), strict=True) if sample in having)
    wanted = {sample: found for sample, record in records_of if (found := _lists(piece, record))}
    if not wanted:
        return []
    mine = media.filter((pl.col("kind") == piece.kind) & pl.col("sample").is_in(list(wanted)))
    seen: dict[int, list[tuple[Any, ...]]] = {}
    for sample, *values in mine.select("sample", *piece.measured).iter_rows():
        seen.setdefault(sample, []).append(tuple(values[number] for number in wanted[sample]))
    rows = []
    for sample, measured in seen.items():
        lists = list(wanted[sample].values())
        if any(len(values) != len(measured) for values in lists):
            continue  # lists of another length are a finding of their own
        recorded = list(zip(*lists, strict=True))
        if any(None in values for values in measured):
            continue  # not probed, or not decodable: unknown
        rows.append(_row(piece, sample, recorded, measured))
    return rows


def _lists(piece: Evidence, record: Any) -> dict[int, list[Any]]:
    """By the number of the measured column: the first of the spellings under which the record has a list."""
    found = {}
    for number, spellings in enumerate(piece.recorded):
        values = (paths.find(record, steps) for steps in spellings)
        first = next((value for value in values if isinstance(value, list)), None)
        if first is not None:
            found[number] = first
    return found


def _row(piece: Evidence, sample: int, recorded: list[Any], measured: list[Any]) -> dict[str, Any]:
    same = all(_close(a, b, piece.tolerance) for a, b in zip(recorded, measured, strict=True))
    # All pairs are compared, which a record with many thousand media would turn into an attack.
    permuted = not same and len(measured) <= _MOST and _is_permutation(
        [[_close(a, b, piece.tolerance) for b in measured] for a in recorded]
    )  # fmt: skip
    return {
        "sample": sample, "kind": piece.kind, "evidence": piece.name, "same": same, "permuted": permuted,
        "recorded": _told(recorded), "measured": _told(measured),
    }  # fmt: skip


def _told(values: list[Any]) -> str:
    plain = [value[0] if isinstance(value, tuple) and len(value) == 1 else value for value in values]
    return json_text([list(value) if isinstance(value, tuple) else value for value in plain[:20]])


def _close(one: Any, other: Any, tolerance: float) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return all(_close(a, b, tolerance) for a, b in zip(one, other, strict=True))
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) <= tolerance
    return bool(one == other)


def _is_permutation(fits: list[list[bool]]) -> bool:
    """Whether every left value can be given a right value of its own (a perfect matching, by augmenting paths)."""
    taken: dict[int, int] = {}

    def place(left: int, tried: set[int]) -> bool:
        for right, fit in enumerate(fits[left]):
            if fit and right not in tried:
                tried.add(right)
                if right not in taken or place(taken[right], tried):
                    taken[right] = left
                    return True
        return False

    return all(place(left, set()) for left in range(len(fits)))


def _matrix_rows(piece: Evidence, records: Sequence[Any], samples: Sequence[int]) -> list[dict[str, Any]]:
    """One value a medium, that must stand in the medium's own row of a matrix, in the column that it names."""
    rows = []
    for sample, record in zip(samples, records, strict=True):
        values = [place.value for place in paths.places(record, piece.values)]
        columns = [place.value for place in paths.places(record, piece.column)]
        matrix = paths.find(record, piece.matrix or ())
        if not values or None in values or len(values) != len(columns) or not _is_matrix(matrix, len(values), columns):
            continue
        measured = [matrix[number][column] for number, column in enumerate(columns)]
        same = all(_close(value, own, piece.tolerance) for value, own in zip(values, measured, strict=True))
        fits = [
            [_close(value, row[column], piece.tolerance) for row in matrix]
            for value, column in zip(values, columns, strict=True)
            if not same and len(values) <= _MOST
        ]
        rows.append(
            {
                "sample": sample,
                "kind": piece.kind,
                "evidence": piece.name,
                "same": same,
                "permuted": bool(fits) and _is_permutation(fits),
                "recorded": _told(values),
                "measured": _told(measured),
            }
        )
    return rows


def _is_matrix(matrix: Any, height: int, columns: list[Any]) -> bool:
    """Whether the matrix has a row a medium, and each row the columns that are named."""
    if not isinstance(matrix, list) or len(matrix) != height:
        return False
    if not all(isinstance(column, int) and not isinstance(column, bool) and column >= 0 for column in columns):
        return False
    return all(isinstance(row, list) and all(column < len(row) for column in columns) for row in matrix)


def _reference_rows(slots: pl.DataFrame, media: pl.DataFrame) -> pl.DataFrame:
    """Slots that name their media, against the media at their positions.

    Media without a name go by their number, from 0 where the record names a 0, else from 1 (`<image_1>`).
    """
    by = ["sample", "kind"]
    named = slots.filter(pl.col("reference").is_not_null())
    named = named.with_columns((pl.col("reference") != "0").all().over("sample").cast(pl.Int64).alias("_first"))
    paired = named.join(
        media.select(*by, "position", pl.col("reference").alias("_found")), on=[*by, "position"], nulls_equal=True
    ).with_columns(pl.coalesce("_found", (pl.col("position") + pl.col("_first")).cast(pl.String)).alias("_found"))
    return (
        paired.group_by(by, maintain_order=True)
        .agg(
            pl.lit("reference").alias("evidence"),
            (pl.col("reference") == pl.col("_found")).all().alias("same"),
            (pl.col("reference").sort() == pl.col("_found").sort()).all().alias("permuted"),
            pl.col("reference").str.join(", ").alias("recorded"),
            pl.col("_found").str.join(", ").alias("measured"),
        )
        .with_columns((pl.col("permuted") & ~pl.col("same")).alias("permuted"))
        .select(list(ORDER_SCHEMA))
    )
