"""Formats are found by themselves, and near relatives of theirs are not taken for them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from mmcheck import RequestError, check
from mmcheck.dataset import open_dataset

REAL = Path(os.environ.get("MMCHECK_REAL_DATA", Path(__file__).parents[1] / ".." / "shared" / "data")) / "records"

#: Real files that fit a format; their media are absent.
FITTING = {
    "llava/lmms-finetune/multi_images.json": "llava",
    "llava/lmms-finetune/single_image.json": "llava",
    "llava/lmms-finetune/single_image_has_text_only.json": "llava",
    "llava/lmms-finetune/video.json": "llava",
    "llava/qwen-vl-finetune/single_images.json": "llava",
    "llava/qwen-vl-finetune/video.json": "llava",
    "data-juicer/demo-dataset-images.jsonl": "data-juicer",
    "data-juicer/demo-dataset-videos.jsonl": "data-juicer",
    "data-juicer/process_video_on_ray/data/demo-dataset.jsonl": "data-juicer",
}

_HUMAN = [{"from": "human", "value": "<image>?"}, {"from": "gpt", "value": "a line"}]
_USER = [{"role": "user", "content": "<image>?"}, {"role": "assistant", "content": "a line"}]

RELATIVES: dict[str, list[Any]] = {
    "mantis": [{"id": "1", "images": ["a.jpg"], "conversations": _HUMAN}, {"image": "a.jpg", "conversations": _HUMAN}],
    "sharegpt-with-images": [{"conversations": _HUMAN, "images": ["a.jpg"]}],
    "ms-swift-conversations": [
        {"conversations": [{"from": "user", "value": "a"}, {"from": "assistant", "value": "b"}]}
    ],
    "ms-swift-query": [{"query": "a", "response": "b", "images": ["a.jpg"], "history": []}],
    "llama-factory": [{"messages": _USER, "images": ["a.jpg"]}],
    "openai": [{"messages": _USER}],
    "openai-parts": [
        {
            "messages": [
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "a.jpg"}}]},
                {"role": "assistant", "content": "a line"},
            ]
        }
    ],
    "multimeditron-without-modalities": [{"conversations": _USER}],
    "ernie": [
        {
            "text_info": [{"text": "a", "tag": "mask"}],
            "image_info": [{"matched_text_index": 0, "image_url": "a.jpg"}],
            "text_list": ["a"],
        }
    ],
    "plain-text": [{"text": "a"}, {"text": "b", "meta": {"source": "web"}}],
    "content": [{"content": "a", "src": "web"}],
}


@pytest.mark.parametrize("name", RELATIVES)
def test_near_relatives_are_of_no_format(tmp_path: Path, name: str) -> None:
    """They are refused with what they resemble, never judged by the rules of another format."""
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in RELATIVES[name]))
    with pytest.raises(RequestError, match="of no known format"):
        open_dataset(path)


@pytest.mark.parametrize("file", FITTING)
def test_real_files_are_found_and_sound(file: str) -> None:
    """At most one aggregated error says that the media are absent; without a look at media there is none."""
    path = REAL / file
    if not path.exists():
        pytest.skip(f"{REAL} has no real files: set MMCHECK_REAL_DATA")
    report = check(path)
    assert report.format == FITTING[file]
    assert [finding.rule for finding in report.findings if finding.severity == "error"] in ([], ["MM020"])
    assert check(path, probe="none").totals.errors == 0


@pytest.mark.parametrize("folder", ["messages", "mantis", "llava/llava-pool", "mmc4"])
def test_real_relatives_are_of_no_format(folder: str) -> None:
    files = sorted(path for path in (REAL / folder).rglob("*.json*") if path.is_file())
    if not files:
        pytest.skip(f"{REAL} has no real files: set MMCHECK_REAL_DATA")
    for path in files:
        with pytest.raises(RequestError, match="of no known format"):
            open_dataset(path)
