"""The other ways to look at a dataset, each as somebody who knows the library writes it.

    python -m benchmarks.rivals NAME PATH

Each is run in a process of its own and prints what it saw as JSON: `records`, `media`, `bad`, …
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

SCHEMAS = Path(__file__).resolve().parent.parent / "schemas"
PLACEHOLDER = "<|reserved_special_token_0|>"
ROLES = ("human", "gpt", "user", "assistant", "system")
Seen = dict[str, Any]


def json_loads(path: Path) -> Seen:
    """The loop that everybody writes."""
    records = 0
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            json.loads(line)
            records += 1
    return {"records": records}


def json_exists(path: Path) -> Seen:
    """The same, and whether the image is there."""
    records = media = 0
    root = str(path.parent)
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            records += 1
            media += os.path.exists(os.path.join(root, record["image"]))
    return {"records": records, "media": media}


def _valid(path: Path) -> Iterator[dict[str, Any]]:
    """The records that a compiled validator accepts."""
    from jsonschema import Draft202012Validator

    valid = Draft202012Validator(json.loads((SCHEMAS / "llava" / "1.json").read_text())).is_valid
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            if valid(record):
                yield record


def jsonschema_loop(path: Path) -> Seen:
    """A loop with a compiled validator."""
    return {"records": sum(1 for _ in _valid(path))}


def _each_image(path: Path, look: Callable[[str], None]) -> Seen:
    records, bad, seen, root = 0, 0, set(), str(path.parent)
    for record in _valid(path):
        records += 1
        image = record["image"]
        if image not in seen:
            seen.add(image)
            try:
                look(os.path.join(root, image))
            except Exception:
                bad += 1
    return {"records": records, "media": len(seen), "bad": bad}


def jsonschema_pillow_verify(path: Path) -> Seen:
    """The same, and Pillow's `verify` for every distinct image."""
    return _each_image(path, _verify)


def jsonschema_pillow_load(path: Path) -> Seen:
    """The same, and Pillow's full decode of every distinct image."""
    return _each_image(path, _load)


def _open(path: str) -> None:
    from PIL import Image

    with Image.open(path) as image:
        image.size  # noqa: B018


def _verify(path: str) -> None:
    from PIL import Image

    with Image.open(path) as image:
        image.verify()


def _load(path: str) -> None:
    from PIL import Image

    with Image.open(path) as image:
        image.load()


def _strict(path: str) -> None:
    """An eighth of the size in grey, at which entropy decoding is most of the work; warnings raise."""
    from simplejpeg import decode_jpeg

    with open(path, "rb") as stream:
        decode_jpeg(stream.read(), "GRAY", min_height=1, min_width=1, strict=True)


def _images(path: Path) -> list[str]:
    return sorted(entry.path for entry in os.scandir(path.parent / "images"))


def image_open(path: Path) -> Seen:
    """The headers alone, by Pillow."""
    names = _images(path)
    for name in names:
        _open(name)
    return {"media": len(names)}


def simplejpeg_loop(path: Path) -> Seen:
    """Nothing but decoding, by two threads."""
    names = _images(path)
    import simplejpeg  # noqa: F401  before the threads ask for it

    with ThreadPoolExecutor(2) as pool:
        for _ in pool.map(_strict, names, chunksize=32):
            pass
    return {"media": len(names)}


def _found(path: Path, look: Callable[[str], None]) -> Seen:
    found = []
    for name in _images(path):
        try:
            look(name)
        except Exception:
            found.append(f"images/{Path(name).name}")
    return {"found": found}


def found_by_verify(path: Path) -> Seen:
    """The images that Pillow's `verify` refuses."""
    return _found(path, _verify)


def found_by_load(path: Path) -> Seen:
    """The images that Pillow does not decode."""
    return _found(path, _load)


def found_by_simplejpeg(path: Path) -> Seen:
    """The images that simplejpeg in strict mode refuses."""
    return _found(path, _strict)


def _map(path: Path, processes: int | None) -> Seen:
    from datasets import disable_progress_bars, load_from_disk

    disable_progress_bars()
    rows = load_from_disk(str(path))
    # keep_in_memory and remove_columns: `map` writes the images again otherwise
    judged = rows.map(
        _judge, num_proc=processes, remove_columns=rows.column_names, keep_in_memory=True, load_from_cache_file=False
    )
    return {"records": len(judged), "media": sum(judged["media"]), "bad": sum(judged["bad"])}


def _judge(row: dict[str, Any]) -> dict[str, Any]:
    import io

    from PIL import Image

    turns, modalities = row["conversations"], row["modalities"]
    bad = sum(turn["content"].count(PLACEHOLDER) for turn in turns) != len(modalities)
    for turn in turns:
        bad |= turn["role"] not in ROLES or not turn["content"].strip()
    for modality in modalities:
        try:
            with Image.open(io.BytesIO(modality["value"]["bytes"])) as image:
                image.load()
        except Exception:
            bad = True
    return {"bad": bool(bad), "media": len(modalities)}


def datasets_map(path: Path) -> Seen:
    """`datasets.map`: number of placeholders, roles, texts, and Pillow's full decode."""
    return _map(path, None)


def datasets_map_2(path: Path) -> Seen:
    """The same in two processes."""
    return _map(path, 2)


def pandera_rule(path: Path) -> Seen:
    """Known roles and texts that are not empty, by pandera over a Polars frame of turns."""
    import pandera.polars as pa
    import polars as pl

    turn = pl.List(pl.Struct({"from": pl.String, "value": pl.String}))
    frame = pl.read_ndjson(path, schema={"conversations": turn})
    turns = frame.explode("conversations").unnest("conversations")
    schema = pa.DataFrameSchema(
        {
            "from": pa.Column(str, pa.Check.isin(ROLES)),
            "value": pa.Column(str, pa.Check(lambda data: data.lazyframe.select(pl.col(data.key).str.contains(r"\S")))),
        }
    )
    schema.validate(turns, lazy=True)
    return {"records": frame.height}


def pyarrow_json(path: Path) -> Seen:
    """Reading alone, by pyarrow with its own threads. Judges nothing."""
    from pyarrow import json as reader

    return {"records": reader.read_json(path, reader.ReadOptions(block_size=16 << 20)).num_rows}


def pyarrow_stream(path: Path) -> Seen:
    """Reading alone: every batch of the Arrow files. Judges nothing."""
    import pyarrow as pa

    records = 0
    for file in sorted(path.glob("data-*.arrow")):
        with pa.OSFile(str(file)) as source, pa.ipc.open_stream(source) as stream:
            records += sum(batch.num_rows for batch in stream)
    return {"records": records}


def pyarrow_parquet(path: Path) -> Seen:
    """Reading alone, in batches of 100 rows, without holding the row group. Judges nothing."""
    from pyarrow import parquet

    with parquet.ParquetFile(path, pre_buffer=False) as file:
        return {"records": sum(batch.num_rows for batch in file.iter_batches(100))}


RIVALS: dict[str, Callable[[Path], Seen]] = {
    each.__name__: each
    for each in (
        json_loads,
        json_exists,
        jsonschema_loop,
        jsonschema_pillow_verify,
        jsonschema_pillow_load,
        image_open,
        simplejpeg_loop,
        found_by_verify,
        found_by_load,
        found_by_simplejpeg,
        datasets_map,
        datasets_map_2,
        pandera_rule,
        pyarrow_json,
        pyarrow_stream,
        pyarrow_parquet,
    )
}

if __name__ == "__main__":
    print(json.dumps(RIVALS[sys.argv[1]](Path(sys.argv[2]))))
