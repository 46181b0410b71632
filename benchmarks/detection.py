"""Which damaged JPEGs each way finds, and which sound ones it refuses."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.data import Data
from benchmarks.groups import OFFLINE
from benchmarks.images import DAMAGE
from benchmarks.measure import run

WAYS = {
    "Pillow `verify`": "found_by_verify",
    "Pillow `load`": "found_by_load",
    "simplejpeg, 1/8 grey, strict": "found_by_simplejpeg",
    "**mmcheck**": "",
}


def detect(data: Data, scratch: Path) -> dict[str, Any]:
    """For each way how many it found of each kind, of the visibly damaged, and of the sound."""
    folder = data.damage()
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    kinds = {kind: [name for name, each in truth.items() if each["kind"] == kind] for kind in ("sound", *DAMAGE)}
    visible = [name for name, each in truth.items() if each["visible"]]
    rows = []
    for name, key in WAYS.items():
        row: dict[str, Any] = {"name": name, "key": key or "mmcheck"}
        found, row["reason"] = _found(folder, key, data.size.most) if key else _ours(folder, scratch, data.size.most)
        if not row["reason"]:
            row |= {"kinds": {kind: sum(each in found for each in names) for kind, names in kinds.items()}}
            row |= {"visible": sum(each in found for each in visible)}
        rows.append(row)
    return {"of": {kind: len(names) for kind, names in kinds.items()}, "visible": len(visible), "rows": rows}


def _found(folder: Path, key: str, most: float) -> tuple[set[str], str]:
    command = [sys.executable, "-m", "benchmarks.rivals", key, str(folder / "train.jsonl")]
    ran = run(command, most=most, environment=OFFLINE)
    if ran.code != 0:
        return set(), ran.failure
    return set(json.loads(ran.out)["found"]), ""


def _ours(folder: Path, scratch: Path, most: float) -> tuple[set[str], str]:
    """Images of records with an error about their medium."""
    path, findings = folder / "train.jsonl", scratch / "findings.jsonl"
    command = [sys.executable, "-m", "mmcheck", "check", str(path), "--format", "llava", "--probe", "decode", "--quiet"]
    ran = run([*command, "-o", f"jsonl={findings}"], most=most)
    if ran.code not in (0, 1):
        return set(), ran.failure
    images = [json.loads(line)["image"] for line in path.read_text(encoding="utf-8").splitlines()]
    told = [json.loads(line) for line in findings.read_text(encoding="utf-8").splitlines()]
    return {images[each["row"]] for each in told if each.get("severity") == "error"}, ""
