"""Annotations of a GitHub workflow run, and its job summary where there is one to write to."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import IO

from mmcheck.finding import Finding, Severity
from mmcheck.report import Report
from mmcheck.reporters import markdown
from mmcheck.reporters.summary import failures, named, path_of, several, times, worst
from mmcheck.reporters.text import clean, plural, snippet

#: GitHub shows ten annotations of a kind for a step, and drops the others without a word.
MOST = 10
COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def write(report: Report | Sequence[Report], out: IO[bytes], quiet: bool) -> None:
    """The worst findings as workflow commands, and one line that closes them.

    On standard output, in a step that has a job summary (`GITHUB_STEP_SUMMARY`), the Markdown report is added to it.
    """
    reports = several(report)
    pairs = [(each, finding) for each in reports for finding in worst(each.findings, MOST * 3, MOST)]
    lines: list[str] = []
    for severity, command in COMMANDS.items():
        most = MOST - 1 if severity is Severity.INFO else MOST  # the closing line is a notice, too
        chosen = [(each, finding) for each, finding in pairs if finding.severity is severity][:most]
        lines += [_annotation(command, each, finding) for each, finding in chosen]
    lines.append(f"::notice title=mmcheck::{_data(' · '.join(_closing(each) for each in reports))}")
    out.write(("\n".join(lines) + "\n").encode("utf-8", "backslashreplace"))
    target = os.environ.get("GITHUB_STEP_SUMMARY")
    if target and out is getattr(sys.stdout, "buffer", None):
        with open(target, "ab") as stream:
            markdown.write(report, stream, quiet)


def _annotation(command: str, report: Report, finding: Finding) -> str:
    properties = {
        "file": path_of(report, finding),
        "line": str(finding.line) if finding.line is not None else None,
        "title": f"{finding.rule} {finding.name}",
    }
    told = ",".join(f"{name}={_property(text)}" for name, text in properties.items() if text is not None)
    where = f" (record {finding.row})" if finding.line is None and finding.row is not None else ""
    value = f" {snippet(finding.value)}" if finding.value is not None else ""
    hint = f"\n→ {clean(finding.hint)}" if finding.hint else ""
    return f"::{command} {told}::{_data(clean(finding.message) + times(finding) + where + value + hint)}"


def _closing(report: Report) -> str:
    totals = report.totals
    name = f" ({named(report)})" if named(report) else ""
    text = f"{report.verdict.upper()} {clean(report.path)}{name}: {plural(totals.records, 'record')}"
    parts = [plural(totals.errors, "error"), plural(totals.warnings, "warning"), plural(totals.infos, "info")]
    more = " (more than the annotations show)" if failures(report) > MOST else ""
    return f"{text}, {', '.join(parts)}{more}"


def _data(text: str) -> str:
    """The message of a workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """A property of a workflow command, which a comma or a colon would end."""
    return _data(clean(text)).replace(":", "%3A").replace(",", "%2C")
