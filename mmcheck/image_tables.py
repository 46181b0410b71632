"""Tables of images by id: images.json to Parquet partitions and back, and partitions of another size."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import yaml

from mmcheck import readers
from mmcheck.accounts import Account, Rejected
from mmcheck.dataset import DataFile, Dataset
from mmcheck.errors import RequestError
from mmcheck.writers import container_of
from mmcheck.writers.columnar import Parquet
from mmcheck.writers.kinds import pyarrow
from mmcheck.writers.safe import replacing
from mmcheck.writers.text import JsonArray

PARTITION = 2_000_000_000
"""How many bytes a partition has at most: the document's 2 GB."""
INDEX = "__index_level_0__"
"""The column in which pandas keeps an index without a name."""

_ROLES = ("images", "legacy_images")
_BATCH = 8 << 20


def only_images(dataset: Dataset) -> bool:
    """Whether a dataset is images by id, and nothing else."""
    return bool(dataset.files) and all(file.role in _ROLES for file in dataset.files)


def repack(dataset: Dataset, target: Path, account: Account, stack: ExitStack, shard: int | None) -> None:
    """Write images to `target`: images.json, one Parquet file, or a folder of partitions `part.0.parquet`, …

    A second image of one id, and a null, are rejected; payloads are carried as they are.
    """
    container = container_of(target)
    rows = _rows(dataset, account)
    if container == "json":
        writer = JsonArray(stack.enter_context(replacing(target)), key="")
        for batch in rows:
            for name, text in batch:
                writer.write_member(name, text)
            account.summary.written += len(batch)
        writer.close()
        account.summary.files.append(target.name)
    elif container in ("parquet", None):
        limit = shard or (PARTITION if container is None else None)
        if container and shard:
            raise RequestError(f"--shard-size makes partitions: name a folder, not {target.name}")
        folder = container is None
        partial = stack.enter_context(replacing(target, folder=folder))
        _partitions(rows, partial, account, limit, folder)
        if not folder:
            account.summary.files.append(target.name)
        else:
            _entry(dataset, target, stack, account)
    else:
        raise RequestError(
            f"images are kept in .json or .parquet files, or a folder of partitions, not in {target.suffix}"
        )


def _entry(dataset: Dataset, target: Path, stack: ExitStack, account: Account) -> None:
    """Write TARGET.yaml, a data YAML that names the partitions, where the instructions are beside the source."""
    found = sorted(dataset.root.glob("*instructions*.json"))
    if len(found) != 1:
        return
    instructions = os.path.relpath(found[0], os.path.abspath(target.parent))
    entry = {"mimicit_path": instructions, "images_path": target.name, "num_samples": -1}
    name = re.sub(r"[^A-Za-z0-9]+", "_", target.name)
    path = target.with_name(target.name + ".yaml")
    if path.exists():
        return
    partial = stack.enter_context(replacing(path))
    partial.write_text(yaml.safe_dump({"IMAGE_TEXT": {name: entry}}, sort_keys=False, allow_unicode=True), "utf-8")
    account.summary.files.append("../" + path.name)


def _rows(dataset: Dataset, account: Account) -> Iterator[list[tuple[str, str]]]:
    """Ids and payloads, in batches; each id once."""
    seen: set[int] = set()
    for file in dataset.files:
        for batch in readers.read(file.path, file.at, block=_BATCH):
            for fault in batch.faults:
                account.summary.read += fault.row is not None
                account.reject(Rejected(file.file, fault.row, fault.line, fault.message, fault.value))
            account.summary.read += len(batch.rows)
            made = []
            for number, record in enumerate(batch.values):
                name, text = _pair(file, batch, number, record)
                reason = _reason(name, text, seen)
                if reason is not None:
                    told = {"id": name, "base64": text}
                    account.reject(Rejected(file.file, batch.rows[number], None, reason, told))
                else:
                    seen.add(hash(name))
                    made.append((name, text))
            if made:
                yield made


def _pair(file: DataFile, batch: readers.Batch, number: int, record: Any) -> tuple[Any, Any]:
    if file.role == "legacy_images":
        return (batch.keys[number] if batch.keys else None), record
    if not isinstance(record, dict):
        return None, None
    index = readers.facts(file.path).get("pandas_index")
    names = [index] if isinstance(index, str) and index in record else [key for key in record if key != "base64"]
    return (record.get(names[0]) if names else None), record.get("base64")


def _reason(name: Any, text: Any, seen: set[int]) -> str | None:
    if not isinstance(name, str):
        return "the image has no id: the table has no string index"
    if not isinstance(text, str):
        return "the image is null"
    # the hash of a long set of ids takes a tenth of the ids; a false alarm is one in 10^19 pairs, and is told
    return "an image of this id stands before" if hash(name) in seen else None


def _partitions(
    rows: Iterator[list[tuple[str, str]]], path: Path, account: Account, limit: int | None, folder: bool
) -> None:
    schema = _schema()
    number, size = 0, 0
    writer: Parquet | None = None
    for batch in rows:
        for part in _cut(batch, limit):
            length = sum(len(name) + len(text) for name, text in part)
            if writer is None or (limit is not None and size and size + length > limit * 0.98):
                if writer is not None:
                    writer.close()
                name = f"part.{number}.parquet"
                writer, number, size = Parquet(path / name if folder else path, schema, plain=["base64"]), number + 1, 0
                if folder:
                    account.summary.files.append(name)
            writer.write([{"base64": text, INDEX: name} for name, text in part])
            size += length
            account.summary.written += len(part)
    if writer is None:
        writer = Parquet(path / "part.0.parquet" if folder else path, schema)
    writer.close()


def _cut(batch: list[tuple[str, str]], limit: int | None) -> Iterator[list[tuple[str, str]]]:
    """Pieces of a batch that fit a small partition."""
    if limit is None or limit > 4 * _BATCH:
        yield batch
    else:
        yield from ([pair] for pair in batch)


def _schema() -> Any:
    """Two columns of text, and what pandas needs to take the ids for the index."""
    pa = pyarrow()
    column = {"pandas_type": "unicode", "numpy_type": "object", "metadata": None}
    pandas = {
        "index_columns": [INDEX],
        "column_indexes": [{"name": None, "field_name": None, **column, "metadata": {"encoding": "UTF-8"}}],
        "columns": [
            {"name": "base64", "field_name": "base64", **column},
            {"name": None, "field_name": INDEX, **column},
        ],
        "creator": {"library": "pyarrow", "version": pa.__version__},
        "pandas_version": "2.0.0",
    }
    return pa.schema([("base64", pa.string()), (INDEX, pa.string())], metadata={"pandas": json.dumps(pandas)})


def bytes_of(text: str) -> int:
    """A size such as `500MB`, `2GB` or `1048576` in bytes. Raises RequestError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kKMG]?)i?[bB]?", text.strip())
    if found is None:
        raise RequestError(f"{text!r} is no size: write 500MB, 2GB or a number of bytes")
    size = int(float(found[1]) * {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9}[found[2]])
    if size < 1:
        raise RequestError(f"{text!r} is no size: a shard has at least one byte")
    return size
