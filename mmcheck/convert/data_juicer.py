"""Data-Juicer's record: one text of chunks with tokens, and a list of media a kind."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import Any

from mmcheck.convert.document import ABSENT, KINDS, Document, Inexpressible, Options

LISTS = {"image": "images", "video": "videos", "audio": "audios"}
FIELDS = ("id", "text", *LISTS.values(), "meta")
_HEADING = re.compile(r"(?:^|(?<=\n)|(?<=>)|(?<=> ))\[\[([A-Za-z_]+)\]\]:( ?)")


def from_document(document: Document, options: Options) -> dict[str, Any]:
    """The record, without residue. Raises Inexpressible for media that no token stands for."""
    record: dict[str, Any] = {}
    if document.id is not ABSENT:
        record["id"] = document.id
    record["text"], document.cut = _written(document)
    for kind, sources in document.media.items():
        if kind not in LISTS:
            raise Inexpressible(f"data-juicer has no token for {kind}")
        if sources and set(map(type, sources)) != {str}:
            raise Inexpressible(f"data-juicer names {kind}s by path: write bytes to files with --media extract")
        record[LISTS[kind]] = sources
    if document.home:
        record[document.home] = document.extra
    else:
        record.update((key, value) for key, value in document.extra.items() if key not in FIELDS)
    return record


def _written(document: Document) -> tuple[str, list[int]]:
    """The text, and where the strings of the source stand in it: start, length, start, length, …"""
    pieces = [document.lead] if document.lead else []
    cut: list[int] = []
    position = len(document.lead)
    close, join, leaves = document.heading, document.join, document.leaves
    joins = (join, join) if document.pair_join is None else (join, document.pair_join)
    blank = ""
    for number, (label, text) in enumerate(zip(document.labels, document.texts, strict=True)):
        head = blank if label is None else f"{blank}[[{label}{close}"
        position += len(head)
        size = len(text)
        if leaves is None:
            cut.append(position)
            cut.append(size)
        else:
            for start, length in leaves[number]:
                cut += (position + start, length)
        pieces.append(head)
        pieces.append(text)
        position += size
        blank = joins[number & 1]
    pieces.append(document.end)
    return "".join(pieces), cut


def labels(text: str, cut: list[int]) -> list[str]:
    """The labels of the headings that stand right before each string of the source."""
    return [text[text.rindex("[[", 0, start) + 2 : text.rindex("]]:", 0, start)] for start in cut[::2]]


def to_document(record: dict[str, Any], options: Options) -> Document:
    """A record as its text has it: rounds where there are headings, else chunks. Raises Inexpressible."""
    text = record.get("text")
    document = Document(template={})
    if "text" in record and not isinstance(text, str):
        raise Inexpressible("the text of the record is no string")
    if isinstance(text, str):
        _read(document, text, options)
    else:
        _read_fields(document, record)
    if "id" in record:
        document.id = record["id"]
    for kind in KINDS:
        sources = record.get(LISTS[kind])
        if isinstance(sources, list):
            document.media[kind] = list(sources)
    document.extra = {key: value for key, value in record.items() if key not in FIELDS[:-1] and not _ours(key, value)}
    document.template = dict.fromkeys(document.extra, "@")
    return document


def _ours(key: str, value: Any) -> bool:
    """Whether a `meta` holds nothing but what mmcheck put there."""
    return key == "meta" and isinstance(value, dict) and set(value) == {"mmcheck"}


def _read(document: Document, text: str, options: Options) -> None:
    headings = list(_HEADING.finditer(text))
    last = re.compile(rf"[ \n]?{re.escape(options.eoc)}\s*\Z")
    if not headings:
        pieces = last.sub("", text).split(options.eoc)
        document.labels = [None] * len(pieces)
        ends = [*[1] * (len(pieces) - 1), 0]
        document.texts = [
            _trim(piece, number, end) for number, (piece, end) in enumerate(zip(pieces, ends, strict=True))
        ]
        return
    blank = headings[0][2]
    between = re.compile(rf"(?: ?{re.escape(options.eoc)}[ \n]?|{'' if blank else ' ?'}\n)\Z")
    document.lead = text[: headings[0].start()]
    document.heading = "]]:" + blank
    for found, after in zip_longest(headings, headings[1:]):
        piece = text[found.end() : after.start() if after else None]
        document.labels.append(found[1])
        document.texts.append((between if after else last).sub("", piece))


def _trim(piece: str, before: int, after: int) -> str:
    """A chunk without the one blank that sets it apart from the end of a chunk before and after it."""
    if before and piece[:1] in (" ", "\n"):
        piece = piece[1:]
    return piece[:-1] if after and piece[-1:] in (" ", "\n") else piece


def _read_fields(document: Document, record: dict[str, Any]) -> None:
    """The post-tuning fields, as turns."""
    turns: list[tuple[str, Any]] = []
    if record.get("system"):
        turns.append(("system", record["system"]))
    history = record.get("history")
    for pair in history if isinstance(history, list) else ():
        if isinstance(pair, list) and len(pair) == 2:
            turns += [("user", pair[0]), ("assistant", pair[1])]
    asked = [record[key] for key in ("instruction", "query") if record.get(key)]
    if asked:
        turns.append(("user", "\n".join(map(str, asked))))
    if "response" in record:
        turns.append(("assistant", record["response"]))
    if not turns or not all(isinstance(text, str) for _, text in turns):
        raise Inexpressible("the record has neither a text nor a query")
    for label, text in turns:
        document.labels.append(label)
        document.texts.append(text)
