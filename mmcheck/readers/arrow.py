"""Reads Arrow IPC streams and files through a map of the file, whose pages are given back batch by batch."""

from __future__ import annotations

import contextlib
import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmcheck.limits import Limits
from mmcheck.readers.batch import Batch, Fault
from mmcheck.readers.columnar import batches, damage, pyarrow
from mmcheck.readers.source import BLOCK, Expansion, StreamError, open_file

_FILE_MAGIC = b"ARROW1"


def read(path: Path, block: int = BLOCK, limits: Limits = Limits()) -> Iterator[Batch]:  # noqa: B008  # frozen
    """The rows of all record batches; what stands before a damaged place is read."""
    row = 0
    unfolds = Expansion(path.stat().st_size, limits)
    with open_file(path) as file, _mapped(file.fileno()) as pages:
        try:
            for table in _tables(pages):
                table.validate()
                unfolds.add(table.nbytes)
                for batch in batches(table, row, block):
                    yield batch
                    _give_back(pages)
                row += table.num_rows
                del table
        except StreamError as error:
            yield Batch(faults=[Fault("MM002", error.message, hint=error.hint)])
            return
        except damage() as error:
            hint = "the file was not written or copied to its end: write it again or fetch it again"
            words = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
            after = f" after {row} rows" if row else ""
            yield Batch(faults=[Fault("MM003", f"the Arrow file is damaged{after}: {words}", hint=hint)])
            return
    if not row:
        yield Batch(faults=[Fault("MM003", "the file holds no record", hint="write it again or fetch it again")])


@contextlib.contextmanager
def _mapped(descriptor: int) -> Iterator[mmap.mmap]:
    pages = mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
    try:
        yield pages
    finally:
        # Arrow buffers still point into the map where an exception keeps them alive; it then goes with them.
        with contextlib.suppress(BufferError):
            pages.close()


def _tables(pages: mmap.mmap) -> Iterator[Any]:
    pa, ipc = pyarrow(), pyarrow(".ipc")
    source = pa.BufferReader(pa.py_buffer(pages))
    if pages[: len(_FILE_MAGIC)] == _FILE_MAGIC:
        with ipc.open_file(source) as reader:
            for index in range(reader.num_record_batches):
                yield reader.get_batch(index)
    else:
        with ipc.open_stream(source) as reader:
            yield from reader


def _give_back(pages: mmap.mmap) -> None:
    """Mapped pages count as this process's memory until they are given back; they can be read again at any time."""
    if hasattr(mmap, "MADV_DONTNEED"):
        pages.madvise(mmap.MADV_DONTNEED)
