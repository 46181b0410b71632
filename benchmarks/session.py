"""A whole run: every group in rounds, its cases in turns, medians; what cannot be run is a row with the reason."""

from __future__ import annotations

import compileall
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.data import Data
from benchmarks.detection import detect
from benchmarks.groups import GROUPS, OFFLINE, Case, Group, shown
from benchmarks.measure import ROOT, Ran, run
from benchmarks.size import Size
from benchmarks.targets import judge

VERSIONS = (
    *("mmcheck-datasets", "msgspec", "jsonschema-rs", "polars", "simplejpeg", "pyarrow", "pillow"),
    *("jsonschema", "datasets", "pandera", "nvidia-tao-daft"),
)


def measure(size: Size, folder: Path, only: Collection[str] = ()) -> dict[str, Any]:
    """Make the data below `folder`, run the groups `only` (all of them if empty), and give the results."""
    began, data = time.monotonic(), Data(folder, size)
    results: dict[str, Any] = {
        "size": size.name,
        "rounds": size.rounds,
        "only": sorted(only),
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": machine(),
        "versions": versions(),
        "groups": [],
    }
    folder.mkdir(parents=True, exist_ok=True)
    # As an installation does: where no bytecode is written, every process would compile the checkout again.
    compileall.compile_dir(ROOT / "mmcheck", quiet=1)
    with tempfile.TemporaryDirectory(dir=folder, prefix="scratch-") as name:
        scratch = Path(name)
        for key, make in GROUPS.items():
            if not only or key in only:
                _say(f"{key}: data")
                results["groups"].append(_group(make(data, scratch), size, data, scratch))
        if not only or "detection" in only:
            _say("detection")
            results["detection"] = detect(data, scratch)
    results["load"] = [round(each, 2) for each in os.getloadavg()]
    results["seconds"] = round(time.monotonic() - began)
    results["targets"] = judge(results)
    return results


def _group(group: Group, size: Size, data: Data, scratch: Path) -> dict[str, Any]:
    rows: dict[str, dict[str, Any]] = {}
    for case in group.cases:
        told = {"key": case.key, "name": case.name, "ours": case.ours, "count": case.count, "reason": "", "once": False}
        rows[case.key] = {
            **told,
            "command": shown(case.command, data, scratch),
            "memory": None,
            "walls": [],
            "cpus": [],
        }
    for number in range(size.rounds + 1):
        for case in group.cases:
            row = rows[case.key]
            if not row["reason"] and not row["once"]:
                _say(f"{group.key}: {case.key}, " + (f"round {number}" if number else "memory"))
                _round(case, row, size, scratch, memory=not number)
    for row in rows.values():
        _summarise(row)
    for case in group.cases:
        row, base = rows[case.key], rows.get(case.base or group.base)
        for key, name in (("wall", "ratio"), ("cpu", "cpu_ratio")):
            row[name] = row[key] / base[key] if base and base[key] and row[key] else None
    missing = [{"key": name, "name": name, "ours": False, "reason": why} for name, why in group.missing.items()]
    about = {key: getattr(group, key) for key in ("key", "title", "about", "unit")}
    return {**about, "rows": [*rows.values(), *missing]}


def _round(case: Case, row: dict[str, Any], size: Size, scratch: Path, memory: bool) -> None:
    """Run a case and note what it took.

    The run with `memory` also warms the caches. Sampling costs time, so that it counts only where it was too slow to be
    done again.
    """
    ran, row["reason"] = _once(case, size, scratch, memory)
    if ran and memory:
        row["memory"], row["once"] = ran.memory, ran.wall > size.slow
    if ran and (not memory or row["once"]):
        row["walls"].append(ran.wall)
        row["cpus"].append(ran.cpu)


def _once(case: Case, size: Size, scratch: Path, memory: bool) -> tuple[Ran | None, str]:
    """A run, and why it does not count (empty where it does)."""
    if case.before:
        case.before()
    try:
        ran = run(case.command, most=size.most, memory=memory, environment=OFFLINE)
    except OSError as error:
        return None, f"{case.command[0]} cannot be started: {error.strerror}"
    if ran.code != 0:
        return ran, ran.failure
    try:
        seen = case.see(scratch, ran.out)
    except (OSError, ValueError, LookupError) as error:
        return ran, f"what it saw cannot be told: {error}"
    other = {key: seen.get(key) for key, value in case.wanted.items() if seen.get(key) != value}
    if other or seen.get("complete") is False:
        return ran, f"it saw {other or seen} and not {case.wanted}"
    return ran, ""


def _summarise(row: dict[str, Any]) -> None:
    row["wall"] = row["cpu"] = row["rate"] = None
    if row["walls"] and not row["reason"]:
        row["wall"], row["cpu"] = statistics.median(row["walls"]), statistics.median(row["cpus"])
        row["rate"] = row["count"] / row["wall"]


def failed(results: dict[str, Any]) -> bool:
    """Whether a run of mmcheck went wrong. A rival that does is a row with the reason, and no more."""
    rows = [row for group in results["groups"] for row in group["rows"] if row["ours"]]
    rows += results.get("detection", {"rows": []})["rows"][-1:]
    return any(row["reason"] for row in rows)


def machine() -> dict[str, Any]:
    """What it ran on, and how busy that was."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cpu": model,
        "cores": len(os.sched_getaffinity(0)),
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
        "load": [round(each, 2) for each in os.getloadavg()],
    }


def versions() -> dict[str, str | None]:
    """Versions of what was measured; None where it is not installed."""
    found: dict[str, str | None] = {}
    for name in VERSIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    if shutil.which("git"):
        asked = subprocess.run(
            ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
        )
        found["commit"] = asked.stdout.strip() or None
    return found


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
