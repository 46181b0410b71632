"""Evidence of order, as a format declares it: what a record tells of the order of its media."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mmcheck import paths


@dataclass(frozen=True, slots=True)
class Evidence:
    """One piece of evidence of order, as a format's `order:` declares it."""

    name: str
    kind: str | None
    recorded: tuple[tuple[tuple[paths.Step, ...], ...], ...] = ()
    measured: tuple[str, ...] = ()
    tolerance: float = 0.0
    matrix: tuple[paths.Step, ...] | None = None
    values: tuple[paths.Step, ...] = ()
    column: tuple[paths.Step, ...] = ()


def declare_evidence(data: Mapping[str, Any]) -> Evidence:
    """The evidence that an item of `order:` declares."""
    recorded = [item["path"] if isinstance(item, dict) else item for item in data.get("recorded", ())]
    spellings = [item if isinstance(item, list) else [item] for item in recorded]
    return Evidence(
        name=data["evidence"],
        kind=data.get("kind"),
        recorded=tuple(tuple(paths.parse(path) for path in item) for item in spellings),
        measured=tuple(data.get("measured", ())),
        tolerance=float(data.get("tolerance", 0)),
        matrix=paths.parse(data["matrix"]) if "matrix" in data else None,
        values=paths.parse(data.get("values", "")),
        column=paths.parse(data.get("column", "")),
    )
