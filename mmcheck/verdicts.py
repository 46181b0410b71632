"""All tallies in: rules over the whole dataset are judged, findings aggregated, ordered and counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from mmcheck import global_rules
from mmcheck.compose import compose, fingerprint
from mmcheck.contracts import TABLES
from mmcheck.expression import dtype
from mmcheck.finding import Finding, Severity
from mmcheck.format import Format
from mmcheck.media import Depth, reaches
from mmcheck.publishing import folder_row
from mmcheck.report import RuleSummary, Totals
from mmcheck.results import ShardResult, Tally
from mmcheck.rules import Outcome, evaluate
from mmcheck.ruleset import Rule, RuleSet
from mmcheck.tables import ROW_BITS
from mmcheck.thresholds import exceeds, graded


@dataclass(slots=True)
class Judged:
    """What a check comes to."""

    rules: list[RuleSummary]
    findings: list[Finding]
    totals: Totals
    complete: bool = True
    notes: list[str] = field(default_factory=list)


def conclude(
    result: ShardResult,
    ruleset: RuleSet,
    form: Format,
    depth: Depth,
    most: int | None,
    *,
    sampled: bool,
    exempt: Callable[[str], frozenset[str]],
    root: Path,
) -> Judged:
    """Judge what only the whole dataset tells, and draw up summaries and findings in their final order.

    `exempt` gives the codes of the rules that do not look at a file; `root` is the dataset's folder.
    """
    files = pl.DataFrame(
        result.files,
        schema={column.name: dtype(column.kind) for column in TABLES["files"].columns},
        strict=False,
    )
    _judge_files(files, ruleset, result, most, exempt)
    _judge_folder(root, ruleset, result)
    for number, rule in enumerate(ruleset.rules):
        if rule.skip is None and (rule.stanza.unique or rule.stanza.references or rule.stanza.aggregate):
            outcome = global_rules.judge(number, rule, result.facts, most)
            if sampled and outcome.failed == 0:
                outcome.unknown = outcome.checked
            if sampled and rule.stanza.references:
                outcome.failed, outcome.failures, outcome.unknown = 0, None, outcome.checked
            _global_outcome(result.tally(number), outcome, result.files)
    summaries: dict[str, RuleSummary] = {}
    found: list[tuple[tuple[int, int], Finding]] = []
    totals = Totals()
    complete = not result.unread
    for number, rule in enumerate(ruleset.rules):
        tally = result.tallies.get(number, Tally())
        tolerated = _tolerated(rule, tally)
        severity = graded(rule.severity, tally.failed, tally.checked, rule.stanza.warn_above, rule.stanza.error_above)
        kept = [] if tolerated else _aggregated(rule, tally, result.files)
        if severity is not rule.severity:
            kept = [(place, replace(finding, severity=severity)) for place, finding in kept]
        kept.sort(key=lambda item: item[0])
        found += kept if most is None else kept[:most]
        whole = any(finding.count is not None for _, finding in kept)
        capped = not whole and not tolerated and (len(kept) if most is None else min(len(kept), most)) < tally.failed
        summary = _summary(rule, tally, depth, severity, tolerated=tolerated, capped=capped)
        _merge(summaries, summary)
        complete = complete and tally.error is None
        if not tolerated:
            _count(totals, severity, tally.failed)
    found.sort(key=lambda item: (item[0], item[1].rule, item[1].turn or 0, item[1].position or 0))
    return Judged(list(summaries.values()), [finding for _, finding in found], totals, complete, list(result.unread))


def _judge_files(
    files: pl.DataFrame,
    ruleset: RuleSet,
    result: ShardResult,
    most: int | None,
    exempt: Callable[[str], frozenset[str]],
) -> None:
    """The rules of the table `files`, each over the files that it looks at."""
    spared = {row["file"]: exempt(row["file"]) for row in result.files}
    rules = [rule for rule in ruleset.active("files") if rule.by_row]
    partial = [rule for rule in rules if any(rule.code in codes for codes in spared.values())]
    whole = [rule for rule in rules if rule not in partial]
    outcomes = evaluate(files, whole, [most] * len(whole))
    for rule in partial:
        seen = [file for file, codes in spared.items() if rule.code not in codes]
        outcomes += evaluate(files.filter(pl.col("file").is_in(seen)), [rule], [most])
    for outcome in outcomes:
        _file_outcome(result.tally(_number(ruleset, outcome.rule)), outcome, result.files)


def _judge_folder(root: Path, ruleset: RuleSet, result: ShardResult) -> None:
    """The rules of the table `folder`."""
    rules = [rule for rule in ruleset.active("folder") if rule.by_row]
    if not rules:
        return
    row = pl.DataFrame([folder_row(root)], schema={column.name: pl.String for column in TABLES["folder"].columns})
    for outcome in evaluate(row, rules, [1] * len(rules)):
        tally = result.tally(_number(ruleset, outcome.rule))
        tally.add(Tally(outcome.checked, outcome.failed, outcome.unknown, outcome.error), None)
        for failing in outcome.failures.iter_rows(named=True) if outcome.failures is not None else ():
            finding = compose(
                outcome.rule, failing, file=None, number=None, line=None, sample=None, content="", role=None
            )
            tally.findings.append(((0, -1), finding))


def _number(ruleset: RuleSet, rule: Rule) -> int:
    return next(number for number, each in enumerate(ruleset.rules) if each is rule)


def _count(totals: Totals, severity: Severity, failed: int) -> None:
    if severity is Severity.ERROR:
        totals.errors += failed
    elif severity is Severity.WARNING:
        totals.warnings += failed
    elif severity is Severity.INFO:
        totals.infos += failed


def _file_outcome(tally: Tally, outcome: Outcome, files: Sequence[dict[str, Any]]) -> None:
    tally.add(Tally(outcome.checked, outcome.failed, outcome.unknown, outcome.error), None)
    numbers = {row["file"]: number for number, row in reversed(list(enumerate(files)))}
    for row in outcome.failures.iter_rows(named=True) if outcome.failures is not None else ():
        finding = compose(
            outcome.rule, row, file=row["file"], number=None, line=None, sample=None, content="", role=None
        )
        tally.findings.append(((numbers[row["file"]], -1), finding))


def _global_outcome(tally: Tally, outcome: Outcome, files: Sequence[dict[str, Any]]) -> None:
    tally.add(Tally(outcome.checked, outcome.failed, outcome.unknown, outcome.error), None)
    if outcome.failures is None:
        return
    for row in outcome.failures.iter_rows(named=True):
        aggregate = outcome.rule.stanza.aggregate
        whole = aggregate is not None and set(aggregate.by) <= _OF_FILES
        number, record = divmod(row["sample"], 1 << ROW_BITS) if row.get("sample") is not None else (0, -1)
        first = row.get("_first")
        if first is not None:
            row["first"] = _place(first, files)
        finding = compose(
            outcome.rule,
            row,
            file=_file(number, files),
            number=None if whole or record < 0 else record,
            line=row.get("_line"),
            sample=row.get("_id"),
            content=str(row.get("_one")),
            role=None,
        )
        if first is not None:
            finding = replace(finding, message=f"{finding.message} (first at {row['first']})")
        tally.findings.append(((number, -1 if whole else record), finding))


#: An aggregate by these is about whole files: its finding has no row.
_OF_FILES = frozenset(("file", "split"))


def _file(number: int, files: Sequence[dict[str, Any]]) -> str | None:
    return files[number]["file"] if number < len(files) else None


def _place(sample: int, files: Sequence[dict[str, Any]]) -> str:
    number, record = divmod(sample, 1 << ROW_BITS)
    return f"{_file(number, files)}, row {record}"


def _tolerated(rule: Rule, tally: Tally) -> bool:
    """Whether the failures are within what the stanza tolerates: a count or a percentage of the checked rows."""
    tolerate = rule.stanza.tolerate
    return tolerate is not None and tally.failed > 0 and not exceeds(tally.failed, tally.checked, tolerate)


def _aggregated(rule: Rule, tally: Tally, files: Sequence[dict[str, Any]]) -> list[tuple[tuple[int, int], Finding]]:
    """The findings of a rule, joined where it reports once a file or once a dataset."""
    findings = sorted(tally.findings, key=lambda item: item[0])
    whole_root = rule.code == "MM020" and tally.failed == tally.checked and tally.failed > 1
    if whole_root and findings:
        place, first = findings[0]
        message = f"every medium is missing ({tally.failed} references, such as {first.value}): where is their folder?"
        return [(place, _joined(first, message, tally.failed, keep_file=len({f.file for _, f in findings}) == 1))]
    if rule.stanza.per == "row" or not findings:
        return findings
    if rule.stanza.per == "dataset":
        place, first = findings[0]
        return [(place, _joined(first, _times(first, tally.failed), tally.failed, keep_file=False))]
    joined = []
    for file in dict.fromkeys(finding.file for _, finding in findings):
        place, first = next((place, finding) for place, finding in findings if finding.file == file)
        count = tally.by_file.get(place[0], 1)
        joined.append((place, _joined(first, _times(first, count), count, keep_file=True)))
    return joined


def _times(finding: Finding, count: int) -> str:
    return finding.message if count == 1 else f"{finding.message} ({count} times in all)"


def _joined(first: Finding, message: str, count: int, *, keep_file: bool) -> Finding:
    """One finding for many. A single failure keeps its place."""
    if count == 1:
        return replace(first, count=1)
    return replace(
        first,
        message=message,
        file=first.file if keep_file else None,
        row=None,
        line=None,
        sample=None,
        pointer=None,
        turn=None,
        position=None,
        count=count,
        fingerprint=fingerprint(first.rule, first.file if keep_file else None),
    )


def _summary(
    rule: Rule, tally: Tally, depth: Depth, severity: Severity, *, tolerated: bool, capped: bool
) -> RuleSummary:
    status, reason = "passed", None
    unreached = sorted(name for name in rule.reads if rule.stanza.table == "media" and not reaches(depth, name))
    if rule.skip is not None:
        status, reason = "skipped", rule.skip
    elif tally.error is not None:
        status, reason = "error", tally.error
    elif tolerated:
        reason = f"{tally.failed} of {tally.checked} failed, tolerated up to {rule.stanza.tolerate}"
    elif tally.failed:
        status = "failed"
    elif unreached and tally.unknown == tally.checked:
        status, reason = "skipped", f"the probe is {depth}, and does not fill {', '.join(unreached)}"
    elif tally.checked and tally.unknown == tally.checked:
        status = "unknown"
    return RuleSummary(
        code=rule.code,
        name=rule.stanza.name,
        severity=severity,
        table=rule.stanza.table,
        checked=tally.checked,
        failed=tally.failed,
        unknown=tally.unknown,
        status=status,
        reason=reason,
        capped=capped,
        docs=" ".join(rule.stanza.docs.split()),
        hint=rule.stanza.hint,
    )


_RANK = ("skipped", "passed", "unknown", "failed", "error")


def _merge(summaries: dict[str, RuleSummary], more: RuleSummary) -> None:
    """One summary a code: stanzas of the same code on several tables add up."""
    have = summaries.get(more.code)
    if have is None:
        summaries[more.code] = more
        return
    have.checked += more.checked
    have.failed += more.failed
    have.unknown += more.unknown
    have.capped = have.capped or more.capped
    if _RANK.index(more.status) > _RANK.index(have.status):
        have.status, have.reason, have.table, have.severity = more.status, more.reason, more.table, more.severity
