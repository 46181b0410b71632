"""The benchmarks run: their data come from the seed, a whole small run writes its table and plots. No times."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from benchmarks import __main__ as command
from benchmarks import images, records, session, table
from benchmarks.data import Data
from benchmarks.groups import Case, Group, shown
from benchmarks.measure import run
from benchmarks.size import SIZES, Size
from benchmarks.targets import judge

QUICK = Size("quick", 5, (5,), 2, 2, 2, 1, 1, rounds=3, slow=60, most=60)


def test_records_come_from_the_seed() -> None:
    first, again = [*records.lines(300)], [*records.lines(300)]
    assert first == again
    assert [*records.lines(100, first=200)] == first[200:]
    texts = [turn["value"] for line in first for turn in json.loads(line)["conversations"]]
    assert len(set(texts)) == len(texts) == 1200
    assert 600 < sum(map(len, first)) / len(first) < 760


def test_images_come_from_the_seed_and_differ() -> None:
    made = [images.jpeg(number) for number in range(8)]
    assert made == [images.jpeg(number) for number in range(8)]
    assert len(set(made)) == 8
    for data in made:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            assert image.size in images.SIZES


@pytest.mark.parametrize("kind", images.DAMAGE)
def test_damage_comes_from_the_seed(kind: str) -> None:
    made = [images.damaged(number, kind) for number in range(4)]
    assert made == [images.damaged(number, kind) for number in range(4)]
    assert all(data != images.jpeg(2_000_000 + number) for number, (data, _) in enumerate(made))


def test_what_is_visible() -> None:
    whole = images.jpeg(3)
    assert not images.visibly(whole, whole)
    # bytes behind the end of the picture
    assert not images.visibly(whole, whole + b"junk")
    assert images.visibly(whole, whole[: len(whole) // 2])
    assert images.visibly(whole, b"<html>")
    assert images.visibly(whole, images.jpeg(4))


def test_sound_images_are_of_all_kinds() -> None:
    modes = set()
    for number in range(len(images.WRITERS)):
        with Image.open(io.BytesIO(images.sound(number))) as image:
            image.load()
            modes.add((image.mode, bool(image.info.get("progressive"))))
    assert {("RGB", False), ("RGB", True), ("L", False), ("CMYK", False)} <= modes


def test_both_formats_hold_the_same_texts(tmp_path: Path) -> None:
    records.write_records(tmp_path / "train.jsonl", 20, "{}.jpg")
    records.write_tao(tmp_path, 20, "{}.jpg", ".")
    llava = [json.loads(line) for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    said = [turn["value"].removeprefix("<image>\n") for record in llava for turn in record["conversations"]]
    items = json.loads((tmp_path / "annotations.json").read_text())["items"]
    assert said == [text for item in items for text in (item["question"], item["answer"])]
    assert [item["image_id"] for item in items[::2]] == [record["image"] for record in llava]


def test_data_are_made_once_and_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = Data(tmp_path, QUICK)

    def breaks(path: Path, count: int) -> None:
        path.write_text("half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(records, "write_records", breaks)
        with pytest.raises(KeyboardInterrupt):
            data.text(5)
    path = data.text(5)
    assert len(path.read_text().splitlines()) == 5
    before = path.stat().st_mtime_ns
    assert data.text(5).stat().st_mtime_ns == before


def python(name: str, code: str, wanted: dict[str, Any] | None = None, **more: Any) -> Case:
    return Case(name, name, [sys.executable, "-c", code], lambda _, out: json.loads(out), wanted or {}, 10, **more)


def test_cases_take_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = []
    monkeypatch.setattr(session, "_say", ran.append)
    group = Group("g", "G", "", "records", "a", [python("a", "print('{}')"), python("b", "print('{}')")])
    rows = session._group(group, QUICK, Data(tmp_path, QUICK), tmp_path)["rows"]
    assert [told.split(": ")[1].split(",")[0] for told in ran] == ["a", "b"] * 4
    assert [len(row["walls"]) for row in rows] == [3, 3]
    assert rows[0]["ratio"] == 1
    assert rows[1]["ratio"] == rows[1]["wall"] / rows[0]["wall"]
    assert not any(row["once"] for row in rows)


def test_what_goes_wrong_is_a_row_with_the_reason(tmp_path: Path) -> None:
    size = Size("quick", 5, (5,), 2, 2, 2, 1, 1, rounds=1, slow=60, most=5)
    cases = [
        python("sound", "print('{\"records\": 7}')", {"records": 7}),
        python("raises", "raise SystemExit('no such thing')"),
        python("sees less", "print('{\"records\": 6}')", {"records": 7}),
        python("babbles", "print('no JSON')"),
        python("never ends", "import time; time.sleep(1000)"),
        Case("absent", "absent", [str(tmp_path / "absent")], lambda _, out: {}, {}, 1),
    ]
    group = Group("g", "G", "", "records", "sound", cases, {"other": "is not installed"})
    told = session._group(group, size, Data(tmp_path, size), tmp_path)
    reasons = {row["name"]: row["reason"] for row in told["rows"]}
    assert reasons.pop("sound") == ""
    for name, word in {
        "raises": "no such thing",
        "sees less": "saw {'records': 6} and not {'records': 7}",
        "babbles": "cannot be told",
        "never ends": "stopped after",
        "absent": "cannot be started",
        "other": "is not installed",
    }.items():
        assert word in reasons[name]
    page = "\n".join(table._group(told))
    assert all(reason in page for reason in reasons.values())
    assert not session.failed({"groups": [told]})
    ours = session._group(
        Group("g", "G", "", "", "", [python("x", "1/0", ours=True)]), size, Data(tmp_path, size), tmp_path
    )
    assert session.failed({"groups": [ours]})


def test_memory_is_that_of_all_processes() -> None:
    hold = "held = bytearray(60_000_000); held[::4096] = b'x' * len(held[::4096]); import time; time.sleep(0.5)"
    alone = run([sys.executable, "-c", hold], most=60, memory=True)
    two = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}], check=True)"
    both = run([sys.executable, "-c", f"{hold}; {two}"], most=60, memory=True)
    if alone.memory is None:
        pytest.skip("this system has no /proc/*/smaps_rollup")
    assert both.code == 0
    assert 60 < alone.memory < 110
    assert both.memory is not None
    assert 120 < both.memory < 200


def test_commands_are_shown_without_folders(tmp_path: Path) -> None:
    data = Data(tmp_path / "data", QUICK)
    words = [sys.executable, "-m", "mmcheck", "check", str(data.folder / "a b.jsonl"), "-o", f"json={tmp_path}/r.json"]
    assert shown(words, data, tmp_path) == "mmcheck check 'a b.jsonl' -o json=r.json"
    rival = [sys.executable, "-m", "benchmarks.rivals", "json_loads", str(data.folder / "a")]
    assert shown(rival, data, tmp_path) == "python -m benchmarks.rivals json_loads a"


def test_targets_know_better_from_worse() -> None:
    def results(loop: float, ours: float) -> dict[str, Any]:
        rows = [{"key": "json_loads", "wall": loop, "reason": ""}]
        rows += [{"key": f"mmcheck-{jobs}", "wall": ours * jobs, "reason": ""} for jobs in (1, 2)]
        return {"groups": [{"key": "text", "rows": rows}]}

    faster, slower = judge(results(2, 1))[0], judge(results(1, 2))[0]
    assert (faster["value"], faster["met"]) == (0.5, True)
    assert (slower["value"], slower["met"]) == (2, False)
    assert all(target["met"] is None and target["reason"] for target in judge({"groups": []}))


def test_a_whole_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for needed in ("datasets", "jsonschema", "matplotlib", "pandera"):
        pytest.importorskip(needed, reason=f"{needed} is not installed (extra bench)")
    given = ["--size", "tiny", "--data", str(tmp_path / "data"), "--results", str(tmp_path / "out")]
    assert command.main(given) == 0, capsys.readouterr().err
    results = json.loads((tmp_path / "out" / "latest.json").read_text(encoding="utf-8"))
    text = (tmp_path / "out" / "latest.md").read_text(encoding="utf-8")
    told = [(row["name"], row["reason"]) for group in results["groups"] for row in group["rows"] if row["reason"]]
    assert {name for name, _ in told} <= {"`tao-daft validate`", "**mmcheck**, second run with a cache"}, told
    for group in results["groups"]:
        assert f"## {group['title']}\n" in text
        assert any(row["ours"] for row in group["rows"])
        assert all(row["name"] in text for row in group["rows"])
    assert str(tmp_path) not in text
    sound = [row["kinds"]["sound"] for row in results["detection"]["rows"]]
    assert sound == [0] * 4
    assert results["detection"]["rows"][-1]["kinds"]["truncated"] == SIZES["tiny"].damaged_a_kind
    for name in table.PLOTS:
        assert (tmp_path / "out" / name).read_text(encoding="utf-8").rstrip().endswith("</svg>")

    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n", encoding="utf-8")
    assert command.main(["readme", "--results", str(tmp_path / "out"), "--readme", str(readme)]) == 0
    written = readme.read_text(encoding="utf-8")
    assert written.startswith(f"before\n{table.BEGIN}\n")
    assert written.endswith(f"{table.END}\nafter\n")
    assert "old" not in written
    assert "make bench SIZE=tiny" in written


def test_wrong_requests_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, message in (
        (["--only", "text,medea"], "no group is called medea"),
        (["readme", "--results", str(tmp_path)], "make bench"),
    ):
        with pytest.raises(SystemExit) as ended:
            command.main(words)
        assert ended.value.code == 2
        assert message in capsys.readouterr().err
    with pytest.raises(ValueError, match="bench:begin"):
        (tmp_path / "README.md").write_text("nothing")
        table.write_section(tmp_path / "README.md", {"groups": []})


def test_a_busy_machine_is_told() -> None:
    def about(cpu: float) -> str:
        rows = [{"key": "json_loads", "wall": 2.0, "cpu": cpu, "reason": ""}]
        machine = {"python": "3", "cores": 2, "cpu": "x", "memory": "y", "system": "z", "load": [1]}
        versions = {"mmcheck-datasets": "0"}
        told = {"size": "tiny", "rounds": 1, "only": [], "date": "d", "machine": machine, "versions": versions}
        return "\n".join(table._about({**told, "load": [1], "groups": [{"key": "text", "rows": rows}]}))

    assert "had 50% of one" in about(1.0)
    assert "busy" not in about(1.95)
