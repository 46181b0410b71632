"""Markdown (GitHub's flavour): a summary for a job, a pull request or a release."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import IO

from mmcheck.finding import Finding
from mmcheck.report import Report, RuleSummary
from mmcheck.reporters.summary import (
    counts,
    failed_rules,
    failures,
    named,
    percent,
    place,
    several,
    skipped,
    times,
    worst,
)
from mmcheck.reporters.text import SNIPPET, clean

#: How many findings are shown, and of one rule.
EXAMPLES, EXAMPLES_OF_ONE = 30, 5

MARKS = {"pass": "✅ PASS", "fail": "❌ FAIL", "incomplete": "⚠️ INCOMPLETE"}


def write(report: Report | Sequence[Report], out: IO[bytes], quiet: bool) -> None:
    """The report as a Markdown document, a section a dataset."""
    sections = [section(each, quiet) for each in several(report)]
    out.write(("\n".join(sections)).encode("utf-8", "backslashreplace"))


def section(report: Report, quiet: bool = False) -> str:
    """The report of one dataset; quiet leaves the verdict."""
    name = f" ({named(report)})" if named(report) else ""
    lines = [f"## {MARKS[report.verdict]} — {code(report.path)}{escape(name)}", ""]
    if quiet:
        return "\n".join(lines)
    lines += [line for count in counts(report) for line in (count, "")]
    failed = failed_rules(report)
    if failed:
        lines += [*rules_table(failed), ""]
    shown = list(worst(report.findings, EXAMPLES, EXAMPLES_OF_ONE))
    if shown:
        lines += ["### Worst findings", "", "| where | rule | what | value |", "|---|---|---|---|"]
        lines += [_row(finding) for finding in shown]
        lines.append("")
        told = sum(finding.count or 1 for finding in shown)
        if failures(report) > told:
            lines += [f"{told:,} of {failures(report):,} failures shown.", ""]
    remarks = [*skipped(report.rules), *(f"note: {clean(note)}" for note in report.notes)]
    lines += [f"- {escape(remark)}" for remark in remarks]
    return "\n".join([*lines, *([""] if remarks else []), _run(report), ""])


def rules_table(rules: Sequence[RuleSummary]) -> list[str]:
    """The rules as a table: how many rows of how many failed."""
    lines = ["| rule | name | severity | failed | of | share |", "|---|---|---|--:|--:|--:|"]
    for rule in rules:
        word = "raised" if rule.status == "error" else rule.severity.value
        share = percent(rule.failed, rule.checked) if rule.checked else ""
        cells = [code(rule.code), escape(rule.name), word, f"{rule.failed:,}", f"{rule.checked:,}", escape(share)]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _row(finding: Finding) -> str:
    value = finding.value
    shown = "" if value is None else code(value[:SNIPPET] + ("…" if len(value) > SNIPPET else ""))
    hint = f" → {escape(finding.hint)}" if finding.hint else ""
    message = f"{escape(finding.message[:1000])}{times(finding)}{hint}"
    return f"| {code(place(finding))} | {code(finding.rule)} | {message} | {shown} |"


def _run(report: Report) -> str:
    parts = [f"mmcheck {clean(report.written_by)}", report.run.started, f"media: {report.run.probe}"]
    parts += [] if report.run.complete else ["not complete"]
    parts += ["sampled"] if report.run.sampled else []
    text = escape(" · ".join(parts))
    return f"<sub>{text}" + (f" · {code(report.fingerprint)}</sub>" if report.fingerprint else "</sub>")


def escape(text: str) -> str:
    """Text as Markdown shows it, whatever it holds: no markup, link, mention, cell or HTML comes of it."""
    text = re.sub(r"([\\`*_\[\]<>#|~&!$^])", r"\\\1", clean(text))
    text = re.sub(r"(?i)(:)(?=//)|(?<=\bwww)(\.)", r"\\\1\2", text)
    return re.sub(r"@(?=[A-Za-z])", "&#64;", text)  # a backslash does not keep mentions and addresses from linking


def code(text: str) -> str:
    """Text as code, fenced by more backticks than it holds, fit for a cell of a table."""
    text = clean(text) or " "
    fence = "`" * (max((len(run) for run in re.findall(r"`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}".replace("|", "\\|")
