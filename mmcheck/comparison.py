"""Two results, an earlier and a later one: what became better, what worse, which findings are new, which are gone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from mmcheck.errors import RequestError
from mmcheck.finding import Finding, Severity
from mmcheck.report import Report, RuleSummary

#: Version of the shape that `to_dict` makes.
VERSION = 1
VERDICTS = ("pass", "incomplete", "fail")
#: How many findings are listed on either side; counts are exact.
MOST = 100
#: How far two distributions must be apart to be told: half the sum of the differences of their shares.
MOVED = 0.05


@dataclass(frozen=True, slots=True)
class RuleChange:
    """What became of one rule. `change` is better, worse, or a word for what cannot be compared."""

    code: str
    name: str
    severity: str
    old_status: str | None
    new_status: str | None
    old_failed: int
    new_failed: int
    old_checked: int
    new_checked: int
    change: str


@dataclass(frozen=True, slots=True)
class StatisticChange:
    """A distribution that moved; `distance` is from 0 (the same) to 1 (nothing in common)."""

    name: str
    distance: float
    old: str
    new: str


@dataclass(slots=True)
class Comparison:
    """What changed between two results of one dataset."""

    old: Report
    new: Report
    worse: bool
    rules: list[RuleChange] = field(default_factory=list)
    new_findings: list[Finding] = field(default_factory=list)
    gone_findings: list[Finding] = field(default_factory=list)
    statistics: list[StatisticChange] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def totals(self) -> dict[str, tuple[int, int]]:
        """Old and new number of each total."""
        old, new = asdict(self.old.totals), asdict(self.new.totals)
        return {name: (old[name], new[name]) for name in new}

    def to_dict(self) -> dict[str, Any]:
        """The comparison as JSON has it."""
        return {
            "mmcheck": {"comparison": VERSION},
            "worse": self.worse,
            "old": _identity(self.old),
            "new": _identity(self.new),
            "totals": {name: {"old": old, "new": new} for name, (old, new) in self.totals().items()},
            "rules": [asdict(rule) for rule in self.rules],
            "new_findings": [each.to_dict() for each in self.new_findings[:MOST]],
            "gone_findings": [each.to_dict() for each in self.gone_findings[:MOST]],
            "counts": {"new_findings": len(self.new_findings), "gone_findings": len(self.gone_findings)},
            "statistics": [asdict(each) for each in self.statistics],
            "notes": self.notes,
        }


def compare_all(old: Report | Sequence[Report], new: Report | Sequence[Report], fail_on: str) -> list[Comparison]:
    """The comparisons of all datasets, paired in their order. RequestError where they are not equally many."""
    olds, news = ([each] if isinstance(each, Report) else list(each) for each in (old, new))
    if len(olds) != len(news):
        raise RequestError(f"the earlier result is of {len(olds)} datasets, the later one of {len(news)}")
    return [compare(*pair, fail_on) for pair in zip(olds, news, strict=True)]


def compare(old: Report, new: Report, fail_on: str = "warning") -> Comparison:
    """What changed between two results. `worse` looks at rules of the severity `fail_on` and above."""
    found, gone = _findings(old, new)
    result = Comparison(old, new, False, new_findings=found, gone_findings=gone)
    fresh, before = Counter(each.rule for each in found), {rule.code: rule for rule in old.rules}
    for rule in new.rules:
        change = _rule(before.pop(rule.code, None), rule, fresh[rule.code])
        if change is not None:
            result.rules.append(change)
    result.rules += [change for rule in before.values() if (change := _rule(rule, None, 0)) is not None]
    result.rules.sort(key=lambda rule: (rule.change != "worse", -Severity(rule.severity).rank, rule.code))
    result.statistics = _moved(old.statistics, new.statistics)
    result.notes = _notes(old, new)
    if fail_on != "never":
        least = Severity(fail_on).rank
        rules = any(each.change == "worse" and Severity(each.severity).rank >= least for each in result.rules)
        result.worse = rules or VERDICTS.index(new.verdict) > VERDICTS.index(old.verdict)
    return result


def _identity(report: Report) -> dict[str, Any]:
    return {
        "path": report.path,
        "format": report.format,
        "fingerprint": report.fingerprint,
        "verdict": report.verdict,
        "started": report.run.started,
        "rules_digest": report.run.rules_digest,
        "version": report.written_by,
    }


def _rule(old: RuleSummary | None, new: RuleSummary | None, fresh: int) -> RuleChange | None:
    """The change of one rule; None where there is nothing to tell."""
    one = new or old
    assert one is not None
    was, now = (old.failed if old else 0), (new.failed if new else 0)
    ran_before, runs = (each is not None and each.status not in ("skipped", "error") for each in (old, new))
    if new is not None and new.status == "error" and (old is None or old.status != "error"):
        change = "worse"
    elif ran_before and not runs:
        change = "no longer run"
    elif now > was or (fresh and runs):
        change = "worse"
    elif now < was:
        change = "better"
    elif runs and not ran_before:
        change = "newly run"
    else:
        return None
    return RuleChange(
        one.code, one.name, one.severity.value, old.status if old else None, new.status if new else None,
        was, now, old.checked if old else 0, new.checked if new else 0, change,
    )  # fmt: skip


def _findings(old: Report, new: Report) -> tuple[list[Finding], list[Finding]]:
    """New and gone findings. Of a rule that lists not all of its failures it cannot be said which are new."""
    capped = {rule.code for report in (old, new) for rule in report.rules if rule.capped}
    return _without(new, old, capped), _without(old, new, capped)


def _without(these: Report, those: Report, capped: set[str]) -> list[Finding]:
    left = Counter(_key(each) for each in those.findings)
    rest = []
    for finding in these.findings:
        if finding.rule in capped:
            continue
        key = _key(finding)
        if left[key]:
            left[key] -= 1
        else:
            rest.append(finding)
    return rest


def _key(finding: Finding) -> tuple[str, str]:
    place = finding.fingerprint or f"{finding.file}\0{finding.row}\0{finding.message}"
    return finding.rule, place


def _moved(old: dict[str, Any], new: dict[str, Any]) -> list[StatisticChange]:
    from mmcheck.statistics import distance, gist, series

    moved = []
    before, after = series(old), series(new)
    for name in after:
        if name in before:
            apart = distance(before[name], after[name])
            if apart >= MOVED:
                moved.append(StatisticChange(name, round(apart, 4), gist(before[name]), gist(after[name])))
    return moved


def _notes(old: Report, new: Report) -> list[str]:
    notes = []
    if old.fingerprint is not None and old.fingerprint == new.fingerprint:
        notes.append("both results are about the same bytes")
    if (old.format, old.version) != (new.format, new.version):
        notes.append(f"the formats differ: {old.format}@{old.version}, {new.format}@{new.version}")
    if old.run.rules_digest != new.run.rules_digest:
        notes.append("the rules differ: what became worse may be a rule's doing")
    if old.run.probe != new.run.probe:
        notes.append(f"media were looked at differently: {old.run.probe}, {new.run.probe}")
    capped = sorted({rule.code for report in (old, new) for rule in report.rules if rule.capped})
    if capped:
        notes.append(f"of {', '.join(capped)} not all findings are listed: only counts are compared")
    return notes
