"""Opens a file as a stream of bytes, decompressed on the way, and names what the disk or the compression refuses."""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from mmcheck.errors import OpenError
from mmcheck.limits import DENSE, Limits
from mmcheck.storage import RemotePath

BOM = b"\xef\xbb\xbf"
BLOCK = 4 << 20
"""How many bytes make a batch: each batch costs some 10 ms whatever its size, larger ones cost memory."""

# A gzip member expands at most 1,032 times, a zstd block of 4 bytes to 128 kB: small pieces of input bound memory.
_GZIP_PIECE = 64 << 10
_ZSTD_PIECE = 1 << 10
_INFLATED = 1 << 20


class StreamError(Exception):
    """The compressed stream is cut or corrupt: a fault of the data, which readers turn into a `Fault`."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Expansion:
    """Adds up what a compressed file of `size` bytes unfolds to, and stops where it is a bomb."""

    def __init__(self, size: int, limits: Limits) -> None:
        self._most = min(limits.max_decoded_bytes, max(DENSE, limits.max_expansion * size))
        self._dense = self._most < limits.max_decoded_bytes
        self._limits = limits
        self._sum = 0

    def add(self, size: int) -> None:
        """Count `size` more bytes. Raises StreamError where they are too many."""
        self._sum += size
        if self._sum <= self._most:
            return
        most, name = f"{self._limits.max_decoded_bytes:,} bytes", "max_decoded_bytes"
        if self._dense:
            most, name = f"{self._limits.max_expansion} times its size", "max_expansion"
        hint = f"a decompression bomb, or a file that says the same over and over: --param {name}=N raises the limit"
        raise StreamError(f"the file unfolds to more than {most}", hint)


def _cut(kind: str) -> StreamError:
    return StreamError(f"the {kind} stream breaks off", "the file was not copied or written to its end: fetch it again")


def _corrupt(kind: str, error: Exception) -> StreamError:
    return StreamError(f"the {kind} stream is corrupt ({error})", "fetch the file again and compare its checksum")


def _gunzip(file: IO[bytes]) -> Iterator[bytes]:
    """The members of a gzip file one after the other; zero bytes after the last are padding."""
    data = file.read(_GZIP_PIECE)
    while data:
        inflate = zlib.decompressobj(wbits=31)
        while not inflate.eof:
            try:
                piece = inflate.decompress(data, _INFLATED)
            except zlib.error as error:
                raise _corrupt("gzip", error) from None
            if piece:
                yield piece
            data = inflate.unconsumed_tail or (b"" if inflate.eof else file.read(_GZIP_PIECE))
            if not data and not piece and not inflate.eof:
                raise _cut("gzip")
        data = inflate.unused_data or file.read(_GZIP_PIECE)
        while data and not data.strip(b"\0"):
            data = file.read(_GZIP_PIECE)
        data = data.lstrip(b"\0")


def _unzstd(file: IO[bytes]) -> Iterator[bytes]:
    """The frames of a zstd file one after the other."""
    import zstandard

    data = file.read(_ZSTD_PIECE)
    while data:
        frame = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
        while not frame.eof:
            if not data:
                raise _cut("zstd")
            try:
                piece = frame.decompress(data)
            except zstandard.ZstdError as error:
                raise _corrupt("zstd", error) from None
            if piece:
                yield piece
            data = b"" if frame.eof else file.read(_ZSTD_PIECE)
        data = frame.unused_data or file.read(_ZSTD_PIECE)


DECOMPRESSORS: dict[str, Callable[[IO[bytes]], Iterator[bytes]]] = {"gz": _gunzip, "zst": _unzstd}


class Stream(io.RawIOBase):
    """The bytes of a file, plain or decompressed, without a UTF-8 BOM at the start; of a plain one also a `span` of it.

    What was decompressed before a `StreamError` is given out first; the error is raised by the next read.
    """

    def __init__(
        self,
        path: Path,
        compression: str = "",
        *,
        keep_bom: bool = False,
        limits: Limits = Limits(),  # noqa: B008  # frozen
        span: tuple[int, int] | None = None,
    ) -> None:
        self._path = path
        self._file = open_file(path)
        self._stop = span[1] if span is not None else None
        self._pieces = DECOMPRESSORS[compression](self._file) if compression else None
        self._expansion = Expansion(path.stat().st_size, limits)
        self._rest = b""
        self._failure: StreamError | None = None
        if span is not None and span[0]:
            self._file.seek(span[0])
        elif not keep_bom:
            with suppress(StreamError):  # the first read of somebody else raises it again
                first = self.read(len(BOM))
                self._rest = first.removeprefix(BOM) + self._rest

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes (fewer only at the end), `b""` at the end. Raises StreamError, OpenError."""
        parts, have = [self._rest], len(self._rest)
        self._rest = b""
        while size < 0 or have < size:
            part = self._more(size - have)
            if not part:
                break
            parts.append(part)
            have += len(part)
        if not have and self._failure:
            raise self._failure
        data = b"".join(parts) if len(parts) != 2 or parts[0] else parts[1]
        if 0 <= size < have:
            data, self._rest = data[:size], data[size:]
        return data

    def _more(self, wanted: int) -> bytes:
        if self._failure:
            return b""
        try:
            if self._pieces is None:
                wanted = wanted if wanted > 0 else BLOCK
                if self._stop is not None:
                    wanted = min(wanted, max(0, self._stop - self._file.tell()))
                return self._file.read(wanted)
            piece = next(self._pieces, b"")
            self._expansion.add(len(piece))
            return piece
        except StreamError as error:
            self._failure = error
        except OSError as error:
            raise OpenError(f"{self._path} cannot be read: {error.strerror or error}") from None
        return b""

    def position(self) -> int:
        """How many bytes of the file, as it is stored, were read so far."""
        return self._file.tell()

    def readable(self) -> bool:
        """True: streams are read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer (less only at the end), and tell how many bytes there are. Raises StreamError, OpenError."""
        if self._pieces is None and not self._rest and isinstance(self._file, io.FileIO):
            return self._straight(memoryview(buffer).cast("B"))
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _straight(self, buffer: memoryview) -> int:
        """Fill a buffer from a plain file, with no bytes object between."""
        assert isinstance(self._file, io.FileIO)
        wanted = len(buffer)
        if self._stop is not None:
            wanted = min(wanted, max(0, self._stop - self._file.tell()))
        have = 0
        try:
            while have < wanted and (got := self._file.readinto(buffer[have:wanted])):
                have += got
        except OSError as error:
            raise OpenError(f"{self._path} cannot be read: {error.strerror or error}") from None
        return have

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            file = getattr(self, "_file", None)
            if file is not None:
                file.close()
        super().close()


def open_file(path: Path) -> IO[bytes]:
    """Open a regular file, unbuffered. Raises OpenError where it is absent, a directory, or not permitted."""
    try:
        if isinstance(path, RemotePath):
            return path.open("rb")  # type: ignore[no-any-return]
        if path.is_dir():
            raise OpenError(f"{path} is a directory, not a file")
        if path.exists() and not path.is_file():
            raise OpenError(f"{path} is not a regular file")
        return open(path, "rb", buffering=0, opener=_not_waiting)
    except FileNotFoundError:
        raise OpenError(f"{path} does not exist") from None
    except PermissionError:
        raise OpenError(f"{path} may not be opened: permission denied") from None
    except (OSError, ValueError) as error:
        raise OpenError(f"{path} cannot be opened: {getattr(error, 'strerror', None) or error}") from None


def _not_waiting(path: str, flags: int) -> int:
    """Open without waiting, for the case that somebody puts a pipe in the file's place in between."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
