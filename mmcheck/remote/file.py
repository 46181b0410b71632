"""A remote file as a stream of bytes: read by ranges, which grow while it is read on, and ahead of the reader."""

from __future__ import annotations

import hashlib
import io
import os
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmcheck.remote import Store

FIRST = 64 << 10
"""How many bytes are fetched at least."""
_MOST = 4 << 20
_AHEAD = 1 << 20


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(8, "mmcheck-ahead")


def digest(store: Store, key: str) -> tuple[int, str]:
    """Size and `sha256:` digest of a file. Raises FileNotFoundError, OpenError."""
    if key not in store.digests:
        file = RemoteFile(store, key)
        while file.read(_MOST):
            pass
        if not file.size:
            return 0, f"sha256:{hashlib.sha256().hexdigest()}"
    return store.digests[key]


class RemoteFile(io.RawIOBase):
    """A file of a store. With `ahead` it fetches more than it is asked for, else what it is asked for alone.

    Raises FileNotFoundError where it is missing; reading raises OpenError where the connection breaks.
    """

    def __init__(self, store: Store, key: str, first: int = FIRST, *, ahead: bool = True) -> None:
        self._store, self._key, self._ahead, self._first = store, key, ahead, first
        self.size = store.size(key)
        self._at = 0
        self._start, self._data = 0, b""
        self._window = first
        self._next: tuple[int, Future[bytes]] | None = None
        # What is read from its beginning to its end needs not be read again for its digest.
        self._digest = hashlib.sha256() if ahead else None

    def read(self, size: int | None = -1) -> bytes:
        """So many bytes, fewer only at the end."""
        end = self.size if size is None or size < 0 else min(self.size, self._at + size)
        parts: list[bytes] = []
        while self._at < end:
            offset = self._at - self._start
            if not 0 <= offset < len(self._data):
                self._fill(end)
                offset = 0
            part = self._data[offset : offset + end - self._at]
            parts.append(part)
            self._at += len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _fill(self, end: int) -> None:
        """Get the bytes from where the file is read now."""
        at, following = self._at, self._at == self._start + len(self._data)
        if not following:
            self._digest = None
            self._window = max(self._first, min(end - at, _MOST))
        if not self._ahead:
            self._window = end - at
        if self._next is not None and self._next[0] == at:
            self._data = self._next[1].result()
        else:
            self._data = self._store.fetch(self._key, at, min(self.size, at + self._window))
        self._start, self._next = at, None
        if not self._ahead:
            return
        rest = at + len(self._data)
        if following and self._window >= _AHEAD and rest < self.size:
            stop = min(self.size, rest + min(_MOST, 2 * self._window))
            self._next = rest, _threads().submit(self._store.fetch, self._key, rest, stop)
        self._window = min(_MOST, 2 * self._window)
        if self._digest is not None:
            self._digest.update(self._data)
            if rest == self.size:
                self._store.digests[self._key] = self.size, f"sha256:{self._digest.hexdigest()}"
                self._digest = None

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer."""
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        """The rest."""
        return self.read()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to an offset: nothing is fetched for it."""
        self._at = max(0, offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence])
        return self._at

    def tell(self) -> int:
        """Where the file is read."""
        return self._at

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True
