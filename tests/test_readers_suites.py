"""Official suites and published files, where they are at hand: nothing crashes, nothing sound is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from test_readers_json import all_of, put

from mmcheck.readers import container, facts, head, pointers

ROOT = Path(__file__).parent.parent
REAL = Path(os.environ.get("MMCHECK_REAL_DATA") or ROOT.parent / "shared" / "data")
JSON = sorted((REAL / "json" / "JSONTestSuite").glob("*.json"))
PARQUET = sorted((REAL / "parquet" / "parquet-testing" / "bad_data").glob("*.parquet"))
RECORDS = sorted(
    path for path in (REAL / "records").glob("**/*") if path.suffix in (".json", ".jsonl", ".csv", ".yaml")
)
ABSENT = f"no such files below {REAL} (MMCHECK_REAL_DATA names another folder)"
EMPTY = {"y_array_empty.json", "y_object_empty.json", "y_structure_whitespace_array.json"}


@pytest.mark.skipif(not JSON, reason=ABSENT)
@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_json_suite(tmp_path: Path, name: str) -> None:
    for path in JSON:
        found = all_of(put(tmp_path / name, path.read_bytes()))
        head(tmp_path / name)
        pointers(tmp_path / name)
        codes = {fault.code for fault in found.faults}
        spread = name == "a.jsonl" and b"\n" in path.read_bytes().strip()
        if path.name.startswith("n_"):
            assert codes & {"MM002", "MM003"}, path.name
        elif path.name in EMPTY:
            assert codes <= {"MM003"}, path.name
        elif path.name.startswith("y_") and not spread:
            assert not codes, path.name
            assert len(found.values) >= 1, path.name


@pytest.mark.skipif(not PARQUET, reason=ABSENT)
def test_damaged_parquet() -> None:
    for path in PARQUET:
        found = all_of(path)
        facts(path)
        assert found.faults or found.values, path.name
        assert {fault.code for fault in found.faults} <= {"MM002", "MM003"}
    assert sum(bool(all_of(path).faults) for path in PARQUET) >= len(PARQUET) - 2


@pytest.mark.skipif(not RECORDS, reason=ABSENT)
def test_published_files_are_readable() -> None:
    for path in RECORDS:
        found = all_of(path)
        if container(path).fault is None and path.stat().st_size:
            assert not found.faults, (path.name, found.faults[:2])
