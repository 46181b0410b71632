"""However a dataset is cut, and whoever judges the parts, the report is the same; a judge that dies is told."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shards import arrow, killer, line, lines, parquet, plain, sized, with_victim
from test_datasets import CASES, arguments, name_of

from mmcheck import check, pile, readers
from mmcheck.format import names
from mmcheck.pile import Pile
from mmcheck.results import ShardResult, combined

WHOLE = 1 << 40


def some_that_fall_apart() -> list[Path]:
    """A few datasets of each format and kind with files that may have more than one part."""
    found: dict[Path, list[Path]] = {}
    for case in CASES:
        files = (file for kind in ("jsonl", "parquet", "arrow") for file in case.rglob(f"*.{kind}"))
        if any(file.stat().st_size > 64 for file in files):
            found.setdefault(case.parent, []).append(case)
    return [case for cases in found.values() for case in cases[:5]]


@pytest.mark.parametrize("case", some_that_fall_apart(), ids=name_of)
def test_cut_small(case: Path) -> None:
    expected = json.loads((case / "expected.json").read_text())
    options = arguments(case, expected) | {"max_findings": 2}
    with sized(WHOLE):
        whole = check(case / expected["path"], **options)
    with sized(64):
        parts = check(case / expected["path"], **options)
    assert plain(parts) == plain(whole)


@pytest.mark.parametrize("format", names())
def test_other_processes(format: str, tmp_path: Path) -> None:
    """The first bad dataset of each format, in processes; media are looked for, since others open them."""
    case = next(each for each in CASES if each.parent.parent.name == format and each.parent.name == "bad")
    expected = json.loads((case / "expected.json").read_text())
    options = arguments(case, expected) | {"probe": "exists"}
    with sized(WHOLE):
        whole = check(case / expected["path"], **options, jobs=1)
    with sized(64, worth=0):
        apart = check(case / expected["path"], **options, jobs=2)
    assert plain(apart) == plain(whole)


@pytest.mark.parametrize("most", [3, None])
@pytest.mark.parametrize("make", [lines, parquet, arrow])
def test_many_parts(make: Any, most: int | None, tmp_path: Path) -> None:
    path = make(tmp_path, 150)
    size = 2_000 if make is lines else 1
    assert len(readers.parts(path, size)) > 9
    options: dict[str, Any] = {"max_findings": most, "probe": "exists"}
    with sized(WHOLE):
        whole = check(path, **options, jobs=1)
    with sized(size):
        assert plain(check(path, **options, jobs=1)) == plain(whole)
    with sized(size, worth=0):
        assert plain(check(path, **options, jobs=2)) == plain(whole)
    assert whole.findings


LINES = (
    line(1), line(2, image="none.png"), line(3, ""), line(1, "again"), b"", b" \t ", b"{", b"[1]", b"\xef\xbb\xbf",
    b'{"id": NaN}', line(4, "x" * 300), "é\u2028".encode(), b"\xff",
)  # fmt: skip


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from(LINES), max_size=12),
    st.sampled_from([b"\n", b"\r\n"]),
    st.booleans(),
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
    st.integers(1, 500),
)
def test_any_lines(
    tmp_path_factory: pytest.TempPathFactory, rows: list[bytes], end: bytes, ended: bool, mark: bytes, size: int
) -> None:
    """Blank and broken lines, lines longer than a part, a mark before them, any line break, none after the last."""
    path = tmp_path_factory.mktemp("lines") / "train.jsonl"
    path.write_bytes(mark + line(0) + end + end.join(rows) + (end if ended else b""))
    with sized(WHOLE):
        whole = check(path, format="llava")
    with sized(size):
        parts = check(path, format="llava")
    assert plain(parts) == plain(whole)


@given(st.lists(st.sampled_from(LINES), max_size=8), st.booleans(), st.integers(1, 500))
def test_a_part_is_counted_as_it_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[bytes], ended: bool, size: int
) -> None:
    path = tmp_path_factory.mktemp("lines") / "train.jsonl"
    path.write_bytes(line(0) + b"\n" + b"\n".join(rows) + (b"\n" if ended else b""))
    for part in readers.parts(path, size):
        batches = list(readers.read(path, part=part))
        read = sum(len(batch.rows) + sum(fault.row is not None for fault in batch.faults) for batch in batches)
        assert readers.count(path, part) == (read, (path.read_bytes()[part.start : part.stop]).count(b"\n"))


def without(records: Sequence[dict[str, Any]], lost: range) -> list[tuple[int, int]]:
    """Row and line of every record that says nothing, but for those that were lost."""
    return [
        (row, row + 1) for row, each in enumerate(records) if not each["conversations"][1]["value"] and row not in lost
    ]


@pytest.mark.fault("a worker that is killed", "lost findings")
def test_a_judge_that_is_killed(tmp_path: Path) -> None:
    records = with_victim(60, victim=31)
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in records))
    with sized(1_000, worth=0):
        report = check(path, jobs=2, probe="exists", max_findings=None, **killer(tmp_path))
    (note,) = report.notes
    start, stop = (int(each.replace(",", "")) for each in re.findall(r"bytes ([\d,]+) to ([\d,]+)", note)[0])
    assert note.startswith("train.jsonl, bytes ") and "killed (SIGKILL)" in note
    before = path.read_bytes()[:start].count(b"\n")
    lost = range(before, path.read_bytes()[:stop].count(b"\n"))
    assert 31 in lost and 0 < len(lost) < 15

    assert report.exit_code() == 3 and not report.run.complete
    assert report.totals.records == 60 - len(lost)
    empty = [(each.row, each.line) for each in report.findings if each.rule == "MM040"]
    assert empty == without(records, lost)
    twice = [each.row for each in report.findings if each.rule == "MM030"]
    assert twice == [row for row in range(10, 60, 10) if row not in lost]


@pytest.mark.fault("a worker that is killed", "lost findings")
def test_a_judge_that_is_killed_over_a_row_group(tmp_path: Path) -> None:
    records = with_victim(30, victim=14)
    path = tmp_path / "train.parquet"
    pq.write_table(pa.Table.from_pylist(list(records)), path, row_group_size=4)
    (tmp_path / "more.jsonl").write_bytes(line(1) + b"\n")
    with sized(1, worth=0):
        report = check([path, tmp_path / "more.jsonl"], jobs=2, probe="exists", max_findings=None, **killer(tmp_path))
    assert [note.partition(" was not judged")[0] for note in report.notes] == ["train.parquet, row group 3,"]
    assert report.exit_code() == 3
    assert [each.row for each in report.findings if each.rule == "MM040"] == [0, 7, 21, 28]
    assert report.totals.records == 30 - 4 + 1


def test_a_shard_with_more_keys_than_memory_is_meant_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a judge put on disk reaches the others with its places: a record that is there twice is found."""
    monkeypatch.setattr(pile, "MOST_ROWS", 10)
    frame = pl.DataFrame({"_one": range(40), "_two": range(40), "sample": range(40)}).cast({"_one": pl.UInt64})
    mine = Pile()
    mine.add(frame)
    assert mine.on_disk
    sent = pickle.loads(pickle.dumps(mine))
    sent.map(lambda rows: rows.with_columns(pl.col("sample") + 100))
    other = Pile()
    other.extend(sent)
    other.extend(mine)
    found = pl.concat(other.part(number) for number in range(len(other)) if other.part(number).height)
    assert sorted(found["sample"]) == [*range(40), *range(100, 140)]


def test_results_of_neighbours_add_up() -> None:
    results = [ShardResult(rows=3, lines=4), ShardResult(skipped=2, lines=5), ShardResult(rows=1, lines=1)]
    whole = combined(results, None)
    assert (whole.rows, whole.lines, whole.skipped) == (4, 10, 2)
