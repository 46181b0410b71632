"""Where data lie: a local path is pathlib's own, and what a URL names is a path of the same manners, read by fsspec.

Nothing here imports fsspec, and nothing reaches the network before a `RemotePath` is asked for what it names. Only
`place` makes one of a URL, and it is given what the user wrote: a URL that stands inside a dataset is no path.
"""

from __future__ import annotations

import glob
import io
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

from mmcheck.errors import OpenError, RequestError

if TYPE_CHECKING:
    from mmcheck.remote import Store
    from mmcheck.remote.file import RemoteFile

#: Of how many parts the name is made of what paths never leave: a bucket, a host, a repository of Hugging Face.
_DEPTHS = {"s3": 1, "gs": 1, "hf": 3, "http": 1, "https": 1, "memory": 1}
_SAME = {"s3a": "s3", "gcs": "gs"}
_WEB = ("http", "https")
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_SAFE = "/:@!$&'()*+,;=~[]"
_REMOTE = "//"


class RemotePath(PosixPath):
    """A path on remote storage, which can be pickled and read again in another process.

    Its own text is `//s3:/bucket/key`, with the two slashes that POSIX leaves to others: it is joined, normalised and
    compared as any path, and is the name of no local file. `str` gives the URL, without credentials and query.
    """

    def __str__(self) -> str:
        if not self.is_absolute() or len(self.parts) == 1:
            return super().__str__()
        anchor, *rest = self.parts[1:]
        protocol, path = anchor.partition(":")[0], "/".join(rest)
        return f"{protocol}://{quote(path, safe=_SAFE) if protocol in _WEB else path}"

    def __fspath__(self) -> str:
        return super().__str__()

    @property
    def store(self) -> Store:
        """The storage. Raises OpenError where the library for it is not installed."""
        from mmcheck.remote import store

        return store(self.parts[1])

    @property
    def key(self) -> str:
        """The name on the storage: bucket and key, host and path."""
        return "/".join(self.parts[2:])

    @property
    def web(self) -> bool:
        """Whether it is on a web server, which tells of a file that is named and lists none."""
        return self.parts[1].partition(":")[0] in _WEB

    @property
    def container(self) -> RemotePath:
        """The bucket, the host or the repository that it is in."""
        return RemotePath(*self.parts[: 2 + _DEPTHS[self.parts[1].partition(":")[0]]])

    @property
    def parent(self) -> RemotePath:
        """The folder that holds it; beyond the bucket, the host or the repository there is only `//`."""
        if self.is_absolute() and (len(self.parts) < 3 or self == self.container):
            return RemotePath(_REMOTE)
        return super().parent

    @property
    def parents(self) -> Sequence[RemotePath]:
        """The folders above."""
        found: list[RemotePath] = []
        path = self
        while path != (path := path.parent):
            found.append(path)
        return found

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """Size in bytes, time and sort. Raises FileNotFoundError, OpenError."""
        entry = self.store.look(self.key)
        if entry is None:
            raise FileNotFoundError(2, os.strerror(2), str(self))
        mode = stat.S_IFDIR | 0o555 if entry.folder else stat.S_IFREG | 0o444
        return os.stat_result((mode, 0, 0, 1, 0, 0, entry.size, 0, entry.time, 0))

    def exists(self, *, follow_symlinks: bool = True) -> bool:
        """Whether there is a file or a folder. Raises OpenError where that cannot be found out."""
        return self.store.look(self.key) is not None

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        """Whether there is a file. Raises OpenError where that cannot be found out."""
        entry = self.store.look(self.key)
        return entry is not None and not entry.folder

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """Whether there is a folder. Raises OpenError where that cannot be found out."""
        entry = self.store.look(self.key)
        return entry is not None and entry.folder

    def is_symlink(self) -> bool:
        """False: there are no links."""
        return False

    def resolve(self, strict: bool = False) -> RemotePath:
        """The path without `..`: there are no links."""
        return RemotePath(os.path.normpath(self))

    absolute = resolve

    def iterdir(self) -> Iterator[RemotePath]:  # type: ignore[override]
        """What lies in the folder. Raises OpenError."""
        return (self / name for name in self.store.names(self.key))

    def glob(self, pattern: str, **_: Any) -> Iterator[RemotePath]:  # type: ignore[override]
        """The files below that fit a pattern. Raises OpenError."""
        below = glob.escape(self.key)
        return (self._of(key) for key in self.store.glob(f"{below}/{pattern}"))

    def open(  # type: ignore[override]
        self, mode: str = "r", buffering: int = -1, encoding: str | None = None, errors: str | None = None
    ) -> Any:
        """The file, to be read. Raises FileNotFoundError, OpenError."""
        from mmcheck.remote.file import RemoteFile

        if set(mode) - set("rbt"):
            raise OpenError(f"{self} cannot be written: mmcheck only reads what is remote")
        file = RemoteFile(self.store, self.key)
        return file if "b" in mode else io.TextIOWrapper(io.BufferedReader(file), encoding or "utf-8", errors)

    def ranges(self, first: int | None = None) -> RemoteFile:
        """The file for reading here and there: exactly what is asked for, or at least `first` bytes, is fetched.

        Raises FileNotFoundError, OpenError.
        """
        from mmcheck.remote.file import RemoteFile

        return RemoteFile(self.store, self.key, first or 0, ahead=first is not None)

    def digest(self) -> tuple[int, str]:
        """Size and `sha256:` digest; a file that was just read from beginning to end is not read again.

        Raises FileNotFoundError, OpenError.
        """
        from mmcheck.remote.file import digest

        return digest(self.store, self.key)

    def _of(self, key: str) -> RemotePath:
        return RemotePath(*self.parts[:2], key)


def given(path: str | Path) -> Path:
    """The path that the user names: a local one as it is written, or a URL. Raises RequestError for what is unknown."""
    text = os.fspath(path)
    if isinstance(path, RemotePath) or text.startswith(_REMOTE):
        # Two leading slashes mark what is remote; on a local disk they are the same as one.
        return path if isinstance(path, RemotePath) else Path("/" + text.lstrip("/"))
    match = _URL.match(text)
    if match is None:
        return Path(text)
    protocol = match[1].lower()
    protocol = _SAME.get(protocol, protocol)
    if protocol not in _DEPTHS:
        raise RequestError(f"{match[0]} cannot be read: mmcheck reads local paths, s3://, gs://, hf://, https://")
    if os.name == "nt":
        raise RequestError(f"{match[0]} cannot be read on Windows")
    return _web(text) if protocol in _WEB else _stored(protocol, text[match.end() :])


def _stored(protocol: str, rest: str) -> RemotePath:
    if "@" in rest.partition("/")[0]:
        raise RequestError(f"{protocol}:// takes no credentials: they come from the environment, see docs/remote.md")
    path = RemotePath(os.path.normpath(f"{_REMOTE}{protocol}:/{rest}"))
    if len(path.parts) < 2 + _DEPTHS[protocol] or not path.is_relative_to(f"{_REMOTE}{protocol}:"):
        wants = "datasets/OWNER/NAME" if protocol == "hf" else "a bucket"
        raise RequestError(f"{protocol}://{rest} is not whole: {protocol}:// is followed by {wants}")
    return path


def _web(text: str) -> RemotePath:
    """Credentials and query ride along in the anchor, where no message shows them."""
    parts = urlsplit(text)
    user, _, host = parts.netloc.rpartition("@")
    if not host:
        raise RequestError(f"{parts.scheme}:// is not whole: it names no host")
    secret = quote(f"{user}?{parts.query}", safe="") if user or parts.query else ""
    return RemotePath(os.path.normpath(f"{_REMOTE}{parts.scheme.lower()}:{secret}/{host}/{unquote(parts.path)}"))


def absolute(path: str | Path) -> Path:
    """The absolute path of what the user names. Raises RequestError."""
    found = given(path)
    return found.resolve() if isinstance(found, RemotePath) else Path(os.path.abspath(found))


def path_of(text: str) -> Path:
    """The path whose own text (`os.fspath`) this is."""
    return RemotePath(text) if text.startswith(_REMOTE) else Path(text)


def is_remote(path: str | Path) -> bool:
    """Whether a path, or the own text of one, is on remote storage."""
    return os.fspath(path).startswith(_REMOTE)


def is_folder(path: Path) -> bool:
    """Whether a folder that the user names is there; of a web server, which has none, it is believed."""
    return (isinstance(path, RemotePath) and path.web) or path.is_dir()


def isfile(path: str) -> bool:
    """`os.path.isfile`, of remote paths too. Raises OpenError where that cannot be found out."""
    return RemotePath(path).is_file() if path.startswith(_REMOTE) else os.path.isfile(path)


def isdir(path: str) -> bool:
    """`os.path.isdir`, of remote paths too. Raises OpenError where that cannot be found out."""
    return RemotePath(path).is_dir() if path.startswith(_REMOTE) else os.path.isdir(path)


def exists(path: str) -> bool:
    """`os.path.exists`, of remote paths too. Raises OpenError where that cannot be found out."""
    return RemotePath(path).exists() if path.startswith(_REMOTE) else os.path.exists(path)


def lexists(path: str) -> bool:
    """`os.path.lexists`, of remote paths too. Raises OpenError where that cannot be found out."""
    return RemotePath(path).exists() if path.startswith(_REMOTE) else os.path.lexists(path)


def file_size(path: str) -> int:
    """The size of a file in bytes. Raises OSError, OpenError."""
    return path_of(path).stat().st_size if path.startswith(_REMOTE) else os.stat(path).st_size


def known(paths: Iterable[str]) -> dict[str, Any]:
    """What was told of remote paths, for another process to `learn`: it then needs not ask again."""
    remote = [RemotePath(path) for path in paths if path.startswith(_REMOTE)]
    return {os.fspath(path): path.store.look(path.key) for path in remote}


def learn(entries: Mapping[str, Any]) -> None:
    """Take what another process was told of remote paths."""
    for path, entry in entries.items():
        RemotePath(path).store.learn(RemotePath(path).key, entry)


def walk(root: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """`os.walk`, of remote folders too. Raises OpenError."""
    return root.store.walk(root) if isinstance(root, RemotePath) else os.walk(root)


def expect(paths: Iterable[str]) -> None:
    """Say which paths will be asked for next: what is remote is then looked up at once, in parallel."""
    keys: dict[str, list[str]] = {}
    for path in paths:
        if path.startswith(_REMOTE):
            anchor, _, key = path[2:].partition("/")
            keys.setdefault(anchor, []).append(key)
    if keys:
        from mmcheck.remote import store

        for anchor, wanted in keys.items():
            store(anchor).expect(wanted)
