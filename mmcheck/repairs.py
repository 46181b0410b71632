"""Repairs by name: what makes a faulty value, or a faulty record, sound without anybody's judgement."""

from __future__ import annotations

import copy
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmcheck.probe.containers import suffix_fits
from mmcheck.probe.sniff import HEAD, sniff
from mmcheck.storing import find, suffix_of

Change = Callable[[Any, "Bench"], Any]


@dataclass(slots=True)
class Bench:
    """Where repairs are made: the dataset's root, the file that names the media, and the folder that copies go to.

    `copies` is None where nothing is to be written; `prefix` leads from the repaired dataset to it. `placed` are the
    copies as the repaired dataset names them.
    """

    root: Path
    naming: Path
    media_root: Path | None = None
    copies: Path | None = None
    prefix: str = ""
    placed: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Repair:
    """`change` takes the value at a finding's pointer, or the whole record, and where repairs are made.

    `safe` repairs run unasked; the others change what a model learns.
    """

    change: Change
    docs: str
    safe: bool = True
    whole: bool = False


def _list_of_one(value: Any, at: Bench) -> Any:
    return [value] if isinstance(value, str) else value


def _base64(value: Any, at: Bench) -> Any:
    """Standard alphabet, padding, nothing around; what is no base64 even then stays as it is."""
    if not isinstance(value, str):
        return value
    text = re.sub(r"^data:[^,]*;base64,", "", value.strip())
    found = re.fullmatch(r"b(['\"])(.*)\1", text, re.S)
    text = re.sub(r"\s+", "", found[2] if found else text).translate(str.maketrans("-_", "+/")).rstrip("=")
    if len(text) % 4 == 1 or not re.fullmatch(r"[A-Za-z0-9+/]+", text):
        return value
    return text + "=" * (-len(text) % 4)


def _strip(value: Any, at: Bench) -> Any:
    return value.strip() if isinstance(value, str) else value


_PATHS = ("image", "images", "video", "videos", "audio", "audios", "path", "value", "image_name", "YoutubeID",
          "video_id:FILE", "clip_name:FILE")  # fmt: skip


def _relative(value: Any, at: Bench, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _relative(each, at, name) for name, each in value.items()}
    if isinstance(value, list):
        return [_relative(each, at, key) for each in value]
    root = str(at.media_root.absolute() if at.media_root is not None else at.root)
    if key in _PATHS and isinstance(value, str) and os.path.isabs(value):
        path = os.path.normpath(value)
        return os.path.relpath(path, root) if path.startswith(root.rstrip("/") + "/") else value
    return value


def _extension(value: Any, at: Bench) -> Any:
    """The path with the suffix of what the file is; the file is copied under that name, the original stays."""
    if isinstance(value, dict) and "value" in value:
        return {**value, "value": _extension(value["value"], at)}
    if isinstance(value, dict) and isinstance(value.get("bytes"), bytes) and isinstance(value.get("path"), str):
        suffix = _other_suffix(value["path"], value["bytes"], len(value["bytes"]))
        return {**value, "path": os.path.splitext(value["path"])[0] + suffix} if suffix else value
    found = find(value, at.naming, at.root, at.media_root) if isinstance(value, str) else None
    if found is None:
        return value
    with found.open("rb") as stream:
        suffix = _other_suffix(value, stream.read(HEAD), found.stat().st_size)
    if not suffix:
        return value
    name = os.path.splitext(os.path.normpath(value))[0] + suffix
    if os.path.isabs(name) or name.startswith(".."):
        name = os.path.basename(name)
    if at.copies is not None and at.prefix + name not in at.placed:
        copy_to = at.copies / name
        if copy_to.exists():
            return value
        copy_to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(found, copy_to)
    at.placed.add(at.prefix + name)
    return at.prefix + name


def _other_suffix(name: str, head: bytes, size: int) -> str:
    """The suffix that a name should have; "" where it is right, or nobody can tell."""
    return suffix_of(head, size) if suffix_fits(name, sniff(head[:HEAD], size).container) is False else ""


def _prepend(record: Any, at: Bench) -> Any:
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
    "extension": Repair(_extension, "gives a medium the suffix of what it is, on a copy beside the repaired dataset"),
    "relative-paths": Repair(_relative, "absolute paths below the dataset's folder become relative to it", whole=True),
    "prepend-placeholders": Repair(
        _prepend, "writes the placeholders that the loader would prepend", safe=False, whole=True
    ),
}
