"""MIMIC-IT: an instruction and its answer about images that are named by their ids; the record's id is its key."""

from __future__ import annotations

from typing import Any, Final

from mmcheck.convert.document import ABSENT, Document, Inexpressible, Options, plain, speaker
from mmcheck.convert.template import literal

KEY: Final = ""
"""Where a record of a map carries its key."""

_NO_KEY: Final = "mimic-it keys its records by their ids, this record has none"


def to_document(record: dict[str, Any], options: Options) -> Document:
    """The instruction under its images, and the answer."""
    document = Document(end=options.end(), leaves=[])
    assert document.leaves is not None
    images = record.get("image_ids")
    known = isinstance(images, list) and all(isinstance(each, str) for each in images)
    lead = options.image * len(images) + "\n" if known and images else ""
    for key, label in (("instruction", "human"), ("answer", "gpt")):
        text = record.get(key)
        if isinstance(text, str):
            document.labels.append(label)
            document.texts.append(lead + text)
            document.leaves.append([(len(lead), len(text))])
            document.template[key] = f"@{len(document.texts) - 1}"
            lead = ""
    template: dict[str, Any] = {}
    for key, value in record.items():
        if key == KEY:
            document.id = value
            template[key] = "@id"
        elif key == "image_ids" and known:
            template[key] = [document.add_media("image", each) for each in value]
        elif key in document.template:
            template[key] = document.template[key]
        else:
            template[key] = literal(value)
    document.template = template
    return document


def from_document(document: Document, options: Options) -> dict[str, Any]:
    """The record with its key. Raises Inexpressible for anything but one instruction and one answer with an id."""
    turns = [(speaker(label), plain(text, options.tokens)) for label, text in document.turns()]
    if [who for who, _ in turns] != ["user", "assistant"]:
        raise Inexpressible("mimic-it has one instruction and one answer a record")
    if document.id is ABSENT or document.id is None:
        raise Inexpressible(_NO_KEY)
    for kind, found in document.media.items():
        if found and kind != "image":
            raise Inexpressible(f"mimic-it has no place for {kind}s")
    record: dict[str, Any] = {KEY: str(document.id), "instruction": turns[0][1], "answer": turns[1][1]}
    return record | {"image_ids": list(document.media.get("image", ())), "rel_ins_ids": []}


def with_key(record: dict[str, Any]) -> dict[str, Any]:
    """The record. Raises Inexpressible where it has no key, as in a file whose `data` is a list."""
    if KEY not in record:
        raise Inexpressible(_NO_KEY)
    return record
