"""Options that Data-Juicer's converters have too: what their text becomes, and that nothing is lost on the way back."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from mmcheck.cli import run
from mmcheck.convert import HUB, Inexpressible, Options, convert
from mmcheck.converting import convert_dataset
from mmcheck.errors import RequestError


def _talk(*texts: str) -> list[dict[str, str]]:
    return [{"from": ("human", "gpt")[number % 2], "value": text} for number, text in enumerate(texts)]


ROUNDS = {"id": 7, "image": "a.jpg", "conversations": _talk("<image>\nq", "a", "r", "b")}
PAGE = {
    "text_list": ["one", "two"],
    "image_info": [{"image_name": "a.jpg", "matched_text_index": 1}, {"image_name": "b.jpg", "matched_text_index": 1}],
    "url": "u",
}
CLIP = {"YoutubeID": "v.mp4", "Start_timestamp": "00:00:01", "End_timestamp": "00:00:02", "Caption": "c", "S": 1}
SOUND = {"id": 3, "title": "t", "caption": "c", "audio": "a.wav"}
IMAGE = "<__dj__image>"
END = " <|__dj__eoc|>"


@pytest.mark.parametrize(
    ("name", "record", "options", "there"),
    [
        ("llava", ROUNDS, {"str_id": True}, {"id": "7"}),
        (
            "llava",
            ROUNDS,
            {"split_chunk": True},
            {"text": f"[[human]]: {IMAGE}\nq\n[[gpt]]: a{END}\n[[human]]: r\n[[gpt]]: b{END}", "images": ["a.jpg"]},
        ),
        (
            "llava",
            ROUNDS,
            {"split_chunk": True, "image_broadcast": True, "image_broadcast_pos": "follow"},
            {
                "text": f"[[human]]: {IMAGE}\nq\n[[gpt]]: a{END}\n[[human]]: {IMAGE}\nr\n[[gpt]]: b{END}",
                "images": ["a.jpg", "a.jpg"],
            },
        ),
        (
            "llava",
            ROUNDS,
            {"split_chunk": True, "image_broadcast": True, "image_broadcast_pos": "after", "image": "<image>"},
            {"text": f"[[human]]: <image>\nq\n[[gpt]]: a{END}\n[[human]]: r\n<image>\n[[gpt]]: b{END}"},
        ),
        (
            "llava",
            ROUNDS,
            {"only_keep_caption": True},
            {"text": f"{IMAGE}\na\nb{END}", "images": ["a.jpg"]},
        ),
        ("llava", ROUNDS, {"separator": " ", "add_eoc_at_last": False, "eoc": "<e>"},
         {"text": f"[[human]]: {IMAGE}\nq [[gpt]]: a [[human]]: r [[gpt]]: b"}),
        ("mmc4", PAGE, {"insert_pos": "after"}, {"text": f"one{END} two {IMAGE} {IMAGE}{END}", "url": "u"}),
        ("mmc4", PAGE, {"keep_other_fields": False}, {"text": f"one{END} {IMAGE} {IMAGE} two{END}", "url": None}),
        ("internvid", CLIP, {"insert_pos": "after"}, {"text": f"c <__dj__video>{END}", "S": 1}),
        ("internvid", CLIP, {"keep_other_fields": False}, {"S": None, "Start_timestamp": None}),
        ("wavcaps", SOUND, {"target_field": "title", "add_target_field_token": True},
         {"text": "<__dj__audio>\n[[title]]: t<|__dj__eoc|>"}),
        ("wavcaps", SOUND, {"str_id": True, "keep_other_fields": False}, {"id": "3", "__dj__meta__": None}),
    ],
)  # fmt: skip
def test_options_mean_what_they_mean_there(name: str, record: Any, options: Any, there: dict[str, Any]) -> None:
    chosen = Options(**options)
    made = convert(copy.deepcopy(record), name, HUB, chosen)
    assert {key: made.get(key) for key in there} == there
    assert json.dumps(convert(json.loads(json.dumps(made)), HUB, name, Options())) == json.dumps(record)


def test_random_places_are_the_same_every_time_and_not_all_the_same() -> None:
    texts = set()
    for number in range(20):
        record = {**CLIP, "Caption": f"caption {number}"}
        one, other = (convert(record, "internvid", HUB, Options(insert_pos="random"))["text"] for _ in range(2))
        assert one == other
        texts.add(one.startswith("<__dj__video>"))
    assert texts == {True, False}


def test_without_residue_a_broadcast_image_can_be_taken_back() -> None:
    options = Options(split_chunk=True, image_broadcast=True)
    there = convert(ROUNDS, "llava", HUB, options, residue=False)
    back = convert(there, HUB, "llava", Options(keep_only_first_image=True))
    assert (back["image"], back["conversations"]) == ("a.jpg", ROUNDS["conversations"])
    lost: dict[str, int] = {}
    convert(ROUNDS, "llava", HUB, Options(only_keep_caption=True), residue=False, lost=lost)
    assert lost == {"questions of conversations": 1}


def test_only_rounds_have_captions() -> None:
    with pytest.raises(Inexpressible, match="rounds of a question and its answer"):
        convert({"conversations": _talk("q", "a", "r")}, "llava", HUB, Options(only_keep_caption=True))


def test_layout_options_are_for_the_hub_alone() -> None:
    record = {**ROUNDS, "conversations": _talk("<image>\nq", "a", "r", "b")}
    odd = Options(split_chunk=True, image_broadcast=True, only_keep_caption=True, insert_pos="after")
    assert convert(record, "llava", "aria", odd) == convert(record, "llava", "aria", Options())


def test_kept_folders_of_images_find_their_records() -> None:
    there = convert(PAGE, "mmc4", HUB, Options(), residue=False)
    there["images"] = ["img/a.jpg", "img/b.jpg"]
    back = convert(there, HUB, "mmc4", Options())
    assert [each["image_name"] for each in back["image_info"]] == ["img/a.jpg", "img/b.jpg"]
    assert [each["matched_text_index"] for each in back["image_info"]] == [1, 1]


@pytest.mark.parametrize(
    ("option", "nearest"),
    [
        ("--image_brodcast", "--image_broadcast"),
        ("--strid", "--str_id"),
        ("--sent-separater", "--sent-separator"),
        ("--keep_other_field", "--keep_other_fields"),
        ("--target-feild=title", "--target-field"),
        ("--cut_video", "--cut_videos"),
    ],
)
def test_a_misspelt_option_is_refused_with_the_nearest(
    option: str, nearest: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["convert", str(tmp_path), str(tmp_path / "x.jsonl"), "--to", "data-juicer", option]) == 2
    told = capsys.readouterr().err
    assert f"did you mean {nearest!r}" in told or f"did you mean {nearest.replace('_', '-')!r}" in told


def test_a_broadcast_needs_chunks(tmp_path: Path) -> None:
    source = tmp_path / "a.jsonl"
    source.write_text(json.dumps(ROUNDS) + "\n")
    with pytest.raises(RequestError, match="--split-chunk"):
        convert_dataset(source, tmp_path / "b.jsonl", to="data-juicer", options=Options(image_broadcast=True))
    code = run(
        ["convert", str(source), str(tmp_path / "b.jsonl"), "--to", "data-juicer", "--split_chunk", "--image_broadcast",
         "--image_broadcast_pos", "before", "--str_id", "--quiet"]
    )  # fmt: skip
    made = json.loads((tmp_path / "b.jsonl").read_text())
    assert code == 0 and made["id"] == "7" and made["text"].count(IMAGE) == len(made["images"]) == 2
