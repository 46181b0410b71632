"""The results as Markdown: a page of them, and the short table of the README."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"
#: Behind the name of what was run once.
ONCE = " †"
#: Below this part of a core for a loop that needs a whole one, the machine was busy.
CALM = 0.9
PLOTS = {"size.svg": "cost against the number of records", "processes.svg": "speed against the number of processes"}

Results = Mapping[str, Any]


def page(results: Results) -> str:
    """All that was measured."""
    parts = ["# Benchmarks", "", *_about(results), ""]
    parts += ["## What should be, and is", "", *_targets(results), ""]
    for group in results["groups"]:
        parts += [f"## {group['title']}", "", group["about"], "", *_group(group), ""]
        if group["key"] == "length":
            parts += [_plots(""), ""]
    if "detection" in results:
        parts += ["## Damaged JPEGs", "", *_detection(results["detection"]), ""]
    parts += ["## Versions", "", *_versions(results)]
    return "\n".join(parts) + "\n"


def section(results: Results) -> str:
    """What the README shows."""
    groups = {group["key"]: group for group in results["groups"]}
    parts = [*_about(results), ""]
    for key in ("text", "media", "arrow"):
        if key in groups:
            parts += [f"{groups[key]['title']}: {groups[key]['about']}", "", *_group(groups[key], commands=False), ""]
    parts += ["What should be, and is:", "", *_targets(results), "", _plots("benchmarks/results/")]
    return "\n".join(parts)


def write_section(readme: Path, results: Results) -> None:
    """Put the section between its markers. ValueError where a marker is missing."""
    text = readme.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{readme.name} has no lines {BEGIN} and {END}, between which the table goes")
    readme.write_text(f"{before}{BEGIN}\n{section(results)}\n{END}{after}", encoding="utf-8")


def _plots(folder: str) -> str:
    return "\n".join(f"![{alt}]({folder}{name})" for name, alt in PLOTS.items())


def _about(results: Results) -> Iterator[str]:
    machine, versions = results["machine"], results["versions"]
    commit = f" ({versions['commit']})" if versions.get("commit") else ""
    command = f"make bench SIZE={results['size']}"
    if results["only"]:
        command = f"python -m benchmarks --size {results['size']} --only {','.join(results['only'])}"
    yield (
        f"`{command}`, {results['date']}, mmcheck {versions['mmcheck-datasets']}{commit}, Python {machine['python']}, "
        f"{machine['cores']} cores of {machine['cpu']}, {machine['memory']}, {machine['system']}; load before and "
        f"after {machine['load'][0]} and {results['load'][0]}."
    )
    yield (
        f"Medians of {results['rounds']} rounds in which the ways take turns, each in a process of its own, start-up "
        "included, files in the page cache. Memory is the peak of the summed proportional set size of all processes, "
        "sampled in a round of its own. Ratios are of times; absolute figures move from machine to machine."
    )
    share = _share(results)
    if share < CALM:
        yield (
            f"**The machine was busy with other things**: the bare loop, which needs one core, had {share:.0%} of one. "
            "Ratios of processor time tell more than those of time, and the targets are not judged fairly."
        )


def _share(results: Results) -> float:
    """What part of a core the loop over the text records had; 1 where that was not measured."""
    rows = [row for group in results["groups"] if group["key"] == "text" for row in group["rows"]]
    loops = [row for row in rows if row["key"] == "json_loads" and not row["reason"]]
    return float(loops[0]["cpu"] / loops[0]["wall"]) if loops else 1.0


def _group(group: Mapping[str, Any], commands: bool = True) -> Iterator[str]:
    yield f"| | s | CPU s | MB | {group['unit']}/s | time, × | CPU, × |"
    yield "|---|--:|--:|--:|--:|--:|--:|"
    for row in group["rows"]:
        if row["reason"]:
            yield f"| {row['name']} | – | – | – | – | – | {_cell(row['reason'])} |"
            continue
        cells = [row["name"] + ONCE * row["once"]]
        cells += [_short(row[key]) for key in ("wall", "cpu", "memory", "rate", "ratio", "cpu_ratio")]
        yield f"| {' | '.join(cells)} |"
    if any(row.get("once") for row in group["rows"]):
        yield ""
        yield f"{ONCE.strip()} one run, the one in which memory was sampled: too slow to be repeated."
    if commands:
        yield ""
        yield "```sh"
        yield from (row["command"] for row in group["rows"] if "command" in row)
        yield "```"


def _targets(results: Results) -> Iterator[str]:
    yield "| | target | measured | |"
    yield "|---|--:|--:|---|"
    for target in results["targets"]:
        limit = f"{'≤' if target['most'] else '≥'} {target['limit']:g} {target['unit']}".rstrip()
        if target["met"] is None:
            yield f"| {target['name']} | {limit} | – | {_cell(target['reason'])} |"
        else:
            value = f"{_short(target['value'])} {target['unit']}".rstrip()
            yield f"| {target['name']} | {limit} | {value} | {'met' if target['met'] else '**missed**'} |"


def _detection(found: Mapping[str, Any]) -> Iterator[str]:
    kinds = found["of"]
    yield (
        f"{sum(kinds.values()) - kinds['sound']} damaged JPEGs, of which {found['visible']} are visibly so: a viewer "
        "that forgives shows none, or one in which more than 0.1 % of the pixels differ by more than 16 of 255 levels."
    )
    yield ""
    yield "| | " + " | ".join(f"{kind}, of {count}" for kind, count in kinds.items()) + f" | of {found['visible']} |"
    yield "|---|" + "--:|" * (len(kinds) + 1)
    for row in found["rows"]:
        if row["reason"]:
            yield f"| {row['name']} | " + "– | " * len(kinds) + f"{_cell(row['reason'])} |"
        else:
            share = f"{100 * row['visible'] / found['visible']:.0f} %" if found["visible"] else "–"
            yield f"| {row['name']} | " + " | ".join(str(row["kinds"][kind]) for kind in kinds) + f" | {share} |"


def _versions(results: Results) -> Iterator[str]:
    yield ", ".join(f"{name} {version or 'not installed'}" for name, version in results["versions"].items()) + "."
    yield ""
    yield f"The run took {results['seconds'] / 60:,.0f} minutes."


def _short(value: float | None) -> str:
    """Three figures."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|")
