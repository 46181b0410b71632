"""What a run that is killed, stopped, or short of space leaves behind; and any number of processes, one output."""

from __future__ import annotations

import io
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from upstream import mixed

from mmcheck import fixing, splitting, transcribing
from mmcheck.checking import check
from mmcheck.converting import convert_dataset
from mmcheck.duplicates import duplicate_keys
from mmcheck.errors import OpenError, RequestError
from mmcheck.writers.safe import clear

COMMAND = [sys.executable, "-m", "mmcheck", "convert"]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("many") / "source.json"
    path.write_text(json.dumps(mixed(12_000)), "utf-8")
    return path


def names(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir())


def _caught(source: Path, target: Path, number: int) -> int:
    """Start a conversion, and send a signal as soon as its partial file is there; the exit code."""
    run = subprocess.Popen([*COMMAND, str(source), str(target), "--to", "data-juicer"], stderr=subprocess.DEVNULL)
    while run.poll() is None and not list(target.parent.glob(f".{target.name}.*.partial")):
        time.sleep(0.001)
    run.send_signal(number)
    return run.wait()


def test_a_run_that_is_stopped_leaves_nothing(source: Path, tmp_path: Path) -> None:
    assert _caught(source, tmp_path / "there.jsonl", signal.SIGTERM) == 143
    assert names(tmp_path) == []


def test_what_a_killed_run_left_goes_with_the_next(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "there.jsonl"
    assert _caught(source, target, signal.SIGKILL) == -signal.SIGKILL
    left = names(tmp_path)
    assert left and all(name.startswith(".there.jsonl.") and name.endswith(".partial") for name in left)
    convert_dataset(source, target, to="data-juicer")
    assert names(tmp_path) == ["there.jsonl"]


def test_only_what_the_dead_left_is_cleared(tmp_path: Path) -> None:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    dead, alive = done.pid, os.getpid()
    for name in (f".t.jsonl.{dead}.partial", f".t.jsonl.{alive}.partial", f".t.jsonl.x.{dead}.partial", ".t.jsonl.old"):
        (tmp_path / name).write_text("")
    (tmp_path / f".t.jsonl_media.{dead}.partial").mkdir()
    (tmp_path / f".u.{dead}.old").mkdir()
    clear(tmp_path / "t.jsonl")
    clear(tmp_path / "u")
    # a folder that a killed run had moved aside is back
    assert names(tmp_path) == sorted([f".t.jsonl.{alive}.partial", f".t.jsonl.x.{dead}.partial", ".t.jsonl.old", "u"])


def _limited(bytes: int) -> Any:
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (bytes, bytes))


@pytest.mark.parametrize("name", ["there.jsonl", "there.parquet"])
def test_a_system_that_takes_no_more_is_told_of(name: str, source: Path, tmp_path: Path) -> None:
    target = tmp_path / name
    target.write_text("old")
    run = subprocess.run(
        [*COMMAND, str(source), str(target), "--to", "data-juicer", "--overwrite"],
        preexec_fn=_limited(100_000),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 3 and f"{target} was not written" in run.stderr and "Traceback" not in run.stderr
    assert (names(tmp_path), target.read_text()) == ([name], "old")


def test_a_full_device_is_told_of(source: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no file system may be mounted here")
    try:
        for name in ("there.jsonl", "there.parquet", "there"):
            run = subprocess.run(
                [*COMMAND, str(source), str(disk / name), "--to", "data-juicer"],
                capture_output=True,
                text=True,
                check=False,
            )
            assert run.returncode == 3 and "the disk is full" in run.stderr and "Traceback" not in run.stderr
            assert names(disk) == []
    finally:
        subprocess.run(["umount", str(disk)], check=False)


@pytest.mark.parametrize(
    ("there", "back"), [("there.jsonl", "back.json"), ("there.json", "back.jsonl"), ("there", "back")]
)
def test_any_number_of_processes_writes_the_same(
    there: str, back: str, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcribing, "LARGE", 1)
    records = json.loads(source.read_text())
    records[7]["conversations"][0]["value"] += " [[gpt]]: \ud83d\ude00"
    records[3000] = 5
    records[9000]["conversations"] = [{"from": "system", "value": "s"}]
    odd = tmp_path / "odd.json"
    odd.write_text(json.dumps(records))
    texts: dict[int, list[bytes]] = {}
    for jobs in (1, 2, 3):
        folder = tmp_path / str(jobs)
        folder.mkdir()
        shards = 1_000_000 if there == "there" else None
        first = convert_dataset(
            odd, folder / there, to="data-juicer", format="llava", on_error="quarantine", jobs=jobs, shard_size=shards
        )
        second = convert_dataset(folder / there, folder / back, to="llava", format="data-juicer", jobs=jobs)
        assert (first.read, first.written, first.rejected, second.written) == (12_000, 11_999, 1, 11_999)
        texts[jobs] = [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]
    assert texts[1] == texts[2] == texts[3]
    if there == "there":
        shards_there = names(tmp_path / "1" / "there")
        assert len(shards_there) > 3 and all(
            (tmp_path / "1" / "there" / n).stat().st_size <= 1_000_000 for n in shards_there
        )


def test_a_process_that_dies_is_told_of(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mmcheck.crew import Crew
    from mmcheck.errors import MmcheckError

    crew = Crew(2)
    try:
        with pytest.raises(MmcheckError, match="--jobs 1"):
            list(crew.map(os._exit, [1, 1, 1, 1]))
        with pytest.raises((RuntimeError, MmcheckError)):
            list(crew.map(json.loads, ["1", "{"]))
    finally:
        crew.close()


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        (b'{"a":1,"a":2}', "a"),
        (b'{"a":{"b" : 1,"c":[{"b":1,"b":1}]}}', "b"),
        (b'{"a":{"b" : 1,"\\u0061":2},"a":"\\":\\":"}', "a"),
        (b'{"x\\u0022":1,"x\\"":2}', 'x"'),
        (b'{"a":"\\":","b":"\\u0022:"}', None),
        (b'{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}', None),
        (b'{\n "a" : 1,\n "b"\t: "x"\n}', None),
    ],
)  # fmt: skip
def test_keys_that_stand_twice_are_found(raw: bytes, key: str | None) -> None:
    other = b'{"sound":1}'
    found = duplicate_keys([other, raw, other], [json.loads(each) for each in (other, raw, other)])
    assert found == ({} if key is None else {1: key})


def test_nothing_of_a_doubled_key_is_dropped_in_silence(tmp_path: Path) -> None:
    source = tmp_path / "a.jsonl"
    good = '{"id":1,"conversations":[]}'
    source.write_text(f'{good}\n{{"id":1,"id":2,"conversations":[]}}\n')
    summary = convert_dataset(source, tmp_path / "b.jsonl", to="data-juicer", format="llava", on_error="quarantine")
    assert (summary.written, summary.reasons) == (1, {"the key 'id' stands twice in the record": 1})


def test_a_document_that_breaks_off_is_told_of(tmp_path: Path) -> None:
    source = tmp_path / "a.json"
    source.write_text('[{"id":1,"conversations":[]},{"id":2,]},{"id":3,"conversations":[]}]')
    summary = convert_dataset(source, tmp_path / "b.jsonl", to="data-juicer", format="llava", on_error="quarantine")
    assert summary.exit_code == 1 and summary.read == summary.written + summary.rejected == 2
    assert summary.faults == ["a.json: what follows record 1 could not be read"]


def _growing(path: Path, monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> None:
    """Let a file grow as soon as a function of a module has given its answer."""
    inner = getattr(module, name)

    def grown(*arguments: Any, **options: Any) -> Any:
        found = inner(*arguments, **options)
        with path.open("a") as file:
            file.write("\n")
        return found

    monkeypatch.setattr(module, name, grown)


def test_a_source_that_changes_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, target = tmp_path / "source.jsonl", tmp_path / "there.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in mixed(20)))
    _growing(path, monkeypatch, transcribing, "open_writer")
    for way in ("stop", "quarantine"):
        with pytest.raises(OpenError, match=r"source\.jsonl changed while it was read"):
            convert_dataset(path, target, to="data-juicer", on_error=way)
    target.write_text("old")
    with pytest.raises(OpenError, match="changed"):
        convert_dataset(path, target, to="data-juicer", overwrite=True)
    assert (names(tmp_path), target.read_text()) == (["source.jsonl", "there.jsonl"], "old")


def test_a_source_that_changes_under_the_first_bad_record_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "source.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in mixed(20)) + '{"id": ')
    _growing(path, monkeypatch, transcribing, "relocator")
    with pytest.raises(OpenError, match="changed"):
        convert_dataset(path, tmp_path / "there.jsonl", to="data-juicer", format="llava")


@pytest.mark.parametrize("what", ["fix", "split"])
def test_a_source_that_changes_is_neither_fixed_nor_split(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "source.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in mixed(20)))
    _growing(path, monkeypatch, fixing if what == "fix" else splitting, "check")
    with pytest.raises(OpenError, match="changed"):
        if what == "fix":
            fixing.fix(path, tmp_path / "fixed.jsonl")
        else:
            splitting.split(path, tmp_path / "clean.jsonl", tmp_path / "rejected.jsonl")
    assert names(tmp_path) == ["source.jsonl"]


def test_a_dataset_that_was_not_checked_to_its_end_is_not_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "source.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in mixed(20)))
    report = check(path)
    report.run.complete = False
    monkeypatch.setattr(splitting, "check", lambda *_, **__: report)
    with pytest.raises(OpenError, match="not checked to its end"):
        splitting.split(path, tmp_path / "clean.jsonl", tmp_path / "rejected.jsonl")
    assert names(tmp_path) == ["source.jsonl"]


def test_a_target_beside_the_source_is_no_part_of_it(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "train.jsonl").write_text("".join(json.dumps(each) + "\n" for each in mixed(5)))
    summary = convert_dataset(folder, folder / "there.jsonl", to="data-juicer")
    assert (summary.read, summary.written) == (5, 5) and names(folder) == ["there.jsonl", "train.jsonl"]
    (tmp_path / "link").symlink_to("data")
    with pytest.raises(RequestError, match="is what is being read"):
        convert_dataset(folder, tmp_path / "link" / "train.jsonl", to="data-juicer", format="llava", overwrite=True)
    with pytest.raises(RequestError, match="is what is being read"):
        convert_dataset(folder / "train.jsonl", tmp_path / "link", to="data-juicer", overwrite=True)


def test_a_key_without_a_value_is_not_lost_in_silence(tmp_path: Path) -> None:
    turns = [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]
    source = tmp_path / "s.jsonl"
    source.write_text(json.dumps({"id": 1, "image": None, "model": "", "conversations": turns}) + "\n")
    summary = convert_dataset(source, tmp_path / "t.jsonl", to="data-juicer", residue=False)
    assert summary.lost == {"image": 1, "model": 1}


def test_a_file_without_records_is_no_rejected_record(tmp_path: Path) -> None:
    source = tmp_path / "s.jsonl"
    source.write_text("")
    summary = convert_dataset(source, tmp_path / "t.jsonl", to="data-juicer", format="llava", on_error="quarantine")
    assert (summary.read, summary.rejected, summary.reasons) == (0, 0, {})
    assert summary.faults == ["s.jsonl: the file is empty (0 bytes)"] and summary.exit_code == 1


def test_a_conversion_of_text_imports_no_library_of_tables(tmp_path: Path) -> None:
    (tmp_path / "s.jsonl").write_text("".join(json.dumps(each) + "\n" for each in mixed(5)))
    code = (
        "import sys; from mmcheck.cli import run; "
        f"run(['convert', {str(tmp_path / 's.jsonl')!r}, {str(tmp_path / 't.jsonl')!r}, '--to', 'data-juicer']); "
        "print(*sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"polars", "pyarrow", "numpy", "PIL", "rich", "sqlglot"} & set(out.split())


@pytest.mark.parametrize("fault", [b'{"id": \n', b"\n\n", b"5\n"])
def test_places_of_faults_are_the_same_for_any_number_of_processes(
    fault: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcribing, "LARGE", 1)
    monkeypatch.setattr(transcribing, "PART", 100_000)
    rows = [json.dumps(each).encode() + b"\n" for each in mixed(1000)]
    rows[700:700] = [b"\n", fault]
    rows[20:20] = [fault, b"\n"]
    source = tmp_path / "s.jsonl"
    source.write_bytes(b"".join(rows))
    found = []
    for jobs in (1, 2):
        target = tmp_path / f"{jobs}.jsonl"
        summary = convert_dataset(
            source, target, to="data-juicer", format="llava", on_error="quarantine", jobs=jobs, paths="keep"
        )
        beside = tmp_path / f"{jobs}.jsonl.rejected.jsonl"
        told = {**summary.to_dict(), "files": [], "quarantine": None}
        found.append((target.read_bytes(), beside.read_bytes() if beside.exists() else b"", told))
    assert found[0] == found[1]
    assert found[0][2]["written"] == 1000


def test_a_large_file_of_blank_lines_is_told_of_by_any_number_of_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcribing, "LARGE", 1)
    monkeypatch.setattr(transcribing, "PART", 10)
    (tmp_path / "s.jsonl").write_bytes(b"\n" * 100)
    for jobs in (1, 2):
        summary = convert_dataset(
            tmp_path / "s.jsonl", tmp_path / "t.jsonl", to="data-juicer", format="llava", jobs=jobs
        )
        assert summary.stopped == "s.jsonl: the file holds only blank lines"


@pytest.mark.parametrize(
    "raw",
    [
        '{"a": 1, "a": 2}', '{"a" : 1, "a": 2}', '{"a\\"": 1, "a\\"": 2}', '{"x": "q\\":", "a": 1, "a": 2}',
        '{"x": "\\u0022:", "a": 1, "a": 2}', '{"x\\\\": 1, "x\\\\": 2}', '{"x": [{"a": {"b": 1, "b": 1}}]}',
    ],
)  # fmt: skip
def test_a_doubled_key_is_seen_however_it_is_written(raw: str) -> None:
    other = '{"a": "said \\"so\\": yes \\\\\\": \\u0022:", "b": [1, {"c": ":"}]}'
    texts = [other.encode(), raw.encode(), other.encode()]
    assert list(duplicate_keys(texts, [json.loads(each) for each in texts])) == [1]
    assert duplicate_keys([other.encode()] * 2, [json.loads(other)] * 2) == {}


def picture(number: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), (number, 0, 0)).save(out, "PNG")
    return out.getvalue()


@pytest.mark.threat("names of embedded media", "escapes", "lost findings")
def test_names_of_embedded_media_stay_below_the_folder_and_apart(tmp_path: Path) -> None:
    names = [
        "a", "a/b.jpg", "c/d.jpg", "c", "../x.jpg", "/abs.jpg", ".", "..", "", " ", "x/", "./y.jpg", "n" * 300 + ".jpg",
        "d/" * 2000 + "x.jpg", "l\nb.jpg", "\x1b[31m.jpg", "a\0.jpg", "media/00000002.png", "media", "a", None,
    ]  # fmt: skip
    rows = []
    for number, name in enumerate(names):
        value = {"bytes": picture(number), "path": name}
        turns = [{"role": "user", "content": "<|reserved_special_token_0|>"}, {"role": "assistant", "content": "y"}]
        rows.append({"conversations": turns, "modalities": [{"type": "image", "value": value}]})
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "in.parquet")
    target = tmp_path / "out.jsonl"
    summary = convert_dataset(
        tmp_path / "in.parquet", target, to="data-juicer", format="multimeditron", media="extract"
    )
    assert summary.written == len(names)
    records = [json.loads(line) for line in target.read_text().splitlines()]
    made = [tmp_path / record["images"][0] for record in records]
    assert [path.read_bytes() for path in made] == [picture(number) for number in range(len(names))]
    assert all(path.resolve().is_relative_to(tmp_path / "out_media") for path in made)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.parquet", "out.jsonl", "out_media"]
