"""Files that are not what they should be: one clear fault each, with what to do."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from test_readers_json import all_of, only_fault, put

from mmcheck.errors import OpenError
from mmcheck.readers import container, facts, read


@pytest.mark.parametrize(
    ("name", "data", "code", "words"),
    [
        ("a.json", b"", "MM003", "0 bytes"),
        ("a.jsonl", b" \n\r\n\n", "MM003", "blank lines"),
        ("a.csv", b"\xef\xbb\xbf", "MM003", "byte order mark"),
        ("a.json", b"[]", "MM003", "no record"),
        ("a.json", b" { } ", "MM003", "no record"),
        ("a.jsonl", b"[\n]\n", "MM003", "no record"),
        ("a.yaml", b"# nothing\n", "MM003", "no YAML document"),
        ("a.csv", b"a,b\n", "MM003", "no row"),
        ("a.parquet", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "MM003", "LFS pointer"),
        ("a.json", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "MM003", "LFS pointer"),
        ("a.json", b"\x89PNG\r\n\x1a\n" + bytes(50), "MM003", "a PNG image"),
        ("a.jsonl", b"<!DOCTYPE html><html>", "MM003", "a web page"),
        ("a.parquet", b"<html><body>404", "MM003", "a web page"),
        ("a.parquet", b'{"a": 1}\n', "MM003", "not Parquet"),
        ("a.arrow", b'{"a": 1}\n', "MM003", "text"),
        ("a.json", b"PAR1" + bytes(20), "MM003", "Parquet"),
        ("a.jsonl", bytes(4_096), "MM003", "zero bytes"),
        ("a.csv", b'{"a": 1}\n{"a": 2}\n', "MM003", "JSON"),
        ("a.json", gzip.compress(b"[1]", mtime=0), "MM003", "gzip"),
        ("a.json.gz", b"[1]", "MM003", "not compressed"),
        ("a.jsonl.gz", gzip.compress(b"", mtime=0), "MM003", "empty once decompressed"),
        ("a.bin", bytes(range(256)) * 4, "MM003", "binary data"),
        ("a.txt", b"hello", "MM003", "no container"),
        ("a.json", '{"a": 1}'.encode("utf-16"), "MM002", "UTF-16LE"),
        ("a.jsonl", '{"a": 1}\n{"a": 2}\n'.encode("utf-16-be"), "MM002", "UTF-16BE"),
        ("a.json", '{"a": 1}'.encode("utf-32"), "MM002", "UTF-32LE"),
    ],
)
def test_a_file_that_is_no_data(tmp_path: Path, name: str, data: bytes, code: str, words: str) -> None:
    fault = only_fault(put(tmp_path / name, data))
    assert fault.code == code
    assert words in fault.message
    assert fault.row is None
    assert fault.hint


@pytest.mark.parametrize(
    ("line", "words", "hint"),
    [
        ('{"a": 1,}', "column 8: a trailing comma|column 9: a trailing comma", "remove the comma"),
        ("{'a': 1}", "column 2: single quotes", "json.dumps"),
        ('{"a": NaN}', "column 7: NaN is not JSON", "null"),
        ('{"é": [1, -Infinity]}', "column 11: -Infinity is not JSON", "null"),
        ('{"a": True}', "the Python literal True", "json.dumps"),
        ('{"a": None}', "the Python literal None", "json.dumps"),
        ('{"a": 1} // why', "a comment", "no comments"),
        ('{"a": /* why */ 1}', "a comment", "no comments"),
        ("{a: 1}", "the key a is not in quotes", "double quotes"),
        ('{"a": b}', "the word b is not in quotes", "double quotes"),
        ('{"a": 1}{"a": 2}', "a second value", "line break"),
        ('{"a": 1},', "a comma after the record", "remove"),
        ('{"a": "x', "breaks off", "cut off"),
        ('{"a": [1, 2', "breaks off", "cut off"),
        ('{"a": "x\ty"}', "control character (0x09)", "\\t"),
        ('{"a": "C:\\dir"}', "the escape", "backslash"),
        ('{"a": "\\ud83d"}', "lone surrogate", "emoji"),
        ('{"a": 1e999}', "out of range", "string"),
        ('{"a": 01}', "column 7|column 8", ""),
        ('{"a": "x\0"}', "a NUL byte", "written"),
        ('{"a": 1}\0\0\0', "NUL bytes", "written"),
        ('{"a" 1}', "'1' where|a missing colon", ""),
        ('{"a": 1 "b": 2}', "a missing comma", "comma"),
        ('{"a": [1}', "closes what", "bracket"),
        ("<p>", "markup", "fetch"),
        ('{"a":' * 5_000, "nested|breaks off", ""),
    ],
)
def test_a_line_that_is_not_json_is_diagnosed(tmp_path: Path, line: str, words: str, hint: str) -> None:
    found = all_of(put(tmp_path / "a.jsonl", '{"fine": 1}\n' + line + '\n{"fine": 2}\n'))
    assert found.rows == [0, 2]
    (fault,) = found.faults
    assert (fault.code, fault.row, fault.line) == ("MM002", 1, 2)
    assert any(word in fault.message for word in words.split("|")), fault
    assert "line 2, column" in fault.message
    assert hint in (fault.hint or ""), fault
    assert len(fault.value or "") <= 90


def test_pretty_printed_json_behind_a_lines_name(tmp_path: Path) -> None:
    objects = put(tmp_path / "a.jsonl", '{\n  "a": 1\n}\n{\n  "a": 2\n}\n')
    faults = all_of(objects).faults
    assert len(faults) == 6
    assert all("pretty-printed" in (fault.hint or "") for fault in faults)
    array = put(tmp_path / "b.jsonl", '[\n  {"a": 1},\n  {"a": 2}\n]\n')
    assert all_of(array).values == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("a.jsonl", '[{"a": 1}, {"a": 2}]', "json"),
        ("a.jsonl", '[{"role": "user"}]\n[{"role": "user"}]\n', "jsonl"),
        ("a.jsonl", "[1]\n", "jsonl"),
        ("a.json", '{"a": 1}\n{"a": 2}\n', "jsonl"),
        ("a.json", '{"a": 1}\n', "json"),
        ("a.json", '[{"a": 1},\n{"a": 2}]\n', "json"),
        ("a.json", '{"a": 1,}\n{"a": 2}\n', "jsonl"),
        ("a", '{"a": 1}\n{"a": 2}\n', "jsonl"),
        ("a.YML", "a: 1", "yaml"),
        ("a.tsv", "a\tb\n1\t2\n", "csv"),
    ],
)
def test_content_comes_before_the_name(tmp_path: Path, name: str, text: str, kind: str) -> None:
    assert container(put(tmp_path / name, text)).name == kind


def test_what_cannot_be_opened_is_an_exception(tmp_path: Path) -> None:
    with pytest.raises(OpenError, match="does not exist"):
        list(read(tmp_path / "missing.json"))
    with pytest.raises(OpenError, match="is a directory"):
        container(tmp_path)
    locked = put(tmp_path / "locked.json", "[1]")
    locked.chmod(0)
    if os.access(locked, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(OpenError, match="permission"):
        facts(locked)


def test_lines_have_no_members(tmp_path: Path) -> None:
    fault = only_fault(put(tmp_path / "a.jsonl", '{"data": []}\n{"data": []}\n'), "/data")
    assert fault.code == "MM001"


def test_bombs_are_streamed(tmp_path: Path) -> None:
    import tracemalloc

    path = put(tmp_path / "a.jsonl.gz", gzip.compress(b'{"a": 1}\n' * 1_000_000, mtime=0))
    tracemalloc.start()
    batches = read(path)
    assert sum(len(next(batches).rows) for _ in range(3)) == 30_000
    assert tracemalloc.get_traced_memory()[1] < 200 << 20
    tracemalloc.stop()
