"""Recasts batches: records of one format in, records of another out, and what was rejected, lost and moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mmcheck.accounts import Rejected
from mmcheck.convert import HUB, Inexpressible, Options, Place, convert
from mmcheck.convert.quick import Quick, hub_to_llava, llava_to_hub
from mmcheck.convert.shape import without_shape
from mmcheck.duplicates import duplicate_keys, has_keys, keys_in, twice
from mmcheck.readers import Batch, Undecoded
from mmcheck.readers.jsonl import UNREADABLE
from mmcheck.relocating import Relocator

Change = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Way:
    """From which format to which, and how.

    `media` is keep, embed or extract, `paths` auto, keep or relative; `shard` is in bytes; `native` tells that the
    records were of the hub from the start.
    """

    source: str
    target: str
    options: Options
    residue: bool = True
    media: str = "keep"
    paths: str = "auto"
    shard: int | None = None
    native: bool = False


@dataclass(slots=True)
class Recast:
    """What became of a batch: records, each as it is or, where it was made in the quick way, as its text."""

    records: list[Any]
    rejected: list[Rejected]
    lost: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Recaster:
    """Recasts the batches of one file.

    `flat` is for tables, whose records all have the same columns. `place` says where media are as the target sees
    them; `before` and `after` change a record on either side of the conversion.
    """

    way: Way
    file: str
    options: Options
    flat: bool = False
    place: Place | None = None
    before: Change | None = None
    after: tuple[Change, ...] = ()

    def __call__(self, batch: Batch) -> Recast:
        """The records of a batch as the target's, in order."""
        quick = self.quick()
        counts = self.place.counts.copy() if isinstance(self.place, Relocator) else None
        found, keys = quick(batch.values) if quick is not None else ([None] * len(batch.values), 0)
        doubled = duplicate_keys(batch.raws, batch.values, keys) if batch.raws else {}
        if not doubled and all(found):
            return Recast(found, [])
        if doubled and isinstance(self.place, Relocator) and counts is not None:
            found, self.place.counts = [None] * len(found), counts  # none is taken twice
        return self._slow(batch, found, doubled)

    def at_once(self, part: Undecoded, quick: Quick) -> Recast | None:
        """The records of a part as text; None where they have to be read one by one."""
        counts = self.place.counts.copy() if isinstance(self.place, Relocator) else None
        try:
            found, left, keys = quick.texts(part.records)
            sound = has_keys(part.text, keys + keys_in(left.values())) or not twice(part.records)
        except UNREADABLE:
            sound = False
        if not sound:
            if isinstance(self.place, Relocator) and counts is not None:
                self.place.counts = counts  # none is taken twice
            return None
        if not left:
            return Recast(found, [])
        numbers = range(len(found))
        values = [left.get(number) for number in numbers]
        lines = [number + 1 for number in numbers] if part.lines else None
        return self._slow(Batch(rows=list(numbers), values=values, lines=lines, raws=[]), found, {})

    def _slow(self, batch: Batch, found: Sequence[Any], doubled: Mapping[int, str]) -> Recast:
        """The records of a batch, each as it was `found`, else by way of a document."""
        way = self.way
        made = Recast([], [])
        values = batch.values
        if way.source == "mimic-it" and batch.keys is not None:
            pairs = zip(batch.keys, values, strict=True)
            values = [{"": key, **each} if isinstance(each, dict) else each for key, each in pairs]
        if batch.raws is None:
            values = [without_shape(each) if isinstance(each, dict) else each for each in values]
        lost: dict[str, int] = {}
        for number, record in enumerate(values):
            if number in doubled:
                self._reject(made, batch, number, f"the key {doubled[number]!r} stands twice in the record")
                continue
            if there := found[number]:
                made.records.append(there)
                continue
            try:
                whole = self.before(record) if self.before is not None and type(record) is dict else record
                whole = convert(
                    whole,
                    way.source,
                    way.target,
                    self.options,
                    residue=way.residue,
                    flat=self.flat,
                    lost=lost,
                    place=self.place,
                    back=way.paths != "relative",
                    native=way.native,
                )
                for change in self.after:
                    whole = change(whole)
                made.records.append(whole)
            except Inexpressible as error:
                self._reject(made, batch, number, str(error))
        made.lost.update(lost)
        return made

    def quick(self) -> Quick | None:
        """The quick way, where there is one between these formats."""
        way = self.way
        if self.before is not None or self.after:
            return None
        if (way.source, way.target) == ("llava", HUB) and way.residue and not way.native and not self.flat:
            return llava_to_hub(self.options, self.place)
        if (way.source, way.target) == (HUB, "llava") and way.paths != "relative":
            return hub_to_llava(self.options)
        return None

    def _reject(self, made: Recast, batch: Batch, number: int, reason: str) -> None:
        line = batch.lines[number] if batch.lines else None
        made.rejected.append(Rejected(self.file, batch.rows[number], line, reason, batch.values[number]))
