"""What shards say: exact counts, the first findings, facts for the rules over the whole dataset; results add up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mmcheck import global_rules
from mmcheck.dataset import DataFile
from mmcheck.finding import Finding
from mmcheck.pile import Distinct
from mmcheck.statistics import Statistics


def _place_of(item: tuple[tuple[int, int], Finding]) -> tuple[int, int]:
    return item[0]


@dataclass(slots=True)
class Tally:
    """What became of one rule so far; counts are exact, findings the first ones by place."""

    checked: int = 0
    failed: int = 0
    unknown: int = 0
    error: str | None = None
    findings: list[tuple[tuple[int, int], Finding]] = field(default_factory=list)
    by_file: dict[int, int] = field(default_factory=dict)
    per: str = "row"

    def add(self, other: Tally, most: int | None) -> None:
        """Add the counts and the findings of another part; of a rule that reports once a file, the first of each."""
        self.checked += other.checked
        self.failed += other.failed
        self.unknown += other.unknown
        self.error = self.error or other.error
        self.findings += other.findings
        self.per = other.per if self.per == "row" else self.per
        for number, count in other.by_file.items():
            self.by_file[number] = self.by_file.get(number, 0) + count
        if self.per != "row":
            first = {
                place[0]: (place, finding) for place, finding in sorted(self.findings, key=_place_of, reverse=True)
            }
            self.findings = [first[number] for number in sorted(first)]
        elif most is not None and len(self.findings) > most:
            self.findings.sort(key=lambda item: item[0])
            del self.findings[most:]


@dataclass(slots=True)
class ShardResult:
    """What one or more shards say. `tallies` is by the number of the rule in the rule set.

    `distinct` counts distinct media that are referred to, `inlined` those that records bring; `paths` are the media
    files, where they are wanted. `rows` and `lines` are those of the shards, `skipped` rows that were not read, and
    `records` the dataset's own. `about` is what the file says of itself; `failed` that it cannot be read. `unread`
    says what was not judged, and why.
    """

    tallies: dict[int, Tally] = field(default_factory=dict)
    facts: global_rules.Facts = field(default_factory=global_rules.Facts)
    files: list[dict[str, Any]] = field(default_factory=list)
    named: list[DataFile] = field(default_factory=list)
    records: int = 0
    invalid: int = 0
    media: int = 0
    distinct: Distinct = field(default_factory=Distinct)
    inlined: int = 0
    paths: set[str] = field(default_factory=set)
    rows: int = 0
    lines: int = 0
    skipped: int = 0
    about: Mapping[str, Any] | None = None
    failed: bool = False
    media_seen: dict[str, tuple[int, ...]] = field(default_factory=dict)
    settled: bool = True
    absent: set[str] = field(default_factory=set)
    unread: list[str] = field(default_factory=list)
    position: int = 0
    statistics: Statistics = field(default_factory=Statistics)

    def tally(self, number: int) -> Tally:
        """The tally of a rule."""
        return self.tallies.setdefault(number, Tally())

    def add(self, other: ShardResult, most: int | None) -> None:
        """Add another part."""
        for number, tally in other.tallies.items():
            self.tally(number).add(tally, most)
        self.facts += other.facts
        self.files += other.files
        self.named += other.named
        self.records += other.records
        self.invalid += other.invalid
        self.media += other.media
        self.distinct.extend(other.distinct)
        self.inlined += other.inlined
        self.paths |= other.paths
        self.media_seen |= other.media_seen
        self.absent |= other.absent
        self.settled = self.settled and other.settled
        self.rows += other.rows
        self.lines += other.lines
        self.skipped += other.skipped
        self.statistics.add(other.statistics)
        self.unread += other.unread

    def moved(self, rows: int, lines: int) -> ShardResult:
        """The result of a part of a file, before which the file has so many rows and lines."""
        if not rows and not lines:
            return self
        for tally in self.tallies.values():
            tally.findings = [
                ((file, row + rows if row >= 0 else row), _moved(finding, rows, lines))
                for (file, row), finding in tally.findings
            ]
        self.facts.move(rows, lines)
        self.statistics.move(rows)
        return self


def combined(results: Iterable[ShardResult], most: int | None) -> ShardResult:
    """The results of consecutive shards of one file as that of one; at most `most` findings a rule are kept."""
    total = ShardResult()
    for result in results:
        total.about = total.about or result.about
        total.failed = total.failed or result.failed
        total.position = max(total.position, result.position)
        total.add(result.moved(total.rows + total.skipped, total.lines), most)
    return total


def _moved(finding: Finding, rows: int, lines: int) -> Finding:
    row = None if finding.row is None else finding.row + rows
    if finding.line is None:
        return replace(finding, row=row)
    line, message = finding.line + lines, finding.message
    if finding.rule == "MM002":  # what cannot be read says its line in its message, too
        message = message.replace(f"line {finding.line}", f"line {line}", 1)
    return replace(finding, row=row, line=line, message=message)
