"""The files of a dataset become shards, and the results of the shards become one: in the order of the files, always."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from mmcheck import global_rules, local, ray_engine, readers
from mmcheck.cache import Cache, identity, key
from mmcheck.cores import TEXT_WORTH as _WORTH
from mmcheck.dataset import DataFile, Dataset
from mmcheck.errors import OpenError
from mmcheck.file_facts import changed_since, file_digest, file_row, stamp, unread_row
from mmcheck.fingerprint import size_of
from mmcheck.local import Done
from mmcheck.media import Prober
from mmcheck.plan import Plan, Shard
from mmcheck.readers.batch import Fault, Part
from mmcheck.remembering import Memory, Run
from mmcheck.request import Progress
from mmcheck.results import ShardResult
from mmcheck.shard import Checker
from mmcheck.storage import is_remote

_T = TypeVar("_T")

#: Bytes of text a shard: a second of work at most, and so many that handing it out costs nothing.
SHARD = 16 << 20


def gather(
    dataset: Dataset,
    plan: Plan,
    jobs: int,
    progress: Callable[[Progress], None] | None = None,
    engine: str = "local",
    address: str | None = None,
    memory: Memory | None = None,
) -> ShardResult:
    """The results of all files, those included that other files name; `jobs` is the number of processes at work.

    With `memory`, shards that were judged before are not judged again.
    """
    store = memory.cache if memory is not None else None
    pool = plan.probing.pool(jobs) if engine == "local" else None
    checker = Checker(plan, Prober(plan.probing, pool, store))
    gathering = _Gathering(dataset, plan, checker, progress, store)
    run: Run
    with contextlib.ExitStack() as stack:
        stack.callback(gathering.close)
        if engine == "ray":
            stack.enter_context(ray_engine.connected(address, jobs))
            neighbours = 1 if memory is not None else ray_engine.NEIGHBOURS  # what is kept is kept by the shard
            run, gathering.apart = partial(ray_engine.distributed, plan=plan, neighbours=neighbours), True
        elif jobs < 2 or pool is not None or plan.keep is not None or gathering.text() < _WORTH:
            run = partial(local.alone, checker=checker)
        else:
            run, gathering.apart = partial(local.together, plan=plan, processes=jobs), True
        if pool is not None:
            stack.callback(pool.close)
        results = run(gathering.next) if memory is None else memory.over(gathering.next, run)
        # Closed here and now, or its processes would live as long as what was raised.
        for done in stack.enter_context(contextlib.closing(results)):
            gathering.take(done)
    return gathering.total


@dataclass(slots=True)
class _Open:
    """A file, and what is known of it from the shards that were judged.

    `base` is how many rows and lines stand before the shard whose results come in now.
    """

    file: DataFile
    size: int
    before: tuple[int, int, int] | None = None
    digest: Future[str] | None = None
    facts: Mapping[str, Any] | None = None
    rows: int = 0
    base: tuple[int, int] = (0, 0)
    inside: tuple[int, int] = (0, 0)
    failed: bool = False


class _Gathering:
    """Hands out the shards of a dataset, and takes their results in the same order."""

    def __init__(
        self,
        dataset: Dataset,
        plan: Plan,
        checker: Checker,
        progress: Callable[[Progress], None] | None,
        store: Cache | None,
    ) -> None:
        self.plan, self.checker, self.progress, self.store = plan, checker, progress, store
        self.total = ShardResult()
        self._files = [_Open(file, size_of(file.path)) for file in dataset.files]
        self._seen = {_key(file) for file in dataset.files}
        self.apart = False
        self._number = 0
        self._shards: deque[Shard] = deque()
        self._digesting = ThreadPoolExecutor(1)
        self._done = self._reached = 0
        for file, fault in dataset.faults:
            checker.add_fault(self.total, fault, 0, file, None, fault.message)

    def text(self) -> int:
        """How many bytes of text the files hold that are known so far."""
        return sum(each.size for each in self._files if _is_text(each.file))

    def next(self) -> Shard | None:
        """The next shard; None where there is none before more results are there."""
        if not self._shards and self._number < len(self._files):
            number = self._number
            self._number += 1
            opened = self._files[number]
            opened.before = stamp(opened.file.path)
            shards = list(self._cut(number, opened.file))
            # What is fetched from afar for its records is not fetched once more beside them.
            if not (is_remote(opened.file.path) and len(shards) == 1 and _is_text(opened.file)):
                opened.digest = self._digesting.submit(self._digest, opened.file.path)
            self._shards.extend(shards)
        return self._shards.popleft() if self._shards else None

    def _digest(self, path: Path) -> str:
        return self._remembered(partial(file_digest, path), path, "digest")

    def _remembered(self, find: Callable[[], _T], path: Path, *what: object) -> _T:
        """What is found in a file, which need not be read for it if it was before."""
        known = identity(path) if self.store is not None else None
        if self.store is None or known is None:
            return find()
        name = key(*what, str(path), known)
        kept: dict[bytes, _T] = self.store.get([name])
        if name not in kept:
            kept = {name: find()}
            self.store.put(kept)
        return kept[name]

    def _cut(self, number: int, file: DataFile) -> Iterator[Shard]:
        try:
            cut = [] if self._whole(file) else self._parts(file)
        except OpenError:  # who reads the file will say so
            cut = []
        if not cut:
            yield Shard(number, file)
        for part in cut:
            yield Shard(number, file, part, last=part is cut[-1])

    def _whole(self, file: DataFile) -> bool:
        """Whether a file is not even looked at for parts, which are no use or cost more than they gain."""
        if self.plan.keep or self.plan.format.roles[file.role].document:
            return True
        remote = is_remote(file.path)
        if readers.container(file.path).name == "json":  # where it can be cut, only a look at all of it tells
            return remote or not self.apart
        return remote and not self.apart

    def _parts(self, file: DataFile) -> list[Part]:
        size, limits = self._size(file), self.plan.limits
        find = partial(readers.parts, file.path, size, file.at, limits)
        if readers.container(file.path).name != "json":
            return find()
        return self._remembered(find, file.path, "parts", size, file.at, limits)

    def _size(self, file: DataFile) -> int:
        """About how many bytes a shard has; where each line may name a picture, it takes so much less of them."""
        if readers.container(file.path).name == "arrow":  # whose media nobody moves
            return SHARD * 8
        return SHARD // 16 if self.apart and self.plan.probing.opens and _is_text(file) else SHARD

    def take(self, done: Done) -> None:
        """Add a result. With the last of a file, the file itself is judged."""
        shard, result = done.shard, done.result
        opened = self._files[shard.number]
        opened.facts = opened.facts or result.about
        opened.failed = opened.failed or result.failed
        if result.failed:
            result.facts.incomplete |= {table.name for table in self.plan.format.roles[opened.file.role].plans}
        opened.rows += result.rows
        rows, lines = opened.inside
        opened.inside = (rows + result.rows + result.skipped, lines + result.lines)
        if self.plan.format.roles[opened.file.role].name == "samples":
            result.records = result.rows
        result.media_seen, result.absent = {}, set()
        self.total.add(result.moved(*opened.base), self.plan.max_findings)
        global_rules.compact(self.total.facts, self.plan.rules.rules)
        for named in self.total.named:
            if _key(named) not in self._seen:
                self._seen.add(_key(named))
                self._files.append(_Open(named, size_of(named.path)))
        self.total.named.clear()
        self._reached = max(self._reached, min(self._done + result.position, self._done + opened.size))
        if done.over:
            opened.base = (opened.base[0] + opened.inside[0], opened.base[1] + opened.inside[1])
            opened.inside = (0, 0)
            if shard.last:
                self._finish(shard, opened)
        if self.progress is not None:
            self.progress(Progress(self._reached, sum(each.size for each in self._files), self.total.records))

    def _finish(self, shard: Shard, opened: _Open) -> None:
        """What a file comes to as a whole: its row of the table `files`."""
        file = opened.file
        self._done += opened.size
        self._reached = max(self._reached, self._done)
        try:
            if opened.failed:
                raise OpenError("")
            digest = opened.digest.result() if opened.digest is not None else file_digest(file.path)
            facts = opened.facts if opened.facts is not None else readers.facts(file.path)
        except OpenError as error:
            self.total.unread += [str(error)] if str(error) else []
            self.total.files.append(unread_row(file))
            return
        if shard.part is not None and not opened.base[0]:
            blank = Fault("MM003", "the file holds only blank lines", hint="write it again or fetch it again")
            self.checker.add_fault(self.total, blank, shard.number, file.file, None, blank.message)
        self.total.files.append(file_row(file, facts, opened.rows, digest))
        self.total.unread += changed_since(file.path, opened.before)
        if file.role == "samples":
            self.total.statistics.see_file(opened.rows)

    def close(self) -> None:
        """Leave off."""
        self._digesting.shutdown(cancel_futures=True)


def _key(file: DataFile) -> tuple[object, ...]:
    return (file.path, file.role, tuple(file.context.items()))


def _is_text(file: DataFile) -> bool:
    try:
        return readers.container(file.path).name not in ("parquet", "arrow")
    except OpenError:
        return False
