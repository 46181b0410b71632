"""What a machine does wrong: each test lets it fail, and mmcheck says so, with the right exit code and nothing lost."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import mmcheck
from mmcheck import pile
from mmcheck.cli import run
from mmcheck.errors import OpenError
from mmcheck.readers import arrow, source
from mmcheck.report import Report

PROGRAM = [sys.executable, "-m", "mmcheck"]
PARTIAL = ("*.part", ".*.part", ".*.partial", ".*.old", "*.partial")


def record(number: int, **other: Any) -> bytes:
    turns = [{"from": "human", "value": "What is it?"}, {"from": "gpt", "value": f"It is {number}. " + "x" * 200}]
    return json.dumps({"id": f"r{number}", "conversations": turns} | other).encode()


def lines(path: Path, *records: bytes) -> Path:
    path.write_bytes(b"\n".join(records) + b"\n")
    return path


def mmcheck_with(*words: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """One command line in a process of its own."""
    return subprocess.run([*PROGRAM, *map(str, words)], capture_output=True, text=True, timeout=120, **options)


def told(done: subprocess.CompletedProcess[str] | str) -> str:
    """Standard error, in which no traceback and no word of an inner fault may be."""
    words = done if isinstance(done, str) else done.stderr
    assert "Traceback" not in words and "itself failed" not in words and "Exception ignored" not in words, words
    return words


def halves(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for pattern in PARTIAL for path in folder.rglob(pattern)]


def in_session(number: int) -> list[int]:
    """The processes of a session, as /proc has them; what is dead and not yet waited for does not count."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                state, _, _, session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
            except OSError:
                continue
            if int(session) == number and state not in "ZX":
                found.append(int(entry.name))
    return found


# ── killed ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large")
    lines(folder / "train.jsonl", *(record(number) for number in range(30_000)))
    return folder


@pytest.mark.fault("SIGKILL and SIGTERM at any moment of check and convert", "hangs", "lost findings")
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are counted in /proc")
@pytest.mark.parametrize("command", ["check", "convert"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda number: number.name)
def test_killed_at_any_moment(
    command: str, number: signal.Signals, large: Path, tmp_path: Path, tried: Callable[[int], None]
) -> None:
    before = (large / "train.jsonl").read_bytes()
    source, target = str(large / "train.jsonl"), tmp_path / "out.json"
    words = {
        "check": ["check", source, "--jobs", "2", "-o", f"json={target}", "--quiet"],
        "convert": ["convert", source, str(target.with_suffix(".jsonl")), "--to", "multimeditron", "--overwrite"],
    }[command]
    rng = random.Random(f"{command}/{number.name}")
    for share in (0.3, 1.0, 2.0):
        process = subprocess.Popen(
            [*PROGRAM, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        time.sleep(share * rng.uniform(0.5, 1.5))
        process.send_signal(number)
        _, error = process.communicate(timeout=60)
        tried(1)
        late = time.monotonic() + 30
        while (orphans := in_session(process.pid)) and time.monotonic() < late:
            time.sleep(0.1)
        assert not orphans
        assert process.returncode in (0, -number, 128 + number)
        told(error)
        for path in tmp_path.iterdir():
            if path.suffix == ".json" and not path.name.startswith("."):
                json.loads(path.read_text())
            elif path.suffix == ".jsonl" and not path.name.startswith("."):
                assert len(path.read_text().splitlines()) == 30_000
        if number is signal.SIGTERM:
            assert not halves(tmp_path)
            assert process.returncode != 143 or "terminated" in error
    assert (large / "train.jsonl").read_bytes() == before
    assert mmcheck_with(*words, "--quiet").returncode in (0, 1)


def test_what_nohup_ignores_stays_ignored(tmp_path: Path) -> None:
    told = "import signal; import mmcheck.__main__ as m; m._unwind_when_asked_to_end([]); "
    told += "print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN, callable(signal.getsignal(signal.SIGTERM)))"
    done = subprocess.run(["sh", "-c", "trap '' HUP; exec \"$@\"", "-", sys.executable, "-c", told],
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert done.stdout == "True True\n"


# ── files that change, break off or cannot be read ───────────────────────────────────────────────────────────────────


def shorten(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def grow(path: Path) -> None:
    with path.open("ab") as stream:
        stream.write(record(1))


def replace(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    other.replace(path)


CHANGES = {"shortened": shorten, "grown": grow, "replaced": replace, "touched": os.utime, "removed": Path.unlink}


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A file that is about to change, and another one with a fault that must not be lost."""
    lines(tmp_path / "a.jsonl", b"{broken", *(record(number) for number in range(20_000)))
    lines(tmp_path / "b.jsonl", record(1), b"{broken")
    return tmp_path


def found(report: Report) -> set[tuple[str | None, int | None]]:
    return {(each.file, each.row) for each in report.findings if each.rule == "MM002"}


@pytest.mark.fault("a file that changes while it is read", "lost findings")
@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changes_while_it_is_read(two: Path, change: str) -> None:
    todo = [change]

    def progress(_: object) -> None:
        if todo:
            CHANGES[todo.pop()](two / "a.jsonl")

    report = mmcheck.check(two, format="llava", jobs=1, progress=progress)
    assert not todo and not report.run.complete and report.exit_code() == 3
    assert found(report) >= {("a.jsonl", 0), ("b.jsonl", 1)}
    words = ("changed while it was read", "does not exist", "cannot be read")
    assert any("a.jsonl" in note and re_any(note, *words) for note in report.notes), report.notes


@pytest.mark.fault("a file that changes while it is read", "lost findings")
def test_an_arrow_file_that_becomes_empty_before_it_is_mapped(tmp_path: Path) -> None:
    path = tmp_path / "a.arrow"
    path.touch()
    for reading in (lambda: list(arrow.read(path)), lambda: arrow.sizes(path), lambda: arrow.schema(path)):
        with pytest.raises(OpenError, match="has become empty"):
            reading()


@pytest.mark.fault("a file that is cut off while its pages are mapped", "lost findings")
@pytest.mark.parametrize("suffix", ["arrow", "parquet"])
def test_a_table_that_is_cut_off_while_it_is_read(tmp_path: Path, suffix: str) -> None:
    table = pa.table({"id": [str(n) for n in range(200)], "conversations": [["x" * 40_000]] * 200})
    path = tmp_path / f"a.{suffix}"
    if suffix == "arrow":
        with pa.OSFile(str(path), "wb") as out, pa.ipc.new_stream(out, table.schema) as to:
            to.write_table(table, max_chunksize=10)
    else:
        pq.write_table(table, path, row_group_size=10, compression="none", use_dictionary=False)
    lines(tmp_path / "b.jsonl", b"{broken")
    cut = [tmp_path / f"a.{suffix}"]

    def progress(_: object) -> None:
        if cut:
            os.truncate(cut.pop(), 20_000)

    report = mmcheck.check(tmp_path, format="llava", jobs=1, progress=progress)
    assert not cut and report.exit_code() in (1, 3)
    assert ("b.jsonl", 0) in found(report)
    assert not report.run.complete or any(each.rule in ("MM002", "MM003") for each in report.findings)
    assert any("a." + suffix in note for note in report.notes)


class Failing:
    """A file whose disk fails after some bytes, or gives a few at a time."""

    def __init__(self, file: IO[bytes], after: int, piece: int) -> None:
        self._file, self._left, self._piece = file, after, piece

    def read(self, size: int = -1) -> bytes:
        if self._left <= 0:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        data = self._file.read(min(size if size > 0 else self._piece, self._piece))
        self._left -= len(data)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> Failing:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


@pytest.mark.fault("read errors and short reads in the middle of a file", "lost findings")
@pytest.mark.parametrize("after", [0, 1, 1_000, 500_000, 3_000_000])
def test_a_disk_that_fails_in_the_middle(two: Path, after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = source.open_file

    def failing(path: Path) -> Any:
        file = whole(path)
        return Failing(file, after, 1 << 20) if path.name == "a.jsonl" else file

    monkeypatch.setattr(source, "open_file", failing)
    try:
        report = mmcheck.check(two, format="llava", jobs=1)
    except OpenError as error:
        assert "a.jsonl cannot be read: Input/output error" in str(error)
        return
    assert report.exit_code() == 3 and not report.run.complete
    assert ("b.jsonl", 1) in found(report)
    assert any("a.jsonl cannot be read: Input/output error" in note for note in report.notes)


@pytest.mark.fault("read errors and short reads in the middle of a file", "lost findings")
@pytest.mark.parametrize("piece", [1, 7, 4_096])
def test_a_disk_that_gives_a_little_at_a_time(tmp_path: Path, piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    path = lines(tmp_path / "a.jsonl", record(0), b"{broken", record(2))
    expected = found(mmcheck.check(path, format="llava", jobs=1))
    whole = source.open_file
    monkeypatch.setattr(source, "open_file", lambda path: Failing(whole(path), 1 << 40, piece))
    assert found(mmcheck.check(path, format="llava", jobs=1)) == expected == {("a.jsonl", 1)}


@pytest.mark.fault("read errors and short reads in the middle of a file")
@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs /proc")
def test_a_file_that_gives_an_error_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "/proc/self/mem", "--format", "llava"]) == 3
    assert "cannot be read: Input/output error" in told("".join(capfd.readouterr()))


@pytest.fixture
def no_rights(tmp_path: Path) -> Iterator[Callable[[], None]]:
    """Takes this process's rights away when it is called, until the end of the test: root may read everything."""
    for folder in (tmp_path, *tmp_path.parents[:3]):
        if folder != folder.parent and str(folder).startswith("/tmp/"):
            folder.chmod(0o755)
    root = os.geteuid() == 0
    yield lambda: os.seteuid(65534) if root else None
    if root:
        os.seteuid(0)


@pytest.mark.fault("permission denied", "lost findings")
def test_a_file_that_may_not_be_opened(tmp_path: Path, no_rights: Callable[[], None]) -> None:
    lines(tmp_path / "a.jsonl", record(1)).chmod(0)
    lines(tmp_path / "b.jsonl", b"{broken", record(1))
    mmcheck.check(tmp_path, format="llava", jobs=1, probe="none")  # imports what only root may read
    no_rights()
    report = mmcheck.check(tmp_path, format="llava", jobs=1, probe="none")
    assert report.exit_code() == 3 and not report.run.complete
    assert found(report) == {("b.jsonl", 0)}
    assert "a.jsonl may not be opened: permission denied" in " ".join(report.notes)


def not_almighty() -> None:
    """Before a program is started as root: it may then not read everything (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH)."""
    for right in (1, 2):
        ctypes.CDLL(None).prctl(24, right, 0, 0, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="rights are taken away as Linux does it")
@pytest.mark.fault("permission denied", "lost findings")
@pytest.mark.parametrize("probe", ["header", "decode"])
def test_a_medium_that_may_not_be_opened(tmp_path: Path, probe: str) -> None:
    for name in ("a.jpg", "b.jpg"):
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    (tmp_path / "a.jpg").chmod(0)
    (tmp_path / "c.jpg").write_text("no picture")
    names = ("a.jpg", "b.jpg", "c.jpg")
    path = lines(tmp_path / "train.jsonl", *(record(number, image=name) for number, name in enumerate(names)))
    command = [sys.executable, "-m", "mmcheck", "check", str(path), "--no-cache", "--probe", probe, "-o", "json"]
    done = subprocess.run(command, capture_output=True, preexec_fn=not_almighty)
    result = json.loads(done.stdout)
    judged = {(each["rule"], each["row"]) for each in result["findings"] if each["rule"].startswith("MM02")}
    assert judged == {("MM021", 2), ("MM028", 0)}
    assert done.returncode == 3 and result["verdict"] == "fail"
    assert "a.jpg: cannot be opened (Permission denied): it was not judged" in result["notes"]


# ── outputs that cannot be written ───────────────────────────────────────────────────────────────────────────────────

FILES = {"json": "json", "html": "html", "parquet": "parquet", "sarif": "sarif", "junit": "xml", "markdown": "md"}


def outputs(folder: Path) -> list[str]:
    return [word for kind, suffix in FILES.items() for word in ("-o", f"{kind}={folder / 'r'}.{suffix}")]


@pytest.mark.fault("no space for outputs", "lost findings")
def test_outputs_that_are_too_large_for_the_disk(tmp_path: Path) -> None:
    """What the disk refuses is told of each, and none is there by half."""
    data = lines(tmp_path / "a.jsonl", b"{broken")
    folder = tmp_path / "out"
    folder.mkdir()

    def little() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))

    options = {"preexec_fn": little, "env": {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}}
    words = ["check", data, "--format", "llava", *outputs(folder), "-o", f"badge={folder / 'b.svg'}"]
    done = mmcheck_with(*words, **options)
    assert done.returncode == 3
    assert told(done).count("cannot be written: File too large") >= 5
    assert not halves(folder) and {path.suffix for path in folder.iterdir()} <= {".svg"}
    lines(data, *(record(number) for number in range(40)))
    done = mmcheck_with("convert", data, folder / "c.jsonl", "--to", "multimeditron", **options)
    assert done.returncode == 3 and re_any(told(done), "was not written", "cannot be written")
    assert not halves(folder) and not (folder / "c.jsonl").exists()


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """A filesystem of 64 kB, where this user may mount one."""
    folder = tmp_path / "full"
    folder.mkdir()
    mount = shutil.which("mount")
    size = ["-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if mount is None or os.geteuid() or subprocess.run([mount, *size], capture_output=True).returncode:
        pytest.skip("no filesystem can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.fault("no space for outputs", "lost findings")
def test_a_disk_that_is_full(full: Path, tmp_path: Path) -> None:
    data = lines(tmp_path / "a.jsonl", *(record(number) for number in range(400)), b"{broken")
    for target, words in (
        ("r.html", ["check", data, "-o", f"html={full / 'r.html'}", "-o", f"json={tmp_path / 'r.json'}"]),
        ("c.jsonl", ["convert", data, full / "c.jsonl", "--to", "multimeditron", "--on-error", "quarantine"]),
    ):
        (full / target).write_text("before")
        (full / "rest").write_bytes(bytes(44 << 10))
        done = mmcheck_with(*words, *(["--overwrite"] if target == "c.jsonl" else ["--format", "llava"]))
        assert done.returncode == 3
        assert re_any(told(done), "the disk is full", "No space left on device")
        assert (full / target).read_text() == "before" and not halves(full)
    assert json.loads((tmp_path / "r.json").read_text())["totals"]["errors"] == 1


def re_any(text: str, *words: str) -> bool:
    return any(word in text for word in words)


@pytest.mark.fault("no space for outputs")
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    "words", [["check", "DATA"], ["check", "DATA", "-o", "json"], ["rules"], ["--version"]], ids=str
)
def test_a_standard_output_that_is_full(tmp_path: Path, words: list[str]) -> None:
    data = lines(tmp_path / "a.jsonl", record(1))
    with open("/dev/full", "w") as full:
        given = [str(data) if word == "DATA" else word for word in words]
        done = subprocess.run([*PROGRAM, *given], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 3
    assert words == ["--version"] or "No space left on device" in told(done)


@pytest.mark.fault("standard streams that are closed")
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_a_standard_stream_that_is_closed(tmp_path: Path, closed: str) -> None:
    data = lines(tmp_path / "a.jsonl", b"{broken")
    target = tmp_path / "r.json"
    line = f'exec "$@" {closed}'
    words = ["check", str(data), "--format", "llava", "-o", "rich", "-o", f"json={target}"]
    done = subprocess.run(["sh", "-c", line, "-", *PROGRAM, *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    told(done)
    assert json.loads(target.read_text())["totals"]["errors"] == 1


@pytest.mark.fault("standard streams that are closed")
@pytest.mark.parametrize("words", [["rules"], ["check", "DATA", "-o", "json"], ["--version"]], ids=str)
def test_a_reader_that_has_seen_enough(tmp_path: Path, words: list[str]) -> None:
    data = lines(tmp_path / "a.jsonl", b"{broken")
    given = [str(data) if word == "DATA" else word for word in words]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*PROGRAM, *given], stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(writer)
    assert done.returncode == (1 if "check" in words else 0)
    assert told(done) == ""


@pytest.mark.fault("places that nothing can be written to", "lost findings")
def test_places_that_nothing_can_be_written_to(tmp_path: Path) -> None:
    """/proc takes no files, of root neither: as the working directory, for outputs, and for temporary files."""
    if not Path("/proc/self").exists():
        pytest.skip("needs /proc")
    data = lines(tmp_path / "a.jsonl", b"{broken")
    words = ["check", data, "--format", "llava", "-o", "json=r.json", "-o", f"sarif={tmp_path / 'r.sarif'}"]
    done = mmcheck_with(*words, cwd="/proc", env={**os.environ, "TMPDIR": "/proc"})
    assert done.returncode == 3 and "r.json cannot be written" in told(done)
    assert len(json.loads((tmp_path / "r.sarif").read_text())["runs"][0]["results"]) == 1
    done = mmcheck_with("check", data, "--format", "llava", "--write-baseline", "/proc/b.json", "-o", "json")
    assert done.returncode == 3 and "cannot be written" in told(done)
    assert json.loads(done.stdout)["totals"]["suppressed"] == 1
    done = mmcheck_with("convert", lines(data, record(1)), "/proc/c.jsonl", "--to", "multimeditron")
    assert done.returncode == 3 and re_any(told(done), "cannot be written", "was not written")


@pytest.mark.fault("no space for temporary files")
def test_no_place_for_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules over the whole dataset keep on disk what is too much for memory."""
    data = lines(tmp_path / "a.jsonl", *(record(number % 50) for number in range(2_000)))
    monkeypatch.setattr(pile, "MOST_ROWS", 100)
    monkeypatch.setenv("TMPDIR", "/proc")
    monkeypatch.setattr("tempfile.tempdir", "/proc")
    report = mmcheck.check(data, format="llava", jobs=1, probe="none")
    assert report.exit_code() == 3 and not report.run.complete
    assert any("no place for temporary files" in note for note in report.notes)


@pytest.mark.fault("10,000 media and 256 open files", "lost findings")
def test_few_files_may_be_open(tmp_path: Path) -> None:
    Image.new("RGB", (2, 2)).save(tmp_path / "0.png")
    data = (tmp_path / "0.png").read_bytes()
    for number in range(1, 10_000):
        os.link(tmp_path / "0.png", tmp_path / f"{number}.png")
    (tmp_path / "7777.png").unlink()
    (tmp_path / "7777.png").write_bytes(data[:40])
    slots = "<image>" * 100
    turns = [{"from": "human", "value": slots}, {"from": "gpt", "value": "x"}]
    records = [
        record(first, image=[f"{number}.png" for number in range(first, first + 100)], conversations=turns)
        for first in range(0, 10_000, 100)
    ]
    lines(tmp_path / "a.jsonl", *records)

    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))

    words = ["check", tmp_path / "a.jsonl", "--format", "llava", "-o", "json", "--jobs", "4"]
    done = mmcheck_with(*words, preexec_fn=few)
    told(done)
    report = json.loads(done.stdout)
    assert report["totals"]["media"] == 10_000
    assert [(each["rule"], each["row"]) for each in report["findings"] if each["severity"] == "error"] == [
        ("MM021", 77)
    ]
    assert done.returncode == 1


@pytest.mark.fault("clocks that jump")
@pytest.mark.parametrize("epoch", ["0", "1700000000", "-5", "soon", ""])
def test_a_clock_that_jumps(
    tmp_path: Path, epoch: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    data = lines(tmp_path / "a.jsonl", b"{broken")
    os.utime(data, (2**33, 2**33))  # the file is of the year 2242
    clock = iter(range(10**9, 0, -3_600))
    monkeypatch.setattr(time, "time", lambda: float(next(clock)))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    assert run(["check", str(data), "--format", "llava", "-o", "json"]) == 1
    told_ = json.loads(capfd.readouterr().out)["run"]
    assert told_["seconds"] >= 0 and told_["started"].endswith("Z")
    if epoch.isdecimal():
        assert told_["seconds"] == 0
