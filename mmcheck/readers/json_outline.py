"""Looks at a JSON document without reading its records: its header, its members, an outline of it."""

from __future__ import annotations

from typing import Any

import msgspec

from mmcheck.readers.json_chunks import SMALL, chunks, skip
from mmcheck.readers.json_document import steps
from mmcheck.readers.json_window import Broken, Window, members
from mmcheck.readers.jsonl import UNREADABLE
from mmcheck.readers.source import BLOCK, Stream, StreamError

_DECODE = msgspec.json.Decoder().decode


def header(stream: Stream, at: str, block: int = BLOCK) -> dict[str, Any]:
    """The small members of the top-level object beside the one that `at` walks through; what is readable of them.

    {} for `*`, where all of them are records.
    """
    window, found = Window(stream, block), dict[str, Any]()
    passed = steps(at)[:1]
    try:
        if at == "*" or window.peek() != b"{":
            return found
        for key in members(window):
            window.peek()
            if [key] == passed or window.end(SMALL) is None:
                skip(window)
                continue
            raw = window.take()
            if len(raw) <= SMALL:
                found[key] = _DECODE(raw)
    except (Broken, StreamError, *UNREADABLE):
        pass
    return found


def frame(stream: Stream, at: str, block: int = BLOCK) -> dict[str, Any]:
    """The members of the top-level object in their order, whatever their size; `...` for the one `at` walks through.

    {} for anything but an object; a document that breaks off gives what stands before.
    """
    window, found = Window(stream, block), dict[str, Any]()
    passed = steps(at)[:1]
    try:
        if window.peek() != b"{":
            return found
        for key in members(window):
            window.peek()
            if [key] == passed:
                found[key] = ...
                skip(window)
            else:
                found[key] = _DECODE(window.take(window.limits.max_document_bytes))
    except (Broken, StreamError, *UNREADABLE):
        pass
    return found


def pointers(stream: Stream, longest: int, block: int = BLOCK) -> list[str]:
    """Pointers to the arrays and objects of the top-level object that begin in the first `longest` bytes."""
    window, found = Window(_Limited(stream, longest), block), list[str]()
    try:
        if window.peek() != b"{":
            return found
        for key in members(window):
            if window.peek() in (b"{", b"["):
                found.append("/" + key.replace("~", "~0").replace("/", "~1"))
            skip(window)
    except (Broken, StreamError):
        pass
    return found


def outline(stream: Stream, n: int, block: int = BLOCK) -> dict[str, Any]:
    """The top-level object with at most `n` elements of its large members: what a look from afar shows of it."""
    window, found = Window(_Limited(stream, 16 * block), block), dict[str, Any]()
    try:
        if window.peek() != b"{":
            return found
        for key in members(window):
            first = window.peek()
            if first not in (b"{", b"[") or window.end(SMALL) is not None:
                found[key] = _DECODE(window.take())
                continue
            found[key] = [] if first == b"[" else {}
            for keys, raws in chunks(window):
                for index, raw in enumerate(raws[: max(0, n - len(found[key]))]):
                    if keys is None:
                        found[key].append(_DECODE(raw))
                    else:
                        found[key][keys[index]] = _DECODE(raw)
    except (Broken, StreamError, *UNREADABLE):
        pass
    return found


class _Limited(Stream):
    """The beginning of a stream."""

    def __init__(self, stream: Stream, longest: int) -> None:
        self._whole = stream
        self._left = longest

    def read(self, size: int = -1) -> bytes:
        data = self._whole.read(min(size, self._left)) if self._left else b""
        self._left -= len(data)
        return data
