"""Rules over the whole dataset: the same as plain Python, whatever the batches, in memory and on disk."""

from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmcheck import aggregates, global_rules, pile
from mmcheck.errors import OpenError
from mmcheck.finding import Severity
from mmcheck.rulefile import References, Stanza
from mmcheck.ruleset import Rule

UNIQUE = Rule(
    Stanza("PX001", "id-repeated", Severity.ERROR, "samples", "", "x:1", unique=("id",)),
    Severity.ERROR,
    {},
    reads=frozenset({"id"}),
)
KNOWN = Rule(
    Stanza(
        "PX002",
        "id-unknown",
        Severity.ERROR,
        "media",
        "",
        "x:2",
        references=References(("source",), "samples", ("id",)),
    ),
    Severity.ERROR,
    {},
    reads=frozenset({"source"}),
)
IDS = st.lists(st.one_of(st.none(), st.integers(0, 12).map(str)), max_size=40)
CUTS = st.lists(st.integers(1, 9), min_size=40, max_size=40)


def batches(values: list[str | None], cuts: list[int]) -> list[list[tuple[int, str | None]]]:
    rows, parts = list(enumerate(values)), []
    while rows:
        size = cuts[len(parts)]
        parts.append(rows[:size])
        rows = rows[size:]
    return parts


def table(rows: list[tuple[int, str | None]], column: str) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"sample": pl.Int64, column: pl.String}, orient="row")


def places(frames: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Line and id of the records of a batch."""
    samples = pl.concat(frame["sample"] for frame in frames.values()).unique().sort()
    return pl.DataFrame({"sample": samples, "_line": samples + 100, "_id": "r" + samples.cast(pl.String)})


def gathered(tables: list[dict[str, pl.DataFrame]], rule: Rule, most_rows: int) -> global_rules.Facts:
    """The facts of all batches, in piles that go to disk beyond `most_rows`."""
    total = global_rules.Facts(places=pile.Pile(most_rows))
    for frames in tables:
        for target in (total.keys.setdefault(0, pile.Pile(most_rows)),):
            facts = global_rules.gather(frames, [(0, rule)], places(frames), valid=True)
            for other in facts.keys.values():
                target.extend(other)
            facts.keys.clear()
            for key in facts.targets:
                total.targets.setdefault(key, pile.Pile(most_rows))
            total += facts
    return total


@given(IDS, CUTS, st.sampled_from([0, 7, 1000]), st.sampled_from([None, 2]))
def test_repeated_keys_are_those_of_plain_python(
    ids: list[str | None], cuts: list[int], most_rows: int, most: int | None
) -> None:
    facts = gathered([{"samples": table(part, "id")} for part in batches(ids, cuts)], UNIQUE, most_rows)
    outcome = global_rules.judge(0, UNIQUE, facts, most)
    seen: dict[str, int] = {}
    expected = []
    for row, key in enumerate(ids):
        if key is None:
            continue
        if key in seen:
            expected.append((row, seen[key]))
        seen.setdefault(key, row)
    found = [] if outcome.failures is None else outcome.failures.select("sample", "_first").rows()
    if outcome.failures is not None:
        told = outcome.failures.select("_line", "_id", "_shown").rows()
        assert told == [(sample + 100, f"r{sample}", f"r{sample}") for sample, _ in found]
    assert outcome.failed == len(expected)
    assert outcome.checked == sum(key is not None for key in ids)
    assert found == (expected if most is None else expected[:most])


@given(IDS, IDS, CUTS, st.sampled_from([0, 7, 1000]))
def test_unknown_keys_are_those_of_plain_python(
    sources: list[str | None], ids: list[str | None], cuts: list[int], most_rows: int
) -> None:
    tables = [{"samples": table(part, "id"), "media": table([], "source")}
              for part in batches(ids, cuts)] or [{"samples": table([], "id")}]  # fmt: skip
    tables += [{"media": table(part, "source")} for part in batches(sources, cuts)]
    outcome = global_rules.judge(0, KNOWN, gathered(tables, KNOWN, most_rows), None)
    expected = [row for row, key in enumerate(sources) if key is not None and key not in set(ids)]
    nulls = sum(key is None for key in sources)
    if any(all(key is None for _, key in part) for part in batches(ids, cuts)):
        # A part of the table has lost its ids: what is not found may be there all the same.
        assert (outcome.failed, outcome.unknown) == (0, nulls + len(expected))
        return
    found = [] if outcome.failures is None else outcome.failures["sample"].to_list()
    assert (outcome.failed, found) == (len(expected), expected)
    assert outcome.unknown == nulls


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(-5, 5)), min_size=1, max_size=30), CUTS)
def test_aggregates_add_up_over_batches(rows: list[tuple[str, int]], cuts: list[int]) -> None:
    sql = "COUNT(*) >= 3 AND SUM(n) < 9 AND MIN(n) > -5 AND MAX(n) < 5 AND AVG(n) < 3 AND COUNT(DISTINCT n) > 1"
    frames, at = [], 0
    for cut in cuts:
        part = rows[at : at + cut]
        at += cut
        if part:
            frame = pl.DataFrame(part, schema={"file": pl.String, "n": pl.Int64}, orient="row")
            frames.append(aggregates.partial(frame.with_columns(sample=pl.lit(at, pl.Int64)), ["file"], sql))
    whole = aggregates.joined([aggregates.joined(frames, ["file"], sql)], ["file"], sql)
    found = dict(aggregates.judged(whole, ["file"], sql).select("file", "_holds").iter_rows())
    expected = {}
    for file in Counter(file for file, _ in rows):
        n = [value for name, value in rows if name == file]
        expected[file] = (
            len(n) >= 3 and sum(n) < 9 and min(n) > -5 and max(n) < 5 and sum(n) / len(n) < 3 and len(set(n)) > 1
        )
    assert found == expected


def test_no_place_for_temporary_files_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pile.tempfile, "tempdir", str(tmp_path / "absent"))
    rows = pl.DataFrame({"_one": [1], "_two": [2], "sample": [0]})
    with pytest.raises(OpenError, match="TMPDIR"):
        pile.Pile(0).add(rows)


def test_a_pile_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pile.tempfile, "tempdir", str(tmp_path))
    heap = pile.Pile(0)
    heap.add(pl.DataFrame({"_one": [1, 2], "_two": [2, 3], "sample": [0, 1]}, schema_overrides={"_one": pl.UInt64}))
    assert heap.on_disk and not list(tmp_path.iterdir()), "it has no name, so that nothing is left even by SIGKILL"
    assert sum(heap.part(number).height for number in range(len(heap))) == 2
    del heap
    assert not list(tmp_path.iterdir())
