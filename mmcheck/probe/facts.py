"""What a look into one medium tells."""

from __future__ import annotations

from typing import Literal, NamedTuple

from mmcheck.limits import Limits

__all__ = ["DEFECTS", "Depth", "Facts", "Limits"]

Depth = Literal["header", "decode"]

#: Every word that `Facts.defect` may hold.
DEFECTS = (
    "empty", "missing", "not-media", "unsupported", "truncated", "corrupt", "bomb", "no-samples", "lfs-pointer",
)  # fmt: skip


class Facts(NamedTuple):
    """One medium. Sizes in pixels, `duration` in seconds, `sample_rate` in Hz, `bytes` as stored.

    `defect` is None where no defect was found at the depth that was asked for; `decoded` tells whether everything
    was decoded. `detail` says the defect in words, `later_defect` that of a frame after the first.
    """

    bytes: int | None = None
    container: str | None = None
    kind: str | None = None
    width: int | None = None
    height: int | None = None
    mode: str | None = None
    frames: int | None = None
    duration: float | None = None
    sample_rate: int | None = None
    extension_matches: bool | None = None
    decoded: bool = False
    defect: str | None = None
    detail: str | None = None
    later_defect: str | None = None
    digest: str | None = None
