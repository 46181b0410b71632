"""The media table meets the files: each medium is located, and each distinct one probed once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import polars as pl

from mmcheck.contracts import TABLES
from mmcheck.expression import dtype
from mmcheck.locate import Location, Locator
from mmcheck.probe import probe
from mmcheck.probe.base64 import decode as decode_base64
from mmcheck.probe.facts import Facts, Limits

Depth = Literal["none", "exists", "header", "decode"]

_LOOKED = [column for column in TABLES["media"].columns if column.depth is not None]
_ORDER: tuple[Depth, ...] = ("none", "exists", "header", "decode")


def depth_for(columns: set[str]) -> Depth:
    """The least depth that fills these columns of the media table."""
    needed = [column.depth for column in _LOOKED if column.name in columns and column.depth]
    return max(needed, key=_ORDER.index, default="none")


def reaches(depth: Depth, column: str) -> bool:
    """Whether a probe of this depth fills a column of the media table."""
    wanted = TABLES["media"].column(column)
    return wanted is None or wanted.depth is None or _ORDER.index(wanted.depth) <= _ORDER.index(depth)


@dataclass(slots=True)
class Looked:
    """One medium of the table, located and probed."""

    location: Location
    facts: Facts | None = None
    flaw: str | None = None
    loads: bool | None = None


class Prober:
    """Looks into the media of one dataset, each distinct file once."""

    def __init__(
        self,
        locator: Locator,
        depth: Depth,
        limits: Limits,
        modality: str | None,
        threads: int,
        *,
        digests: bool = False,
        keep_paths: bool = False,
    ) -> None:
        self.locator, self.depth, self.limits, self.modality = locator, depth, limits, modality
        self._facts: dict[tuple[str, str | None], Facts] = {}
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None
        self._digests = digests
        self._distinct: set[int] = set()
        self._inlined = 0
        self._keep_paths = keep_paths
        #: The files that were referred to and are there, where they are wanted.
        self.paths: set[str] = set()

    def distinct_count(self) -> int:
        """How many distinct files were referred to, and bytes brought, so far."""
        return len(self._distinct) + self._inlined

    def close(self) -> None:
        """Stop the threads."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def look(self, media: pl.DataFrame, blobs: Sequence[Any], folder: Path) -> pl.DataFrame:
        """The media table with the columns that the probe fills. `folder` is that of the annotation file."""
        if self.depth == "none":
            self._inlined += int(media["_blob"].count())
            self._distinct.update(hash(source) for source in media["source"].drop_nulls().unique())
            return media.with_columns(pl.lit(None, dtype(column.kind)).alias(column.name) for column in _LOOKED)
        rows = media.select("source", "storage", "kind", "_blob", "_name").rows()
        work = [self._locate(row, folder) for row in rows]
        if self.depth == "exists":
            looked = [self._exists(item, row, blobs) for item, row in zip(work, rows, strict=True)]
        else:
            looked = self._probe_all(work, rows, blobs)
        columns = {column.name: [] for column in _LOOKED}  # type: dict[str, list[Any]]
        for item in looked:
            for name, values in columns.items():
                values.append(_value(item, name))
        return media.with_columns(
            pl.Series(column.name, columns[column.name], dtype=dtype(column.kind)) for column in _LOOKED
        )

    def _wanted(self, kind: str | None) -> bool:
        return self.modality is None or kind == self.modality

    def _locate(self, row: tuple[Any, ...], folder: Path) -> Location | None:
        source, storage, kind, _, _ = row
        if storage in ("bytes", "base64"):
            self._inlined += 1
            return None
        if storage == "null" or source == "":
            return Location()
        if not self._wanted(kind):
            self._distinct.add(hash(source))
            return None
        location = self.locator.locate(source, folder, is_id=storage == "id", kind=kind)
        self._distinct.add(hash(location.path or source))
        if self._keep_paths and location.path is not None:
            self.paths.add(location.path)
        return location

    def _exists(self, location: Location | None, row: tuple[Any, ...], blobs: Sequence[Any]) -> Looked:
        if location is None:
            size = len(blobs[row[3]]) if row[3] is not None else None
            return Looked(Location(found=None if size is None else True), Facts(bytes=size))
        if location.path is None:
            return Looked(location)
        try:
            return Looked(location, Facts(bytes=os.stat(location.path).st_size))
        except OSError:
            return Looked(location)

    def _probe_all(
        self, work: Sequence[Location | None], rows: Sequence[tuple[Any, ...]], blobs: Sequence[Any]
    ) -> list[Looked]:
        fresh: dict[tuple[str, str | None], None] = {}
        for location, row in zip(work, rows, strict=True):
            if location is not None and location.path is not None:
                fresh[(location.path, row[2])] = None
        todo = [key for key in fresh if key not in self._facts]
        if len(self._facts) > 300_000:  # bounded: what is forgotten is probed again
            self._facts.clear()
            todo = list(fresh)
        found = self._map(lambda key: self._probe(Path(key[0]), key[1], None), todo)
        self._facts.update(zip(todo, found, strict=True))
        inline = [number for number, row in enumerate(rows) if row[3] is not None and self._wanted(row[2])]
        probed = dict(zip(inline, self._map(lambda number: self._inline(rows[number], blobs), inline), strict=True))
        looked = []
        for number, (location, row) in enumerate(zip(work, rows, strict=True)):
            if number in probed:
                looked.append(probed[number])
            elif location is None:
                looked.append(Looked(Location()))
            else:
                facts = self._facts[(location.path, row[2])] if location.path is not None else None
                looked.append(Looked(location, facts))
        return looked

    def _map(self, function: Any, items: Sequence[Any]) -> list[Any]:
        if self._pool is None or len(items) < 2:
            return [function(item) for item in items]
        return list(self._pool.map(function, items))

    def _probe(self, source: Path | bytes, kind: str | None, name: str | None) -> Facts:
        facts = probe(source, kind=kind, name=name, depth=_probe_depth(self.depth), limits=self.limits)
        return replace(facts, digest=_digest(source)) if self._digests and facts.defect is None else facts

    def _inline(self, row: tuple[Any, ...], blobs: Sequence[Any]) -> Looked:
        _, storage, kind, number, name = row
        data = blobs[number]
        flaw, loads = None, None
        if storage == "base64":
            decoded = decode_base64(data)
            flaw, loads = decoded.flaw, decoded.loads
            if decoded.data is None:
                return Looked(Location(found=True), Facts(bytes=0 if flaw == "empty" else None), flaw, loads)
            data = decoded.data
        return Looked(Location(found=True), self._probe(data, kind, name), flaw, loads)


def _digest(source: Path | bytes) -> str | None:
    if not isinstance(source, Path):
        return hashlib.blake2b(source, digest_size=16).hexdigest()
    try:
        with source.open("rb") as stream:
            return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError:
        return None


def _probe_depth(depth: Depth) -> Literal["header", "decode"]:
    return "decode" if depth == "decode" else "header"


def _partly(facts: Facts) -> bool:
    """Whether the probe gave up before the end of a long medium, and says so."""
    return facts.defect is None and not facts.decoded and facts.detail is not None


_OF_LOCATION = frozenset(("absolute", "escapes", "in_parent", "skipped", "found"))


def _value(looked: Looked, name: str) -> Any:
    facts = looked.facts
    if name == "skipped" and facts is not None and (facts.defect == "unsupported" or _partly(facts)):
        return facts.detail or "not supported"
    if name in _OF_LOCATION:
        return getattr(looked.location, name)
    if name == "base64_flaw":
        return looked.flaw
    if name == "base64_loads":
        return looked.loads
    if facts is None:
        return None
    if name == "pixels":
        return facts.width * facts.height if facts.width is not None and facts.height is not None else None
    return getattr(facts, name)
