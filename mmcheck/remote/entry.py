"""What is known of a name on remote storage."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple


class Entry(NamedTuple):
    """What is known of a name: a file of `size` bytes, -1 where only reading it would tell, or a folder."""

    size: int
    folder: bool = False
    time: int = 0
    tag: str = ""


def entry_of(info: Mapping[str, Any]) -> Entry:
    """What fsspec tells of a name, each library in words of its own."""
    changed = next((info[name] for name in ("LastModified", "mtime", "updated", "created") if info.get(name)), 0)
    if isinstance(changed, str):
        with contextlib.suppress(ValueError):
            changed = datetime.fromisoformat(changed)
    seconds = changed.timestamp() if isinstance(changed, datetime) else changed
    size = info.get("size")
    when = int(seconds) if isinstance(seconds, int | float) else 0
    tag = str(info.get("ETag") or info.get("etag") or "")
    return Entry(-1 if size is None else int(size), info["type"] == "directory", when, tag)
