"""Recasts parts of a file to the target's text: what other processes do for a conversion."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from mmcheck import readers
from mmcheck.accounts import Rejected
from mmcheck.crew import serve
from mmcheck.readers import Fault, Part
from mmcheck.readers.jsonl import no_gc
from mmcheck.recasting import Recaster
from mmcheck.relocating import Relocator
from mmcheck.writers.text import encoded, joined

__all__ = ["SERVE", "Encoding", "Written", "serve"]

SERVE = "mmcheck.encoding:serve"
"""What a process of a conversion runs."""


@dataclass(frozen=True, slots=True)
class Written:
    """Records of a part as the target's text, `count` of so many `rows` and `lines` (None where there are none).

    `faults` and `rejected` count both from the start of the part; `lost` and `counts` as in `Recast` and `Relocator`.
    """

    text: bytes
    count: int
    rows: int
    lines: int | None
    faults: list[Fault]
    rejected: list[Rejected]
    lost: Counter[str]
    counts: Counter[str]


@dataclass(frozen=True, slots=True)
class Encoding:
    """What a process does with each part of a file."""

    path: Path
    at: str
    recaster: Recaster
    container: str
    guessed: bool = False

    def __call__(self, part: Part) -> Written | None:
        """The records of a part, all at once where that can be done; None where that would prove a `guessed` part."""
        made = self._at_once(part)
        return made if made is not None or self.guessed else self._by_records(part)

    def _at_once(self, part: Part) -> Written | None:
        quick = self.recaster.quick()
        whole = readers.undecoded(self.path, self.at, part) if quick is not None else None
        if quick is None or whole is None:
            return None
        with no_gc():  # records have no cycles
            recast = self.recaster.at_once(whole, quick)
        if recast is None:
            return None
        count, rows = len(recast.records), len(whole.records)
        text = encoded(recast.records, self.container)
        lines = rows if whole.lines else None
        return Written(text, count, rows, lines, [], recast.rejected, recast.lost, self._counts())

    def _by_records(self, part: Part) -> Written:
        texts, count, rows, lines = list[bytes](), 0, 0, None
        faults, rejected, lost = list[Fault](), list[Rejected](), Counter[str]()
        with no_gc():  # records have no cycles
            for batch in readers.read(self.path, self.at, part=part):
                recast = self.recaster(batch)
                if recast.records:
                    texts.append(encoded(recast.records, self.container))
                count += len(recast.records)
                rows += len(batch.rows) + sum(each.row is not None for each in batch.faults)
                lines = batch.end[1] if batch.end is not None else lines
                faults += batch.faults
                rejected += recast.rejected
                lost += recast.lost
        return Written(joined(texts, self.container), count, rows, lines, faults, rejected, lost, self._counts())

    def _counts(self) -> Counter[str]:
        """What became of paths since this was last asked."""
        place = self.recaster.place
        counts = Counter[str]()
        if isinstance(place, Relocator):
            counts, place.counts = place.counts, counts
        return counts
