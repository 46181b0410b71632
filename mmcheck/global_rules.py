"""Rules over the whole dataset: `unique`, `references` and `aggregate`.

Each batch gives small facts; facts of batches add up; at the end they are judged. A record is known by its `sample`
key, which holds the file's number and the row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

import polars as pl

from mmcheck import aggregates
from mmcheck.cells import constant
from mmcheck.pile import Pile
from mmcheck.rules import Outcome
from mmcheck.ruleset import Rule

#: Seeds of the two 64-bit hashes that stand for a key: 128 bits in all.
_SEEDS = (11, 23)

#: The key by which places are found again.
_SAMPLE_KEY = pl.col("sample").cast(pl.UInt64).alias("_one")
_MOST_PARTIALS = 64
_MOST_CANDIDATES = 20_000
_PLACES = {"sample": pl.Int64, "_line": pl.Int64, "_id": pl.String}


@dataclass(slots=True)
class Facts:
    """What one or more batches say for the global rules, by rule number; `targets` by (table, columns). `places` tell
    of the records what findings say of them.

    Of `incomplete` tables some rows could not be read, so that what is not among them may exist all the same.
    """

    keys: dict[int, Pile] = field(default_factory=dict)
    targets: dict[tuple[str, tuple[str, ...]], Pile] = field(default_factory=dict)
    partials: dict[int, list[pl.DataFrame]] = field(default_factory=dict)
    unknown: dict[int, int] = field(default_factory=dict)
    incomplete: set[str] = field(default_factory=set)
    places: Pile = field(default_factory=Pile)

    def __iadd__(self, other: Facts) -> Facts:
        for number, pile in other.keys.items():
            self.keys.setdefault(number, Pile()).extend(pile)
        for target, pile in other.targets.items():
            self.targets.setdefault(target, Pile()).extend(pile)
        for number, frames in other.partials.items():
            self.partials.setdefault(number, []).extend(frames)
        for number, count in other.unknown.items():
            self.unknown[number] = self.unknown.get(number, 0) + count
        self.incomplete |= other.incomplete
        self.places.extend(other.places)
        return self

    @property
    def on_disk(self) -> bool:
        """Whether some of them have gone to disk."""
        return any(pile.on_disk for piles in (self.keys, self.targets) for pile in piles.values())

    def move(self, rows: int, lines: int) -> None:
        """Count rows and lines from another start, so many before."""
        for pile in self.keys.values():
            pile.map(lambda frame: _moved(frame, rows, lines))
        self.places.map(lambda frame: _moved(frame, rows, lines).with_columns(_SAMPLE_KEY))
        for number, frames in self.partials.items():
            self.partials[number] = [_moved(frame, rows, lines) for frame in frames]


def _moved(frame: pl.DataFrame, rows: int, lines: int) -> pl.DataFrame:
    by = {"sample": rows, "_line": lines}
    return frame.with_columns(pl.col(name) + more for name, more in by.items() if name in frame.columns)


def gather(
    frames: Mapping[str, pl.DataFrame], rules: Sequence[tuple[int, Rule]], places: pl.DataFrame, *, valid: bool
) -> Facts:
    """The facts of one batch. Of records that break the schema (`valid` false) only ids and targets count.

    `places` holds `_line` and `_id` by `sample`, for the findings at the end.
    """
    facts = Facts()
    for number, rule in rules:
        stanza = rule.stanza
        frame = frames.get(stanza.table or "")
        if stanza.references:
            _targets(facts, frames, stanza.references.to_table, stanza.references.to_columns)
        if frame is None or not rule.reads <= set(frame.columns):
            continue
        if rule.when is not None:
            frame = frame.filter(rule.when)
        if stanza.unique:
            # A record that breaks the schema still holds its id, but is not itself checked.
            part = _keys(frame, stanza.unique, shown=not _by_id(rule))
            part = part.hstack([constant("_valid", valid, "boolean", part.height)])
            facts.keys.setdefault(number, Pile()).add(part)
        elif not valid:
            continue
        elif stanza.references:
            part = _keys(frame, stanza.references.columns)
            facts.unknown[number] = facts.unknown.get(number, 0) + frame.height - part.height
            facts.keys.setdefault(number, Pile()).add(part)
        elif rule.aggregate is not None and stanza.aggregate is not None:
            facts.partials[number] = [aggregates.partial(frame, stanza.aggregate.by, rule.aggregate)]
    if facts.keys:
        facts.places.add(places.with_columns(_SAMPLE_KEY))
    return facts


def _by_id(rule: Rule) -> bool:
    """Whether the key is the record's id, which its place tells."""
    return rule.stanza.table == "samples" and rule.stanza.unique == ("id",)


def _targets(facts: Facts, frames: Mapping[str, pl.DataFrame], table: str, columns: tuple[str, ...]) -> None:
    frame = frames.get(table)
    if frame is None or not set(columns) <= set(frame.columns) or (table, columns) in facts.targets:
        return
    keys = _keys(frame, columns).select("_one", "_two", "_shown")
    if keys.is_empty() and not frame.is_empty():
        facts.incomplete.add(table)  # a table that lost its ids cannot tell which there were
    facts.targets[(table, columns)] = Pile()
    facts.targets[(table, columns)].add(keys)


def _keys(frame: pl.DataFrame, columns: tuple[str, ...], *, shown: bool = True) -> pl.DataFrame:
    """Rows with no null in `columns`: hashes of the key, the key in words where it is `shown`, and the row's place."""
    shown = shown and not all(name.startswith("_") for name in columns)  # `_content`: nothing for a person to read
    if any(frame[name].null_count() for name in columns):
        frame = frame.filter(pl.all_horizontal(pl.col(columns).is_not_null()))
    words = [frame[name].cast(pl.String) for name in columns]
    key, told = words[0], words[0]
    if len(words) > 1:
        texts = pl.DataFrame({str(number): column for number, column in enumerate(words)})
        key, told = (texts.select(pl.concat_str(pl.all(), separator=by)).to_series() for by in ("\x1f", ", "))
    places = [name for name in ("turn", "position", "ordinal", "kind") if name in frame.columns and name not in columns]
    return pl.DataFrame(
        {
            "_one": key.hash(_SEEDS[0]),
            "_two": key.hash(_SEEDS[1]),
            "_shown": told if shown else constant("_shown", None, "string", frame.height),
            **{name: frame[name] for name in ("sample", *places)},
        }
    )


def compact(facts: Facts, rules: Sequence[Rule]) -> None:
    """Join the partial aggregates of many batches, so that they stay few."""
    for number, frames in facts.partials.items():
        rule = rules[number]
        if len(frames) > _MOST_PARTIALS and rule.stanza.aggregate is not None and rule.aggregate is not None:
            facts.partials[number] = [aggregates.joined(frames, rule.stanza.aggregate.by, rule.aggregate)]


def judge(number: int, rule: Rule, facts: Facts, most: int | None) -> Outcome:
    """What a global rule says of the whole dataset. The failing rows carry `_shown` (the key) and more in words."""
    outcome = Outcome(rule, unknown=facts.unknown.get(number, 0))
    outcome.checked = outcome.unknown
    if rule.stanza.aggregate is not None:
        return _judge_aggregate(outcome, facts.partials.get(number, []), most)
    pile = facts.keys.get(number)
    if pile is None:
        return outcome
    if rule.stanza.unique:
        return _told(_judge_unique(outcome, pile, most), facts.places)
    reference = rule.stanza.references
    assert reference is not None
    targets = facts.targets.get((reference.to_table, reference.to_columns))
    complete = reference.to_table not in facts.incomplete
    return _told(_judge_references(outcome, pile, targets, most, once=reference.once, complete=complete), facts.places)


def _told(outcome: Outcome, places: Pile) -> Outcome:
    """The outcome whose failing rows say where their records stand, and what they are called."""
    if outcome.failures is not None and outcome.failures.height:
        found = places.of(outcome.failures["sample"].cast(pl.UInt64))
        known = pl.concat([pl.DataFrame(schema=_PLACES), found], how="diagonal").select(*_PLACES).unique("sample")
        outcome.failures = outcome.failures.join(known, on="sample", how="left", maintain_order="left")
        if _by_id(outcome.rule):
            outcome.failures = outcome.failures.with_columns(pl.col("_id").alias("_shown"))
    return outcome


def _judge_aggregate(outcome: Outcome, partials: list[pl.DataFrame], most: int | None) -> Outcome:
    aggregate, sql = outcome.rule.stanza.aggregate, outcome.rule.aggregate
    partials = [frame for frame in partials if frame.height]
    if not partials or aggregate is None or sql is None:
        return outcome
    groups = aggregates.judged(aggregates.joined(partials, aggregate.by, sql), aggregate.by, sql)
    outcome.checked = groups.height
    outcome.unknown = groups["_holds"].null_count()
    return _failing(outcome, [groups.filter(~pl.col("_holds"))], most)


def _failing(outcome: Outcome, frames: Sequence[pl.DataFrame], most: int | None) -> Outcome:
    """The outcome with the failing rows of all parts: all are counted, the first by place are kept."""
    outcome.failed = sum(frame.height for frame in frames)
    kept = [_first_rows(frame, most) for frame in frames if frame.height]
    if kept:
        outcome.failures = _first_rows(pl.concat(kept, how="diagonal_relaxed"), most)
    return outcome


def _first_rows(frame: pl.DataFrame, most: int | None) -> pl.DataFrame:
    ordered = frame.sort("sample", maintain_order=True)
    return ordered if most is None else ordered.head(most)


def _judge_unique(outcome: Outcome, pile: Pile, most: int | None) -> Outcome:
    """All but the first of equal keys fail, and name the first."""
    by = ["_one", "_two"]
    nth = pl.int_range(pl.len()).over(by)
    failing, counted = [], 0
    for number in range(len(pile)):
        part = pile.part(number)
        if part.is_empty():
            continue
        outcome.checked += int(part["_valid"].sum())
        ordered = part["_one"].sort()
        twice = ordered.filter(ordered == ordered.shift(1)).unique()
        if twice.is_empty():  # as in almost every part of almost every dataset
            continue
        found = (
            part.lazy()
            .filter(pl.col("_one").is_in(twice.implode()))
            .filter(pl.len().over(by) > 1)
            .sort("sample", maintain_order=True)
            .with_columns(pl.col("sample").first().over(by).alias("_first"), nth.alias("_nth"))
            .filter((pl.col("_nth") > 0) & pl.col("_valid"))
            .collect()
        )
        counted += found.height
        failing.append(_first_rows(found, most))
    _failing(outcome, failing, most)
    outcome.failed = counted
    return outcome


def _judge_references(
    outcome: Outcome, pile: Pile, targets: Pile | None, most: int | None, *, once: bool, complete: bool
) -> Outcome:
    """Keys that are not among the targets fail, and name the nearest; they are unknown where some target is.

    With `once` it is those that are among the targets more than once that fail.
    """
    if targets is not None and pile.on_disk != targets.on_disk:
        pile.spill()
        targets.spill()
    failing, counted = [], 0
    candidates: list[str] = []
    for number in range(len(pile)):
        part = pile.part(number)
        known = targets.part(number) if targets is not None else pl.DataFrame()
        if known.width and len(candidates) < _MOST_CANDIDATES:
            candidates += [str(shown) for shown in known["_shown"].unique(maintain_order=True).head(_MOST_CANDIDATES)]
        if part.is_empty():
            continue
        outcome.checked += part.height
        if targets is None:
            outcome.unknown += part.height
            continue
        found = _unmet(part, known, once=once)
        if not once and not complete:
            outcome.unknown += found.height
            continue
        counted += found.height
        failing.append(_first_rows(found, most))
    _failing(outcome, failing, most)
    outcome.failed = counted
    if outcome.failures is not None and not once:
        near = [_nearest_key(str(shown), candidates) for shown in outcome.failures["_shown"].to_list()]
        outcome.failures = outcome.failures.with_columns(pl.Series("_near", near, dtype=pl.String))
    return outcome


def _unmet(part: pl.DataFrame, known: pl.DataFrame, *, once: bool) -> pl.DataFrame:
    """The rows whose key is not among the known ones; with `once`, those whose key is there more than once."""
    by = ["_one", "_two"]
    if not known.width:
        return part.clear() if once else part
    if once:
        repeated = known.group_by(by).len().filter(pl.col("len") > 1)
        return part.join(repeated, on=by, how="semi", maintain_order="left")
    return part.join(known.unique(by), on=by, how="anti", maintain_order="left")


def _nearest_key(key: str, candidates: Sequence[str]) -> str | None:
    """The target that looks most like a key: other zero padding first, then other spelling."""
    bare = _without_padding(key)
    for candidate in candidates:
        if _without_padding(candidate) == bare:
            return candidate
    close = get_close_matches(key, candidates[:2_000], n=1, cutoff=0.8)
    return close[0] if close else None


def _without_padding(key: str) -> str:
    return re.sub(r"0+(?=\d)", "", key)
