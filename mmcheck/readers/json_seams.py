"""Guesses where a long JSON array may be cut between two records, from how its first two stand beside each other.

Nothing is read but what is around each seam. Parts that are JSON arrays, one after the other from the first on, prove
the guess: no bracket and no string is left open where each ends. What follows one that is none has to be read whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mmcheck.limits import Limits
from mmcheck.readers.batch import Part
from mmcheck.readers.json_chunks import mark_behind
from mmcheck.readers.json_window import Broken, Window
from mmcheck.readers.source import Stream, open_file

_WINDOW = 64 << 10


def seams(path: Path, size: int, limits: Limits = Limits()) -> Iterator[Part]:  # noqa: B008  # frozen
    """Parts of about `size` bytes, in order; none where the document does not begin as an array of several records.

    Raises OpenError where the file is missing.
    """
    mark = _mark(path, limits)
    if mark is None:
        return
    text, tail, back = mark
    total = path.stat().st_size
    start = 0
    with open_file(path) as file:
        while start < total:
            cut, window, at = -1, b"", start + size
            while cut < 0 and at < total:
                file.seek(at)
                window = file.read(_WINDOW)
                cut = window.find(text)
                at += 0 if cut >= 0 else max(1, len(window) - len(text) + 1)
            found = cut >= 0
            stop = at + cut + tail if found else total
            yield Part(start, stop, 0, b"[" if start else b"", b"]" if found else b"")
            start = at + cut + len(text) - back if found else total


def _mark(path: Path, limits: Limits) -> tuple[bytes, int, int] | None:
    """What stands between the first two records, with the end of the one and the beginning of the other."""
    with Stream(path, limits=limits) as stream:
        window = Window(stream, _WINDOW, limits)
        try:
            if window.peek() != b"[" or not window.opens(b"]"):
                return None
            return mark_behind(window, window.take(), None)
        except Broken:
            return None
