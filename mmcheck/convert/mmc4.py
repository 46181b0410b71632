"""MMC4: the sentences of a page, and its images, each matched to a sentence."""

from __future__ import annotations

from typing import Any

from mmcheck.convert.document import Document, Inexpressible, Options, split_at_tokens
from mmcheck.convert.template import literal


def to_document(record: dict[str, Any], options: Options) -> Document:
    """A chunk a sentence, before it the tokens of its images, which are sorted stably by their sentence.

    An image that is matched to no sentence stands before the first (a negative index) or after the last.
    """
    blank = " " if options.separator is None else options.separator
    document = Document(join=f" {options.eoc}{blank}", end=options.end(), leaves=[])
    document.extra = {key: value for key, value in record.items() if key != "text_list"}
    sentences = record.get("text_list")
    if "text_list" not in record or not isinstance(sentences, list):
        raise Inexpressible("the page has no list of sentences (text_list)")
    images = [image for image in _listed(record.get("image_info")) if isinstance(image, dict)]
    places = [(_place(image, len(sentences)), image.get("image_name")) for image in images]
    places = [(place, name) for place, name in places if isinstance(name, str)]
    places.sort(key=lambda item: item[0])
    document.media["image"] = [name for _, name in places]
    counts: dict[int, int] = {}
    for place, _ in places:
        counts[place] = counts.get(place, 0) + 1
    document.lead = (options.image + blank) * counts.get(-1, 0)
    document.end = (blank + options.image) * counts.get(len(sentences), 0) + document.end
    marks: list[Any] = []
    assert document.leaves is not None
    for place, sentence in enumerate(sentences):
        tokens = (options.image + blank) * counts.get(place, 0)
        text = sentence if isinstance(sentence, str) else ""
        document.labels.append(None)
        if tokens and options.insert_pos != "before" and options.after(text):
            document.texts.append(text + blank + tokens.removesuffix(blank))
            tokens = ""
        else:
            document.texts.append(tokens + text)
        document.leaves.append([(len(tokens), len(text))])
        marks.append(f"@{place}" if isinstance(sentence, str) else literal(sentence))
    document.template = {key: marks if key == "text_list" else "@" for key in record}
    return document


def _place(image: dict[str, Any], sentences: int) -> int:
    index = image.get("matched_text_index")
    if isinstance(index, bool) or not isinstance(index, int | float):
        return sentences
    return -1 if index < 0 else min(int(index), sentences)


def from_document(document: Document, options: Options) -> dict[str, Any]:
    """The record: `image_info` of the kept images as it was, with the sentence where each one stands now."""
    for kind, found in document.media.items():
        if found and kind != "image":
            raise Inexpressible(f"mmc4 has no place for {kind}s")
    if any(label is not None for label in document.labels):
        raise Inexpressible("mmc4 has the sentences of a page, this record has a conversation")
    kept = [image for image in _listed(document.extra.get("image_info")) if isinstance(image, dict)]
    names = list(document.media.get("image", ()))
    if not all(isinstance(name, str) for name in names):
        raise Inexpressible("mmc4 names images by path: write bytes to files with --media extract")
    infos: list[dict[str, Any]] = []
    sentences: list[str] = []
    for index, (_, chunk) in enumerate(document.turns()):
        pieces = split_at_tokens(chunk, options.tokens)
        sentence = ""
        beside = False
        for medium, piece in pieces:
            if medium is None:
                sentence += piece.removeprefix(" ") if beside else piece
            elif names:
                infos.append({**_info(kept, names.pop(0)), "matched_text_index": index})
            beside = medium is not None
        sentences.append(sentence.removesuffix(" ") if beside else sentence)
    if names:
        raise Inexpressible(f"{len(names)} images have no token in the text")
    order = {id(image): number for number, image in enumerate(kept)}
    infos.sort(key=lambda info: info.pop("@", len(order)))
    record: dict[str, Any] = {"text_list": sentences, "image_info": infos}
    return record | {key: value for key, value in document.extra.items() if key not in record and key != "meta"}


def _info(kept: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """What was known of an image, with its place among the others under `@`; only its name where nothing was."""
    for same in (str.__eq__, _below):
        for number, image in enumerate(kept):
            known = image.get("image_name")
            if isinstance(known, str) and known and same(name, known):
                kept[number] = {}
                return {**image, "image_name": name, "@": number}
    return {"image_name": name}


def _below(path: str, name: str) -> bool:
    """Whether a path leads to a file of this name, in whichever folder."""
    return path.endswith("/" + name)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
