"""SARIF 2.1.0, for code scanning: one run a dataset, within the limits that GitHub sets to an upload."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import IO, Any
from urllib.parse import quote

import msgspec

from mmcheck.finding import Finding, Severity
from mmcheck.report import Report, RuleSummary
from mmcheck.reporters.data import harmless
from mmcheck.reporters.markdown import escape
from mmcheck.reporters.summary import path_of, several, times
from mmcheck.reporters.text import clean, snippet

#: GitHub refuses an upload with more results a run; beyond, findings are joined by rule and file.
MOST_RESULTS = 25_000
#: Longest text of a message, in characters.
MESSAGE = 1_000

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
#: What is said of a finding that a baseline knows.
SUPPRESSED = {"kind": "external", "status": "accepted", "justification": "the baseline knows it"}
LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note", Severity.OFF: "none"}
#: GitHub's `problem.severity` of a rule.
PROBLEMS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "recommendation"}


def write(report: Report | Sequence[Report], out: IO[bytes], quiet: bool) -> None:
    """The findings as a SARIF log."""
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(each) for each in several(report)]}
    out.write(msgspec.json.format(harmless(msgspec.json.encode(log)), indent=1) + b"\n")


def joined(findings: Iterable[Finding]) -> list[Finding]:
    """One finding for each rule and file, with the count of those that it stands for."""
    firsts: dict[tuple[str, str | None], Finding] = {}
    for finding in findings:
        key = finding.rule, finding.file
        first = firsts.get(key)
        firsts[key] = finding if first is None else replace(first, count=(first.count or 1) + (finding.count or 1))
    return list(firsts.values())


def _run(report: Report) -> dict[str, Any]:
    findings, notes = report.findings, list(report.notes)
    if len(findings) > MOST_RESULTS:
        findings = joined(findings)
        notes.append(
            f"{len(report.findings)} findings are more than code scanning takes: they are joined by rule and file, "
            "the first of each with the number of occurrences"
        )
        del findings[MOST_RESULTS:]
    held = report.suppressed[: MOST_RESULTS - len(findings)]
    notes += [f"{rule.code} has more failures than are listed" for rule in report.rules if rule.capped]
    rules = {rule.code: number for number, rule in enumerate(report.rules)}
    raised = [rule for rule in report.rules if rule.status == "error"]
    invocation = {
        "executionSuccessful": report.run.complete,
        "startTimeUtc": report.run.started,
        "endTimeUtc": _end(report),
        "toolExecutionNotifications": [
            *({"level": "error", "message": _message(f"{r.code} could not run: {r.reason}")} for r in raised),
            *({"level": "note", "message": _message(note)} for note in notes),
        ],
    }
    return {
        "tool": {
            "driver": {
                "name": "mmcheck",
                "semanticVersion": report.written_by,
                "rules": [_rule(rule) for rule in report.rules],
            }
        },
        "automationDetails": {"id": f"mmcheck/{clean(report.path)}/"},
        "invocations": [invocation],
        "originalUriBaseIds": {"DATASET": {"description": {"text": f"the dataset's root: {clean(report.root)}"}}},
        "columnKind": "unicodeCodePoints",
        "results": [
            *(_result(report, finding, rules) for finding in findings),
            *(_result(report, finding, rules) | {"suppressions": [SUPPRESSED]} for finding in held),
        ],
        "properties": {
            "verdict": report.verdict,
            "dataset": clean(report.path),
            "format": f"{clean(report.format)}@{report.version}",
            "fingerprint": report.fingerprint,
            "records": report.totals.records,
            "errors": report.totals.errors,
            "warnings": report.totals.warnings,
            "infos": report.totals.infos,
            "suppressed": report.totals.suppressed,
        },
    }


def _rule(rule: RuleSummary) -> dict[str, Any]:
    name, docs = clean(rule.name), clean(rule.docs) or f"{clean(rule.name)}."
    hint = f"\n\nWhat to do: {clean(rule.hint)}." if rule.hint else ""
    paragraphs = [f"**{rule.code} {escape(rule.name)}**", escape(docs)]
    paragraphs += [f"What to do: {escape(rule.hint)}."] if rule.hint else []
    return {
        "id": rule.code,
        "name": _pascal(rule.name),
        "shortDescription": {"text": name.replace("-", " ")},
        "fullDescription": {"text": docs},
        "help": {"text": docs + hint, "markdown": "\n\n".join(paragraphs)},
        "defaultConfiguration": {
            "level": LEVELS[rule.severity],
            "enabled": rule.severity is not Severity.OFF,
        },
        "properties": {
            "tags": ["dataset", *([rule.table] if rule.table else [])],
            "problem.severity": PROBLEMS.get(rule.severity, "recommendation"),
            "precision": "very-high",
            "status": rule.status,
            "checked": rule.checked,
            "failed": rule.failed,
        },
    }


def _result(report: Report, finding: Finding, rules: dict[str, int]) -> dict[str, Any]:
    text = clean(finding.message[:MESSAGE]) + times(finding)
    if finding.hint:
        text += f". {clean(finding.hint)}"
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        **({"ruleIndex": rules[finding.rule]} if finding.rule in rules else {}),
        "level": LEVELS[finding.severity],
        "message": _message(text),
        "properties": {
            name: clean(str(value)) if isinstance(value, str) else value
            for name in ("row", "sample", "pointer", "turn", "position")
            if (value := getattr(finding, name)) is not None
        },
    }
    if finding.value is not None:
        result["properties"]["value"] = snippet(finding.value)
    if finding.file:
        result["locations"] = [_location(report, finding)]
    if finding.fingerprint:
        result["partialFingerprints"] = {"mmcheck/v1": clean(finding.fingerprint)}
    if finding.count:
        result["occurrenceCount"] = finding.count
    return result


def _location(report: Report, finding: Finding) -> dict[str, Any]:
    """A place in the file, and the place in the record as a logical location."""
    path = path_of(report, finding) or ""
    inside = not path.startswith(("/", "../"))
    artifact = (
        {"uri": _uri(path)} if inside else {"uri": _uri((finding.file or "").lstrip("/")), "uriBaseId": "DATASET"}
    )
    place: dict[str, Any] = {"physicalLocation": {"artifactLocation": artifact}}
    if finding.line is not None:
        place["physicalLocation"]["region"] = {"startLine": finding.line}
    if finding.row is not None:
        name = f"record {finding.row}{clean(finding.pointer or '')}"
        place["logicalLocations"] = [{"fullyQualifiedName": name, "kind": "member"}]
    return place


def _uri(path: str) -> str:
    return quote(path.encode("utf-8", "surrogateescape" if path.isprintable() else "backslashreplace"), safe="/")


def _message(text: str) -> dict[str, str]:
    """A plain text message; what would read as a link or a placeholder is written so that it does not."""
    text = clean(text)
    if "](" in text:
        text = re.sub(r"([\[\]])", r"\\\1", text)
    return {"text": re.sub(r"\{(\d+)\}", r"{{\1}}", text) or "-"}


def _pascal(name: str) -> str:
    return "".join(part.capitalize() for part in clean(name).split("-"))


def _end(report: Report) -> str:
    try:
        started = datetime.fromisoformat(report.run.started)
    except ValueError:
        return report.run.started
    return f"{started + timedelta(seconds=report.run.seconds):%Y-%m-%dT%H:%M:%SZ}"
