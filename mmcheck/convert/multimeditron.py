"""MultiMeditron: a text or a conversation with placeholders, and modalities that take their places in order."""

from __future__ import annotations

from typing import Any

from mmcheck.convert.document import Document, Inexpressible, Options, speaker, split_at_tokens
from mmcheck.convert.template import literal


def to_document(record: dict[str, Any], options: Options) -> Document:
    """The turns, the k-th placeholder as the token of the k-th modality's kind."""
    document = Document(end=options.end())
    modalities = record.get("modalities")
    modalities = modalities if isinstance(modalities, list) else []
    kinds = [each.get("type") if isinstance(each, dict) else None for each in modalities]
    tokens = _Tokens([kind if isinstance(kind, str) else "image" for kind in kinds], options)
    document.beyond = [kind for kind in kinds if isinstance(kind, str) and kind not in options.tokens]
    for key, value in record.items():
        if key == "modalities" and isinstance(value, list):
            document.template[key] = [_modality(document, each) for each in value]
        elif key == "conversations" and isinstance(value, list):
            document.template[key] = [_turn(document, turn, tokens) for turn in value]
        elif key == "text" and isinstance(value, str):
            document.template[key] = _chunk(document, None, value, tokens)
        else:
            document.template[key] = literal(value)
    return document


class _Tokens:
    """Puts the tokens of kinds for placeholders, in order."""

    def __init__(self, kinds: list[str], options: Options) -> None:
        self._kinds = iter(kinds)
        self._placeholder = options.placeholder
        self._tokens = options.tokens

    def put(self, text: str) -> str:
        """The text with tokens; a placeholder too many stands for an image, that of another kind stays as it is."""
        first, *others = text.split(self._placeholder)
        return first + "".join(self._next() + each for each in others)

    def has(self, text: str) -> bool:
        """Whether a text holds a token already, which would be taken for a medium."""
        return any(token in text for token in self._tokens.values())

    def _next(self) -> str:
        kind = next(self._kinds, "image")
        return self._tokens.get(kind, self._placeholder)


def _chunk(document: Document, label: str | None, text: str, tokens: _Tokens) -> str:
    document.labels.append(label)
    document.texts.append(tokens.put(text))
    return str(literal(text)) if tokens.has(text) else f"@{len(document.texts) - 1}"


def _turn(document: Document, turn: Any, tokens: _Tokens) -> Any:
    if not isinstance(turn, dict) or not isinstance(turn.get("content"), str):
        return literal(turn)
    label = turn.get("role")
    mark = _chunk(document, label if isinstance(label, str) else None, turn["content"], tokens)
    return {key: mark if key == "content" else literal(value) for key, value in turn.items()}


def _modality(document: Document, modality: Any) -> Any:
    if not isinstance(modality, dict) or not isinstance(modality.get("type"), str):
        return literal(modality)
    value = modality.get("value")
    blob = value.get("bytes") if isinstance(value, dict) else value
    if (
        not isinstance(blob, str | bytes | memoryview)
        or not blob
        or (isinstance(value, dict) and isinstance(blob, str))
    ):
        return literal(modality)
    if modality["type"] in document.beyond:
        return literal(modality)
    mark = document.add_media(modality["type"], value)
    return {key: mark if key == "value" else literal(each) for key, each in modality.items()}


def spelt(text: str, options: Options) -> str:
    """A chunk with the one placeholder for all kinds."""
    for token in options.tokens.values():
        text = text.replace(token, options.placeholder)
    return text


def from_document(document: Document, options: Options) -> dict[str, Any]:
    """The record, its modalities in the order of their tokens."""
    turns = list(document.turns())
    waiting = {kind: list(found) for kind, found in document.media.items()}
    modalities: list[dict[str, Any]] = []
    for _, text in turns:
        for kind, _ in split_at_tokens(text, options.tokens):
            if kind is not None and waiting.get(kind):
                modalities.append({"type": kind, "value": waiting[kind].pop(0)})
    modalities += [{"type": kind, "value": each} for kind, found in waiting.items() for each in found]
    record: dict[str, Any] = {}
    labels = [speaker(label) for label, _ in turns]
    if any(label is not None for label in labels):
        if None in labels:
            raise Inexpressible("multimeditron has a text or a conversation in a record, not both")
        record["conversations"] = [
            {"role": label, "content": spelt(text, options)} for label, (_, text) in zip(labels, turns, strict=True)
        ]
    else:
        record["text"] = spelt("\n".join(text for _, text in turns), options)
    record["modalities"] = modalities
    return record
