"""Statistics: exact, bounded, and the same however the dataset is cut into parts."""

from __future__ import annotations

import json
import random
from itertools import groupby
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmcheck import check, runs
from mmcheck.histograms import EDGES, NAMES, SIDES, Counter, Extreme, Extremes, Histogram
from mmcheck.reporters.plots import plots
from mmcheck.resources import folder
from mmcheck.statistics import Statistics, distance, gist, series


def test_edges_rise() -> None:
    for edges in (EDGES, SIDES):
        assert list(edges) == sorted(set(edges))


@given(st.lists(st.integers(0, 10**13)), st.lists(st.integers(0, 300)))
def test_histograms_add_up(first: list[int], second: list[int]) -> None:
    parts, whole = Histogram(), Histogram()
    for values in (first, second):
        part = Histogram()
        part.see(np.array(values, np.int64))
        parts.add(part)
    whole.see(np.array([*second, *first], np.int64))
    told = whole.to_dict("turns")
    assert parts.to_dict("turns") == told
    assert told["count"] == sum(count for *_, count in told["bins"]) == len(first) + len(second)
    for value in first + second:
        assert any(
            start <= value and (below is None or value < below) and count for start, below, count in told["bins"]
        )


@pytest.mark.parametrize("kind", [np.int64, np.uint32])
@given(st.lists(st.integers(0, 10**6)))
def test_few_values_are_counted_as_many_are(kind: Any, values: list[int]) -> None:
    few, many = Histogram(), Histogram()
    few.see(values)
    many.see(np.array(values, kind))
    assert few == many and few.count == len(values)


@given(st.lists(st.integers(-1, 2)))
def test_runs_of_few_and_of_many(values: list[int]) -> None:
    groups = [len(list(group)) for _, group in groupby(values)]
    array = np.array(values, np.int64)
    expected = {
        runs.lengths: groups,
        runs.starts: [sum(groups[:number]) for number in range(len(groups))],
        runs.ordinals: [at for length in groups for at in range(length)],
    }
    for asked, told in expected.items():
        assert list(asked(values)) == told
        assert list(asked(array)) == told


@given(st.lists(st.text("abc", max_size=4), max_size=400), st.integers(1, 5))
def test_counters_are_bounded_and_do_not_depend_on_the_parts(names: list[str], step: int) -> None:
    parts, whole = Counter(), Counter()
    for start in range(0, len(names), step):
        part = Counter()
        part.see(dict.fromkeys(set(names[start : start + step]), 1))
        parts.add(part)
    for start in reversed(range(0, len(names), step)):
        whole.see(dict.fromkeys(set(names[start : start + step]), 1))
    assert parts.to_dict() == whole.to_dict()
    assert len(parts.names) <= NAMES


NAMES_OR_NONE = st.sampled_from(["", *"abcdefg"])


@given(st.lists(st.tuples(st.integers(0, 9), NAMES_OR_NONE, st.integers(0, 30))), st.randoms())
def test_extremes_do_not_depend_on_the_order(seen: list[tuple[int, str, int]], shuffle: random.Random) -> None:
    forwards, shuffled = Extremes(), Extremes()
    for extremes in (forwards, shuffled):
        for measure, name, row in seen:
            extremes.see(Extreme(measure, name, "f", row, 0, 1, 1))
        shuffle.shuffle(seen)
    assert forwards.to_list("x") == shuffled.to_list("x")
    assert len(forwards.found) <= 3


def test_of_media_without_a_name_that_are_alike_the_first_are_told_whatever_the_batches() -> None:
    told = []
    for step in (1, 7, 200):
        whole = Statistics()
        for start in range(0, 200, step):
            some = list(range(start, min(start + step, 200)))
            media = pl.DataFrame(
                {"sample": some, "position": 0, "kind": "image", "source": None, "width": 8, "height": 8},
                schema_overrides={"source": pl.String},
            )
            rest = {name: pl.Series([None] * len(some), dtype=pl.String) for name in ("container", "mode", "defect")}
            media = media.with_columns(**rest, duration=pl.lit(None, pl.Float64))
            whole.see({"media": media}, len(some), "f", samples=True)
        told.append(whole.to_dict()["image_sizes"]["outliers"])
    assert told[0] == told[1] == told[2]
    assert [each["name"] for each in told[0] if each["what"] == "smallest"] == ["f[0]/0", "f[1]/0", "f[2]/0"]


def frames() -> dict[str, pl.DataFrame]:
    turns = pl.DataFrame(
        {"sample": [0, 0, 2, 2, 2], "role": ["a", "b", "a", None, "a"], "text": ["x", "", None, "xyz", "图像"]},
    )
    media = pl.DataFrame(
        {
            "sample": [0, 0, 2, 3], "kind": ["image", "image", "video", "image"], "position": [0, 1, 0, 0],
            "source": ["a.jpg", "b.jpg", "c.mp4", None], "container": ["jpeg", "png", "mp4", None],
            "mode": ["RGB", "L", None, None], "defect": [None, "truncated", None, "missing"],
            "duration": [None, None, 2.5, None], "width": [640, 10, 1920, None], "height": [480, 100, 1080, None],
        },
        schema_overrides={"duration": pl.Float64},
    )  # fmt: skip
    return {"turns": turns, "media": media}


def test_what_is_gathered() -> None:
    statistics = Statistics()
    statistics.see(frames(), 4, "train.jsonl", samples=True)
    statistics.see_file(4)
    told = statistics.to_dict()
    assert told["turns_per_record"]["bins"] == [[0, 1, 2], [1, 2, 0], [2, 3, 1], [3, 4, 1]]
    assert told["text_length"]["count"] == 4
    assert told["text_length"]["max"] == 3
    assert told["roles"] == {"count": 4, "values": {"a": 3, "b": 1}, "other": 0}
    assert told["media_per_record"]["image"]["bins"] == [[0, 1, 2], [1, 2, 1], [2, 3, 1]]
    assert told["media_per_record"]["video"]["bins"] == [[0, 1, 3], [1, 2, 1]]
    assert told["formats"]["image"]["values"] == {"jpeg": 1, "png": 1}
    assert told["durations"]["video"]["min"] == told["durations"]["video"]["mean"] == 2.5
    assert told["defects"] == {"image": {"count": 2, "values": {"missing": 1, "truncated": 1}, "other": 0}}
    assert told["image_sizes"]["count"] == 2
    outliers = {(each["what"], each["name"]) for each in told["image_sizes"]["outliers"]}
    assert ("most elongated", "b.jpg") in outliers
    assert ("most elongated", "a.jpg") not in outliers
    assert told["records_per_file"]["min"] == 4
    json.dumps(told)


def test_parts_add_up_in_any_order() -> None:
    whole, forwards, backwards = Statistics(), Statistics(), Statistics()
    parts = []
    for start in range(4):
        tables = {name: frame.filter(pl.col("sample") == start) for name, frame in frames().items()}
        part = Statistics()
        part.see(tables, 1, "train.jsonl", samples=True)
        parts.append(part)
    whole.see(frames(), 4, "train.jsonl", samples=True)
    for part in parts:
        forwards.add(part)
    for part in reversed(parts):
        backwards.add(part)
    assert whole.to_dict() == forwards.to_dict() == backwards.to_dict()


def test_an_empty_dataset_has_none() -> None:
    assert Statistics().to_dict() == {}


SCHEMA = jsonschema.Draft202012Validator(json.loads((folder("schemas") / "mmcheck/result/1.json").read_text()))
EXAMPLES = sorted(path for path in folder("examples").glob("*/*") if path.is_dir())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_every_example_has_statistics_and_plots(path: Path) -> None:
    report = check(path)
    statistics = report.statistics
    assert [error.message for error in SCHEMA.iter_errors(report.to_dict())] == []
    assert statistics["records_per_file"]["count"] >= 1
    drawn = list(plots(statistics))
    assert len(drawn) == len(series(statistics))
    for name, each in series(statistics).items():
        assert gist(each), name
        assert distance(each, each) == 0


def test_distance() -> None:
    one: dict[str, Any] = {"values": {"a": 1}, "count": 1, "other": 0}
    other: dict[str, Any] = {"values": {"b": 3}, "count": 3, "other": 0}
    assert distance(one, other) == 1
    assert distance(one, {"values": {"a": 1, "b": 1}, "count": 2, "other": 0}) == 0.5
