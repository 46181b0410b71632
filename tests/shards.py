"""Datasets that fall into many shards, and what must be the same of their reports however they were judged."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from mmcheck import Report, gathering

#: What a rule of the user's does with a record whose text is `die`: a crash that no limit of mmcheck's prevents.
KILLER = """\
import os, signal

def look(turns):
    if "die" in turns.select("text").collect()["text"]:
        os.kill(os.getpid(), signal.SIGKILL)
    return turns.head(0)
"""


def plain(report: Report) -> dict[str, Any]:
    """All of a report but how it was run."""
    told = report.to_dict()
    told["run"] = {"complete": report.run.complete}
    return told


@contextmanager
def sized(size: int, worth: int = 1 << 40) -> Iterator[None]:
    """Cut files into shards of so many bytes; from `worth` bytes on in processes of their own."""
    before = gathering.SHARD, gathering._WORTH
    gathering.SHARD, gathering._WORTH = size, worth
    try:
        yield
    finally:
        gathering.SHARD, gathering._WORTH = before


def record(number: int, text: str = "a line", image: str | None = None) -> dict[str, Any]:
    """A sound LLaVA record."""
    turns = [{"from": "human", "value": "<image>?" if image else "?"}, {"from": "gpt", "value": text}]
    return {"id": str(number), **({"image": image} if image else {}), "conversations": turns}


def line(*given: Any, **more: Any) -> bytes:
    """A sound LLaVA record as a line, without its line break."""
    return json.dumps(record(*given, **more)).encode()


def lines(folder: Path, count: int) -> Path:
    """JSON lines of about `count` records: most are sound, others broken, blank, repeated, or name nothing."""
    Image.new("RGB", (40, 30)).save(folder / "a.png")
    (folder / "b.png").write_bytes((folder / "a.png").read_bytes()[:60])
    pick = random.Random(7)
    kinds = (
        lambda n: line(n),
        lambda n: line(n, image="a.png"),
        lambda n: line(n, image="b.png"),
        lambda n: line(n, image="none.png"),
        lambda n: line(n // 3, f" text {n % 7} "),
        lambda n: line(n, "", image="a.png"),
        lambda n: b'{"id": "%d", ' % n,
        lambda n: b'{"id": %d, "conversations": 3}' % n,
        lambda n: b"",
        lambda n: b" \t",
        lambda n: line(n, "long " * 200),
    )
    weights = (40, 10, 3, 3, 10, 2, 2, 2, 2, 1, 1)
    drawn = pick.choices(kinds, weights, k=count)
    path = folder / "train.jsonl"
    path.write_bytes(b"\n".join(each(number) for number, each in enumerate(drawn)))
    return path


def rows(count: int) -> pa.Table:
    """LLaVA records as a table: some with an id twice, some with nothing said."""
    return pa.Table.from_pylist([record(n if n % 5 else 0, "" if n % 9 == 4 else f"t{n}") for n in range(count)])


def parquet(folder: Path, count: int, group: int = 4) -> Path:
    """The same in row groups of a few records."""
    path = folder / "train.parquet"
    pq.write_table(rows(count), path, row_group_size=group)
    return path


def arrow(folder: Path, count: int, batch: int = 4) -> Path:
    """MultiMeditron records in record batches of a few: some without anything said."""
    said = [{"role": "user", "content": "?"}]
    table = pa.Table.from_pylist(
        [
            {
                "conversations": [*said, {"role": "assistant", "content": "" if n % 5 == 3 else f"a {n}"}],
                "modalities": [],
            }
            for n in range(count)
        ],
        schema=pa.schema(
            {
                "conversations": pa.list_(pa.struct({"role": pa.string(), "content": pa.string()})),
                "modalities": pa.list_(pa.struct({"type": pa.string(), "value": pa.struct({"bytes": pa.binary()})})),
            }
        ),
    )
    path = folder / "train.arrow"
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=batch)
    return path


def killer(folder: Path) -> dict[str, Any]:
    """What `check` is asked, so that the text `die` ends the process that judges it. The rule kills whoever runs it."""
    module = f"killer_{folder.name.replace('-', '_')}"
    (folder / f"{module}.py").write_text(KILLER)
    rules = folder / "killer.yaml"
    stanza = f"{{code: PX001, name: odd-text, severity: error, table: turns, python: '{module}:look'}}"
    rules.write_text(f"rules:\n  - {stanza}\n")
    return {"rules": [rules], "allow_python": True}


def with_victim(count: int, victim: int) -> Sequence[dict[str, Any]]:
    """Records of which one is the end of its judge, and others have faults of which not one may be lost."""
    return [
        record(n, "die" if n == victim else "" if n % 7 == 0 else "a line") | ({"id": "twice"} if n % 10 == 0 else {})
        for n in range(count)
    ]
