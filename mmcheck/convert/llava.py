"""LLaVA: turns of `{from, value}`, and images or videos by path."""

from __future__ import annotations

from typing import Any

from mmcheck.convert.document import ABSENT, Document, Inexpressible, Options, plain, speaker
from mmcheck.convert.template import literal

_TOKENS = {"image": "<image>", "video": "<video>"}
_PLAIN = ("human", "gpt")
_LABELS = {"user": "human", "assistant": "gpt"}


def to_document(record: dict[str, Any], options: Options) -> Document:
    """The rounds, `<image>` and `<video>` as tokens."""
    separator = "\n" if options.separator is None else options.separator
    template: dict[str, Any] = {}
    document = Document(template=template, join=separator, end=options.end())
    if options.split_chunk:
        document.pair_join = f" {options.eoc}{separator}"
    image, video = options.image, options.video
    document.media["image"] = []
    for key, value in record.items():
        if key == "conversations" and type(value) is list:
            if ("image" in record or "video" not in record) and _plain(document, value, image, video):
                template[key] = "@turns"
            else:
                template[key] = _turns(document, value, record, options)
        elif key == "id":
            document.id = value
            template[key] = "@id"
        elif key in _TOKENS:
            template[key] = _paths(document, key, value)
        else:
            template[key] = literal(value)
    if options.only_keep_caption:
        _keep_captions(document, record, options, separator)
    elif options.image_broadcast:
        _broadcast(document, options, separator)
    return document


def _keep_captions(document: Document, record: dict[str, Any], options: Options, separator: str) -> None:
    """Leave of each round the answer, the images before the first."""
    turns, labels = record.get("conversations"), [speaker(label) for label in document.labels]
    if not isinstance(turns, list) or len(turns) != len(labels) or labels != ["user", "assistant"] * (len(turns) // 2):
        raise Inexpressible("only_keep_caption takes rounds of a question and its answer")
    lead = "".join(
        (options.tokens[kind] + separator) * len(found) for kind, found in document.media.items() if kind in _TOKENS
    )
    answers = document.texts[1::2]
    document.labels = [None] * len(answers)
    document.texts, document.leaves = [], []
    for answer in answers:
        document.texts.append(lead + answer)
        document.leaves.append([(len(lead), len(answer))])
        lead = ""
    if document.pair_join is not None:
        document.join, document.pair_join = document.pair_join, None
    document.template["conversations"] = [
        {key: f"@{number // 2}" if number % 2 and key == "value" and not options.tokens_in(each) else literal(each)
         for key, each in turn.items()}
        for number, turn in enumerate(turns)
    ]  # fmt: skip
    document.left.append("questions of conversations")


def _broadcast(document: Document, options: Options, separator: str) -> None:
    """Put the token of the one image into every later question, and the image into the list as often."""
    questions = range(2, len(document.texts), 2)
    if len(document.media.get("image", ())) != 1 or document.media.get("video") or not questions:
        return
    document.leaves = [[(0, len(text))] for text in document.texts]
    where = options.image_broadcast_pos
    if where == "follow":
        where = "before" if document.texts[0].startswith(options.image) else "after"
    for number in questions:
        text = document.texts[number]
        if options.after(text, where):
            document.texts[number] = text + separator + options.image
        else:
            document.texts[number] = options.image + separator + text
            document.leaves[number] = [(len(options.image + separator), len(text))]
    document.repeated = 1 + len(questions)
    document.media["image"] *= document.repeated


def _plain(document: Document, turns: list[Any], image: str, video: str) -> bool:
    """Take turns of `{from, value}` by human and gpt, as nearly all are; False where one is otherwise."""
    labels, texts = list[str | None](), list[str]()
    for turn in turns:
        if type(turn) is not dict or len(turn) != 2:
            return False
        first, second = turn
        if first != "from" or second != "value":
            return False
        label, text = turn["from"], turn["value"]
        if label not in _PLAIN or type(text) is not str:
            return False
        if "<" in text:
            if image in text or video in text:
                return False
            if "<image>" in text:
                text = text.replace("<image>", image)
            if "<video>" in text:
                text = text.replace("<video>", video)
        labels.append(label)
        texts.append(text)
    document.labels, document.texts = labels, texts
    return True


def _turns(document: Document, turns: list[Any], record: dict[str, Any], options: Options) -> list[Any]:
    image, video = options.image, options.video
    stand_in = not record.get("image") and bool(record.get("video"))  # <image> serves for a video
    labels, texts = document.labels, document.texts
    found: list[Any] = []
    for turn in turns:
        text = turn.get("value") if type(turn) is dict else None
        if type(text) is not str:
            found.append(literal(turn))
            continue
        label = turn.get("from")
        known = type(label) is str
        mark = f"@{len(texts)}"
        if "<" in text:
            if image in text or video in text or (stand_in and "<image>" in text):
                mark = literal(text)
            text = text.replace("<image>", video if stand_in else image).replace("<video>", video)
        if len(turn) == 2 and known and label[:1] != "@":
            # the order of the two keys is the record's
            found.append({key: mark if key == "value" else label for key in turn})
        else:
            found.append({key: mark if key == "value" else literal(each) for key, each in turn.items()})
        labels.append(label if known else None)
        texts.append(text)
    return found


def _paths(document: Document, kind: str, value: Any) -> Any:
    if type(value) is str and value:
        return document.add_media(kind, value)
    if type(value) is list and value and all(type(each) is str for each in value):
        return [document.add_media(kind, each) for each in value]
    return literal(value)


def from_document(document: Document, options: Options) -> dict[str, Any]:
    """The record. Raises Inexpressible for media that LLaVA has no key for."""
    record: dict[str, Any] = {}
    if document.id is not ABSENT:
        record["id"] = document.id
    media = {kind: found for kind, found in document.media.items() if found}
    if options.keep_only_first_image and len(set(map(repr, media.get("image", ())))) == 1:
        media["image"] = media["image"][:1]
        document.texts[1:] = [_without(text, options.image) for text in document.texts[1:]]
    for kind in media:
        if kind not in _TOKENS:
            raise Inexpressible(f"llava has no place for {kind}")
        if not all(isinstance(each, str) for each in media[kind]):
            raise Inexpressible(f"llava names {kind}s by path: write bytes to files with --media extract")
    for kind in _TOKENS:
        if kind in media:
            record[kind] = media[kind][0] if len(media[kind]) == 1 else media[kind]
    if not any(label is not None for label in document.labels):
        # a text that nobody speaks: captions and pages, as LLaVA's own pretraining writes them
        labels: list[str | None] = ["human", "gpt"]
        lead = [token for kind, token in _TOKENS.items() for _ in media.get(kind, ())]
        body = "\n".join(text for _, text in document.turns())
        texts = ["\n".join(lead), spelt(plain(body, options.tokens), options)]
    else:
        turns = list(document.turns())
        labels = [_LABELS.get(speaker(label) or "", label) if label in ("q", "a") else label for label, _ in turns]
        texts = [spelt(text, options) for _, text in turns]
        known = set(labels) <= {"human", "gpt", "system", "tool", None}
        labels = labels if known else [_LABELS.get(speaker(label) or "", label) for label in labels]
    record["conversations"] = [
        {"from": label or "human", "value": text} for label, text in zip(labels, texts, strict=True)
    ]
    return record | {key: value for key, value in document.extra.items() if key not in record and key != "meta"}


def _without(text: str, token: str) -> str:
    """A text without the token at its edge that a broadcast put there, and the line break beside it."""
    return text.removeprefix(token + "\n").removeprefix(token).removesuffix("\n" + token).removesuffix(token)


def spelt(text: str, options: Options) -> str:
    """A chunk with LLaVA's own tokens."""
    return text.replace(options.image, "<image>").replace(options.video, "<video>")
