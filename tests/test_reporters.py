"""Every kind of output, from values alone."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import polars as pl
import pytest
from rich.cells import cell_len
from rich.console import Console

from mmcheck.errors import RequestError
from mmcheck.finding import Finding, Severity
from mmcheck.report import FileSummary, Report, RuleSummary, Run, Totals
from mmcheck.reporters import KINDS, capped, render
from mmcheck.reporters.terminal import show
from mmcheck.reporters.text import clean
from mmcheck.resources import folder

SCHEMA = json.loads((folder("schemas") / "mmcheck" / "result" / "1.json").read_text())
EVIL = "a\x1b[31mred\x1b]0;title\x07\r\n[bold]b[/bold]\u202e\u2066[link=x]\x9b2J"


def finding(rule: str = "MM020", severity: Severity = Severity.ERROR, **more: Any) -> Finding:
    fields: dict[str, Any] = {"name": "media-missing", "message": "a.jpg is missing", "file": "train.jsonl"}
    return Finding(rule, severity=severity, **fields | {"row": 3, "line": 4, "sample": "id-17"} | more)


@pytest.fixture
def report() -> Report:
    return Report(
        path="data/train.jsonl",
        format="llava",
        version=1,
        fingerprint="sha256:0",
        files=[FileSummary("train.jsonl", "samples", 1234, 1204, "sha256:" + 64 * "0")],
        run=Run("2026-11-01T10:00:00Z", 2.0, jobs=2),
        totals=Totals(records=1204, invalid_records=2, media=900, distinct_media=800, errors=12, warnings=1),
        rules=[
            RuleSummary("MM020", "media-missing", Severity.ERROR, "media", 900, 12, status="failed"),
            RuleSummary("LV002", "speakers-do-not-alternate", Severity.WARNING, "turns", 12, 1, status="failed"),
            RuleSummary("MM030", "duplicate-id", Severity.ERROR, "samples", 1204),
            RuleSummary("MM022", "media-bomb", Severity.ERROR, "media", status="skipped", reason="probe off"),
        ],
        findings=[
            *(
                finding(row=row, line=row + 1, pointer="/image", value="a.jpg", hint="say --media-root")
                for row in range(12)
            ),
            finding("LV002", Severity.WARNING, turn=1, message="turn 1 is by human, like the turn before it"),
        ],
        notes=["found in a parent"],
    )


def text(report: Report | list[Report], width: int = 100, quiet: bool = False) -> str:
    out = io.StringIO()
    show(report, Console(file=out, width=width, markup=False, emoji=False, highlight=False), quiet)
    return out.getvalue()


def written(report: Report | list[Report], kind: str, tmp_path: Path, **more: Any) -> bytes:
    render(report, kind, tmp_path / "out", **more)
    return (tmp_path / "out").read_bytes()


def test_the_report_for_people_tells_what_matters(report: Report) -> None:
    shown = text(report)
    for part in (
        "FAIL", "data/train.jsonl", "llava@1", "1,204 records", "900 media (800 distinct)", "12 errors", "1 warning",
        "MM020", "media-missing", "1.3%", "train.jsonl:1", "“a.jpg”", "at /image", "“id-17”", "say --media-root",
        "skipped (probe off): MM022", "note: found in a parent", "602 records/s", "2 jobs",
    ):  # fmt: skip
        assert part in shown, part
    assert "MM030" not in shown
    assert "4 of 13 failures shown" in shown


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_it_fits(report: Report, width: int) -> None:
    report.findings.append(finding(value="x" * 500, message="word " * 60, pointer="/" + "p" * 90))
    report.path = "a/very/long/path/" * 6
    assert max(cell_len(line) for line in text(report, width).splitlines()) <= width


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, "FAIL"),
        ({"totals": Totals(records=4)}, "PASS"),
        ({"totals": Totals(records=4), "run": Run("Z", 0.0, complete=False)}, "INCOMPLETE"),
    ],
)
def test_verdicts(report: Report, change: dict[str, Any], verdict: str) -> None:
    assert text(replace(report, **change)).split()[0] == verdict
    assert text(replace(report, **change), quiet=True).split()[0] == verdict


def test_quiet_is_a_line_a_dataset(report: Report) -> None:
    assert len(text([report, report], quiet=True).splitlines()) == 2


def test_several_datasets_are_sections(report: Report) -> None:
    sound = replace(report, path="other.json", totals=Totals(records=4), findings=[], rules=[])
    shown = text([report, sound])
    assert shown.index("FAIL") < shown.index("PASS") < shown.index("1 of 2 datasets pass")


def test_a_dataset_injects_nothing(report: Report, tmp_path: Path) -> None:
    evil = finding(message=EVIL, value=EVIL, hint=EVIL, file=EVIL, sample=EVIL, pointer=EVIL)
    report = replace(report, path=EVIL, notes=[EVIL], findings=[evil])
    report.rules[0] = replace(report.rules[0], status="error", reason=EVIL)
    report.rules[3] = replace(report.rules[3], reason=EVIL)
    for shown in (text(report, 200), text(report, 60), written(report, "rich", tmp_path).decode()):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)
    assert text(report, 400).count("[bold]b[/bold]") >= 6


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("plain", "plain"),
        ("Straße 图", "Straße 图"),
        ("a\nb\tc", r"a\nb\tc"),
        ("\x1b[0m", r"\x1b[0m"),
        ("\ud800", r"\ud800"),
    ],
)
def test_clean(before: str, after: str) -> None:
    assert clean(before) == after


def test_a_rule_that_raised_is_told_first(report: Report) -> None:
    report.rules.append(RuleSummary("PX001", "mine", Severity.INFO, "media", status="error", reason="division by zero"))
    shown = text(report)
    assert "PX001 could not run: division by zero" in shown
    assert shown.index("PX001") < shown.index("MM020")


def test_each_rule_has_its_turn_among_the_examples(report: Report) -> None:
    many = [finding(f"MM{n:03}", row=r) for n in range(40, 60) for r in range(5)]
    shown = text(replace(report, findings=many))
    assert len(re.findall(r"^  train.jsonl:", shown, re.M)) == 10
    assert len(set(re.findall(r"^  train.jsonl:\d+  (MM\d+)", shown, re.M))) == 10


def test_json_keeps_its_promise(report: Report, tmp_path: Path) -> None:
    one = json.loads(written(report, "json", tmp_path))
    assert one["verdict"] == "fail"
    assert one["findings"][0]["line"] == 1
    several = json.loads(written([report], "json", tmp_path))
    assert several["mmcheck"] == {"results": 1}
    for result in (one, several):
        jsonschema.Draft202012Validator(SCHEMA).validate(result)


def described(value: Any, schema: dict[str, Any]) -> None:
    """Every key of an output is one that the schema knows, `statistics` and `sampled` apart."""
    while "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    if isinstance(value, dict) and "properties" in schema:
        for key, item in value.items():
            assert key in schema["properties"], key
            described(item, schema["properties"][key])
    elif isinstance(value, list) and "items" in schema:
        for item in value:
            described(item, schema["items"])


def test_the_schema_describes_every_field(report: Report) -> None:
    report.findings.append(finding(count=3))
    described(report.to_dict(), SCHEMA["$defs"]["result"])


def test_jsonl_and_parquet_have_the_same_fields_and_no_cap(report: Report, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in written(report, "jsonl", tmp_path, max_findings=1).splitlines()]
    frame = pl.read_parquet(written(report, "parquet", tmp_path, max_findings=1))
    assert len(lines) == len(frame) == 13
    assert lines[0] == {key: value for key, value in frame.row(0, named=True).items() if key != "count"}


def test_jsonl_and_parquet_of_several_name_the_dataset(report: Report, tmp_path: Path) -> None:
    other = replace(report, path="other.json")
    lines = [json.loads(line) for line in written([report, other], "jsonl", tmp_path).splitlines()]
    frame = pl.read_parquet(written([report, other], "parquet", tmp_path))
    assert [line["dataset"] for line in lines] == frame["dataset"].to_list()
    assert frame["dataset"].unique(maintain_order=True).to_list() == ["data/train.jsonl", "other.json"]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_lone_surrogates_are_written_as_escapes(report: Report, kind: str, tmp_path: Path) -> None:
    report = replace(report, path="\udcff.json", findings=[finding(value="\ud800", sample="\udfff")])
    for each in (report, [report]):
        content = written(each, kind, tmp_path)
        if kind == "parquet":
            assert pl.read_parquet(content)["value"][0] == r"\ud800"
        elif kind != "badge":  # which shows no text of the dataset
            assert (r"\udcff" if kind == "card" else r"\ud800") in content.decode()


def test_capped(report: Report) -> None:
    cut = capped(report, 5)
    assert [each.rule for each in cut.findings] == ["MM020"] * 5 + ["LV002"]
    assert [rule.code for rule in cut.rules if rule.capped] == ["MM020"]
    assert not any(rule.capped for rule in report.rules)
    assert "4 of 13 failures shown" in text(cut)


@pytest.mark.parametrize(("kind", "near"), [("jsno", "'json'"), ("Rich", "'rich'"), ("yaml", "choose from")])
def test_an_unknown_kind(report: Report, kind: str, near: str) -> None:
    with pytest.raises(RequestError, match=near):
        render(report, kind, None)


def test_a_file_is_written_whole_or_not_at_all(report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "result.json"
    target.write_text("the old one")
    monkeypatch.setattr(Report, "to_dict", lambda self: {"half": object()})
    with pytest.raises(TypeError):
        render(report, "json", target)
    assert target.read_text() == "the old one"
    assert list(tmp_path.iterdir()) == [target]


def test_a_link_stays_a_link(report: Report, tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text("")
    (tmp_path / "link.json").symlink_to("real.json")
    render(report, "json", tmp_path / "link.json")
    assert (tmp_path / "link.json").is_symlink()
    assert json.loads((tmp_path / "real.json").read_text())["verdict"] == "fail"


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_standard_output(report: Report, kind: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    render(report, kind, None)
    out, error = capfdbinary.readouterr()
    assert out
    assert not error
    assert kind == "parquet" or b"\x1b" not in out


def test_no_colour(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    out = io.StringIO()
    show(report, Console(file=out, force_terminal=True, markup=False))
    assert not re.search(r"\x1b\[[0-9;]*(3|4|9|10)[0-8](;|m)", out.getvalue())
