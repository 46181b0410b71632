"""What every report says in its own way: where a finding is, which rules failed, which findings to show first."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence

from mmcheck.finding import Finding, Severity
from mmcheck.report import FileSummary, Report, RuleSummary
from mmcheck.reporters.text import clean, plural

#: How many examples are shown in all, and of one rule.
EXAMPLES, EXAMPLES_OF_ONE = 10, 3


def several(report: Report | Sequence[Report]) -> Sequence[Report]:
    """The reports, one or more."""
    return [report] if isinstance(report, Report) else report


def named(report: Report) -> str:
    """`format@version`, or nothing where the format is unknown."""
    return "" if report.format == "unknown" else f"{clean(report.format)}@{report.version}"


def files_read(report: Report) -> list[FileSummary]:
    """The annotation files and shards that the verdict is about."""
    return [file for file in report.files if file.role not in ("ignored", "media")]


def place(finding: Finding) -> str:
    """`file:line`, or `file[row]` where the storage has no lines."""
    file = clean(finding.file) if finding.file else "dataset"
    if finding.line is not None:
        return f"{file}:{finding.line}"
    return f"{file}[{finding.row}]" if finding.row is not None else file


def path_of(report: Report, finding: Finding) -> str | None:
    """The finding's file as seen from where mmcheck ran, with forward slashes; None where it is about no file."""
    if not finding.file:
        return None
    return posixpath.normpath(posixpath.join(report.root.replace("\\", "/"), finding.file))


def failed_rules(report: Report) -> list[RuleSummary]:
    """The rules that failed or raised, the gravest first."""
    return sorted(
        (rule for rule in report.rules if rule.status in ("failed", "error") and rule.severity is not Severity.OFF),
        key=lambda rule: (rule.status != "error", -rule.severity.rank, -rule.failed, rule.code),
    )


def worst(findings: Sequence[Finding], most: int = EXAMPLES, of_one: int = EXAMPLES_OF_ONE) -> Iterable[Finding]:
    """A few findings: the gravest rules first, each rule in turn, so that none crowds out the others."""
    by_rule: dict[tuple[int, str], list[Finding]] = {}
    for finding in findings:
        of_rule = by_rule.setdefault((-finding.severity.rank, finding.rule), [])
        if len(of_rule) < of_one:
            of_rule.append(finding)
    rules = [by_rule[key] for key in sorted(by_rule)]
    rounds = [(number, place) for number in range(of_one) for place in range(len(rules))]
    chosen = [(place, number) for number, place in rounds if number < len(rules[place])][:most]
    return (rules[place][number] for place, number in sorted(chosen))


def counts(report: Report) -> list[str]:
    """Records, media, files; then errors, warnings, infos and what is suppressed."""
    totals = report.totals
    if not report.rules:  # nothing was looked at
        return []
    invalid = f" ({totals.invalid_records:,} unreadable or against the schema)" if totals.invalid_records else ""
    parts = [plural(totals.records, "record") + invalid]
    if totals.media:
        distinct = f" ({totals.distinct_media:,} distinct)" if totals.distinct_media != totals.media else ""
        parts.append(plural(totals.media, "medium", "media") + distinct)
    parts.append(plural(len(files_read(report)), "file"))
    faults = [plural(totals.errors, "error"), plural(totals.warnings, "warning"), plural(totals.infos, "info")]
    faults += [f"{totals.suppressed:,} suppressed"] if totals.suppressed else []
    return [" · ".join(parts), " · ".join(faults)]


def times(finding: Finding) -> str:
    """` (12 times)` for a finding that stands for several failures."""
    return f" ({finding.count:,} times)" if finding.count and finding.count > 1 else ""


def skipped(rules: Sequence[RuleSummary]) -> list[str]:
    """The rules that did not run, by reason."""
    by_reason: dict[str, list[str]] = {}
    for rule in rules:
        if rule.status == "skipped":
            by_reason.setdefault(rule.reason or "no reason given", []).append(rule.code)
    return [f"skipped ({clean(reason)}): {', '.join(codes)}" for reason, codes in sorted(by_reason.items())]


def failures(report: Report) -> int:
    """All failures, however they are shown."""
    return report.totals.errors + report.totals.warnings + report.totals.infos


def percent(part: int, whole: int) -> str:
    """A share; what is not nothing is never shown as nothing, nor what is not all as all."""
    share = part / whole if whole else 0.0
    return "<0.1%" if 0 < share < 0.001 else ">99.9%" if 0.999 < share < 1 else f"{share:.1%}"
