"""A dataset from the internet is not to be trusted: each test attacks, and mmcheck says what it met and goes on."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import socket
import struct
import threading
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from PIL import Image

import mmcheck
from mmcheck.cli import run
from mmcheck.errors import MmcheckError, OpenError, RequestError
from mmcheck.limits import Limits
from mmcheck.readers import arrow, parquet, read
from mmcheck.readers.diagnose import too_deep
from mmcheck.readers.page_sizes import page_sizes
from mmcheck.report import Report
from mmcheck.reporters import KINDS, render
from mmcheck.schema import Judge

ESCAPES = "\x1b]0;pwned\x07\x1b[2J\x9b31m\u202e\r\n[red]x[/red][link=file:///]"
FORMULA = '=HYPERLINK("http://127.0.0.1","x")'


def record(number: int = 0, **other: Any) -> dict[str, Any]:
    turns = [{"from": "human", "value": "<image>\nWhat is it?"}, {"from": "gpt", "value": f"Picture {number}."}]
    return {"id": f"r{number}", "image": "a.jpg", "conversations": turns} | other


GOOD = [json.dumps(record(number)).encode() for number in range(2)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A dataset three folders below a secret, which no allowed root holds."""
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    root = tmp_path / "1" / "2" / "3" / "4" / "data"
    root.mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(root / "a.jpg")
    return root


def lines(folder: Path, *raw: bytes, name: str = "train.jsonl") -> Path:
    (folder / name).write_bytes(b"\n".join(raw) + b"\n")
    return folder / name


def media(folder: Path, *references: str) -> Path:
    return lines(folder, *(json.dumps(record(n, image=each)).encode() for n, each in enumerate(references)))


def codes(report: Report) -> list[tuple[str, int | None]]:
    return [(each.rule, each.row) for each in report.findings if each.severity == "error"]


def in_time(seconds: float, function: Callable[[], Any]) -> Any:
    """What `function` returns or raises; a failure where it hangs, on a FIFO for example."""
    outcome: list[Any] = []

    def work() -> None:
        try:
            outcome.append(function())
        except MmcheckError as error:
            outcome.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    assert outcome, f"no answer in {seconds} s"
    return outcome[0]


# ── paths ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.threat("paths, links and names that lead out of the dataset", "escapes")
def test_paths_that_lead_out_are_never_touched(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (folder / "out").symlink_to(tmp_path)
    (folder / "loop.jpg").symlink_to("loop.jpg")
    out = ["../../../../../secret.jpg", "link.jpg", "out/secret.jpg", "a/../../../../../../secret.jpg"]
    touched: list[str] = []
    for name in ("open", "stat"):
        original = getattr(os, name)

        def spy(path: Any, *more: Any, original: Any = original, **options: Any) -> Any:
            touched.append(os.path.realpath(path) if isinstance(path, str | Path) else "")
            return original(path, *more, **options)

        monkeypatch.setattr(os, name, spy)
    report = mmcheck.check(media(folder, *out, str(tmp_path / "secret.jpg"), "loop.jpg"))
    assert codes(report) == [*(("MM026", row) for row in range(len(out))), ("MM020", 5)]
    assert next(each for each in report.findings if each.rule == "MM028").count == 1
    assert str(tmp_path / "secret.jpg") not in touched


@pytest.mark.threat("what is no file: pipes, sockets, devices, folders", "hangs")
def test_what_is_no_file_is_not_opened_as_a_medium(folder: Path) -> None:
    os.mkfifo(folder / "fifo")
    (folder / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(folder)  # the path of a socket is short
        listener.bind("socket")
        path = media(folder, "fifo", "folder", "socket", "/dev/zero", "/dev/stdin")
        report = in_time(10, lambda: mmcheck.check(path))
    assert codes(report) == [("MM021", 0), ("MM021", 1), ("MM021", 2)]


@pytest.mark.threat("what is no file: pipes, sockets, devices, folders", "hangs")
@pytest.mark.parametrize("given", ["fifo", "/dev/zero", "folder/train.jsonl", "folder"])
def test_what_is_no_file_is_not_opened_as_a_dataset(folder: Path, given: str) -> None:
    os.mkfifo(folder / "fifo")
    (folder / "folder").mkdir()
    os.mkfifo(folder / "folder" / "train.jsonl")
    found = in_time(10, lambda: mmcheck.check(folder / given, format="llava"))
    if given == "folder":
        assert [each.rule for each in found.findings] == ["MM004"]
    else:
        assert isinstance(found, OpenError)


@pytest.mark.threat("paths, links and names that lead out of the dataset", "escapes")
def test_a_data_file_that_is_a_link_out_is_not_read(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.jsonl").write_text('{"token": "hunter2"\n')
    (folder / "leak.jsonl").symlink_to(tmp_path / "secret.jsonl")
    lines(folder, *GOOD)
    report = mmcheck.check(folder, format="llava")
    assert [(each.rule, each.file) for each in report.findings] == [("MM004", "leak.jsonl")]
    assert "hunter2" not in json.dumps(report.to_dict())
    # What the user names is read, wherever it leads.
    assert "hunter2" in json.dumps(mmcheck.check(folder / "leak.jsonl", format="llava").to_dict())


@pytest.mark.threat("references to the network", "escapes")
def test_nothing_is_fetched(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no(*_: Any, **__: Any) -> Any:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", no)
    monkeypatch.setattr(socket, "getaddrinfo", no)
    urls = ["file:///etc/passwd", "http://127.0.0.1:9/x.jpg", "s3://bucket/x.jpg", "data:image/png;base64,AA=="]
    report = mmcheck.check(media(folder, *urls))
    assert [(each.rule, each.count) for each in report.findings] == [("MM028", len(urls))]
    odd = ["concat:a.jpg|b.jpg", "subfile,,start,0,end,0,,:/etc/passwd", "pipe:0", "~/x.jpg", "$HOME/x.jpg"]
    assert {each.rule for each in mmcheck.check(media(folder, "a.jpg", *odd)).findings} == {"MM020"}


@pytest.mark.threat("paths, links and names that lead out of the dataset", "escapes")
@pytest.mark.parametrize(
    "names", [["/etc/passwd"], ["../../x.arrow"], ["a\0b"], [{"x": 1}], "x", None, ["x" * 5000], [["data.arrow"]]]
)
def test_a_hostile_state_json(folder: Path, names: Any) -> None:
    shards = [{"filename": name} for name in names] if isinstance(names, list) else names
    (folder / "state.json").write_text(json.dumps({"_data_files": shards, "_split": {"a": 1}}))
    report = mmcheck.check(folder, format="multimeditron")
    assert {each.rule for each in report.findings} <= {"MM003", "MM004"} and report.findings


@pytest.mark.threat("paths, links and names that lead out of the dataset", "escapes")
@pytest.mark.parametrize("splits", [["../../.."], ["/etc"], [{"a": 1}], {"a": 1}, 3, ["x" * 5000], ["a\0b"]])
def test_a_hostile_dataset_dict_json(folder: Path, splits: Any) -> None:
    (folder / "dataset_dict.json").write_text(json.dumps({"splits": splits}))
    report = mmcheck.check(folder, format="multimeditron")
    assert {each.rule for each in report.findings} <= {"MM003", "MM004"} and report.findings


# ── text ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

_RAW = GOOD[0].replace(b"r0", b"r9")


@pytest.mark.threat("hostile JSON: nesting, NUL, surrogates, encodings, numbers, keys", "hangs", "lost findings")
@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b'{"id":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "MM002"),
        (b'{"id":' * 100_000 + b"1" + b"}" * 100_000, "MM002"),
        (b'{"id":' + b"[ " * 900 + b" ]" * 900 + b"}", "MM002"),
        (b'{"id":' + b"[" * 300 + b"1" + b",1]" * 300 + b"}", "MM002"),
        (b"[" * 100_000, "MM002"),
        (_RAW.replace(b"r9", b"a\0b"), "MM002"),
        (_RAW.replace(b"r9", b"\\ud800"), "MM002"),
        (_RAW.replace(b"r9", b"\xed\xa0\x80"), "MM002"),
        (_RAW.replace(b"r9", b"\xc0\xaf"), "MM002"),
        (_RAW.replace(b'"r9"', b"NaN"), "MM002"),
        (_RAW.replace(b'"r9"', b"-Infinity"), "MM002"),
        (_RAW.replace(b'"r9"', b"1e999"), "MM002"),
        (_RAW.replace(b'"r9"', b"1" + b"0" * 5_000), "MM002"),
        (_RAW.replace(b'"r9"', b"1" + b"0" * 200), None),
        (_RAW.replace(b"r9", b"a\\u0000b"), None),
        (_RAW.replace(b"r9", FORMULA.replace('"', '\\"').encode()), None),
    ],
    ids=lambda value: str(value)[:24],
)
def test_a_hostile_record_hides_no_other(folder: Path, line: bytes, code: str | None) -> None:
    last = json.dumps(record(3, image="absent.jpg")).encode()
    report = mmcheck.check(lines(folder, GOOD[0], line, last), format="llava")
    assert codes(report) == [*([(code, 1)] if code else []), ("MM020", 2)]
    assert report.totals.records == 3
    array = folder / "train.json"
    if code is None or b"[" not in line[:2]:
        array.write_bytes(b"[" + GOOD[0] + b",\n" + line + b"]")
        assert mmcheck.check(array, format="llava").exit_code() == (1 if code else 0)


@pytest.mark.threat("hostile JSON: nesting, NUL, surrogates, encodings, numbers, keys", "hangs", "lost findings")
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32", "utf-32-le"])
def test_other_encodings_are_named(folder: Path, encoding: str) -> None:
    text = "".join(each.decode() + "\n" for each in GOOD * 3)
    report = mmcheck.check(lines(folder, text.encode(encoding)), format="llava")
    assert [each.rule for each in report.findings] in (["MM002"], ["MM003"])


@pytest.mark.threat("hostile JSON: nesting, NUL, surrogates, encodings, numbers, keys", "hangs", "lost findings")
def test_of_duplicate_keys_the_one_counts_that_loaders_keep(folder: Path) -> None:
    twice = GOOD[0][:-1] + b', "image": "../../../../../../../../etc/passwd"}'
    assert codes(mmcheck.check(lines(folder, twice))) == [("MM026", 0)]


@pytest.mark.threat("hostile JSON: nesting, NUL, surrogates, encodings, numbers, keys", "hangs", "lost findings")
@pytest.mark.parametrize("name", ["train.jsonl", "train.json"])
def test_objects_with_very_many_keys(folder: Path, name: str) -> None:
    keys = b",".join(b'"k%d":1' % number for number in range(200_000))
    path = lines(folder, GOOD[0][:-1] + b"," + keys + b"}", b"{" + keys + b"}", name="train.jsonl")
    if name == "train.json":
        path = lines(folder, b"{" + keys + b"}", name=name)
    report = in_time(20, lambda: mmcheck.check(path, format="llava", probe="none"))
    assert report.exit_code() == 1
    assert all(len(each.message) < 2_000 for each in report.findings)


@pytest.mark.threat("hostile JSON: nesting, NUL, surrogates, encodings, numbers, keys", "hangs", "lost findings")
def test_nothing_takes_more_than_linear_time_on_open_strings() -> None:
    text = b'"' + b'\\"' * 500_000 + b"]" * 24
    assert in_time(2, lambda: [too_deep(text)]) == [None]


@pytest.mark.threat("hostile JSON: nesting, NUL, surrogates, encodings, numbers, keys", "hangs", "lost findings")
def test_a_long_line_is_one_finding(folder: Path) -> None:
    path = lines(folder, GOOD[0], b'{"id": "' + b"x" * 9_000 + b'"}', GOOD[1])
    assert codes(mmcheck.check(path, params={"max_line_bytes": 5_000})) == [("MM002", 1)]
    path = lines(folder, b"[" + GOOD[0] + b', {"id": "' + b"x" * 9_000 + b'"}]', name="train.json")
    assert codes(mmcheck.check(path, params={"max_line_bytes": "5000"}, format="llava")) == [("MM002", 1)]


LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)


@pytest.mark.threat("hostile YAML: billion laughs, nesting, tags", "hangs")
@pytest.mark.parametrize(
    "text",
    [
        LAUGHS, "[" * 100_000, "- " * 100_000, "{a: " * 100_000, "a: &a [*a]\n",
        "a: !!python/object/apply:os.system [x]\n",
        "a: " + "9" * 10_000 + "\n", "a: &a {<<: *a}\n", "a0: &a0 {x: 1}\n" + "".join(
            f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}], k{n}: 1}}\n" for n in range(1, 40)
        ), "a: [" + "1, " * 300_000 + "1]", 'a: "\\ud800"', "a: \x1b[31m",
    ],
    ids=lambda text: text[:16],
)  # fmt: skip
def test_hostile_yaml_as_data_and_as_rules(folder: Path, text: str) -> None:
    path = folder / "train.yaml"
    path.write_text(text)
    [fault] = [fault for batch in read(path) for fault in batch.faults]
    assert fault.code == "MM002"
    good = lines(folder, *GOOD)
    with pytest.raises(RequestError, match=r"train\.yaml"):
        mmcheck.check(good, rules=[path])


# ── bombs ────────────────────────────────────────────────────────────────────────────────────────────────────────────

_ZEROS = zlib.compress(bytes(8 << 20), 9)


def chunk(tag: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data))


def png(width: int, height: int, data: bytes, *more: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def gif(frames: int) -> bytes:
    out = io.BytesIO()
    first, *rest = [Image.new("L", (1, 1), 255 * (number % 2)) for number in range(frames)]
    first.save(out, "GIF", save_all=True, append_images=rest, duration=10)
    return out.getvalue()


@pytest.mark.threat("bombs among media: pixels, frames, compressed text, archives", "hangs")
def test_image_bombs(folder: Path) -> None:
    still = zlib.compress(bytes(4))
    bombs = {
        "pixels.png": png(60_000, 60_000, still),
        "text.png": png(1, 1, still, chunk(b"zTXt", b"k\0\0" + _ZEROS)),
        "profile.png": png(1, 1, still, chunk(b"iCCP", b"k\0\0" + _ZEROS)),
        "frames.gif": gif(30),
        "pixels.bmp": b"BM" + struct.pack("<IHHIIiiHHIIiiII", 9, 0, 0, 54, 40, 10**5, 10**5, 1, 24, 0, 0, 0, 0, 0, 0),
    }
    for name, data in bombs.items():
        (folder / name).write_bytes(data)
    report = mmcheck.check(media(folder, *bombs), params={"max_frames": 20})
    assert codes(report) == [("MM022", row) for row in range(len(bombs))]
    assert codes(mmcheck.check(media(folder, "a.jpg"), params={"max_pixels": 63})) == [("MM022", 0)]
    slow = mmcheck.check(media(folder, "frames.gif"), params={"max_media_seconds": 1e-9})
    assert codes(slow) == [("MM022", 0)]


@pytest.mark.threat("bombs among media: pixels, frames, compressed text, archives", "hangs")
def test_archives_in_place_of_images(folder: Path) -> None:
    with zipfile.ZipFile(folder / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", bytes(32 << 20))
    (folder / "v.nii.gz").write_bytes(gzip.compress(struct.pack("<i", 348) + bytes(32 << 20), mtime=0))
    assert codes(mmcheck.check(media(folder, "a.npz", "v.nii.gz"))) == [("MM021", 0), ("MM021", 1)]


@pytest.mark.threat("decompression bombs: gzip, zstd, pages of Parquet, buffers of Arrow", "hangs")
def test_compressed_text_bombs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmcheck.readers.source.DENSE", 1 << 20)
    bomb = GOOD[0] + b"\n" + b" " * (24 << 20)
    for name, packed in {"a.jsonl.gz": gzip.compress(bomb, mtime=0), "a.jsonl.zst": zstandard.compress(bomb)}.items():
        (folder / name).write_bytes(packed)
        report = mmcheck.check(folder / name, format="llava")
        assert "unfolds to more than 200 times its size" in report.findings[0].message
        assert report.findings[0].rule == "MM002" and report.exit_code() == 1
    total = mmcheck.check(folder / "a.jsonl.gz", format="llava", params={"max_decoded_bytes": 1000})
    assert "more than 1,000 bytes" in total.findings[0].message


_LETTERS = "x" * (96 << 20)


def page_bomb(path: Path, codec: str) -> None:
    """96 MB in one page of a few kB."""
    table = pa.table({"id": ["1"], "conversations": [_LETTERS]})
    pq.write_table(table, path, compression=codec, use_dictionary=False)


def buffer_bomb(path: Path, opens: Any) -> None:
    table = pa.table({"id": ["1"], "conversations": [_LETTERS]})
    packed = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.OSFile(str(path), "wb") as out, opens(out, table.schema, options=packed) as to:
        to.write_table(table)


def null_bomb(path: Path, opens: Any) -> None:
    """Two billion rows of nothing."""
    batch = pa.record_batch([pa.nulls(2 * 10**9)], ["id"])
    with pa.OSFile(str(path), "wb") as out, opens(out, batch.schema) as to:
        to.write_batch(batch)


def repeated_bomb(path: Path) -> None:
    """A value of 4 MB that a dictionary says 1,000 times over."""
    words, indices = pa.array(["x" * (4 << 20)]), pa.array([0] * 1_000, pa.int32())
    table = pa.table({"id": pa.array(range(1_000)), "conversations": pa.DictionaryArray.from_arrays(indices, words)})
    pq.write_table(table, path, compression="zstd", store_schema=False, dictionary_pagesize_limit=64 << 20)


BOMBS: dict[str, Callable[[Path], None]] = {
    "zstd.parquet": lambda path: page_bomb(path, "zstd"),
    "gzip.parquet": lambda path: page_bomb(path, "gzip"),
    "again.parquet": repeated_bomb,
    "file.arrow": lambda path: buffer_bomb(path, pa.ipc.new_file),
    "stream.arrow": lambda path: buffer_bomb(path, pa.ipc.new_stream),
    "nulls.arrow": lambda path: null_bomb(path, pa.ipc.new_stream),
}


@pytest.mark.threat("decompression bombs: gzip, zstd, pages of Parquet, buffers of Arrow", "hangs")
@pytest.mark.parametrize("name", BOMBS)
def test_columnar_bombs(folder: Path, name: str) -> None:
    path = folder / name
    BOMBS[name](path)
    assert path.stat().st_size < 200_000
    faults = [fault for batch in in_time(60, lambda: list(read(path))) for fault in batch.faults]
    assert [fault.code for fault in faults] == ["MM002"] and "unfolds to more than" in faults[0].message


@pytest.mark.threat("decompression bombs: gzip, zstd, pages of Parquet, buffers of Arrow")
@pytest.mark.parametrize("name", ["zstd.parquet", "gzip.parquet", "file.arrow", "stream.arrow"])
def test_columnar_bombs_are_seen_before_they_unfold(folder: Path, name: str) -> None:
    BOMBS[name](folder / name)
    reader = parquet if name.endswith(".parquet") else arrow
    counted, own = pa.proxy_memory_pool(pa.default_memory_pool()), pa.default_memory_pool()
    pa.set_memory_pool(counted)
    try:
        [batch] = reader.read(folder / name)
    finally:
        pa.set_memory_pool(own)
    assert [fault.code for fault in batch.faults] == ["MM002"]
    assert (counted.max_memory() or 0) < 32 << 20


@pytest.mark.threat("decompression bombs: gzip, zstd, pages of Parquet, buffers of Arrow", "hangs")
def test_a_footer_that_lies_hides_no_bomb(folder: Path) -> None:
    """The pages' own headers are counted, not the sums of the footer."""
    page_bomb(folder / "a.parquet", "zstd")
    with parquet.opened(folder / "a.parquet") as file, open(folder / "a.parquet", "rb") as stored:
        column = file.metadata.row_group(0).column(1)
        assert sum(page_sizes(stored, column)) >= len(_LETTERS)


def test_a_parquet_file_that_nests_deeply_or_holds_bytes_where_text_belongs(folder: Path) -> None:
    kind: pa.DataType = pa.int64()
    value: Any = 1
    for _ in range(25):
        kind, value = pa.list_(kind), [value]
    pq.write_table(pa.table({"id": pa.array([value], kind), "conversations": [b"\xff\xfe"]}), folder / "t.parquet")
    assert {code for code, _ in codes(mmcheck.check(folder / "t.parquet", format="llava"))} <= {"MM001", "MM002"}


# ── schemas and rules ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.threat("schemas with patterns that take forever", "hangs")
@pytest.mark.parametrize("pattern", ["^(a+)+$", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$", "(a|aa)+$"])
def test_a_schema_pattern_takes_no_exponential_time(pattern: str) -> None:
    judge = Judge({"type": "string", "pattern": pattern})
    assert in_time(5, lambda: [judge.is_valid("a" * 60 + "!")]) == [False]


@pytest.mark.threat("schemas with patterns that take forever", "hangs")
@pytest.mark.parametrize(
    "pattern", ["(?=(a+))*b", r"(a*)*\1b", "((((a{9}){99}){99}){99}){99}", "("], ids=["look", "back", "large", "open"]
)
def test_a_schema_pattern_beyond_a_linear_engine_is_refused_or_gives_up(pattern: str) -> None:
    def judged() -> Any:
        judge = Judge({"type": "string", "pattern": pattern})
        return [judge.holds("a" * 60), len(judge.faults("a" * 60, 0, 1)) < 2]

    in_time(5, judged)


_GIVES_UP = {"pattern": r"(a*)*\1b"}
_HIT = "a" * 60


@pytest.mark.threat("schemas with patterns that take forever", "hangs", "lost findings")
@pytest.mark.parametrize(
    ("schema", "record"),
    [
        (_GIVES_UP, _HIT),
        ({"not": _GIVES_UP}, _HIT),
        ({"anyOf": [_GIVES_UP, {"type": "null"}]}, _HIT),
        ({"oneOf": [_GIVES_UP, {"type": "string"}]}, _HIT),
        ({"if": _GIVES_UP, "then": {"minLength": 1}, "else": False}, _HIT),
        ({"not": {"contains": _GIVES_UP}}, [_HIT]),
        ({"patternProperties": {_GIVES_UP["pattern"]: False}}, {_HIT: 1}),
        ({"not": {"propertyNames": _GIVES_UP}}, {_HIT: 1}),
    ],
)
def test_what_a_pattern_gave_up_never_passes(schema: dict[str, Any], record: Any) -> None:
    judge = Judge(schema)
    assert judge.valid([record]) == [False]
    [fault] = judge.faults(record, 0, 1)
    assert fault.code == "MM002" and "not judged" in fault.message and "max_pattern_steps" in (fault.hint or "")


@pytest.mark.threat("schemas with patterns that take forever", "hangs", "lost findings")
def test_a_pattern_takes_fewer_steps_where_each_runs_through_more_text() -> None:
    schema = {"properties": {"text": {"allOf": [{"pattern": "^(?!.*http)"}, {"pattern": r"(\w+) \1\b"}]}}}
    short = {"text": "one two " * 200}
    long = short | {"more": "x" * 10_000_000}
    assert [fault.code for fault in Judge(schema).faults(short, 0, 1)] == ["MM001"]
    assert [fault.code for fault in Judge(schema).faults(long, 0, 1)] == ["MM002"]
    patient = Judge(schema, limits=Limits(max_pattern_steps=100_000_000))
    assert [fault.code for fault in patient.faults(long, 0, 1)] == ["MM001"]
    assert Judge(schema).valid([long | {"text": "no no"}]) == [True], "what takes few steps is judged at any length"


@pytest.mark.threat("schemas with patterns that take forever", "hangs", "lost findings")
def test_records_that_a_pattern_gives_up_are_findings_and_the_next_is_judged(folder: Path) -> None:
    for name in ("rules", "schemas"):
        (folder / "formats" / name / "hard").mkdir(parents=True)
    rules = "format: hard\nroles: {samples: {files: ['*.jsonl'], tables: {samples: {columns: {id: id}}}}}\n"
    (folder / "formats/rules/hard/1.yaml").write_text(rules)
    schema = {"type": "object", "properties": {"id": _GIVES_UP}}
    (folder / "formats/schemas/hard/1.json").write_text(json.dumps(schema))
    data = lines(folder, b'{"id": "%s"}' % _HIT.encode(), b'{"id": "ab"}', b'{"id": "c"}')
    report = mmcheck.check(data, format="hard", format_path=[folder / "formats"])
    assert codes(report) == [("MM002", 0), ("MM001", 2)]


@pytest.mark.threat("schemas that refer to the network", "escapes")
@pytest.mark.parametrize("reference", ["http://127.0.0.1:9/s.json", "file:///etc/passwd", "other.json", "../2.json"])
def test_a_schema_refers_to_nothing_outside(reference: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def no(*_: Any, **__: Any) -> Any:
        raise AssertionError("something was opened")

    monkeypatch.setattr(socket.socket, "connect", no)
    with pytest.raises(RequestError, match=r"not followed|cannot be used"):
        Judge({"$id": "https://example.org/a.json", "properties": {"a": {"$ref": reference}}}).is_valid({"a": 1})


@pytest.mark.threat("hostile rules files: subqueries, files, Python, expression bombs", "hangs", "escapes")
@pytest.mark.parametrize(
    "expression",
    [
        "(SELECT 1 FROM read_csv('/etc/passwd')) = 1", "read_parquet('x') = 1", "(" * 5_000 + "TRUE" + ")" * 5_000,
        "NOT " * 2_000 + "TRUE", " OR ".join(["turn = 1"] * 900), "LENGTH(LPAD(text, 2000000000, 'x')) > 1",
        "LENGTH(" + "REPLACE(" * 9 + "text" + ", 'x', 'xxxxxxxxxxxxxxxxxxxx')" * 9 + ") > 0",
        "LENGTH(REPLACE(text, 'x', text)) > 1", "turn IN (" + "1," * 20_000 + "1)",
        "REGEXP_LIKE(text, '((((a{100}){100}){100}){100})')", "REGEXP_LIKE(text, '(')",
    ],
    ids=lambda text: text[:24],
)  # fmt: skip
def test_a_hostile_expression_is_refused(folder: Path, expression: str) -> None:
    rules = folder / "ours.yaml"
    stanza = {"code": "PX001", "name": "our-own", "severity": "error", "table": "turns", "expression": expression}
    rules.write_text(json.dumps({"rules": [stanza]}))
    with pytest.raises(RequestError, match=r"ours\.yaml:1: PX001"):
        in_time_raising(lambda: mmcheck.check(lines(folder, *GOOD), rules=[rules]))


def in_time_raising(function: Callable[[], Any]) -> None:
    outcome = in_time(10, function)
    if isinstance(outcome, Exception):
        raise outcome


@pytest.mark.threat("hostile rules files: subqueries, files, Python, expression bombs", "hangs", "escapes")
def test_a_regular_expression_of_a_rule_takes_linear_time(folder: Path) -> None:
    rules = folder / "ours.yaml"
    stanza = {"code": "PX001", "name": "our-own", "severity": "error", "table": "turns"}
    rules.write_text(json.dumps({"rules": [stanza | {"expression": "NOT REGEXP_LIKE(text, '^(a+)+$')"}]}))
    turns = [{"from": "human", "value": "a" * 50_000 + "!"}, {"from": "gpt", "value": "x"}]
    path = lines(folder, json.dumps({"id": "1", "conversations": turns}).encode())
    assert in_time(10, lambda: mmcheck.check(path, rules=[rules], format="llava")).exit_code() == 0


@pytest.mark.threat("hostile rules files: subqueries, files, Python, expression bombs", "hangs", "escapes")
@pytest.mark.parametrize(
    "document",
    [
        {"extends": ["../../../../etc/passwd"]}, {"extends": ["a\0b"]}, {"extends": ["x" * 5_000]},
        {"rules": [{"code": "PX1", "name": "x", "severity": "error", "table": "turns", "python": "os:system"}]},
        {"rules": [{"code": "PX001", "name": "our-own", "severity": "error", "table": "turns", "python": "os:system"}]},
        {"params": {"max_nesting": 10**6}}, {"params": {"max_line_bytes": -1}}, [1], "x", {"rules": {"a": 1}},
    ],
    ids=str,
)  # fmt: skip
def test_a_hostile_rules_file_is_refused(folder: Path, document: Any) -> None:
    (folder / "ours.yaml").write_text(json.dumps(document))
    with pytest.raises(RequestError):
        mmcheck.check(lines(folder, *GOOD), rules=[folder / "ours.yaml"])


@pytest.mark.threat("what is no file: pipes, sockets, devices, folders", "hangs")
def test_a_rules_file_that_is_no_file(folder: Path) -> None:
    os.mkfifo(folder / "ours.yaml")
    path = lines(folder, *GOOD)
    for rules in (folder / "ours.yaml", Path("/dev/zero")):
        assert isinstance(in_time(10, lambda rules=rules: mmcheck.check(path, rules=[rules])), MmcheckError)


# ── outputs ──────────────────────────────────────────────────────────────────────────────────────────────────────────

MARKUP = '<script>alert(1)</script><img src=x onerror=alert(1)>"]]>--><![CDATA[ ${7*7} {{7*7}} </svg>'
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture
def evil(folder: Path) -> Report:
    """A report of a dataset whose texts, file name and folder attack whoever shows it."""
    bad = folder / ("e" + ESCAPES.replace("/", "_") + "|`" + MARKUP.replace("/", "_")[:60])
    bad.mkdir()
    values = [ESCAPES + MARKUP, FORMULA, "\u2028\u2029", "::error file=x::y", "%0A::warning::z", "@someone #1 `a` |b|"]
    turns = [{"from": ESCAPES + MARKUP, "value": "<image><image>"}, {"from": FORMULA, "value": MARKUP}]
    records = [record(n, id=value, image=value + ".jpg", conversations=turns) for n, value in enumerate(values)]
    name = "t" + ESCAPES.replace("/", "_")[:40] + ".jsonl"
    (bad / name).write_text("".join(json.dumps(each) + "\n" for each in records) + "{broken " + ESCAPES.strip() + "\n")
    report = mmcheck.check(bad, format="llava")
    assert len(report.findings) > 10
    return report


@pytest.mark.threat("dataset text that attacks outputs: escapes, markup, HTML, commands", "escapes")
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_no_output_lets_a_dataset_speak(evil: Report, kind: str, tmp_path: Path) -> None:
    target = tmp_path / "out"
    try:
        render(evil, kind, target)
    except RequestError:
        pytest.skip(f"{kind} needs more than a report")
    data = target.read_bytes()
    if kind == "parquet":
        return
    text = data.decode()
    if kind in ("json", "jsonl", "sarif", "attest"):
        for line in text[:-1].split("\n") if kind == "jsonl" else [text]:
            json.loads(line)
        assert not CONTROL.search(text), kind
        return
    assert not CONTROL.search(text), kind
    if kind in ("html", "badge", "junit"):
        assert "<script>alert" not in text and "<img src=x" not in text
    if kind in ("markdown", "card"):
        assert not re.search(r"(?<![\\`])<(script|img)", re.sub(r"(`+)(?!`).*?\1", "", text))
    if kind == "github":
        commands = [line for line in text.splitlines() if line.startswith("::")]
        assert all(re.match(r"::(error|warning|notice)( [a-zA-Z]+=[^:]*)?::", line) for line in commands)
        assert len(commands) == len(text.splitlines())


@pytest.mark.threat("dataset text that attacks outputs: escapes, markup, HTML, commands", "escapes")
def test_findings_hold_no_markup_of_rich(evil: Report, tmp_path: Path) -> None:
    render(evil, "rich", tmp_path / "out")
    assert "[red]x[/red]" in (tmp_path / "out").read_text()


@pytest.mark.threat("dataset text that attacks outputs: escapes, markup, HTML, commands", "escapes")
def test_the_command_line_shows_no_escape(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    rules = folder / "ours.yaml"
    rules.write_text('rules: [{"code": "\\e[31m", "name": "\\e]0;x\\a", "severity": "\\e[2J"}]')
    path = lines(folder, *GOOD)
    for words in (["--rules", str(rules)], ["--format", ESCAPES], ["--select", ESCAPES], ["--param", ESCAPES + "=1"]):
        assert run(["check", str(path), *words]) == 2
    assert run(["check", str(folder / ("absent" + ESCAPES))]) == 3
    out, error = capfd.readouterr()
    assert not CONTROL.search(out + error)


@pytest.mark.threat("results that somebody has edited: report, compare, verify")
@pytest.mark.parametrize(
    "content",
    [
        b"", b"[" * 100_000, b"null", b"[]", b'{"mmcheck": {"result": 1}}', b'{"mmcheck": {"result": 99}}',
        b'{"mmcheck": {"results": 1}, "results": [1]}', b'{"mmcheck": 1}', b"\xff\xfe",
        b'{"predicateType": "\\u001b[2J"}',
    ],
    ids=lambda content: str(content[:30]),
)  # fmt: skip
def test_a_hostile_result_file(tmp_path: Path, content: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "r.json").write_bytes(content)
    assert run(["report", str(tmp_path / "r.json"), "-o", "rich"]) in (2, 3)
    out, error = capfd.readouterr()
    assert not CONTROL.search(out + error) and "Traceback" not in error and "itself failed" not in error


@pytest.mark.threat("results that somebody has edited: report, compare, verify")
def test_a_stored_result_with_wrong_types_is_refused_or_shown(evil: Report, tmp_path: Path) -> None:
    whole = json.loads(json.dumps(replace(evil, findings=evil.findings[:2]).to_dict(), default=str))
    for key in whole:
        for odd in (None, 3, "x", [], {}, [None], {"x": None}, "\x1b[2J", 10**30):
            (tmp_path / "r.json").write_text(json.dumps(whole | {key: odd}))
            assert run(["report", str(tmp_path / "r.json"), "-o", f"rich={tmp_path / 'out'}"]) in (0, 1, 2), (key, odd)


def test_the_number_of_findings_is_bounded(folder: Path) -> None:
    path = lines(folder, *[b"{broken"] * 3_000)
    report = mmcheck.check(path, format="llava", max_findings=10)
    assert len(report.findings) == 10
    assert next(rule for rule in report.rules if rule.code == "MM002").failed == 3_000


def test_a_limit_is_a_number_above_zero(folder: Path) -> None:
    path = lines(folder, *GOOD)
    for params in ({"max_frames": "0"}, {"max_media_seconds": "nan"}, {"max_nesting": "201"}, {"max_expansion": "x"}):
        with pytest.raises(RequestError, match=next(iter(params))):
            mmcheck.check(path, params=params)
    assert Limits.of({}) == Limits()
