"""Processes that take items in turn and give results in the order of the items, whatever their number."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from mmcheck.child import Child, Died, hire
from mmcheck.errors import MmcheckError


class Crew:
    """`jobs` processes. Each holds one item at a time, so that memory is bounded.

    `serve` is the function below, by the name of a module that imports what the work needs: `ready` starts it early.
    """

    def __init__(self, jobs: int, serve: str = "mmcheck.crew:serve") -> None:
        self._workers = [hire(serve) for _ in range(jobs)]

    def map(self, task: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        """The result of `task` for each item, in order. Raises what the task raises, MmcheckError where one dies."""
        free, busy = deque(self._workers), deque[Child]()
        try:
            for worker in self._workers:
                worker.send(_Task(task))
            for item in items:
                if free:
                    busy.append(free.popleft())
                    busy[-1].send(item)
                    continue
                worker = busy.popleft()
                result = worker.receive()
                worker.send(item)
                busy.append(worker)
                yield result
            while busy:
                yield busy.popleft().receive()
        except GeneratorExit:  # what is on its way is no answer to the next task
            for worker in busy:
                with suppress(Exception):
                    worker.receive()
            raise
        except Died as death:
            raise MmcheckError(f"a process that took part {death}: run again with --jobs 1") from None

    def close(self) -> None:
        """End the processes, whatever they do."""
        for worker in self._workers:
            worker.close()


class _Task:
    def __init__(self, run: Callable[[Any], Any]) -> None:
        self.run = run


_TASKS: list[_Task] = []


def serve(message: Any) -> Iterator[Any]:
    """What a process does: the task comes first, and then item after item."""
    if isinstance(message, _Task):
        import gc

        gc.disable()  # records have no cycles
        _TASKS[:] = [message]
    else:
        yield _TASKS[0].run(message)
