"""Parquet as Parquet of other sizes: rows go from one file to the next as they are, but for paths of media."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from mmcheck import readers
from mmcheck.accounts import Account
from mmcheck.convert import relocated
from mmcheck.dataset import DataFile, Dataset
from mmcheck.recasting import Way
from mmcheck.relocating import Relocator, relocator
from mmcheck.writers import container_of
from mmcheck.writers.kinds import pyarrow
from mmcheck.writers.regrouping import Source, regroup
from mmcheck.writers.safe import replacing

_SHARD = re.compile(r"-\d{5}-of-\d{5}")


def serves(dataset: Dataset, way: Way, target: Path) -> bool:
    """Whether only sizes change: Parquet of one format, to Parquet or a folder, media as they are."""
    tables = all(readers.container(file.path).name == "parquet" for file in dataset.files)
    return way.source == way.target and way.media == "keep" and tables and container_of(target) in ("parquet", None)


def repartition(
    dataset: Dataset, target: Path, account: Account, stack: ExitStack, way: Way, media_root: Path | None
) -> None:
    """Write the rows of all files to `target`, a file or a folder; in a folder as shards of `way.shard` bytes.

    Row groups are at most 32 MB. Cells are decoded only where a path may have to lead from another folder, and only
    columns in which one has to are written anew. Raises OpenError for a file that is no sound Parquet, RequestError
    where files have other columns than the one that they would be joined to.
    """
    folder, limit = container_of(target) is None, way.shard
    home = target if folder else target.parent
    partial = stack.enter_context(replacing(target, folder=folder))
    groups: dict[str, list[DataFile]] = {}
    for file in dataset.files:
        name = _SHARD.sub("", file.file.replace("/", "-")) if folder else target.name
        groups.setdefault(name, []).append(file)
    for name, files in groups.items():
        path = partial / name if folder else partial
        sources = []
        for file in files:
            place = relocator(file.path, dataset.root, home, media_root) if way.paths != "keep" else None
            change = None if place is None else Relocated(way.target, place)
            sources.append(Source(file.path, file.file, change))
        for done in regroup(sources, path, limit):
            account.summary.read += done.rows
            account.summary.written += done.rows
            account.count_paths(done.paths)
            if done.made is not None:
                account.summary.files += done.made if limit is not None else [name]


class Relocated:
    """Changes tables of a format: their paths of media become what the target sees. `counts` are those of its place."""

    def __init__(self, name: str, place: Relocator) -> None:
        self._name, self._place = name, place
        self.counts = place.counts

    def __call__(self, table: Any) -> Any:
        """The table, with only those columns anew in which a path has moved."""
        records = table.to_pylist()
        made = [relocated(record, self._name, self._place) for record in records]
        for number, field in enumerate(table.schema):
            cells = [record.get(field.name) for record in made]
            if cells != [record[field.name] for record in records]:
                table = table.set_column(number, field, pyarrow().array(cells, field.type))
        return table
