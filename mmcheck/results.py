"""What shards say: exact counts, the first findings, facts for the rules over the whole dataset; results add up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mmcheck import global_rules
from mmcheck.dataset import DataFile
from mmcheck.finding import Finding
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
    """What one or more shards say. `tallies` is by the number of the rule in the rule set."""

    tallies: dict[int, Tally] = field(default_factory=dict)
    facts: global_rules.Facts = field(default_factory=global_rules.Facts)
    files: list[dict[str, Any]] = field(default_factory=list)
    named: list[DataFile] = field(default_factory=list)
    records: int = 0
    invalid: int = 0
    media: int = 0
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
        self.statistics.add(other.statistics)
        self.unread += other.unread
