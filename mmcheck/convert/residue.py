"""What travels with a record in `meta.mmcheck`: what the target has no place for, and where the rest is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from collections.abc import Mapping as Map
from dataclasses import dataclass
from typing import Any

import msgspec

from mmcheck.convert import data_juicer
from mmcheck.convert.document import ABSENT, Document, Inexpressible, Options
from mmcheck.convert.template import Filling, Unfilled, closed, is_open, literal

ToDocument = Callable[[dict[str, Any], Options], Document]
FromDocument = Callable[[Document, Options], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Mapping:
    """How a format and a document become each other."""

    to_document: ToDocument
    from_document: FromDocument
    spelt: Callable[[str, Options], str] = lambda text, options: text


def digest(text: str) -> str:
    """Tells a generated text from an edited one."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def attach(target: dict[str, Any], document: Document, source: str, record: Map[str, Any]) -> dict[str, Any]:
    """The target's record with the residue of the source's `record`."""
    template = document.template
    if not document.home:
        for key in data_juicer.FIELDS:
            if template.get(key) == "@":
                template[key] = literal(record[key])
    residue: dict[str, Any] = {
        "format": source,
        "digest": digest(target["text"]),
        "cut": document.cut,
        "record": template,
    }
    if document.home:
        residue["in"] = document.home
    target["meta"] = {"mmcheck": residue}
    return target


def flatten(document: Document, record: Map[str, Any]) -> None:
    """Leave only what fits the columns that all records share; the template holds the rest."""
    for key, mark in document.template.items():
        if mark == "@" or (mark == "@id" and not isinstance(document.id, str)):
            document.template[key] = literal(record[key])
    document.extra, document.home = {}, ""
    if document.id is not ABSENT:
        document.id = _as_text(document.id)


def as_columns(record: dict[str, Any]) -> dict[str, Any]:
    """The record with its residue as text."""
    record["meta"] = {"mmcheck": msgspec.json.encode(record["meta"]["mmcheck"]).decode()}
    return record


def residue_of(record: Map[str, Any]) -> dict[str, Any] | None:
    """The residue that a record carries, in JSON an object, in Parquet its text; None where there is none."""
    meta = record.get("meta")
    found = meta.get("mmcheck") if isinstance(meta, dict) else None
    if isinstance(found, str):
        try:
            found = msgspec.json.decode(found)
        except msgspec.DecodeError:
            return None
    if not isinstance(found, dict) or not isinstance(found.get("record"), dict):
        return None
    return found if isinstance(found.get("format"), str) else None


def restore(record: dict[str, Any], residue: Map[str, Any], mapping: Mapping, options: Options) -> dict[str, Any]:
    """The record that the residue belongs to, with the visible fields as they are now.

    Raises Inexpressible where what became of them cannot be held.
    """
    template = residue["record"]
    text = record.get("text")
    intact = isinstance(text, str) and residue.get("digest") == digest(text)
    seen = {key: value for key, value in record.items() if key != "meta"}
    document = Document() if intact else data_juicer.to_document(seen, options)
    home = residue.get("in")
    extra = record.get(home) if home else record
    texts = _strings(text, residue["cut"]) if intact else _parsed(document, mapping, options)
    turns = "@turns" in template.values()
    filling = Filling(
        texts=[mapping.spelt(each, options) for each in texts],
        media={kind: record.get(key) or [] for kind, key in data_juicer.LISTS.items()},
        id=record.get("id", ABSENT),
        extra=extra if isinstance(extra, dict) else {},
        labels=data_juicer.labels(str(text), residue["cut"]) if turns and intact else document.labels,
    )
    try:
        found = filling.record(template)
    except Unfilled:
        found = None
    media = sum(len(sources) for sources in filling.media.values())
    if found is not None and intact and filling.used == media:
        return found
    if found is not None and _shows(found, seen, mapping, options):
        return found
    if intact:
        document = data_juicer.to_document(seen, options)
    return _merged(template, mapping.from_document(document, options))


def _strings(text: Any, cut: list[int]) -> list[str]:
    return [text[start : start + length] for start, length in zip(cut[::2], cut[1::2], strict=True)]


def _parsed(document: Document, mapping: Mapping, options: Options) -> list[str]:
    """The texts of a document as the format writes them: what `from_document` makes of them, read again."""
    try:
        made = mapping.to_document(mapping.from_document(document, options), options)
    except Inexpressible:
        return list(document.texts)
    if made.leaves is None:
        return made.texts
    return [
        text[start : start + length]
        for text, leaves in zip(made.texts, made.leaves, strict=True)
        for start, length in leaves
    ]


def _shows(found: dict[str, Any], seen: Map[str, Any], mapping: Mapping, options: Options) -> bool:
    """Whether a record, converted once more, would show exactly what is seen."""
    try:
        shown = data_juicer.from_document(mapping.to_document(found, options), options)
    except Inexpressible:
        return False
    if "id" in shown and isinstance(seen.get("id"), str):
        shown["id"] = _as_text(shown["id"])
    return all(shown.get(key) == seen.get(key) for key in data_juicer.FIELDS[:-1])


def _as_text(name: Any) -> str:
    return name if isinstance(name, str) else msgspec.json.encode(name).decode()


def _merged(template: Map[str, Any], rebuilt: Map[str, Any]) -> dict[str, Any]:
    """A record as the visible fields give it, with what only the residue knows, in the order of the template."""
    merged: dict[str, Any] = {}
    for key, value in template.items():
        if not is_open(value):
            merged[key] = closed(value)
        elif key in rebuilt:
            merged[key] = rebuilt[key]
    return merged | {key: value for key, value in rebuilt.items() if key not in template and key not in merged}
