"""Known findings: a file of fingerprints with their counts and reasons, so that only what is new fails."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from mmcheck.errors import OpenError, RequestError
from mmcheck.finding import Finding, Severity
from mmcheck.limits import read_small
from mmcheck.report import Report, RuleSummary

VERSION = 1


@dataclass(slots=True)
class Entry:
    """A known finding: how many share its fingerprint, or the ceiling of an aggregated one; `reason` is the user's."""

    fingerprint: str
    rule: str
    count: int
    file: str | None = None
    message: str | None = None
    reason: str | None = None


#: Entries by fingerprint.
Known = dict[str, Entry]


@dataclass(slots=True)
class Baseline:
    """The known findings of datasets; a dataset is called by its path from the baseline's folder."""

    path: Path
    datasets: dict[str, Known] = field(default_factory=dict)

    def name(self, report: Report) -> str:
        """What the baseline calls the dataset of a report."""
        if not os.path.exists(report.path):
            return report.path
        return Path(os.path.relpath(report.path, self.path.absolute().parent)).as_posix()

    def known(self, report: Report) -> Known:
        """The known findings of the dataset of a report."""
        return self.datasets.get(self.name(report), {})


@dataclass(frozen=True, slots=True)
class Applied:
    """A report without its known findings; `stale` are entries, with what is too many, that were not found again."""

    report: Report
    stale: tuple[Entry, ...]


def read(path: Path) -> Baseline:
    """Read a baseline. Raises OpenError where there is none, RequestError where it is of another shape."""
    try:
        data = msgspec.json.decode(read_small(path))
    except OpenError as error:
        told = error if path.exists() else f"{path} does not exist; --write-baseline writes it"
        raise OpenError(f"the baseline {told}") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise RequestError(f"{path}: not JSON: {error}") from None
    try:
        if data["mmcheck"]["baseline"] != VERSION:
            raise RequestError(f"{path}: a baseline of version {data['mmcheck']['baseline']}, where {VERSION} is known")
        baseline = Baseline(path)
        for name, entries in data["datasets"].items():
            read_entries = [msgspec.convert(entry, Entry) for entry in entries]
            baseline.datasets[name] = {entry.fingerprint: entry for entry in read_entries}
    except msgspec.ValidationError as error:
        raise RequestError(f"{path} is no baseline of mmcheck: {error}") from None
    except (KeyError, TypeError, AttributeError):
        raise RequestError(f"{path} is no baseline of mmcheck: it has not the keys of one") from None
    return baseline


def write(baseline: Baseline) -> None:
    """Write a baseline, in an order that makes small differences. Raises OpenError where it cannot be written."""
    datasets = {
        name: [_plain(entry) for entry in sorted(known.values(), key=_order)]
        for name, known in sorted(baseline.datasets.items())
        if known
    }
    document = {"mmcheck": {"baseline": VERSION}, "datasets": datasets}
    text = msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
    part: Path | None = None
    try:
        # A name that nobody can have put there before, as a link to somewhere else.
        handle, name = tempfile.mkstemp(dir=baseline.path.absolute().parent, prefix=f".{baseline.path.name}.")
        part = Path(name)
        with open(handle, "wb") as stream:
            stream.write(text)
        part.chmod(0o644)
        part.replace(baseline.path)
    except OSError as error:
        raise OpenError(f"the baseline {baseline.path} cannot be written: {error.strerror}") from None
    finally:
        if part is not None:
            part.unlink(missing_ok=True)


def entries(findings: Iterable[Finding], before: Mapping[str, Entry]) -> Known:
    """The entries of all findings, with the reasons that were written beside them before."""
    known: Known = {}
    for finding in findings:
        if finding.fingerprint is None:
            continue
        entry = known.get(finding.fingerprint)
        if entry is None:
            old = before.get(finding.fingerprint)
            message = finding.message.encode("utf-8", "backslashreplace").decode()
            entry = Entry(finding.fingerprint, finding.rule, 0, finding.file, message, old.reason if old else None)
            known[finding.fingerprint] = entry
        # An aggregated finding is one, and its count the ceiling.
        entry.count = finding.count if finding.count is not None else entry.count + 1
    return known


def apply(report: Report, known: Mapping[str, Entry]) -> Applied:
    """Take the known findings out of a report that has all its findings, and count them as suppressed.

    A finding is known as often as its entry counts; an aggregated one up to that count. What is stale is told only
    where the whole dataset was looked at, and of rules that ran.
    """
    left = {fingerprint: entry.count for fingerprint, entry in known.items()}
    seen: dict[str, int] = {}
    kept: list[Finding] = []
    held = [*report.suppressed]
    suppressed: dict[str, int] = {}
    by_severity: dict[Severity, int] = {}
    for finding in report.findings:
        print_, weight = finding.fingerprint or "", finding.count or 1
        seen[print_] = seen.get(print_, 0) + weight
        if left.get(print_, 0) >= weight:
            left[print_] -= weight
            suppressed[finding.rule] = suppressed.get(finding.rule, 0) + weight
            held.append(finding)
            by_severity[finding.severity] = by_severity.get(finding.severity, 0) + weight
        else:
            kept.append(finding)
    totals = replace(
        report.totals,
        errors=report.totals.errors - by_severity.get(Severity.ERROR, 0),
        warnings=report.totals.warnings - by_severity.get(Severity.WARNING, 0),
        infos=report.totals.infos - by_severity.get(Severity.INFO, 0),
        suppressed=report.totals.suppressed + sum(suppressed.values()),
    )
    rules = [_less(rule, suppressed.get(rule.code, 0)) for rule in report.rules]
    stale = _stale(report, known, seen) if report.run.complete and not report.run.sampled else []
    notes = [*report.notes, *([f"{len(stale)} entries of the baseline were not found again"] if stale else [])]
    return Applied(
        replace(report, findings=kept, suppressed=held, totals=totals, rules=rules, notes=notes), tuple(stale)
    )


def pruned(known: Mapping[str, Entry], stale: Iterable[Entry]) -> Known:
    """The entries without those that were not found again."""
    gone = {entry.fingerprint: entry.count for entry in stale}
    rest = {name: replace(entry, count=entry.count - gone.get(name, 0)) for name, entry in known.items()}
    return {name: entry for name, entry in rest.items() if entry.count > 0}


def _less(rule: RuleSummary, suppressed: int) -> RuleSummary:
    if not suppressed:
        return rule
    failed = rule.failed - suppressed
    done = failed == 0 and rule.status == "failed"
    return replace(
        rule,
        failed=failed,
        suppressed=rule.suppressed + suppressed,
        status="passed" if done else rule.status,
        reason=f"{suppressed} known failures, of the baseline" if done else rule.reason,
        capped=rule.capped and failed > 0,
    )


def _stale(report: Report, known: Mapping[str, Entry], seen: Mapping[str, int]) -> list[Entry]:
    ran = {rule.code for rule in report.rules if rule.status != "skipped"}
    over = ((entry, entry.count - seen.get(name, 0)) for name, entry in known.items())
    return [replace(entry, count=count) for entry, count in over if count > 0 and entry.rule in ran]


def _order(entry: Entry) -> tuple[str, str, str]:
    return entry.rule, entry.file or "", entry.fingerprint


def _plain(entry: Entry) -> dict[str, Any]:
    return {name: value for name in Entry.__slots__ if (value := getattr(entry, name)) is not None}
