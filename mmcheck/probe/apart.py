"""Media are looked into apart: in light child processes, so that what makes a decoder crash takes nothing along."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from mmcheck.child import Child, Died, dismiss, hire
from mmcheck.limits import Limits
from mmcheck.probe import probe
from mmcheck.probe.base64 import decode as decode_base64
from mmcheck.probe.facts import Depth, Facts
from mmcheck.storage import known, learn, path_of

#: Media a message: enough that the way to the child costs nothing beside the decoding, few enough to share out.
_MOST, _MOST_BYTES = 32, 8 << 20
#: Media on remote storage that a child fetches at once.
_AT_ONCE = 16
#: What a child has, beyond the limit of each medium, before it is held to hang.
_GRACE = 60.0


class Medium(NamedTuple):
    """One medium to look into: a path, or the bytes or the base64 text of it; `name` is the one that it goes by."""

    source: str | bytes
    kind: str | None
    name: str | None = None
    storage: str = "path"


@dataclass(frozen=True, slots=True)
class Looked:
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


def look(medium: Medium, manner: Manner) -> Looked:
    """What one medium tells, found out in this very process."""
    source: Path | bytes
    if medium.storage == "base64":
        text = decode_base64(medium.source)  # type: ignore[arg-type]  # base64 is text
        if text.data is None:
            return Looked(Facts(bytes=0 if text.flaw == "empty" else None), text.flaw, text.loads)
        return Looked(_facts(text.data, medium, manner), text.flaw, text.loads)
    source = path_of(medium.source) if isinstance(medium.source, str) else medium.source
    facts = _facts(source, medium, manner)
    if facts.defect == "missing":  # it was there when it was looked for: the fault is not the medium's
        return Looked(replace(facts, defect="unsupported"), died=facts.detail)
    return Looked(facts)


def _facts(source: Path | bytes, medium: Medium, manner: Manner) -> Facts:
    facts = probe(source, kind=medium.kind, name=medium.name, depth=manner.depth, limits=manner.limits)
    return replace(facts, digest=_digest(source)) if manner.digests and facts.defect is None else facts


def _digest(source: Path | bytes) -> str | None:
    if not isinstance(source, Path):
        return hashlib.blake2b(source, digest_size=16).hexdigest()
    try:
        with source.open("rb") as stream:
            return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError:
        return None


def serve(message: tuple[list[Medium], Manner, dict[str, Any]]) -> Iterator[list[Looked]]:
    """What the child does with a message."""
    media, manner, entries = message
    if not entries:
        yield [look(medium, manner) for medium in media]
        return
    learn(entries)
    with ThreadPoolExecutor(_AT_ONCE) as threads:  # what is far away is waited for together
        yield list(threads.map(lambda medium: look(medium, manner), media))


class Pool:
    """So many children that look into media; each is started when there is something for it to do."""

    def __init__(self, children: int, manner: Manner, serve: str = "mmcheck.probe.apart:serve") -> None:
        self._manner, self._serve, self._most = manner, serve, max(1, children)
        self._threads = ThreadPoolExecutor(self._most)
        self._children: dict[Child, bool] = {}
        self._own = threading.local()
        self._lock = threading.Lock()

    def look(self, media: Sequence[Medium]) -> list[tuple[Future[list[Looked]], int]]:
        """Where the answer for each medium will be: a future list, and the place in it."""
        parts = ((self._threads.submit(self._look, part), part) for part in self._shared_out(media))
        return [(answers, place) for answers, part in parts for place in range(len(part))]

    def _shared_out(self, media: Sequence[Medium]) -> Iterator[list[Medium]]:
        most = max(1, min(_MOST, -(-len(media) // self._most)))
        part: list[Medium] = []
        size = 0
        for medium in media:
            part.append(medium)
            size += len(medium.source) if medium.storage != "path" else 0
            if len(part) >= most or size >= _MOST_BYTES:
                yield part
                part, size = [], 0
        if part:
            yield part

    def close(self) -> None:
        """Let the children go; one that is still at work is ended."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            for child, at_work in self._children.items():
                (Child.close if at_work else dismiss)(child)
            self._children.clear()
        self._threads.shutdown()

    def _child(self) -> Child:
        child: Child | None = getattr(self._own, "child", None)
        if child is None:
            child = self._own.child = hire(self._serve)
            self._children[child] = False
        return child

    def _ask(self, message: object, seconds: float) -> list[Looked]:
        child = self._child()
        try:
            self._children[child] = True
            answer: list[Looked] = child.ask(message, seconds)
        except Died:
            self._own.child = None
            with self._lock:
                self._children.pop(child, None)
            child.close()
            raise
        self._children[child] = False
        return answer

    def _look(self, media: list[Medium], again: bool = True) -> list[Looked]:
        seconds = _GRACE + self._manner.limits.max_media_seconds * len(media)
        try:
            entries = known(each.source for each in media if isinstance(each.source, str) and each.storage == "path")
            return self._ask((media, self._manner, entries), seconds)
        except Died as death:
            if len(media) > 1:  # which of them was it?
                return [self._look([medium])[0] for medium in media]
            if again:  # it may have been killed for what others took
                return self._look(media, again=False)
            words = f"the process that looked into it {death}"
            return [Looked(Facts(defect="unsupported", detail=words), died=words)]
