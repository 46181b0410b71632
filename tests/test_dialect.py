"""Where Polars' SQL is not SQL: what rules say is put in other words first."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from mmcheck.errors import RequestError
from mmcheck.expression import to_polars, vet

TABLE = pl.DataFrame({"sample": [0, 0, 1, 1], "text": ["a(b|c.d", "é.x(", None, ""], "what": ["(", ".", "x", ""]})


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("STRPOS(text, '(')", [2, 4, None, 0]),
        ("STRPOS(text, '|b')", [0, 0, None, 0]),
        ("POSITION('.' IN text)", [6, 2, None, 0]),
        ("strpos(text, what)", [2, 2, None, 1]),
        ("STRPOS(text, '')", [1, 1, None, 1]),
        ("STRPOS(COALESCE(text, 'x,)y'), ',)')", [0, 0, 2, 0]),
        ("STRPOS(text, 'x') - 5", [-5, -2, None, -5]),
        ("LENGTH(text) - 5", [2, -1, None, -5]),
        ("LENGTH(REPLACE(text, '(', '')) - LENGTH(text)", [-1, -1, None, 0]),
        ("COUNT(text) OVER (PARTITION BY sample) - 5", [-3, -3, -4, -4]),
        ("COUNT(*) OVER (PARTITION BY sample) - 5", [-3, -3, -3, -3]),
        ("ROW_NUMBER() OVER (PARTITION BY sample ORDER BY what) - 2", [-1, 0, 0, -1]),
        ("LENGTH('length(strpos(') - 20", [-6]),
        ("text = 'strpos(x)'", [False, False, None, False]),
    ],
)
def test_what_is_meant(sql: str, expected: list[Any]) -> None:
    vet(sql)
    assert TABLE.select(to_polars(sql).alias("found"))["found"].to_list() == expected


@pytest.mark.parametrize(
    "sql", ["STRPOS(text)", "STRPOS(text, 'a', 'b')", "STRPOS(SPLIT_PART(text, 'a', STRPOS(text, 'b')), 'c')"]
)
def test_a_search_has_one_text_and_one_thing_to_find(sql: str) -> None:
    with pytest.raises(RequestError, match=r"takes two texts|may not stand in one another"):
        to_polars(sql)
