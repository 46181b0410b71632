"""A JSON document that is read in parts says what it says when it is read whole; one that is not sound is not cut."""

from __future__ import annotations

import gzip
import json
import random
import re
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shards import killer, plain, record, sized, with_victim

from mmcheck import check, gathering, local, readers
from mmcheck.cache import identity
from mmcheck.limits import Limits
from mmcheck.readers import Fault, Part
from mmcheck.shard import Checker

WHOLE = 1 << 40
#: What looks like the place between two records, and is none.
TRAPS = ['}, {"id"', '}, {"id": 1}, {"id', '"}, "1": {"id', '},\n {\n  "id"', "]", "}]}", '\\"}, {"id": ', ",", "é", ""]
TEXTS = st.sampled_from(TRAPS) | st.text(st.characters(codec="utf-8"), max_size=6)
VALUES = st.recursive(
    st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(TEXTS | st.just("id"), below, max_size=3),
    max_leaves=5,
)
ELEMENTS = VALUES | st.fixed_dictionaries({"id": st.integers(), "text": VALUES})
LAYOUTS = st.sampled_from([{}, {"indent": 1}, {"separators": (",", ":")}, {"ensure_ascii": False}])
BESIDE = st.dictionaries(st.sampled_from(["info", "meta", "}, {", "a"]), VALUES, max_size=3)
LIMITS = Limits(max_nesting=4, max_line_bytes=5_000)


@st.composite
def documents(draw: st.DrawFn) -> tuple[bytes, str]:
    """A document, and where its records are."""
    elements = draw(st.lists(ELEMENTS, min_size=1, max_size=12))
    records: Any = elements
    if draw(st.booleans()):
        keys = draw(st.lists(TEXTS, min_size=len(elements), max_size=len(elements), unique=True))
        records = dict(zip(keys, elements, strict=True))
    at = draw(st.sampled_from(["", "*", "/data", "/da~1ta/b~0"]))
    if at.startswith("/"):
        for key in reversed(at[1:].split("/")):
            records = draw(BESIDE) | {key.replace("~1", "/").replace("~0", "~"): records} | draw(BESIDE)
    text = json.dumps(records, **draw(LAYOUTS))
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    mark = draw(st.sampled_from([b"", b"\xef\xbb\xbf"]))
    return mark + text.encode() + draw(st.sampled_from([b"", b"\n", b" \r\n "])), at


@st.composite
def damaged(draw: st.DrawFn) -> tuple[bytes, str]:
    """A document in which some bytes are others, which may do no harm."""
    data, at = draw(documents())
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        gone = draw(st.integers(0, 2) | st.just(len(data)))
        put = draw(
            st.sampled_from([b"", b",", b'"', b"{", b"]", b"}", b"\xff", b"NaN", b"[[[[[[]]]]]]", b"\\", b" " * 9])
        )
        data = data[:start] + put + data[start + gone :]
    return data, at


def said(path: Path, at: str, part: Part | None = None) -> tuple[list[tuple[Any, ...]], list[Fault], int]:
    """All records with row and key, all faults, and how many records there are, of a file or of a part of it."""
    records, faults, rows = list[tuple[Any, ...]](), list[Fault](), 0
    before = part.row if part is not None else 0
    for batch in readers.read(path, at, limits=LIMITS, part=part):
        keys = batch.keys if batch.keys is not None else [None] * len(batch.rows)
        here = [before + row for row in batch.rows]
        records += zip(here, keys, map(repr, batch.values), batch.raws or (), strict=True)
        faults += [each if each.row is None else replace(each, row=before + each.row) for each in batch.faults]
        rows += len(batch.rows) + sum(each.row is not None for each in batch.faults)
    return records, faults, rows


def hold(path: Path, at: str, size: int) -> list[Part]:
    """The parts of a document, which together say what the whole says."""
    parts = readers.parts(path, size, at, LIMITS)
    if parts:
        records, faults = list[tuple[Any, ...]](), list[Fault]()
        for part in parts:
            assert part.row == len(records) + sum(each.row is not None for each in faults)
            more, wrong, rows = said(path, at, part)
            assert readers.count(path, part, at, LIMITS) == (rows, 0)
            assert rows
            records += more
            faults += wrong
            assert repr(readers.header(path, at, part)) == repr(readers.header(path, at))
        assert (records, faults) == said(path, at)[:2]
        assert parts[0].start == 0 and parts[-1].stop == path.stat().st_size
    return parts


@settings(max_examples=150)
@given(documents(), st.sampled_from([1, 5, 30, 100]))
def test_parts_are_the_whole(tmp_path_factory: pytest.TempPathFactory, document: tuple[bytes, str], size: int) -> None:
    path = tmp_path_factory.mktemp("parts") / "a.json"
    path.write_bytes(document[0])
    hold(path, document[1], size)


@settings(max_examples=200)
@given(damaged(), st.sampled_from([1, 5, 30, 100]))
def test_whatever_is_wrong(tmp_path_factory: pytest.TempPathFactory, document: tuple[bytes, str], size: int) -> None:
    """Parts say of a damaged document what the whole says, or there are none."""
    path = tmp_path_factory.mktemp("parts") / "a.json"
    path.write_bytes(document[0])
    parts = hold(path, document[1], size)
    if parts:
        assert all(each.code == "MM002" and each.row is not None for each in said(path, document[1])[1])


SOUND = [{"id": n, "text": '}, {"id": 1}, ' * (n % 3)} for n in range(150)]


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize(("at", "wrap"), [
    ("", lambda records: records),
    ("*", lambda records: {str(n): each for n, each in enumerate(records)}),
    ("/data", lambda records: {"info": {"id": [1]}, "data": records, "more": 2}),
    ("/data", lambda records: {"data": {"}, {" + str(n): each for n, each in enumerate(records)}}),
])  # fmt: skip
def test_a_sound_document_falls_into_parts(tmp_path: Path, at: str, wrap: Any, indent: int | None) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(wrap(SOUND), indent=indent))
    parts = hold(path, at, 300)
    assert len(parts) > 5
    assert max(part.stop - part.start for part in parts) < 1_500


@pytest.mark.parametrize(("at", "text"), [
    ("", json.dumps(SOUND)[:-1]),
    ("", json.dumps(SOUND) + "]"),
    ("", json.dumps(SOUND) + json.dumps(SOUND)),
    ("", json.dumps(SOUND)[:-1] + ",]"),
    ("", json.dumps(SOUND)[:-1] + ', {"id": NaN}]'),
    ("", json.dumps(SOUND).replace('"id": 30', '"id": 30 "a"')),
    ("", json.dumps({"id": 1, "text": SOUND})),
    ("", ""),
    ("", "[" * 5_000 + json.dumps(SOUND)),
    ("*", json.dumps(dict.fromkeys("abc", "x" * 100) | {"long": "x" * 5_001})),
    ("*", '"' + "x" * 500 + '"'),
    ("/data", json.dumps({"info": SOUND})),
    ("/data", json.dumps({"data": SOUND})[:-1]),
    ("/data", json.dumps({"data": SOUND})[:-1] + ', "data": []}'),
    ("/data", json.dumps({"data": SOUND})[:-1] + ', "a": "\udcff"}'),
    ("/data", json.dumps({"data": "x" * 500})),
    ("/data", json.dumps(SOUND)),
])  # fmt: skip
def test_what_is_not_sound_to_its_end_is_not_cut(tmp_path: Path, at: str, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert readers.parts(path, 300, at, LIMITS) == []


def test_what_is_compressed_is_not_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.json.gz"
    path.write_bytes(gzip.compress(random.Random(1).randbytes(2_000).hex().join(('["', '"]')).encode()))
    assert readers.parts(path, 300) == []


def documents_of_faults(folder: Path, layout: str) -> tuple[Path, dict[str, Any]]:
    """A dataset of some format with faults of all kinds, and what `check` is asked."""
    path = folder / "train.json"
    if layout == "msr-vtt":
        sentences = [
            {
                "video_id": f"video{n % 50}",
                "sen_id": n if n % 40 else 0,
                "caption": "" if n % 30 == 7 else f"}}, {{ {n}",
            }
            for n in range(200)
        ]
        videos = [
            {"video_id": f"video{n}", "split": "train", "start time": n, "end time": n + n % 9} for n in range(45)
        ]
        path.write_text(json.dumps({"info": {"year": "2016"}, "videos": videos, "sentences": sentences}))
    elif layout == "mimic-it":
        records = {
            f"A_INS_{n}": {
                "instruction": "?", "answer": "" if n % 30 == 7 else "}, {", "image_ids": [],
                "rel_ins_ids": [f"A_INS_{n * 2}"],
            }
            for n in range(200)
        }  # fmt: skip
        data = json.dumps({"data": records, "meta": {"version": "0.0.1"}}, indent=1)
        path.write_text(data.replace('"A_INS_90":', '"A_INS_1":'))
    else:
        records = [record(n if n % 9 else 0, "" if n % 11 == 3 else '}, {"id": ' * (n % 4)) for n in range(200)]
        records[70] = {"id": "70", "conversations": 3}
        records[90]["id"] = "\udcff"
        records[120]["deep"] = json.loads("[" * 150 + "]" * 150)
        text = json.dumps(records, indent=2 if layout == "pretty" else None, ensure_ascii=False)
        if layout == "broken":
            text = text.replace('"id": "150"', '"id": é150')
        if layout == "cut":
            text = text[:-40]
        path.write_bytes(text.replace("\n", "\r\n").encode("utf-8", "surrogateescape"))
    return path, {"format": layout if "-" in layout else "llava", "probe": "exists"}


def alone(work: local.Work, plan: Any, processes: int, prober: Any) -> Any:
    """Judge in this process what others are there for."""
    return local.alone(work, Checker(plan, prober))


@pytest.mark.parametrize("most", [2, None])
@pytest.mark.parametrize("layout", ["plain", "pretty", "broken", "cut", "msr-vtt", "mimic-it"])
def test_reports(tmp_path: Path, layout: str, most: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    path, options = documents_of_faults(tmp_path, layout)
    options["max_findings"] = most
    at = {"msr-vtt": "/sentences", "mimic-it": "/data"}.get(layout, "")
    assert bool(readers.parts(path, 1_000, at)) == (layout not in ("broken", "cut"))
    with sized(WHOLE):
        whole = check(path, **options, jobs=1)
    assert whole.findings and whole.totals.records > 100
    with sized(1_000, worth=0):
        assert plain(check(path, **options, jobs=2)) == plain(whole)
    seen: list[Any] = []

    def once(work: local.Work, plan: Any, processes: int) -> Any:
        seen.append(plan)
        return alone(work, plan, processes, gathering.Prober(plan.probing, plan.probing.pool(1)))

    monkeypatch.setattr(gathering.local, "together", once)
    with sized(1_000, worth=0):
        assert plain(check(path, **options, jobs=2)) == plain(whole)
    assert seen


@pytest.mark.fault("a worker that is killed", "lost findings")
def test_a_judge_that_is_killed(tmp_path: Path) -> None:
    """What the others found keeps its place."""
    path = tmp_path / "train.json"
    path.write_text(json.dumps(with_victim(60, victim=31)))
    with sized(1_000, worth=0):
        report = check(path, jobs=2, probe="exists", max_findings=None, **killer(tmp_path))
    (note,) = report.notes
    assert re.match(r"train\.json, bytes [\d,]+ to [\d,]+, was not judged", note)
    lost = 60 - report.totals.records
    assert 0 < lost < 15
    found = {each.row for each in report.findings if each.rule == "MM040"}
    assert {0, 7, 14, 42, 49, 56} <= found <= set(range(0, 60, 7))


def test_a_document_is_looked_through_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was found to be its parts is kept as long as it is what it was."""
    path = tmp_path / "train.json"
    path.write_text(json.dumps([record(n) for n in range(60)]))
    calls: list[Any] = []
    find = readers.parts
    monkeypatch.setattr(readers, "parts", lambda *given: calls.append(given) or find(*given))
    ask = partial(check, path, format="llava", probe="exists", jobs=2, cache=tmp_path / "cache")
    with sized(1_000, worth=0):
        while identity(path) is None:  # so young that it may yet change unseen
            time.sleep(0.01)
        first = ask()
        assert len(calls) == 1
        assert plain(ask()) == plain(first)
        assert len(calls) == 1
        path.write_text(json.dumps([record(n) for n in range(50)]))
        assert ask().totals.records == 50
    assert len(calls) > 1


@pytest.mark.parametrize("block", [64, 1_000, 1 << 20])
@pytest.mark.parametrize("keyed", [False, True])
def test_a_record_that_is_too_long_is_found_in_blocks_of_any_size(tmp_path: Path, keyed: bool, block: int) -> None:
    path = tmp_path / "a.json"
    records = [{"id": n, "text": "x" * (6_000 if n == 30 else 9)} for n in range(60)]
    path.write_text(json.dumps({str(n): each for n, each in enumerate(records)} if keyed else records))
    at = "*" if keyed else ""
    batches = list(readers.read(path, at, block=block, limits=LIMITS))
    (fault,) = (each for batch in batches for each in batch.faults)
    assert (fault.row, sum(len(batch.rows) for batch in batches)) == (30, 30)
    assert "longer than 5,000 bytes" in fault.message
    assert readers.parts(path, 300, at, LIMITS) == []
