"""Repairs by name: what makes a faulty value, or a faulty record, sound without anybody's judgement."""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Change = Callable[[Any, str], Any]


@dataclass(frozen=True, slots=True)
class Repair:
    """`change` takes the value at a finding's pointer, or the whole record, and the dataset's folder.

    `safe` repairs run unasked; the others change what a model learns.
    """

    change: Change
    docs: str
    safe: bool = True
    whole: bool = False


def _list_of_one(value: Any, root: str) -> Any:
    return [value] if isinstance(value, str) else value


def _base64(value: Any, root: str) -> Any:
    """Standard alphabet, padding, nothing around; what is no base64 even then stays as it is."""
    if not isinstance(value, str):
        return value
    text = re.sub(r"^data:[^,]*;base64,", "", value.strip())
    found = re.fullmatch(r"b(['\"])(.*)\1", text, re.S)
    text = re.sub(r"\s+", "", found[2] if found else text).translate(str.maketrans("-_", "+/")).rstrip("=")
    if len(text) % 4 == 1 or not re.fullmatch(r"[A-Za-z0-9+/]+", text):
        return value
    return text + "=" * (-len(text) % 4)


def _strip(value: Any, root: str) -> Any:
    return value.strip() if isinstance(value, str) else value


_PATHS = ("image", "images", "video", "videos", "audio", "audios", "path", "value", "image_name", "YoutubeID",
          "video_id:FILE", "clip_name:FILE")  # fmt: skip


def _relative(value: Any, root: str, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _relative(each, root, name) for name, each in value.items()}
    if isinstance(value, list):
        return [_relative(each, root, key) for each in value]
    if key in _PATHS and isinstance(value, str) and os.path.isabs(value):
        path = os.path.normpath(value)
        return os.path.relpath(path, root) if path.startswith(root.rstrip("/") + "/") else value
    return value


def _prepend(record: Any, root: str) -> Any:
    """The placeholders that LLaVA's loaders would prepend, before the first turn of a user."""
    turns = record.get("conversations") if isinstance(record, dict) else None
    if not isinstance(turns, list):
        return record
    lead = ""
    for kind in ("image", "video"):
        found = record.get(kind)
        count = len(found) if isinstance(found, list) else 1 if isinstance(found, str) and found else 0
        lead += f"<{kind}>\n" * count
    record = copy.deepcopy(record)
    for turn in record["conversations"]:
        if isinstance(turn, dict) and turn.get("from") in ("human", "user") and isinstance(turn.get("value"), str):
            turn["value"] = lead + turn["value"]
            break
    return record


#: Every repair that a rule may name in `fix:`.
REPAIRS = {
    "list-of-one": Repair(_list_of_one, "puts a bare string into a list"),
    "canonical-base64": Repair(_base64, "standard alphabet and padding, no data: prefix, no b'…', no white space"),
    "strip": Repair(_strip, "takes white space off the edges of a text", safe=False),
    "relative-paths": Repair(_relative, "absolute paths below the dataset's folder become relative to it", whole=True),
    "prepend-placeholders": Repair(
        _prepend, "writes the placeholders that the loader would prepend", safe=False, whole=True
    ),
}
