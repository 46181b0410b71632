"""What stands for a record's content: its bytes, and hashes of them, for copies and for fingerprints."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import polars as pl
import xxhash

from mmcheck.readers.batch import BINARY, Batch, Stored


def _bytes_of(value: Any) -> bytes:
    return msgspec.json.encode(value, enc_hook=str)


def cell_digest(cell: Any) -> str:
    """What stands for a binary cell; media have many megabytes."""
    return cell.digest if isinstance(cell, Stored) else xxhash.xxh3_128_hexdigest(cell)


def _record_bytes(batch: Batch, number: int) -> bytes:
    """The bytes that stand for a record's content: its own where the storage has them, else made from its value."""
    raw = batch.raw(number)
    if raw is not None:
        return raw
    if batch.shown is not None:
        return _bytes_of(batch.shown[number])
    return _bytes_of(_digested(batch.values[number]))


#: Values that stand for themselves; asked here, so that most of a record's values cost no call.
_PLAIN = frozenset((int, float, bool, type(None)))


def _digested(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: each if each.__class__ in _PLAIN else _digested(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_digested(element) for element in value]
    if value.__class__ is str and value.isascii():
        return value
    if isinstance(value, BINARY):
        return cell_digest(value)
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def record_digest(batch: Batch, number: int) -> str:
    return hashlib.blake2b(_record_bytes(batch, number), digest_size=16).hexdigest()


def content_column(batch: Batch) -> pl.Series:
    """The text that stands for each record's content."""
    if batch.columns is not None:
        return batch.columns.lines.series("_content")
    texts = batch.raws
    if texts is None:
        texts = [_record_bytes(batch, number) for number in range(len(batch.rows))]
    return pl.Series("_content", texts, dtype=pl.Binary).cast(pl.String)  # it was read as JSON, and so is UTF-8
