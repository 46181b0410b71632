"""Outputs that other tools read, from SARIF to in-toto, judged by tools that are not ours."""

from __future__ import annotations

import html
import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from mmcheck import check
from mmcheck.errors import RequestError
from mmcheck.finding import Finding, Severity
from mmcheck.report import FileSummary, Report, RuleSummary, Run, Totals
from mmcheck.reporters import KINDS, UNCAPPED, render
from mmcheck.reporters.card import BEGIN, END
from mmcheck.reporters.markdown import code, escape
from mmcheck.reporters.sarif import MOST_RESULTS
from mmcheck.reporters.text import clean
from mmcheck.resources import folder
from mmcheck.stored import read

REAL = Path(os.environ.get("MMCHECK_REAL_DATA") or Path(__file__).parents[2] / "shared" / "data") / "standards"
BAD = folder("examples") / "llava" / "bad"
EVIL = (
    "a\x1b[31mred\r\n::error::b | c `d` ``e`` [link](http://x.example) ![i](//x.example/i.png) <img src=x onerror=y> "
    "<!-- mmcheck:end --> ]]> </testsuite> &lt; *f* _g_ @team www.x.example http://x.example {0} "
    "%0A,:\u202e\ud800\x00 \\"
)


def standard(name: str) -> Path:
    """A published schema; the test is skipped where it is absent."""
    if not (REAL / name).is_file():
        pytest.skip(f"{REAL / name} is absent: set MMCHECK_REAL_DATA to the folder of published schemas and real files")
    return REAL / name


def finding(number: int = 0, **more: Any) -> Finding:
    fields: dict[str, Any] = {
        "rule": "MM020", "name": "media-missing", "severity": Severity.ERROR, "message": f"{number}.jpg is missing",
        "file": "a b/train.jsonl", "row": number, "line": number + 1, "fingerprint": f"{number:032x}",
    }  # fmt: skip
    return Finding(**fields | more)


def evil_report() -> Report:
    evil = finding(
        message=EVIL, value=EVIL, hint=EVIL, file=EVIL, sample=EVIL, pointer=EVIL, name=EVIL, fingerprint=EVIL
    )
    rules = [
        RuleSummary("MM020", EVIL, Severity.ERROR, "media", 3, 2, status="failed", docs=EVIL, hint=EVIL),
        RuleSummary("MM021", EVIL, Severity.WARNING, "media", 3, 2, status="error", reason=EVIL),
        RuleSummary("MM022", EVIL, Severity.WARNING, "media", 3, 0, status="skipped", reason=EVIL),
        RuleSummary("MM023", "fine", Severity.WARNING, "media", 3, 0),
        RuleSummary("MM024", "odd", Severity.WARNING, "media", 3, 1, status="failed"),
        RuleSummary("MM025", "unknown", Severity.WARNING, "media", 3, 0, 3, status="unknown"),
    ]
    files = [FileSummary(EVIL, EVIL, 1, 1, "sha256:" + "0" * 64)]
    run = Run("2026-11-01T10:00:00Z", 2.5, complete=False)
    return Report(EVIL, EVIL, 1, "sha256:0", files, run, Totals(3, errors=2, warnings=1), rules, [evil], [EVIL])


@pytest.fixture(scope="module")
def real() -> Report:
    return check(BAD, digest_media=True)


def written(report: Report | list[Report], kind: str, tmp_path: Path, **more: Any) -> str:
    render(report, kind, tmp_path / "out", **more)
    return (tmp_path / "out").read_text(encoding="utf-8")


def reports(real: Report) -> list[Report | list[Report]]:
    """One dataset, several, an evil one, and one that could not be opened."""
    unopened = replace(real, rules=[], findings=[], files=[], totals=Totals(), notes=["no such file"], fingerprint=None)
    suppressed = replace(real, suppressed=real.findings)
    return [real, suppressed, [real, replace(real, path="other")], evil_report(), [evil_report(), unopened]]


# SARIF


def test_sarif_is_valid(real: Report, tmp_path: Path) -> None:
    schema = json.loads(standard("sarif-2.1.0.schema.json").read_text())
    validator = jsonschema.validators.validator_for(schema)(schema, format_checker=jsonschema.FormatChecker())
    for report in reports(real):
        log = json.loads(written(report, "sarif", tmp_path))
        assert [error.message for error in validator.iter_errors(log)] == []


def test_sarif_tells_all(real: Report, tmp_path: Path) -> None:
    (run,) = json.loads(written(real, "sarif", tmp_path))["runs"]
    assert len(run["results"]) == len(real.findings)
    rules = run["tool"]["driver"]["rules"]
    for result, one in zip(run["results"], real.findings, strict=True):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == one.rule
        assert result["partialFingerprints"] == {"mmcheck/v1": one.fingerprint}
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]
        assert uri["uri"].endswith("train.json")
    helped = next(rule for rule in rules if rule["id"] == "MM021")
    assert "What to do" in helped["help"]["text"]
    assert helped["defaultConfiguration"]["level"] == "error"


def test_sarif_places_are_relative_and_quoted(real: Report, tmp_path: Path) -> None:
    report = replace(real, root="data", findings=[finding(), finding(1, file=None, row=None, line=None)])
    first, second = json.loads(written(report, "sarif", tmp_path))["runs"][0]["results"]
    place = first["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "data/a%20b/train.jsonl"}, "region": {"startLine": 1}}
    assert "locations" not in second
    outside = replace(report, root="/somewhere/data")
    first, _ = json.loads(written(outside, "sarif", tmp_path))["runs"][0]["results"]
    artifact = first["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact == {"uri": "a%20b/train.jsonl", "uriBaseId": "DATASET"}


def test_sarif_keeps_within_the_limits_of_github(real: Report, tmp_path: Path) -> None:
    many = [finding(n, file=f"part-{n % 7}.jsonl") for n in range(MOST_RESULTS + 1)]
    (run,) = json.loads(written(replace(real, findings=many), "sarif", tmp_path))["runs"]
    assert len(run["results"]) == 7
    assert sum(result["occurrenceCount"] for result in run["results"]) == MOST_RESULTS + 1
    notes = run["invocations"][0]["toolExecutionNotifications"]
    assert any("joined by rule and file" in note["message"]["text"] for note in notes)
    (run,) = json.loads(written(replace(real, findings=many[:-1]), "sarif", tmp_path))["runs"]
    assert len(run["results"]) == MOST_RESULTS


def test_sarif_tells_what_a_baseline_knows(real: Report, tmp_path: Path) -> None:
    known = replace(real, findings=real.findings[1:], suppressed=real.findings[:1])
    results = json.loads(written(known, "sarif", tmp_path))["runs"][0]["results"]
    assert [bool(each.get("suppressions")) for each in results] == [False] * (len(results) - 1) + [True]
    render(known, "json", tmp_path / "r.json")
    assert read(tmp_path / "r.json") == known


def test_sarif_messages_hold_no_links(real: Report, tmp_path: Path) -> None:
    report = replace(real, findings=[finding(message="see [here](http://x.example) {0}")])
    text = json.loads(written(report, "sarif", tmp_path))["runs"][0]["results"][0]["message"]["text"]
    assert text == r"see \[here\](http://x.example) {{0}}"


# JUnit


def test_junit_is_valid(real: Report, tmp_path: Path) -> None:
    etree = pytest.importorskip("lxml.etree", reason="lxml validates XML and is not installed")
    schema = etree.XMLSchema(etree.parse(str(standard("junit-10.xsd"))))
    for report in reports(real):
        written(report, "junit", tmp_path)
        schema.assertValid(etree.parse(str(tmp_path / "out")))


def test_junit_is_a_case_a_rule(real: Report, tmp_path: Path) -> None:
    from junitparser import JUnitXml

    written(real, "junit", tmp_path)
    (suite,) = JUnitXml.fromfile(str(tmp_path / "out"))
    cases = {case.name.split()[0]: case for case in suite}
    assert list(cases) == [rule.code for rule in real.rules]
    failed = {rule.code for rule in real.rules if rule.status == "failed" and rule.severity is Severity.ERROR}
    assert {code for code, case in cases.items() if case.is_failure} == failed
    assert suite.failures == len(failed)
    assert suite.time == real.run.seconds
    assert "images/cut.jpg" in cases["MM021"].result[0].text
    assert "duplicate-id" in cases["MM030"].system_out


# GitHub


def test_github_annotations(real: Report, tmp_path: Path) -> None:
    many = [finding(n) for n in range(30)] + [finding(n, rule="LV002", severity=Severity.WARNING) for n in range(30)]
    lines = written(replace(real, findings=many, root="data"), "github", tmp_path).splitlines()
    assert [sum(line.startswith(f"::{kind} ") for line in lines) for kind in ("error", "warning", "notice")] == [
        10,
        10,
        1,
    ]
    assert lines[0].startswith("::error file=data/a b/train.jsonl,line=1,title=MM020 media-missing::0.jpg is missing")
    assert lines[-1].startswith("::notice title=mmcheck::FAIL ")


def test_github_annotations_cannot_be_forged(tmp_path: Path) -> None:
    lines = written(evil_report(), "github", tmp_path).splitlines()
    assert len(lines) == 2
    head, _, _ = lines[0].partition("::b")
    assert re.fullmatch(r"::error file=[^,:]*,line=1,title=[^,:]*", lines[0][: lines[0].index("::", 2)])
    assert "%250A" in lines[0]
    assert head


def test_the_job_summary(
    real: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "summary.md"
    target.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(target))
    render(real, "github", tmp_path / "file")
    assert target.read_text() == "before\n"  # annotations in a file are no workflow commands
    render(real, "github", None)
    assert target.read_text() == "before\n" + written(real, "markdown", tmp_path)
    assert capfd.readouterr().out.startswith("::error ")


# Markdown and card


@pytest.mark.parametrize("kind", ["markdown", "card"])
def test_markdown_holds_no_markup_of_the_dataset(kind: str, tmp_path: Path) -> None:
    text = written(evil_report(), kind, tmp_path)
    page = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(text)
    assert "<a " not in page
    assert "<img" not in page
    assert "<em>" not in page
    assert set(re.findall(r"<!--.*?-->", page)) <= {BEGIN, END}
    assert text.splitlines().count(END) == (kind == "card")  # a marker is a whole line
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", text)
    assert not re.search(r"(?<!`)@team", re.sub(r"(`+).*?\1", "", text))
    for row in re.findall(r"<tr>(.*?)</tr>", page, re.S):
        assert row.count("<td") in (0, 4, 6)


GFM = MarkdownIt("gfm-like", {"html": True, "linkify": False})
TEXTS = st.text(st.characters() | st.sampled_from("`*_[]()<>|\\!#~&@:/.-+=\n w1"), max_size=40)


@given(TEXTS)
def test_any_text_is_the_same_after_markdown(text: str) -> None:
    page = GFM.render(f"x {escape(text)} y")[len("<p>") : -len("</p>\n")]
    assert "<" not in page
    assert " ".join(html.unescape(page).split()) == " ".join(f"x {clean(text)} y".split())


@given(TEXTS)
def test_any_text_is_one_cell_of_code(text: str) -> None:
    (cell,) = re.findall(r"<td>(.*?)</td>", GFM.render(f"| a |\n|---|\n| {code(text)} |\n"), re.S)
    found = re.fullmatch(r"<code>([^<]*)</code>", cell)
    assert found
    assert html.unescape(found[1]).strip() == clean(text).strip()


def test_markdown_tells_what_matters(real: Report, tmp_path: Path) -> None:
    text = written(real, "markdown", tmp_path)
    for part in ("❌ FAIL", "`MM021`", "media-undecodable", "`images/cut.jpg`", "9 records", "6 errors"):
        assert part in text
    assert len(written(real, "markdown", tmp_path, quiet=True).splitlines()) == 1


def test_a_card_is_refreshed_in_place(real: Report, tmp_path: Path) -> None:
    card = tmp_path / "README.md"
    render(real, "card", card)
    section = card.read_bytes()
    before, after = b"---\r\nlicense: mit\r\n---\r\n# Data \xff\r\n", b"\r\n## More\r\n`<!-- mmcheck:end -->`\r\n"
    card.write_bytes(before + section.replace(b"\n", b"\r\n") + after)
    render(replace(real, totals=Totals(records=4), findings=[], rules=[]), "card", card)
    changed = card.read_bytes()
    assert changed.startswith(before + BEGIN.encode())
    assert changed.endswith(END.encode() + b"\r\n" + after)
    assert b"PASS" in changed
    assert b"FAIL" not in changed
    assert not re.search(rb"(?<!\r)\n", changed)
    render(real, "card", card)
    again = card.read_bytes()
    render(real, "card", card)
    assert card.read_bytes() == again == before + section.replace(b"\n", b"\r\n") + after


def test_a_card_without_markers_gets_a_section_at_its_end(real: Report, tmp_path: Path) -> None:
    card = tmp_path / "README.md"
    card.write_text("# Data")
    render(real, "card", card)
    assert card.read_text().startswith(f"# Data\n\n{BEGIN}\n")
    for broken in (f"{BEGIN}\n", f"{END}\n{BEGIN}\n", f"{BEGIN}\n{END}\n{BEGIN}\n{END}\n"):
        card.write_text(broken)
        with pytest.raises(RequestError, match="do not pair"):
            render(real, "card", card)
        assert card.read_text() == broken


def test_the_badge_is_an_image(real: Report, tmp_path: Path) -> None:
    etree = pytest.importorskip("lxml.etree", reason="lxml reads XML and is not installed")
    svg = etree.fromstring(written(real, "badge", tmp_path).encode())
    assert svg.tag == "{http://www.w3.org/2000/svg}svg"
    assert svg.get("aria-label") == "mmcheck: FAIL · 6 errors"
    sound = replace(real, totals=Totals())
    assert "PASS" in written(sound, "badge", tmp_path)
    assert "FAIL" in written([sound, real], "badge", tmp_path)
    assert "onerror" not in written(evil_report(), "badge", tmp_path)


# in-toto


def test_the_statement_is_one(real: Report, tmp_path: Path) -> None:
    statement = json.loads(written(real, "attest", tmp_path))
    assert {each["name"] for each in statement["subject"]} == {file.file for file in real.files if file.digest}
    assert "images/red.jpg" in {each["name"] for each in statement["subject"]}
    assert read(tmp_path / "out") == real
    several = json.loads(written([real, replace(real, path="other")], "attest", tmp_path))
    assert len(several["subject"]) == 2 * len(statement["subject"])
    with pytest.raises(RequestError, match="nothing to attest"):
        written(replace(real, files=[]), "attest", tmp_path)
    toto = pytest.importorskip("in_toto_attestation.v1.statement", reason="in-toto-attestation is not installed")
    json_format = pytest.importorskip("google.protobuf.json_format")
    for each in (statement, several):
        message = toto.Statement([], "", {}).pb
        message.Clear()
        json_format.ParseDict(each, message)
        toto.Statement.copy_from_pb(message).validate()


# All of them


@pytest.mark.parametrize("kind", sorted(set(KINDS) - UNCAPPED))
def test_a_stored_result_renders_the_same_bytes(kind: str, real: Report, tmp_path: Path) -> None:
    for number, report in enumerate([real, [real, replace(real, path="other")], evil_report()]):
        report = [replace(each, picture_roots=()) for each in report] if isinstance(report, list) else report
        report = replace(report, picture_roots=()) if isinstance(report, Report) else report
        render(report, "json", tmp_path / f"{number}.json", max_findings=3)
        render(report, kind, tmp_path / f"{number}.direct", max_findings=3)
        render(read(tmp_path / f"{number}.json"), kind, tmp_path / f"{number}.again")
        assert (tmp_path / f"{number}.direct").read_bytes() == (tmp_path / f"{number}.again").read_bytes()


def test_two_runs_say_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = check(BAD).to_dict(), check(BAD, jobs=2).to_dict()
    for each in (first, second):
        for name in ("started", "seconds", "jobs"):
            del each["run"][name]
    assert first == second
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    for name in ("a", "b"):
        for kind in sorted(set(KINDS) - {"card"}):
            render(check(BAD), kind, tmp_path / f"{name}.{kind}")
    for kind in sorted(set(KINDS) - {"card"}):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()
    assert "2023-11-14T22:13:20Z" in (tmp_path / "a.json").read_text()
