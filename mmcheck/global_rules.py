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

from mmcheck.expression import to_polars
from mmcheck.rules import Outcome
from mmcheck.ruleset import Rule

#: Seeds of the two 64-bit hashes that stand for a key: 128 bits in all.
_SEEDS = (11, 23)


@dataclass(slots=True)
class Facts:
    """What one or more batches say for the global rules, by rule number; `targets` by (table, columns).

    Of `incomplete` tables some rows could not be read, so that what is not among them may exist all the same.
    """

    keys: dict[int, list[pl.DataFrame]] = field(default_factory=dict)
    targets: dict[tuple[str, tuple[str, ...]], list[pl.DataFrame]] = field(default_factory=dict)
    unknown: dict[int, int] = field(default_factory=dict)
    incomplete: set[str] = field(default_factory=set)

    def __iadd__(self, other: Facts) -> Facts:
        for number, frames in other.keys.items():
            self.keys.setdefault(number, []).extend(frames)
        for target, frames in other.targets.items():
            self.targets.setdefault(target, []).extend(frames)
        for number, count in other.unknown.items():
            self.unknown[number] = self.unknown.get(number, 0) + count
        self.incomplete |= other.incomplete
        return self


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
            part = _keys(frame, stanza.unique).with_columns(pl.lit(valid).alias("_valid"))
            part = part.join(places, on="sample", how="left", maintain_order="left")
            facts.keys.setdefault(number, []).append(part)
        elif not valid:
            continue
        elif stanza.references:
            part = _keys(frame, stanza.references.columns)
            part = part.join(places, on="sample", how="left", maintain_order="left")
            facts.unknown[number] = facts.unknown.get(number, 0) + frame.height - part.height
            facts.keys.setdefault(number, []).append(part)
        elif rule.aggregate is not None and stanza.aggregate is not None:
            partial = _partial(frame, stanza.aggregate.by, rule.aggregate)
            facts.keys.setdefault(number, []).append(partial)
    return facts


def _targets(facts: Facts, frames: Mapping[str, pl.DataFrame], table: str, columns: tuple[str, ...]) -> None:
    frame = frames.get(table)
    if frame is None or not set(columns) <= set(frame.columns) or (table, columns) in facts.targets:
        return
    facts.targets[(table, columns)] = [_keys(frame, columns).select("_one", "_two", "_shown")]


def _keys(frame: pl.DataFrame, columns: tuple[str, ...]) -> pl.DataFrame:
    """Rows with no null in `columns`: hashes of the key, the key in words, and the place of the row."""
    key = pl.concat_str([pl.col(name).cast(pl.String) for name in columns], separator="\x1f")
    shown = pl.concat_str([pl.col(name).cast(pl.String) for name in columns], separator=", ")
    hidden = all(name.startswith("_") for name in columns)  # `_content`: nothing that a person would read
    kept = frame.filter(pl.all_horizontal(pl.col(columns).is_not_null()))
    places = [name for name in ("turn", "position", "ordinal", "kind") if name in frame.columns]
    optional = [name for name in places if name not in columns]
    return kept.select(
        key.hash(_SEEDS[0]).alias("_one"),
        key.hash(_SEEDS[1]).alias("_two"),
        (pl.lit(None, pl.String) if hidden else shown).alias("_shown"),
        "sample",
        *optional,
    )


_CALL = re.compile(r"\b(COUNT|SUM|MIN|MAX|AVG)\s*\(", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Call:
    """An aggregate call in an expression: its span, its name, its argument."""

    start: int
    end: int
    name: str
    argument: str


def _calls(sql: str) -> list[_Call]:
    found = []
    at = 0
    while match := _CALL.search(sql, at):
        depth, end = 1, match.end()
        while depth and end < len(sql):
            depth += {"(": 1, ")": -1}.get(sql[end], 0)
            end += 1
        found.append(_Call(match.start(), end, match[1].upper(), sql[match.end() : end - 1].strip()))
        at = end
    return found


def _partial(frame: pl.DataFrame, by: tuple[str, ...], sql: str) -> pl.DataFrame:
    """The parts of each aggregate of one batch, that add up over batches."""
    parts = []
    for number, call in enumerate(_calls(sql)):
        if call.name == "COUNT" and call.argument.upper().startswith("DISTINCT"):
            inner = to_polars(call.argument[len("DISTINCT") :].strip())
            parts.append(inner.drop_nulls().unique(maintain_order=True).implode().alias(f"a{number}"))
        elif call.name == "AVG":
            inner = to_polars(call.argument)
            parts += [inner.sum().alias(f"a{number}"), inner.count().alias(f"n{number}")]
        else:
            parts.append(to_polars(sql[call.start : call.end]).alias(f"a{number}"))
    place = pl.col("sample").min().alias("sample")
    if by:
        return frame.group_by(list(by), maintain_order=True).agg(*parts, place)
    return frame.select(*parts, place)


def _merged(partials: pl.DataFrame, by: tuple[str, ...], sql: str) -> pl.DataFrame:
    """The aggregates over all batches, and `_holds`, the value of the whole expression."""
    parts, outer, at = [], "", 0
    for number, call in enumerate(_calls(sql)):
        column = pl.col(f"a{number}")
        if call.name == "COUNT" and call.argument.upper().startswith("DISTINCT"):
            parts.append(column.explode().drop_nulls().n_unique().alias(f"a{number}"))
        elif call.name == "AVG":
            parts.append((column.sum() / pl.col(f"n{number}").sum()).alias(f"a{number}"))
        else:
            merge = {"COUNT": column.sum(), "SUM": column.sum(), "MIN": column.min(), "MAX": column.max()}[call.name]
            parts.append(merge.alias(f"a{number}"))
        outer += sql[at : call.start] + f"a{number}"
        at = call.end
    outer += sql[at:]
    place = pl.col("sample").min().alias("sample")
    if by:
        grouped = partials.group_by(list(by), maintain_order=True).agg(*parts, place)
    else:
        grouped = partials.select(*parts, place)
    return grouped.with_columns(to_polars(outer).alias("_holds"))


def judge(number: int, rule: Rule, facts: Facts, most: int | None) -> Outcome:
    """What a global rule says of the whole dataset. The failing rows carry `_shown` (the key) and more in words."""
    outcome = Outcome(rule, unknown=facts.unknown.get(number, 0))
    outcome.checked = outcome.unknown
    parts = [frame for frame in facts.keys.get(number, ()) if frame.height]
    if not parts:
        return outcome
    frame = pl.concat(parts, how="diagonal_relaxed")
    if rule.stanza.unique:
        return _judge_unique(outcome, frame, most)
    if rule.stanza.references:
        reference = rule.stanza.references
        targets = facts.targets.get((reference.to_table, reference.to_columns))
        complete = reference.to_table not in facts.incomplete
        return _judge_references(outcome, frame, targets, most, once=reference.once, complete=complete)
    aggregate = rule.stanza.aggregate
    assert aggregate is not None and rule.aggregate is not None
    merged = _merged(frame, aggregate.by, rule.aggregate)
    outcome.checked = merged.height
    outcome.unknown = merged["_holds"].null_count()
    failing = merged.filter(~pl.col("_holds")).sort("sample")
    outcome.failed = failing.height
    values = [pl.col(name).cast(pl.String) for name in merged.columns if re.fullmatch(r"a\d+", name)]
    groups = [pl.col(name).cast(pl.String) for name in aggregate.by]
    failing = failing.with_columns(
        pl.concat_str(values, separator=", ").alias("_value") if values else pl.lit(None, pl.String).alias("_value"),
        pl.concat_str(groups, separator=", ").alias("_shown") if groups else pl.lit(None, pl.String).alias("_shown"),
    )
    outcome.failures = failing if most is None else failing.head(most)
    return outcome


def _judge_unique(outcome: Outcome, frame: pl.DataFrame, most: int | None) -> Outcome:
    """All but the first of equal keys fail, and name the first."""
    outcome.checked += int(frame["_valid"].sum())
    by = ["_one", "_two"]
    repeated = (
        frame.lazy()
        .sort("sample", maintain_order=True)
        .with_columns(pl.col("sample").first().over(by).alias("_first"), pl.int_range(pl.len()).over(by).alias("_nth"))
        .filter((pl.col("_nth") > 0) & pl.col("_valid"))
        .collect()
    )
    outcome.failed = repeated.height
    outcome.failures = repeated if most is None else repeated.head(most)
    return outcome


def _judge_references(
    outcome: Outcome,
    frame: pl.DataFrame,
    targets: list[pl.DataFrame] | None,
    most: int | None,
    *,
    once: bool,
    complete: bool,
) -> Outcome:
    """Keys that are not among the targets fail, and name the nearest; they are unknown where some target is.

    With `once` it is those that are among the targets more than once that fail.
    """
    outcome.checked += frame.height
    if targets is None:
        outcome.unknown += frame.height
        return outcome
    if once:
        repeated = pl.concat(targets).group_by("_one", "_two").len().filter(pl.col("len") > 1)
        ambiguous = frame.join(repeated, on=["_one", "_two"], how="semi", maintain_order="left")
        ambiguous = ambiguous.sort("sample", maintain_order=True)
        outcome.failed = ambiguous.height
        outcome.failures = ambiguous if most is None else ambiguous.head(most)
        return outcome
    known = pl.concat(targets).unique(["_one", "_two"], maintain_order=True)
    missing = frame.join(known, on=["_one", "_two"], how="anti", maintain_order="left")
    missing = missing.sort("sample", maintain_order=True)
    if not complete:
        outcome.unknown += missing.height
        return outcome
    outcome.failed = missing.height
    failures = missing if most is None else missing.head(most)
    candidates = [str(shown) for shown in known["_shown"].head(20_000).to_list()]
    near = [_nearest_key(str(shown), candidates) for shown in failures["_shown"].to_list()]
    outcome.failures = failures.with_columns(pl.Series("_near", near, dtype=pl.String))
    return outcome


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
