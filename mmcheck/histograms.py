"""Distributions that add up: histograms with fixed bins, counters and extremes of bounded size, exact in any order."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter as Occurrences
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmcheck.runs import Whole

#: Lower ends of the bins of every histogram: 0 to 10 one by one, then six a decade.
EDGES = (*range(10), *(round(step * 10**decade) for decade in range(1, 13) for step in (1, 1.5, 2, 3, 5, 7)))
#: Lower ends of the bins of both sides of an image in pixels: two an octave, up to 2^17.
SIDES = tuple(dict.fromkeys(round(2 ** (half / 2)) for half in range(35)))
#: How many names a counter keeps, and how long they may be.
NAMES, NAME = 64, 80
#: Numbers below this are counted in an array of so many at most; there is no sorting then.
_SMALL = 1 << 16


@dataclass(slots=True)
class Histogram:
    """Whole numbers from 0 up by the bins of `EDGES`, with their exact count, sum, least and greatest."""

    bins: dict[int, int] = field(default_factory=dict)
    count: int = 0
    total: int = 0
    least: int | None = None
    greatest: int | None = None

    def see(self, values: Whole) -> None:
        """Count values, whole numbers from 0 up."""
        if isinstance(values, list):
            for value, often in Occurrences(values).items():
                self.see_times(value, often)
            return
        if not len(values):
            return
        import numpy as np

        least, greatest = int(values.min()), int(values.max())
        if greatest < _SMALL:
            times = np.bincount(values)
            different = np.flatnonzero(times)
            times = times[different]
        else:
            different, times = np.unique(values, return_counts=True)
        places = np.searchsorted(EDGES, different, side="right") - 1
        bins = np.bincount(places, weights=times)  # exact: as floats, but whole and below 2^53
        told = {place: int(bins[place]) for place in np.flatnonzero(bins).tolist()}
        self.add(Histogram(told, len(values), int(values.sum(dtype=np.int64)), least, greatest))

    def see_times(self, value: int, times: int) -> None:
        """Count one value so many times."""
        if times > 0:
            self.add(Histogram({bisect_right(EDGES, value) - 1: times}, times, value * times, value, value))

    def add(self, other: Histogram) -> None:
        """Add another part."""
        for place, count in other.bins.items():
            self.bins[place] = self.bins.get(place, 0) + count
        self.count += other.count
        self.total += other.total
        ends = [each for each in (self.least, other.least) if each is not None]
        self.least = min(ends, default=None)
        self.greatest = max((each for each in (self.greatest, other.greatest) if each is not None), default=None)

    def to_dict(self, unit: str, scale: int = 1) -> dict[str, Any]:
        """`bins` are `[from, below, count]`, empty ones in between too; `scale` counted units are one of `unit`."""

        def shown(value: int | None) -> float | int | None:
            return value if value is None or scale == 1 else value / scale

        bins = []
        for place in range(min(self.bins), max(self.bins) + 1) if self.bins else ():
            below = EDGES[place + 1] if place + 1 < len(EDGES) else None
            bins.append([shown(EDGES[place]), shown(below), self.bins.get(place, 0)])
        mean = round(self.total / self.count / scale, 3) if self.count else None
        ends = {"min": shown(self.least), "max": shown(self.greatest)}
        return {"unit": unit, "count": self.count, **ends, "mean": mean, "bins": bins}


@dataclass(slots=True)
class Counter:
    """How often each name occurs. Of more than `NAMES` names the shortest are kept, whatever the order of the parts."""

    names: dict[str, int] = field(default_factory=dict)
    count: int = 0

    def see(self, names: dict[str, int]) -> None:
        """Count names, each so many times."""
        self.count += sum(names.values())
        for name, times in names.items():
            self.names[name[:NAME]] = self.names.get(name[:NAME], 0) + times
        self._bound()

    def add(self, other: Counter) -> None:
        """Add another part."""
        self.count += other.count
        for name, times in other.names.items():
            self.names[name] = self.names.get(name, 0) + times
        self._bound()

    def _bound(self) -> None:
        # A name that is dropped has NAMES shorter ones in its part, so it is not among the shortest of the whole: what
        # is kept is counted exactly, for any split into parts.
        if len(self.names) > NAMES:
            kept = sorted(self.names, key=lambda name: (len(name), name))[:NAMES]
            self.names = {name: self.names[name] for name in kept}

    def to_dict(self) -> dict[str, Any]:
        """The names by how often they occur; `other` counts those that were not kept."""
        names = dict(sorted(self.names.items(), key=lambda item: (-item[1], item[0])))
        return {"count": self.count, "values": names, "other": self.count - sum(names.values())}


@dataclass(frozen=True, slots=True, order=True)
class Extreme:
    """A medium at one end of a measure; the least `measure` is the most extreme.

    One without a `source` ("") goes by its place: of several that are equally extreme, the first is taken.
    """

    measure: int
    source: str
    file: str
    row: int
    position: int
    width: int
    height: int

    @property
    def name(self) -> str:
        """What the medium goes by."""
        return self.source or f"{self.file}[{self.row}]/{self.position}"


@dataclass(slots=True)
class Extremes:
    """The few media with the least measure, each name once."""

    most: int = 3
    found: dict[str, Extreme] = field(default_factory=dict)

    def see(self, extreme: Extreme) -> None:
        """Take one in, if it is among the few."""
        known = self.found.get(extreme.name)
        self.found[extreme.name] = extreme if known is None else min(known, extreme)
        if len(self.found) > self.most:
            del self.found[max(self.found.values()).name]

    def add(self, other: Extremes) -> None:
        """Add another part."""
        for extreme in other.found.values():
            self.see(extreme)

    def move(self, rows: int) -> None:
        """Count rows from another start, so many before."""
        moved = [replace(each, row=each.row + rows) for each in self.found.values()]
        self.found = {each.name: each for each in moved}

    def to_list(self, what: str) -> list[dict[str, Any]]:
        """The extremes, the most extreme first."""
        return [
            {
                "what": what, "name": each.name[:200], "file": each.file, "row": each.row,
                "width": each.width, "height": each.height,
            }
            for each in sorted(self.found.values())
        ]  # fmt: skip
