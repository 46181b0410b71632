"""One medium while it is looked at: its bytes, wherever they are, read no more than needed."""

from __future__ import annotations

import io
import mmap
import os
import shutil
import stat
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, cast

from mmcheck.probe.containers import CONTAINERS, suffix_fits
from mmcheck.probe.facts import Depth, Facts, Limits
from mmcheck.probe.sniff import HEAD
from mmcheck.storage import RemotePath

#: Files up to this many bytes are read when they are opened.
READ_AT_ONCE = 4 << 20
#: How many bytes are fetched of remote media to see their header: what most headers are, and no more than needed.
FETCHED = 16 << 10
#: Files up to this many bytes are read, larger ones mapped: a map costs more to set up than a small read.
READ_WHOLE = 32 << 20

Bytes = bytes | memoryview


class NotAFile(Exception):
    """The path names a directory, a pipe, a device: something that must not even be opened."""


class Medium:
    """A source of bytes with what was asked about it. Use as a context manager: it holds a file open.

    A text is the path of a local file. `name` is the one that the medium goes by (default: that of a path). `size` in
    bytes, `head` its first HEAD bytes, `deadline` on the clock of `time.monotonic`.
    Raises OSError where a file cannot be opened, NotAFile where it is none.
    """

    def __init__(self, source: Path | str | Bytes, name: str | None, depth: Depth, limits: Limits) -> None:
        self.name = name or (str(source) if isinstance(source, Path | str) else None)
        self.depth = depth
        self.limits = limits
        self.deadline = time.monotonic() + limits.max_media_seconds
        self.path: str | None = None
        self._fd = -1
        self._whole: Bytes | None = None
        self._map: mmap.mmap | None = None
        self._far: RemotePath | None = None
        if isinstance(source, RemotePath):
            self._far = source
            self.size, read = self._fetch(source)
            self.head = read[:HEAD]
            if self.size <= len(read):
                self._whole = read
        elif isinstance(source, Path | str):
            self.path = os.fspath(source)
            try:
                self.size, read = self._open(self.path)
            except BaseException:
                self._close()
                raise
            self.head = read[:HEAD]
            if self.size <= len(read):
                self._whole = read
        else:
            self._whole = source.cast("B") if isinstance(source, memoryview) and source.format != "B" else source
            self.size, self.head = len(self._whole), bytes(self._whole[:HEAD])

    def _open(self, path: str) -> tuple[int, bytes]:
        # Opening a pipe or a device can block or do something: look before.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise NotAFile
        # NONBLOCK, for the case that somebody puts a pipe in its place in between.
        self._fd = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        status = os.fstat(self._fd)
        if not stat.S_ISREG(status.st_mode):
            raise NotAFile
        # One read for what will be decoded anyway, if it is not large.
        at_once = self.depth == "decode" and status.st_size <= READ_AT_ONCE
        return status.st_size, os.read(self._fd, max(status.st_size, HEAD) if at_once else HEAD)

    def _fetch(self, path: RemotePath) -> tuple[int, bytes]:
        """The size, and either all or the least that a header needs, in one request."""
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise NotAFile
        at_once = self.depth == "decode" and status.st_size <= READ_AT_ONCE
        return status.st_size, path.ranges().read(status.st_size if at_once else FETCHED)

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Medium:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._whole = None
        self._close()
        if self._map is not None:
            try:
                self._map.close()
            except BufferError:
                # Somebody still holds a view (an exception's frame, say): the map goes when that goes.
                self._map = None

    def facts(self, container: str | None, **fields: Any) -> Facts:
        """What is known before anything is decoded, and `fields`. (All at once: `replace` costs as much again.)"""
        known = CONTAINERS.get(container or "")
        matches = suffix_fits(self.name, container)
        return Facts(
            bytes=self.size, container=container, kind=known and known.kind, extension_matches=matches, **fields
        )

    def whole(self) -> Bytes:
        """All bytes: read where they are few, mapped where they are many."""
        if self._whole is None:
            if self._far is not None and self.size > READ_WHOLE:
                self._copy(self._far)
            if self.size <= READ_WHOLE:
                with self._file() as file:
                    self._whole = file.read()
            else:
                self._map = mmap.mmap(self._fd, 0, access=mmap.ACCESS_READ)
                self._whole = memoryview(self._map)
        return self._whole

    def part(self, start: int, length: int) -> bytes:
        """Some bytes from the middle; fewer where the medium ends."""
        if self._whole is None:
            with self._file() as file:
                file.seek(start)
                return file.read(length)
        return bytes(self._whole[start : start + length])

    def stream(self) -> BinaryIO:
        """A new file object over all bytes."""
        if self._whole is None and (self.depth == "header" or self.size > READ_WHOLE):
            return self._file()
        return io.BytesIO(self.whole())

    def _copy(self, path: RemotePath) -> None:
        """Large media are not held in memory: what is remote is copied to a file without a name, to be mapped."""
        with tempfile.TemporaryFile(prefix="mmcheck-") as file, path.open("rb") as stream:
            shutil.copyfileobj(stream, file, READ_AT_ONCE)
            file.flush()
            self._fd = os.dup(file.fileno())
        self._far = None

    def _file(self) -> BinaryIO:
        if self._far is not None:
            return cast(BinaryIO, self._far.ranges(FETCHED))
        file = open(self._fd, "rb", closefd=False)  # noqa: SIM115  # the caller's
        file.seek(0)
        return file

    @property
    def late(self) -> bool:
        """Whether the time that Limits grants is used up."""
        return time.monotonic() > self.deadline
