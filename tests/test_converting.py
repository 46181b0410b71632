"""Conversions of whole files: what is written, what is rejected, and what a failed run leaves behind."""

from __future__ import annotations

import csv
import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from mmcheck.accounts import Summary
from mmcheck.checking import check
from mmcheck.convert import Options
from mmcheck.converting import convert_dataset
from mmcheck.dataset import open_dataset
from mmcheck.diffing import diff
from mmcheck.errors import OpenError, RequestError
from mmcheck.fixing import fix
from mmcheck.writers import text as writers

GOOD = Path(__file__).parent / "datasets"
PIXEL = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108020000009077 53de".replace(" ", ""))


def lines(path: Path) -> list[Any]:
    """The records of a JSONL file."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def write(path: Path, value: Any) -> Path:
    """Write JSON, or JSON lines by the suffix."""
    records = "".join(json.dumps(each) + "\n" for each in value) if path.suffix == ".jsonl" else json.dumps(value)
    path.write_text(records, "utf-8")
    return path


def there_and_back(source: Path, tmp_path: Path, name: str, suffix: str, hub: str = ".jsonl") -> Path:
    """Convert to the hub and back; the path of what came back."""
    there, back = tmp_path / f"there{hub}", tmp_path / f"back{suffix}"
    assert convert_dataset(source, there, to="data-juicer", format=name).exit_code == 0
    assert convert_dataset(there, back, to=name, format="data-juicer").exit_code == 0
    return back


LLAVA: list[dict[str, Any]] = [
    {
        "id": 17,
        "image": "a.jpg",
        "conversations": [{"from": "human", "value": "<image>\nWhat?"}, {"from": "gpt", "value": "A bus. "}],
    },
    {
        "conversations": [{"from": "human", "value": "[[gpt]]: no"}, {"from": "gpt", "text": "t", "value": "v"}],
        "id": "2",
        "model": "",
    },
    {"id": None, "image": None, "conversations": [{"from": "human", "value": "odd <image>"}]},
]
WAVCAPS = {
    "data": [
        {"title": "Bell", "caption": "A bell rings.", "id": "2219", "duration": 14.0, "audio": "wav_path"},
        {"caption": "A dog.", "id": "Yb0.wav", "audio": "clips/a.wav", "duration": 10, "tags": ["x"]},
    ],
    "num_captions_per_audio": 1,
    "note": None,
}
MSR_VTT = {
    "info": {"year": "2016"},
    "videos": [{"video_id": "video1", "start time": 1.0, "end time": 2.5, "split": "train"}],
    "sentences": [{"caption": "a man sings", "video_id": "video1", "sen_id": 0}],
}


@pytest.mark.parametrize("hub", [".jsonl", ".json", ".parquet"])
@pytest.mark.parametrize(("name", "value"), [("llava", LLAVA), ("wavcaps", WAVCAPS), ("msr-vtt", MSR_VTT)])
def test_documents_come_back_whole(name: str, value: Any, hub: str, tmp_path: Path) -> None:
    back = there_and_back(write(tmp_path / "source.json", value), tmp_path, name, ".json", hub)
    assert json.dumps(json.loads(back.read_text("utf-8"))) == json.dumps(value)


def test_csv_comes_back_with_its_dialect(tmp_path: Path) -> None:
    source = tmp_path / "train.csv"
    rows = [["video_id:FILE", "title", "label"], ["v/a.mp4", 'he said "so",\r\nor not', ""], ["v/b.mp4", " x ", "宠物"]]
    with source.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(rows)
    back = there_and_back(source, tmp_path, "youku-mplug", ".csv")
    assert back.read_bytes() == source.read_bytes()


@pytest.mark.parametrize(
    ("name", "record", "there"),
    [
        (
            "llava",
            LLAVA[0],
            {"id": 17, "text": "[[human]]: <__dj__image>\nWhat?\n[[gpt]]: A bus.  <|__dj__eoc|>", "images": ["a.jpg"]},
        ),
        (
            "mmc4",
            {
                "text_list": ["one", "two", "three"],
                "image_info": [
                    {"image_name": "c.jpg", "matched_text_index": 2},
                    {"image_name": "b.jpg", "matched_text_index": 1},
                    {"image_name": "1b.jpg", "matched_text_index": 1},
                ],
            },
            {
                "text": "one <|__dj__eoc|> <__dj__image> <__dj__image> two <|__dj__eoc|> "
                "<__dj__image> three <|__dj__eoc|>",
                "images": ["b.jpg", "1b.jpg", "c.jpg"],
            },
        ),
        (
            "video-chatgpt",
            {"q": "Why?", "a": "So.", "video_id": "v_-D1gdv_gQyw"},
            {
                "text": "<__dj__video> [[q]]:Why? \n[[a]]:So. <|__dj__eoc|>",
                "videos": ["v_-D1gdv_gQyw.mp4"],
                "youtube_id": "-D1gdv_gQyw",
            },
        ),
        (
            "msr-vtt",
            {"video_id": "video1", "caption": "a man", "start time": 1.5},
            {"text": "<__dj__video> a man <|__dj__eoc|>", "videos": ["video1.mp4"], "start time": 1.5},
        ),
        (
            "internvid",
            {"YoutubeID": "v/a.mp4", "Start_timestamp": "00:00:01", "End_timestamp": "25:00:02.5", "Caption": "x"},
            {
                "text": "<__dj__video> x <|__dj__eoc|>",
                "videos": ["v/a.mp4"],
                "Start_timestamp": "00:00:01",
                "End_timestamp": "25:00:02.5",
            },
        ),
    ],
)  # fmt: skip
def test_the_documented_mapping(name: str, record: Any, there: dict[str, Any], tmp_path: Path) -> None:
    source = write(tmp_path / "source.jsonl", [record])
    convert_dataset(source, tmp_path / "there.jsonl", to="data-juicer", format=name, residue=False)
    made = lines(tmp_path / "there.jsonl")[0]
    assert {key: made[key] for key in there} == there
    assert "meta" not in made
    # without residue the documented mapping leads back, as far as it goes
    back = tmp_path / "back.jsonl"
    convert_dataset(tmp_path / "there.jsonl", back, to=name, format="data-juicer")
    came = lines(back)[0]
    if name == "mmc4":
        assert came["text_list"] == record["text_list"]
        assert came["image_info"] == record["image_info"]
    else:
        assert {key: came[key] for key in record} == record


def test_wavcaps_gets_the_union_of_fields(tmp_path: Path) -> None:
    source = write(tmp_path / "source.json", WAVCAPS)
    options = Options(target_field="title")
    convert_dataset(source, tmp_path / "there.jsonl", to="data-juicer", residue=False, options=options)
    made = lines(tmp_path / "there.jsonl")
    assert made[0]["text"] == "<__dj__audio>\nBell<|__dj__eoc|>"
    assert made[0]["audios"] == ["2219.flac"]
    assert made[1]["__dj__meta__"]["category"] == "" and made[1]["__dj__meta__"]["num_captions_per_audio"] == 1


def test_an_edited_text_comes_back_edited(tmp_path: Path) -> None:
    source = write(tmp_path / "source.json", LLAVA)
    there = tmp_path / "there.jsonl"
    convert_dataset(source, there, to="data-juicer")
    made = lines(there)
    made[0]["text"] = made[0]["text"].replace("bus", "tram")
    made[0]["images"] = ["/moved/a.jpg"]
    made[1]["text"] = "[[human]]: other\n[[gpt]]: words <|__dj__eoc|>"
    write(there, made)
    convert_dataset(there, tmp_path / "back.json", to="llava", format="data-juicer")
    back = json.loads((tmp_path / "back.json").read_text("utf-8"))
    assert back[0]["conversations"][1]["value"] == "A tram. "
    assert (back[0]["image"], back[0]["id"], list(back[0])) == ("/moved/a.jpg", 17, list(LLAVA[0]))
    assert back[1]["conversations"] == [
        {"from": "human", "value": "other"},
        {"from": "gpt", "text": "t", "value": "words"},
    ]
    assert back[1]["model"] == ""
    assert json.dumps(back[2]) == json.dumps(LLAVA[2])


def test_an_image_that_was_filtered_is_gone(tmp_path: Path) -> None:
    there = tmp_path / "there.jsonl"
    convert_dataset(write(tmp_path / "source.json", LLAVA[:1]), there, to="data-juicer")
    made = lines(there)
    made[0] |= {"text": made[0]["text"].replace("<__dj__image>\n", ""), "images": []}
    write(there, made)
    convert_dataset(there, tmp_path / "back.json", to="llava", format="data-juicer")
    back = json.loads((tmp_path / "back.json").read_text("utf-8"))[0]
    assert "image" not in back and back["conversations"][0]["value"] == "What?" and back["id"] == 17


def _accounted(summary: Summary) -> bool:
    return summary.read == summary.written + summary.rejected


def test_every_record_is_accounted_for(tmp_path: Path) -> None:
    source = tmp_path / "source.jsonl"
    system = {"conversations": [{"from": "system", "value": "s"}, {"from": "human", "value": "h"}], "id": 1}
    source.write_text("".join(json.dumps(each) + "\n" for each in (*LLAVA, system)) + "{broken\n", "utf-8")
    stopped = convert_dataset(source, tmp_path / "out", to="aria", format="llava")
    assert stopped.exit_code == 1 and stopped.stopped == "source.jsonl, record 3: aria has no system role"
    assert sorted(os.listdir(tmp_path)) == ["source.jsonl"]
    summary = convert_dataset(source, tmp_path / "out", to="aria", format="llava", on_error="quarantine")
    assert (summary.read, summary.written, summary.rejected) == (5, 3, 2) and _accounted(summary)
    assert summary.lost["id"] == 3
    rejected = lines(tmp_path / "out.rejected.jsonl")
    assert (rejected[0]["row"], rejected[0]["record"]) == (3, system)
    assert rejected[1]["row"] == 4 and "not JSON" in rejected[1]["reason"]


def test_a_target_is_never_the_source_nor_replaced_unasked(tmp_path: Path) -> None:
    source = write(tmp_path / "a.json", LLAVA)
    for target in (source, tmp_path):
        with pytest.raises(RequestError, match="is what is being read"):
            convert_dataset(source, target, to="data-juicer", format="llava", overwrite=True)
    other = write(tmp_path / "b.jsonl", [])
    with pytest.raises(RequestError, match="exists already"):
        convert_dataset(source, other, to="data-juicer", format="llava")
    with pytest.raises(RequestError, match="no folder"):
        convert_dataset(source, tmp_path / "no" / "b.jsonl", to="data-juicer", format="llava")
    with pytest.raises(RequestError, match="not kept in"):
        convert_dataset(source, tmp_path / "b.csv", to="data-juicer", format="llava")


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = write(tmp_path / "a.json", LLAVA), write(tmp_path / "b.jsonl", [{"text": "old"}])
    before = target.read_bytes()

    def full(self: Any, records: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writers.JsonLines, "write", full)
    with pytest.raises(OpenError, match="the disk is full"):
        convert_dataset(source, target, to="data-juicer", format="llava", overwrite=True)
    assert target.read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["a.json", "b.jsonl"]


def test_media_are_embedded_and_extracted_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "img").mkdir()
    (tmp_path / "img" / "a.png").write_bytes(PIXEL)
    record = {
        "text": "<|reserved_special_token_0|> x",
        "modalities": [{"type": "image", "value": "img/a.png", "num_embeddings": 3}],
        "source": "k",
    }
    missing = {"text": "", "modalities": [{"type": "image", "value": "img/no.png"}]}
    source = write(tmp_path / "data.jsonl", [record, missing])
    stopped = convert_dataset(source, tmp_path / "arrow", to="multimeditron", media="embed")
    assert stopped.stopped is not None and "img/no.png is missing" in stopped.stopped
    summary = convert_dataset(source, tmp_path / "arrow", to="multimeditron", media="embed", on_error="quarantine")
    assert (summary.written, summary.rejected) == (1, 1)
    convert_dataset(tmp_path / "arrow", tmp_path / "back", to="multimeditron", media="extract")
    assert (tmp_path / "back" / "img" / "a.png").read_bytes() == PIXEL
    assert lines(next((tmp_path / "back").glob("*.jsonl"))) == [record]
    convert_dataset(source, tmp_path / "t.parquet", to="multimeditron", media="embed", on_error="quarantine")
    datasets = pytest.importorskip("datasets")
    loaded = datasets.load_from_disk(str(tmp_path / "arrow"))
    assert "Image" in str(loaded.features["modalities"])
    assert loaded.with_format("arrow")[:]["modalities"][0][0]["value"]["bytes"].as_py() == PIXEL


def test_images_by_id_become_partitions_and_json_again(tmp_path: Path) -> None:
    images = {f"LA_{number:03d}": "iVBORw0KGgo" + "A" * 1000 for number in range(30)}
    source = tmp_path / "images.json"
    twice = json.dumps(images)[:-1] + ', "LA_000": "iVBORw0KGgoB"}'
    source.write_text(twice)
    summary = convert_dataset(
        source, tmp_path / "parts", to="mimic-it", format="mimic-it", shard_size=12_000, on_error="quarantine"
    )
    assert (summary.read, summary.written, summary.rejected) == (31, 30, 1)
    assert summary.reasons == {"an image of this id stands before": 1}
    parts = sorted((tmp_path / "parts").iterdir())
    assert len(parts) >= 3 and all(part.stat().st_size <= 12_000 for part in parts)
    pandas = pytest.importorskip("pandas")
    assert pandas.read_parquet(parts[0]).loc["LA_001"]["base64"] == images["LA_001"]
    back = tmp_path / "back.json"
    convert_dataset(tmp_path / "parts", back, to="mimic-it", format="mimic-it")
    assert json.loads(back.read_text()) == images
    convert_dataset(tmp_path / "parts", tmp_path / "one.parquet", to="mimic-it", format="mimic-it")
    assert len(pandas.read_parquet(tmp_path / "one.parquet")) == 30


def test_differences_are_told_by_class(tmp_path: Path) -> None:
    one = write(tmp_path / "one.json", LLAVA[:2])
    upstream = [
        {
            "id": str(record["id"]),
            "conversations": [{"from": t["from"], "value": t["value"].strip()} for t in record["conversations"]],
            **({"image": record["image"]} if "image" in record else {}),
        }
        for record in LLAVA[:2]
    ]
    other = write(tmp_path / "other.json", upstream)
    found = diff(one, other)
    assert found.classes == {"id type": 1, "whitespace": 1, "missing key": 1, "extra turn keys": 1, "key order": 2}
    assert (found.same, found.different, found.exit_code) == (0, 2, 1)
    everything = ["ids", "whitespace", "key-order", "missing-keys", "turn-keys"]
    assert diff(one, other, normalize=everything).exit_code == 0
    assert diff(one, one).exit_code == 0
    fewer = diff(one, write(tmp_path / "few.json", LLAVA[1:2]))
    assert (fewer.same, fewer.only_first, fewer.only_second) == (1, 1, 0)


def test_files_of_a_folder_are_those_that_loaders_open(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    text = [{"text": "[[human]]: q\n[[gpt]]: a", "images": []}]
    for name in ("train-1", "more", "val", "test"):
        write(tmp_path / "s" / f"{name}.jsonl", text if name != "test" else [{**text[0], "audios": ["a.wav"]}])
    write(tmp_path / "s" / "other.json", {"a": 1})
    summary = convert_dataset(tmp_path / "s", tmp_path / "d", to="aria", format="data-juicer", on_error="quarantine")
    assert summary.passed_over == {"other.json": "it does not look like data-juicer"}
    assert {each.name: len(lines(each)) for each in (tmp_path / "d").glob("*.jsonl")} == {
        "train.jsonl": 2, "val.jsonl": 1,
    }  # fmt: skip


def test_a_file_above_the_one_that_names_it_is_no_hidden_file(tmp_path: Path) -> None:
    source = GOOD / "mimic-it" / "good" / "yaml-in-a-folder" / "configs" / "data.yaml"
    summary = convert_dataset(source, tmp_path / "d", to="data-juicer")
    assert summary.written and "LA_instructions.jsonl" in {each.name for each in (tmp_path / "d").iterdir()}


@pytest.mark.parametrize("to", ["mimic-it", "data-juicer"])
def test_a_record_without_its_key_is_rejected(to: str, tmp_path: Path) -> None:
    source = GOOD / "mimic-it" / "bad" / "data-is-a-list" / "LA_instructions.json"
    there = tmp_path / "there.json"
    summary = convert_dataset(source, there, to=to, format="mimic-it")
    if to != "mimic-it":
        assert summary.written
        summary = convert_dataset(there, tmp_path / "back.json", to="mimic-it")
    assert "this record has none" in (summary.stopped or "")


def test_what_stands_beside_files_is_no_data(tmp_path: Path) -> None:
    source = write(tmp_path / "a.jsonl", [{"text": "<__dj__audio>\nc", "audios": ["a.wav"]}, {"text": "c"}])
    summary = convert_dataset(source, tmp_path / "d", to="wavcaps", on_error="quarantine")
    assert summary.reasons == {"wavcaps names a recording in every record": 1}
    assert {each.name for each in (tmp_path / "d").iterdir()} == {"a.json", "a.json.mmcheck.json"}
    assert open_dataset(tmp_path / "d").ignored == {} and check(tmp_path / "d", probe="none").totals.records == 1


def test_names_that_other_parts_refer_to_stay(tmp_path: Path) -> None:
    source = write(tmp_path / "a.json", MSR_VTT)
    (tmp_path / "video1.mp4").write_bytes(b"x")
    (tmp_path / "d").mkdir()
    convert_dataset(source, tmp_path / "d" / "b.json", to="msr-vtt", paths="relative")
    fix(source, tmp_path / "d" / "c.json", probe="none")
    assert json.loads((tmp_path / "d" / "b.json").read_text()) == MSR_VTT
    assert json.loads((tmp_path / "d" / "c.json").read_text()) == MSR_VTT


def test_mmc4_has_no_place_for_bytes(tmp_path: Path) -> None:
    source = GOOD / "multimeditron" / "good" / "pretraining-parquet" / "train.parquet"
    summary = convert_dataset(source, tmp_path / "b.jsonl", to="mmc4", on_error="quarantine")
    assert summary.rejected == summary.read and "--media extract" in next(iter(summary.reasons))
