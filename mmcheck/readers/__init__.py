"""Reads files by how they are stored, whatever their format: a file becomes batches of raw records, and faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mmcheck.errors import MmcheckError
from mmcheck.limits import Limits
from mmcheck.readers import apart, json_document, json_outline, json_parts, jsonl
from mmcheck.readers.apart import schema
from mmcheck.readers.batch import Batch, Fault, Part, first
from mmcheck.readers.container import Container, container
from mmcheck.readers.facts import facts
from mmcheck.readers.json_columns import Lane
from mmcheck.readers.json_seams import seams
from mmcheck.readers.parts import count, parts, span
from mmcheck.readers.source import BLOCK, Stream, StreamError
from mmcheck.readers.undecoded import Undecoded, undecoded

__all__ = [
    "Batch",
    "Container",
    "Fault",
    "Lane",
    "Part",
    "Undecoded",
    "container",
    "count",
    "facts",
    "frame",
    "head",
    "header",
    "parts",
    "pointers",
    "read",
    "schema",
    "seams",
    "span",
    "undecoded",
]

_AFAR = 256 << 10
_BEGINNING = 64 << 10
_LARGE = 4 << 20
_MOST_HEAD = 16
_FAR = 64 << 20


def read(
    path: Path,
    at: str = "",
    *,
    document: bool = False,
    block: int | None = None,
    limits: Limits = Limits(),  # noqa: B008  # frozen
    part: Part | None = None,
    lane: Lane | None = None,
    stored: bool = False,
) -> Iterator[Batch]:
    """The records of a file, in batches of about `block` bytes and at most 10,000 records (50,000 in columns); or of
    one part of it, whose rows and lines are counted from its own start.

    `at` is a JSON pointer to the array or the object that holds the records of a JSON document; "" is the top level,
    where an object is one record, and "*" the top level, where an object is a map of records. With `document` the
    whole file is one record. With a `lane`, JSON lines are read by columns where that can be done; with `stored`,
    binary cells may be left in their file. Faults of the data are in the batches; raises OpenError where the file is
    missing or may not be opened.
    """
    found, block = container(path), block or BLOCK
    if found.fault is not None:
        yield Batch(faults=[found.fault])
    elif part is not None and found.name == "jsonl":
        pretty = None
        if part.start:
            with Stream(path, limits=limits) as stream:
                pretty = jsonl.is_pretty(stream.read(_BEGINNING))
        with Stream(path, limits=limits, span=(part.start, part.stop)) as stream:
            yield from _placed(stream, jsonl.read(stream, block, limits, whole=False, pretty=pretty, lane=lane))
    elif part is not None and found.name == "json":
        with json_parts.PartStream(path, part, limits) as stream:
            records = json_document.read(stream, at, block=block, limits=limits, before=part.row, lane=lane)
            yield from _placed(stream, records)
    elif found.name == "json" or (document and found.name == "jsonl"):
        its = at if found.name == "json" else ""
        with Stream(path, found.compression, limits=limits) as stream:
            records = json_document.read(stream, its, document=document, block=block, limits=limits, lane=lane)
            yield from _placed(stream, records)
    elif not at and found.name == "jsonl":
        with Stream(path, found.compression, limits=limits) as stream:
            yield from _placed(stream, jsonl.read(stream, block, limits, lane=lane))
    elif at and found.name != "yaml":
        message = f"the file has no member {at!r}: it holds one record after the other"
        yield Batch(faults=[Fault("MM001", message, hint=f"records are looked for at {at} of a JSON document")])
    elif found.name in ("parquet", "arrow"):
        yield from apart.read(path, found.name, block, limits, part, stored)
    else:
        yield from READERS[found.name](path, found, block, limits)


def _placed(stream: Stream, batches: Iterator[Batch]) -> Iterator[Batch]:
    for batch in batches:
        batch.position = stream.position()
        yield batch
        del batch  # else it would be held until the next one is made


def _csv(path: Path, found: Container, block: int, limits: Limits) -> Iterator[Batch]:
    from mmcheck.readers import csv_table

    delimiter = "\t" if ".tsv" in [suffix.lower() for suffix in path.suffixes] else ","
    with Stream(path, found.compression, limits=limits) as stream:
        yield from _placed(stream, csv_table.read(stream, delimiter, block, limits))


def _yaml(path: Path, found: Container, block: int, limits: Limits) -> Iterator[Batch]:
    from mmcheck.readers import yaml_document

    with Stream(path, found.compression, limits=limits) as stream:
        yield from yaml_document.read(stream, limits)


READERS: dict[str, Callable[[Path, Container, int, Limits], Iterator[Batch]]] = {"csv": _csv, "yaml": _yaml}


def head(path: Path, at: str = "", n: int = 100) -> list[Any]:
    """The first `n` readable records, cheaply: fewer where they are large; of a large document that is one record, or
    whose members are the records (`*`), an outline of it.

    Bad data gives fewer records or none. Raises OpenError where the file is missing or may not be opened.
    """
    found = container(path)
    if found.fault is None and found.name == "json" and at in ("", "*") and path.stat().st_size > _LARGE:
        with Stream(path, found.compression) as stream:
            outline = json_outline.outline(stream, n, _AFAR)
        if outline:
            return [outline] if not at else list(outline.values())[:n]
    if found.fault is None and not at and found.name in ("parquet", "arrow"):
        return apart.head(path, found.name, _AFAR, n, _MOST_HEAD)
    return first(read(path, at, block=_AFAR), n, _MOST_HEAD)


def header(path: Path, at: str, part: Part | None = None) -> Mapping[str, Any]:
    """The small members of a document beside the one that `at` walks through, wherever they stand in the file.

    A `part` of a document knows those of the whole. {} for what is no JSON document, and where all members are records
    (`*`). Raises OpenError where the file is missing or may not be opened.
    """
    if part is not None:
        return part.header
    found = container(path)
    if found.fault is not None or found.name != "json":
        return {}
    with Stream(path, found.compression) as stream:
        return json_outline.header(stream, at)


def frame(path: Path, at: str) -> dict[str, Any]:
    """The members of a document in their order, whatever their size; `...` for the one that `at` walks through.

    {} for what is no JSON document. Raises OpenError where the file is missing or may not be opened.
    """
    found = container(path)
    if found.fault is not None or found.name != "json":
        return {}
    with Stream(path, found.compression) as stream:
        return json_outline.frame(stream, at)


def pointers(path: Path) -> list[str]:
    """JSON pointers to the top-level members that are arrays or objects (`/data`), in the first 64 MB of a document."""
    found = container(path)
    if found.fault is not None or found.name != "json":
        return []
    try:
        with Stream(path, found.compression) as stream:
            return json_outline.pointers(stream, _FAR)
    except (StreamError, MmcheckError):
        return []
