"""How much of anything is taken in before it is called too much: stated defaults, each one a parameter."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from mmcheck.errors import OpenError, RequestError

#: From so many bytes on, a file that unfolds to many times its size is a bomb; a small one may be as dense as it likes.
DENSE = 64 << 20
#: The validator follows 255 levels of nesting, and Python's stack not many more.
MOST_NESTING = 200
_MOST_HELD = 512 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Every limit by the name of its parameter (`--param NAME=VALUE`); hitting one is a finding.

    Bytes are counted as they are read, decompressed where a file is compressed.
    """

    max_line_bytes: int = 64 << 20
    max_document_bytes: int = 512 << 20
    max_yaml_bytes: int = 64 << 20
    max_yaml_values: int = 250_000
    max_nesting: int = 100
    max_pattern_steps: int = 100_000
    max_expansion: int = 200
    max_decoded_bytes: int = 256 << 30
    max_pixels: int = 178_956_970
    max_frames: int = 10_000
    max_media_seconds: float = 60.0

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Limits:
        """The limits among the parameters of a check. Raises RequestError for what is no number above zero."""
        given = {field.name: params[field.name] for field in fields(cls) if field.name in params}
        for name, value in given.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
                raise RequestError(f"the parameter {name} is a number above zero, not {value!r}")
        if given.get("max_nesting", 0) > MOST_NESTING:
            raise RequestError(f"the parameter max_nesting is at most {MOST_NESTING}: what reads further is recursive")
        return cls(**given)


def read_small(path: Path, *, pipes: bool = False) -> bytes:
    """The bytes of a file that is held in memory as a whole: a stored result, a baseline.

    Raises OpenError where it is missing, not permitted, no regular file (nor a pipe, where that is one too), or larger
    than 512 MB.
    """
    try:
        found = stat.S_IFMT(path.stat().st_mode)
        if found != stat.S_IFREG and not (pipes and found == stat.S_IFIFO):
            raise OpenError(f"{path} is not a regular file")
        # NONBLOCK, for the case that somebody puts a pipe in its place in between.
        flags = 0 if found == stat.S_IFIFO else getattr(os, "O_NONBLOCK", 0)
        with open(path, "rb", opener=lambda name, given: os.open(name, given | flags)) as stream:
            data = stream.read(_MOST_HELD + 1)
    except OSError as error:
        raise OpenError(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > _MOST_HELD:
        raise OpenError(f"{path} has more than {_MOST_HELD >> 20} MB: mmcheck writes no such file")
    return data


def defaults() -> dict[str, Any]:
    """The parameters that are limits, with their defaults."""
    return asdict(Limits())
