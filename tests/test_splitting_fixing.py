"""Sound records apart from unsound ones, and repaired copies: nothing is lost, the source is never modified."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mmcheck.checking import check
from mmcheck.errors import RequestError
from mmcheck.fixing import fix
from mmcheck.repairs import REPAIRS
from mmcheck.splitting import split

DATASETS = Path(__file__).parent / "datasets"
GOOD = {"id": 1, "conversations": [{"from": "human", "value": " a "}, {"from": "gpt", "value": "b"}]}
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
    assert REPAIRS[name].change(before, "/data") == after
