"""Mutated files against everything that reads: no exception but those that are promised, no fault without a name."""

from __future__ import annotations

import io
import json
import multiprocessing
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fuzzing import EXAMPLES, FUZZ, LONG, ROOT, edited, files, mutated
from hypothesis import given
from hypothesis import strategies as st

import mmcheck
from mmcheck import rulefile
from mmcheck.errors import MmcheckError, OpenError
from mmcheck.format import load, names
from mmcheck.probe import DEFECTS, Limits, probe
from mmcheck.readers import head, header, pointers, read
from mmcheck.readers.buffer_sizes import buffer_sizes
from mmcheck.readers.page_sizes import page_sizes
from mmcheck.ruleset import build

TEXTS = {
    "jsonl": files("*.jsonl"), "json": files("*.json"), "csv": files("*.csv"), "yaml": files("*.yaml", "*.yml"),
}  # fmt: skip
COLUMNAR = files("*.parquet", "*.arrow", most=24)
PICTURES = files("*.jpg", "*.png", "*.gif", "*.webp", "*.bmp", "*.tif*", "*.wav", "*.npy", "*.nii*", most=80)
AT = ["", "*", "/data", "/sentences", "/a/b"]


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="mmcheck-fuzz-"))
    yield folder
    shutil.rmtree(folder)


def hold(path: Path, at: str, document: bool, block: int) -> None:
    """A reader's promises: parallel lists, ascending rows, named faults; OpenError is the only exception."""
    last = -1
    for batch in read(path, at, document=document, block=block):
        for values in (batch.values, batch.lines, batch.raws, batch.keys, batch.texts):
            assert values is None or len(values) == len(batch.rows)
        assert all(fault.code in ("MM001", "MM002", "MM003") and fault.message for fault in batch.faults)
        if batch.rows:
            assert batch.rows == sorted(set(batch.rows)) and batch.rows[0] > last
            last = batch.rows[-1]
    head(path, at)
    header(path, at)
    pointers(path)


@pytest.mark.threat("mutated files: JSON, JSON lines, CSV, YAML")
@pytest.mark.parametrize("storage", TEXTS)
def test_text_readers(storage: str, place: Path, tried: Any) -> None:
    tried(EXAMPLES)

    @FUZZ
    @given(mutated(TEXTS[storage]), st.sampled_from(AT), st.booleans(), st.sampled_from([64, 1_000, 1 << 20]))
    def attempt(seed: tuple[Path, bytes], at: str, document: bool, block: int) -> None:
        path = place / f"fuzz.{storage}"
        path.write_bytes(seed[1])
        hold(path, at, document, block)

    attempt()


def _columnar(folder: str, seeds: list[Path], count: int, seed: int) -> None:
    """In a process of its own: what pyarrow does to itself must not end the tests."""
    rng = random.Random(seed)
    for number in range(count):
        source = seeds[number % len(seeds)]
        edits = [
            (rng.choice(["flip", "put", "cut", "drop"]), rng.random(), rng.random(), rng.randbytes(rng.randint(1, 8)))
            for _ in range(rng.randint(1, 4))
        ]
        path = Path(folder) / ("columnar" + source.suffix)
        path.write_bytes(edited(source.read_bytes(), edits))
        hold(path, "", False, 10_000)


@pytest.mark.threat("mutated files: Parquet, Arrow", "hangs")
@pytest.mark.skipif(not COLUMNAR, reason="no Parquet or Arrow file among the seeds")
def test_columnar_readers(place: Path, tried: Any) -> None:
    tried(2 * EXAMPLES)
    seed = random.randrange(2**32) if LONG else 7
    context = multiprocessing.get_context("spawn")
    child = context.Process(target=_columnar, args=(str(place), COLUMNAR, EXAMPLES * 2, seed))
    child.start()
    child.join(60 + EXAMPLES)
    if child.is_alive():
        child.kill()
        pytest.fail("a damaged file hangs the reader")
    kept = list(place.glob("columnar.*"))
    assert child.exitcode == 0, f"seed {seed}: exit code {child.exitcode}, with {kept}"


@pytest.mark.threat("mutated files: Parquet, Arrow", "hangs")
@pytest.mark.skipif(not COLUMNAR, reason="no Parquet or Arrow file among the seeds")
@FUZZ
@given(mutated(COLUMNAR), st.integers(-1, 2**63), st.integers(-1, 2**63))
def test_what_pages_say_of_themselves(seed: tuple[Path, bytes], start: int, size: int) -> None:
    """Sizes, or an error that the reader takes for damage; never more pages than there are bytes."""
    _, data = seed
    assert len(list(buffer_sizes(data))) <= len(data)
    for at in (start % (len(data) + 1), start):
        column = SimpleNamespace(dictionary_page_offset=None, data_page_offset=at, total_compressed_size=size)
        with suppress(OSError, ValueError, OverflowError):
            assert sum(1 for _ in page_sizes(io.BytesIO(data), column)) <= len(data)


def _strictly(line: bytes) -> Any:
    def no(name: str) -> Any:
        raise ValueError(name)

    return json.loads(line.decode(), parse_constant=no)


_REFUSED = ("surrogate", "out of range", "levels deep", "not readable as JSON")


@pytest.mark.threat("mutated JSON lines against the standard library", "lost findings")
@FUZZ
@given(st.lists(mutated(TEXTS["jsonl"]), min_size=1, max_size=3), st.sampled_from([100, 5_000, 1 << 20]))
def test_the_json_path_agrees_with_the_standard_library(seeds: list[tuple[Path, bytes]], block: int) -> None:
    lines = [line for _, data in seeds for line in data.splitlines() if line.strip(b" \t\r\n")][:30]
    lines = [b'{"sound": 1}', *lines]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "fuzz.jsonl")
        path.write_bytes(b"\n".join(lines))
        values: dict[int, Any] = {}
        faults: dict[int, str] = {}
        for batch in read(path, block=block):
            values |= dict(zip(batch.rows, batch.values, strict=True))
            faults |= {fault.row: fault.message for fault in batch.faults if fault.row is not None}
        if not values:  # the first bytes made another container of it
            return
        rows = [line.removeprefix(b"\xef\xbb\xbf") if not n else line for n, line in enumerate(lines)]
        assert len(values) + len(faults) == len(rows)
        for row, line in enumerate(rows):
            try:
                expected = _strictly(line)
            except (ValueError, RecursionError):
                assert row in faults, line
                continue
            if row in faults:
                assert any(word in faults[row] for word in _REFUSED), (line, faults[row])
            else:
                assert values[row] == expected


@pytest.mark.threat("mutated media")
@FUZZ
@given(mutated(PICTURES), st.sampled_from(["header", "decode"]), st.sampled_from([None, "image", "audio", "volume"]))
def test_the_probe(seed: tuple[Path, bytes], depth: Any, kind: str | None) -> None:
    limits = Limits(max_pixels=4_000_000, max_frames=50, max_media_seconds=5)
    facts = probe(seed[1], kind=kind, name=seed[0].name, depth=depth, limits=limits)
    assert facts.defect is None or facts.defect in DEFECTS
    assert facts.defect is None or facts.detail or facts.defect == "empty"
    assert facts.detail is None or len(facts.detail) < 500, facts.detail


RULES = files("*.yaml", real=False, most=30)
LLAVA = load("llava")


@pytest.mark.threat("mutated rules files")
@FUZZ
@given(mutated([path for path in RULES if "rules" in path.parts and path.is_relative_to(ROOT / "rules")]))
def test_the_rules_loader(seed: tuple[Path, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "ours.yaml")
        path.write_bytes(seed[1])
        try:
            build(LLAVA, [rulefile.read(path)])
        except MmcheckError as error:
            assert str(error).startswith(str(path)) or "parameter" in str(error), error


RECORDS = [path for path in TEXTS["jsonl"] + TEXTS["json"] if path.stat().st_size < 20_000]


@pytest.mark.threat("mutated datasets, checked as a whole")
@FUZZ
@given(mutated(RECORDS), st.sampled_from([None, *names()]))
def test_a_whole_check(seed: tuple[Path, bytes], form: str | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, seed[0].name)
        path.write_bytes(seed[1])
        try:
            report = mmcheck.check(path, format=form, jobs=1)
        except (OpenError, MmcheckError):
            return
        assert not [rule for rule in report.rules if rule.status == "error"]
        assert report.exit_code() in (0, 1)
        json.dumps(report.to_dict(), default=str)
