"""What the rules of a table can share: columns beside its own, made once, in place of what each would compute again.

`LAG` and `LEAD` over the rows of a record: where those stand together and in order, the row beside is the answer, while
a window sorts and gathers group by group, which takes several times as long as all other rules of a table. And `TRIM`
of a column, which copies every text; Polars does not see that two expressions do the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from mmcheck import runs
from mmcheck.expression import to_polars

if TYPE_CHECKING:
    import polars as pl

#: What is no string and no quoted name is looked at: a window over one column of one record, in the order of another,
#: and a call on one column.
_SHARED = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|"
    r"\b(LAG|LEAD)\s*\(\s*([A-Za-z_]\w*)\s*\)\s*OVER\s*\(\s*PARTITION\s+BY\s+sample\s+ORDER\s+BY\s+([A-Za-z_]\w*)\s*\)|"
    r"\bTRIM\s*\(\s*([A-Za-z_]\w*)\s*\)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """A rule whose windows and calls are columns of their own, `beside`, made for rows in the order of `by`."""

    when: pl.Expr | None
    expr: pl.Expr
    beside: Mapping[str, pl.Expr]
    by: frozenset[str]

    def fit(self, frame: pl.DataFrame) -> bool:
        """Whether the rows of each record stand together, and in ascending order."""
        if not self.by:
            return True
        sample = frame["sample"]
        if sample.null_count() or not sample.is_sorted() or any(frame[name].null_count() for name in self.by):
            return False
        keys = runs.keys(sample)
        columns = [runs.whole(frame[name]) for name in self.by]
        if isinstance(keys, list):
            pairs = list(pairwise(keys))
            return all(
                key != other or before < after
                for column in columns
                for (key, other), (before, after) in zip(pairs, pairwise(column), strict=True)
            )
        other = keys[1:] != keys[:-1]
        return all(bool((other | (column[1:] > column[:-1])).all()) for column in columns)


def find(when: str | None, sql: str) -> Neighbours | None:
    """A vetted rule without its windows and calls, or None where it has none that can be left out."""
    import polars as pl

    beside: dict[str, pl.Expr] = {}
    by: set[str] = set()

    def column(match: re.Match[str]) -> str:
        window, its, order, trimmed = match.groups()
        if trimmed is not None:
            beside[f"_trim_{trimmed}"] = to_polars(f"TRIM({trimmed})")
            return f"_trim_{trimmed}"
        if window is None:
            return match[0]
        rows = 1 if window.upper() == "LAG" else -1
        name = f"_{window.lower()}_{its}"
        beside[name] = pl.when(pl.col("sample") == pl.col("sample").shift(rows)).then(pl.col(its).shift(rows))
        by.add(order)
        return name

    about, without = (_SHARED.sub(column, text) if text is not None else None for text in (when, sql))
    if not beside or without is None:
        return None
    return Neighbours(to_polars(about) if about else None, to_polars(without), beside, frozenset(by))
