"""Shards that were judged before need not be judged again: results are kept, and taken while nothing has changed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain

from mmcheck import cache
from mmcheck.cache import Cache
from mmcheck.grounds import Grounds
from mmcheck.local import Done, Work
from mmcheck.plan import Plan, Shard
from mmcheck.results import ShardResult

Run = Callable[[Work], Generator[Done, None, None]]
#: What is added to the name of a shard's grounds to that of its result.
_RESULT = b"result"


@dataclass(slots=True)
class Memory:
    """The results of shards of one plan; `taken` of them were known, `judged` were not.

    `names` are those under which the grounds of the results are kept; `whole` tells that no result is without.
    """

    cache: Cache
    plan: Plan
    taken: int = 0
    judged: int = 0
    works: bool = False
    whole: bool = True
    names: list[bytes] = field(default_factory=list)
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
                self.whole = name is not None and self._keep(name, whole) and self.whole
                whole = ShardResult()
            yield done

    def _known(self) -> Iterator[Done]:
        while self._order and (result := self._order[0][2]) is not None:
            self.taken += 1
            shard, name, _ = self._order.popleft()
            self.names += [name] if name is not None else []
            yield Done(shard, result)

    def _key(self, shard: Shard) -> bytes | None:
        """The key of a shard; None where its result depends on more than the file, or nothing tells the file."""
        naming = {by for role in self.plan.format.roles.values() for by, _ in role.named_by}
        known = None if shard.file.role in naming else cache.identity(shard.file.path)
        return None if known is None else cache.key(self._circumstances, shard, known)

    def _result(self, name: bytes | None) -> ShardResult | None:
        if name is None:
            return None
        grounds = self.cache.get([name]).get(name)
        if not isinstance(grounds, Grounds) or not grounds.hold():
            return None
        result = self.cache.get([name + _RESULT]).get(name + _RESULT)
        return result if isinstance(result, ShardResult) else None

    def _keep(self, name: bytes, whole: ShardResult) -> bool:
        """Keep a result, if all of it can be."""
        if whole.unread or not whole.settled or whole.facts.on_disk:
            return False
        grounds = Grounds.of(whole.media_seen, whole.absent)
        self.cache.put({name: grounds, name + _RESULT: replace(whole, media_seen={}, absent=set())})
        self.names.append(name)
        return True


def _add(whole: ShardResult, part: ShardResult) -> None:
    """Add a part to what is kept. (Findings are not capped once more: the parts of one shard are.)"""
    whole.add(part, None)
    whole.about = whole.about or part.about
    whole.position = max(whole.position, part.position)
