"""YAML documents: values, what the file spells, duplicate keys, and what would exhaust memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_readers_json import all_of, only_fault, put

from mmcheck.readers import head


def test_values_and_what_the_file_spells(tmp_path: Path) -> None:
    text = """
IMAGE_TEXT:
  LA:
    mimicit_path: LA_instructions.json
    num_samples: 010
    "quoted/key": "010"
    other: [1:30, true, 1e4, 20,000, 2024-01-02, ~]
"""
    found = all_of(put(tmp_path / "a.yaml", text))
    (value,) = found.values
    entry = value["IMAGE_TEXT"]["LA"]
    assert entry == {
        "mimicit_path": "LA_instructions.json",
        "num_samples": 8,
        "quoted/key": "010",
        "other": [90, True, "1e4", 20, 0, "2024-01-02", None],
    }
    texts = (found.texts or [])[0]
    assert texts["/IMAGE_TEXT/LA/num_samples"] == "010"
    assert texts["/IMAGE_TEXT/LA/other/0"] == "1:30"
    assert texts["/IMAGE_TEXT/LA/other/1"] == "true"
    assert "/IMAGE_TEXT/LA/quoted~1key" not in texts
    assert found.rows == [0]
    assert found.lines == [2]


def test_a_document_is_a_record(tmp_path: Path) -> None:
    found = all_of(put(tmp_path / "a.yaml", "a: 1\n---\na: 2\n"))
    assert found.values == [{"a": 1}, {"a": 2}]
    assert head(tmp_path / "a.yaml") == found.values


def test_anchors_and_merges(tmp_path: Path) -> None:
    found = all_of(put(tmp_path / "a.yaml", "x: &x {a: 1, b: 2}\ny:\n  <<: *x\n  b: 3\nz: *x\n"))
    assert found.values == [{"x": {"a": 1, "b": 2}, "y": {"a": 1, "b": 3}, "z": {"a": 1, "b": 2}}]
    assert not found.faults


def test_duplicate_keys_are_named_with_their_lines(tmp_path: Path) -> None:
    found = all_of(put(tmp_path / "a.yaml", "G:\n  LA: {a: 1}\n  B: 2\n  LA: {a: 3}\n"))
    (fault,) = found.faults
    assert (fault.code, fault.line, fault.pointer, fault.value) == ("MM002", 4, "/G/LA", "LA")
    assert "'LA' at line 4 stands already at line 2" in fault.message
    assert found.values == [{"G": {"LA": {"a": 3}, "B": 2}}]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: [1, 2\nc: 3\n", 3, "not YAML"),
        ("a: 1\n\tb: 2\n", 2, ""),
        ("a: !!python/object:os.system x\n", 1, "tag"),
        ("a: !thing {b: 1}\n", 1, "tag"),
        ("a: &a [*a]\n", 1, "holds itself"),
        ("? [1, 2]\n: 3\n", 1, "a key that is itself"),
        ("a: 2024-13-45\n", 1, "not readable"),
        ("[" * 5_000, 1, "nested too deeply"),
        ("a: *missing\n", 1, "undefined alias"),
        ("a: \x01\n", 1, ""),
        ("a: b: c\n", 1, ""),
    ],
)
def test_what_is_not_readable(tmp_path: Path, text: str, line: int, words: str) -> None:
    fault = only_fault(put(tmp_path / "a.yaml", text))
    assert fault.code == "MM002"
    assert fault.line == line
    assert words in fault.message


def test_alias_bombs_are_bounded(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    fault = only_fault(put(tmp_path / "a.yaml", "\n".join(lines)))
    assert "too many values" in fault.message


def test_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    fault = only_fault(put(tmp_path / "a.yaml", b"a: 1\nb: caf\xe9\n"))
    assert (fault.code, fault.line) == ("MM002", 2)
