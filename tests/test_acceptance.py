"""What the contract promises, on datasets generated here: one planted fault, one finding, and nothing else."""

import base64
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import mmcheck
from mmcheck.errors import RequestError
from mmcheck.report import Report

ODD: list[Any] = [None, True, -1, 1.5, 10**25, "", "x", "\x00", [], [1], [None], [[]], [{}], ["a"], {}, {"path": 3}]
RECORDS: dict[str, dict[str, Any]] = {
    "llava": {"id": 1, "image": "a.jpg", "conversations": [{"from": "human", "value": "<image>"}]},
    "multimeditron": {
        "conversations": [{"role": "user", "content": "q"}],
        "modalities": [{"type": "image", "value": "a.jpg"}],
    },
    "aria": {"messages": [{"role": "user", "content": [{"type": "image", "text": None}]}], "images": ["a.jpg"]},
    "data-juicer": {"text": "<__dj__image> x", "images": ["a.jpg"], "stats": {"image_widths": [3]}, "history": []},
    "mmc4": {
        "text_list": ["a"],
        "image_info": [{"image_name": "a.jpg", "matched_text_index": 0, "matched_sim": 0.5}],
        "similarity_matrix": [[0.5]],
    },
    "video-chatgpt": {"q": "q", "a": "a", "video_id": "v_a"},
    "internvid": {
        "YoutubeID": "y", "Start_timestamp": "00:00:01.000", "End_timestamp": "00:00:02.000", "Caption": "c",
    },
    "msr-vtt": {"video_id": "v", "caption": "c", "start time": 0.0, "end time": 1.0},
}  # fmt: skip


def picture(number: int = 0, size: int = 32) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (size, size), (number * 40 % 256, 90, 120)).save(stream, "JPEG")
    return stream.getvalue()


def spoilt(value: Any, odd: Any) -> list[Any]:
    """The value with `odd` in each of its places, one at a time."""
    keys: Sequence[Any] = (
        list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    found = [odd]
    for key in keys:
        for inner in spoilt(value[key], odd):
            copy = value.copy()
            copy[key] = inner
            found.append(copy)
    return found


def told(report: Report, severity: str = "error") -> list[tuple[str, str | None, int | None]]:
    return [(each.rule, each.file, each.row) for each in report.findings if each.severity == severity]


@pytest.mark.parametrize("name", RECORDS)
def test_no_value_in_any_place_stops_the_check(tmp_path: Path, name: str) -> None:
    records = [each for odd in ODD for each in spoilt(RECORDS[name], odd)]
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in records))
    report = mmcheck.check(path, format=name)
    assert report.run.complete
    assert report.totals.records == len(records)
    assert not [rule.code for rule in report.rules if rule.status == "error"]


@pytest.mark.parametrize("text", ["[]", "{}", " [ ]\n", "\n{ }"])
@pytest.mark.parametrize("name", ["llava", "wavcaps", "mimic-it", "msr-vtt", "video-chatgpt"])
def test_a_document_without_a_record_is_empty_wherever_records_stand(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    assert told(mmcheck.check(tmp_path / "a.json", format=name)) == [("MM003", "a.json", None)]


def test_the_cells_of_a_csv_are_paths_or_bare_ids(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("video_id:FILE,title\nabc,one\nabd,two\n")
    report = mmcheck.check(path)
    assert told(report, "info") == [("MM028", "a.csv", None)]
    assert not told(report)
    (tmp_path / "videos").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "videos" / "abc.mp4", "GIF", save_all=True, append_images=[])
    assert told(mmcheck.check(path, media_root=tmp_path / "videos")) == [("MM020", "a.csv", 1)]
    path.write_text("video_id:FILE,title\nvideos/abc.mp4,one\nabx.mp4,two\n")
    assert told(mmcheck.check(path)) == [("MM020", "a.csv", 1)]


def test_a_name_is_missing_where_its_neighbours_are_there(tmp_path: Path) -> None:
    records = [
        RECORDS["mmc4"] | {"image_info": [RECORDS["mmc4"]["image_info"][0] | {"image_name": f"{number}.jpg"}]}
        for number in range(3)
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in records))
    assert not told(mmcheck.check(path))  # annotations alone: nothing was looked at
    for number in (0, 2):
        (tmp_path / f"{number}.jpg").write_bytes(picture(number))
    assert told(mmcheck.check(path)) == [("MM020", "a.jsonl", 1)]


def _instructions(folder: Path, table: pa.Table) -> Path:
    data = {
        f"I{number}": {"instruction": "q", "answer": "a", "image_ids": [f"IMG{number}"], "rel_ins_ids": []}
        for number in range(3)
    }
    (folder / "ins.json").write_text(json.dumps({"meta": {"version": "1"}, "data": data}))
    pq.write_table(table, folder / "images.parquet")
    path = folder / "data.yaml"
    path.write_text("IMAGE_TEXT: {A: {mimicit_path: ins.json, images_path: images.parquet}}\n")
    return path


def _images(payloads: list[str], index: Any = "__index_level_0__") -> pa.Table:
    columns = {"base64": payloads}
    if isinstance(index, str):
        columns[index] = [f"IMG{number}" for number in range(len(payloads))]
    return pa.table(columns).replace_schema_metadata({"pandas": json.dumps({"index_columns": [index], "columns": []})})


def test_an_image_table_without_ids_is_one_fault(tmp_path: Path) -> None:
    payloads = [base64.b64encode(picture(number)).decode() for number in range(3)]
    lost = _images(payloads, {"kind": "range", "name": None, "start": 0, "stop": 3, "step": 1})
    report = mmcheck.check(_instructions(tmp_path, lost))
    assert told(report) == [("MI051", "images.parquet", None)]
    assert next(rule.status for rule in report.rules if rule.code == "MI036") == "unknown"


def test_a_payload_with_a_foreign_letter_is_not_decoded(tmp_path: Path) -> None:
    payloads = [base64.b64encode(picture(number)).decode() for number in range(3)]
    payloads[1] = payloads[1][:50] + "é" + payloads[1][51:]
    path = _instructions(tmp_path, _images(payloads))
    assert told(mmcheck.check(path)) == [("MI054", "images.parquet", 1)]
    alone = mmcheck.check(tmp_path / "images.parquet", format="mimic-it")
    assert told(alone) == [("MI054", "images.parquet", 1)]
    assert alone.totals.records == 3


def test_a_volume_is_not_a_text(tmp_path: Path) -> None:
    token = "<|reserved_special_token_0|>"
    stream = io.BytesIO()
    np.save(stream, np.zeros((2, 2, 2), np.float32))
    volumes = [stream.getvalue(), b"hello hello hello", b"<html><body>404</body></html>"]
    records = []
    for number, data in enumerate(volumes):
        (tmp_path / f"{number}.npy").write_bytes(data)
        records.append({"text": token, "modalities": [{"type": "image_3d", "value": f"{number}.npy"}]})
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in records))
    assert told(mmcheck.check(path)) == [("MM021", "a.jsonl", 1), ("MM021", "a.jsonl", 2)]


def test_what_an_aggregate_says_of_a_file_has_no_row(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    check = 'aggregate: {by: [file], expression: "COUNT(*) >= 100"}'
    rules.write_text(f"rules:\n  - {{code: PX001, name: few, severity: error, table: samples, {check}, docs: d}}\n")
    (tmp_path / "a.jsonl").write_text(json.dumps(RECORDS["video-chatgpt"]) + "\n")
    report = mmcheck.check(tmp_path / "a.jsonl", rules=[rules])
    assert told(report) == [("PX001", "a.jsonl", None)]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"modality": "imgae"}, "did you mean 'image'"),
        ({"placeholders": ["imgae=<x>"]}, "did you mean 'image'"),
        ({"allow_roots": ["no/such/folder"]}, "no/such/folder"),
    ],
)
def test_a_slip_in_the_request_is_told(tmp_path: Path, wrong: dict[str, Any], words: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([RECORDS["llava"]]))
    with pytest.raises(RequestError, match=words):
        mmcheck.check(path, format="llava", **wrong)
