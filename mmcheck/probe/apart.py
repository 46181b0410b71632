"""Media are looked into apart: in light child processes, so that what makes a decoder crash takes nothing along."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import NamedTuple

from mmcheck.child import Child, Died, dismiss, hire
from mmcheck.limits import Limits
from mmcheck.probe.facts import Depth, Facts
from mmcheck.readers.batch import Stored
from mmcheck.storage import known

#: Media a message: enough that the way to the child costs nothing beside the decoding, few enough to share out.
_MOST, _MOST_BYTES = 32, 8 << 20
#: Messages that a child has at hand: the one that it is at, and the one that it goes on with.
_AT_HAND = 2
#: What a child has, beyond the limit of each medium, before it is held to hang.
_GRACE = 60.0


class Medium(NamedTuple):
    """One medium to look into: a path, or the bytes or the base64 text of it; `name` is the one that it goes by."""

    source: str | bytes | Stored
    kind: str | None
    name: str | None = None
    storage: str = "path"


class Looked(NamedTuple):
    """What a look found; `died` tells why there was none: the process did not survive it, or may not open the file."""

    facts: Facts
    flaw: str | None = None
    loads: bool | None = None
    died: str | None = None


@dataclass(frozen=True, slots=True)
class Manner:
    """How media are looked into."""

    depth: Depth
    limits: Limits
    digests: bool = False


#: Media that one message holds, and where their answers go.
_Task = tuple[list[Medium], "Future[list[Looked]]"]


class Pool:
    """So many children that look into media; each is started when there is something for it to do."""

    def __init__(self, children: int, manner: Manner, serve: str = "mmcheck.probe.serving:serve") -> None:
        self._manner, self._serve, self._most = manner, serve, max(1, children)
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._hands: list[_Hand] = []

    def look(self, media: Sequence[Medium]) -> list[tuple[Future[list[Looked]], int]]:
        """Where the answer for each medium will be: a future list, and the place in it."""
        found: list[tuple[Future[list[Looked]], int]] = []
        for part in self._shared_out(media):
            answers: Future[list[Looked]] = Future()
            self._tasks.put((part, answers))
            found += [(answers, place) for place in range(len(part))]
            if len(self._hands) < self._most:
                self._hands.append(_Hand(self._tasks, self._manner, self._serve))
        return found

    def _shared_out(self, media: Sequence[Medium]) -> Iterator[list[Medium]]:
        most = max(1, min(_MOST, -(-len(media) // self._most)))
        part: list[Medium] = []
        size = 0
        for medium in media:
            part.append(medium)
            size += len(medium.source) if medium.storage != "path" and not isinstance(medium.source, Stored) else 0
            if len(part) >= most or size >= _MOST_BYTES:
                yield part
                part, size = [], 0
        if part:
            yield part

    def close(self) -> None:
        """Let the children go; one that is still at work is ended."""
        try:
            while (task := self._tasks.get_nowait()) is not None:
                task[1].cancel()
        except Empty:
            pass
        for hand in self._hands:
            hand.leave()
        for _ in self._hands:
            self._tasks.put(None)
        for hand in self._hands:
            hand.join()
        self._hands.clear()


class _Hand(threading.Thread):
    """Hands a child what there is to look into, message after message, and gives its answers back."""

    def __init__(self, tasks: SimpleQueue[_Task | None], manner: Manner, serve: str) -> None:
        super().__init__(daemon=True)
        self._tasks, self._manner, self._serve = tasks, manner, serve
        self._at_hand: deque[_Task] = deque()
        self._child: Child | None = None
        self._left = False
        self._lock = threading.Lock()
        self.start()

    def run(self) -> None:
        """Go on until there is nothing more to do."""
        more = True
        while more or self._at_hand:
            while more and len(self._at_hand) < _AT_HAND:
                try:
                    task = self._tasks.get(block=not self._at_hand)
                except Empty:
                    break
                if task is None:
                    more = False
                elif task[1].set_running_or_notify_cancel():
                    self._give(task)
            if self._at_hand:
                self._take()
        self._part(dismiss)

    def leave(self) -> None:
        """End the child if it is at work, for nobody waits for that any more."""
        with self._lock:
            self._left = bool(self._at_hand)
            if self._left and self._child is not None:
                self._child.kill()

    def _give(self, task: _Task) -> None:
        self._at_hand.append(task)
        try:
            self._send(task[0])
        except Died:  # so will say whoever waits for its answer
            pass
        except Exception as error:
            self._at_hand.pop()
            task[1].set_exception(error)

    def _take(self) -> None:
        """Wait for the answer to what was given first."""
        media, answers = self._at_hand[0]
        # What is answered is at hand no more when the answer is told: whoever waits for it may close the pool at once.
        try:
            found = self._received(media)
        except Died as death:
            self._part(Child.close)
            # Which of them was it?
            found = [self._alone(each) for each in media] if len(media) > 1 else [self._alone(media[0], death)]
            _, *others = self._at_hand
            self._at_hand.clear()
            answers.set_result(found)
            for task in others:
                self._give(task)
        except Exception as error:
            self._at_hand.popleft()
            answers.set_exception(error)
        else:
            self._at_hand.popleft()
            answers.set_result(found)

    def _alone(self, medium: Medium, death: Died | None = None) -> Looked:
        """What one medium tells. A first death may be for what others took: it is tried twice."""
        for _ in range(2 if death is None else 1):
            try:
                self._send([medium])
                return self._received([medium])[0]
            except Died as another:
                self._part(Child.close)
                death = another
        words = f"the process that looked into it {death}"
        return Looked(Facts(defect="unsupported", detail=words), died=words)

    def _send(self, media: list[Medium]) -> None:
        entries = known(each.source for each in media if isinstance(each.source, str) and each.storage == "path")
        with self._lock:
            if self._child is None and not self._left:
                self._child = hire(self._serve)
        self._own.send((media, self._manner, entries))

    def _received(self, media: list[Medium]) -> list[Looked]:
        found: list[Looked] = self._own.receive(_GRACE + self._manner.limits.max_media_seconds * len(media))
        return found

    @property
    def _own(self) -> Child:
        if self._child is None:
            raise Died("was ended", crashed=False)
        return self._child

    def _part(self, how: Callable[[Child], None]) -> None:
        with self._lock:
            child, self._child = self._child, None
        if child is not None:
            (Child.close if self._left else how)(child)
