"""The data of a run in one folder, made by seed, and only what is not there yet."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks import images, records
from benchmarks.size import Size

HERE = Path(__file__).parent
PLACEHOLDER = "<|reserved_special_token_0|>"


class Data:
    """Makes things below `folder` and remembers them; the folder's name holds the digest of what makes them."""

    def __init__(self, folder: Path, size: Size) -> None:
        made_by = b"".join((HERE / name).read_bytes() for name in ("records.py", "images.py", "data.py"))
        self.folder = folder / f"data-{hashlib.sha256(made_by).hexdigest()[:8]}"
        self.size = size

    def _made(self, name: str, make: Callable[[Path], None]) -> Path:
        """`folder/name`, made whole or not at all."""
        path = self.folder / name
        if not path.exists():
            unfinished = self.folder / "unfinished" / name
            shutil.rmtree(self.folder / "unfinished", ignore_errors=True)
            unfinished.parent.mkdir(parents=True)
            make(unfinished)
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.rename(path)
        return path

    def text(self, count: int) -> Path:
        """LLaVA records in lines whose images are not there."""
        return self._made(f"text-{count}.jsonl", lambda path: records.write_records(path, count))

    def rules(self, count: int) -> Path:
        """A rules file of `count` rules."""
        return self._made(f"rules-{count}.yaml", lambda path: records.write_rules(path, count))

    def few(self) -> Path:
        """A folder of ten small text files."""

        def make(folder: Path) -> None:
            folder.mkdir()
            for number in range(10):
                records.write_records(folder / f"part-{number}.jsonl", 20, first=20 * number)

        return self._made("ten-files", make)

    def named(self) -> Path:
        """Records in both formats, each naming an image of its own, which is there and small: nobody opens it."""
        count, name = self.size.named_files, "images/{:09}.jpg"

        def make(folder: Path) -> None:
            (folder / "llava" / "images").mkdir(parents=True)
            data = images.jpeg(0)[:700]
            for number in range(count):
                (folder / "llava" / name.format(number)).write_bytes(data + number.to_bytes(4))
            records.write_records(folder / "llava" / "train.jsonl", count, name)
            records.write_tao(folder / "tao", count, name, "../llava")

        return self._made(f"named-{count}", make)

    def photos(self) -> Path:
        """A LLaVA dataset: `train.jsonl`, and as many distinct JPEGs in `images`."""
        count, name = self.size.images, "images/{:09}.jpg"

        def make(folder: Path) -> None:
            (folder / "images").mkdir(parents=True)
            with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
                for number, data in enumerate(pool.map(images.jpeg, range(count), chunksize=25)):
                    (folder / name.format(number)).write_bytes(data)
            records.write_records(folder / "train.jsonl", count, name)

        return self._made(f"photos-{count}", make)

    def arrow(self) -> Path:
        """A MultiMeditron dataset with the images inside, as `datasets` saves it. ImportError without `datasets`."""
        from datasets import Dataset, disable_progress_bars

        photos, count = self.photos(), self.size.arrow_rows
        disable_progress_bars()

        def make(folder: Path) -> None:
            cache = folder.with_name("cache")
            made = Dataset.from_generator(_rows, gen_kwargs={"photos": photos, "count": count}, cache_dir=str(cache))
            made.save_to_disk(str(folder))
            shutil.rmtree(cache)

        return self._made(f"arrow-{count}", make)

    def row_group(self) -> Path:
        """The photos inside one Parquet file of one row group."""

        def make(path: Path) -> None:
            import pyarrow as pa
            from pyarrow import parquet

            photos = self.photos()
            rows = iter(_rows(photos, self.size.images))
            batches = []
            while batch := [row for _, row in zip(range(500), rows, strict=False)]:
                batches.append(pa.RecordBatch.from_pylist(batch))
            table = pa.Table.from_batches(batches)
            parquet.write_table(table, path, row_group_size=table.num_rows, compression="none", use_dictionary=False)

        return self._made(f"one-row-group-{self.size.images}.parquet", make)

    def damage(self) -> Path:
        """Sound and damaged JPEGs, a record each in `train.jsonl`, and in `truth.json` what was done to which."""

        def make(folder: Path) -> None:
            (folder / "images").mkdir(parents=True)
            truth: dict[str, dict[str, Any]] = {}
            for number in range(self.size.sound):
                name = f"images/sound-{number:03}.jpg"
                (folder / name).write_bytes(images.sound(number))
                truth[name] = {"kind": "sound", "visible": False}
            for kind in images.DAMAGE:
                for number in range(self.size.damaged_a_kind):
                    name = f"images/{kind.replace(' ', '-')}-{number:03}.jpg"
                    data, visible = images.damaged(number, kind)
                    (folder / name).write_bytes(data)
                    truth[name] = {"kind": kind, "visible": visible}
            lines = records.lines(len(truth), "{}")
            with (folder / "train.jsonl").open("w", encoding="utf-8") as stream:
                for name, line in zip(truth, lines, strict=True):
                    stream.write(json.dumps({**json.loads(line), "image": name}) + "\n")
            (folder / "truth.json").write_text(json.dumps(truth, indent=1), encoding="utf-8")

        return self._made(f"damage-{self.size.sound}-{self.size.damaged_a_kind}", make)


def _rows(photos: Path, count: int) -> Iterator[dict[str, Any]]:
    """MultiMeditron records, an image each."""
    with (photos / "train.jsonl").open(encoding="utf-8") as lines:
        found = [json.loads(line) for line in lines]
    for number in range(count):
        record = found[number % len(found)]
        turns = [
            {"role": "user" if turn["from"] == "human" else "assistant", "content": turn["value"]}
            for turn in record["conversations"]
        ]
        turns[0]["content"] = turns[0]["content"].replace("<image>", PLACEHOLDER)
        value = {"bytes": (photos / record["image"]).read_bytes(), "path": record["image"]}
        yield {"conversations": turns, "modalities": [{"type": "image", "value": value}]}
