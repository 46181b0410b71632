"""What is done without Python code a value, or without a window, is held against the plain way of doing it."""

from __future__ import annotations

import gc
import re
from itertools import chain
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from mmcheck import neighbours
from mmcheck.cells import coerce, fitting, json_text, series
from mmcheck.columns import Elements, declare, of_key
from mmcheck.readers.batch import Batch
from mmcheck.readers.jsonl import without_gc
from mmcheck.slots import find_placeholders
from mmcheck.table_plans import compile_tables
from mmcheck.tables import unfold

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3)
KEYS = st.sampled_from(["a", "b", "c", "from"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=4)
#: Lists of objects alone take the fast way, others do not.
ELEMENTS = st.lists(OBJECTS, max_size=6) | st.lists(OBJECTS | VALUES, max_size=6)


def elements(values: list[Any]) -> Elements:
    return Elements(values, list(range(len(values))), values)


@given(ELEMENTS, KEYS, st.none() | st.just(...))
def test_a_key_is_looked_up_alike(values: list[Any], key: str, absent: Any) -> None:
    plain = [value.get(key, absent) if isinstance(value, dict) else absent for value in values]
    assert of_key(values, key, absent) == plain


@given(ELEMENTS, st.frozensets(KEYS))
def test_extra_keys_are_those_of_each_object(values: list[Any], known: frozenset[str]) -> None:
    extra = [[key for key in value if key not in known] if isinstance(value, dict) else [] for value in values]
    column = declare("extra", {"extra_keys": sorted(known)})
    assert column.get(elements(values)) == [json_text(keys) if keys else None for keys in extra]


@given(
    st.lists(SCALARS, max_size=6) | st.lists(VALUES, max_size=6) | st.lists(st.none(), max_size=6),
    st.sampled_from(["string", "integer", "number", "boolean"]),
)
def test_values_fit_alike(values: list[Any], kind: Any) -> None:
    assert fitting("x", values, kind).equals(series("x", coerce(values, kind), kind), null_equal=True)
    assert fitting("x", values, kind).dtype == series("x", [], kind).dtype


RECORDS = st.lists(
    st.fixed_dictionaries({"m": st.lists(st.sampled_from(["", "a", "b"]), max_size=3)}), max_size=5
) | st.lists(
    st.fixed_dictionaries(
        {}, optional={"m": st.none() | st.text(max_size=2) | st.lists(st.text(max_size=2)), "no": SCALARS}
    ),
    max_size=5,
)  # fmt: skip


@given(RECORDS, st.booleans(), st.booleans(), st.booleans())
def test_members_unfold_as_one_by_one(records: list[Any], scalar: bool, skip: bool, unless: bool) -> None:
    spec: dict[str, Any] = {"each": "m", "scalar": scalar, "skip_empty": skip, "columns": {"text": "."}}
    spec |= {"unless": "no"} if unless else {}
    rows = []
    for number, record in enumerate(records):
        value = None if unless and record.get("no") else record.get("m")
        found = value if isinstance(value, list) else [value] if scalar and value is not None else []
        kept = [each for each in found if not (skip and each == "")]
        rows += [(number, ordinal, each) for ordinal, each in enumerate(kept)]
    batch = Batch(rows=list(range(len(records))), values=records)
    tables = unfold(compile_tables({"parts": spec}), batch, 0, placeholders={}, header={}, context={})
    assert tables.frames["parts"].select("sample", "ordinal", "text").rows() == rows


TOKENS = {"<image>": "image", "<video>": "video", "<img>": "image"}
NUMBERED = {"<image_{n}>": "image", "<image>": None}


TEXTS = st.lists(st.sampled_from([*TOKENS, "<image_12>", "<image_0>", "é", " <", "1"])).map("".join)


@given(st.lists(TEXTS, max_size=5), st.sampled_from([TOKENS, NUMBERED, {"<image>": "image"}]))
def test_placeholders_are_found_as_a_reader_would(texts: list[str], tokens: dict[str, str | None]) -> None:
    frame = pl.DataFrame(
        {"sample": [number // 2 for number in range(len(texts))], "turn": list(range(len(texts))), "text": texts},
        schema={"sample": pl.Int64, "turn": pl.Int64, "text": pl.String},
    )
    pattern = re.compile("|".join(re.escape(token).replace(r"\{n\}", r"(?:\d+)") for token in tokens))
    rows: list[tuple[Any, ...]] = []
    for turn, text in enumerate(texts):
        for token in pattern.findall(text):
            number = None if token in tokens else re.findall(r"\d+", token)[0]
            kind = tokens.get(token, tokens.get(re.sub(r"\d+", "{n}", token)))
            of_record = [row for row in rows if row[0] == turn // 2]
            position = sum(1 for row in of_record if row[2] == kind)
            rows.append((turn // 2, turn, kind, number, len(of_record), position))
    found = find_placeholders(frame, "text", tokens)
    assert found.select("sample", "turn", "kind", "reference", "slot", "position").rows() == rows


ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.none() | st.sampled_from("ab")), max_size=8)
OVER = "OVER (PARTITION BY sample ORDER BY turn)"
SQL = f"turn = 0 OR LAG(role) {OVER} <> LEAD(role) {OVER}"


@given(ROWS | ROWS.map(lambda rows: sorted({row[:2]: row for row in rows}.values(), key=lambda row: row[:2])))
def test_a_neighbour_is_what_a_window_finds(rows: list[tuple[int, int, str | None]]) -> None:
    frame = pl.DataFrame(rows, schema={"sample": pl.Int64, "turn": pl.Int64, "role": pl.String}, orient="row")
    near = neighbours.find(None, SQL)
    assert near is not None
    places = [row[:2] for row in rows]
    assert near.fit(frame) == (places == sorted(set(places)))
    if near.fit(frame):
        beside = frame.with_columns(**near.beside).select(near.expr.alias("x"))
        assert beside.equals(frame.select(pl.sql_expr(SQL).alias("x")))


def test_a_window_in_a_text_is_left_alone() -> None:
    assert neighbours.find(None, "role <> 'LAG(role) OVER (PARTITION BY sample ORDER BY turn)'") is None
    assert neighbours.find(None, "LAG(role) OVER (PARTITION BY sample, kind ORDER BY turn) = 'a'") is None


@given(st.lists(st.none() | st.sampled_from(["", " ", "a", " a", "a\u00a0", "\n", "a b"]), max_size=6))
def test_what_rules_share_is_computed_alike(texts: list[str | None]) -> None:
    when, sql = "text IS NOT NULL AND TRIM(text) <> ''", "TRIM( text ) = text AND text <> 'TRIM(text)'"
    near = neighbours.find(when, sql)
    assert near is not None and near.when is not None and list(near.beside) == ["_trim_text"]
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    assert near.fit(frame)
    beside = frame.with_columns(**near.beside).select(when=near.when, sql=near.expr)
    assert beside.equals(frame.select(when=pl.sql_expr(when), sql=pl.sql_expr(sql)), null_equal=True)


def test_the_collector_runs_again_afterwards() -> None:
    states = [gc.isenabled() for _ in chain(without_gc(iter([Batch(), Batch()])), [None])]
    assert states == [False, False, True]
    stopped = without_gc(iter([Batch(), Batch()]))
    next(stopped)
    stopped.close()  # type: ignore[attr-defined]
    assert gc.isenabled()
