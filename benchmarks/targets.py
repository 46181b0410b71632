"""What the figures should be, and whether they are: ratios within one run, and a few absolute limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Results = Mapping[str, Any]


class Unknown(Exception):
    """A figure that this run does not have."""


@dataclass(frozen=True, slots=True)
class Target:
    """`measured` gives a number that should be at least (or, with `most`, at most) `limit`."""

    name: str
    limit: float
    unit: str
    measured: Callable[[Results], float]
    most: bool = False


def _row(results: Results, group: str, key: str) -> Mapping[str, Any]:
    for each in results["groups"]:
        for row in each["rows"] if each["key"] == group else ():
            if row["key"] == key:
                if row["reason"]:
                    raise Unknown(row["reason"])
                return dict(row)
    raise Unknown("not measured")


def _wall(results: Results, group: str, key: str) -> float:
    return float(_row(results, group, key)["wall"])


def _best(results: Results, group: str) -> float:
    """The better of one job and two."""
    return min(_wall(results, group, f"mmcheck-{jobs}") for jobs in (1, 2))


def _times(group: str, rival: str) -> Callable[[Results], float]:
    """How many times as fast as the rival."""
    return lambda results: _wall(results, group, rival) / _best(results, group)


def _lengths(results: Results) -> float:
    """The largest peak memory of any number of records and jobs."""
    keys = [row["key"] for each in results["groups"] if each["key"] == "length" for row in each["rows"] if row["ours"]]
    return max((_memory(results, "length", key) for key in keys), default=0) or _unknown()


def _memory(results: Results, group: str, key: str) -> float:
    return _row(results, group, key)["memory"] or _unknown()


def _unknown() -> float:
    raise Unknown("not measured")


def _visible(results: Results) -> float:
    detection = results.get("detection") or {"rows": [{"reason": "not measured"}]}
    row = detection["rows"][-1]
    if row["reason"]:
        raise Unknown(row["reason"])
    return float(100 * row["visible"] / detection["visible"])


def _refused(results: Results) -> float:
    _visible(results)
    return float(results["detection"]["rows"][-1]["kinds"]["sound"])


TARGETS = (
    Target(
        "text records: time, of a bare `json.loads` loop",
        1.0,
        "×",
        lambda results: 1 / _times("text", "json_loads")(results),
        most=True,
    ),
    Target("text records: speed, of a loop with compiled `jsonschema`", 25, "×", _times("text", "jsonschema_loop")),
    Target("images: speed, of a bare two-thread simplejpeg loop", 0.85, "×", _times("media", "simplejpeg_loop")),
    Target(
        "images: speed, of a loop with `jsonschema` and Pillow `load`",
        3.8,
        "×",
        _times("media", "jsonschema_pillow_load"),
    ),
    Target(
        "image headers: speed, of a bare `Image.open` loop",
        0.5,
        "×",
        lambda results: _wall(results, "media", "image_open") / _wall(results, "media", "header"),
    ),
    Target("visibly damaged JPEGs found", 70, "%", _visible),
    Target("sound JPEGs refused", 0, "", _refused, most=True),
    Target("MultiMeditron, Arrow: speed, of `datasets.map` in one process", 4, "×", _times("arrow", "datasets_map")),
    Target("peak memory, any number of records", 400, "MB", _lengths, most=True),
    Target(
        "peak memory, Parquet with one row group",
        600,
        "MB",
        lambda results: _memory(results, "row-group", "mmcheck-2"),
        most=True,
    ),
    Target("`mmcheck --version`", 0.15, "s", lambda results: _wall(results, "start", "version"), most=True),
    Target("ten small text files", 0.8, "s", lambda results: _wall(results, "start", "ten"), most=True),
    Target(
        "images: speed of a second run with a cache, of the first",
        20,
        "×",
        lambda results: _wall(results, "media", "cache-1") / _wall(results, "media", "cache-2"),
    ),
    Target(
        "fifty rules: time, of one rule",
        3,
        "×",
        lambda results: _wall(results, "rule", "rules-50") / _wall(results, "rule", "rules-1"),
        most=True,
    ),
)


def judge(results: Results) -> list[dict[str, Any]]:
    """Each target with what was measured: `met` is None, with a `reason`, where this run cannot tell."""
    found = []
    for target in TARGETS:
        told: dict[str, Any] = {"name": target.name, "limit": target.limit, "unit": target.unit, "most": target.most}
        try:
            value = target.measured(results)
            met = value <= target.limit if target.most else value >= target.limit
            told |= {"value": value, "met": met, "reason": ""}
        except Unknown as error:
            told |= {"value": None, "met": None, "reason": str(error)}
        found.append(told)
    return found
