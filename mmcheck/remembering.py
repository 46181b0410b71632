"""Shards that were judged before need not be judged again: results are kept, and taken while nothing has changed."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain

from mmcheck import cache
from mmcheck.cache import Cache
from mmcheck.local import Done, Work
from mmcheck.plan import Plan, Shard
from mmcheck.results import ShardResult

Run = Callable[[Work], Generator[Done, None, None]]


@dataclass(slots=True)
class _Entry:
    """What is kept of a shard; it counts as long as every medium is what it was, its folder where it was, and nothing
    where it was looked for in vain.

    A folder that became a link moves its files to where they may not be read, and changes none of them.
    """

    result: ShardResult
    media: dict[str, tuple[int, ...]]
    folders: dict[str, str]
    absent: set[str]

    def holds(self) -> bool:
        return (
            all(os.path.realpath(folder) == real for folder, real in self.folders.items())
            and all(cache.identity(path) == known for path, known in self.media.items())
            and not any(map(os.path.lexists, self.absent))
        )


@dataclass(slots=True)
class Memory:
    """The results of shards of one plan; `taken` of them were known, `judged` were not."""

    cache: Cache
    plan: Plan
    taken: int = 0
    judged: int = 0
    works: bool = False
    _circumstances: bytes = b""
    _order: deque[tuple[Shard, bytes | None, ShardResult | None]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.works = self.cache.works
        plan, form = self.plan, self.plan.format
        self._circumstances = cache.key(
            str(plan.root),
            (form.name, form.version, form.path.read_bytes(), form.schema_path.read_bytes()),
            plan.rules.digest,
            sorted(plan.placeholders.items(), key=repr),
            plan.max_findings,
            plan.probing,
            [(pattern, sorted(codes)) for pattern, codes in plan.exemptions],
            plan.limits,
        )

    @staticmethod
    def possible(plan: Plan) -> bool:
        """Whether the results of a plan depend on nothing but files: not on a sample, not on Python of the user's."""
        own = any(rule.stanza.python or rule.stanza.pandera for rule in plan.rules.active())
        return plan.keep is None and not plan.paranoid and not own

    def over(self, work: Work, run: Run) -> Generator[Done, None, None]:
        """The results of all shards in their order; `run` judges those of which none is known."""
        while True:
            first = self._unknown(work)
            if first is not None:  # an executor has processes to start: not for nothing
                shards = chain([first], iter(partial(self._unknown, work), None))
                with closing(run(partial(next, shards, None))) as judged:
                    yield from self._with_known(judged)
            elif not self._order:
                return
            yield from self._known()

    def _unknown(self, work: Work) -> Shard | None:
        """The next shard that must be judged; those before it that need not are put in order."""
        while (shard := work()) is not None:
            name = self._key(shard)
            result = self._result(name)
            self._order.append((shard, name, result))
            if result is None:
                return shard
        return None

    def _with_known(self, judged: Iterator[Done]) -> Iterator[Done]:
        whole = ShardResult()
        for done in judged:
            yield from self._known()
            if self._order[0][1] is not None:
                _add(whole, done.result)
            if done.over:
                self.judged += 1
                _, name, _ = self._order.popleft()
                if name is not None:
                    self._keep(name, whole)
                whole = ShardResult()
            yield done

    def _known(self) -> Iterator[Done]:
        while self._order and (result := self._order[0][2]) is not None:
            self.taken += 1
            yield Done(self._order.popleft()[0], result)

    def _key(self, shard: Shard) -> bytes | None:
        """The key of a shard; None where its result depends on more than the file, or nothing tells the file."""
        naming = {by for role in self.plan.format.roles.values() for by, _ in role.named_by}
        known = None if shard.file.role in naming else cache.identity(shard.file.path)
        return None if known is None else cache.key(self._circumstances, shard, known)

    def _result(self, name: bytes | None) -> ShardResult | None:
        entry = self.cache.get([name]).get(name) if name is not None else None
        return entry.result if isinstance(entry, _Entry) and entry.holds() else None

    def _keep(self, name: bytes, whole: ShardResult) -> None:
        if not whole.unread and whole.settled and not whole.facts.on_disk:
            folders = {os.path.dirname(path) for path in whole.media_seen}
            places = {folder: os.path.realpath(folder) for folder in folders}
            kept = replace(whole, media_seen={}, absent=set())
            self.cache.put({name: _Entry(kept, whole.media_seen, places, whole.absent)})


def _add(whole: ShardResult, part: ShardResult) -> None:
    """Add a part to what is kept. (Findings are not capped once more: the parts of one shard are.)"""
    whole.add(part, None)
    whole.about = whole.about or part.about
    whole.position = max(whole.position, part.position)
