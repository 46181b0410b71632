"""Aggregates over the whole dataset (`COUNT(*) >= 100` by file): parts of each batch that add up, judged at the end."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from mmcheck.expression import to_polars

_CALL = re.compile(r"\b(COUNT|SUM|MIN|MAX|AVG)\s*\(", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Call:
    """An aggregate call in an expression: its span, its name, its argument."""

    start: int
    end: int
    name: str
    argument: str

    @property
    def distinct(self) -> str | None:
        """What is counted, of `COUNT(DISTINCT …)`."""
        word, _, rest = self.argument.partition(" ")
        return rest.strip() if self.name == "COUNT" and word.upper() == "DISTINCT" else None


def _calls(sql: str) -> list[_Call]:
    found = []
    at = 0
    while match := _CALL.search(sql, at):
        depth, end = 1, match.end()
        while depth and end < len(sql):
            depth += {"(": 1, ")": -1}.get(sql[end], 0)
            end += 1
        found.append(_Call(match.start(), end, match[1].upper(), sql[match.end() : end - 1].strip()))
        at = end
    return found


def partial(frame: pl.DataFrame, by: Sequence[str], sql: str) -> pl.DataFrame:
    """The parts of each aggregate of one batch, a row a group: `a0`, `a1`, … and `n0` for the count of an average."""
    parts = []
    for number, call in enumerate(_calls(sql)):
        if call.distinct is not None:
            values = to_polars(call.distinct)
            parts.append(values.drop_nulls().unique(maintain_order=True).implode().alias(f"a{number}"))
        elif call.name == "AVG":
            values = to_polars(call.argument)
            parts += [values.sum().alias(f"a{number}"), values.count().alias(f"n{number}")]
        else:
            parts.append(to_polars(sql[call.start : call.end]).alias(f"a{number}"))
    return _grouped(frame, by, parts)


def joined(partials: Sequence[pl.DataFrame], by: Sequence[str], sql: str) -> pl.DataFrame:
    """Several partials as one, a row a group."""
    parts = []
    for number, call in enumerate(_calls(sql)):
        column = pl.col(f"a{number}")
        if call.distinct is not None:
            parts.append(column.explode().drop_nulls().unique(maintain_order=True).implode().alias(f"a{number}"))
        elif call.name in ("MIN", "MAX"):
            parts.append((column.min() if call.name == "MIN" else column.max()).alias(f"a{number}"))
        else:
            parts.append(column.sum().alias(f"a{number}"))
            parts += [pl.col(f"n{number}").sum()] if call.name == "AVG" else []
    return _grouped(pl.concat(partials, how="diagonal_relaxed"), by, parts)


def _grouped(frame: pl.DataFrame, by: Sequence[str], parts: Sequence[pl.Expr]) -> pl.DataFrame:
    place = pl.col("sample").min().alias("sample")
    if by:
        return frame.group_by(list(by), maintain_order=True).agg(*parts, place)
    return frame.select(*parts, place)


def judged(whole: pl.DataFrame, by: Sequence[str], sql: str) -> pl.DataFrame:
    """The groups with `_holds`, the value of the expression, and group and aggregates in words: `_shown`, `_value`."""
    outer, at = "", 0
    final = []
    for number, call in enumerate(_calls(sql)):
        column = pl.col(f"a{number}")
        if call.distinct is not None:
            final.append(column.list.len().cast(pl.Int64).alias(f"a{number}"))
        elif call.name == "AVG":
            final.append((column / pl.col(f"n{number}")).alias(f"a{number}"))
        outer += sql[at : call.start] + f"a{number}"
        at = call.end
    outer += sql[at:]
    groups = whole.with_columns(final)
    values = [pl.col(name).cast(pl.String) for name in groups.columns if re.fullmatch(r"a\d+", name)]
    keys = [pl.col(name).cast(pl.String) for name in by]
    nothing = pl.lit(None, pl.String)
    return groups.with_columns(
        to_polars(outer).alias("_holds"),
        (pl.concat_str(values, separator=", ") if values else nothing).alias("_value"),
        (pl.concat_str(keys, separator=", ") if keys else nothing).alias("_shown"),
    )
