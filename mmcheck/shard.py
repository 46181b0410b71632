"""A shard of a dataset meets the rules: `check_shard(shard, plan) -> ShardResult`, and results add up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from mmcheck import align, global_rules, paths, readers
from mmcheck.compose import clipped, compose, fingerprint
from mmcheck.content import content_column, record_digest
from mmcheck.dataset import DataFile, named_files
from mmcheck.file_facts import bytes_read, file_context, file_row, look_beside
from mmcheck.finding import Finding
from mmcheck.format import Format, Role
from mmcheck.lengths import lengths
from mmcheck.limits import Limits
from mmcheck.media import Prober
from mmcheck.order import order as order_table
from mmcheck.readers.batch import Batch, Fault
from mmcheck.results import ShardResult
from mmcheck.rules import Outcome, evaluate
from mmcheck.ruleset import Rule, RuleSet
from mmcheck.schema import Judge, without_bytes
from mmcheck.tables import ROW_BITS, Tables, unfold

#: Tables that are made for a batch and judged with it; `files` is judged once, at the end.
_NOT_PER_BATCH = frozenset(("files", "folder"))


@dataclass(frozen=True, slots=True)
class Plan:
    """What every shard of one check is judged by."""

    root: Path
    format: Format
    rules: RuleSet
    placeholders: Mapping[str, str | None]
    max_findings: int | None
    keep: Callable[[int, int], bool] | None = None
    paranoid: bool = False
    exemptions: tuple[tuple[str, frozenset[str]], ...] = ()
    limits: Limits = Limits()  # noqa: RUF009  # frozen

    def exempt(self, file: str) -> frozenset[str]:
        """The codes of the rules that do not look at a file of the dataset."""
        names = (file, str(self.root / file))
        hit = (codes for pattern, codes in self.exemptions if any(fnmatchcase(name, pattern) for name in names))
        return frozenset().union(*hit)


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of one file of the dataset. `number` orders the files, and is part of every record's key."""

    number: int
    file: DataFile


class Checker:
    """Judges the shards of one dataset, one after the other; schemas are compiled once."""

    def __init__(self, plan: Plan, prober: Prober) -> None:
        self.plan, self.prober = plan, prober
        self.judges: dict[str, Judge] = {}
        self.numbers = {id(rule): number for number, rule in enumerate(plan.rules.rules)}
        active = plan.rules.active()
        self.row_rules: dict[str, list[Rule]] = {}
        self.global_rules: list[tuple[int, Rule]] = []
        for rule in active:
            stanza = rule.stanza
            if rule.by_row and stanza.table not in _NOT_PER_BATCH:
                self.row_rules.setdefault(stanza.table or "", []).append(rule)
            elif stanza.unique or stanza.references or stanza.aggregate:
                self.global_rules.append((self.numbers[id(rule)], rule))
        self.given: dict[tuple[int, int], int] = {}
        self.core = {rule.code: number for number, rule in enumerate(plan.rules.rules) if rule.stanza.raised_by}
        self.naming = {naming for each in plan.format.roles.values() for naming, _ in each.named_by}
        used = {rule.stanza.table for rule in active}
        self.wants_order = "order" in used
        self.wants_lengths = "lengths" in used
        self.wants_content = any("_content" in rule.reads for rule in active)

    def check(self, shard: Shard) -> Iterator[ShardResult]:
        """The results of the batches of a shard, in order."""
        file = shard.file
        role = self.plan.format.roles[file.role]
        judge = self._judge_of(role)
        facts = readers.facts(file.path)
        context = self._context(file, role, facts)
        header = self._header(file, role)
        records = 0
        for batch in readers.read(file.path, file.at, document=role.document, limits=self.plan.limits):
            result = ShardResult()
            self._faults(result, batch, shard)
            records += len(batch.rows) + sum(1 for fault in batch.faults if fault.row is not None)
            if role.name == "samples":
                result.records = len(batch.rows) + sum(1 for fault in batch.faults if fault.row is not None)
            result.invalid = sum(1 for fault in batch.faults if fault.row is not None)
            result.position = batch.position or bytes_read(facts, records)
            batch = self._sampled(batch, shard)
            if batch.rows:
                self._batch(result, batch, shard, role, judge, header, context)
            yield result
        last = ShardResult(files=[file_row(file, facts, records)])
        if role.name == "samples":
            last.statistics.see_file(records)
        yield last

    def frames(self, shard: Shard) -> Iterator[dict[str, pl.DataFrame]]:
        """The tables of the valid records of each batch of a shard, judged by no rule."""
        file = shard.file
        role = self.plan.format.roles[file.role]
        judge = self._judge_of(role)
        context, header = self._context(file, role, readers.facts(file.path)), self._header(file, role)
        for batch in readers.read(file.path, file.at, document=role.document, limits=self.plan.limits):
            valid = [number for number, value in enumerate(batch.values) if judge.holds(without_bytes(value))]
            if valid:
                yield self._unfold(batch.pick(valid), shard, role, header, context).frames

    def _judge_of(self, role: Role) -> Judge:
        judge = self.judges.get(role.name)
        if judge is None:
            judge = self.judges[role.name] = self.plan.format.judge(role.name)
        return judge

    def _context(self, file: DataFile, role: Role, facts: Mapping[str, Any]) -> dict[str, Any]:
        """What stands beside the records of a file."""
        context = {**file.context, "file": file.file, "split": file.split, "at": file.at, **file_context(facts)}
        if any(by == role.name for each in self.plan.format.roles.values() for by, _ in each.named_by):
            context["look"] = partial(look_beside, naming=file.path, root=self.plan.root)
        return context

    def _header(self, file: DataFile, role: Role) -> dict[str, Any]:
        if not file.at or role.document:
            return {}
        return readers.header(file.path, file.at)

    def _sampled(self, batch: Batch, shard: Shard) -> Batch:
        keep = self.plan.keep
        if keep is None:
            return batch
        return batch.pick([number for number, row in enumerate(batch.rows) if keep(shard.number, row)])

    def _faults(self, result: ShardResult, batch: Batch, shard: Shard) -> None:
        for fault in batch.faults:
            self.add_fault(result, fault, shard.number, shard.file.file, None, fault.message)
        if batch.faults:
            role = self.plan.format.roles[shard.file.role]
            result.facts.incomplete |= {plan.name for plan in role.plans}
        number = self.core["MM002"]
        result.tally(number).checked += len(batch.rows)

    def add_fault(
        self, result: ShardResult, fault: Fault, number: int, file: str, sample: str | None, content: str
    ) -> None:
        """Count a fault of the data under its core rule, with its finding."""
        rule_number = self.core[fault.code]
        rule = self.plan.rules.rules[rule_number]
        if rule.skip is not None or rule.code in self.plan.exempt(file):
            return
        tally = result.tally(rule_number)
        tally.checked += 1
        tally.failed += 1
        value = clipped(fault.value) if fault.value is not None else None
        finding = Finding(
            rule=rule.code,
            name=rule.stanza.name,
            severity=rule.severity,
            message=fault.message,
            file=file,
            row=fault.row,
            line=fault.line,
            sample=None if sample is None else clipped(sample),
            pointer=None if fault.pointer is None else clipped(fault.pointer),
            value=value,
            hint=fault.hint or rule.stanza.hint,
            fingerprint=fingerprint(rule.code, file, content, fault.pointer, value),
        )
        tally.findings.append(((number, -1 if fault.row is None else fault.row), finding))

    def _batch(
        self,
        result: ShardResult,
        batch: Batch,
        shard: Shard,
        role: Role,
        judge: Judge,
        header: Mapping[str, Any],
        context: Mapping[str, Any],
    ) -> None:
        binary = batch.raws is None
        seen = [without_bytes(value) for value in batch.values] if binary else batch.values
        valid = judge.valid(seen)
        for number, row in enumerate(batch.rows if role.name in self.naming else ()):
            for found in named_files(self.plan.format, self.plan.root, shard.file, row, batch.values[number]):
                if isinstance(found, DataFile):
                    result.named.append(found)
                else:
                    named_in, fault, roles = found
                    self.add_fault(result, fault, shard.number, named_in, None, fault.message)
                    result.facts.incomplete |= {plan.name for each in roles for plan in each.plans}
        if not all(valid):
            broken = [number for number, fine in enumerate(valid) if not fine]
            result.invalid += len(broken)
            self._broken(result, batch, broken, seen, shard, role, judge, header, context)
            batch = batch.pick([number for number, fine in enumerate(valid) if fine])
        result.tally(self.core["MM001"]).checked += len(batch.rows)
        if not batch.rows:
            return
        tables = self._unfold(batch, shard, role, header, context)
        media = tables.frames.get("media")
        if media is not None:
            result.media += media.height
        result.statistics.see(tables.frames, len(batch.rows), shard.file.file, samples=role.name == "samples")
        if self.plan.paranoid:
            from mmcheck import paranoid

            paranoid.hold(tables.frames)
        self._judge(result, tables, batch, shard, role)
        self._gather(result, tables, batch, shard, valid=True)

    def _broken(
        self,
        result: ShardResult,
        batch: Batch,
        broken: list[int],
        seen: list[Any],
        shard: Shard,
        role: Role,
        judge: Judge,
        header: Mapping[str, Any],
        context: Mapping[str, Any],
    ) -> None:
        """Findings for records that break the schema; their ids count all the same."""
        part = batch.pick(broken)
        tables = unfold(role.plans, part, shard.number, placeholders={}, header=header, context=context, ids_only=True)
        if "samples" in tables.frames and self.wants_content:
            tables.frames["samples"] = tables.frames["samples"].with_columns(content_column(part))
        self._gather(result, tables, part, shard, valid=False)
        tally = result.tally(self.core["MM001"])
        most = self.plan.max_findings
        for order, number in enumerate(broken):
            if most is not None and order >= most:
                tally.checked += len(broken) - order
                tally.failed += len(broken) - order
                break
            line = batch.lines[number] if batch.lines else None
            faults = judge.faults(seen[number], batch.rows[number], line)
            fault = _one(faults) if faults else Fault("MM001", "the record breaks the schema", batch.rows[number], line)
            self.add_fault(
                result, fault, shard.number, shard.file.file, tables.ids[order], record_digest(batch, number)
            )

    def _gather(self, result: ShardResult, tables: Tables, batch: Batch, shard: Shard, *, valid: bool) -> None:
        if self.global_rules:
            places = _places(tables, batch, shard.number)
            exempt = self.plan.exempt(shard.file.file)
            looking = [each for each in self.global_rules if each[1].code not in exempt]
            facts = global_rules.gather(tables.frames, looking, places, valid=valid)
            if exempt:  # what the file holds counts for the others all the same
                others = [each for each in self.global_rules if each[1].code in exempt]
                more = global_rules.gather(tables.frames, others, places, valid=False)
                more.targets = {key: frames for key, frames in more.targets.items() if key not in facts.targets}
                facts += more
            result.facts += facts

    def _unfold(
        self, batch: Batch, shard: Shard, role: Role, header: Mapping[str, Any], context: Mapping[str, Any]
    ) -> Tables:
        plan = self.plan
        tables = unfold(role.plans, batch, shard.number, placeholders=plan.placeholders, header=header, context=context)
        frames = tables.frames
        if "samples" in frames and self.wants_content:
            frames["samples"] = frames["samples"].with_columns(content_column(batch))
        media, slots = frames.get("media"), frames.get("slots")
        if self.wants_lengths:
            keys = [(shard.number << ROW_BITS) + row for row in batch.rows]
            frames["lengths"] = lengths(keys, frames.get("turns"), media)
        if media is None:
            return tables
        if slots is not None:
            if plan.format.stand_in:
                slots = frames["slots"] = align.stand_in(slots, media, plan.format.stand_in)
            any_kind = None in plan.placeholders.values()
            frames["counts"] = align.counts(slots, media, any_kind=any_kind)
            frames["counts"] = self._foreign(frames, role)
        frames["media"] = self.prober.look(media, tables.blobs, _media_folder(shard.file, role, header)).with_columns(
            pl.lit(shard.file.split, pl.String).alias("split")
        )
        if self.wants_order:
            samples = [(shard.number << ROW_BITS) + row for row in batch.rows]
            frames["order"] = order_table(plan.format.evidence, batch.values, samples, slots, frames["media"])
        return tables

    def _foreign(self, frames: Mapping[str, pl.DataFrame], role: Role) -> pl.DataFrame:
        """The counts, with placeholders of another format that the user has not configured."""
        plan = self.plan
        tokens = {
            token: kind for token, kind in plan.format.foreign_placeholders.items() if token not in plan.placeholders
        }
        text_of = next((each.text_of for each in role.plans if each.name == "slots"), None)
        if not tokens or text_of is None:
            return frames["counts"]
        return align.foreign(frames["counts"], frames[text_of[0]], text_of[1], tokens)

    def _judge(self, result: ShardResult, tables: Tables, batch: Batch, shard: Shard, role: Role) -> None:
        exempt = self.plan.exempt(shard.file.file)
        for table, rules in self.row_rules.items():
            frame = tables.frames.get(table)
            if frame is None:
                continue
            rules = [rule for rule in rules if rule.code not in exempt] if exempt else rules
            for outcome in evaluate(frame, rules, [self._left(rule, shard) for rule in rules]):
                self._outcome(result, outcome, tables, batch, shard, role)

    def _left(self, rule: Rule, shard: Shard) -> int | None:
        """How many more findings of a rule this file may give; a rule that reports once a file gives one."""
        most = self.plan.max_findings if rule.stanza.per == "row" else 1
        return None if most is None else max(0, most - self.given.get((self.numbers[id(rule)], shard.number), 0))

    def _outcome(
        self, result: ShardResult, outcome: Outcome, tables: Tables, batch: Batch, shard: Shard, role: Role
    ) -> None:
        tally = result.tally(self.numbers[id(outcome.rule)])
        tally.checked += outcome.checked
        tally.failed += outcome.failed
        tally.unknown += outcome.unknown
        tally.error = tally.error or outcome.error
        tally.per = outcome.rule.stanza.per
        if outcome.failed:
            tally.by_file[shard.number] = tally.by_file.get(shard.number, 0) + outcome.failed
        if outcome.failures is None:
            return
        key = (self.numbers[id(outcome.rule)], shard.number)
        self.given[key] = self.given.get(key, 0) + outcome.failures.height
        at = {row: number for number, row in enumerate(batch.rows)}
        for row in outcome.failures.iter_rows(named=True):
            record = row["sample"] - (shard.number << ROW_BITS)
            number = at[record]
            finding = compose(
                outcome.rule,
                row,
                file=shard.file.file,
                number=record,
                line=batch.lines[number] if batch.lines else None,
                sample=tables.ids[number],
                content=record_digest(batch, number),
                role=role,
            )
            tally.findings.append(((shard.number, record), finding))


def _media_folder(file: DataFile, role: Role, header: Mapping[str, Any]) -> Path:
    """Where the media paths of a file start: its own folder, or the one below it that its header names."""
    named = paths.find(dict(header), role.media_root) if role.media_root is not None else None
    return file.path.parent / named if isinstance(named, str) else file.path.parent


def _places(tables: Tables, batch: Batch, number: int) -> pl.DataFrame:
    """Line and id of each record, for findings of rules that are judged at the end."""
    return pl.DataFrame(
        {
            "sample": pl.Series(batch.rows, dtype=pl.Int64) + (number << ROW_BITS),
            "_line": pl.Series(batch.lines or [None] * len(batch.rows), dtype=pl.Int64),
            "_id": pl.Series(tables.ids, dtype=pl.String),
        }
    )


def _one(faults: list[Fault]) -> Fault:
    """One finding a record: the first fault, and the others in its message."""
    first, *others = faults
    if not others:
        return first
    more = "; ".join(fault.message for fault in others[:3])
    rest = f" and {len(others) - 3} more" if len(others) > 3 else ""
    return Fault(
        first.code, f"{first.message}; {more}{rest}", first.row, first.line, first.pointer, first.value, first.hint
    )
