"""Tables: what columns do not say, shards, partitions of another size; and records of the hub from the start."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mmcheck.checking import check
from mmcheck.converting import convert_dataset
from mmcheck.errors import OpenError, RequestError
from mmcheck.target_tables import Table

DATASETS = Path(__file__).parent / "datasets"
P = "<|reserved_special_token_0|>"
PICTURE = next(each for each in sorted(DATASETS.rglob("*.png")) if each.read_bytes()[-8:-4] == b"IEND").read_bytes()
MEDIUM = {"type": "image", "value": "a.png"}
RECORDS: list[dict[str, Any]] = [
    {"text": f"{P} x", "modalities": [MEDIUM]},
    {"modalities": [], "n": None, "k": 1,
     "conversations": [{"content": "q", "role": "user"}, {"role": "assistant", "content": "a", "w": 1}]},
    {"text": f"{P}{P}", "conversations": None, "modalities": [{"value": "a.png", "type": "image", "num": 1.0},
     {"type": "image", "value": "a.png", "num": 2}], "k": 2.5, "e": [], "u": "\u2028\x00", "big": 2**60},
    {"text": "t", "modalities": [], "meta": {"mine": 1}},
]  # fmt: skip


def lines(path: Path) -> list[Any]:
    """The records of a JSONL file."""
    return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]


def jsonl(path: Path, records: list[Any]) -> Path:
    """Write JSON lines."""
    path.write_text("".join(json.dumps(each) + "\n" for each in records), "utf-8")
    return path


@pytest.mark.parametrize("table", ["arrow", "t.parquet"])
def test_absent_and_null_come_back_from_a_table(table: str, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PICTURE)
    source = jsonl(tmp_path / "a.jsonl", RECORDS)
    convert_dataset(source, tmp_path / table, to="multimeditron", format="multimeditron", media="embed")
    assert check(tmp_path / table, format="multimeditron").totals.errors == 0
    convert_dataset(tmp_path / table, tmp_path / "back", to="multimeditron", format="multimeditron", media="extract")
    back = lines(next((tmp_path / "back").glob("*.jsonl")))
    assert [json.dumps(each) for each in back] == [json.dumps(each) for each in RECORDS]
    assert (tmp_path / "back" / "a.png").read_bytes() == PICTURE


def test_records_that_a_table_says_all_of_get_no_further_column(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "a.jsonl", [{"text": "t", "modalities": []}] * 3)
    convert_dataset(source, tmp_path / "t.parquet", to="multimeditron")
    assert pq.read_schema(tmp_path / "t.parquet").names == ["text", "modalities"]


def test_llava_in_a_table_keeps_its_records(tmp_path: Path) -> None:
    records = [
        {"id": "1", "image": "a.jpg", "conversations": [{"from": "human", "value": "<image>"}]},
        {"conversations": [{"value": "x", "from": "human"}], "id": "2", "model": None},
    ]
    convert_dataset(jsonl(tmp_path / "a.jsonl", records), tmp_path / "t.parquet", to="llava", format="llava")
    convert_dataset(tmp_path / "t.parquet", tmp_path / "b.jsonl", to="llava", format="llava")
    assert [json.dumps(each) for each in lines(tmp_path / "b.jsonl")] == [json.dumps(each) for each in records]


TURNS = [{"from": "human", "value": "q"}]
OF_SEVERAL_TYPES = [
    {"id": 1, "image": "a.jpg", "conversations": TURNS, "score": 2**60},
    {"id": "2", "image": ["a.jpg", "b.jpg"], "conversations": TURNS, "score": 0.5},
    {"id": None, "image": "", "conversations": TURNS, "o": {}, "p": [{"q": {}}]},
    {"id": 2.0, "image": None, "conversations": [*TURNS, {"from": "gpt", "value": "a", "n": 1}]},
]
MISFITS: list[tuple[dict[str, Any], str]] = [
    ({"id": "5", "conversations": [{"from": "human", "value": 5}]}, "/conversations/*/value: text in the records "),
    ({"id": ["5"], "conversations": TURNS}, "/id: text in the records before, lists in this one"),
    ({"id": "6", "conversations": "q"}, "/conversations: lists in the records before, text in this one"),
    ({"id": "7", "conversations": TURNS, "score": "high"}, "/score: numbers in the records before, text in this one"),
    ({"id": "8", "conversations": TURNS, "score": 2**64}, "numbers beyond 64 bits"),
    ({"id": "9", "conversations": TURNS, "o": [1]}, "/o: "),
]


def test_fields_of_several_types_come_back_from_a_table(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "a.jsonl", OF_SEVERAL_TYPES)
    convert_dataset(source, tmp_path / "t.parquet", to="llava", format="llava")
    columns = pq.read_table(tmp_path / "t.parquet")
    assert columns["id"].to_pylist() == ["1", "2", None, "2.0"] and columns["score"].type == pa.float64()
    assert columns["image"].to_pylist() == [["a.jpg"], ["a.jpg", "b.jpg"], [""], None]
    convert_dataset(tmp_path / "t.parquet", tmp_path / "b.jsonl", to="llava", format="llava")
    assert [json.dumps(each) for each in lines(tmp_path / "b.jsonl")] == [json.dumps(each) for each in OF_SEVERAL_TYPES]
    summary = convert_dataset(source, tmp_path / "u.parquet", to="llava", format="llava", residue=False)
    assert {key: count for key, count in summary.lost.items() if key.startswith("type")} == {
        "type of id": 2, "type of image": 2, "type of score": 1,
    }  # fmt: skip


def test_records_of_the_hub_come_back_from_a_table_with_what_they_carry(tmp_path: Path) -> None:
    made = convert_dataset(jsonl(tmp_path / "a.jsonl", OF_SEVERAL_TYPES), tmp_path / "h.jsonl", to="data-juicer")
    assert made.written == 4
    records = [*lines(tmp_path / "h.jsonl"), *NATIVE, {"text": "", "meta": {}}, {"meta": {"src": "s"}, "text": "t"}]
    records.remove(NATIVE[3])  # its meta is no object
    source = jsonl(tmp_path / "s.jsonl", records)
    for number, (there, residue) in enumerate(((tmp_path / "t.parquet", True), (tmp_path / "u.parquet", False))):
        summary = convert_dataset(source, there, to="data-juicer", format="data-juicer", residue=residue)
        convert_dataset(there, tmp_path / f"{number}.jsonl", to="data-juicer", format="data-juicer")
    assert [json.dumps(each) for each in lines(tmp_path / "0.jsonl")] == [json.dumps(each) for each in records]
    assert summary.lost["meta.mmcheck"] == 4
    convert_dataset(tmp_path / "t.parquet", tmp_path / "b.jsonl", to="llava", on_error="quarantine")
    assert [json.dumps(each) for each in lines(tmp_path / "b.jsonl")][:4] == list(map(json.dumps, OF_SEVERAL_TYPES))


def test_each_split_has_columns_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "a.png").write_bytes(PICTURE)
    jsonl(tmp_path / "s" / "train.jsonl", RECORDS)
    jsonl(tmp_path / "s" / "val.jsonl", [{"text": "t", "modalities": [], "k2": 1}])
    convert_dataset(tmp_path / "s", tmp_path / "d", to="multimeditron", media="embed")
    convert_dataset(tmp_path / "d" / "val", tmp_path / "b.jsonl", to="multimeditron")
    assert lines(tmp_path / "b.jsonl") == [{"text": "t", "modalities": [], "k2": 1}]


def test_a_record_that_no_column_can_hold_is_rejected(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "a.jsonl", [*OF_SEVERAL_TYPES, *(record for record, _ in MISFITS), OF_SEVERAL_TYPES[1]])
    summary = convert_dataset(source, tmp_path / "t.parquet", to="llava", format="llava")
    assert "a.jsonl, record 4: " in (summary.stopped or "") and list(tmp_path.iterdir()) == [source]
    summary = convert_dataset(source, tmp_path / "t.parquet", to="llava", format="llava", on_error="quarantine")
    rejected = lines(tmp_path / "t.parquet.rejected.jsonl")
    assert (summary.written, summary.rejected) == (5, 6) == (pq.read_metadata(tmp_path / "t.parquet").num_rows, 6)
    for told, (record, reason) in zip(rejected, MISFITS, strict=True):
        assert told["record"] == record and reason in told["reason"]


@pytest.mark.parametrize("to", ["data-juicer", "llava", "multimeditron", "mmc4"])
def test_shards_hold_all_and_no_more_than_asked_for(to: str, tmp_path: Path) -> None:
    source = jsonl(tmp_path / "train.jsonl", [{"id": str(n), "text": "word " * n, "images": []} for n in range(200)])
    convert_dataset(source, tmp_path / "out", to=to, format="data-juicer", shard_size=9_000, residue=False)
    shards = sorted((tmp_path / "out").iterdir())
    assert len(shards) > 8 and all(shard.stat().st_size <= 9_000 for shard in shards)
    assert shards[0].name.startswith("train-00000-of-000")
    assert check(tmp_path / "out", format=to, probe="none").totals.records == 200
    convert_dataset(tmp_path / "out", tmp_path / "back.jsonl", to="data-juicer", format=to, residue=False)
    assert [each["text"].removesuffix(" <|__dj__eoc|>").count("word") for each in lines(tmp_path / "back.jsonl")][
        :3
    ] == [0, 1, 2]


def test_a_large_record_has_a_shard_of_its_own(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "a.jsonl", [{"text": "x" * size} for size in (10, 5_000, 10)])
    summary = convert_dataset(source, tmp_path / "out", to="llava", format="data-juicer", shard_size=1_000)
    assert [name for name in summary.files if name.endswith(".json")] == [f"a-0000{n}-of-00003.json" for n in range(3)]


def test_parquet_of_any_format_is_cut_and_joined(tmp_path: Path) -> None:
    images = [{"bytes": bytes([n % 251]) * 3_000, "path": None} for n in range(100)]
    table = pa.table(
        {
            "text": [P] * 100,
            "modalities": [[{"type": "image", "value": each}] for each in images],
            "n": pa.array([None, 1] * 50, pa.int8()),
        }
    ).replace_schema_metadata({"huggingface": "{}"})
    pq.write_table(table, tmp_path / "train.parquet", row_group_size=100)
    table = pq.read_table(tmp_path / "train.parquet")
    summary = convert_dataset(
        tmp_path / "train.parquet", tmp_path / "parts", to="multimeditron", format="multimeditron", shard_size=50_000
    )
    parts = sorted((tmp_path / "parts").iterdir())
    assert len(parts) >= 6 and all(part.stat().st_size <= 55_000 for part in parts)
    assert [part.name for part in parts] == summary.files and summary.read == summary.written == 100
    convert_dataset(tmp_path / "parts", tmp_path / "one.parquet", to="multimeditron", format="multimeditron")
    assert pq.read_table(tmp_path / "one.parquet").equals(table, check_metadata=True)
    parts[1].write_bytes(parts[1].read_bytes()[:-200])
    with pytest.raises(OpenError, match="cannot be read"):
        convert_dataset(tmp_path / "parts", tmp_path / "two.parquet", to="multimeditron", format="multimeditron")
    assert not (tmp_path / "two.parquet").exists()


def test_instructions_beside_the_images_give_a_data_yaml(tmp_path: Path) -> None:
    images = {f"LA_IMG_{n}": "iVBORw0KGgo=" for n in range(4)}
    (tmp_path / "LA.json").write_text(json.dumps(images))
    entry = {"instruction": "q", "answer": "a", "image_ids": ["LA_IMG_1"], "rel_ins_ids": []}
    (tmp_path / "LA_instructions.json").write_text(json.dumps({"meta": {}, "data": {"LA_INS_1": entry}}))
    convert_dataset(tmp_path / "LA.json", tmp_path / "LA", to="mimic-it", format="mimic-it")
    text = (tmp_path / "LA.yaml").read_text()
    assert "IMAGE_TEXT" in text and "mimicit_path: LA_instructions.json" in text and "images_path: LA\n" in text
    found = check(tmp_path / "LA.yaml", probe="none")
    assert {each.rule for each in found.findings if each.severity.value == "error"} == set()


NATIVE = [
    {"text": "[[human]]: <__dj__image>\nq\n[[gpt]]: a <|__dj__eoc|>", "images": ["a.jpg"]},
    {"id": 1, "images": [], "text": "[[human]]: q\n[[gpt]]: a", "stats": {"n": 1.0}, "meta": {"src": None}},
    {"text": "<__dj__video> c", "videos": ["v.mp4"], "instruction": ""},
    {"text": "one <|__dj__eoc|> <__dj__image> two <|__dj__eoc|>", "images": ["a.jpg"], "url": "u", "meta": 3},
    {"id": 3, "text": "<__dj__audio>\nc<|__dj__eoc|>", "audios": ["a.wav"], "__dj__meta__": {"x": 1}},
]


@pytest.mark.parametrize("name", ["llava", "internvid", "mmc4", "wavcaps"])
def test_records_of_the_hub_come_back_as_they_were(name: str, tmp_path: Path) -> None:
    records = [{**each, "Start_timestamp": "00:00:01", "End_timestamp": "00:00:02"} for each in NATIVE]
    source = jsonl(tmp_path / "dj.jsonl", records)
    suffix = "json" if name in ("llava", "wavcaps") else "jsonl"
    there = tmp_path / f"there.{suffix}"
    first = convert_dataset(source, there, to=name, format="data-juicer", on_error="quarantine")
    assert first.written
    convert_dataset(there, tmp_path / "back.jsonl", to="data-juicer", format=name)
    rejected = {each["row"] for each in lines(tmp_path / f"there.{suffix}.rejected.jsonl")} if first.rejected else set()
    expected = [json.dumps(each) for number, each in enumerate(records) if number not in rejected]
    assert [json.dumps(each) for each in lines(tmp_path / "back.jsonl")] == expected
    # what is edited on the way comes back edited, what says nothing of it does not stand in the way
    text = there.read_text().replace('q"', 'other"').replace("two", "deux")
    there.write_text(text)
    convert_dataset(there, tmp_path / "edited.jsonl", to="data-juicer", format=name)
    assert len(lines(tmp_path / "edited.jsonl")) == first.written


def test_a_folder_is_checked_without_what_stands_beside_its_files(tmp_path: Path) -> None:
    (tmp_path / "dj").mkdir()
    jsonl(tmp_path / "dj" / "train.jsonl", [NATIVE[0]])
    convert_dataset(tmp_path / "dj", tmp_path / "out", to="llava", format="data-juicer")
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == ["train.json", "train.json.mmcheck.json"]
    report = check(tmp_path / "out", probe="none")
    assert (report.format, report.totals.records, report.totals.errors) == ("llava", 1, 0)


@pytest.mark.parametrize("name", ["llava", "data-juicer", "multimeditron"])
def test_parquet_in_another_folder_leads_to_the_same_media(name: str, tmp_path: Path) -> None:
    records = {
        "llava": {"image": "p/a.jpg", "conversations": [{"from": "human", "value": "<image>\nq"}], "n": 2**62},
        "data-juicer": {"text": "<__dj__image> c", "images": ["p/a.jpg"], "videos": None, "n": 2**62},
        "multimeditron": {
            "text": "<|reserved_special_token_0|>",
            "modalities": [{"type": "image", "value": "p/a.jpg"}],
            "n": 2**62,
        },
    }
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "a.jpg").write_bytes(b"x")
    lost = json.loads(json.dumps(records[name]).replace("a.jpg", "lost.jpg"))
    pq.write_table(pa.Table.from_pylist([records[name], lost] * 3), tmp_path / "train.parquet")
    table = pq.read_table(tmp_path / "train.parquet")
    for paths, leads in (("auto", "../p/a.jpg"), ("relative", "../p/a.jpg"), ("keep", "p/a.jpg")):
        target = tmp_path / paths
        summary = convert_dataset(
            tmp_path / "train.parquet", target, to=name, format=name, shard_size=10_000, paths=paths
        )
        found = pa.concat_tables(pq.read_table(each) for each in sorted(target.iterdir()))
        assert found.schema.equals(table.schema, check_metadata=True)
        assert found.to_pylist() == json.loads(json.dumps(table.to_pylist()).replace("p/a.jpg", leads))
        assert summary.paths == ({} if paths == "keep" else {"moved": 3, "missing": 3})
    same = convert_dataset(tmp_path / "train.parquet", tmp_path / "again.parquet", to=name, format=name)
    assert same.paths == {} and pq.read_table(tmp_path / "again.parquet").equals(table, check_metadata=True)


def _mimic(folder: Path) -> Path:
    """Two files of instructions with headers of their own, one table of images, and a data YAML that names all."""
    for name, author in (("a", "one"), ("b", "two")):
        entry = {"instruction": "q", "answer": name, "image_ids": ["I"], "rel_ins_ids": []}
        (folder / f"{name}_instructions.json").write_text(
            json.dumps({"meta": {"author": author}, "data": {f"{name.upper()}_INS_1": entry}})
        )
    (folder / "images.json").write_text(json.dumps({"I": "iVBORw0KGgo="}))
    entries = [f"  {name}: {{mimicit_path: {name}_instructions.json, images_path: images.json}}" for name in "ab"]
    (folder / "data.yaml").write_text("IMAGE_TEXT:\n" + "\n".join(entries) + "\n")
    return folder / "data.yaml"


def test_a_data_yaml_brings_the_instructions_that_it_names(tmp_path: Path) -> None:
    source = _mimic(tmp_path)
    summary = convert_dataset(source, tmp_path / "dj.jsonl", to="data-juicer")
    assert [each["id"] for each in lines(tmp_path / "dj.jsonl")] == ["A_INS_1", "B_INS_1"]
    # ids are no paths, and only one header fits beside the target
    assert (summary.read, summary.written, summary.paths) == (2, 2, {})
    assert summary.lost == {"meta of b_instructions.json": 1}
    summary = convert_dataset(source, tmp_path / "dj", to="data-juicer")
    assert summary.files == ["a_instructions.jsonl", "b_instructions.jsonl"] and not summary.lost
    back = convert_dataset(tmp_path / "dj" / "b_instructions.jsonl", tmp_path / "back.json", to="mimic-it")
    assert back.written == 1 and not back.paths
    assert json.loads((tmp_path / "back.json").read_text()) == json.loads(
        (tmp_path / "b_instructions.json").read_text()
    )


def test_what_a_data_yaml_names_has_to_be_there(tmp_path: Path) -> None:
    source = _mimic(tmp_path)
    with pytest.raises(RequestError, match=r"data\.yaml only names files.*a_instructions\.json, .*images\.json"):
        convert_dataset(source, tmp_path / "out", to="mimic-it")
    with pytest.raises(RequestError, match="is what is being read"):
        convert_dataset(source, tmp_path / "a_instructions.json", to="llava", overwrite=True)
    (tmp_path / "b_instructions.json").unlink()
    with pytest.raises(OpenError, match=r"b_instructions\.json is missing"):
        convert_dataset(source, tmp_path / "out", to="llava")


def test_what_a_file_has_beside_its_records_is_told_where_it_is_lost(tmp_path: Path) -> None:
    _mimic(tmp_path)
    source = tmp_path / "a_instructions.json"
    assert convert_dataset(source, tmp_path / "a.json", to="llava").lost == {"meta": 1, "rel_ins_ids": 1}
    assert convert_dataset(source, tmp_path / "n.jsonl", to="data-juicer", residue=False).lost == {
        "meta": 1,
        "rel_ins_ids": 1,
    }
    assert convert_dataset(source, tmp_path / "r.jsonl", to="data-juicer").lost == {}
    (tmp_path / "w").mkdir()
    for name, count in (("a", 1), ("b", 2)):
        rows = [{"id": name, "audio": "x.wav", **{f"caption_{n + 1}": "c" for n in range(count)}}]
        (tmp_path / "w" / f"{name}.json").write_text(json.dumps({"num_captions_per_audio": count, "data": rows}))
    summary = convert_dataset(tmp_path / "w", tmp_path / "w.jsonl", to="data-juicer", format="wavcaps")
    counts = [each["__dj__meta__"]["num_captions_per_audio"] for each in lines(tmp_path / "w.jsonl")]
    assert counts == [1, 2] and summary.lost == {"num_captions_per_audio of b.json": 1}


@pytest.mark.parametrize(("sorts", "decoded"), [(["image"], True), (["image", "audio"], False), (["video"], False)])
def test_only_images_are_told_to_be_images(sorts: list[str], decoded: bool) -> None:
    records = [{"modalities": [{"type": sort, "value": {"bytes": b"x", "path": "x"}}]} for sort in sorts]
    table = Table([records])
    assert ("Image" in json.dumps(table.features)) is decoded
