"""What a child does that looks into media: it is given some of them, and answers what each one tells."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from mmcheck.probe import content
from mmcheck.probe.apart import Looked, Manner, Medium
from mmcheck.probe.facts import Facts
from mmcheck.readers.batch import Stored
from mmcheck.storage import is_remote, learn, path_of

#: Media on remote storage that a child fetches at once.
_AT_ONCE = 16


def serve(message: tuple[list[Medium], Manner, dict[str, Any]]) -> Iterator[list[Looked]]:
    """What the child does with a message."""
    media, manner, entries = message
    if not entries:
        yield [look(medium, manner) for medium in media]
        return
    learn(entries)
    with ThreadPoolExecutor(_AT_ONCE) as threads:  # what is far away is waited for together
        yield list(threads.map(lambda medium: look(medium, manner), media))


def look(medium: Medium, manner: Manner) -> Looked:
    """What one medium tells, found out in this very process."""
    source, kind, name, storage = medium
    if isinstance(source, Stored):
        source = bytes(source)
    if storage == "base64":
        from mmcheck.probe.base64 import decode

        text = decode(source)  # type: ignore[arg-type]  # base64 is text
        if text.data is None:
            return Looked(Facts(bytes=0 if text.flaw == "empty" else None), text.flaw, text.loads)
        return Looked(_facts(text.data, kind, name, manner), text.flaw, text.loads)
    if storage == "path" and is_remote(source):  # type: ignore[arg-type]  # a path is text
        source = path_of(source)  # type: ignore[arg-type, assignment]
    facts = _facts(source, kind, name, manner)
    if facts.defect == "missing":  # it was there when it was looked for: the fault is not the medium's
        return Looked(facts._replace(defect="unsupported"), died=facts.detail)
    return Looked(facts)


def _facts(source: Path | str | bytes, kind: str | None, name: str | None, manner: Manner) -> Facts:
    facts = content.look(source, kind, name, manner.depth, manner.limits)
    return facts._replace(digest=_digest(source)) if manner.digests and facts.defect is None else facts


def _digest(source: Path | str | bytes) -> str | None:
    if isinstance(source, bytes):
        return hashlib.blake2b(source, digest_size=16).hexdigest()
    try:
        with source.open("rb") if isinstance(source, Path) else open(source, "rb") as stream:
            return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError:
        return None
