"""A shard is opened, and each of its batches becomes all the tables that rules are about, media looked into."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import polars as pl

from mmcheck import align, paths, readers
from mmcheck.arrow_elements import Unfit
from mmcheck.cells import constant
from mmcheck.content import content_column
from mmcheck.dataset import DataFile
from mmcheck.file_facts import file_context, look_beside
from mmcheck.fingerprint import size_of
from mmcheck.format import Role
from mmcheck.lengths import lengths
from mmcheck.media import Look, Prober, Seen
from mmcheck.order import order
from mmcheck.plan import Plan, Shard
from mmcheck.readers.batch import Batch
from mmcheck.schema import Judge, without_bytes
from mmcheck.tables import ROW_BITS, Tables, unfold

#: Bytes of text from which on reading by columns is worth the start of what reads them.
_LARGE = 4 << 20


@dataclass(frozen=True, slots=True)
class Opened:
    """A shard, and what stands beside its records."""

    shard: Shard
    role: Role
    judge: Judge
    facts: Mapping[str, Any]
    header: Mapping[str, Any]
    context: Mapping[str, Any]
    lane: readers.Lane | None = None


@dataclass(slots=True)
class Unfolded:
    """The tables of a batch, of whose media somebody else may still be looking into some."""

    batch: Batch
    tables: Tables
    look: Look | None = None

    @property
    def pending(self) -> int:
        """How many media are being looked into, at most."""
        return self.look.media.height if self.look is not None else 0


class Unfolder:
    """Opens the shards of one dataset, and unfolds their batches; schemas are compiled once."""

    def __init__(self, plan: Plan, prober: Prober) -> None:
        self.plan, self.prober = plan, prober
        self._judges: dict[str, Judge] = {}
        self._lanes: dict[Path, readers.Lane] = {}
        active = plan.rules.active()
        used = {rule.stanza.table for rule in active}
        self._wants_order = "order" in used
        self._wants_lengths = "lengths" in used
        self._wants_content = any("_content" in rule.reads for rule in active)

    def open(self, shard: Shard) -> Opened:
        """The shard with all that its records need. Raises OpenError where the file is missing."""
        file = shard.file
        role = self.plan.format.roles[file.role]
        judge = self._judges.get(role.name)
        if judge is None:
            judge = self._judges[role.name] = self.plan.format.judge(role.name, self.plan.limits)
        facts = readers.facts(file.path)
        context = {**file.context, "file": file.file, "split": file.split, "at": file.at, **file_context(facts)}
        if any(by == role.name for each in self.plan.format.roles.values() for by, _ in each.named_by):
            context["look"] = partial(look_beside, naming=file.path, root=self.plan.root)
        header = readers.header(file.path, file.at, shard.part) if file.at and not role.document else {}
        return Opened(shard, role, judge, facts, header, context, None if role.document else self._lane(shard))

    def _lane(self, shard: Shard) -> readers.Lane | None:
        """How a large text is read by columns; its parts have one shape."""
        path, part = shard.file.path, shard.part
        if (part.stop - part.start if part is not None else size_of(path)) < _LARGE:
            return None
        return self._lanes.setdefault(path, readers.Lane())

    def batches(self, opened: Opened) -> Iterator[Batch]:
        """The raw records of the shard."""
        file, part = opened.shard.file, opened.shard.part
        document, limits = opened.role.document, self.plan.limits
        return readers.read(
            file.path, file.at, document=document, limits=limits, part=part, lane=opened.lane, stored=True
        )

    def frames(self, shard: Shard) -> Iterator[dict[str, pl.DataFrame]]:
        """The tables of the valid records of each batch of a shard, judged by no rule."""
        opened = self.open(shard)
        for batch in map(Batch.one_by_one, self.batches(opened)):
            holds = opened.judge.holds
            valid = [number for number, value in enumerate(batch.values) if holds(without_bytes(value))]
            if valid:
                unfolded = self.begin(batch.pick(valid), opened)
                self.finish(unfolded, opened)
                yield unfolded.tables.frames

    def broken(self, batch: Batch, opened: Opened) -> Tables:
        """What can be told of records that break the schema: their ids."""
        tables = unfold(
            opened.role.plans,
            batch,
            opened.shard.number,
            placeholders={},
            header=opened.header,
            context=opened.context,
            ids_only=True,
        )
        self._with_content(tables.frames, batch)
        return tables

    def begin(self, batch: Batch, opened: Opened) -> Unfolded:
        """Unfold a batch of valid records, and begin to look into its media."""
        plan, role, number = self.plan, opened.role, opened.shard.number
        unfolds = partial(
            unfold, role.plans, file_number=number, placeholders=plan.placeholders, header=opened.header,
            context=opened.context,
        )  # fmt: skip
        try:
            tables = unfolds(batch)
        except Unfit:
            if opened.lane is not None:
                opened.lane.miss()
            batch = batch.one_by_one()
            tables = unfolds(batch)
        frames = tables.frames
        self._with_content(frames, batch)
        media, slots = frames.get("media"), frames.get("slots")
        if self._wants_lengths:
            frames["lengths"] = lengths(_keys(batch, number), frames.get("turns"), media)
        if media is None:
            return Unfolded(batch, tables)
        if slots is not None:
            if plan.format.stand_in:
                slots = frames["slots"] = align.stand_in(slots, media, plan.format.stand_in)
            counted = align.counts(slots, media, any_kind=None in plan.placeholders.values())
            frames["counts"] = self._foreign(counted, frames, role)
        folder = media_folder(opened.shard.file, role, opened.header)
        return Unfolded(batch, tables, self.prober.look(media, tables.blobs, folder))

    def finish(self, unfolded: Unfolded, opened: Opened) -> Seen | None:
        """Add to the tables what was found in the media, and tell what else was."""
        if unfolded.look is None:
            return None
        batch, frames, number = unfolded.batch, unfolded.tables.frames, opened.shard.number
        seen = unfolded.look.done()
        split = constant("split", opened.shard.file.split, "string", seen.media.height)
        media = frames["media"] = seen.media.with_columns(split)
        if self._wants_order:
            evidence = self.plan.format.evidence
            frames["order"] = order(
                evidence, cache(lambda: batch.one_by_one().values), _keys(batch, number), frames.get("slots"), media
            )
        unfolded.tables.blobs.clear()
        return seen

    def _with_content(self, frames: dict[str, pl.DataFrame], batch: Batch) -> None:
        if "samples" in frames and self._wants_content:
            frames["samples"] = frames["samples"].with_columns(content_column(batch))

    def _foreign(self, counts: pl.DataFrame, frames: Mapping[str, pl.DataFrame], role: Role) -> pl.DataFrame:
        """The counts, with placeholders of another format that the user has not configured."""
        plan = self.plan
        tokens = {
            token: kind for token, kind in plan.format.foreign_placeholders.items() if token not in plan.placeholders
        }
        text_of = next((each.text_of for each in role.plans if each.name == "slots"), None)
        if not tokens or text_of is None:
            return counts
        return align.foreign(counts, frames[text_of[0]], text_of[1], tokens)


def _keys(batch: Batch, number: int) -> list[int]:
    return [(number << ROW_BITS) + row for row in batch.rows]


def media_folder(file: DataFile, role: Role, header: Mapping[str, Any]) -> Path:
    """Where the media paths of a file start: its own folder, or the one below it that its header names."""
    named = paths.find(dict(header), role.media_root) if role.media_root is not None else None
    return file.path.parent / named if isinstance(named, str) else file.path.parent
