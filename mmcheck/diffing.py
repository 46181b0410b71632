"""The story of a comparison: two datasets → records side by side → classes of difference, counted, with examples."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from mmcheck import readers
from mmcheck.dataset import Dataset, open_dataset
from mmcheck.differences import CLASSES, Digest, differences, passed_over
from mmcheck.errors import RequestError
from mmcheck.listing import near, readable

EXAMPLES = 5
"""How many examples of each class are kept."""

_ENCODER = msgspec.json.Encoder()


@dataclass(slots=True)
class Difference:
    """What two datasets have apart. A record may differ in several classes; `different` counts it once."""

    first: int = 0
    second: int = 0
    same: int = 0
    different: int = 0
    only_first: int = 0
    only_second: int = 0
    unreadable: int = 0
    classes: dict[str, int] = field(default_factory=dict)
    examples: list[dict[str, Any]] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 where the datasets are the same, else 1."""
        return 1 if self.different or self.only_first or self.only_second or self.unreadable else 0

    def to_dict(self) -> dict[str, Any]:
        """The comparison as JSON."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def diff(
    first: str | Path,
    second: str | Path,
    *,
    format: str | None = None,
    format_path: Sequence[str | Path] = (),
    ignore: Sequence[str] = (),
    normalize: Sequence[str] = (),
    media: bool = True,
) -> Difference:
    """Compare two datasets of one format, record by record: by id, the k-th of an id with the k-th, else by position.

    `ignore` names fields of the record that are not compared, `normalize` classes that count as same (ids,
    whitespace, key-order, missing-keys, turn-keys, media-paths, numbers). `media` compares files by their content.
    `format_path` are folders of formats of the user's own.
    """
    one, other = (open_dataset(path, format=format, format_path=format_path) for path in (first, second))
    if one.format.name != other.format.name:
        raise RequestError(
            f"{first} is {one.format.name}, {second} is {other.format.name}: convert one of them, or name --format"
        )
    found = Difference()
    over = passed_over(normalize)
    digest = _digests(one.root, other.root) if media and one.root != other.root else None
    waiting: tuple[dict[Any, Any], dict[Any, Any]] = ({}, {})
    for key, side, place, record in _both(one, other, found):
        mine, theirs = waiting[side], waiting[1 - side]
        if key not in theirs:
            mine[key] = (place, record)
            continue
        left, right = ((place, record), theirs.pop(key))[:: 1 if side == 0 else -1]
        _pair(found, left, right, ignore, over, digest)
    found.only_first, found.only_second = (len(rest) for rest in waiting)
    for name, rest in zip(("only in the first", "only in the second"), waiting, strict=True):
        for place, _ in list(rest.values())[:EXAMPLES]:
            found.examples.append({"class": name, **place})
    return found


def _pair(
    found: Difference, left: Any, right: Any, ignore: Sequence[str], over: frozenset[str], digest: Digest | None
) -> None:
    (place, one), (_, other) = left, right
    if ignore and isinstance(one, dict) and isinstance(other, dict):
        one, other = ({key: value for key, value in each.items() if key not in ignore} for each in (one, other))
    if digest is None and _ENCODER.encode(one) == _ENCODER.encode(other):
        found.same += 1
        return
    classes = {name: at for name, at in differences(one, other, digest).items() if name not in over}
    if not classes:
        found.same += 1
        return
    found.different += 1
    for name in sorted(classes, key=CLASSES.index):
        found.classes[name] = found.classes.get(name, 0) + 1
        if found.classes[name] <= EXAMPLES:
            at = classes[name]
            values = {"first": _shown(one, at), "second": _shown(other, at)}
            found.examples.append({"class": name, **place, "pointer": at, **values})


def _shown(record: Any, pointer: str) -> Any:
    """The value at a pointer, cut short; None where there is none."""
    for step in pointer.split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        try:
            record = record[int(step)] if isinstance(record, list) else record[step]
        except (KeyError, IndexError, TypeError, ValueError):
            return None
    if isinstance(record, bytes):
        return f"{len(record)} bytes"
    text = _ENCODER.encode(record).decode()
    return text if len(text) <= 80 else text[:79] + "…"


def _both(one: Dataset, other: Dataset, found: Difference) -> Iterator[tuple[Any, int, dict[str, Any], Any]]:
    """The records of both, a batch of one and a batch of the other, so that few of them have to wait."""
    sides = [_records(one, found, 0), _records(other, found, 1)]
    live = [0, 1]
    while live:
        for side in list(live):
            batch = next(sides[side], None)
            if batch is None:
                live.remove(side)
            else:
                yield from batch


def _records(dataset: Dataset, found: Difference, side: int) -> Iterator[list[tuple[Any, int, dict[str, Any], Any]]]:
    seen: dict[str, int] = {}
    for file in dataset.files:
        if file.role != "samples" and any(each.role == "samples" for each in dataset.files):
            continue
        for batch in readers.read(file.path, file.at):
            found.unreadable += len(batch.faults)
            made = []
            for number, (row, record) in enumerate(zip(batch.rows, batch.values, strict=True)):
                name = batch.keys[number] if batch.keys else record.get("id") if isinstance(record, dict) else None
                key = str(name) if isinstance(name, str | int) else ""
                # records without an id, or with one id, are told apart by their order
                seen[key] = seen.get(key, 0) + 1
                made.append(((key, seen[key]), side, {"file": file.file, "row": row, "id": name}, record))
            if side == 0:
                found.first += len(made)
            else:
                found.second += len(made)
            yield made


def _digests(first: Path, second: Path) -> Digest:
    roots = (first, second)

    @lru_cache(1 << 16)
    def digest(source: str, side: int) -> str | None:
        path = Path(os.path.normpath(roots[side] / source))
        inside = any(path.is_relative_to(folder) for folder in near(roots[side]))
        if "\0" in source or not inside or not readable(path, near(roots[side])) or not path.is_file():
            return None
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "blake2b").hexdigest()

    return digest
