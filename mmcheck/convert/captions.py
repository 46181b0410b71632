"""Formats of one medium and its caption or question a record: WavCaps, Video-ChatGPT, and what clips need too."""

from __future__ import annotations

import os
import re
from typing import Any, Final

from mmcheck.convert.document import ABSENT, Document, Inexpressible, Options, alone, plain, speaker
from mmcheck.convert.template import derived, literal

_UNION = ("title", "description", "author", "href", "caption", "id", "duration", "audio", "download_link", "category",
          "tags")  # fmt: skip
_NUMBERED = re.compile(r"caption_([1-9][0-9]*)")
SUFFIX: Final = re.compile(r"\.(mp4|mkv|webm|avi|mov|flv|flac|wav|mp3|ogg)$", re.I)


def _chunk(document: Document, text: str, label: str | None = None) -> str:
    """Add a chunk; the mark of its text."""
    document.labels.append(label)
    document.texts.append(text)
    return f"@{len(document.texts) - 1}"


def _told(text: str, mark: str, options: Options) -> Any:
    """The mark of a text, or the text itself where it has a token that would be taken for a medium."""
    return literal(text) if options.tokens_in(text) else mark


def captioned(
    record: dict[str, Any], options: Options, video_key: str, text_key: str, path: str | None = None
) -> Document:
    """A document of a video and one caption; `path` is where the video is, if the record only implies it."""
    document = Document(join=f" {options.eoc} ", end=options.end())
    for key, value in record.items():
        if key == video_key and isinstance(value, str) and value:
            mark = document.add_media("video", path or value)
            document.template[key] = derived(value) if path and path != value else mark
            document.lead = options.video + _blank(options)
        elif key == text_key and isinstance(value, str):
            document.template[key] = _told(value, _chunk(document, value), options)
        else:
            document.extra[key] = value
            document.template[key] = "@"
    if options.insert_pos != "before" and document.lead and document.texts and options.after(document.texts[0]):
        token_behind(document, options, options.video)
    return document


def token_behind(document: Document, options: Options, token: str) -> None:
    """Put the token of the medium behind the text instead of before it."""
    document.lead, document.end = "", _blank(options) + token + document.end


def _blank(options: Options) -> str:
    return " " if options.separator is None else options.separator


def body(document: Document, options: Options, target: str) -> str:
    """The text as one caption. Raises Inexpressible where somebody speaks, or chunks are several."""
    texts = [plain(text, options.tokens) for _, text in document.turns()]
    if sum(1 for label in document.labels if label is not None) > 1:
        raise Inexpressible(f"{target} has one caption a record, this record has a conversation")
    texts = [text for text in texts if text] or texts[:1]
    if len(texts) > 1:
        raise Inexpressible(f"{target} has one caption a record, this record has {len(texts)} chunks")
    return texts[0] if texts else ""


def rest(document: Document, record: dict[str, Any]) -> dict[str, Any]:
    """What else the document has, for a format that takes any field."""
    return {key: value for key, value in document.extra.items() if key not in record and key not in ("meta", "is_cut")}


# WavCaps


def wavcaps_to_document(record: dict[str, Any], options: Options) -> Document:
    """The recording and its captions: `caption` (or the target field), else all of `caption_1` to `caption_n`."""
    document = Document(end=options.end(""), join=options.eoc + _line(options))
    document.home = "__dj__meta__"
    extra: dict[str, Any] = {"num_captions_per_audio": options.header.get("num_captions_per_audio", 1)}
    extra |= dict.fromkeys(_UNION, "")
    extra |= record
    document.extra = extra
    audio, name = record.get("audio"), record.get("id")
    numbered = options.target_field not in record
    for key, value in record.items():
        if isinstance(value, str) and (key == options.target_field or (numbered and _NUMBERED.fullmatch(key))):
            label = key if options.add_target_field_token else None
            document.template[key] = _told(value, _chunk(document, value, label), options)
        elif key == "audio" and isinstance(value, str) and value and value != "wav_path":
            document.template[key] = document.add_media("audio", value)
        elif key == "id":
            document.id = value
            document.template[key] = "@id"
        else:
            document.template[key] = "@"
    if audio in (None, "", "wav_path") and isinstance(name, str | int) and not isinstance(name, bool) and str(name):
        document.media["audio"] = [str(name).strip().split(".")[0] + ".flac"]
    if document.media:
        document.lead = options.audio + _line(options)
    return document


def _line(options: Options) -> str:
    return "\n" if options.separator is None else options.separator


def wavcaps_from_document(document: Document, options: Options) -> dict[str, Any]:
    """The record: the fields that `__dj__meta__` keeps, with the captions and the recording of the document."""
    meta = document.extra.get("__dj__meta__")
    record = {k: v for k, v in meta.items() if k != "num_captions_per_audio"} if isinstance(meta, dict) else {}
    audio = alone(document, "audio", "wavcaps")
    texts = [plain(text, options.tokens) for _, text in document.turns()]
    if sum(1 for label in document.labels if label is not None) > 1:
        raise Inexpressible("wavcaps has captions of recordings, this record has a conversation")
    if len(texts) == 1:
        record[options.target_field] = texts[0]
    else:
        record |= {f"caption_{number}": text for number, text in enumerate(texts, 1)}
    if document.id is not ABSENT:
        record["id"] = document.id
    if audio is ABSENT and not record.keys() & {"id", "audio"}:
        raise Inexpressible("wavcaps names a recording in every record")
    by_id = record.get("audio") == "wav_path" and audio is not ABSENT and _named(audio, record.get("id"))
    if audio is not ABSENT and not by_id:
        record["audio"] = audio
    if not isinstance(meta, dict):
        record |= rest(document, record)
    return record


def _named(path: str, name: Any) -> bool:
    """Whether a recording is named by the record's id, so that its path says nothing new."""
    return os.path.basename(path) == str(name).strip().split(".")[0] + ".flac"


# Video-ChatGPT


_QUESTION = {"q": "q", "Q": "q", "Q1": "q", "Q2": "q"}
_ANSWER = {"a": "a", "A": "a"}


def video_chatgpt_to_document(record: dict[str, Any], options: Options) -> Document:
    """The question and the answer about a video, whichever names the keys have (q, a or Q, A of the benchmark)."""
    document = Document(heading="]]:", join=" \n", end=options.end())
    label = _QUESTION | _ANSWER
    for key in sorted(record, key=lambda key: key in _ANSWER):
        if key in label and isinstance(record[key], str):
            mark = _chunk(document, record[key], label[key])
            document.template[key] = _told(record[key], mark, options)
    template: dict[str, Any] = {}
    for key, value in record.items():
        if key in document.template:
            template[key] = document.template[key]
        elif key in ("video_id", "video_name") and isinstance(value, str) and value:
            template[key] = derived(value)
            document.add_media("video", value if SUFFIX.search(value) else value + ".mp4")
            if "youtube_id" not in record:
                document.extra["youtube_id"] = value.removeprefix("v_")
            document.lead = options.video + _blank(options)
        else:
            template[key] = "@"
            document.extra[key] = value
    document.template = template
    if options.insert_pos != "before" and document.lead and options.after("".join(document.texts)):
        token_behind(document, options, options.video)
    return document


def video_chatgpt_from_document(document: Document, options: Options) -> dict[str, Any]:
    """The record. Raises Inexpressible for anything but one question and one answer."""
    turns = [(speaker(label), plain(text, options.tokens)) for label, text in document.turns()]
    if [who for who, _ in turns] != ["user", "assistant"]:
        raise Inexpressible("video-chatgpt has one question and one answer a record")
    video = alone(document, "video", "video-chatgpt")
    if video is ABSENT:
        raise Inexpressible("video-chatgpt names a video in every record")
    name = document.extra.get("youtube_id")
    stem = SUFFIX.sub("", os.path.basename(video))
    if isinstance(name, str) and stem in (name, "v_" + name):
        stem = stem if stem.startswith("v_") else "v_" + name
    record: dict[str, Any] = {"q": turns[0][1], "a": turns[1][1], "video_id": stem}
    return record | {key: value for key, value in rest(document, record).items() if key != "youtube_id"}
