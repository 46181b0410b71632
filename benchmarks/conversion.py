"""LLaVA → Data-Juicer → LLaVA on records with the published mix: differences, records a second, peak memory.

    python benchmarks/conversion.py [RECORDS] [FOLDER]

The mix is that of the published 665,298 records: 10.8 % integer ids, 0.1 % whitespace at the edge of a turn, 6.1 %
`model`, 6 % without an image, and one record with further keys in a turn. For comparison it times a bare `json.loads`
loop over the same file.
"""

from __future__ import annotations

import json
import random
import resource
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
    clock = time.perf_counter()
    for line in lines:
        json.loads(line)
    print(f"json.loads alone            {count / (time.perf_counter() - clock):>10,.0f} records/s")
    del lines, made
    for start, end, to in ((source, there, "data-juicer"), (there, back, "llava")):
        clock, used = time.perf_counter(), time.process_time()
        summary = convert_dataset(start, end, to=to, overwrite=True)
        wall, used = time.perf_counter() - clock, time.process_time() - used
        assert summary.read == summary.written == count, summary
        print(f"{summary.source:>11} → {to:<11}  {count / wall:>10,.0f} records/s, {count / used:,.0f} a CPU second")
    one, other = json.loads(source.read_text("utf-8")), json.loads(back.read_text("utf-8"))
    different = sum(json.dumps(a) != json.dumps(b) for a, b in zip(one, other, strict=True))
    print(f"differences after the round trip: {different} of {count}")


def peak() -> float:
    """The peak of this process's memory, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000, Path(*sys.argv[2:3] or [temporary]))
