"""Shards are mapped over processes of this machine, or judged one after the other in this one."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from multiprocessing.connection import wait

from mmcheck import readers
from mmcheck.child import Died, hire
from mmcheck.errors import OpenError
from mmcheck.plan import Plan, Shard
from mmcheck.results import ShardResult
from mmcheck.shard import Checker, check_shard

#: The next shard, or None where there is none before the results of those on their way are known.
Work = Callable[[], Shard | None]

SERVE = "mmcheck.local:serve"
#: Shards that a process has at hand: the one that it judges, and the one that it goes on with.
_AT_HAND = 2
#: Shards a process that are given out before the first result is there: what is done early is kept until its turn.
_AHEAD = 4


@dataclass(frozen=True, slots=True)
class Done:
    """A result of a shard; with `over`, nothing more of the shard follows."""

    shard: Shard
    result: ShardResult
    over: bool = True


def alone(work: Work, checker: Checker) -> Generator[Done, None, None]:
    """Judge the shards in this process, batch by batch."""
    while (shard := work()) is not None:
        last = ShardResult()
        try:
            for result in checker.check(shard):
                yield Done(shard, result, over=False)
        except OpenError as error:  # one file that cannot be read hides nothing of the others
            last.unread.append(str(error))
            last.failed = True
        yield Done(shard, last)


def together(work: Work, plan: Plan, processes: int) -> Generator[Done, None, None]:
    """Judge the shards in so many processes; the results come in the order of the shards.

    A process that dies loses the shard that it was at, which is told, and nothing else.
    """
    crew = [_Worker(plan) for _ in range(processes)]
    shards: dict[int, Shard] = {}
    results: dict[int, ShardResult] = {}
    returned: deque[int] = deque()
    given = taken = 0
    try:
        while True:
            for depth in range(_AT_HAND):
                for worker in (each for each in crew if len(each.at_hand) <= depth):
                    if returned:
                        number = returned.popleft()
                    elif given - taken < _AHEAD * processes and (shard := work()) is not None:
                        number, given = given, given + 1
                        shards[number] = shard
                    else:
                        break
                    worker.give(number, shards[number])
            if taken in results:
                yield Done(shards.pop(taken), results.pop(taken))
                taken += 1
                continue
            if taken == given:
                return
            ready = wait([worker.child.connection for worker in crew if worker.at_hand])
            for place, worker in enumerate(crew):
                if worker.child.connection not in ready:
                    continue
                try:
                    number, results[number] = worker.collect()
                except Died as death:
                    worker.child.close()
                    crew[place] = _Worker(plan)
                    number, *others = worker.at_hand
                    returned.extend(others)
                    results[number] = lost(shards[number], plan, str(death))
    finally:
        for worker in crew:
            worker.child.close()


class _Worker:
    """A process that judges shards."""

    def __init__(self, plan: Plan) -> None:
        self.child = hire(SERVE)
        self.at_hand: deque[int] = deque()
        self._send(plan)

    def give(self, number: int, shard: Shard) -> None:
        self.at_hand.append(number)
        self._send((number, shard))

    def collect(self) -> tuple[int, ShardResult]:
        """The next result, with the number of its shard. Raises Died."""
        answer: tuple[int, ShardResult] = self.child.receive()
        self.at_hand.remove(answer[0])
        return answer

    def _send(self, message: object) -> None:
        with contextlib.suppress(Died):  # its end is read from the pipe, as that of any other
            self.child.send(message)


_PLANS: list[Plan] = []


def serve(message: Plan | tuple[int, Shard]) -> Iterator[tuple[int, ShardResult]]:
    """What a worker does: the plan comes first, and then shard after shard."""
    if isinstance(message, Plan):
        _PLANS[:] = [message]
    else:
        number, shard = message
        yield number, check_shard(shard, _PLANS[0])


def lost(shard: Shard, plan: Plan, how: str) -> ShardResult:
    """What is told of a shard that a process died over: what was not judged, and where the next part begins."""
    what, path, part = shard.file.file, shard.file.path, shard.part
    result = ShardResult()
    result.facts.incomplete |= {table.name for table in plan.format.roles[shard.file.role].plans}
    try:
        if part is not None:
            what = f"{what}, {readers.span(path, part)},"
            result.skipped, result.lines = readers.count(path, part, shard.file.at, plan.limits)
    except OpenError as error:
        result.failed = True
        result.unread.append(str(error))
    result.unread.append(f"{what} was not judged: the process that was at it {how}")
    return result
