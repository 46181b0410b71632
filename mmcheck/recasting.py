"""Recasts batches: records of one format in, records of another out, and what was rejected, lost and moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mmcheck.accounts import Rejected
from mmcheck.convert import HUB, Inexpressible, Options, Place, convert
from mmcheck.convert.quick import hub_to_llava, llava_to_hub
from mmcheck.convert.shape import without_shape
from mmcheck.duplicates import duplicate_keys
from mmcheck.readers import Batch

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
    """What became of a batch."""

    records: list[dict[str, Any]]
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
    after: Change | None = None

    def __call__(self, batch: Batch) -> Recast:
        """The records of a batch as the target's, in order."""
        way = self.way
        made = Recast([], [])
        doubled = duplicate_keys(batch.raws, batch.values) if batch.raws else {}
        quick = self._quick()
        back = way.paths != "relative"
        values = batch.values
        if way.source == "mimic-it" and batch.keys is not None:
            pairs = zip(batch.keys, values, strict=True)
            values = [{"": key, **each} if isinstance(each, dict) else each for key, each in pairs]
        if batch.raws is None and way.source != HUB:
            values = [without_shape(each) if isinstance(each, dict) else each for each in values]
        lost: dict[str, int] = {}
        for number, record in enumerate(values):
            if number in doubled:
                self._reject(made, batch, number, f"the key {doubled[number]!r} stands twice in the record")
                continue
            if quick is not None and type(record) is dict:
                try:
                    found = quick(record)
                except (TypeError, ValueError):  # a residue that mmcheck did not write: the long way says so
                    found = None
                if found is not None:
                    made.records.append(found)
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
                    back=back,
                    native=way.native,
                )
                made.records.append(self.after(whole) if self.after is not None else whole)
            except Inexpressible as error:
                self._reject(made, batch, number, str(error))
        made.lost.update(lost)
        return made

    def _quick(self) -> Callable[[dict[str, Any]], dict[str, Any] | None] | None:
        way = self.way
        if self.before is not None or self.after is not None:
            return None
        if (
            (way.source, way.target) == ("llava", HUB)
            and way.residue
            and not way.native
            and not self.flat
            and self.place is None
        ):
            return llava_to_hub(self.options)
        if (way.source, way.target) == (HUB, "llava") and way.paths != "relative":
            return hub_to_llava(self.options)
        return None

    def _reject(self, made: Recast, batch: Batch, number: int, reason: str) -> None:
        line = batch.lines[number] if batch.lines else None
        made.rejected.append(Rejected(self.file, batch.rows[number], line, reason, batch.values[number]))
