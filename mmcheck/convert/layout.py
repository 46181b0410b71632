"""What belongs to a file and not to a record, and where a format's records stand in a file of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from mmcheck import readers
from mmcheck.errors import RequestError
from mmcheck.readers.source import BOM, Stream
from mmcheck.writers import container_of

#: The containers that a format's loaders read, the usual one first.
CONTAINERS: Mapping[str, tuple[str, ...]] = {
    "aria": ("jsonl",),
    "data-juicer": ("jsonl", "json", "parquet"),
    "internvid": ("jsonl", "json"),
    "llava": ("json", "jsonl", "parquet"),
    "mimic-it": ("json",),
    "mmc4": ("jsonl", "json", "parquet"),
    "msr-vtt": ("jsonl", "json"),
    "multimeditron": ("jsonl", "parquet"),
    "video-chatgpt": ("json", "jsonl"),
    "wavcaps": ("json",),
    "youku-mplug": ("csv",),
}

#: The member of a JSON document that holds the records, and what else the document has where nothing is known of it.
FRAMES: Mapping[str, dict[str, Any]] = {
    "wavcaps": {"num_captions_per_audio": 1, "data": ...},
    "mimic-it": {"meta": {}, "data": ...},
}


@dataclass(frozen=True, slots=True)
class FileResidue:
    """What a file has beside its records: other members of the document, the columns and dialect of a CSV file."""

    format: str = ""
    frame: dict[str, Any] = field(default_factory=dict)
    columns: list[str] = field(default_factory=list)
    dialect: dict[str, Any] = field(default_factory=dict)

    @property
    def header(self) -> dict[str, Any]:
        """The members beside the records."""
        return {key: value for key, value in self.frame.items() if value is not ...}


def beside(path: Path) -> Path:
    """Where the residue of a file is."""
    return path.with_name(path.name + ".mmcheck.json")


def of_file(path: Path, at: str, format: str) -> FileResidue:
    """What a source file has beside its records."""
    found = readers.container(path)
    frame = readers.frame(path, at) if at else {}
    frame = frame if ... in frame.values() else {}
    if found.fault is not None or found.name != "csv":
        return FileResidue(format, frame)
    with Stream(path, found.compression, keep_bom=True) as stream:
        start = stream.read(1 << 16)
    line = start.partition(b"\n")[0]
    dialect = {"bom": start.startswith(BOM), "newline": "\r\n" if line.endswith(b"\r") else "\n"}
    first: dict[str, Any] = next(iter(readers.head(path, "", 1)), {})
    return FileResidue(format, frame, list(first), dialect)


def write(path: Path, residue: FileResidue) -> None:
    """Write the residue of a file; the member with the records is null in `frame`, and named by `at`."""
    at = next((key for key, value in residue.frame.items() if value is ...), None)
    value = {
        "mmcheck": {"conversion": 1},
        "format": residue.format,
        "at": at,
        "frame": {key: None if each is ... else each for key, each in residue.frame.items()},
        "columns": residue.columns,
        "dialect": residue.dialect,
    }
    path.write_bytes(msgspec.json.format(msgspec.json.encode(value)) + b"\n")


def read(path: Path) -> FileResidue | None:
    """The residue of a file, None where there is none. Raises RequestError where it is not what mmcheck wrote."""
    if not path.is_file():
        return None
    try:
        value = msgspec.json.decode(path.read_bytes())
        at = value["at"]
        frame = {key: ... if key == at else each for key, each in value["frame"].items()}
        return FileResidue(value["format"], frame, value["columns"], value["dialect"])
    except (msgspec.DecodeError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise RequestError(f"{path} is not what mmcheck wrote beside a converted file: {error}") from None


def container_for(path: Path, format: str) -> str | None:
    """The container of a target; None for a folder. Raises RequestError where the format is not kept in it."""
    container = container_of(path)
    if container is not None and container not in CONTAINERS[format]:
        raise RequestError(
            f"{format} is not kept in {path.suffix} files: its loaders read {', '.join(CONTAINERS[format])}"
        )
    return container
