"""A shard of a dataset meets the rules: `check_shard(shard, plan) -> ShardResult`, and results add up."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from mmcheck import global_rules
from mmcheck.compose import clipped, compose, fingerprint
from mmcheck.content import cell_digest, record_digest
from mmcheck.dataset import DataFile, named_files
from mmcheck.errors import OpenError
from mmcheck.file_facts import bytes_read
from mmcheck.finding import Finding
from mmcheck.media import Prober
from mmcheck.plan import Plan, Shard
from mmcheck.readers.batch import Batch, Fault
from mmcheck.readers.json_columns import Columns
from mmcheck.readers.jsonl import without_gc
from mmcheck.results import ShardResult
from mmcheck.rules import Outcome, evaluate
from mmcheck.ruleset import Rule
from mmcheck.schema import without_bytes
from mmcheck.tables import ROW_BITS, Tables
from mmcheck.unfolding import Opened, Unfolded, Unfolder

#: Tables that are made for a batch and judged with it; `files` is judged once, at the end.
_NOT_PER_BATCH = frozenset(("files", "folder"))
#: Media that other processes are given to look into before what they found is waited for.
_AHEAD = 256


@dataclass(slots=True)
class _Begun:
    """A batch whose records were judged by the schema, and whose tables are being made."""

    result: ShardResult
    unfolded: Unfolded | None

    @property
    def pending(self) -> int:
        return self.unfolded.pending if self.unfolded is not None else 0


class Checker:
    """Judges the shards of one dataset, one after the other."""

    def __init__(self, plan: Plan, prober: Prober) -> None:
        self.plan, self.prober = plan, prober
        self.unfolder = Unfolder(plan, prober)
        self.numbers = {id(rule): number for number, rule in enumerate(plan.rules.rules)}
        self.row_rules: dict[str, list[Rule]] = {}
        self.global_rules: list[tuple[int, Rule]] = []
        for rule in plan.rules.active():
            stanza = rule.stanza
            if rule.by_row and stanza.table not in _NOT_PER_BATCH:
                self.row_rules.setdefault(stanza.table or "", []).append(rule)
            elif stanza.unique or stanza.references or stanza.aggregate:
                self.global_rules.append((self.numbers[id(rule)], rule))
        self.given: dict[int, int] = {}
        self.core = {rule.code: number for number, rule in enumerate(plan.rules.rules) if rule.stanza.raised_by}
        self.naming = {naming for each in plan.format.roles.values() for naming, _ in each.named_by}

    def check(self, shard: Shard) -> Iterator[ShardResult]:
        """The results of the batches of a shard, in order; rows and lines are counted from the shard's start.

        While other processes look into the media of a batch, the next ones are read and unfolded. Raises OpenError.
        """
        opened = self.unfolder.open(shard)
        self.given.clear()
        rows = pending = 0
        begun: deque[_Begun] = deque()
        for batch in without_gc(self.unfolder.batches(opened)):
            result = ShardResult(lines=batch.end[1] if batch.end else 0, about=opened.facts)
            unreadable = self._faults(result, batch, shard)
            result.rows = len(batch.rows) + unreadable
            result.invalid = unreadable
            rows += result.rows
            result.position = batch.position or bytes_read(opened.facts, rows)
            begun.append(self._begin(result, self._sampled(batch, shard), opened))
            del batch  # two at a time would take twice the memory
            pending += begun[-1].pending
            while begun and (not self.prober.apart or pending - begun[0].pending >= _AHEAD):
                pending -= begun[0].pending
                yield self._finish(begun.popleft(), opened)
        while begun:
            yield self._finish(begun.popleft(), opened)

    def _sampled(self, batch: Batch, shard: Shard) -> Batch:
        keep = self.plan.keep
        if keep is None:
            return batch
        return batch.pick([number for number, row in enumerate(batch.rows) if keep(shard.number, row)])

    def _faults(self, result: ShardResult, batch: Batch, shard: Shard) -> int:
        """Count what could not be read, and tell how many records that is."""
        for fault in batch.faults:
            # The line, which the message tells, is no part of what the record holds, and in a part it is another one.
            content = fault.message.replace(f"line {fault.line}", "line", 1)
            self.add_fault(result, fault, shard.number, shard.file.file, None, content)
        if batch.faults:
            role = self.plan.format.roles[shard.file.role]
            result.facts.incomplete |= {plan.name for plan in role.plans}
        result.tally(self.core["MM002"]).checked += len(batch.rows)
        return sum(1 for fault in batch.faults if fault.row is not None)

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

    def _begin(self, result: ShardResult, batch: Batch, opened: Opened) -> _Begun:
        """Judge the records by the schema, and begin to unfold the valid ones."""
        if not batch.rows:
            return _Begun(result, None)
        if opened.role.name in self.naming or (batch.columns is not None and not self._surely(batch.columns, opened)):
            batch = batch.one_by_one()
        if batch.columns is not None:
            result.tally(self.core["MM001"]).checked += len(batch.rows)
            return _Begun(result, self.unfolder.begin(batch, opened))
        binary = batch.raws is None
        seen = [without_bytes(value, cell_digest) for value in batch.values] if binary else batch.values
        valid = opened.judge.valid(seen)
        if opened.role.name in self.naming:
            self._named(result, batch, opened.shard)
        if not all(valid):
            broken = [number for number, fine in enumerate(valid) if not fine]
            result.invalid += len(broken)
            self._broken(result, batch, broken, opened)
            batch = batch.pick([number for number, fine in enumerate(valid) if fine])
            seen = [each for each, fine in zip(seen, valid, strict=True) if fine]
        batch.shown = seen if binary else None
        result.tally(self.core["MM001"]).checked += len(batch.rows)
        return _Begun(result, self.unfolder.begin(batch, opened) if batch.rows else None)

    def _surely(self, columns: Columns, opened: Opened) -> bool:
        """Whether all records can be told to be valid at once."""
        surely = opened.judge.surely(columns)
        if not surely and opened.lane is not None:
            opened.lane.miss()
        return surely

    def _finish(self, begun: _Begun, opened: Opened) -> ShardResult:
        """Judge the tables by the rules."""
        result, unfolded = begun.result, begun.unfolded
        if unfolded is None:
            return result
        seen = self.unfolder.finish(unfolded, opened)
        batch, tables = unfolded.batch, unfolded.tables
        if seen is not None:
            result.media += seen.media.height
            result.distinct.add(seen.distinct)
            result.inlined += seen.inlined
            result.paths |= seen.paths
            result.unread += seen.died
            result.media_seen = seen.files
            result.settled = seen.settled
            result.absent = seen.absent
        shard, role = opened.shard, opened.role
        result.statistics.see(tables.frames, len(batch.rows), shard.file.file, samples=role.name == "samples")
        if self.plan.paranoid:
            from mmcheck import paranoid

            paranoid.hold(tables.frames)
        self._judge(result, tables, batch, opened)
        self._gather(result, tables, batch, shard, valid=True)
        return result

    def _named(self, result: ShardResult, batch: Batch, shard: Shard) -> None:
        """The files that the records name, and a fault for each that is not there."""
        for number, row in enumerate(batch.rows):
            for found in named_files(self.plan.format, self.plan.root, shard.file, row, batch.values[number]):
                if isinstance(found, DataFile):
                    result.named.append(found)
                else:
                    named_in, fault, roles = found
                    self.add_fault(result, fault, shard.number, named_in, None, fault.message)
                    result.facts.incomplete |= {plan.name for each in roles for plan in each.plans}

    def _broken(self, result: ShardResult, batch: Batch, broken: list[int], opened: Opened) -> None:
        """Findings for records that break the schema; their ids count all the same."""
        part = batch.pick(broken)
        shard = opened.shard
        tables = self.unfolder.broken(part, opened)
        self._gather(result, tables, part, shard, valid=False)
        tally = result.tally(self.core["MM001"])
        most = self.plan.max_findings
        for order, number in enumerate(broken):
            if most is not None and order >= most:
                tally.checked += len(broken) - order
                tally.failed += len(broken) - order
                break
            line = batch.lines[number] if batch.lines else None
            faults = opened.judge.faults(without_bytes(batch.values[number]), batch.rows[number], line)
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

    def _judge(self, result: ShardResult, tables: Tables, batch: Batch, opened: Opened) -> None:
        exempt = self.plan.exempt(opened.shard.file.file)
        for table, rules in self.row_rules.items():
            frame = tables.frames.get(table)
            if frame is None:
                continue
            rules = [rule for rule in rules if rule.code not in exempt] if exempt else rules
            for outcome in evaluate(frame, rules, [self._left(rule) for rule in rules]):
                self._outcome(result, outcome, tables, batch, opened)

    def _left(self, rule: Rule) -> int | None:
        """How many more findings of a rule this shard may give; a rule that reports once a file gives one."""
        most = self.plan.max_findings if rule.stanza.per == "row" else 1
        return None if most is None else max(0, most - self.given.get(self.numbers[id(rule)], 0))

    def _outcome(self, result: ShardResult, outcome: Outcome, tables: Tables, batch: Batch, opened: Opened) -> None:
        rule_number, shard = self.numbers[id(outcome.rule)], opened.shard
        tally = result.tally(rule_number)
        tally.checked += outcome.checked
        tally.failed += outcome.failed
        tally.unknown += outcome.unknown
        tally.error = tally.error or outcome.error
        tally.per = outcome.rule.stanza.per
        if outcome.failed:
            tally.by_file[shard.number] = tally.by_file.get(shard.number, 0) + outcome.failed
        if outcome.failures is None:
            return
        self.given[rule_number] = self.given.get(rule_number, 0) + outcome.failures.height
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
                role=opened.role,
            )
            tally.findings.append(((shard.number, record), finding))


def _places(tables: Tables, batch: Batch, number: int) -> pl.DataFrame:
    """Line and id of each record, for findings of rules that are judged at the end."""
    return pl.DataFrame(
        {
            "sample": pl.Series(batch.rows, dtype=pl.Int64) + (number << ROW_BITS),
            "_line": pl.Series(batch.lines or [None] * len(batch.rows), dtype=pl.Int64),
            "_id": tables.ids,
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


def check_shard(shard: Shard, plan: Plan) -> ShardResult:
    """What a whole shard says, judged in this process: what every executor maps over the shards."""
    checker = _checker(plan)
    total = ShardResult()
    try:
        for part in checker.check(shard):
            total.add(part, plan.max_findings)
            total.about = total.about or part.about
            total.position = part.position
    except OpenError as error:
        total.unread.append(str(error))
        total.failed = True
    return total


_CHECKERS: list[tuple[Plan, Checker]] = []


def _checker(plan: Plan) -> Checker:
    """The checker of a plan; a process that is given many shards of one plan makes it once."""
    if not _CHECKERS or _CHECKERS[0][0] is not plan:
        _CHECKERS[:] = [(plan, Checker(plan, Prober(plan.probing, plan.probing.pool(1))))]
    return _CHECKERS[0][1]
