"""A part of a JSON file in one piece: its text, and that of each record in it, none of them decoded yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mmcheck.limits import Limits
from mmcheck.readers.batch import Part
from mmcheck.readers.container import container
from mmcheck.readers.diagnose import too_deep
from mmcheck.readers.source import Stream

#: More bytes than that are read in blocks: a file may have no seam that could be guessed.
_MOST = 16 << 20
_RAWS = msgspec.json.Decoder(list[msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class Undecoded:
    """The text of a part, and those of its records; where they stand in `lines`, one in each."""

    text: bytes
    records: Sequence[bytes | msgspec.Raw]
    lines: bool


def undecoded(path: Path, at: str, part: Part, limits: Limits = Limits()) -> Undecoded | None:  # noqa: B008  # frozen
    """All of a part; None where `read` has to look at it: what is wrong with it, or where its records are.

    Each record is one value where it can be decoded. Raises OpenError where the file is missing.
    """
    found = container(path)
    size, most = part.stop - part.start, min(_MOST, limits.max_line_bytes)
    if found.fault is not None or at or found.name not in ("json", "jsonl") or size > most:
        return None
    with Stream(path, limits=limits, span=(part.start, part.stop)) as stream:
        text = stream.read(size)
    if part.opening or part.closing:
        text = b"".join((part.opening, text, part.closing))
    if too_deep(text, limits.max_nesting) is not None:
        return None
    records: Sequence[bytes | msgspec.Raw]
    try:
        records = text.removesuffix(b"\n").split(b"\n") if found.name == "jsonl" else _RAWS(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return Undecoded(text, records, found.name == "jsonl") if records else None
