"""Sound records apart from unsound ones, and repaired copies: nothing is lost, the source is never modified."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mmcheck.checking import check
from mmcheck.errors import RequestError
from mmcheck.fixing import fix
from mmcheck.repairs import REPAIRS, Bench
from mmcheck.splitting import split

DATASETS = Path(__file__).parent / "datasets"
GOOD: dict[str, Any] = {"id": 1, "conversations": [{"from": "human", "value": " a "}, {"from": "gpt", "value": "b"}]}
BAD = {"id": 2, "conversations": "x"}


def lines(path: Path) -> list[Any]:
    """The records of a JSONL file."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_each_record_goes_to_one_side_with_its_findings(tmp_path: Path) -> None:
    source = tmp_path / "a.jsonl"
    source.write_text(f"{json.dumps(GOOD)}\n{json.dumps(BAD)}\n{{broken\n{json.dumps(GOOD)}\n")
    clean, rejected = tmp_path / "clean.jsonl", tmp_path / "rejected.jsonl"
    parted = split(source, clean, rejected, format="llava", probe="none")
    assert (parted.read, parted.clean, parted.rejected, parted.unreadable) == (4, 2, 2, 1)
    assert (lines(clean), lines(rejected)) == ([GOOD, GOOD], [BAD])
    notes = lines(Path(parted.findings))
    assert [(note["row"], note["rejected_row"], note["findings"][0]["rule"]) for note in notes] == [
        (1, 0, "MM001"), (2, None, "MM002"),
    ]  # fmt: skip
    assert check(clean, format="llava", probe="none").verdict == "pass"
    with pytest.raises(RequestError, match="exists already"):
        split(source, clean, rejected, format="llava")
    with pytest.raises(RequestError, match="is what is being read"):
        split(source, source, tmp_path / "r.jsonl", format="llava", overwrite=True)


def test_a_folder_becomes_a_folder_without_files_that_hold_no_record(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "train.jsonl").write_text(json.dumps(GOOD) + "\n")
    parted = split(tmp_path / "one", tmp_path / "c", tmp_path / "r", format="llava", probe="none")
    assert lines(tmp_path / "c" / "train.jsonl") == [GOOD] and parted.rejected == 0
    assert list((tmp_path / "r").iterdir()) == []
    odd = {**GOOD, "conversations": [*GOOD["conversations"], {"from": "human", "value": 5}]}
    (tmp_path / "one" / "val.jsonl").write_text(json.dumps(odd) + "\n")
    split(tmp_path / "one", tmp_path / "c", tmp_path / "r", format="llava", probe="none", overwrite=True)
    assert [each.name for side in "cr" for each in (tmp_path / side).iterdir()] == ["train.jsonl", "val.jsonl"]
    assert fix(tmp_path / "one", tmp_path / "f.jsonl", format="llava", probe="none", dry_run=True).changed == 0
    (tmp_path / "one" / "val.jsonl").write_text("")
    with pytest.raises(RequestError, match=r"0 bytes\)$"):
        fix(tmp_path / "one", tmp_path / "f", format="llava", probe="none")


@pytest.mark.parametrize("name", ["planted-dataset-dict", "planted-arrow-directory", "planted-parquet"])
def test_tables_are_split_with_their_media(name: str, tmp_path: Path) -> None:
    source = DATASETS / "multimeditron" / "bad" / name
    source = source / "data" if (source / "data").is_dir() else next(source.glob("*.parquet"))
    clean = tmp_path / ("clean" + source.suffix)
    parted = split(source, clean, tmp_path / ("rejected" + source.suffix))
    assert parted.read == parted.clean + parted.rejected and parted.rejected and parted.clean
    assert check(clean).totals.errors == 0


def test_safe_repairs_run_and_unsafe_ones_wait(tmp_path: Path) -> None:
    source = tmp_path / "a.json"
    source.write_text(json.dumps([GOOD]))
    before = source.read_bytes()
    dry = fix(source, None, format="llava", unsafe=True)
    assert dry.changed == 1 and '-   "value": " a "\n+   "value": "a"' in dry.diffs[0] and dry.left is None
    waiting = fix(source, tmp_path / "b.json", format="llava")
    assert waiting.changed == 0 and waiting.unsafe == {"MM060": 1}
    fixed = fix(source, tmp_path / "c.json", format="llava", unsafe=True)
    assert fixed.by_rule == {"MM060": 1} and fixed.left is not None and fixed.left.verdict == "pass"
    assert json.loads((tmp_path / "c.json").read_text())[0]["conversations"][0]["value"] == "a"
    assert source.read_bytes() == before


def test_a_bare_image_id_becomes_a_list(tmp_path: Path) -> None:
    source = tmp_path / "LA_instructions.json"
    data = {"LA_INS_1": {"instruction": "What?", "answer": "A", "image_ids": "LA_IMG_1", "rel_ins_ids": []}}
    source.write_text(json.dumps({"meta": {"version": "1"}, "data": data}))
    fixed = fix(source, tmp_path / "b.json", format="mimic-it", select=["MI033", "MM001"])
    assert fixed.by_rule == {"MI033": 1}
    made = json.loads((tmp_path / "b.json").read_text())
    assert made == {"meta": {"version": "1"}, "data": {"LA_INS_1": {**data["LA_INS_1"], "image_ids": ["LA_IMG_1"]}}}


def test_an_expression_of_the_users_own_repairs(tmp_path: Path) -> None:
    rules = tmp_path / "ours.yaml"
    stanza = """{code: PX001, name: shouting, severity: warning, table: turns, expression: LOWER(text) = text,
  message: shouts, value: text, fix: {text: LOWER(text), safe: true}, good: [{text: a}], bad: [{text: A}]}"""
    rules.write_text(f"rules:\n- {stanza}\n")
    source = tmp_path / "a.jsonl"
    source.write_text(json.dumps({**GOOD, "conversations": [{"from": "human", "value": "HEY"}]}) + "\n")
    fixed = fix(source, tmp_path / "b.jsonl", format="llava", rules=[rules])
    assert fixed.by_rule == {"PX001": 1}
    assert lines(tmp_path / "b.jsonl")[0]["conversations"][0]["value"] == "hey"
    rules.write_text(f"rules:\n- {stanza.replace('LOWER(text), safe', 'role, safe')}\n")
    with pytest.raises(RequestError, match="reads another column: role"):
        fix(source, None, format="llava", rules=[rules])


def _wrong_suffix(tmp_path: Path) -> Path:
    """A LLaVA file with a PNG behind `.jpg`, twice, and a sound one."""
    folder = tmp_path / "source"
    (folder / "img").mkdir(parents=True)
    picture = next(each for each in sorted(DATASETS.rglob("*.png")) if each.read_bytes()[-8:-4] == b"IEND")
    for name in ("img/a.jpg", "img/b.png"):
        (folder / name).write_bytes(picture.read_bytes())
    turns = [{"from": "human", "value": "<image>\nq"}, {"from": "gpt", "value": "a"}]
    images = ["img/a.jpg", "img/b.png", ["img/b.png", "img/a.jpg"]]
    texts = []
    for number, image in enumerate(images):
        turn = {**turns[0], "value": "<image>" * (2 if isinstance(image, list) else 1)}
        texts.append(json.dumps({"id": number, "image": image, "conversations": [turn, turns[1]], "x": 1.50}))
    # written by hand: what is not repaired stays as it is, byte for byte
    (folder / "a.json").write_text("[" + ",\n  ".join(texts).replace("1.5}", "1.50}") + "]")
    return folder / "a.json"


@pytest.mark.parametrize("other", [False, True])
def test_a_medium_gets_the_suffix_of_what_it_is(other: bool, tmp_path: Path) -> None:
    source = _wrong_suffix(tmp_path)
    before = {path: path.read_bytes() for path in source.parent.rglob("*") if path.is_file()}
    assert [each.failed for each in check(source).rules if each.code == "MM023"] == [2]
    target = (tmp_path if other else source.parent) / "fixed.json"
    fixed = fix(source, target)
    assert fixed.by_rule == {"MM023": 2} and fixed.left is not None
    assert [each.failed for each in fixed.left.rules if each.code in ("MM023", "MM020")] == [0, 0]
    made = json.loads(target.read_text())
    assert made[0]["image"] == "fixed_media/img/a.png" and (target.parent / made[0]["image"]).is_file()
    prefix = "source/" if other else ""
    assert made[2]["image"] == [prefix + "img/b.png", "fixed_media/img/a.png"]
    assert ("1.50}" in target.read_text()) is not other
    assert all(path.read_bytes() == data for path, data in before.items())
    dry = fix(source, target, dry_run=True)
    assert dry.changed == 2 and '+ "image": "fixed_media/img/a.png"' in dry.diffs[0] and dry.left is None


def test_a_split_into_another_folder_keeps_its_media_and_its_bytes(tmp_path: Path) -> None:
    source = _wrong_suffix(tmp_path)
    (tmp_path / "out").mkdir()
    here, there = source.parent / "clean.json", tmp_path / "out" / "clean.json"
    for clean in (here, there):
        split(source, clean, clean.with_name("rejected.json"), fail_on="warning")
        report = check(clean)
        assert (report.totals.records, report.totals.errors, report.totals.warnings) == (1, 0, 0)
    assert here.read_text().strip("[]\n") in source.read_text()
    assert json.loads(there.read_text())[0]["image"] == "../source/img/b.png"


def test_a_record_with_a_doubled_key_is_not_repaired_nor_lost(tmp_path: Path) -> None:
    source = tmp_path / "a.jsonl"
    line = '{"id":1,"id":2,"conversations":[{"from":"human","value":" a "},{"from":"gpt","value":"b"}]}'
    source.write_text(f"{line}\n{json.dumps(GOOD)}\n")
    fixed = fix(source, tmp_path / "b.jsonl", format="llava", unsafe=True)
    assert (fixed.doubled, fixed.changed) == (1, 1)
    assert (tmp_path / "b.jsonl").read_text().splitlines()[0] == line
    split(source, tmp_path / "c.jsonl", tmp_path / "r.jsonl", format="llava")
    assert (tmp_path / "c.jsonl").read_text() == source.read_text()


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("canonical-base64", "data:image/png;base64,iVBOR-_", "iVBOR+/="),
        ("canonical-base64", "b'iVBO\n'", "iVBO"),
        ("canonical-base64", "not base64!", "not base64!"),
        ("list-of-one", "a", ["a"]),
        ("relative-paths", {"image": "/data/x/a.jpg"}, {"image": "x/a.jpg"}),
        ("relative-paths", {"video": ["/other/b.mp4"]}, {"video": ["/other/b.mp4"]}),
        (
            "prepend-placeholders",
            {"image": ["a", "b"], "conversations": [{"from": "human", "value": "x"}]},
            {"image": ["a", "b"], "conversations": [{"from": "human", "value": "<image>\n<image>\nx"}]},
        ),
    ],
)  # fmt: skip
def test_repairs(name: str, before: Any, after: Any) -> None:
    assert REPAIRS[name].change(before, Bench(Path("/data"), Path("/data/x.json"))) == after
