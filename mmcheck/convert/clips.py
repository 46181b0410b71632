"""Formats of one video and its caption a record: Youku-mPLUG, InternVid, MSR-VTT."""

from __future__ import annotations

import ast
import re
from typing import Any

from mmcheck.convert.captions import SUFFIX, body, captioned, rest
from mmcheck.convert.document import ABSENT, Document, Inexpressible, Options, alone, plain
from mmcheck.convert.template import derived

# Youku-mPLUG

_SUBSETS = {
    "pretrain": ("video_id:FILE", "title"),
    "classification": ("video_id:FILE", "title"),
    "retrieval": ("clip_name:FILE", "caption"),
    "captioning": ("video_id:FILE", "golden_caption"),
}


def youku_to_document(record: dict[str, Any], options: Options) -> Document:
    """The video and its title or caption; a `golden_caption` that is a written list gives a chunk for each."""
    video = next((key for key in ("video_id:FILE", "clip_name:FILE") if key in record), "video_id:FILE")
    text = next((key for key in ("golden_caption", "caption", "title") if key in record), "title")
    document = captioned(record, options, video, text)
    captions = _listed(record.get("golden_caption")) if text == "golden_caption" else None
    if captions:
        token = document.lead
        document.labels = [None] * len(captions)
        # every caption is a chunk of its own, about the same video
        document.texts = [caption if not number else token + caption for number, caption in enumerate(captions)]
        if not token and document.media:  # it stands behind each
            behind = document.end.removesuffix(options.end())
            document.texts = [caption + behind for caption in captions[:-1]] + captions[-1:]
        document.media = {kind: found * len(captions) for kind, found in document.media.items()}
        document.template[text] = derived(record[text])
    return document


def _listed(cell: Any) -> list[str] | None:
    """The captions of a cell that holds a Python list as text."""
    if not isinstance(cell, str) or not re.match(r"\s*\[\s*['\"]", cell):
        return None
    try:
        found = ast.literal_eval(cell.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return found if isinstance(found, list) and all(isinstance(each, str) for each in found) else None


def youku_from_document(document: Document, options: Options) -> dict[str, Any]:
    """The row of the subset that is asked for, or whose columns the document keeps."""
    subset = options.subset_type
    if "label" in document.extra and subset == "pretrain":
        subset = "classification"
    video_key, text_key = _SUBSETS[subset]
    video = alone(document, "video", "youku-mplug")
    if video is ABSENT:
        raise Inexpressible("youku-mplug names a video in every row")
    if len(document.texts) > 1 and subset == "captioning":
        text = str([plain(text, options.tokens) for _, text in document.turns()])
    else:
        text = body(document, options, "youku-mplug")
    record: dict[str, Any] = {video_key: video, text_key: text}
    if subset == "classification":
        record["label"] = document.extra.get("label", "")
    return record | {key: value for key, value in rest(document, record).items() if isinstance(value, str)}


# InternVid


def internvid_to_document(record: dict[str, Any], options: Options) -> Document:
    """The clip's caption; the timestamps stay beside it."""
    video = record.get("YoutubeID")
    path = video + ".mp4" if isinstance(video, str) and video and not SUFFIX.search(video) else None
    return captioned(record, options, "YoutubeID", "Caption", path)


def internvid_from_document(document: Document, options: Options) -> dict[str, Any]:
    """The record. Raises Inexpressible where a start or an end of the clip is missing."""
    video = alone(document, "video", "internvid")
    if video is ABSENT:
        raise Inexpressible("internvid names a video in every record")
    times: dict[str, Any] = {}
    for key in ("Start_timestamp", "End_timestamp"):
        if key not in document.extra:
            raise Inexpressible(f"internvid captions a clip, this record has no {key}")
        times[key] = document.extra[key]
    record: dict[str, Any] = {"YoutubeID": video, **times, "Caption": body(document, options, "internvid")}
    return record | rest(document, record)


# MSR-VTT


def msr_vtt_to_document(record: dict[str, Any], options: Options) -> Document:
    """The caption of `<video_id>.mp4`."""
    video = record.get("video_id")
    path = video if not isinstance(video, str) or video.endswith(".mp4") else video + ".mp4"
    return captioned(record, options, "video_id", "caption", path or None)


def msr_vtt_from_document(document: Document, options: Options) -> dict[str, Any]:
    """The record, the video by its name without the suffix."""
    video = alone(document, "video", "msr-vtt")
    if video is ABSENT:
        raise Inexpressible("msr-vtt names a video in every record")
    record: dict[str, Any] = {"video_id": video.removesuffix(".mp4"), "caption": body(document, options, "msr-vtt")}
    return record | rest(document, record)
