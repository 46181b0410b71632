"""A check of LLaVA records beside what people write themselves: a bare `json.loads` loop, and a jsonschema loop.

python benchmarks/checking.py [RECORDS]
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from jsonschema import Draft202012Validator

SCHEMA = Path(__file__).resolve().parent.parent / "schemas" / "llava" / "1.json"


def write(path: Path, records: int) -> None:
    """Records of about 680 bytes, four turns each, with the seed 1."""
    rng = random.Random(1)
    words = [f"word{number}" for number in range(500)]
    with path.open("w") as out:
        for number in range(records):
            turns = [
                {"from": "gpt" if turn % 2 else "human", "value": " ".join(rng.choices(words, k=17))}
                for turn in range(4)
            ]
            turns[0]["value"] = "<image>\n" + turns[0]["value"]
            out.write(json.dumps({"id": number, "image": f"coco/{number:012}.jpg", "conversations": turns}) + "\n")


def bare(path: Path) -> None:
    """The loop that everybody writes."""
    with path.open() as lines:
        for line in lines:
            json.loads(line)


def validated(path: Path) -> None:
    """The same with a compiled jsonschema validator."""
    valid = Draft202012Validator(json.loads(SCHEMA.read_text())).is_valid
    with path.open() as lines:
        assert all(valid(json.loads(line)) for line in lines)


def checked(path: Path) -> None:
    """A full check, start-up included, media left alone."""
    command = [sys.executable, "-m", "mmcheck", "check", str(path), "--format", "llava", "--probe", "none"]
    subprocess.run([*command, "-o", f"json={path}.result"], check=True, stderr=subprocess.DEVNULL)


def main() -> None:
    """Time each, and print the ratios."""
    records = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "train.jsonl")
        write(path, records)
        seconds = {}
        for name, run in (("json.loads", bare), ("mmcheck check", checked), ("jsonschema", validated)):
            began = time.perf_counter()
            run(path)
            seconds[name] = time.perf_counter() - began
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
        print(f"{records:,} records, {path.stat().st_size / 1e6:.0f} MB; peak memory of the check {memory} MB")
        for name, took in seconds.items():
            ratio = took / seconds["json.loads"]
            print(f"{name:15} {took:7.2f} s  {records / took:9,.0f} records/s  {ratio:6.2f} x json.loads")


if __name__ == "__main__":
    main()
