"""What travels with a record in `meta.mmcheck`: what the target has no place for, and where the rest is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from collections.abc import Mapping as Map
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from mmcheck.convert import data_juicer
from mmcheck.convert.data_juicer import LISTS as _LISTS
from mmcheck.convert.document import ABSENT, SPELLINGS, USUAL, Document, Inexpressible, Options
from mmcheck.convert.template import Filling, Unfilled, closed, is_open, literal

LISTS = tuple(_LISTS.values())

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


def attach(
    target: dict[str, Any], document: Document, source: str, record: Map[str, Any], options: Options = USUAL
) -> dict[str, Any]:
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
    if document.repeated:
        residue["repeated"] = document.repeated
    if document.moved:
        residue["moved"] = document.moved
    if document.id is not ABSENT and document.id != target.get("id"):
        residue["id"] = document.id
    if options is not USUAL and (spelt := options.unusual()):
        residue["options"] = spelt
    target["meta"] = {"mmcheck": residue}
    return target


def with_residue(made: dict[str, Any], whole: Map[str, Any]) -> dict[str, Any]:
    """A record that was made of one of the hub with that one, since its own fields would not lead back to it."""
    residue: dict[str, Any] = {"format": "data-juicer", "digest": digest_of(made), "record": whole}
    return {**made, "meta": {"mmcheck": residue}}


def without_residue(record: Map[str, Any]) -> dict[str, Any]:
    """The record as it was before a residue was put into it."""
    meta = {key: value for key, value in record["meta"].items() if key != "mmcheck"}
    return {key: meta if key == "meta" else value for key, value in record.items() if key != "meta" or meta}


def digest_of(record: Map[str, Any]) -> str:
    """Tells a record that was converted from one that was edited."""
    return hashlib.blake2b(msgspec.json.encode(record), digest_size=8).hexdigest()


def hide_rest(document: Document, record: Map[str, Any]) -> None:
    """Leave out of sight what is no text and no medium; the template holds it."""
    for key, mark in document.template.items():
        if mark == "@":
            document.template[key] = literal(record[key])
    document.extra, document.home = {}, ""


def with_text_id(target: dict[str, Any]) -> dict[str, Any]:
    """The record with its id as a string."""
    if "id" in target:
        target["id"] = _as_text(target["id"])
    return target


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

    Raises Inexpressible where what became of them cannot be held, or where the residue is not what mmcheck wrote.
    """
    try:
        spelt = residue.get("options", {})
        if spelt:
            options = replace(options, **{name: str(spelt[name]) for name in SPELLINGS if name in spelt})  # type: ignore[arg-type]
        return _restored(_as_before(record, residue), residue, mapping, options)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise Inexpressible(f"what it carries in meta.mmcheck is not what mmcheck wrote: {error}") from None


def _as_before(record: dict[str, Any], residue: Map[str, Any]) -> dict[str, Any]:
    """The record with the id of its own type, and images that were repeated once, where both are as they were."""
    if "id" in residue and "id" in record and record["id"] == _as_text(residue["id"]):
        record = {**record, "id": residue["id"]}
    images = record.get("images")
    if residue.get("repeated") and images and images == [images[0]] * residue["repeated"]:
        record = {**record, "images": images[:1]}
    return record


def moved_back(record: dict[str, Any], residue: Map[str, Any]) -> dict[str, Any]:
    """The record with the paths that its media had before a conversion to another folder."""
    moved = residue.get("moved")
    if not isinstance(moved, dict):
        return record
    back = {key: [moved.get(each, each) for each in record[key]] for key in LISTS if isinstance(record.get(key), list)}
    return {**record, **back}


def _restored(record: dict[str, Any], residue: Map[str, Any], mapping: Mapping, options: Options) -> dict[str, Any]:
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
    if found is not None and intact and (filling.used == media or _has_media(found, filling.media, mapping, options)):
        return found
    if found is not None and not intact and _shows(found, seen, mapping, options):
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


def _has_media(found: dict[str, Any], media: Map[str, Any], mapping: Mapping, options: Options) -> bool:
    """Whether a record, converted once more, would have these media."""
    try:
        made = mapping.to_document(found, options).media
    except Inexpressible:
        return False
    return all((made.get(kind) or []) == list(sources) for kind, sources in media.items())


def _shows(found: dict[str, Any], seen: Map[str, Any], mapping: Mapping, options: Options) -> bool:
    """Whether a record, converted once more, would show exactly what is seen."""
    try:
        shown = data_juicer.from_document(mapping.to_document(found, options), options)
    except Inexpressible:
        return False
    if isinstance(seen.get("id"), str):
        with_text_id(shown)
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
