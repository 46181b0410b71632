"""What two datasets have apart: the table of the Data-Juicer document, classes, and what is passed over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from upstream import from_hub, mixed, to_hub

from mmcheck.converting import convert_dataset
from mmcheck.diffing import diff
from mmcheck.errors import RequestError

COUNT = 10_000
STEPS = ("key-order", "ids", "whitespace", "missing-keys", "turn-keys")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mixed") / "source.json"
    path.write_text(json.dumps(mixed(COUNT)), "utf-8")
    return path


def test_the_upstream_round_trip_gives_the_documents_table(source: Path) -> None:
    records = json.loads(source.read_text("utf-8"))
    back = source.with_name("upstream.json")
    back.write_text(json.dumps([from_hub(to_hub(record)) for record in records]), "utf-8")
    table = [diff(source, back, normalize=STEPS[: number + 1]).different for number in range(len(STEPS))]
    ids = sum(isinstance(record["id"], int) for record in records)
    edges = sum(any(t["value"] != t["value"].strip() for t in record["conversations"]) for record in records)
    model = sum("model" in record for record in records)
    found = diff(source, back, normalize=["key-order"])
    assert found.classes == {"id type": ids, "whitespace": edges, "missing key": model, "extra turn keys": 1}
    # 17 % differ, 6.2 % after the ids, 6.1 % after white space, one after `model`: the document's 113,501 of 665,298
    assert [round(100 * each / COUNT, 1) for each in table[:3]] == pytest.approx([17, 6.2, 6.1], abs=0.8)
    assert table[3:] == [1, 0]
    assert diff(source, back).classes["key order"] > 0.8 * COUNT


def test_the_round_trip_of_mmcheck_has_no_difference(source: Path, tmp_path: Path) -> None:
    there, back = tmp_path / "there.jsonl", tmp_path / "back.json"
    convert_dataset(source, there, to="data-juicer")
    convert_dataset(there, back, to="llava")
    found = diff(source, back)
    assert (found.same, found.exit_code) == (COUNT, 0)
    one, other = (json.loads(path.read_text("utf-8")) for path in (source, back))
    assert json.dumps(one) == json.dumps(other)


def test_media_are_compared_by_content_and_order(tmp_path: Path) -> None:
    for side, (first, second) in {"one": (b"a", b"b"), "other": (b"a", b"c")}.items():
        folder = tmp_path / side
        folder.mkdir()
        (folder / "a.jpg").write_bytes(first)
        (folder / "b.jpg").write_bytes(second)
    talk = [{"from": "human", "value": "<image><image>"}, {"from": "gpt", "value": "x"}]
    for side, images in {
        "one": [["a.jpg", "b.jpg"], ["a.jpg", "b.jpg"]],
        "other": [["b.jpg", "a.jpg"], ["a.jpg", "b.jpg"]],
    }.items():
        records = [{"id": str(number), "image": each, "conversations": talk} for number, each in enumerate(images)]
        (tmp_path / side / "x.json").write_text(json.dumps(records), "utf-8")
    found = diff(tmp_path / "one" / "x.json", tmp_path / "other" / "x.json", format="llava")
    assert found.classes == {"media order": 1, "media bytes": 1}
    assert diff(tmp_path / "one" / "x.json", tmp_path / "other" / "x.json", format="llava", media=False).different == 1


def test_a_path_from_another_folder_is_the_same_medium(tmp_path: Path) -> None:
    talk = [{"from": "human", "value": "<image>"}, {"from": "gpt", "value": "x"}]
    for folder, image in (("one", "a.jpg"), ("other", "../one/a.jpg")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.json").write_text(json.dumps([{"id": "1", "image": image, "conversations": talk}]))
    (tmp_path / "one" / "a.jpg").write_bytes(b"a")
    one, other = (tmp_path / folder / "x.json" for folder in ("one", "other"))
    assert diff(one, other, format="llava").classes == {"media path": 1}
    assert diff(one, other, format="llava", normalize=["media-paths"]).exit_code == 0
    assert diff(one, other, format="llava", media=False).classes == {"value": 1}


def test_a_misspelt_class_is_refused(source: Path) -> None:
    with pytest.raises(RequestError, match="did you mean 'whitespace'"):
        diff(source, source, normalize=["white-space"])
