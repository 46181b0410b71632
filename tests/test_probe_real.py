"""Real media, good and damaged, with the verdicts that are acceptable for each."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from mmcheck.probe import DEFECTS, Depth, probe

ROOT = Path(os.environ.get("MMCHECK_REAL_DATA") or Path(__file__).parents[2] / "shared" / "data") / "media"
VERDICTS = ROOT / "VERDICTS.tsv"


def cases() -> list[tuple[str, str]]:
    if not VERDICTS.is_file():
        return []
    with VERDICTS.open(newline="", encoding="utf-8") as file:
        return [(row["file"], row["expected"]) for row in csv.DictReader(file, delimiter="\t")]


pytestmark = pytest.mark.skipif(
    not VERDICTS.is_file(), reason=f"no real media: {VERDICTS} is absent (MMCHECK_REAL_DATA)"
)


@pytest.mark.parametrize(("file", "expected"), cases())
def test_verdict(file: str, expected: str) -> None:
    if file.endswith((".mp3", ".opus", ".mkv", ".mp4")):
        pytest.importorskip("av")
    facts = probe(ROOT / file)
    found = facts.defect or ("fine-first-frame" if facts.later_defect else "fine")
    if expected != "unscored":
        assert found in expected.split("|"), facts
    assert facts.defect is None or (facts.defect in DEFECTS and facts.detail)
    assert probe((ROOT / file).read_bytes(), name=file) == facts


@pytest.mark.parametrize(("file", "expected"), cases())
def test_a_header_raises_no_false_alarm(file: str, expected: str) -> None:
    depth: Depth = "header"
    facts = probe(ROOT / file, depth=depth)
    if expected.startswith("fine") and not file.endswith((".mp3", ".opus", ".mkv", ".mp4")):
        assert facts.defect in (None, *expected.split("|")), facts
    assert not facts.decoded
