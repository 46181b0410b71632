"""What was found before, by what it was found in: a database that neither damage nor strangers nor two runs at once
turn into a false result.

Every value carries an authentication code by a key that only the user has, so that an entry which somebody else wrote
is not even decoded. What is not there, damaged or foreign counts as never found.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import pickle
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import mmcheck
from mmcheck.installed import version

_NAME = "results-1.sqlite"
#: Bytes from which on the entries that were not used for longest are forgotten.
_LARGE = 1 << 30
_CODE = hashlib.sha256().digest_size
_AT_ONCE = 500
#: Entries that may wait for a transaction, and seconds between two: so much work a check that is killed may lose.
_TOGETHER, _WAIT = 4_000, 1.0
_DAY = 86_400
#: A file that was written so many nanoseconds ago may be written again within the same tick of the clock.
_TICK = 50_000_000


def default_folder() -> Path:
    """`mmcheck` in the user's cache directory."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mmcheck"


def identity(path: str | Path) -> tuple[int, ...] | None:
    """What tells that a file is the one that was seen, without reading it; None where nothing can tell.

    The time of the last change of the inode cannot be set by anybody, unlike that of the content.
    """
    try:
        told = os.stat(path)
    except (OSError, ValueError):
        return None
    if time.time_ns() - told.st_ctime_ns < _TICK:
        return None
    return told.st_ino, told.st_size, told.st_mtime_ns, told.st_ctime_ns


def unchanged(files: Mapping[str, tuple[int, ...]]) -> bool:
    """Whether every file is the one that was seen, as `identity` told them."""
    look = os.stat
    try:
        for path, (inode, size, written, changed) in files.items():
            told = look(path)
            if (
                told.st_ctime_ns != changed
                or told.st_mtime_ns != written
                or told.st_size != size
                or told.st_ino != inode
            ):
                return False
    except (OSError, ValueError):
        return False
    return True


def key(*parts: Any) -> bytes:
    """The key of what was found under these circumstances, by this build of mmcheck."""
    return hashlib.blake2b(f"{_build()} {parts}".encode("utf-8", "surrogatepass"), digest_size=20).digest()


@cache
def _build() -> str:
    """The version, what tells two states of a working copy apart, and the versions of what media are opened with."""
    libraries = [version(name) for name in ("av", "pillow", "polars", "simplejpeg")]
    files = [
        os.stat(os.path.join(folder, name))
        for folder, _, names in os.walk(os.path.dirname(mmcheck.__file__))
        for name in names
        if name.endswith(".py")
    ]
    size, changed = sum(file.st_size for file in files), max(file.st_mtime_ns for file in files)
    return repr((mmcheck.__version__, size, changed, libraries))


class Cache:
    """Values by key, in a folder. No fault of the disk or of the content is an error: the cache then forgets."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _NAME
        self._lock = threading.Lock()
        self._secret = _secret()
        self._waiting: dict[bytes, tuple[bytes, int, bytes]] = {}
        self._written = 0.0
        self._base: sqlite3.Connection | None = None
        if self._secret is not None:
            with contextlib.suppress(OSError, sqlite3.Error):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._base = self._opened()

    @property
    def works(self) -> bool:
        """Whether anything can be kept."""
        return self._base is not None

    def _opened(self) -> sqlite3.Connection:
        try:
            return self._connected()
        except sqlite3.OperationalError:  # busy, read-only, no space: somebody else's entries are left alone
            raise
        except sqlite3.DatabaseError:  # not a database, or not any more
            for suffix in ("", "-wal", "-shm"):
                Path(f"{self._path}{suffix}").unlink(missing_ok=True)
            return self._connected()

    def _connected(self) -> sqlite3.Connection:
        base = sqlite3.connect(self._path, timeout=5, check_same_thread=False, isolation_level=None)
        try:
            # What a stranger's file declares (views, triggers) is not to be trusted with anything.
            base.execute("PRAGMA trusted_schema = OFF")
            base.execute("PRAGMA journal_mode = WAL")
            base.execute("PRAGMA synchronous = NORMAL")
            base.execute(
                "CREATE TABLE IF NOT EXISTS found (key BLOB PRIMARY KEY, day INTEGER, value BLOB) WITHOUT ROWID"
            )
            base.execute("SELECT key, day, value FROM found LIMIT 1")
        except sqlite3.Error:
            base.close()
            raise
        return base

    def get(self, keys: Iterable[bytes]) -> dict[bytes, Any]:
        """What is known of the keys."""
        found: dict[bytes, Any] = {}
        wanted = list(keys)
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            for name, value in self._rows(
                f"SELECT key, value FROM found WHERE key IN ({','.join('?' * len(some))})", some
            ):
                with contextlib.suppress(Exception):  # authentic, and from another version of a library all the same
                    if self._authentic(name, value):
                        found[name] = pickle.loads(value[_CODE:])
        return found

    def put(self, entries: Mapping[bytes, Any], *, soon: bool = False) -> None:
        """Keep values: at once, or `soon`, with others in one transaction."""
        day = int(time.time()) // _DAY
        rows = {}
        for name, value in entries.items() if self.works else ():
            with contextlib.suppress(Exception):  # what cannot be pickled is not kept
                data = pickle.dumps(value, protocol=5)
                rows[name] = (name, day, self._code(name, data) + data)
        with self._lock:
            self._waiting |= rows
            if not soon or len(self._waiting) >= _TOGETHER or time.monotonic() - self._written >= _WAIT:
                self._write()

    def _write(self) -> None:
        """Write what waits, in the order of the database."""
        rows, self._waiting, self._written = sorted(self._waiting.values()), {}, time.monotonic()
        if self._base is not None and rows:
            with self._forgetful():
                self._base.execute("BEGIN IMMEDIATE")
                self._base.executemany("INSERT OR REPLACE INTO found VALUES (?, ?, ?)", rows)
                self._base.execute("COMMIT")

    def close(self) -> None:
        """Leave the database; one that has grown large forgets what is oldest."""
        if self._base is None:
            return
        with self._lock, self._forgetful():
            self._write()
            if self._path.stat().st_size > _LARGE:
                (middle,) = self._base.execute("SELECT AVG(day) FROM found").fetchone()
                self._base.execute("DELETE FROM found WHERE day <= ?", (middle,))
                self._base.execute("VACUUM")
        with contextlib.suppress(sqlite3.Error):
            self._base.close()
        self._base = None

    def _rows(self, query: str, values: list[bytes]) -> list[tuple[bytes, bytes]]:
        if self._base is None:
            return []
        with self._lock, self._forgetful():
            return [
                (bytes(name), bytes(value))
                for name, value in self._base.execute(query, values)
                if isinstance(name, bytes) and isinstance(value, bytes)
            ]
        return []

    @contextlib.contextmanager
    def _forgetful(self) -> Any:
        try:
            yield
        except (sqlite3.Error, OSError):
            with contextlib.suppress(sqlite3.Error):
                if self._base is not None and self._base.in_transaction:
                    self._base.execute("ROLLBACK")

    def _code(self, name: bytes, data: bytes) -> bytes:
        assert self._secret is not None
        return hmac.digest(self._secret, name + data, "sha256")

    def _authentic(self, name: bytes, value: bytes) -> bool:
        return hmac.compare_digest(value[:_CODE], self._code(name, value[_CODE:]))


def _secret() -> bytes | None:
    """The user's own key, made when it is first wanted; None where there is no place to keep it."""
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    path = state / "mmcheck" / "key"
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            fresh = path.with_name(f"key.{os.getpid()}.{secrets.token_hex(4)}")
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(secrets.token_bytes(32))
            with contextlib.suppress(FileExistsError):
                os.link(fresh, path)  # whoever comes first: two runs must not have two keys
            fresh.unlink()
        told = path.stat()
        if told.st_uid == os.getuid() and not told.st_mode & 0o077:
            value = path.read_bytes()
            return value if len(value) == 32 else None
    return None
