"""What is asked of a check beside the dataset, as far as the report depends on it; and how far the check is."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mmcheck import storage
from mmcheck.dataset import Dataset
from mmcheck.locate import Roots

KINDS = ("image", "video", "audio")


@dataclass(frozen=True, slots=True)
class Request:
    """The arguments of `check` of the same names; `roots` are where media may be."""

    rules: tuple[Path, ...]
    roots: Roots
    format_path: tuple[str | Path, ...]
    placeholders: tuple[str, ...]
    modality: str | None
    select: tuple[str, ...]
    ignore: tuple[str, ...]
    params: Mapping[str, Any]
    profile: str | None
    severity: Mapping[str, str]
    per_path: Mapping[str, tuple[str, ...]]
    allow_python: bool
    probe: str
    sample: str | None
    max_findings: int | None
    paranoid: bool
    digest_media: bool
    engine: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a check is; bytes are those of annotation files and shards."""

    bytes_done: int
    bytes_total: int
    records: int


def shown(dataset: Dataset) -> str:
    """The root as the path was written: absolute, or seen from the working directory."""
    absolute = os.path.isabs(dataset.path) or storage.is_remote(dataset.root)
    return str(dataset.root) if absolute else os.path.relpath(dataset.root)


def run_times(started: datetime, seconds: float) -> dict[str, Any]:
    """The time fields of a run; `SOURCE_DATE_EPOCH` fixes them, so that two runs over the same bytes are the same."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if epoch.isdecimal():
        with contextlib.suppress(ValueError, OverflowError, OSError):  # a time that no calendar knows fixes nothing
            started, seconds = datetime.fromtimestamp(int(epoch), UTC), 0.0
    return {"started": started.strftime("%Y-%m-%dT%H:%M:%SZ"), "seconds": round(seconds, 3)}
