"""CSV as it is found: BOM, CRLF, quoted line breaks; ragged and broken rows hide no others."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_readers_json import SOME, all_of, only_fault, put

from mmcheck.limits import Limits

CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8) | st.sampled_from(
    ["", '"', 'a "b"', ",", "x\ny", "x\r\ny", "é"]
)


@SOME
@given(
    rows=st.lists(st.tuples(st.sampled_from(["a", "b,", "c"]), CELLS, CELLS), min_size=1, max_size=30),
    newline=st.sampled_from(["\n", "\r\n"]),
    bom=st.booleans(),
    block=st.sampled_from([16, 1 << 20]),
)
def test_rows_come_back(tmp_path: Path, rows: list[Any], newline: str, bom: bool, block: int) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator=newline).writerows([("video_id:FILE", "title", "label"), *rows])
    data = ("\ufeff" if bom else "") + text.getvalue()
    found = all_of(put(tmp_path / "a.csv", data), block=block)
    assert not found.faults
    assert [tuple(row.values()) for row in found.values] == rows
    assert {tuple(row) for row in found.values} == {("video_id:FILE", "title", "label")}
    assert found.rows == list(range(len(rows)))


def test_lines_are_where_rows_begin(tmp_path: Path) -> None:
    found = all_of(put(tmp_path / "a.csv", 'a,b\n1,"x\ny"\n\n2,z\n"3\n\n",w'))
    assert [row["b"] for row in found.values] == ["x\ny", "z", "w"]
    assert found.lines == [2, 5, 6]
    assert found.rows == [0, 1, 2]


def test_ragged_rows_are_told_with_both_counts(tmp_path: Path) -> None:
    found = all_of(put(tmp_path / "a.csv", "a,b\n1,2\n1\n1,2,3\n4,5\n"))
    assert found.rows == [0, 3]
    assert [(fault.code, fault.row, fault.line) for fault in found.faults] == [("MM001", 1, 3), ("MM001", 2, 4)]
    assert "1 cells, the header 2" in found.faults[0].message
    assert found.faults[0].value == "1"


@pytest.mark.parametrize("bad", ['1,"open', '1,"x"y', '1,"a" b"'])
def test_a_stray_quote_hides_no_other_row(tmp_path: Path, bad: str) -> None:
    rows = [f"{row},text {row}" for row in range(3_000)]
    rows[10] = bad
    rows[2_000] = bad
    found = all_of(put(tmp_path / "a.csv", "a,b\n" + "\n".join(rows) + "\n"))
    assert len(found.values) == 2_998
    assert [(fault.code, fault.row, fault.line) for fault in found.faults] == [
        ("MM002", 10, 12),
        ("MM002", 2_000, 2_002),
    ]
    assert found.lines == [row + 2 for row in range(3_000) if row not in (10, 2_000)]


def test_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    found = all_of(put(tmp_path / "a.csv", b"a,b\n1,caf\xe9\n2,x\n3,\0\n"))
    assert found.rows == [1]
    assert [(fault.code, fault.row, fault.line) for fault in found.faults] == [("MM002", 0, 2), ("MM002", 2, 4)]
    assert "0xE9" in found.faults[0].message


def test_a_repeated_column_name(tmp_path: Path) -> None:
    found = all_of(put(tmp_path / "a.csv", "a,a,b\n1,2,3\n"))
    assert found.values == [{"a": "1", "a.1": "2", "b": "3"}]
    assert [(fault.code, fault.row, fault.line) for fault in found.faults] == [("MM001", None, 1)]


def test_tabs_and_compression(tmp_path: Path) -> None:
    import gzip

    assert all_of(put(tmp_path / "a.tsv", "a\tb\n1\t2,3\n")).values == [{"a": "1", "b": "2,3"}]
    packed = gzip.compress(b"a,b\n" + b"1,2\n" * 100_000)
    assert len(all_of(put(tmp_path / "a.csv.gz", packed)).values) == 100_000
    found = all_of(put(tmp_path / "a.csv.gz", packed[: len(packed) - 50]))
    assert len(found.values) > 10_000
    assert found.faults[-1].code == "MM002"


def test_a_line_is_bounded(tmp_path: Path) -> None:
    limits = Limits(max_line_bytes=1_000)
    found = all_of(put(tmp_path / "a.csv", "a,b\n1," + "x" * 2_500 + "\n2,y\n"), limits=limits)
    assert found.values == [{"a": "2", "b": "y"}]
    assert [(fault.row, fault.line) for fault in found.faults] == [(0, 2)]
    assert "longer than 1,000 bytes" in found.faults[0].message


def test_only_a_header(tmp_path: Path) -> None:
    assert only_fault(put(tmp_path / "a.csv", "a,b\r\n")).code == "MM003"
