"""Remote storage as mmcheck reads it, by fsspec: what is there, and ranges of bytes; asked once, and again where it
falters."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path, PurePosixPath
from typing import IO, Any, TypeVar
from urllib.parse import quote, unquote

from mmcheck.errors import OpenError
from mmcheck.remote.connect import AT_ONCE, ask, filesystem
from mmcheck.remote.entry import Entry, entry_of
from mmcheck.remote.faults import Refused, Short, is_missing, is_passing, told

_PAUSES = (0.2, 1.0)
#: What a URL holds as it is.
SAFE = "/:@!$&'()*+,;=~[]"
#: From so many files of one folder on, listing it costs less than asking for each.
_MANY = 16
_SMALL, _KEPT = 1 << 20, 32 << 20
_MOST_KNOWN = 2_000_000

_T = TypeVar("_T")


@cache
def store(anchor: str) -> Store:
    """The storage that an anchor (`s3:`) names, one in a process. Raises OpenError where its library is missing."""
    return Store(anchor)


def forget() -> None:
    """Ask again for what was known: a new check sees what is there now."""
    for each in _STORES:
        each.forget()


_STORES: list[Store] = []


class Store:
    """One sort of storage with one set of credentials. What it told is remembered until `forget`.

    Names (`key`) are bucket and key, host and path. Everything raises OpenError where the storage cannot be asked.
    """

    def __init__(self, anchor: str) -> None:
        self.protocol, _, secret = anchor.partition(":")
        user, _, query = unquote(secret).partition("?")
        self._query = f"?{query}" if query else ""
        self._web = self.protocol in ("http", "https")
        self._fs = filesystem(self.protocol, user)
        self._lock = threading.Lock()
        self._known: dict[str, Entry | None] = {}
        self._names: dict[str, list[str]] = {}
        self._trees: set[str] = set()
        self._small: OrderedDict[tuple[str, int, int], bytes] = OrderedDict()
        self._kept = 0
        self._spooled: dict[str, IO[bytes]] = {}
        #: Size and digest of files that were read from beginning to end.
        self.digests: dict[str, tuple[int, str]] = {}
        _STORES.append(self)

    def forget(self) -> None:
        """Forget what was told."""
        with self._lock:
            for known in (self._known, self._names, self._trees, self._small, self.digests):
                known.clear()
            self._kept = 0
            for file in self._spooled.values():
                file.close()
            self._spooled.clear()

    def url(self, key: str) -> str:
        """The address of a name, for people."""
        return f"{self.protocol}://{key}"

    def look(self, key: str) -> Entry | None:
        """What is there under a name, None for nothing."""
        if key in self._known:
            return self._known[key]
        if len(self._known) > _MOST_KNOWN:
            self.forget()
        parents = [str(each) for each in PurePosixPath(key).parents]
        if parents[0] in self._names or not self._trees.isdisjoint(parents):
            return None
        find = self._head if self._web else self._info
        self._known[key] = found = self._try(key, lambda: find(key))
        return found

    def learn(self, key: str, entry: Entry | None) -> None:
        """Take what another process was told."""
        if key in self._known and self._known[key] != entry:
            self.forget()
        self._known[key] = entry

    def size(self, key: str) -> int:
        """The size of a file in bytes. Raises FileNotFoundError."""
        entry = self.look(key)
        if entry is None or entry.folder:
            raise FileNotFoundError(2, os.strerror(2), self.url(key))
        if entry.size < 0:
            file = self._spool(key)
            entry = self._known[key] = entry._replace(size=file.seek(0, os.SEEK_END))
        return entry.size

    def expect(self, keys: Iterable[str]) -> None:
        """Look names up that will be asked for: folders of which many are wanted are listed, else each is asked for."""
        wanted = [key for key in dict.fromkeys(keys) if key not in self._known]
        folders: dict[str, int] = {}
        for key in wanted:
            folder = key.rpartition("/")[0]
            folders[folder] = folders.get(folder, 0) + 1
        if not self._web:
            for folder in [folder for folder, number in folders.items() if number >= _MANY]:
                self.names(folder)
        if len(wanted) > 1:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(self.look, wanted))

    def names(self, folder: str) -> list[str]:
        """The names in a folder."""
        if folder not in self._names:
            if self._trees.isdisjoint([folder, *map(str, PurePosixPath(folder).parents)]):
                self._no_web(folder)
                found = self._try(folder, lambda: self._fs.ls(self._name(folder), detail=True), missing=[])
                self._names[folder] = []
                self._remember(each for each in found if self._key(each) != folder)
            else:
                self._names[folder] = []
        return self._names[folder]

    def walk(self, root: Path) -> Iterator[tuple[str, list[str], list[str]]]:
        """As `os.walk`: the own text of each folder, and the names in it of folders and files."""
        top = "/".join(root.parts[2:])
        if self._trees.isdisjoint([top, *map(str, PurePosixPath(top).parents)]):
            self._no_web(top)
            found = self._try(top, lambda: self._fs.find(self._name(top), detail=True), missing={})
            for folder in [each for each in self._names if each == top or each.startswith(top + "/")]:
                del self._names[folder]
            self._names[top] = []
            self._remember((each for each in found.values() if each["type"] == "file"), below=top)
            self._trees.add(top)
        todo = [top]
        while todo:
            folder = todo.pop()
            names = self._names.get(folder, [])
            inner = [name for name in names if (entry := self._known.get(f"{folder}/{name}")) and entry.folder]
            yield os.path.join(*root.parts[:2], folder), inner, [name for name in names if name not in set(inner)]
            todo += [f"{folder}/{name}" for name in reversed(inner)]

    def glob(self, pattern: str) -> list[str]:
        """The names of files that fit a pattern."""
        self._no_web(pattern)
        found = self._try(pattern, lambda: self._fs.glob(self._name(pattern), detail=True), missing={})
        files = [each for each in found.values() if each["type"] == "file"]
        for each in files:
            self._known[self._key(each)] = entry_of(each)
        return sorted(self._key(each) for each in files)

    def fetch(self, key: str, start: int, end: int) -> bytes:
        """The bytes of a file from `start` to `end`. Raises FileNotFoundError."""
        place = (key, start, end)
        with self._lock:
            data = self._small.get(place)
            if data is not None:
                self._small.move_to_end(place)
                return data
        if start >= end:
            return b""
        data = self._try(key, lambda: self._read(key, start, end), missing=None)
        if data is None:
            raise FileNotFoundError(2, os.strerror(2), self.url(key))
        if len(data) <= _SMALL:
            with self._lock:
                self._small[place] = data
                self._kept += len(data)
                while self._kept > _KEPT:
                    self._kept -= len(self._small.popitem(last=False)[1])
        return data

    def _read(self, key: str, start: int, end: int) -> bytes:
        if key not in self._spooled:
            try:
                data = self._range(key, start, end)
            except ValueError:  # a web server that gives files only whole
                self._spool(key)
        if key in self._spooled:
            with self._lock:
                self._spooled[key].seek(start)
                data = self._spooled[key].read(end - start)
        if len(data) != end - start:
            raise Short
        return data

    def _range(self, key: str, start: int, end: int) -> bytes:
        if not self._web:
            more = {"cache_type": "none", "size": self.size(key)} if self.protocol == "hf" else {}
            data: bytes = self._fs.cat_file(self._name(key), start=start, end=end, **more)
            return data
        with self._fs.open(self._name(key), block_size=_SMALL, cache_type="none", size=self.size(key)) as file:
            file.seek(start)
            data = file.read(end - start)
            return data

    def _spool(self, key: str) -> IO[bytes]:
        """A copy of a file that cannot be read in ranges, which goes with the process."""
        if key not in self._spooled:
            file = tempfile.TemporaryFile(prefix="mmcheck-")  # noqa: SIM115  # closed by forget
            try:
                self._try(key, lambda: self._copy(key, file))
            except BaseException:
                file.close()
                raise
            self._spooled[key] = file
        return self._spooled[key]

    def _copy(self, key: str, file: IO[bytes]) -> None:
        file.seek(0)
        file.truncate()
        with self._fs.open(self._name(key), block_size=0, size=1) as stream:
            while data := stream.read(_SMALL):
                file.write(data)

    def _info(self, key: str) -> Entry | None:
        return entry_of(self._fs.info(self._name(key)))

    def _head(self, key: str) -> Entry | None:
        """What a web server says of a file."""
        status, headers = ask(self._fs, self._name(key))
        if status in (404, 410):
            return None
        if status >= 400:
            raise Refused(status)
        plain = headers.get("Content-Encoding", "identity") in ("", "identity")
        length = headers.get("Content-Range", "").rpartition("/")[2] or headers.get("Content-Length", "")
        return Entry(int(length) if plain and length.isdecimal() else -1, tag=headers.get("ETag", ""))

    def _no_web(self, key: str) -> None:
        if self._web:
            raise OpenError(f"{self.url(key)}: a web server does not list its files: name the file itself")

    def _remember(self, found: Iterable[Mapping[str, Any]], below: str | None = None) -> None:
        for each in found:
            key = self._key(each)
            self._known[key] = entry_of(each)
            while key != below and "/" in key:
                folder, _, name = key.rpartition("/")
                fresh = folder not in self._names
                self._names.setdefault(folder, []).append(name)
                if below is None or not fresh:
                    break
                self._known[folder] = Entry(0, folder=True)
                key = folder

    def _name(self, key: str) -> str:
        """The name as fsspec has it."""
        if self._web:
            return f"{self.protocol}://{quote(key, safe=SAFE)}{self._query}"
        return "/" * (self.protocol == "memory") + key

    def _key(self, found: Mapping[str, Any]) -> str:
        return str(found["name"]).strip("/")

    def _try(self, key: str, call: Callable[[], _T], missing: Any = None) -> _T:
        """The answer; `missing` where there is no such name. Asks again where the storage falters."""
        for pause in (*(_PAUSES if self._web else ()), None):  # the libraries of the others ask again by themselves
            try:
                return call()
            except OpenError:
                raise
            except Exception as error:  # each library raises its own
                if is_missing(error):
                    answer: _T = missing
                    return answer
                if pause is None or not is_passing(error):
                    raise told(error, self.url(key)) from None
            time.sleep(pause)
        raise AssertionError
