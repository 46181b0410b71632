"""Losses that converters are known for, planted into ours one by one: the suite must notice each.

`hub_records.json` has what awkward records become in Data-Juicer's format, by the documented mapping.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from test_convert_round_trips import round_trip, same

from mmcheck import convert as package
from mmcheck.convert import HUB, MAPPINGS, Document, Options, convert, residue
from mmcheck.convert import template as templates
from mmcheck.convert.residue import Mapping

VISIBLE = json.loads((Path(__file__).parent / "hub_records.json").read_text("utf-8"))
P = "<|reserved_special_token_0|>"


def _talk(*texts: str) -> list[dict[str, str]]:
    return [{"from": ("human", "gpt")[number % 2], "value": text} for number, text in enumerate(texts)]


#: Of each format records with what its upstream converter loses, or stops at.
AWKWARD: dict[str, list[dict[str, Any]]] = {
    "aria": [
        {"messages": [{"role": "user", "content": [{"type": "image", "text": None}, {"text": " q ", "type": "text"}]},
                      {"role": "assistant", "content": [{"type": "text", "text": "@0"}]}],
         "images": ["a.jpg"], "video": None, "n": 1.0},
        {"video": {"path": "v.mp4", "num_frames": 4}, "messages": [{"role": "system", "content": "", "name": None}]},
        {"messages": [{"role": "user", "content": [{"type": "image"}, {"type": "image"}]}], "images": ["b", "a", "b"]},
    ],
    "internvid": [
        {"YoutubeID": "b.mp4", "Start_timestamp": "25:00:01", "End_timestamp": "0",
         "Caption": " c ", "S": 0.0, "n": None},
        {"Caption": "@1", "YoutubeID": "qJrOyggIB-w", "Aesthetic_Score": 1, "text": "", "id": 7},
    ],
    "llava": [
        {"id": 17, "image": "a.jpg", "conversations": _talk("<image>\nWhat?", "A bus. ")},
        {"id": "17", "conversations": _talk(" Hi\u00a0", "\nHo"), "model": "", "other": "@0", "score": 1.0, "n": None},
        {"conversations": _talk("a", "b\n[[gpt]]: c", "d"), "image": "a.jpg", "id": None},
        {"model": "@turns", "conversations": [{"from": "gpt", "text": "t", "value": "v", "markdown": {"i": 1}}],
         "id": 1},
        {"image": ["b.jpg", "a.jpg", "b.jpg"], "conversations": _talk("<image><image>", "<image>"), "id": 2},
    ],
    "mmc4": [
        {"text_list": [" a", "", "b "], "image_info": [
            {"image_name": "b.jpg", "matched_text_index": 2, "matched_sim": 1.0, "face_detections": None},
            {"image_name": "1b.jpg", "matched_text_index": 0},
            {"image_name": "b.jpg", "matched_text_index": -1}], "similarity_matrix": [[0.0]], "url": "", "u": "@1"},
        {"url": "@", "image_info": [{"raw_url": "", "image_name": "a", "matched_text_index": 9}], "text_list": ["x"]},
    ],
    "msr-vtt": [
        {"video_id": "video1", "caption": " a", "start time": 1.0, "n": None, "id": 3, "text": "", "at": "@x"},
        {"caption": "b", "video_id": "video1.mp4", "sen_id": 0, "split": "train"},
    ],
    "multimeditron": [
        {"text": f" {P} x", "modalities": [{"type": "image", "value": "a", "num_embeddings": 3.0}], "n": None,
         "at": "@"},
        {"modalities": [{"value": "b", "type": "video"}, {"value": "a", "type": "image"},
                        {"type": "image", "value": "b"}],
         "conversations": [{"role": "user", "content": P + P}, {"content": "y ", "role": "bot", "w": ""}], "id": 1},
    ],
    "video-chatgpt": [
        {"q": " q", "a": "[[a]]: x", "video_id": "v_ab", "n": None, "t": 1.0},
        {"video_name": "x", "Q": "q", "A": "", "other": "@", "id": 3},
    ],
    "wavcaps": [
        {"title": "", "caption": " c ", "id": 2219, "duration": 14.0, "audio": "wav_path", "n": None},
        {"caption_1": "a", "caption_2": "b", "audio": "x.wav", "id": "Yb0.wav", "tags": ["@0"], "href": "@1"},
    ],
    "youku-mplug": [
        {"video_id:FILE": "a.mp4", "golden_caption": "['x', ' y']", "n": ""},
        {"title": " t", "video_id:FILE": "v/b.mp4", "label": "", "id": "@1"},
    ],
}  # fmt: skip

Loss = Callable[[Document], None]


def _values(value: Any, change: Callable[[Any], Any]) -> Any:
    """A template with its plain values changed; `...` takes a key or an element away."""
    if isinstance(value, dict):
        made = {key: _values(each, change) for key, each in value.items()}
        return {key: each for key, each in made.items() if each is not ...}
    if isinstance(value, list):
        return [made for each in value if (made := _values(each, change)) is not ...]
    return change(value)


def _both(change: Callable[[Any], Any]) -> Loss:
    def loss(document: Document) -> None:
        document.template = _values(document.template, change)
        document.extra = _values(document.extra, change)

    return loss


def _texts(change: Callable[[list[str]], list[str]]) -> Loss:
    def loss(document: Document) -> None:
        document.texts = change(document.texts)
        document.labels = document.labels[: len(document.texts)]

    return loss


def _media(change: Callable[[list[Any]], list[Any]]) -> Loss:
    def loss(document: Document) -> None:
        document.media = {kind: change(list(found)) for kind, found in document.media.items()}

    return loss


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(each) for each in value] if isinstance(value, list) else value


def _in_order(document: Document) -> None:
    document.template = _sorted(document.template)


def _unknown(document: Document) -> None:
    document.template = {key: mark for key, mark in document.template.items() if templates.is_open(mark)}


def _as_text(document: Document) -> None:
    if isinstance(document.id, int | float):
        document.id = str(document.id)


def _labels(document: Document) -> None:
    document.labels = ["gpt" if label == "human" else "human" for label in document.labels]


#: Each takes something from the document that a converter has made of a record.
LOSSES: dict[str, Loss] = {
    "edge whitespace": _texts(lambda texts: [text.strip() for text in texts]),
    "line breaks": _texts(lambda texts: [text.replace("\n", " ") for text in texts]),
    "the last text": _texts(lambda texts: texts[:-1]),
    "empty texts": _texts(lambda texts: [text or "-" for text in texts]),
    "repeated media": _media(lambda found: list(dict.fromkeys(found))),
    "the order of media": _media(lambda found: sorted(found, reverse=True)),
    "the last medium": _media(lambda found: found[:-1]),
    "folders of media": _media(lambda found: [each.rpartition("/")[2] for each in found]),
    "types of ids": _as_text,
    "who speaks": _labels,
    "key order": _in_order,
    "unknown keys": _unknown,
    "null": _both(lambda value: ... if value is None else value),
    "empty strings": _both(lambda value: ... if value == "" else value),
    "1.0": _both(lambda value: int(value) if isinstance(value, float) else value),
    "integers": _both(lambda value: float(value) if type(value) is int else value),
    "a string that looks like a mark": _both(lambda v: v[1:] if isinstance(v, str) and v.startswith("@@") else v),
}


def _there(name: str, mapping: Mapping) -> Any:
    """What awkward records become; None where the converter stops."""
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(MAPPINGS, name, mapping)
            return [convert(copy.deepcopy(record), name, HUB, Options()) for record in AWKWARD[name]]
    except Exception:
        return None


def _lossy(name: str, loss: Loss) -> Mapping:
    mapping = MAPPINGS[name]

    def to_document(record: dict[str, Any], options: Options) -> Document:
        document = mapping.to_document(record, options)
        loss(document)
        return document

    return replace(mapping, to_document=to_document)


def _changes(name: str, loss: Loss) -> bool:
    """Whether the loss takes anything away from what these records become."""
    lossy = _there(name, _lossy(name, loss))
    return lossy is None or not same(lossy, _there(name, MAPPINGS[name]))


def _is_exact(name: str) -> bool:
    """What the suite compares: the way back, and what the hub's users see."""
    for record, visible in zip(AWKWARD[name], VISIBLE[name], strict=True):
        if not same(round_trip(name, record, Options()), record):
            return False
        made = convert(copy.deepcopy(record), name, HUB, Options())
        if not same({key: value for key, value in made.items() if key != "meta"}, visible):
            return False
    return True


@pytest.mark.parametrize("name", sorted(AWKWARD))
def test_awkward_records_are_exact(name: str) -> None:
    assert _is_exact(name)


#: Which losses take something from the records of which formats.
PLANTED = [(loss, name) for loss, change in LOSSES.items() for name in AWKWARD if _changes(name, change)]


@pytest.mark.parametrize(("loss", "name"), PLANTED)
def test_a_planted_loss_is_noticed(loss: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MAPPINGS, name, _lossy(name, LOSSES[loss]))
    try:
        noticed = not _is_exact(name)
    except Exception:
        noticed = True
    assert noticed


def test_losses_are_planted_everywhere() -> None:
    assert {loss for loss, _ in PLANTED} == set(LOSSES)
    assert all(sum(name == each for _, each in PLANTED) >= 8 for name in AWKWARD) and len(PLANTED) > 90


NUMBERS = count()


@pytest.mark.parametrize(
    ("module", "part", "planted"),
    [
        (templates, "literal", lambda literal: lambda value: value),
        (residue, "digest", lambda digest: lambda text: str(next(NUMBERS))),
        (residue, "_as_before", lambda before: lambda record, carried: record),
    ],
)
def test_a_part_that_is_left_out_is_noticed(
    module: Any, part: str, planted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = planted(getattr(module, part))
    for place in (
        module,
        package,
        residue,
        *(getattr(package, each) for each in ("llava", "captions", "multimeditron")),
    ):
        if hasattr(place, part):
            monkeypatch.setattr(place, part, made)
    options = Options(str_id=True, split_chunk=True, image_broadcast=True)
    exact = all(same(round_trip("llava", record, options), record) for record in AWKWARD["llava"])
    assert not exact
