"""Plots of a result's statistics as inline SVG, coloured by the page's style sheet, with their numbers as tables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from mmcheck.reporters.text import clean

#: Size of a plot in the units of its view box, and the margins for axes.
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 360, 180, 40, 34, 12
#: Width of the widest bar of a histogram.
WIDEST = 44
#: How many names a bar chart shows.
MOST = 12

TITLES = {
    "records_per_file": "Records a file",
    "turns_per_record": "Turns a record",
    "text_length": "Text length",
    "roles": "Roles",
    "media_per_record": "Media a record",
    "durations": "Duration",
    "formats": "Formats",
    "modes": "Modes",
    "defects": "Defects",
    "image_sizes": "Image sizes",
}


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot: its title, what it tells in a sentence, the picture, and the numbers that it is drawn from."""

    title: str
    gist: str
    svg: Markup
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = field(default_factory=list)


def plots(statistics: Mapping[str, Any]) -> Iterator[Plot]:
    """The plots of a result, in the order of `TITLES`."""
    for name, title in TITLES.items():
        value = statistics.get(name)
        if not isinstance(value, Mapping):
            continue
        if any(key in value for key in DRAWN):
            yield _plot(title, value)
        else:
            yield from (_plot(f"{title}: {clean(kind)}", part) for kind, part in value.items())


def _plot(title: str, value: Mapping[str, Any]) -> Plot:
    return next(draw for key, draw in DRAWN.items() if key in value)(title, value)


def _histogram(title: str, value: Mapping[str, Any]) -> Plot:
    bins, unit = value["bins"], clean(str(value["unit"]))
    same = value["min"] == value["max"]
    ends = f"{value['min']:,}" if same else f"{value['min']:,} to {value['max']:,}"
    gist = f"{'always ' if same and value['count'] > 1 else ''}{ends} {unit}"
    gist += "" if same else f", mean {_number(value['mean'])}"
    most = max((count for *_, count in bins), default=1) or 1
    step = min((WIDTH - LEFT - 8) / max(len(bins), 1), WIDEST)
    parts = list(_levels(most))
    every = math.ceil(len(bins) / 9)
    for number, (start, below, count) in enumerate(bins):
        x, height = LEFT + number * step, _length(count, most)
        name = _bin(start, below)
        parts.append(
            f'<rect class="bar" x="{x + 0.5:.1f}" y="{HEIGHT - BOTTOM - height:.1f}" width="{max(step - 1, 1):.1f}" '
            f'height="{height:.1f}"><title>{_text(name)}: {count:,}</title></rect>'
        )
        if number % every == 0:
            parts.append(_label(x + step / 2, HEIGHT - BOTTOM + 13, _number(start), "middle"))
    parts.append(_label((LEFT + WIDTH) / 2, HEIGHT - 4, unit, "middle"))
    rows = [(_bin(start, below), f"{count:,}") for start, below, count in bins]
    return Plot(title, gist, _svg(f"{title}: {gist}", parts), (unit, "count"), rows)


def _names(title: str, value: Mapping[str, Any]) -> Plot:
    values = [*value["values"].items()][:MOST]
    rest = value["count"] - sum(count for _, count in values)
    values += [("others", rest)] if rest else []
    most = max((count for _, count in values), default=1)
    gist = ", ".join(f"{clean(name)} {count:,}" for name, count in values[:3])
    parts = []
    line, left = 20, 120
    for number, (name, count) in enumerate(values):
        y, shown = number * line, clean(name)
        length = max((WIDTH - left - 60) * count / most, 1)
        parts.append(_label(left - 6, y + 14, shown if len(shown) <= 18 else shown[:17] + "…", "end"))
        parts.append(f'<rect class="bar" x="{left}" y="{y + 3}" width="{length:.1f}" height="{line - 6}"/>')
        parts.append(_label(left + length + 5, y + 14, f"{count:,}", "start"))
    rows = [(clean(name), f"{count:,}") for name, count in values]
    return Plot(title, gist, _svg(f"{title}: {gist}", parts, len(values) * line + 4), ("name", "count"), rows)


def _sizes(title: str, value: Mapping[str, Any]) -> Plot:
    """Width against height on logarithmic axes, a dot a cell, its area the number of images; the extremes are named."""
    cells, outliers = value["cells"], _distinct(value["outliers"])
    sides = [side for x, y, _ in cells for side in (x, y)] + [o[s] for o in outliers for s in ("width", "height")]
    low, high = math.floor(math.log2(max(min(sides), 1))), math.ceil(math.log2(max(*sides, 2))) + 0.5
    height, left, right = 300, 40, 12

    def x_of(side: float) -> float:
        return left + (math.log2(max(side, 1)) - low) / (high - low) * (WIDTH - left - right)

    def y_of(side: float) -> float:
        return height - BOTTOM - (math.log2(max(side, 1)) - low) / (high - low) * (height - BOTTOM - TOP)

    parts = []
    for power in range(low, math.floor(high) + 1, max(1, round((high - low) / 7))):
        at_x, at_y = x_of(2**power), y_of(2**power)
        parts.append(f'<path class="grid" d="M{at_x:.1f} {TOP}V{height - BOTTOM}M{left} {at_y:.1f}H{WIDTH - right}"/>')
        parts.append(_label(at_x, height - BOTTOM + 13, f"{2**power:,}", "middle"))
        parts.append(_label(left - 4, at_y + 4, f"{2**power:,}", "end"))
    most = max(count for *_, count in cells)
    for x, y, count in sorted(cells, key=lambda cell: -cell[2]):
        radius = 2 + 10 * math.sqrt(count / most)
        parts.append(
            f'<circle class="dot" cx="{x_of(x * 2**0.25):.1f}" cy="{y_of(y * 2**0.25):.1f}" r="{radius:.1f}">'
            f"<title>about {x:,} × {y:,}: {count:,}</title></circle>"
        )
    for number, each in enumerate(outliers):
        x, y = x_of(each["width"]), y_of(each["height"])
        told = f"{each['what']}: {clean(each['name'])}, {each['width']:,} × {each['height']:,}"
        parts.append(f'<circle class="outlier" cx="{x:.1f}" cy="{y:.1f}" r="4"><title>{_text(told)}</title></circle>')
        anchor = "end" if x > WIDTH * 0.7 else "start"
        parts.append(_label(x + (-7 if anchor == "end" else 7), y + 4, str(number + 1), anchor))
    parts.append(_label((left + WIDTH) / 2, height - 4, "width (pixels)", "middle"))
    gist = f"{value['count']:,} images; width across, height up" + (", extremes numbered" if outliers else "")
    rows = [
        (
            f"{number + 1} {each['what']}",
            f"{each['width']:,} × {each['height']:,}",
            clean(each["name"]),
            f"{clean(each['file'])}[{each['row']}]",
        )
        for number, each in enumerate(outliers)
    ]
    return Plot(title, gist, _svg(f"{title}: {gist}", parts, height), ("extreme", "size", "image", "record"), rows)


#: What draws a distribution, by the key that tells its kind.
DRAWN = {"bins": _histogram, "values": _names, "cells": _sizes}


def _distinct(outliers: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The extremes, each size once; none where all images are of one size."""
    found: dict[tuple[int, int], Mapping[str, Any]] = {}
    for each in outliers:
        found.setdefault((each["width"], each["height"]), each)
    return list(found.values()) if len(found) > 1 else []


def _svg(label: str, parts: Sequence[str], height: float = HEIGHT) -> Markup:
    return Markup(  # every text in `parts` has gone through `_text`
        f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{_text(label)}">{"".join(parts)}</svg>'
    )


def _levels(most: int) -> Iterator[str]:
    """Grid lines at nothing, half and all."""
    for share in (0, 0.5, 1):
        y = HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)
        yield f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - 8}"/>'
        if share * most == int(share * most):
            yield _label(LEFT - 4, y + 4, _number(int(share * most)), "end")


def _length(count: int, most: int) -> float:
    """What is not nothing is never drawn as nothing."""
    return max((HEIGHT - BOTTOM - TOP) * count / most, 1) if count else 0


def _label(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{_text(text)}</text>'


def _text(text: str) -> str:
    from markupsafe import escape

    return str(escape(clean(text)))


def _bin(start: float, below: float | None) -> str:
    whole = isinstance(start, int) and (below is None or isinstance(below, int))
    if below is None:
        return f"{_number(start)} or more"
    if whole:
        return _number(start) if below == start + 1 else f"{_number(start)}–{_number(below - 1)}"
    return f"{_number(start)} to below {_number(below)}"


def _number(value: float | None) -> str:
    """A number as short as it may be: 950, 1.5k, 20M."""
    if value is None:
        return "–"
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= size and not (unit == "k" and abs(value) < 10_000 and value % 100):
            return f"{value / size:.3g}{unit}"
    return f"{value:,.3g}" if isinstance(value, float) and abs(value) < 100 else f"{round(value):,}"
