"""Parquet as Parquet of other sizes: rows go from one file to the next as they are, but for paths of media."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from mmcheck import readers
from mmcheck.accounts import Account
from mmcheck.convert import relocated
from mmcheck.dataset import DataFile, Dataset
from mmcheck.errors import OpenError, RequestError
from mmcheck.recasting import Way
from mmcheck.relocating import Relocator, relocator
from mmcheck.writers import container_of
from mmcheck.writers.columnar import Parquet, pyarrow
from mmcheck.writers.safe import replacing
from mmcheck.writers.shards import Shards

_PART = 8 << 20
_BUFFER = 1 << 20
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
        opened = _opener(_schema(files[0]))
        writer = Shards(path, limit, opened, "parquet") if limit is not None else opened(path)
        for file in files:
            if not _schema(file).equals(_schema(files[0])):
                raise RequestError(f"{file.file} has other columns than {files[0].file}: convert them apart")
            place = relocator(file.path, dataset.root, home, media_root) if way.paths != "keep" else None
            for table in _tables(file):
                account.summary.read += table.num_rows
                writer.write_table(table if place is None else _relocated(table, way.target, place))
                account.summary.written += table.num_rows
            if place is not None:
                account.count_paths(place.counts)
        writer.close()
        account.summary.files += writer.files if isinstance(writer, Shards) else [name]


def _relocated(table: Any, name: str, place: Relocator) -> Any:
    """A table of a format with paths as the target sees them."""
    records = table.to_pylist()
    made = [relocated(record, name, place) for record in records]
    for number, field in enumerate(table.schema):
        cells = [record.get(field.name) for record in made]
        if cells != [record[field.name] for record in records]:
            table = table.set_column(number, field, pyarrow().array(cells, field.type))
    return table


def _opener(schema: Any) -> Callable[[Path], Parquet]:
    # where values are long, a dictionary and statistics of them only cost memory
    long = [field.name for field in schema if not _short(field.type)]
    return lambda path: Parquet(path, schema, plain=long)


def _short(kind: Any) -> bool:
    types = pyarrow(".types")
    return bool(types.is_primitive(kind) or types.is_boolean(kind))


def _schema(file: DataFile) -> Any:
    try:
        return pyarrow(".parquet").read_schema(file.path)
    except (OSError, pyarrow().ArrowException) as error:
        raise OpenError(f"{file.file} cannot be read: {str(error).splitlines()[0]}") from None


def _tables(file: DataFile) -> Iterator[Any]:
    """The rows of a file, about 8 MB at once."""
    pa = pyarrow()
    try:
        with pyarrow(".parquet").ParquetFile(file.path, pre_buffer=False, buffer_size=_BUFFER) as source:
            groups = [source.metadata.row_group(number) for number in range(source.metadata.num_row_groups)]
            size = sum(group.total_byte_size for group in groups)
            rows = max(1, min(10_000, _PART * source.metadata.num_rows // max(1, size)))
            for batch in source.iter_batches(rows):
                yield pa.Table.from_batches([batch], source.schema_arrow)
    except (OSError, pa.ArrowException) as error:
        raise OpenError(f"{file.file} cannot be read: {str(error).splitlines()[0]}") from None
