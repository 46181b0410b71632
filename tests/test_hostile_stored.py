"""What was stored before and comes back: results, baselines and configurations that somebody has edited."""

from __future__ import annotations

import copy
import json
import os
import random
import re
import resource
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mmcheck import limits
from mmcheck.cli import run

CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
ODD: tuple[Any, ...] = (
    None, True, 0, -1, 10**30, 1.5, "", "\x1b[2J", "\ud800", "../../etc/passwd", "/dev/zero", "a\0b", "x" * 3_000, [],
    {}, [None], [[]], {"": None}, {"x": {"y": "\x1b]0;x\x07"}}, "error", "pass", "sha256:0", "=1+1",
    "<script>alert(1)</script>",
)  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> Path:
    turns = [{"from": "human", "value": "What? "}, {"from": "gpt", "value": "x"}]
    records = [{"id": f"r{number // 2}", "image": "absent.jpg", "conversations": turns} for number in range(4)]
    text = "".join(json.dumps(each) + "\n" for each in records) + "{broken\n"
    (tmp_path / "train.jsonl").write_text(text)
    return tmp_path / "train.jsonl"


@pytest.fixture
def result(data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert run(["check", str(data), "--format", "llava", "-o", f"json={tmp_path / 'r.json'}"]) == 1
    capfd.readouterr()
    found: dict[str, Any] = json.loads((tmp_path / "r.json").read_text())
    return found


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a document, as what holds it and its key."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from places(value[key])


def changed(document: Any, rng: random.Random) -> Any:
    """A copy with one or two places holding what belongs nowhere, or gone, or said twice."""
    document = copy.deepcopy(document)
    for _ in range(rng.randint(1, 2)):
        holder, key = rng.choice(list(places(document)))
        what = rng.random()
        if what < 0.7:
            holder[key] = rng.choice(ODD)
        elif what < 0.9:
            del holder[key]
        elif isinstance(holder, list):
            holder.append(holder[key])
    return document


def quiet(capfd: pytest.CaptureFixture[str], what: object) -> str:
    """What was said: no traceback, no inner fault, nothing that a terminal obeys."""
    out, error = capfd.readouterr()
    assert "Traceback" not in error and "itself failed" not in error, (what, error)
    assert not CONTROL.search(out + error), what
    return out + error


TIMES = 150


@pytest.mark.threat("results that somebody has edited: report, compare, verify", "escapes")
@pytest.mark.parametrize("command", ["report", "compare", "verify"])
def test_a_result_that_was_edited(
    command: str, data: Path, result: dict[str, Any], tmp_path: Path, capfd: pytest.CaptureFixture[str],
    tried: Callable[[int], None],
) -> None:  # fmt: skip
    rng = random.Random(command)
    good, bad = tmp_path / "r.json", tmp_path / "bad.json"
    files = {"html": "o.html", "markdown": "o.md", "sarif": "o.sarif", "junit": "o.xml"}
    outputs = [word for kind, name in files.items() for word in ("-o", f"{kind}={tmp_path / name}")]
    words = {
        "report": ["report", str(bad), "-o", "rich", *outputs],
        "compare": ["compare", str(good), str(bad)],
        "verify": ["verify", str(bad), str(data)],
    }[command]
    for number in range(TIMES):
        edited = changed(result, rng)
        bad.write_text(json.dumps(edited))
        if command == "compare" and number % 2:
            words = ["compare", str(bad), str(good)]
        assert run(words) in (0, 1, 2, 3)
        quiet(capfd, edited)
        if (tmp_path / "o.html").exists():
            assert "<script>alert(1)" not in (tmp_path / "o.html").read_text()
    tried(TIMES)


@pytest.mark.threat("results that somebody has edited: report, compare, verify", "escapes", "hangs")
@pytest.mark.parametrize(
    "name", ["../../../../../../etc/passwd", "/etc/passwd", "/dev/zero", "fifo", "link", "a\0b", "x" * 5_000, "", "."]
)
def test_verify_opens_nothing_outside(
    name: str, data: Path, result: dict[str, Any], tmp_path: Path, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    root = tmp_path / "1" / "2" / "3" / "4"
    root.mkdir(parents=True)
    (root / "train.jsonl").write_bytes(data.read_bytes())
    os.mkfifo(root / "fifo")
    (root / "link").symlink_to("/etc/passwd")
    result["dataset"]["files"].append({"file": name, "role": "samples", "bytes": 1, "records": 1, "digest": "sha256:0"})
    (tmp_path / "bad.json").write_text(json.dumps(result))
    opened: list[str] = []
    plain = os.open

    def spy(path: Any, *more: Any, **options: Any) -> int:
        opened.append(os.path.realpath(path) if isinstance(path, str | Path) else "")
        return plain(path, *more, **options)

    monkeypatch.setattr(os, "open", spy)
    assert run(["verify", str(tmp_path / "bad.json"), str(root / "train.jsonl")]) in (1, 2, 3)
    assert "/etc/passwd" not in opened and "/dev/zero" not in opened
    assert "root:" not in quiet(capfd, name)


@pytest.mark.threat("baselines that somebody has edited", "lost findings")
def test_a_baseline_that_was_edited(
    data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], tried: Callable[[int], None]
) -> None:
    """It is refused, or what it does not know is found as before."""
    known = tmp_path / "known.json"
    check = ["check", str(data), "--format", "llava", "-o", "json"]
    assert run([*check, "--write-baseline", str(known)]) == 0
    whole = json.loads(known.read_text())
    capfd.readouterr()
    rng = random.Random(7)
    for _ in range(60):
        edited = changed(whole, rng)
        known.write_text(json.dumps(edited))
        code = run([*check, "--baseline", str(known)])
        assert code in (0, 1, 2)
        out, error = capfd.readouterr()
        assert "Traceback" not in error and "itself failed" not in error and not CONTROL.search(error), edited
        if code != 2:
            totals = json.loads(out)["totals"]
            assert totals["errors"] + totals["warnings"] + totals["infos"] + totals["suppressed"] >= 5, edited
    tried(60)


@pytest.mark.threat("baselines that somebody has edited", "escapes")
def test_a_baseline_is_not_written_through_a_link(data: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    for name in (".known.json.part", ".known.json.tmp", f".known.json.{os.getpid()}.partial"):
        (tmp_path / name).symlink_to(tmp_path / "precious")
    assert run(["check", str(data), "--format", "llava", "--write-baseline", str(tmp_path / "known.json")]) == 0
    assert (tmp_path / "precious").read_text() == "precious"


CONFIGS = (
    "", "[]", "3", "rules: 3", "rules: [a\\0b]", "datasets: [{path: [1]}]", "datasets: {path: x}",
    "outputs: {html: ../../x.html}", "outputs: {nothing: x}",
    "baseline: ../../x.json", "params: {max_nesting: 1000}", "params: {max_line_bytes: {}}",
    "severity: {MM001: off, LV001: [x]}", 'profile: "\\e[2J"', "per_path: {a: 3}", "formats: [/etc]",
    "allow_python: true", "fail_on: sometimes", "select: {a: 1}", "&a [*a]", "rules: &a [*a]",
    "rules: [" * 50 + "x" + "]" * 50, "datasets: [" + "{path: x}," * 200 + "]",
    "a: !!python/object/apply:os.system [x]", "datasets: [{path: train.jsonl, media_root: /}]", "\x00", "\t- x",
    "rules: [/dev/zero]", "rules: [fifo]",
)  # fmt: skip


@pytest.mark.threat("configurations that lie in a dataset", "escapes", "hangs")
@pytest.mark.parametrize("text", CONFIGS, ids=lambda text: repr(text)[:30])
@pytest.mark.parametrize("named", [False, True], ids=["found", "named"])
def test_a_hostile_configuration(
    text: str,
    named: bool,
    data: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "1" / "2"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    os.mkfifo("fifo")
    Path("train.jsonl").write_bytes(data.read_bytes())
    Path("mmcheck.yaml").write_text(text)
    words = ["check", "train.jsonl", "--format", "llava", *(["--config", "mmcheck.yaml"] if named else [])]
    assert run(words) in (0, 1, 2, 3)
    quiet(capfd, text)
    assert named or not list(tmp_path.glob("x.*"))


@pytest.mark.threat("configurations that lie in a dataset", "escapes", "hangs")
@pytest.mark.parametrize("sort", ["fifo", "link", "folder"])
def test_a_configuration_that_is_no_file(
    sort: str, data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    target = tmp_path / "mmcheck.yaml"
    {"fifo": os.mkfifo, "link": lambda path: path.symlink_to("/dev/zero"), "folder": Path.mkdir}[sort](target)
    assert run(["check", str(data), "--format", "llava"]) == 1
    quiet(capfd, sort)
    assert run(["check", str(data), "--format", "llava", "--config", str(target)]) in (2, 3)
    quiet(capfd, sort)


# ── size ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

GIGABYTE = 1 << 30


def peak_of(words: list[str], most: int) -> tuple[int, dict[str, Any]]:
    """The exit code and the result of a check that may take so many bytes of memory."""

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))

    done = subprocess.run(
        [sys.executable, "-m", "mmcheck", *words, "-o", "json"],
        capture_output=True,
        text=True,
        timeout=300,
        preexec_fn=bounded,
    )
    assert "Traceback" not in done.stderr and "itself failed" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.threat("a line of a gigabyte, an object of a million keys", "hangs", "lost findings")
@pytest.mark.parametrize("inside", [True, False], ids=["in a text", "after a record"])
def test_a_line_of_a_gigabyte(tmp_path: Path, inside: bool) -> None:
    """It is one finding in bounded memory, and the records around it are read."""
    turns = '"conversations": [{"from": "human", "value": "x"}, {"from": "gpt", "value": "y"}]}'
    path = tmp_path / "a.jsonl"
    with path.open("wb") as out:  # what is skipped is a hole that takes no disk
        out.write((b'{"id": "1", ' + turns.encode() + b"\n") * 1_000)
        out.write(b'{"id": "' if inside else b'{"id": "2", ' + turns.encode())
        out.seek(GIGABYTE, os.SEEK_CUR)
        out.write(b'", ' + turns.encode() + b"\n" + b'{"id": "3", ' + turns.encode() + b"\n{broken\n")
    code, report = peak_of(["check", str(path), "--format", "llava", "--jobs", "1", "--probe", "none"], 900 << 20)
    assert code == 1 and report["totals"]["records"] == 1_003
    assert [(each["rule"], each["row"]) for each in report["findings"] if each["severity"] == "error"] == [
        ("MM002", 1_000), ("MM002", 1_002),
    ]  # fmt: skip


@pytest.mark.threat("a line of a gigabyte, an object of a million keys", "hangs", "lost findings")
def test_an_object_of_a_million_keys(tmp_path: Path) -> None:
    keys = b",".join(b'"k%d":1' % number for number in range(1_000_000))
    (tmp_path / "a.jsonl").write_bytes(b"{" + keys + b"}\n{broken\n")
    code, report = peak_of(["check", str(tmp_path / "a.jsonl"), "--format", "llava", "--jobs", "1"], 2 << 30)
    assert code == 1
    assert [(each["rule"], each["row"]) for each in report["findings"]] == [("MM001", 0), ("MM002", 1)]
    assert len(json.dumps(report)) < 100_000


@pytest.mark.threat("what is no file: pipes, sockets, devices, folders", "hangs")
@pytest.mark.parametrize("given", ["/dev/zero", "fifo", "folder", "sparse"])
def test_a_baseline_that_is_no_file(
    given: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("fifo")
    Path("folder").mkdir()
    with Path("sparse").open("wb") as file:
        file.truncate(1 << 40)
    monkeypatch.setattr(limits, "_MOST_HELD", 1 << 20)
    assert run(["check", str(data), "--baseline", given, "--no-cache"]) == 3
    told = capfd.readouterr().err
    assert f"the baseline {given}" in told and ("is not a regular file" in told or "has more than 1 MB" in told)


@pytest.mark.threat("what is no file: pipes, sockets, devices, folders", "hangs")
@pytest.mark.parametrize("words", [["report", "X"], ["compare", "X", "X"], ["verify", "X", "."]])
def test_a_result_that_is_no_file(words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["/dev/zero" if word == "X" else word for word in words]) == 3
    assert "/dev/zero is not a regular file" in capfd.readouterr().err


def test_a_result_may_come_through_a_pipe(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run(["check", str(data), "--no-cache", "-o", "json=a.json"])
    os.mkfifo("fifo")
    writer = threading.Thread(target=lambda: Path("fifo").write_bytes(Path("a.json").read_bytes()))
    writer.start()
    assert run(["report", "fifo", "-o", "markdown=a.md"]) == 0
    writer.join()
    assert "mmcheck" in Path("a.md").read_text()
