"""Thumbnails for findings about images, as data URIs: only of files inside the roots that a report may show."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mmcheck.child import Child, Died, dismiss, hire
from mmcheck.finding import Finding
from mmcheck.report import Report

#: How many images of a dataset are looked at for a report, and how many bytes the thumbnails may have.
MOST, MOST_BYTES = 400, 4 * 2**20
_SERVE = "mmcheck.probe.thumbnail:serve"
SECONDS = 20.0
"""How long one image may take: it is drawn at an eighth of its size where it is large."""
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp"})


class Thumbnails(NamedTuple):
    """A data URI for each finding (by its place in the list) that is about an image that decodes, and what to note."""

    pictures: dict[int, str]
    notes: list[str]


def thumbnails(report: Report) -> Thumbnails:
    """Thumbnails for the findings of a report. An image that crashes the process which draws it is noted."""
    if not report.picture_roots:
        return Thumbnails({}, [])
    roots = [root.resolve() for root in report.picture_roots]
    made: dict[Path, str | None] = {}
    found: dict[int, str] = {}
    size = 0
    with Artist() as artist:
        for number, finding in enumerate(report.findings):
            path = _image(finding, roots)
            if path is None:
                continue
            if path not in made:
                if len(made) >= MOST or size >= MOST_BYTES:
                    continue
                data = artist.draw(path)
                size += len(data or b"")
                made[path] = f"data:image/jpeg;base64,{base64.b64encode(data).decode()}" if data else None
            if uri := made[path]:
                found[number] = uri
    return Thumbnails(found, artist.notes)


class Artist:
    """Draws thumbnails in a light child process: an image that makes it crash or hang has none, and the next has."""

    def __init__(self) -> None:
        self._child: Child | None = None
        self.notes: list[str] = []

    def __enter__(self) -> Artist:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if self._child is not None:
            (dismiss if kind is None else Child.close)(self._child)

    def draw(self, path: Path) -> bytes | None:
        """The image as a small JPEG, if it decodes."""
        if self._child is None:
            self._child = hire(_SERVE)
        try:
            drawn: bytes | None = self._child.ask(path, SECONDS)
        except Died as death:
            self.notes.append(f"{path.name} is shown without a picture: the process that was to draw it {death}")
            self._child.close()
            self._child = None
            return None
        return drawn


def _image(finding: Finding, roots: list[Path]) -> Path | None:
    """The image that a finding's value names, if it lies inside the roots, links followed."""
    value = finding.value
    if not value or len(value) > 1024 or "\0" in value or os.path.splitext(value)[1].lower() not in SUFFIXES:
        return None
    for path in _places(value, finding.file, roots):
        try:
            whole = path.resolve(strict=True)
        except (OSError, ValueError, RuntimeError):
            continue
        if any(whole.is_relative_to(root) for root in roots):
            return whole
    return None


def _places(value: str, file: str | None, roots: list[Path]) -> Iterator[Path]:
    yield from (root / value for root in roots[1:])  # a media root that was named goes before the dataset's
    if file:
        yield roots[0] / Path(file).parent / value
    yield roots[0] / value
