"""What rules say of a table, by Polars, against the same expressions evaluated row by row in plain Python."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest
import rowwise
from fuzzing import EXAMPLES, LONG

from mmcheck.contracts import Kind
from mmcheck.errors import RequestError
from mmcheck.expression import bind, dtype, to_polars, vet
from mmcheck.format import load, names
from mmcheck.rules import evaluate
from mmcheck.ruleset import Rule, build

_TEXTS = (
    "", " ", "a", "\u00a0a\u2003", "\x1c", "a\n", "null", "object", "image", "<image>", "1:2:3", "00:00:05.250",
    "1:02:03.5", "9999999999:0:0", "x:1", "1:2", "+1", "1e3", "v_x", "a.mp4", "A.MP4", "['a']", "['a",
    "a\r\n QA_GT_1 \n",
    "<|__dj__eoc|>", " <|__dj__eoc|>a. ", "a<|__dj__eoc|> <|__dj__eoc|>", '"pos": "string"', '{"base64": "x"}', "[1]",
    "-01", "1_000", "/data", "x_path", "İ", "ß",
)  # fmt: skip
_POOLS: dict[Kind, tuple[Any, ...]] = {
    "string": _TEXTS,
    "integer": (-1, 0, 1, 2, 3, 2147483646, 2147483647),
    "number": (-1.0, 0.0, 0.5, 1.0, 2.0, 3723.5, 1e300),
    "boolean": (True, False),
}


def _row_rules(name: str) -> dict[str, list[Rule]]:
    """The rules of a format that are SQL expressions, by table."""
    tables: dict[str, list[Rule]] = {}
    for rule in build(load(name), []).rules:
        if rule.expr is not None and rule.skip is None and rule.stanza.expression is not None:
            tables.setdefault(rule.stanza.table or "", []).append(rule)
    return tables


SHIPPED = {(name, table): rules for name in names() for table, rules in _row_rules(name).items()}


def _texts_of(rules: Sequence[Rule]) -> list[str]:
    """The literals of the expressions: what they look for should be met now and then."""
    said = " ".join(bind(text, rule.params) for rule in rules for text in _of(rule))
    return sorted({each.replace("''", "'") for each in re.findall(r"'((?:[^']|'')*)'", said) if len(each) < 30})


def _of(rule: Rule) -> list[str]:
    return [text for text in (rule.stanza.when, rule.stanza.expression) if text is not None]


def _rows(rng: random.Random, columns: dict[str, Kind], literals: list[str], most: int = 24) -> list[dict[str, Any]]:
    """Rows of a few samples; `turn`, `ordinal` and the like count inside each, as the tables promise."""
    rows = []
    for sample in range(rng.randint(1, 4)):
        for number in range(rng.randint(1, most // 4)):
            row: dict[str, Any] = {}
            for name, kind in columns.items():
                pool = (*literals, *literals, *_TEXTS) if kind == "string" else _POOLS[kind]
                row[name] = None if rng.random() < 0.2 else rng.choice(pool)
            row |= {key: number for key in ("turn", "ordinal", "slot") if key in columns}
            rows.append(row | {"sample": sample})
    return rows


def _frame(rows: list[dict[str, Any]], columns: dict[str, Kind]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={name: dtype(kind) for name, kind in columns.items()})


def _said(rule: Rule, rows: list[dict[str, Any]]) -> tuple[int, int, int, list[dict[str, Any]]]:
    """Checked, failed and unknown rows, and those that fail: by the oracle."""
    when, text = rule.stanza.when, rule.stanza.expression
    assert text is not None
    about = [True] * len(rows) if when is None else rowwise.outcomes(bind(when, rule.params), rows)
    fine = rowwise.outcomes(bind(text, rule.params), rows)
    meant = [(row, verdict) for row, verdict, asked in zip(rows, fine, about, strict=True) if asked is True]
    failing = [row for row, verdict in meant if verdict is False]
    return len(meant), len(failing), sum(verdict is None for _, verdict in meant), failing


@pytest.mark.threat("rules: Polars against plain Python, row by row", "lost findings")
@pytest.mark.parametrize(("name", "table"), SHIPPED, ids=str)
def test_every_shipped_expression(name: str, table: str, tried: Any) -> None:
    rules = SHIPPED[name, table]
    columns = {"sample": "integer", **load(name).columns(table)}
    literals = _texts_of(rules)
    rng = random.Random(None if LONG else f"{name}/{table}")
    for _ in range(max(8, EXAMPLES // 4)):
        rows = _rows(rng, columns, literals)
        for outcome in evaluate(_frame(rows, columns), rules, [None] * len(rules)):
            told = outcome.failures.select(list(columns)).rows(named=True) if outcome.failures is not None else []
            found = outcome.checked, outcome.failed, outcome.unknown, told
            assert outcome.error is None
            assert found == _said(outcome.rule, rows), (outcome.rule.code, rows)
        tried(len(rows))


# ── expressions that nobody wrote ────────────────────────────────────────────────────────────────────────────────────

COLUMNS: dict[str, Kind] = {
    "sample": "integer", "turn": "integer", "number": "integer", "size": "number", "text": "string", "role": "string",
    "fine": "boolean",
}  # fmt: skip
_WORDS = ("a", "b", "", "<image>", " a ", "A")

#: Ways to say each kind of value, made of smaller ones: N a number, S a text, T a truth.
_SAYINGS: dict[str, tuple[str, ...]] = {
    "N": (
        "turn", "number", "size", "0", "1", "2", "-1", "NULL", "1.5", "(N + N)", "(N - N)", "(N * N)",
        "COALESCE(number, N)", "CASE WHEN T THEN N ELSE N END", "STRPOS(S, 'a')", "POSITION('.' IN S)", "LENGTH(S)",
        "MAX(number) OVER (PARTITION BY sample)", "MIN(size) OVER (PARTITION BY sample)",
        "COUNT(number) OVER (PARTITION BY sample, role)", "LAG(number) OVER (PARTITION BY sample ORDER BY turn)",
        "ROW_NUMBER() OVER (PARTITION BY sample, role ORDER BY turn)", "TRY_CAST(S AS INTEGER)",
        "TRY_CAST(S AS DOUBLE)",
    ),
    "S": (
        "text", "role", "text", "role", "'a'", "'b'", "''", "'<image>'", "LOWER(S)", "TRIM(S)", "(S || S)",
        "COALESCE(text, S)", "SPLIT_PART(S, ':', 2)", "CASE WHEN T THEN S END",
    ),
    "T": (
        "fine", "TRUE", "FALSE", "(T AND T)", "(T OR T)", "(NOT T)", "(N = N)", "(N <> N)", "(N < N)", "(N <= N)",
        "(N > N)", "(N >= N)", "(S = S)", "(S <> S)", "(S IS NULL)", "(N IS NOT NULL)", "(S IN ('a', 'b'))",
        "(S NOT IN ('a', 'b', NULL))", "(number IN (1, 2))", "(N BETWEEN N AND N)", "STARTS_WITH(S, 'a')",
        "ENDS_WITH(S, 'a')", "REGEXP_LIKE(S, '^[ab ]+$')",
    ),
}  # fmt: skip


def _said_anyhow(rng: random.Random, kind: str, depth: int) -> str:
    """An expression of at most `depth` levels."""
    short = [each for each in _SAYINGS[kind] if not re.search(r"\b[NST]\b", each)]
    saying = rng.choice(_SAYINGS[kind] if depth else short)
    return re.sub(r"\b[NST]\b", lambda part: _said_anyhow(rng, part[0], depth - 1), saying)


@pytest.mark.threat("rules: Polars against plain Python, row by row", "lost findings")
def test_made_up_expressions(tried: Any) -> None:
    rng = random.Random(None if LONG else 7)
    for _ in range(EXAMPLES * 4):
        sql = _said_anyhow(rng, "T", 3)
        rows = _rows(rng, COLUMNS, [*_WORDS, *_WORDS], most=12)
        try:
            vet(sql)
            compiled = to_polars(sql)
        except RequestError as error:  # a window in a window, a search in a search
            assert "one another" in str(error) or "window" in str(error), sql
            continue
        tried(1)
        try:
            told = _frame(rows, COLUMNS).with_columns(compiled.alias("found"))["found"].to_list()
        except pl.exceptions.InvalidOperationError:  # a CASE of constants is one value to Polars: told, not misjudged
            continue
        expected = rowwise.outcomes(sql, rows)
        wrong = [(row, one, other) for row, one, other in zip(rows, told, expected, strict=True) if one != other]
        assert not wrong, (sql, wrong[0])
