"""LLaVA → Data-Juicer → LLaVA on records with the published mix: differences, records a second, peak memory.

    python benchmarks/conversion.py [RECORDS] [FOLDER]

The mix is that of the published 665,298 records: 10.8 % integer ids, 0.1 % whitespace at the edge of a turn, 6.1 %
`model`, 6 % without an image, and one record with further keys in a turn. For comparison it times a bare `json.loads`
loop over the same file.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from mmcheck.converting import convert_dataset

WORDS = [
    "the",
    "of",
    "a",
    "bus",
    "red",
    "what",
    "is",
    "in",
    "this",
    "image",
    "street",
    "people",
    "white",
    "color",
    "driving",
    "feature",
    "back",
    "seen",
    "can",
    "be",
]


def records(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Records with the published mix."""
    random.seed(seed)
    return [_record(number) for number in range(count)]


def _record(number: int) -> dict[str, Any]:
    def words(least: int, most: int) -> str:
        return " ".join(random.choices(WORDS, k=random.randint(least, most)))

    turns = []
    for _ in range(random.choice((1, 1, 2, 3))):
        turns += [{"from": "human", "value": words(6, 16) + "?"}, {"from": "gpt", "value": words(8, 40) + "."}]
    record: dict[str, Any] = {"id": number if random.random() < 0.108 else f"{number:012d}"}
    if random.random() < 0.061:
        record["model"] = ""
    elif random.random() > 0.002:
        record["image"] = f"coco/train2017/{number:012d}.jpg"
        turns[0]["value"] = "<image>\n" + turns[0]["value"]
    if random.random() < 0.001:
        turns[-1]["value"] += random.choice((" ", "\n", "\u00a0"))
    if number == 4711:
        turns[-1] = {**turns[-1], "text": "t", "markdown": {"type": "answer-markdown", "index": 1}}
    return record | {"conversations": turns}


def main(count: int, folder: Path) -> None:
    """Write, convert there and back, compare, print."""
    source, there, back = folder / "source.json", folder / "there.jsonl", folder / "back.json"
    made = records(count)
    source.write_text(json.dumps(made, ensure_ascii=False), encoding="utf-8")
    lines = [json.dumps(record) for record in made]
    used = time.process_time()
    for line in lines:
        json.loads(line)
    alone = count / (time.process_time() - used)
    print(f"json.loads alone: {alone:,.0f} records a CPU second (251,000 on the quiet machine of the targets)")
    del lines, made
    for start, end, source_format, to in (
        (source, there, "llava", "data-juicer"),
        (there, back, "data-juicer", "llava"),
    ):
        clock, used = time.perf_counter(), time.process_time()
        summary = convert_dataset(start, end, to=to, format=source_format, overwrite=True)
        wall, used = time.perf_counter() - clock, time.process_time() - used
        assert summary.read == summary.written == count, summary
        told = (
            f"{count / wall:,.0f} records/s, {count / used:,.0f} a CPU second, {count / used / alone:.2f} × json.loads"
        )
        print(f"{source_format} → {to}: {told}")
    one, other = json.loads(source.read_text("utf-8")), json.loads(back.read_text("utf-8"))
    different = sum(json.dumps(a) != json.dumps(b) for a, b in zip(one, other, strict=True))
    print(f"differences after the round trip: {different} of {count}")
    # the peak that the kernel counts for children includes their parent's, until they are another program
    code = "import sys, mmcheck.cli; mmcheck.cli.run(sys.argv[1:]); print(open('/proc/self/status').read())"
    command = ["convert", str(source), str(there), "--to", "data-juicer", "--overwrite", "--quiet"]
    status = subprocess.run([sys.executable, "-c", code, *command], check=True, capture_output=True, text=True).stdout
    peak = int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]
    print(f"peak memory of `mmcheck convert`: {peak:,.0f} MB")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000, Path(*sys.argv[2:3] or [temporary]))
