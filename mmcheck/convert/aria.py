"""Aria: messages of typed parts, and beside them images, or one video."""

from __future__ import annotations

from typing import Any

from mmcheck.convert.document import ABSENT, Document, Inexpressible, Options, alone, plain, speaker, split_at_tokens
from mmcheck.convert.template import literal


def to_document(record: dict[str, Any], options: Options) -> Document:
    """A chunk a message; its parts on lines of their own."""
    document = Document(join="\n", end=options.end(), leaves=[])
    if not isinstance(record.get("messages"), list):
        raise Inexpressible("the record has no list of messages")
    for key, value in record.items():
        if key == "messages":
            document.template[key] = [_message(document, message, options) for message in value]
        elif key == "images" and isinstance(value, list) and all(isinstance(each, str) for each in value):
            document.media.setdefault("image", [])
            document.template[key] = [document.add_media("image", each) for each in value]
        elif key == "video" and isinstance(value, dict) and isinstance(value.get("path"), str):
            mark = document.add_media("video", value["path"])
            document.template[key] = {name: mark if name == "path" else literal(each) for name, each in value.items()}
        else:
            document.template[key] = literal(value)
    return document


def _message(document: Document, message: Any, options: Options) -> Any:
    if not isinstance(message, dict) or "content" not in message:
        return literal(message)
    content = message["content"]
    parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
    marks: list[Any] = []
    pieces: list[str] = []
    leaves: list[tuple[int, int]] = []
    assert document.leaves is not None
    first = sum(map(len, document.leaves))
    for part in parts:
        kind = part.get("type") if isinstance(part, dict) else None
        text = part.get("text") if isinstance(part, dict) else None
        marks.append(literal(part))
        if kind in ("image", "video"):
            pieces.append(options.tokens[kind])
        elif kind == "text" and isinstance(text, str):
            mark = f"@{first + len(leaves)}"
            marks[-1] = {key: mark if key == "text" else literal(value) for key, value in part.items()}
            leaves.append((sum(map(len, pieces)) + len(pieces), len(text)))
            pieces.append(text)
    label = message.get("role")
    document.labels.append(label if isinstance(label, str) else None)
    document.texts.append("\n".join(pieces))
    document.leaves.append(leaves)
    body = marks if isinstance(content, list) else marks[0]["text"] if leaves else literal(content)
    return {key: body if key == "content" else literal(value) for key, value in message.items()}


def from_document(document: Document, options: Options) -> dict[str, Any]:
    """The record. Raises Inexpressible for system turns, audio, and images beside a video."""
    media = {kind: found for kind, found in document.media.items() if found}
    for kind in media:
        if kind not in ("image", "video"):
            raise Inexpressible(f"aria has no place for {kind}")
        if not all(isinstance(each, str) for each in media[kind]):
            raise Inexpressible(f"aria names {kind}s by path: write bytes to files with --media extract")
    if len(media) > 1:
        raise Inexpressible("aria takes images or a video in a record, not both")
    record: dict[str, Any] = {"messages": [_told(label, text, options) for label, text in _turns(document, options)]}
    if "image" in media:
        record["images"] = media["image"]
    video = alone(document, "video", "aria") if "video" in media else ABSENT
    if video is not ABSENT:
        record["video"] = {"path": video, "num_frames": options.num_frames}
    return record


def _turns(document: Document, options: Options) -> list[tuple[str, str]]:
    """Who says what; a text that nobody speaks is the answer to its media."""
    if any(label is not None for label in document.labels):
        return [(speaker(label) or "user", text) for label, text in document.turns()]
    tokens = "\n".join(options.tokens[kind] for kind, found in document.media.items() for _ in found)
    body = "\n".join(plain(text, options.tokens) for _, text in document.turns())
    return [("user", tokens), ("assistant", body)]


def _told(who: str, text: str, options: Options) -> dict[str, Any]:
    if who not in ("user", "assistant"):
        raise Inexpressible(f"aria has no {who} role")
    pieces = split_at_tokens(text, options.tokens)
    content: list[dict[str, Any]] = []
    for number, (kind, piece) in enumerate(pieces):
        if kind is not None:
            if kind == "audio":
                raise Inexpressible("aria has no place for audio")
            content.append({"type": kind, "text": None})
            continue
        if number and piece[:1] == "\n":
            piece = piece[1:]
        if number + 1 < len(pieces):
            piece = piece.removesuffix("\n")
        if piece:
            content.append({"type": "text", "text": piece})
    return {"role": who, "content": content or [{"type": "text", "text": ""}]}
