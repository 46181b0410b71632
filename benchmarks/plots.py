"""Two plots as SVG: cost against the number of records, speed against the number of processes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Results = Mapping[str, Any]
NAMES = {"json_loads": "json.loads loop", "mmcheck-1": "mmcheck, 1 job", "mmcheck-2": "mmcheck, 2 jobs"}
#: The same bytes for the same figures: no date, and names within the picture that are counted, not drawn.
STEADY: Any = {"svg.hashsalt": "mmcheck", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9}


def write_plots(results: Results, folder: Path) -> list[Path]:
    """Write the plots whose figures there are. Raises ImportError without matplotlib."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    groups = {group["key"]: group for group in results["groups"]}
    written = []
    with pyplot.rc_context(STEADY):
        for name, draw in (("size.svg", _size), ("processes.svg", _processes)):
            figure, axes = pyplot.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
            if draw(axes, groups):
                figure.savefig(folder / name, metadata={"Date": None, "Creator": None})
                written.append(folder / name)
            pyplot.close(figure)
    return written


def _size(axes: Any, groups: Mapping[str, Any]) -> bool:
    """Seconds and MB over the number of records, both axes logarithmic."""
    rows = [row for row in groups.get("length", {"rows": []})["rows"] if not row["reason"]]
    for prefix, label in NAMES.items():
        points = sorted(
            (row["count"], row["wall"], row["memory"]) for row in rows if row["key"].startswith(f"{prefix}-")
        )
        for axis, at in zip(axes, (1, 2), strict=True):
            shown = [point for point in points if point[at]]
            axis.plot([point[0] for point in shown], [point[at] for point in shown], marker="o", label=label)
    for axis, title in zip(axes, ("seconds", "peak memory, MB"), strict=True):
        axis.set(title=title, xlabel="records", xscale="log", yscale="log")
        axis.grid(alpha=0.3)
    axes[1].set_ylim(5, 2000)
    if rows:
        axes[0].legend(frameon=False)
    return bool(rows)


def _processes(axes: Any, groups: Mapping[str, Any]) -> bool:
    """Records or images a second over the number of jobs."""
    drawn = False
    for keys, axis in zip((("text",), ("media", "arrow")), axes, strict=True):
        for key in keys:
            points = sorted(
                (int(found[1]), row["rate"])
                for row in groups.get(key, {"rows": []})["rows"]
                if (found := re.fullmatch(r"mmcheck-(\d+)", row["key"])) and not row["reason"]
            )
            if points:
                drawn = True
                axis.plot(*zip(*points, strict=True), marker="o", label=groups[key]["title"])
                axis.set_xticks([jobs for jobs, _ in points])
        axis.set(title=f"{'records' if keys == ('text',) else 'images'} a second", xlabel="jobs")
        axis.set_ylim(0, 1.15 * axis.get_ylim()[1])
        axis.grid(alpha=0.3)
        if axis.lines:
            axis.legend(frameon=False, loc="lower right")
    return drawn
