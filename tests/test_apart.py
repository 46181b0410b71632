"""Parquet, Arrow and media are opened in light child processes alone; every command survives their death."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from mmcheck import readers
from mmcheck.cli import run
from mmcheck.converting import convert_dataset
from mmcheck.errors import OpenError
from mmcheck.probe import cutting
from mmcheck.readers import apart
from mmcheck.reporters import thumbnails
from mmcheck.writers import regrouping

DATASETS = Path(__file__).parent / "datasets"

#: A child that crashes at what is called `crash`, is killed at what is called `kill`, and else does as it should.
SERVE = """
import ctypes, os, signal
from mmcheck.probe import cutting, thumbnail
from mmcheck.readers import apart
from mmcheck.writers import regrouping

def fate(path):
    if "crash" in path.name:
        ctypes.string_at(0)
    if "kill" in path.name:
        os.kill(os.getpid(), signal.SIGKILL)

def reads(message):
    fate(message[1])
    yield from apart.serve(message)

def cuts(message):
    message[1].write_bytes(b"half a clip")
    fate(message[0])
    yield from cutting.serve(message)

def draws(path):
    fate(path)
    yield from thumbnail.serve(path)

def regroups(message):
    for done in regrouping.serve(message):
        yield done
        if not done.rows:
            fate(message[1].with_name(done.file))
"""


@pytest.fixture
def serving(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path_factory.mktemp("serving")
    (folder / "dying.py").write_text(SERVE)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(apart, "_SERVE", "dying:reads")
    monkeypatch.setattr(cutting, "_SERVE", "dying:cuts")
    monkeypatch.setattr(thumbnails, "_SERVE", "dying:draws")
    monkeypatch.setattr(regrouping, "_SERVE", "dying:regroups")


# ── what dies ────────────────────────────────────────────────────────────────────────────────────────────────────────

HUB = [{"id": str(number), "text": "one"} for number in range(5)]


def hub(folder: Path, *names: str) -> Path:
    """A folder of Parquet files of Data-Juicer's records."""
    folder.mkdir()
    for name in names:
        pq.write_table(pa.Table.from_pylist(HUB), folder / name)
    return folder


@pytest.mark.usefixtures("serving")
@pytest.mark.threat("a columnar file that crashes its reader", "lost findings")
@pytest.mark.parametrize(("name", "signal"), [("crash.parquet", "SIGSEGV"), ("kill.parquet", "SIGKILL")])
def test_a_repartition_whose_reader_dies(tmp_path: Path, name: str, signal: str) -> None:
    source = hub(tmp_path / "in", "a.parquet", name, "z.parquet")
    with pytest.raises(OpenError, match=rf"^{name} was not read to its end: .*{signal}"):
        convert_dataset(source, tmp_path / "out.parquet", to="data-juicer", format="data-juicer")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


@pytest.mark.usefixtures("serving")
@pytest.mark.threat("a columnar file that crashes its reader", "lost findings")
@pytest.mark.parametrize("container", ["parquet", "arrow"])
def test_columns_whose_reader_dies(tmp_path: Path, container: str) -> None:
    with pytest.raises(OpenError, match=r"crash\.x cannot be read: it made the process that read it crash"):
        readers.schema(tmp_path / "crash.x", container)
    with pytest.raises(OpenError, match=r"kill\.x was not read: .*SIGKILL"):
        readers.schema(tmp_path / "kill.x", container)
    (tmp_path / "text.x").write_text("no table")
    with pytest.raises(OpenError, match=r"text\.x cannot be read: the \w+ file is damaged"):
        readers.schema(tmp_path / "text.x", container)


@pytest.mark.threat("a columnar file that crashes its reader")
@pytest.mark.parametrize("container", ["parquet", "arrow"])
def test_columns_whose_names_are_no_text(tmp_path: Path, container: str) -> None:
    table = pa.table({"images": ["a"]})
    path = tmp_path / f"a.{container}"
    if container == "parquet":
        pq.write_table(table, path, store_schema=False)
    else:
        with pa.OSFile(str(path), "wb") as out, pa.ipc.new_stream(out, table.schema) as to:
            to.write_table(table)
    path.write_bytes(path.read_bytes().replace(b"images", b"imag\xffs"))
    with pytest.raises(OpenError, match=rf"a\.{container} cannot be read: the \w+ file is damaged"):
        readers.schema(path, container)


@pytest.mark.usefixtures("serving")
@pytest.mark.threat("a columnar file that crashes its reader", "lost findings")
@pytest.mark.parametrize(
    "words",
    [
        ["convert", "SRC", "DST", "--from", "data-juicer", "--to", "multimeditron"],
        ["fix", "SRC", "--format", "data-juicer", "--output", "DST"],
    ],
    ids=lambda words: words[0],
)
def test_a_command_whose_reader_dies_writes_nothing(
    tmp_path: Path, words: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    source = hub(tmp_path / "in", "a.parquet", "crash.parquet", "z.parquet")
    places = {"SRC": str(source), "DST": str(tmp_path / "out"), "REST": str(tmp_path / "rest")}
    assert run([places.get(word, word) for word in words]) in (1, 2, 3)
    told = capfd.readouterr().err
    assert "crash.parquet" in told and "crash" in told.replace("crash.parquet", "") and "Traceback" not in told
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


@pytest.mark.usefixtures("serving")
@pytest.mark.threat("a columnar file that crashes its reader", "lost findings")
def test_a_split_whose_reader_dies_tells_of_the_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source = hub(tmp_path / "in", "crash.parquet")
    places = ["--clean", str(tmp_path / "out"), "--rejected", str(tmp_path / "rest")]
    assert run(["split", str(source), "--format", "data-juicer", *places]) == 1
    told = capfd.readouterr().err
    assert "crash.parquet: reading the file crashed the reader" in told and "Traceback" not in told


@pytest.mark.usefixtures("serving")
@pytest.mark.threat("a medium that crashes its decoder", "lost findings")
def test_a_clip_whose_cutter_dies(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the process that cut it crashed"):
        cutting.cut_apart(tmp_path / "crash.mp4", tmp_path / "clip.mp4", Fraction(0), Fraction(1))
    (tmp_path / "crash.mp4").touch()
    record = {"YoutubeID": "crash.mp4", "Start_timestamp": "00:00:00", "End_timestamp": "00:00:01", "Caption": "c"}
    source = tmp_path / "clips.jsonl"
    source.write_text(json.dumps(record) + "\n")
    target = tmp_path / "out.jsonl"
    summary = convert_dataset(
        source, target, to="data-juicer", format="internvid", cut_videos=True, on_error="quarantine"
    )
    assert summary.rejected == 1 and "crashed (SIGSEGV)" in next(iter(summary.reasons))
    assert not list((tmp_path / "out_media").glob("*")), "no half a clip"


def pictures(folder: Path, *names: str) -> Path:
    """A dataset of pictures that are too small for a rule of ours: each is a finding, with a thumbnail."""
    records = []
    for number, name in enumerate(names):
        Image.new("RGB", (64, 64), (90 * number, 0, 0)).save(folder / name)
        turns = [{"from": "human", "value": "<image>"}, {"from": "gpt", "value": "x"}]
        records.append({"id": name, "image": name, "conversations": turns})
    (folder / "train.json").write_text(json.dumps(records))
    rule = {"code": "PX001", "name": "image-too-small", "severity": "error", "table": "media", "docs": "Too small."}
    rules = {"rules": [rule | {"expression": "width > 99", "message": "{source} is small", "value": "source"}]}
    (folder / "rules.yaml").write_text(json.dumps(rules))
    return folder / "train.json"


def shown(page: str) -> int:
    return page.count("data:image\\/jpeg;base64,")


@pytest.mark.usefixtures("serving")
@pytest.mark.threat("a medium that crashes its decoder", "lost findings")
def test_a_thumbnail_that_dies_leaves_the_others(tmp_path: Path) -> None:
    path = pictures(tmp_path, "a.png", "crash.png", "b.png")
    page = tmp_path / "report.html"
    words = ["check", str(path), "--rules", str(tmp_path / "rules.yaml"), "--no-cache", "-o", f"html={page}"]
    assert run(words) == 1
    text = page.read_text()
    assert shown(text) == 2
    assert "crash.png is shown without a picture: the process that was to draw it crashed (SIGSEGV)" in text


# ── nobody else opens them ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What this process opens with a library for Parquet, Arrow or media; it is refused. Not so in children."""
    found: list[str] = []

    def forbid(module: Any, *names: str) -> None:
        for name in names:

            def refuse(*given: Any, name: str = f"{module.__name__}.{name}", **_: Any) -> Any:
                found.append(name)
                raise AssertionError(f"{name}{given} in the main process")

            monkeypatch.setattr(module, name, refuse)

    import polars as pl
    import simplejpeg

    forbid(pq, "ParquetFile", "ParquetDataset", "read_schema", "read_table", "read_metadata")
    forbid(pa, "memory_map", "BufferReader", "PythonFile")
    forbid(pa.ipc, "open_stream", "open_file", "read_schema", "read_message", "RecordBatchStreamReader")
    forbid(pl, "read_parquet", "scan_parquet", "read_ipc", "scan_ipc", "read_parquet_schema")
    forbid(Image, "open")
    forbid(simplejpeg, "decode_jpeg", "decode_jpeg_header")
    try:
        import av
    except ImportError:
        pass
    else:
        forbid(av, "open")
    return found


TABLE = "data-juicer/good/image-bytes/part.parquet"
SHARDS = "multimeditron/good/arrow-directory/data"
PICTURES = "llava/bad/images-undecodable"


def test_what_is_forbidden_is_noticed(opened: list[str]) -> None:
    with pytest.raises(AssertionError):
        pq.ParquetFile(DATASETS / TABLE)
    assert opened == ["pyarrow.parquet.ParquetFile"]


@pytest.mark.threat("columnar files and media in the main process", "escapes")
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["check", TABLE, "-o", "json=OUT"], 0),
        (["check", SHARDS, "-o", "parquet=OUT"], 0),
        (["check", PICTURES, "--probe", "decode"], 1),
        (["detect", TABLE], 0),
        (["detect", SHARDS], 0),
        (["try", TABLE, "--table", "samples", "id IS NOT NULL"], 0),
        (["diff", TABLE, TABLE], 0),
        (["diff", SHARDS, SHARDS], 0),
        (["convert", TABLE, "OUT.parquet", "--to", "data-juicer"], 0),
        (["convert", SHARDS, "OUT.jsonl", "--to", "data-juicer", "--media", "extract"], 0),
        (["convert", SHARDS, "OUT.parquet", "--to", "multimeditron"], 0),
        (["convert", SHARDS, "OUT.jsonl", "--to", "llava", "--media", "extract"], 0),
        (["fix", TABLE, "--output", "OUT.parquet"], 0),
        (["fix", SHARDS, "--output", "OUT"], 0),
        (["split", TABLE, "--clean", "OUT.parquet", "--rejected", "REST.parquet"], 0),
        (["split", SHARDS, "--clean", "OUT", "--rejected", "REST"], 0),
        (["hook", TABLE], 0),
    ],
    ids=lambda words: " ".join(words[:2]) if isinstance(words, list) else None,
)
def test_the_main_process_opens_none(
    words: list[str], code: int, opened: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for source in (TABLE, SHARDS, PICTURES):
        there = tmp_path / source
        there.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (DATASETS / source).is_dir() else shutil.copy)(DATASETS / source, there)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mmcheck.yaml").write_text(json.dumps({"datasets": [{"path": TABLE, "format": "data-juicer"}]}))
    assert (run(words), opened) == (code, [])


@pytest.mark.threat("columnar files and media in the main process", "escapes")
def test_the_main_process_draws_and_cuts_none(
    opened: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pictures(tmp_path, "a.png", "b.png")
    monkeypatch.chdir(tmp_path)
    stored = "result.json"
    assert run(["check", str(path), "--rules", "rules.yaml", "--no-cache", "-o", f"json={stored}"]) == 1
    assert run(["report", stored, "--dataset", str(tmp_path), "-o", "html=a.html"]) == 0
    assert shown((tmp_path / "a.html").read_text()) == 2
    assert run(["verify", stored, str(path)]) == 0
    (tmp_path / "v.mp4").write_bytes(b"no video")
    record = {"YoutubeID": "v.mp4", "Start_timestamp": "00:00:00", "End_timestamp": "00:00:01", "Caption": "c"}
    (tmp_path / "clips.jsonl").write_text(json.dumps(record) + "\n")
    words = ["convert", "clips.jsonl", "out.jsonl", "--from", "internvid", "--to", "data-juicer", "--cut-videos"]
    assert run(words) == 1
    assert opened == []


def test_what_children_do_needs_no_polars() -> None:
    for module in ("mmcheck.writers.regrouping", "mmcheck.probe.cutting", "mmcheck.probe.thumbnail"):
        program = f"import sys, {module}; print('polars' in sys.modules, 'rich' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert done.stdout.split() == ["False", "False"], module
