"""Records read, judged and unfolded by whole columns, held against the same done one by one."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from fuzz.fuzzing import changed, files
from hypothesis import given
from hypothesis import strategies as st
from records import value

import mmcheck
from mmcheck import readers
from mmcheck.arrow_elements import Unfit
from mmcheck.format import load, names
from mmcheck.limits import Limits
from mmcheck.readers.batch import Batch
from mmcheck.readers.json_columns import Columns, Lane
from mmcheck.tables import unfold

#: Formats whose records come as JSON lines, and whose good records are all unfolded by columns.
WHOLE = ("aria", "data-juicer", "internvid", "llava", "multimeditron", "video-chatgpt")
SEEDS = range(150)


def block(records: list[Any]) -> bytearray:
    return bytearray(b"\n").join(json.dumps(record, ensure_ascii=bool(len(records) % 2)).encode() for record in records)


def read(text: bytes) -> Columns | None:
    return Lane().read(bytearray(text), Limits())


def bare(found: Any) -> Any:
    """The value without the nulls of objects, which Arrow does not tell from keys that are not there."""
    if isinstance(found, dict):
        return {key: bare(each) for key, each in found.items() if bare(each) is not None}
    return [bare(each) for each in found] if isinstance(found, list) else found


def nulls(found: Any) -> bool:
    inner = found.values() if isinstance(found, dict) else found if isinstance(found, list) else ()
    return found is None or any(map(nulls, inner))


def batch_of(columns: Columns) -> Batch:
    rows = list(range(len(columns.lines)))
    return Batch(rows=rows, lines=[row + 1 for row in rows], columns=columns)


def frames(form: Any, role: Any, batch: Batch) -> dict[str, pl.DataFrame]:
    tables = unfold(role.plans, batch, 3, placeholders=form.placeholders, header={"a": "b"}, context={"file": "x"})
    return tables.frames


def seeds(form: Any) -> dict[str, list[Any]]:
    """Records of the test datasets, by role."""
    found: dict[str, list[Any]] = {}
    for path in files(f"{form.name}/**/*.json*", most=400, real=False):
        for name, role in form.roles.items():
            records = [each for each in readers.head(path, role.at[0], 5) if isinstance(each, dict)]
            found.setdefault(name, []).extend(each for each in records if form.judge(name).holds(each))
    return {name: records for name, records in found.items() if records}


@pytest.mark.parametrize("name", names(()))
def test_columns_say_what_records_say(name: str) -> None:
    form = load(name)
    by_columns = sure = 0
    for role_name, records in seeds(form).items():
        role, judge = form.roles[role_name], form.judge(role_name)
        for seed in SEEDS:
            rng = random.Random(seed)
            first = rng.choice(records)
            some = [first, *(rng.choice([first, rng.choice(records)]) for _ in range(rng.randrange(4)))]
            some = [changed(each, rng, 3) if rng.random() < 0.3 else each for each in some]
            columns = read(block(some))
            if columns is None:
                continue
            batch = batch_of(columns)
            plain = batch.one_by_one()
            assert plain.values == some
            assert [bare(each) for each in columns.array.to_pylist()] == [bare(each) for each in some]
            assert columns.says_null or not nulls(some)
            if not judge.surely(columns):
                continue
            sure += 1
            assert all(map(judge.holds, some)), some
            try:
                found = frames(form, role, batch)
            except Unfit:
                continue
            by_columns += 1
            wanted = frames(form, role, plain)
            assert found.keys() == wanted.keys()
            for table, frame in wanted.items():
                other = found[table]
                assert other.schema == frame.schema, table
                if any(plan.name == table and plan.sql for plan in role.plans):  # a join has no order
                    frame, other = (each.drop("ordinal", strict=False) for each in (frame, other))
                    frame, other = (each.sort(each.columns) for each in (frame, other))
                assert other.equals(frame, null_equal=True), (table, some, other, frame)
    if name in WHOLE:
        assert by_columns > len(SEEDS) / 3 and by_columns >= sure * 0.6


@given(st.lists(st.dictionaries(st.sampled_from("abc"), value, max_size=3), min_size=1, max_size=4))
def test_what_is_read_is_what_stands_there(records: list[Any]) -> None:
    columns = read(block(records))
    if columns is not None:
        assert [bare(each) for each in columns.array.to_pylist()] == [bare(each) for each in records]
        assert columns.says_null or not nulls(records)
        assert list(columns.lines) == block(records).split(b"\n")
        assert columns.lines.series("x").to_list() == [line.decode() for line in columns.lines]


SOUND = b'{"id": "a", "n": 1, "x": 0.5, "c": [{"v": "x"}]}'


#: What is no record of the shape of SOUND, or no JSON at all; each is the whole of a line.
ODD = (
    b'{"id": 1}', b'{"id": ["a"]}', b'{"id": "a", "id": "b"}', b'{"new": 1}', b'{"n": 1.0}', b'{"n": "1"}',
    b'{"n": 1e3}', b'{"n": 99999999999999999999}', b'{"n": true}', b'{"x": 1}', b'{"x": NaN}', b'{"x": Infinity}',
    b'{"x": -Infinity}', b'{"x": 1e999}', b'{"c": [{"v": 1}]}', b'{"c": [{"w": "x"}]}', b'{"c": {"v": "x"}}',
    b'{"c": [{"v": "x", "v": "y"}]}', b'{"c": [["v"]]}', b'{"id": "\xff"}', b'{"id": "\xed\xa0\x80"}',
    b'{"id": "\\ud800"}', b'{"id": "a\tb"}', b'{"id": "a"', b'{"id": "a"}}', b'{"id": "a",}', b"{'id': 'a'}",
    b'{"id": "a"} {"id": "b"}', b'{"id": "a"}{"id": "b"}', b'\xef\xbb\xbf{"id": "a"}', b'{"id": "a"}\x00', b"[]",
    b'"a"', b"", b" ", b' {"id": "a"}', b'{"id": "a"}\r', b"{\n}", b'{"id":\n"a"}',
    b'{"c": [{"v": "x"},\n{"v": "y"}]}', b'{"id": "}\n{"}',
)  # fmt: skip


@pytest.mark.parametrize("line", ODD)
@pytest.mark.parametrize("last", [True, False])
def test_what_has_another_shape_or_is_no_json_is_left_to_the_records(line: bytes, last: bool) -> None:
    lines = [SOUND] * 150
    lines.insert(len(lines) if last else 120, line)
    columns = read(b"\n".join(lines))
    if columns is not None:  # 1 is a number, though spelt as an integer: its column is not said to hold integers alone
        assert line == b'{"x": 1}' and len(columns.lines) == 151


def test_a_lane_learns_keys_and_closes_where_there_is_no_shape() -> None:
    lane = Lane()
    assert lane.read(bytearray(b'{"id": "a"}'), Limits()) is not None
    assert lane.read(bytearray(b'{"id": "a", "more": [1]}'), Limits()) is None
    again = lane.read(bytearray(b'{"id": "a", "more": [1]}\n{"id": "b"}'), Limits())
    assert again is not None and again.array.to_pylist() == [{"id": "a", "more": [1]}, {"id": "b", "more": None}]
    for _ in range(4):
        assert lane.open
        assert lane.read(bytearray(b'{"id": 7}'), Limits()) is None
    assert not lane.open
    assert lane.read(bytearray(b'{"id": "a"}'), Limits()) is None


def test_a_null_far_behind_its_colon_is_seen() -> None:
    columns = read(b'{"a": "x", "b": "null"}\n{"a":' + b" " * 200 + b"null}")
    assert columns is not None and columns.says_null
    columns = read(b'{"a": "a null, null", "b": "x"}\n{"b": "x"}')
    assert columns is not None and columns.says_null  # not for sure, so that it is looked at one by one
    columns = read(b'{"a": "the null hypothesis", "b": "x"}\n{"b": "x"}')
    assert columns is not None and not columns.says_null


def test_records_nested_deeper_than_the_limit_are_left_to_the_records() -> None:
    text = bytearray(b'{"a": [{"b": [1]}]}')
    assert Lane().read(text, Limits()) is not None
    assert Lane().read(text, Limits(max_nesting=3)) is None


def test_lines_longer_than_the_limit_are_left_to_the_records() -> None:
    text = b'{"id": "aaaa"}\n{"id": "a"}'
    assert read(text) is not None
    assert Lane().read(bytearray(text), Limits(max_line_bytes=12)) is None


@given(
    st.lists(st.dictionaries(st.sampled_from("abc"), value, max_size=3), min_size=1, max_size=4),
    st.none() | st.integers(0, 2),
)
def test_records_of_an_array_are_joined(records: list[Any], indent: int | None) -> None:
    texts = [json.dumps(record, indent=indent).encode() for record in records]
    columns = Lane().join(texts, Limits())
    if columns is not None:
        assert [bare(each) for each in columns.array.to_pylist()] == [bare(each) for each in records]
        assert columns.says_null or not nulls(records)
        assert list(columns.lines) == texts
        assert columns.lines.series("x").to_list() == [text.decode() for text in texts]


def findings(path: Path, **more: Any) -> dict[str, Any]:
    told = mmcheck.check(path, format="llava", probe="none", jobs=1, max_findings=None, **more).to_dict()
    return {name: told[name] for name in ("verdict", "totals", "rules", "findings", "statistics", "dataset")}


@pytest.mark.parametrize("indent", ["lines", None, 1])
def test_a_dataset_is_told_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, indent: Any) -> None:
    rng = random.Random(7)
    kinds: list[Any] = [
        {"conversations": [{"from": "human", "value": " <image><image>"}, {"from": "gpt", "value": ""}]},
        {"conversations": [{"from": "human", "value": "<image>"}, {"from": "bard", "value": "a"}]},
        {"image": "../../../../../../etc/x.jpg"},
        {"id": "twice"},
        {"conversations": []},
        {"conversations": [{"from": "human", "value": 1}]},
        {"image": None},
    ]
    lines = []
    for number in range(6000):
        turns = [{"from": "human", "value": f"<image>\n{number}?"}, {"from": "gpt", "value": f"{number}!"}]
        record = {"id": str(number), "image": f"{number}.jpg", "conversations": turns}
        if rng.random() < 0.004:
            record |= rng.choice(kinds)
        lines.append(json.dumps(record) if rng.random() > 0.0006 else rng.choice(["{", "", '{"id": "x", "model": ""}']))
    lines += [lines[5], lines[9]]
    if indent == "lines":
        path = tmp_path / "train.jsonl"
        path.write_text("\n".join(lines) + "\n")
    else:
        path = tmp_path / "train.json"
        path.write_text(json.dumps([json.loads(line) for line in lines if line not in ("", "{")], indent=indent))
    plain = findings(path)
    monkeypatch.setattr("mmcheck.unfolding._LARGE", 0)
    monkeypatch.setattr("mmcheck.readers.BLOCK", 20_000)
    seen: list[Columns | None] = []
    name = "read" if indent == "lines" else "join"
    whole = getattr(Lane, name)
    monkeypatch.setattr(Lane, name, lambda *given: seen.append(whole(*given)) or seen[-1])
    assert findings(path) == plain
    assert plain["totals"]["errors"] > 4
    assert len(seen) > 20 and sum(each is not None for each in seen) > len(seen) / 3  # by columns, and not all
    assert None in seen
