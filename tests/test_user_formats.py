"""Formats of the user's own: two data files and no Python, by a folder or from an installed package."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import mmcheck
from mmcheck.cli import run
from mmcheck.errors import RequestError
from mmcheck.format import names

# A document with a header, whose media paths start where the header says; exactly one of two media fields an item.
CLIPS_RULES = """\
format: clips
version: 1
title: captioned clips with a header
docs: One JSON document with a header and its items.
placeholders: {}
roles:
  samples:
    files: ["*.json"]
    at: /items
    media_root: "@header.header.media_root"
    detect:
      keys: [caption]
      like: {type: object, required: [caption], anyOf: [{required: [still]}, {required: [clip]}]}
    tables:
      samples: {columns: {id: id, made_by: "@header.header.tool"}}
      turns: {each: caption, scalar: true, columns: {role: "'caption'", text: .}}
      media:
        - {each: still, scalar: true, kind: image, columns: {source: .}}
        - {each: clip, scalar: true, kind: video, columns: {source: .}}
severity: {MM041: off}
rules:
  - code: CL001
    name: caption-too-short
    severity: warning
    table: turns
    expression: LENGTH(text) > 3
    message: "{text} says little"
    docs: A caption of a word is a label.
    good: [{text: a red disc}]
    bad: [{text: a}]
"""
CLIPS_SCHEMA = {
    "description": "One item.",
    "type": "object",
    "required": ["id", "caption"],
    "properties": {"id": {"type": "string"}, "caption": {"type": "string"}},
    "oneOf": [
        {"required": ["still"], "properties": {"still": {"type": "string"}}},
        {"required": ["clip"], "properties": {"clip": {"type": "string"}}},
    ],
}
# An index that names one JSON file a sample.
SHELVES_RULES = """\
format: shelves
version: 1
title: an index and a file a sample
roles:
  index:
    files: ["index.json"]
    document: true
    schema: "#/$defs/index"
    detect:
      keys: [shelf, samples]
      like: {type: object, required: [shelf, samples]}
    tables:
      entries: {each: "samples[]", columns: {name: .}}
  samples:
    files: ["*.json"]
    document: true
    schema: "#/$defs/sample"
    named_by: [{path: "samples[].file", role: index}]
    tables:
      samples: {columns: {id: id}}
      turns: {each: says, columns: {role: who, text: what}}
      slots: {in: turns.text}
      media: {each: pictures, kind: image, columns: {source: .}}
placeholders: {"[picture]": image}
severity: {MM041: off}
rules:
  - code: SH001
    name: shelf-empty
    severity: warning
    table: entries
    expression: name IS NOT NULL
    docs: An entry of the index without a file.
    good: [{name: a}]
    bad: [{}]
"""
SHELVES_SCHEMA = {
    "description": "An index, and a sample.",
    "$defs": {
        "index": {"type": "object", "required": ["shelf", "samples"]},
        "sample": {"type": "object", "required": ["id", "says"]},
    },
}


def two_files(folder: Path, name: str, rules: str, schema: Any) -> None:
    for kind, suffix, text in (("rules", "yaml", rules), ("schemas", "json", json.dumps(schema))):
        (folder / kind / name).mkdir(parents=True, exist_ok=True)
        (folder / kind / name / f"1.{suffix}").write_text(text)


@pytest.fixture
def formats(tmp_path: Path) -> Path:
    folder = tmp_path / "formats"
    two_files(folder, "clips", CLIPS_RULES, CLIPS_SCHEMA)
    two_files(folder, "shelves", SHELVES_RULES, SHELVES_SCHEMA)
    return folder


def write_clips(folder: Path, items: list[Any]) -> Path:
    (folder / "stills" / "day").mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (16, 16)).save(folder / "stills" / "day" / "a.png")
    path = folder / "clips.json"
    path.write_text(json.dumps({"header": {"media_root": "stills/day", "tool": "x"}, "items": items}))
    return path


def test_fix_split_and_diff_know_the_users_formats_and_configuration(
    tmp_path: Path, formats: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [{"id": "1", "caption": "a red disc ", "still": "a.png"}, {"id": "2", "caption": "b", "still": "a.png"}]
    path, known = write_clips(tmp_path / "data", items), ["--format-path", str(formats)]
    fixed, clean, rejected = (str(tmp_path / "data" / name) for name in ("fixed.json", "clean.json", "rejected.json"))
    assert run(["fix", str(path), "--output", fixed, "--unsafe", *known]) == 0
    assert json.loads(Path(fixed).read_text())["items"][0]["caption"] == "a red disc"
    assert run(["diff", str(path), fixed, *known]) == 1
    # the configuration: formats of one's own, and a warning that counts as an error
    (tmp_path / "mmcheck.yaml").write_text("formats: [formats]\nseverity: {CL001: error}\n")
    monkeypatch.chdir(tmp_path)
    assert run(["split", str(path), "--clean", clean, "--rejected", rejected]) == 1
    assert [item["id"] for item in json.loads(Path(rejected).read_text())["items"]] == ["2"]
    assert run(["diff", str(path), fixed]) == 1


def test_a_conversion_that_checks_asks_what_is_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record = {"id": "1", "conversations": [{"from": "human", "value": " q"}, {"from": "gpt", "value": "a"}]}
    (tmp_path / "a.json").write_text(json.dumps([record]))
    monkeypatch.chdir(tmp_path)
    words = ["convert", "a.json", "b.jsonl", "--to", "data-juicer", "--check"]
    (tmp_path / "mmcheck.yaml").write_text("severity: {MM060: error}\n")
    assert run(words) == 1 and "MM060" in capsys.readouterr().err
    (tmp_path / "mmcheck.yaml").write_text("ignore: [MM060]\n")
    assert run(words) == 0


def test_media_start_where_the_header_says(tmp_path: Path, formats: Path) -> None:
    item = {"id": "1", "caption": "a red disc", "still": "a.png"}
    path = write_clips(tmp_path / "data", [item])
    report = mmcheck.check(path, format_path=[formats])
    assert (report.format, report.verdict, report.findings) == ("clips", "pass", [])
    both, neither = item | {"clip": "b.mp4"}, {"id": "2", "caption": "none"}
    absent, away = item | {"still": "b.png"}, item | {"still": "../../../../../../../../../etc/passwd"}
    report = mmcheck.check(write_clips(tmp_path / "data", [item, both, neither, absent, away]), format_path=[formats])
    found = [(each.rule, each.row) for each in report.findings if each.severity == "error"]
    assert found == [("MM001", 1), ("MM001", 2), ("MM020", 3), ("MM026", 4)]


def test_a_header_leads_out_of_nothing(tmp_path: Path, formats: Path) -> None:
    path = write_clips(tmp_path / "data", [{"id": "1", "caption": "a red disc", "still": "passwd"}])
    path.write_text(path.read_text().replace("stills/day", "/etc"))
    report = mmcheck.check(path, format_path=[formats])
    assert {each.rule for each in report.findings} <= {"MM026", "MM020"} and report.verdict == "fail"


def test_an_index_names_a_file_a_sample(tmp_path: Path, formats: Path) -> None:
    data = tmp_path / "data"
    (data / "s").mkdir(parents=True)
    Image.new("RGB", (16, 16)).save(data / "a.png")
    for number in range(3):
        sample = {"id": f"s{number}", "says": [{"who": "a", "what": "[picture] What?"}], "pictures": ["../a.png"]}
        (data / "s" / f"{number}.json").write_text(json.dumps(sample))
    entries = [{"file": f"s/{number}.json"} for number in range(3)]
    (data / "index.json").write_text(json.dumps({"shelf": "one", "samples": entries}))
    report = mmcheck.check(data, format_path=[formats])
    assert (report.format, report.verdict, report.totals.records, report.totals.media) == ("shelves", "pass", 3, 3)
    (data / "s" / "1.json").write_text(json.dumps({"id": "s1", "says": [{"who": "a", "what": "[picture]"}]}))
    (data / "s" / "2.json").unlink()
    report = mmcheck.check(data, format_path=[formats])
    found = {(each.rule, each.file) for each in report.findings if each.severity == "error"}
    assert found == {("MM010", "s/1.json"), ("MM004", "index.json")}


def test_every_command_knows_them(tmp_path: Path, formats: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = write_clips(tmp_path / "data", [{"id": "1", "caption": "a red disc", "still": "a.png"}])
    more = ["--format-path", str(formats)]
    for arguments, told in [
        (["detect", str(path)], "clips@1"),
        (["formats"], "captioned clips"),
        (["formats", "clips"], "captioned clips"),
        (["schema", "clips"], '"oneOf"'),
        (["tables", "clips"], "made_by"),
        (["rules", "--format", "clips"], "CL001"),
        (["explain", "CL001"], "caption-too-short"),
        (["test", str(formats / "rules" / "clips" / "1.yaml")], "all behave"),
        (["check", str(path)], "PASS"),
    ]:
        assert run([*arguments, *([] if arguments[0] == "test" else more)]) == 0
        assert told in capfd.readouterr().out
    assert run(["formats", "clips"]) == 2


def test_rules_may_be_for_a_format_of_ones_own(tmp_path: Path, formats: Path) -> None:
    path = write_clips(tmp_path / "data", [{"id": "1", "caption": "a red disc", "still": "a.png"}])
    ours = tmp_path / "ours.yaml"
    ours.write_text(
        "applies_to: [clips]\nrules:\n"
        "  - {code: PX001, name: no-tool, severity: error, table: samples, expression: made_by <> 'x'}\n"
    )
    assert [each.rule for each in mmcheck.check(path, format_path=[formats], rules=[ours]).findings] == ["PX001"]
    assert run(["test", str(ours), "--format-path", str(formats)]) == 0


MISTAKES = {
    CLIPS_RULES.replace("detect:", "detekt:"): (11, "did you mean 'detect'"),
    CLIPS_RULES.replace("scalar: true, kind: image", "scaler: true, kind: image"): (18, "did you mean 'scalar'"),
    CLIPS_RULES.replace("LENGTH(text)", "LENGTH(txt)"): (22, "did you mean 'text'"),
    CLIPS_RULES.replace('"@header.header.media_root"', "header.media_root"): (10, "@header.NAME"),
}


@pytest.mark.parametrize(("text", "expected"), MISTAKES.items(), ids=range(len(MISTAKES)))
def test_a_mistake_is_told_with_its_line(tmp_path: Path, formats: Path, text: str, expected: tuple[int, str]) -> None:
    path = write_clips(tmp_path / "data", [{"id": "1", "caption": "a red disc", "still": "a.png"}])
    rules = formats / "rules" / "clips" / "1.yaml"
    rules.write_text(text)
    with pytest.raises(RequestError) as refused:
        mmcheck.check(path, format="clips", format_path=[formats])
    assert f"{rules}:{expected[0]}: " in str(refused.value)
    assert expected[1] in str(refused.value)


def test_an_installed_package_brings_formats(tmp_path: Path, formats: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the entry point group mmcheck.formats; no code of the package is run."""
    site = tmp_path / "site"
    package = site / "ourformats"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    two_files(package, "clips", CLIPS_RULES, CLIPS_SCHEMA)
    info = site / "ourformats-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ourformats\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[mmcheck.formats]\nours = ourformats\n")
    assert "clips" not in names()
    monkeypatch.setattr(sys, "path", [*sys.path, str(site)])
    from mmcheck.format import installed

    installed.cache_clear()
    try:
        assert "clips" in names()
        path = write_clips(tmp_path / "data", [{"id": "1", "caption": "a red disc", "still": "a.png"}])
        assert mmcheck.check(path).format == "clips"
    finally:
        installed.cache_clear()
