"""Reads Arrow IPC streams and files through a map of the file, whose pages are given back batch by batch."""

from __future__ import annotations

import contextlib
import mmap
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

from mmcheck.errors import OpenError
from mmcheck.limits import Limits
from mmcheck.readers.batch import Batch, Fault, Part
from mmcheck.readers.buffer_sizes import MAGIC, Counted, buffer_sizes
from mmcheck.readers.columnar import ROW, Pages, batches, damage, named, pyarrow
from mmcheck.readers.source import BLOCK, Expansion, StreamError, open_file
from mmcheck.storage import RemotePath

#: Rows from which on a batch is large enough, where media stay in the file.
_ROWS = 1_000


def read(
    path: Path,
    block: int = BLOCK,
    limits: Limits = Limits(),  # noqa: B008  # frozen
    part: Part | None = None,
    stored: bool = False,
) -> Iterator[Batch]:
    """The rows of all record batches, or those of a part; what stands before a damaged place is read.

    With `stored`, large binary cells stay in the file where that is possible.
    """
    row = held = 0
    unfolds, claims = (Expansion(path.stat().st_size, limits) for _ in range(2))
    rest = Batch()
    with open_file(path) as file, _opened(path, file, claims) as (source, mapped):
        try:
            _bounded(mapped, claims)
            pages = Pages(path, mapped) if stored and mapped is not None else None
            tables = _tables(source, mapped)
            for table in tables if part is None else islice(tables, part.start, part.stop):
                table.validate()
                unfolds.add(table.nbytes + ROW * table.num_rows)
                held += table.nbytes
                for batch in batches(table, row, block, limits.max_line_bytes, pages):
                    rest.rows += batch.rows
                    rest.values += batch.values
                    rest.faults += batch.faults
                    if pages is None or len(rest.rows) >= _ROWS or held - pages.left >= block:
                        yield rest
                        rest, held = Batch(), pages.left if pages is not None else 0
                    _give_back(mapped)
                row += table.num_rows
                del table
        except StreamError as error:
            rest.faults.append(Fault("MM002", error.message, hint=error.hint))
        except damage() as error:
            rest.faults.append(damaged(error, row))
    if rest.rows or rest.faults:
        yield rest
    elif not row and part is None:
        yield Batch(faults=[Fault("MM003", "the file holds no record", hint="write it again or fetch it again")])


def sizes(path: Path) -> list[int]:
    """The bytes of each record batch; none where the file is damaged, or far away: it would be fetched for that."""
    found: list[int] = []
    if isinstance(path, RemotePath):
        return found
    claims = Expansion(path.stat().st_size, Limits())
    try:
        with open_file(path) as file, _opened(path, file, claims) as (source, pages):
            _bounded(pages, claims)
            for table in _tables(source, pages):
                found.append(table.nbytes)
                _give_back(pages)
                del table
    except StreamError:
        return []
    except damage():
        return []
    return found


def schema(path: Path) -> Any:
    """The columns as pyarrow has them. Raises OpenError where the file is missing or damaged."""
    claims = Expansion(path.stat().st_size, Limits())
    try:
        with open_file(path) as file, _opened(path, file, claims) as (source, pages), _reader(source, pages) as reader:
            return named(reader.schema)
    except damage() as error:
        raise OpenError(f"{path} cannot be read: {damaged(error).message}") from None


def damaged(error: Exception, row: int = 0) -> Fault:
    """The fault of a file that pyarrow refuses, after `row` rows."""
    words = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
    after = f" after {row} rows" if row else ""
    hint = "the file was not written or copied to its end: write it again or fetch it again"
    return Fault("MM003", f"the Arrow file is damaged{after}: {words}", hint=hint)


def _bounded(pages: mmap.mmap | None, claims: Expansion) -> None:
    """Look at what the buffers say they unfold to, before any is unfolded. Raises StreamError where it is too much."""
    for size in buffer_sizes(pages) if pages is not None else ():
        claims.add(size)
    _give_back(pages)


@contextlib.contextmanager
def _opened(path: Path, file: IO[bytes], claims: Expansion) -> Iterator[tuple[Any, mmap.mmap | None]]:
    """The file as pyarrow reads it, and its pages; what is remote has none, and is read on and on, and counted so."""
    pa = pyarrow()
    if isinstance(path, RemotePath):
        yield pa.PythonFile(Counted(file, claims.add), mode="r"), None
        return
    with _mapped(path, file.fileno()) as pages:
        yield pa.BufferReader(pa.py_buffer(pages)), pages


@contextlib.contextmanager
def _mapped(path: Path, descriptor: int) -> Iterator[mmap.mmap]:
    try:
        pages = mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
    except ValueError:  # it held something when its container was told
        raise OpenError(f"{path} has become empty: check it again when nobody writes to it") from None
    try:
        yield pages
    finally:
        # Arrow buffers still point into the map where an exception keeps them alive; it then goes with them.
        with contextlib.suppress(BufferError):
            pages.close()


def _reader(source: Any, pages: mmap.mmap | None) -> Any:
    ipc = pyarrow(".ipc")
    return ipc.open_file(source) if pages is not None and pages[: len(MAGIC)] == MAGIC else ipc.open_stream(source)


def _tables(source: Any, pages: mmap.mmap | None) -> Iterator[Any]:
    with _reader(source, pages) as reader:
        if isinstance(reader, pyarrow(".ipc").RecordBatchFileReader):
            for index in range(reader.num_record_batches):
                yield reader.get_batch(index)
        else:
            yield from reader


def _give_back(pages: mmap.mmap | None) -> None:
    """Mapped pages count as this process's memory until they are given back; they can be read again at any time."""
    if pages is not None and hasattr(mmap, "MADV_DONTNEED"):
        pages.madvise(mmap.MADV_DONTNEED)
