"""Pillow's own alarms, silenced while we look.

Pillow warns through Python's process-wide filters and refuses by a module-wide number. Both are ours to decide here
(`Limits`), but belong to the whole process: `warnings.catch_warnings` restores what another thread has just set. So the
change is made once, by the first of the threads that look, and undone by the last.
"""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from PIL import Image

_lock = threading.Lock()
_inside = 0
_ceiling: int | None = None
_filter: Any = ("ignore", None, Warning, re.compile(r"PIL\b"), 0)


@contextmanager
def calm(max_pixels: int) -> Iterator[None]:
    """No warnings out of Pillow, and no refusal of pictures up to `max_pixels`; stricter limits are the caller's."""
    _enter(max_pixels)
    try:
        yield
    finally:
        _leave()


def _enter(max_pixels: int) -> None:
    global _inside, _ceiling
    with _lock:
        if not _inside:
            _ceiling = Image.MAX_IMAGE_PIXELS
            warnings.filters.insert(0, _filter)  # type: ignore[attr-defined]  # typed as a Sequence, it is a list
        _inside += 1
        # Pillow refuses from twice this number on. The usual limit is exactly that: then nothing is changed at all.
        if Image.MAX_IMAGE_PIXELS is not None and max_pixels > 2 * Image.MAX_IMAGE_PIXELS:
            Image.MAX_IMAGE_PIXELS = max_pixels


def _leave() -> None:
    global _inside
    with _lock:
        _inside -= 1
        if not _inside:
            Image.MAX_IMAGE_PIXELS = _ceiling
            if _filter in warnings.filters:
                warnings.filters.remove(_filter)  # type: ignore[attr-defined]
