"""Every folder below `tests/datasets` is checked as its `expected.json` says: drop a dataset in, get a test."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from mmcheck import check

DATASETS = Path(__file__).parent / "datasets"
CASES = sorted(path.parent for path in DATASETS.glob("*/*/*/expected.json"))

#: Arguments of `check` that are paths, relative to the case's folder.
_PATHS = ("media_root",)

Found = tuple[str, str, int]


def name_of(case: Path) -> str:
    """`llava/bad/no-placeholder`."""
    return str(case.relative_to(DATASETS))


def arguments(case: Path, expected: dict[str, Any]) -> dict[str, Any]:
    """What `check` is called with, beside the path."""
    return {key: case / value if key in _PATHS else value for key, value in expected["args"].items()}


def sortable(rule: str, file: str | None, row: int | None) -> Found:
    """A place that compares with others: a whole dataset before its files, a whole file before its rows."""
    return rule, file or "", -1 if row is None else row


def test_there_are_cases_of_every_format() -> None:
    from mmcheck.format import names

    assert {(case.parent.parent.name, case.parent.name) for case in CASES} >= {
        (format_, kind) for format_ in names() for kind in ("good", "bad")
    }


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_findings(case: Path) -> None:
    """Exactly the expected findings of error and warning level, the format found by itself, the verdict."""
    expected = json.loads((case / "expected.json").read_text())
    report = check(case / expected["path"], max_findings=None, **arguments(case, expected))

    wanted = sorted(sortable(each["rule"], each["file"], each["row"]) for each in expected["findings"])
    told = [finding for finding in report.findings if finding.severity in ("error", "warning")]
    found = sorted(sortable(finding.rule, finding.file, finding.row) for finding in told)
    assert found == wanted, "\n".join(f"{each.rule} {each.file} {each.row}: {each.message}" for each in told)

    assert report.format == expected["format"]
    assert report.verdict == expected["verdict"]
    assert report.exit_code() == (1 if expected["verdict"] == "fail" else 0)
    assert [rule.code for rule in report.rules if rule.status == "error"] == []
    if case.parent.name == "good":
        assert wanted == []
    for finding in told:
        assert finding.message
        assert not re.search(r"\{\w+\}", finding.message + (finding.hint or "")), "a template is left unfilled"
        assert finding.fingerprint
