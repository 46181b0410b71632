"""The baseline: what is known does not count, what is new fails, and reasons survive."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mmcheck.cli import run

Record = dict[str, Any]


def record(number: int, answer: str = "A disc.") -> Record:
    turns = [{"from": "human", "value": "What?"}, {"from": "gpt", "value": answer}]
    return {"id": f"r{number}", "conversations": turns}


BAD = {"id": "bad", "conversations": [{"from": "human", "value": "<image> What?"}, {"from": "gpt", "value": "A disc."}]}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "train.json"


def check(capfd: pytest.CaptureFixture[str], data: Path, records: list[Record], *more: str) -> tuple[int, Any, str]:
    data.write_text(json.dumps(records))
    code = run(["check", data.name, "-o", "json", *more])
    out, error = capfd.readouterr()
    return code, json.loads(out) if out else None, error


def totals(result: Any) -> tuple[int, int]:
    return result["totals"]["errors"], result["totals"]["suppressed"]


def test_known_findings_are_suppressed_and_new_ones_fail(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    records = [record(0), BAD]
    assert check(capfd, data, records)[0] == 1
    code, result, error = check(capfd, data, records, "--write-baseline", "known.json")
    assert (code, result["verdict"], totals(result)) == (0, "pass", (0, 1))
    assert "known.json: 1 entries written" in error
    # Rows inserted before change nothing.
    code, result, _ = check(capfd, data, [record(5), record(6), *records], "--baseline", "known.json")
    assert (code, totals(result)) == (0, (0, 1))
    [rule] = [each for each in result["rules"] if each["code"] == "MM010"]
    assert (rule["failed"], rule["suppressed"], rule["status"]) == (0, 1, "passed")
    # A new fault fails, and so does one more exact copy of a known one.
    code, result, _ = check(capfd, data, [*records, BAD | {"id": "new"}], "--baseline", "known.json")
    assert (code, totals(result), result["findings"][0]["sample"]) == (1, (1, 1), "new")
    code, result, _ = check(capfd, data, [*records, BAD], "--baseline", "known.json", "--ignore", "MM03")
    assert (code, totals(result), result["findings"][0]["row"]) == (1, (1, 1), 2)


def test_the_cap_does_not_hide_what_is_new(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    records = [BAD | {"id": f"b{number}"} for number in range(30)]
    check(capfd, data, records, "--write-baseline", "known.json", "--max-findings", "5")
    more = [*records, BAD | {"id": "new"}]
    code, result, _ = check(capfd, data, more, "--baseline", "known.json", "--max-findings", "5")
    assert (code, totals(result), [each["sample"] for each in result["findings"]]) == (1, (1, 30), ["new"])


def test_an_aggregated_finding_has_its_count_as_ceiling(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def missing(count: int) -> list[Record]:
        return [record(number) | {"image": f"no/{number}.jpg"} for number in range(count)]

    pick = ("--select", "MM020")
    check(capfd, data, missing(5), "--write-baseline", "known.json", *pick)
    assert totals(check(capfd, data, missing(5), "--baseline", "known.json", *pick)[1]) == (0, 5)
    assert totals(check(capfd, data, missing(4), "--baseline", "known.json", *pick)[1]) == (0, 4)
    assert totals(check(capfd, data, missing(6), "--baseline", "known.json", *pick)[1]) == (6, 0)


def test_reasons_survive_and_stale_entries_are_told(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    known = data.parent / "known.json"
    other = BAD | {"id": "other"}
    check(capfd, data, [BAD, other], "--write-baseline", "known.json")
    written = json.loads(known.read_text())
    for entry in written["datasets"]["train.json"]:
        entry["reason"] = "upstream"
    known.write_text(json.dumps(written))
    check(capfd, data, [BAD, other], "--write-baseline", "known.json")
    assert [each["reason"] for each in json.loads(known.read_text())["datasets"]["train.json"]] == ["upstream"] * 2
    code, result, error = check(capfd, data, [BAD], "--baseline", "known.json")
    assert (code, "1 entries were not found again" in error) == (0, True)
    assert "1 entries of the baseline were not found again" in result["notes"]
    # What a rule that does not run cannot find is not stale.
    assert "not found again" not in check(capfd, data, [BAD], "--baseline", "known.json", "--ignore", "MM010")[2]
    check(capfd, data, [BAD], "--baseline", "known.json", "--prune-baseline")
    [left] = json.loads(known.read_text())["datasets"]["train.json"]
    assert left["reason"] == "upstream"
    assert "not found again" not in check(capfd, data, [BAD], "--baseline", "known.json")[2]


def test_several_datasets_share_a_file(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    check(capfd, data, [BAD], "--write-baseline", "known.json")
    second = data.parent / "b" / "train.json"
    second.parent.mkdir()
    second.write_text(json.dumps([BAD]))
    assert run(["check", "b", "--baseline", "known.json"]) == 1
    assert run(["check", "b", "--write-baseline", "known.json"]) == 0
    assert run(["check", "b", "train.json", "--baseline", "known.json"]) == 0
    (data.parent / "mmcheck.yaml").write_text("baseline: known.json\ndatasets: [{path: b}, {path: train.json}]\n")
    assert run(["check"]) == 0
    capfd.readouterr()


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--baseline", "absent.json"], 3, "does not exist; --write-baseline writes it"),
        (["--baseline", "train.json"], 2, "is no baseline"),
        (["--prune-baseline"], 2, "--baseline FILE"),
        (["--write-baseline", "no/such/known.json"], 2, "there is no directory"),
        (["--write-baseline", "known.json", "--sample", "50%"], 2, "not a sample"),
    ],
)
def test_a_wrong_request(
    data: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], code: int, told: str
) -> None:
    found, _, error = check(capfd, data, [record(number) for number in range(9)], *arguments)
    assert (found, told in error) == (code, True), error
