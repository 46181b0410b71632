"""An account of every record of a conversion: read = written + rejected, and the file of those that were rejected."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mmcheck.writers import Writer, open_writer
from mmcheck.writers.safe import refuse, replacing

REASONS = 100
"""How many kinds of reasons are counted apart."""


@dataclass(slots=True)
class Summary:
    """What became of every record: read = written + rejected.

    `lost` counts fields that the target had no place for; `faults` are those of whole files. `paths` counts paths of
    media that were moved (rewritten for the target's folder), missing or outside; `clips` those copied or encoded.
    `passed_over` says of files of the source that were not converted why.
    """

    source: str
    target: str
    read: int = 0
    written: int = 0
    rejected: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)
    paths: dict[str, int] = field(default_factory=dict)
    clips: dict[str, int] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    passed_over: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    quarantine: str | None = None
    stopped: str | None = None

    @property
    def exit_code(self) -> int:
        """1 where a record was rejected."""
        return 1 if self.rejected or self.stopped or self.faults else 0

    def to_dict(self) -> dict[str, Any]:
        """The summary as JSON."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that was not written, and why."""

    file: str
    row: int | None
    line: int | None
    reason: str
    record: Any

    def moved(self, rows: int, lines: int) -> Rejected:
        """The same of a record that stands so many rows and lines further on."""
        row = None if self.row is None else self.row + rows
        return replace(self, row=row, line=None if self.line is None else self.line + lines)

    def to_dict(self) -> dict[str, Any]:
        """The rejection as JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


class Stop(Exception):
    """The first record that is rejected ends the run."""

    def __init__(self, rejected: Rejected) -> None:
        super().__init__(rejected.reason)
        self.rejected = rejected


class Quarantine:
    """The file of rejected records beside the target."""

    def __init__(self, stack: ExitStack, target: Path, overwrite: bool) -> None:
        self._stack, self._target, self._overwrite = stack, target.with_name(target.name + ".rejected.jsonl"), overwrite
        self._writer: Writer | None = None

    def add(self, rejected: Rejected) -> None:
        """Write one."""
        if self._writer is None:
            refuse(self._target, [], overwrite=self._overwrite)
            self._writer = open_writer(self._stack.enter_context(replacing(self._target)), "jsonl")
        self._writer.write([rejected.to_dict()])

    def close(self, summary: Summary) -> None:
        """End the file, if there is one."""
        if self._writer is not None:
            self._writer.close()
            summary.quarantine = str(self._target)
        elif self._overwrite:
            self._target.unlink(missing_ok=True)


class Account:
    """Takes what is rejected: counts it, and sets it apart or stops."""

    def __init__(self, summary: Summary, quarantine: Quarantine | None) -> None:
        self.summary = summary
        self._quarantine = quarantine

    def reject(self, rejected: Rejected) -> None:
        """Account for one record that is not written. Raises Stop where nothing may be rejected."""
        summary = self.summary
        if rejected.row is None:
            summary.faults.append(f"{rejected.file}: {rejected.reason}")
        else:
            summary.rejected += 1
            reasons = summary.reasons
            reason = rejected.reason if rejected.reason in reasons or len(reasons) < REASONS else "other reasons"
            reasons[reason] = reasons.get(reason, 0) + 1
        if self._quarantine is None:
            raise Stop(rejected)
        self._quarantine.add(rejected)

    def count_lost(self, counts: Mapping[str, int]) -> None:
        """Add fields that the target had no place for."""
        for name, count in counts.items():
            self.summary.lost[name] = self.summary.lost.get(name, 0) + count

    def count_paths(self, counts: Mapping[str, int]) -> None:
        """Add what became of paths of media."""
        for name, count in counts.items():
            self.summary.paths[name] = self.summary.paths.get(name, 0) + count


class Silent(Account):
    """Takes what is rejected on a first look, whose records are all looked at again."""

    def __init__(self) -> None:
        super().__init__(Summary("", ""), None)

    def reject(self, rejected: Rejected) -> None:
        """Nothing: the second look will account for it."""
