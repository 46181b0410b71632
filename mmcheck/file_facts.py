"""What a file says of itself, beside its records: its row of the table `files`, and what its columns may read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mmcheck.dataset import DataFile, look_up
from mmcheck.errors import OpenError
from mmcheck.fingerprint import digest_of

Stamp = tuple[int, int, int]


def look_beside(text: str, *, naming: Path, root: Path) -> tuple[str, str] | None:
    path, base = look_up(text, naming, root)
    if path is None or base is None:
        return None
    return "directory" if path.is_dir() else "file", os.path.relpath(base, naming.parent)


def bytes_read(facts: Mapping[str, Any], records: int) -> int:
    """How many bytes of a file of rows stand for the records that were read."""
    total, size = facts.get("records"), facts.get("bytes")
    return int(size * min(1.0, records / total)) if total and size else 0


def file_context(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {"pandas_index": facts.get("pandas_index"), "columns": facts.get("columns")}


def file_digest(path: Path) -> str:
    """`sha256:` and the digest of a file. Raises OpenError."""
    try:
        return digest_of(path)[1]
    except OSError as error:
        raise OpenError(f"{path} cannot be read: {error.strerror}") from None


def file_row(file: DataFile, facts: Mapping[str, Any], records: int, digest: str) -> dict[str, Any]:
    """The row of the files table of a file that was read."""
    row = {key: facts.get(key) for key in FILE_FACTS}
    return row | {
        "file": file.file, "role": file.role, "split": file.split, "records": records, "part": file.part,
        "digest": digest,
    }  # fmt: skip


def stamp(path: Path) -> Stamp | None:
    """Size, time of the last change and inode: one of them changes when a file is written or replaced."""
    try:
        told = path.stat()
    except OSError:
        return None
    return told.st_size, told.st_mtime_ns, told.st_ino


def changed_since(path: Path, before: Stamp | None) -> list[str]:
    """What to tell of a file that is not as its stamp was: its findings may be about bytes that are there no more."""
    if stamp(path) == before:
        return []
    return [f"{path} changed while it was read: check it again when nobody writes to it"]


def stamps(files: Iterable[DataFile]) -> dict[Path, Stamp | None]:
    """The stamps of some files, for `refuse_changed`."""
    return {file.path: stamp(file.path) for file in files}


def refuse_changed(before: Mapping[Path, Stamp | None]) -> None:
    """Raise OpenError where a file is not as its stamp was: what was made of it is of no state that it ever had."""
    for path, was in before.items():
        if stamp(path) != was:
            raise OpenError(
                f"{path} changed while it was read, and nothing was written: try again when nobody writes to it"
            )


def unread_row(file: DataFile) -> dict[str, Any]:
    """The row of the files table of a file that could not be read."""
    row = dict.fromkeys((*FILE_FACTS, "digest"))
    return row | {"file": file.file, "role": file.role, "split": file.split, "records": 0, "part": file.part}


FILE_FACTS = (
    "container", "bytes", "row_groups", "largest_row_group_bytes", "largest_string_bytes", "string_window_bytes",
    "pandas_index", "columns",
)  # fmt: skip
