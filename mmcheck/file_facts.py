"""What a file says of itself, beside its records: its row of the table `files`, and what its columns may read."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmcheck.dataset import DataFile, look_up
from mmcheck.errors import OpenError


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


def file_row(file: DataFile, facts: Mapping[str, Any], records: int) -> dict[str, Any]:
    row = {key: facts.get(key) for key in FILE_FACTS}
    try:
        with file.path.open("rb") as stream:
            digest = "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise OpenError(f"{file.path} cannot be read: {error.strerror}") from None
    return row | {
        "file": file.file, "role": file.role, "split": file.split, "records": records, "part": file.part,
        "digest": digest,
    }  # fmt: skip


def unread_row(file: DataFile) -> dict[str, Any]:
    """The row of the files table of a file that could not be read."""
    row = dict.fromkeys((*FILE_FACTS, "digest"))
    return row | {"file": file.file, "role": file.role, "split": file.split, "records": 0, "part": file.part}


FILE_FACTS = (
    "container", "bytes", "row_groups", "largest_row_group_bytes", "largest_string_bytes", "string_window_bytes",
    "pandas_index", "columns",
)  # fmt: skip
