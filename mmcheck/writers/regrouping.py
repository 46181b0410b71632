"""Rows of Parquet files go to others as they are: in a light child process, which a file that crashes the reader takes
along, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from mmcheck.child import Child, Died, dismiss, hire
from mmcheck.errors import MmcheckError, OpenError, RequestError
from mmcheck.limits import Limits
from mmcheck.readers import parquet
from mmcheck.readers.columnar import damage
from mmcheck.readers.source import StreamError
from mmcheck.storage import known, learn
from mmcheck.writers.columnar import Parquet
from mmcheck.writers.kinds import pyarrow
from mmcheck.writers.shards import Shards

_SERVE = "mmcheck.writers.regrouping:serve"
_PART = 8 << 20


class Change(Protocol):
    """What becomes of a table before it is written."""

    @property
    def counts(self) -> Mapping[str, int]:
        """How often it did what."""

    def __call__(self, table: Any) -> Any:
        """The table as it is written."""


class Source(NamedTuple):
    """A file, the name that it goes by, and what its tables become where they do not stay as they are."""

    path: Path
    name: str
    change: Change | None = None


class Regrouped(NamedTuple):
    """How far the child is: at the source `file`, `rows` more were written; at the end of a source, what its change
    counted (`paths`), and at the end of all, which files the child `made`."""

    file: str
    rows: int = 0
    made: list[str] | None = None
    paths: Mapping[str, int] = {}


def regroup(sources: Sequence[Source], target: Path, limit: int | None) -> Iterator[Regrouped]:
    """Write the rows of all sources to `target`, or to shards of `limit` bytes beside it.

    Row groups are at most 32 MB; cells are decoded only for a change. Raises OpenError for a file that is no sound
    Parquet, or that crashes the reader, RequestError where one has other columns than the first.
    """
    child, done, sound = hire(_SERVE), Regrouped(sources[0].name), False
    try:
        child.send((sources, target, limit, known(os.fspath(source.path) for source in sources)))
        while done.made is None:
            done = child.receive()
            yield done
        sound = True
    except Died as death:
        raise OpenError(f"{done.file} was not read to its end: the process that read it {death}") from None
    except (MmcheckError, OSError):
        sound = True
        raise
    finally:
        (dismiss if sound else Child.close)(child)


def serve(message: tuple[Sequence[Source], Path, int | None, dict[str, Any]]) -> Iterator[Regrouped]:
    """What the child does: it tells of each file before it opens it, and what it wrote of it."""
    sources, target, limit, entries = message
    learn(entries)
    schema = parquet.schema(sources[0].path)
    opened = _opener(schema)
    writer = Shards(target, limit, opened, "parquet") if limit is not None else opened(target)
    for source in sources:
        yield Regrouped(source.name)
        if not parquet.schema(source.path).equals(schema):
            raise RequestError(f"{source.name} has other columns than {sources[0].name}: convert them apart")
        for table in _tables(source):
            writer.write_table(table if source.change is None else source.change(table))
            yield Regrouped(source.name, table.num_rows)
        if source.change is not None:
            yield Regrouped(source.name, paths=dict(source.change.counts))
    writer.close()
    yield Regrouped(sources[-1].name, 0, writer.files if isinstance(writer, Shards) else [target.name])


def _opener(schema: Any) -> Callable[[Path], Parquet]:
    # where values are long, a dictionary and statistics of them only cost memory
    long = [field.name for field in schema if not _short(field.type)]
    return lambda path: Parquet(path, schema, plain=long)


def _short(kind: Any) -> bool:
    types = pyarrow(".types")
    return bool(types.is_primitive(kind) or types.is_boolean(kind))


def _tables(source: Source) -> Iterator[Any]:
    """The rows of a file, about 8 MB at once."""
    pa = pyarrow()
    rows = parquet.tables(source.path, _PART, Limits())
    while True:
        try:
            batch = next(rows, None)
        except StreamError as error:
            raise OpenError(f"{source.name} cannot be read: {error.message}") from None
        except damage() as error:
            raise OpenError(f"{source.name} cannot be read: {parquet.damaged(error).message}") from None
        if batch is None:
            return
        yield pa.Table.from_batches([batch])
