"""What is written as JSON lines, arrays and maps is read back the same, whatever the size of the blocks."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmcheck.errors import OpenError
from mmcheck.limits import Limits
from mmcheck.readers import Batch, Fault, head, header, pointers, read

SOME = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ['},{"a"', '"', "\\", "]}", "\n", "", "é{"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(TEXTS, below, max_size=4),
    max_leaves=8,
)
RECORDS = st.dictionaries(TEXTS, VALUES, min_size=1, max_size=4)
BLOCKS = st.sampled_from([7, 64, 1000, 1 << 20])
LAYOUTS = st.sampled_from([{}, {"indent": 1}, {"separators": (",", ":")}, {"ensure_ascii": False}])


def all_of(path: Path, at: str = "", **options: Any) -> Batch:
    """All batches as one."""
    whole = Batch(lines=[], raws=[], keys=[], texts=[])
    for batch in read(path, at, **options):
        assert len(batch.rows) == len(batch.values)
        for name in ("rows", "values", "lines", "raws", "keys", "texts", "faults"):
            part = getattr(batch, name)
            if part is not None:
                assert name == "faults" or len(part) == len(batch.rows), name
                getattr(whole, name).extend(part)
    return whole


def only_fault(path: Path, at: str = "", **options: Any) -> Fault:
    """The one fault of a file."""
    faults = all_of(path, at, **options).faults
    assert len(faults) == 1, faults
    return faults[0]


def put(path: Path, data: bytes | str) -> Path:
    """A file with this content."""
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


@SOME
@given(
    records=st.lists(RECORDS, min_size=1, max_size=30),
    block=BLOCKS,
    newline=st.sampled_from(["\n", "\r\n", "\n\n", "\n \t\r\n"]),
    bom=st.booleans(),
    ended=st.booleans(),
)
def test_json_lines_come_back(
    tmp_path: Path, records: list[Any], block: int, newline: str, bom: bool, ended: bool
) -> None:
    texts = [json.dumps(record) for record in records]
    data = ("\ufeff" if bom else "") + newline.join(texts) + (newline if ended else "")
    found = all_of(put(tmp_path / "a.jsonl", data), block=block)
    assert not found.faults
    assert found.values == records
    assert found.rows == list(range(len(records)))
    assert found.raws == [text.encode() for text in texts]
    step = newline.count("\n")
    assert found.lines == [1 + step * row for row in range(len(records))]


@SOME
@given(records=st.lists(RECORDS, min_size=2, max_size=30), block=BLOCKS, data=st.data())
def test_one_bad_line_hides_no_other(tmp_path: Path, records: list[Any], block: int, data: st.DataObject) -> None:
    bad = data.draw(st.sets(st.integers(0, len(records) - 1), min_size=1))
    broken = data.draw(
        st.sampled_from(
            ['{"a": 1,}', "{'a': 1}", '{"a": NaN}', "x", '{"a": 1} {"a": 2}', '{"a":', "{}]", '{"a": "\0"}']
        )
    )
    lines = [broken if row in bad else json.dumps(record) for row, record in enumerate(records)]
    found = all_of(put(tmp_path / "a.jsonl", "\n".join(lines)), block=block)
    good = [row for row in range(len(records)) if row not in bad]
    assert found.rows == good
    assert found.values == [records[row] for row in good]
    assert [fault.row for fault in found.faults] == sorted(bad)
    assert [fault.line for fault in found.faults] == [row + 1 for row in sorted(bad)]
    assert {fault.code for fault in found.faults} == {"MM002"}


@SOME
@given(records=st.lists(VALUES, min_size=1, max_size=40), block=BLOCKS, layout=LAYOUTS, bom=st.booleans())
def test_arrays_come_back(tmp_path: Path, records: list[Any], block: int, layout: Any, bom: bool) -> None:
    data = ("\ufeff" if bom else "") + json.dumps(records, **layout)
    found = all_of(put(tmp_path / "a.json", data), block=block)
    assert not found.faults
    assert found.values == records
    assert found.rows == list(range(len(records)))
    assert [json.loads(raw) for raw in found.raws or ()] == records


@SOME
@given(records=st.lists(RECORDS, min_size=1, max_size=5), block=st.sampled_from([200, 1000]), layout=LAYOUTS)
def test_arrays_of_records_of_one_kind_come_back(tmp_path: Path, records: list[Any], block: int, layout: Any) -> None:
    alike = [{"id": row, "turns": [{"id": 1}, {"id": 2}], "x": record} for row, record in enumerate(records * 12)]
    data = {"before": alike[:2], "data": {"deep/er": alike}, "after": 1}
    path = put(tmp_path / "a.json", json.dumps(data, **layout))
    assert all_of(path, "/data/deep~1er", block=block).values == alike
    assert head(path, "/data/deep~1er", 3) == alike[:3]


@SOME
@given(members=st.lists(st.tuples(TEXTS, VALUES), min_size=1, max_size=40), block=BLOCKS, layout=LAYOUTS)
def test_maps_come_back_with_all_their_keys(tmp_path: Path, members: list[Any], block: int, layout: Any) -> None:
    separators = layout.get("separators", (", ", ": "))
    body = separators[0].join(
        f"{json.dumps(key)}{separators[1]}{json.dumps(value, **layout)}" for key, value in members
    )
    path = put(tmp_path / "a.json", f'{{"data": {{{body}}}, "meta": {{"author": "me"}}}}')
    found = all_of(path, "/data", block=block)
    assert not found.faults
    assert list(zip(found.keys or (), found.values, strict=True)) == members
    assert header(path, "/data") == {"meta": {"author": "me"}}


def test_a_duplicate_key_among_many_is_kept(tmp_path: Path) -> None:
    members = [f'"INS_{row:05}": {{"answer": "a", "image_ids": ["IMG_{row}"]}}' for row in range(2_000)]
    members.insert(1_500, '"INS_00003": {"answer": "another", "image_ids": []}')
    path = put(tmp_path / "a.json", '{"data": {' + ", ".join(members) + "}}")
    found = all_of(path, "/data", block=20_000)
    assert len(found.values) == 2_001
    assert (found.keys or []).count("INS_00003") == 2
    assert found.values[1_500]["answer"] == "another"


@pytest.mark.parametrize("cut", [1, 2, 500, 3_000, 9_000])
@pytest.mark.parametrize("block", [100, 1 << 20])
@pytest.mark.parametrize("keyed", [False, True])
def test_a_document_that_breaks_off_gives_what_stands_before(tmp_path: Path, cut: int, block: int, keyed: bool) -> None:
    records = [{"id": row, "text": "x" * (row % 50)} for row in range(200)]
    text = json.dumps({"data": {f"k{row}": record for row, record in enumerate(records)} if keyed else records})
    whole = text[: len(text) - cut]
    found = all_of(put(tmp_path / "a.json", whole), "/data", block=block)
    assert found.values == records[: len(found.values)]
    assert len(found.values) >= len(records) - cut // 15 - 2
    assert [fault.code for fault in found.faults] == ["MM002"]
    assert found.faults[0].line == 1
    assert f"column {len(whole) + 1}" in found.faults[0].message


def test_the_broken_element_is_named(tmp_path: Path) -> None:
    lines = [json.dumps({"id": row}) for row in range(1_000)]
    lines[700] = '{"id": 700,}'
    path = put(tmp_path / "a.json", "[\n" + ",\n".join(lines) + "\n]\n")
    for block in (50, 1 << 20):
        found = all_of(path, block=block)
        assert len(found.values) == 700
        (fault,) = found.faults
        assert (fault.row, fault.line, fault.code) == (700, 702, "MM002")
        assert "line 702, column 12: a trailing comma" in fault.message


def test_an_element_that_only_the_decoder_refuses_hides_no_other(tmp_path: Path) -> None:
    path = put(tmp_path / "a.json", b'[{"a": "ok"}, {"a": "caf\xe9"}, {"a": 1e999}, {"a": 2}]')
    found = all_of(path)
    assert found.rows == [0, 3]
    assert [fault.row for fault in found.faults] == [1, 2]
    assert "0xE9" in found.faults[0].message
    assert "out of range" in found.faults[1].message


def test_a_top_level_object_is_one_record(tmp_path: Path) -> None:
    path = put(tmp_path / "a.json", '{"data": [1, 2], "x": {"y": 1}}')
    assert all_of(path).values == [{"data": [1, 2], "x": {"y": 1}}]
    assert all_of(path, document=True).values == [{"data": [1, 2], "x": {"y": 1}}]
    assert all_of(put(tmp_path / "b.json", "[1, 2]"), document=True).values == [[1, 2]]
    assert pointers(path) == ["/data", "/x"]


def test_the_members_of_the_document_itself(tmp_path: Path) -> None:
    found = all_of(put(tmp_path / "a.json", '{"a": {"x": 1}, "b": "y", "a": 2}'), "*")
    assert (found.keys, found.values) == (["a", "b", "a"], [{"x": 1}, "y", 2])
    assert only_fault(put(tmp_path / "b.json", "{}"), "*").code == "MM003"


def test_a_member_behind_many_others(tmp_path: Path) -> None:
    document = {f"x{number}": number for number in range(100)} | {"data": [1, 2], "last": 0}
    assert all_of(put(tmp_path / "a.json", json.dumps(document)), "/data").values == [1, 2]


@pytest.mark.parametrize(
    ("text", "at", "words"),
    [
        ('{"datas": [], "n": 1}', "/data", "no member 'data'; it has 'datas' (array), 'n' (number)"),
        ('{"data": "x"}', "/data", "'/data' is a string, not an array or an object"),
        ('{"data": null}', "/data", "is a null"),
        ("[1]", "/data", "no member 'data': it is an array"),
        ('{"data": {"x": 1}}', "/data/items", "no member 'items' at /data; it has 'x' (number)"),
    ],
)
def test_a_place_that_the_document_lacks(tmp_path: Path, text: str, at: str, words: str) -> None:
    fault = only_fault(put(tmp_path / "a.json", text), at)
    assert (fault.code, fault.row) == ("MM001", None)
    assert words in fault.message


def test_records_that_stand_twice(tmp_path: Path) -> None:
    found = all_of(put(tmp_path / "a.json", '{"data": [1], "data": [2]}'), "/data")
    assert found.values == [1]
    assert "stands twice" in found.faults[0].message


def test_header_is_found_wherever_it_stands_and_large_members_are_left_out(tmp_path: Path) -> None:
    large = ["x" * 100] * 1_000
    document = {"a": 1, "large": large, "data": [{"a": 1}] * 5_000, "text": "y" * 70_000, "z": {"b": [1]}}
    path = put(tmp_path / "a.json", json.dumps(document))
    assert header(path, "/data") == {"a": 1, "z": {"b": [1]}}
    assert pointers(path) == ["/large", "/data", "/z"]
    assert header(put(tmp_path / "b.json", '{"a": 1, "b'), "/data") == {"a": 1}


def test_a_look_at_a_large_document_is_an_outline(tmp_path: Path) -> None:
    document = {"n": 5, "data": [{"id": row, "text": "x" * 500} for row in range(12_000)], "end": 1}
    path = put(tmp_path / "a.json", json.dumps(document))
    (outline,) = head(path, "", 10)
    assert outline["n"] == 5
    assert outline["data"] == document["data"][:10]  # type: ignore[index]


def test_head_never_raises_for_bad_data(tmp_path: Path) -> None:
    assert head(put(tmp_path / "a.jsonl", '{"a": 1}\nx\n{"a": 2}\n')) == [{"a": 1}, {"a": 2}]
    assert head(put(tmp_path / "a.json", "[1, 2, x")) == [1, 2]
    assert head(put(tmp_path / "b.json", b"\x89PNG\r\n\x1a\n")) == []
    assert head(put(tmp_path / "c.json", '{"a"'), "/a") == []
    with pytest.raises(OpenError, match="does not exist"):
        head(tmp_path / "missing.json")


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_compressed_text_is_read_and_a_cut_is_told(tmp_path: Path, suffix: str) -> None:
    records = [{"id": row, "text": f"{row * 7919 % 10007}"} for row in range(20_000)]
    text = "\n".join(map(json.dumps, records)).encode()
    pack = gzip.compress if suffix == "gz" else zstandard.ZstdCompressor().compress
    packed = pack(text[:100_000]) + pack(text[100_000:])
    path = put(tmp_path / f"a.jsonl.{suffix}", packed)
    assert all_of(path, block=10_000).values == records
    found = all_of(put(path, packed[: len(packed) // 2]), block=10_000)
    assert found.values == records[: len(found.values)]
    assert len(found.values) > 1_000
    assert [fault.code for fault in found.faults] == ["MM002"]
    assert "breaks off" in found.faults[0].message
    spoilt = bytearray(packed)
    spoilt[len(packed) // 2 : len(packed) // 2 + 20] = b"\xff" * 20
    found = all_of(put(path, bytes(spoilt)), block=10_000)
    assert found.faults
    document = put(tmp_path / f"a.json.{suffix}", pack(json.dumps({"data": records}).encode()))
    assert all_of(document, "/data", block=10_000).values == records


def test_a_line_that_is_too_long_is_one_fault(tmp_path: Path) -> None:
    limits = Limits(max_line_bytes=1_000)
    lines = ['{"a": 1}', json.dumps({"a": "x" * 5_000}), '{"a": 2}', json.dumps({"a": "x" * 1_500}), '{"a": 3}']
    for block in (100, 400):
        found = all_of(put(tmp_path / "a.jsonl", "\n".join(lines)), block=block, limits=limits)
        assert found.rows == [0, 2, 4], block
        assert found.lines == [1, 3, 5]
        assert [(fault.row, fault.line) for fault in found.faults] == [(1, 2), (3, 4)]


def test_batches_are_bounded(tmp_path: Path) -> None:
    lines = "\n".join('{"a": 1}' for _ in range(22_000))
    assert max(len(batch.rows) for batch in read(put(tmp_path / "a.jsonl", lines))) == 10_000
    array = put(tmp_path / "a.json", "[" + ",".join(["1"] * 22_000) + "]")
    assert max(len(batch.rows) for batch in read(array)) == 10_000
    wide = put(tmp_path / "b.json", json.dumps([{"a": "x" * 1_000}] * 200))
    assert max(len(batch.rows) for batch in read(wide, block=10_000)) < 30
