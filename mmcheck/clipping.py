"""Cuts the clips that records name out of videos, each to a file, in a light child process."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from mmcheck.convert import Inexpressible
from mmcheck.probe.cutting import cut_apart
from mmcheck.storing import find

_TIME = re.compile(r"(\d{1,4}):([0-5]?\d):([0-5]?\d(?:\.\d+)?)")


@dataclass(slots=True)
class Cutter:
    """Cuts the clip of each record to a file below `folder`; `counts` says how many were copied and encoded."""

    folder: Path
    prefix: str
    counts: dict[str, int]
    media_root: Path | None
    naming: Path = Path()
    root: Path = Path()

    def of(self, naming: Path, root: Path) -> Cutter:
        """The same for the records of one file."""
        return Cutter(self.folder, self.prefix, self.counts, self.media_root, naming, root)

    def __call__(self, source: str, kind: str, record: dict[str, Any]) -> str:
        """The path of the clip. Raises Inexpressible where it cannot be cut."""
        times = [record.get("Start_timestamp"), record.get("End_timestamp")]
        start, end = (_seconds(each) for each in times)
        if end <= start:
            raise Inexpressible(f"the clip ends at {times[1]}, and starts at {times[0]}: it cannot be cut")
        found = find(source, self.naming, self.root, self.media_root)
        if found is None:
            raise Inexpressible(
                f"{source} is missing, or outside the roots of the dataset: no clip can be cut out of it"
            )
        stem, suffix = os.path.splitext(os.path.basename(source))
        name = f"{stem}_{times[0]}_{times[1]}{suffix}"
        clip = self.folder / name
        if not clip.exists():
            try:
                how = cut_apart(found, clip, start, end)
            except (OSError, ValueError) as error:  # PyAV's errors are both
                with suppress(OSError):
                    clip.unlink()
                if isinstance(error, OSError) and error.errno in (28, 122, 27):
                    raise
                raise Inexpressible(f"{source} cannot be cut: {error}") from None
            self.counts[how] = self.counts.get(how, 0) + 1
        return self.prefix + name


def _seconds(text: Any) -> Fraction:
    found = _TIME.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise Inexpressible(f"{text!r} is no timestamp (HH:MM:SS.fff): the clip cannot be cut")
    return Fraction(found[1]) * 3600 + Fraction(found[2]) * 60 + Fraction(found[3])
