"""`LAG` and `LEAD` over the rows of a record: where those stand together and in order, the row beside is the answer.

A window sorts and gathers group by group, which takes several times as long as all other rules of a table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mmcheck.expression import to_polars

if TYPE_CHECKING:
    import polars as pl

#: What is no string and no quoted name is looked at: a window over one column of one record, in the order of another.
_WINDOW = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|"
    r"\b(LAG|LEAD)\s*\(\s*([A-Za-z_]\w*)\s*\)\s*OVER\s*\(\s*PARTITION\s+BY\s+sample\s+ORDER\s+BY\s+([A-Za-z_]\w*)\s*\)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """An expression whose windows are columns of their own, `beside`, made for rows in the order of `by`."""

    expr: pl.Expr
    beside: tuple[pl.Expr, ...]
    by: frozenset[str]

    def fit(self, frame: pl.DataFrame) -> bool:
        """Whether the rows of each record stand together, and in ascending order."""
        import polars as pl

        if frame["sample"].null_count() or not frame["sample"].is_sorted():
            return False
        within = pl.col("sample") == pl.col("sample").shift(1)
        ascends = [(~within | (pl.col(name) > pl.col(name).shift(1))).fill_null(False) for name in self.by]
        return bool(frame.select(pl.all_horizontal(ascends).slice(1).all()).item())


def find(sql: str) -> Neighbours | None:
    """A vetted expression without its windows, or None where it has none that can be left out."""
    import polars as pl

    beside: dict[str, pl.Expr] = {}
    by: set[str] = set()

    def column(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0]
        rows = 1 if match[1].upper() == "LAG" else -1
        name = f"_{match[1].lower()}_{match[2]}"
        other = pl.col(match[2]).shift(rows)
        beside[name] = pl.when(pl.col("sample") == pl.col("sample").shift(rows)).then(other).alias(name)
        by.add(match[3])
        return name

    without = _WINDOW.sub(column, sql)
    return Neighbours(to_polars(without), tuple(beside.values()), frozenset(by)) if beside else None
