"""Are these the bytes that were judged? Files of a dataset against the names, sizes and digests of a result."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mmcheck import storage
from mmcheck.errors import OpenError
from mmcheck.fingerprint import dataset_fingerprint, digest_of
from mmcheck.listing import list_files
from mmcheck.locate import Roots
from mmcheck.report import FileSummary, Report

What = Literal["changed", "missing", "new", "unreadable", "outside", "altered"]


@dataclass(frozen=True, slots=True)
class Difference:
    """A file that is not as it was judged; `detail` says in which way."""

    what: What
    file: str
    detail: str = ""


def verify(report: Report, path: Path, allowed: Sequence[Path] = (), threads: int = 2) -> list[Difference]:
    """The differences between the files below `path` and those that `report` judged; none where they are the same.

    Names that lead out of the dataset's root are followed where a check would: to near parents, and into `allowed`.
    Raises OpenError where the path is missing, or where the result is about no file at all.
    """
    judged = {file.file: file for file in report.files if file.role != "ignored"}
    if not judged:
        raise OpenError(f"the result of {report.path} is about no file: nothing was opened when it was made")
    passed_over = {file.file for file in report.files if file.role == "ignored"}
    listing = list_files([path])
    found: list[Difference] = []
    if report.fingerprint is not None and dataset_fingerprint(report.files) != report.fingerprint:
        found.append(Difference("altered", "the result itself", "its fingerprint is not that of the files it lists"))
    with ThreadPoolExecutor(threads) as pool:
        checked = pool.map(
            lambda file: _difference(file, listing.root, allowed, storage.absolute(path)), judged.values()
        )
        found += [each for each in checked if each is not None]
    whole = os.path.normpath(report.path) == os.path.normpath(report.root)  # a folder was judged, not one file of it
    new = sorted({each.file for each in listing.candidates} - judged.keys() - passed_over) if whole else []
    return [*found, *(Difference("new", file, "not there when the dataset was judged") for file in new)]


def counted(differences: Sequence[Difference]) -> Iterator[str]:
    """`2 changed`, `1 missing`, …"""
    for what in dict.fromkeys(each.what for each in differences):
        yield f"{sum(each.what == what for each in differences):,} {what}"


def _leads_out(path: Path, roots: Roots) -> bool:
    """Whether a link takes a file out of the folders that are read, which may themselves be named by links."""
    if isinstance(path, storage.RemotePath):
        return False
    real = Roots(Path(os.path.realpath(roots.dataset)), allowed=tuple(map(_real, roots.allowed)))
    return not real.may_read(os.path.realpath(path)) and not roots.may_read(os.path.realpath(path))


def _real(path: Path) -> Path:
    return path if isinstance(path, storage.RemotePath) else Path(os.path.realpath(path))


def _difference(file: FileSummary, root: Path, allowed: Sequence[Path], named: Path) -> Difference | None:
    path = storage.absolute(root / file.file)
    roots = Roots(root, allowed=tuple(storage.absolute(each) for each in allowed))
    if not roots.may_read(os.fspath(path)) or "\0" in file.file or (path != named and _leads_out(path, roots)):
        return Difference("outside", file.file, "outside the folders that are read; --allow-root DIR adds one")
    try:
        size, digest = digest_of(path)
    except FileNotFoundError:
        return Difference("missing", file.file)
    except (OSError, ValueError) as error:
        return Difference("unreadable", file.file, getattr(error, "strerror", None) or str(error))
    if file.digest is None:
        return None if size == file.bytes else Difference("changed", file.file, f"{file.bytes:,} → {size:,} bytes")
    if digest == file.digest:
        return None
    return Difference("changed", file.file, f"{file.bytes:,} → {size:,} bytes" if size != file.bytes else "same size")
