"""Recasts parts of a file to the target's text: what other processes do for a conversion."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from mmcheck import readers
from mmcheck.accounts import Rejected
from mmcheck.readers import Fault, Part
from mmcheck.readers.jsonl import no_gc
from mmcheck.recasting import Recaster
from mmcheck.relocating import Relocator
from mmcheck.writers.text import encoded, joined


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

    def __call__(self, part: Part) -> Written:
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
        place = self.recaster.place
        counts = Counter[str]()
        if isinstance(place, Relocator):
            counts, place.counts = place.counts, Counter()
        return Written(joined(texts, self.container), count, rows, lines, faults, rejected, lost, counts)
