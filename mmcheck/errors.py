"""Faults of the request or of mmcheck itself; faults of the data are values (see finding.py)."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable

_COMPARED, _LONGEST = 2_000, 100


class MmcheckError(Exception):
    """What the user is told in one sentence, and the exit code that goes with it."""

    exit_code = 3


class RequestError(MmcheckError):
    """The request is wrong: usage, configuration, rules file, unknown format."""

    exit_code = 2


class OpenError(MmcheckError):
    """A path is missing or may not be opened."""

    exit_code = 3


class Terminated(KeyboardInterrupt):
    """The process was asked to end (SIGTERM, SIGHUP): it unwinds as at Ctrl-C, and leaves nothing half-written."""

    def __init__(self, signal: int) -> None:
        super().__init__("terminated")
        self.exit_code = 128 + signal


def nearest(word: str, known: Iterable[str]) -> str:
    """`" (did you mean 'x'?)"` for the nearest known spelling, or `""` where none is near."""
    # Both may come from a dataset: a record may have a million keys, and a key a million letters.
    known = [each for each in itertools.islice(known, _COMPARED) if len(each) <= _LONGEST]
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6) if len(word) <= _LONGEST else ()
    return f" (did you mean {close[0]!r}?)" if close else ""
