"""Findings: what is wrong with the data, where, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How bad a finding is. `off` switches a rule off."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    OFF = "off"

    @property
    def rank(self) -> int:
        """0 for off up to 3 for error."""
        return ("off", "info", "warning", "error").index(self.value)


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of the data.

    `row` counts records of the file from 0, `line` counts lines from 1; both are None where the finding is about a
    whole file or the storage has no lines. `pointer` is a JSON pointer (RFC 6901) inside the record. `turn` counts
    messages from 0, `position` media of one kind from 0. `count` is how many failures an aggregated finding stands
    for; None means one.
    """

    rule: str
    name: str
    severity: Severity
    message: str
    file: str | None = None
    row: int | None = None
    line: int | None = None
    sample: str | None = None
    pointer: str | None = None
    turn: int | None = None
    position: int | None = None
    value: str | None = None
    hint: str | None = None
    fingerprint: str | None = None
    count: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """The finding as the result schema has it; `count` only where it is aggregated."""
        told = {name: getattr(self, name) for name in FIELDS}
        told["severity"] = self.severity.value
        if self.count is None:
            del told["count"]
        return told


#: The names of a finding's fields, in their order. (`dataclasses.asdict` copies deeply, and is ten times slower.)
FIELDS = tuple(field.name for field in fields(Finding))
