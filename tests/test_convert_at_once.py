"""Parts of a file that are converted at once, as text, are held against its records one by one; losses are noticed."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from upstream import mixed

from mmcheck import recasting, transcribing
from mmcheck.cli import ahead
from mmcheck.convert import Options
from mmcheck.convert import quick as ways
from mmcheck.convert.quick import Quick, hub_to_llava, llava_to_hub
from mmcheck.converting import convert_dataset
from mmcheck.encoding import SERVE
from mmcheck.recasting import Recaster

Change = Callable[[dict[str, Any]], object]
#: Where some of the media are, beside the source.
HERE = range(0, 300, 3)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with media in which files fall into many parts."""
    monkeypatch.setattr(transcribing, "PART", 10_000)
    (tmp_path / "in" / "coco").mkdir(parents=True)
    (tmp_path / "out").mkdir()
    for number in HERE:
        (tmp_path / "in" / "coco" / f"{number:012d}.jpg").touch()
    return tmp_path


def awkward() -> list[Any]:
    """Records of which some have to take the long way."""
    records: list[Any] = mixed(300)
    records[7]["conversations"][0]["value"] = '":)" [[gpt]]: \U0001f600 \\":'
    records[8]["conversations"] = [{"value": "v", "from": "human"}]
    records[9]["conversations"][1]["from"] = "system"
    records[30] = 5
    records[31] = {"id": None, "video": "v.mp4", "conversations": [{"from": "human", "value": "<video>"}]}
    records[100]["model"] = ":"
    records[200]["id"] = {"a": [1.0]}
    return records


SPELT: dict[str, Callable[[list[Any]], bytes]] = {
    "dense.json": lambda records: json.dumps(records, separators=(",", ":")).encode(),
    "wide.json": lambda records: json.dumps(records, indent=2, ensure_ascii=False).encode(),
    "lines.jsonl": lambda records: b"".join(json.dumps(each).encode() + b"\n" for each in records),
    "mark.json": lambda records: b"\xef\xbb\xbf \n" + json.dumps(records, indent=1).encode() + b"\n\n",
}
_ODD = b'"id": "000000000150"'
FAULTS: dict[str, Callable[[bytes], bytes]] = {
    "none": lambda text: text,
    "a key twice": lambda text: text.replace(_ODD, _ODD + b", " + _ODD),
    "a blank before a colon": lambda text: text.replace(_ODD, b'"id" : "000000000150"'),
    "a key twice, one with a blank": lambda text: text.replace(_ODD, b'"id" : 1, ' + _ODD),
    "no UTF-8": lambda text: text.replace(_ODD, b'"id": "\xff"'),
    "a break": lambda text: text.replace(_ODD, b'"id": '),
    "a bracket too many": lambda text: text.replace(_ODD, _ODD + b"}"),
    "too deep": lambda text: text.replace(_ODD, b'"id": ' + b"[" * 150 + b"]" * 150),
    "another spelling": lambda text: text[: len(text) // 2] + text[len(text) // 2 :].replace(b'"id": ', b'"id":  '),
    "a blank line": lambda text: text.replace(b"\n", b"\n\n", 150),
    "it breaks off": lambda text: text[:-100],
    "more behind it": lambda text: text + b"{}",
}


def converted(source: Path, target: Path, to: str, format: str) -> tuple[bytes, bytes, dict[str, Any]]:
    """What is written, what is rejected, and what is told."""
    summary = convert_dataset(source, target, to=to, format=format, on_error="quarantine", overwrite=True)
    apart = target.with_name(target.name + ".rejected.jsonl")
    told = summary.to_dict() | {"quarantine": None}
    return target.read_bytes(), apart.read_bytes() if apart.exists() else b"", told


def one_by_one(*of: Any) -> tuple[bytes, bytes, dict[str, Any]]:
    """The same in the long way, without parts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Recaster, "quick", lambda self: None)
        patch.setattr(transcribing, "PART", 1 << 30)
        return converted(*of)


def test_a_part_that_is_too_large_is_read_in_blocks(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["mmcheck.readers.undecoded"], "_MOST", 1)
    source, target = folder / "in" / "s.json", folder / "out" / "t.jsonl"
    source.write_bytes(SPELT["wide.json"](mixed(300)))
    made = converted(source, target, "data-juicer", "llava")
    assert made == one_by_one(source, target, "data-juicer", "llava")
    monkeypatch.setattr(Recaster, "at_once", None)  # it is not even tried
    assert converted(source, target, "data-juicer", "llava") == made


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", SPELT)
def test_parts_at_once_are_as_records_one_by_one(name: str, fault: str, folder: Path) -> None:
    text = FAULTS[fault](SPELT[name](awkward()))
    source = folder / "in" / name
    source.write_bytes(text)
    there = folder / "out" / "there.jsonl"
    made = converted(source, there, "data-juicer", "llava")
    assert made == one_by_one(source, there, "data-juicer", "llava")
    assert made[2]["paths"]["moved"] > 20 or fault != "none"
    for back in ("back.json", "back.jsonl"):
        again = (there, folder / "out" / back, "llava", "data-juicer")
        assert converted(*again) == one_by_one(*again)


def test_most_parts_are_converted_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = folder / "in" / "s.json"
    source.write_bytes(SPELT["wide.json"](mixed(300)))
    monkeypatch.setattr(Recaster, "__call__", None)
    assert converted(source, folder / "out" / "t.jsonl", "data-juicer", "llava")[2]["written"] == 300
    monkeypatch.setattr(Recaster, "_slow", None)  # the one odd turn came back as it was, in the quick way
    with pytest.raises(TypeError):
        converted(source, folder / "out" / "t.jsonl", "data-juicer", "llava")


def _carried(change: Change) -> Change:
    return lambda record: change(record["meta"]["mmcheck"])


def _template(change: Change) -> Change:
    return lambda record: change(record["meta"]["mmcheck"]["record"])


#: What the quick way there might lose.
THERE: dict[str, Change] = {
    "where media were": _carried(lambda carried: carried.pop("moved", None)),
    "where moved media are": _carried(
        lambda carried: carried.update(moved=dict.fromkeys(carried.get("moved", ()), ""))
    ),
    "a digest": _carried(lambda carried: carried.update(digest="0" * 16)),
    "where texts are": _carried(lambda carried: carried["cut"].pop()),
    "key order": _template(lambda template: template.update(id=template.pop("id"))),
    "unknown keys": _template(lambda template: template.pop("model", None)),
    "types of ids": lambda record: record.update(id=str(record["id"])),
    "edge whitespace": lambda record: record.update(text=record["text"].strip(" \n") + "\u00a0"),
    "media": lambda record: record["images"].clear(),
}
#: And the quick way back.
BACK: dict[str, Change] = {
    "where media were": lambda record: "image" in record and record.update(image="out/" + record["image"]),
    "types of ids": lambda record: record.update(id=str(record["id"])),
    "key order": lambda record: record.update(id=record.pop("id")),
    "empty strings": lambda record: record.get("model", 0) or record.pop("model", None),
    "edge whitespace": lambda record: [turn.update(value=turn["value"].strip()) for turn in record["conversations"]],
    "who speaks": lambda record: record["conversations"][0].update({"from": "user"}),
    "the last turn": lambda record: record["conversations"].pop(),
    "media": lambda record: record.pop("image", None),
}


def _lossy(quick: Quick | None, loss: Change) -> Quick | None:
    if quick is None:
        return None
    take = quick.record

    def record(value: dict[str, Any]) -> dict[str, Any] | None:
        made = take(value)
        if made is None:
            return None
        plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(made))
        loss(plain)
        return plain

    return replace(quick, record=record)


def _noticed(folder: Path) -> bool:
    """Whether the way at once differs from the long one, in the records there or in those that came back."""
    source, there, back = folder / "in" / "s.json", folder / "out" / "t.jsonl", folder / "out" / "b.json"
    records = mixed(300)
    records[1]["conversations"][-1]["value"] += " "
    source.write_text(json.dumps(records))
    made = converted(source, there, "data-juicer", "llava")
    if made != one_by_one(source, there, "data-juicer", "llava"):
        return True
    return converted(there, back, "llava", "data-juicer")[0] != b"[\n%s\n]\n" % b",\n".join(
        json.dumps(each, separators=(",", ":"), ensure_ascii=False).encode() for each in records
    )


def test_nothing_is_lost_at_once(folder: Path) -> None:
    assert not _noticed(folder)


@pytest.mark.parametrize("loss", THERE)
def test_a_loss_on_the_quick_way_there_is_noticed(loss: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lossy(options: Options, place: Any = None) -> Quick | None:
        return _lossy(llava_to_hub(options, place), THERE[loss])

    monkeypatch.setattr(recasting, "llava_to_hub", lossy)
    assert _noticed(folder)


@pytest.mark.parametrize("loss", BACK)
def test_a_loss_on_the_quick_way_back_is_noticed(loss: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recasting, "hub_to_llava", lambda options: _lossy(hub_to_llava(options), BACK[loss]))
    assert _noticed(folder)


def test_a_digest_that_says_nothing_is_noticed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ways, "blake2b", lambda text, digest_size: hashlib.blake2b(b"", digest_size=digest_size))
    assert _noticed(folder)


@pytest.mark.parametrize(
    ("source", "target", "jobs", "count"),
    [
        ("s.json", "t.jsonl", 2, 2),
        ("s.json", "folder", 3, 3),
        (".", "t.json", 2, 2),
        ("s.json", "t.jsonl", 1, 0),
        ("s.json", "t.parquet", 2, 0),
        ("small.json", "t.jsonl", 2, 0),
        ("none.json", "t.jsonl", 2, 0),
    ],
)
def test_processes_start_early_where_they_will_be_needed(
    source: str, target: str, jobs: int, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "CONVERSION_WORTH", 100)
    started = 0

    def ready(serve: str, children: int) -> None:
        nonlocal started
        assert serve == SERVE
        started += children

    monkeypatch.setattr(ahead, "ready", ready)
    (tmp_path / "s.json").write_bytes(b"[]" + b" " * 100)
    (tmp_path / "small.json").write_bytes(b"[]")
    ahead.start_conversion(tmp_path / source, tmp_path / target, jobs)
    assert started == count
