"""Child processes: what they are given may kill them; then it is told what died of what, and nothing else is lost."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import mmcheck
from mmcheck import readers
from mmcheck.child import Child, Died, dismiss, hire
from mmcheck.errors import OpenError
from mmcheck.limits import Limits
from mmcheck.probe.apart import Looked, Manner, Medium, Pool
from mmcheck.readers import apart

SERVE = """
import ctypes, os, signal, time
from pathlib import Path
from mmcheck.probe.serving import look
from mmcheck.probe.facts import Facts
from mmcheck.readers.batch import Batch

def echo(message):
    if message == "crash":
        ctypes.string_at(0)
    if message == "abort":
        os.abort()
    if message == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if message == "leave":
        os._exit(7)
    if message == "hang":
        time.sleep(60)
    if message == "raise":
        raise ValueError("no good")
    yield message, os.getcwd(), os.getpid()

def looks(message):
    media, manner, *_ = message
    for medium in media:
        name = Path(medium.source).name
        if "crash" in name:
            ctypes.string_at(0)
        if "once" in name and not Path(medium.source + ".seen").exists():
            Path(medium.source + ".seen").touch()
            os.kill(os.getpid(), signal.SIGKILL)
    yield [look(medium, manner) for medium in media]

def reads(message):
    yield Batch(rows=[0], values=[{"id": "a"}])
    if "crash" in message[1].name:
        ctypes.string_at(0)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def serving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "serving.py").write_text(SERVE)
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.fixture
def child() -> Iterator[Child]:
    child = Child("serving:echo")
    yield child
    child.close()


@pytest.mark.parametrize(
    ("message", "words", "crashed"),
    [
        ("crash", "crashed (SIGSEGV)", True),
        ("abort", "crashed (SIGABRT)", True),
        ("kill", "was killed (SIGKILL), perhaps for want of memory", False),
        ("leave", "ended with exit status 7", False),
    ],
)
def test_a_death_is_told(child: Child, message: str, words: str, crashed: bool) -> None:
    with pytest.raises(Died) as death:
        child.ask(message)
    assert (str(death.value), death.value.crashed) == (words, crashed)
    with pytest.raises(Died):
        child.ask("again")


def test_a_child_that_hangs_is_ended(child: Child) -> None:
    with pytest.raises(Died, match="no answer for 0 seconds"):
        child.ask("hang", seconds=0.3)


def test_what_is_raised_comes_back_and_the_child_goes_on(child: Child) -> None:
    with pytest.raises(RuntimeError, match="no good"):
        child.ask("raise")
    assert child.ask("x")[0] == "x"


def test_neither_folder_nor_environment_say_what_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "msgspec.py").write_text("raise SystemExit('hijacked')")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    child = Child("serving:echo")
    assert child.ask("x")[0] == "x"
    child.close()


def test_a_child_lives_on_when_the_thread_that_hired_it_has_ended() -> None:
    with ThreadPoolExecutor(1) as threads:
        child = threads.submit(hire, "serving:echo").result()
    assert child.ask("after")[0] == "after"
    child.close()


def test_a_pool_that_has_answered_lets_its_children_go_unharmed(tmp_path: Path) -> None:
    pool = Pool(1, Manner("header", Limits()), "serving:looks")
    killed: list[Child] = []
    [(answers, _)] = pool.look([Medium(str(tmp_path / "none.jpg"), "image")])
    hand = pool._hands[0]
    answers.add_done_callback(lambda _: killed.extend([hand._child] if hand._at_hand and hand._child else []))
    assert answers.result()
    pool.close()
    assert not killed, "what is answered counted as at hand, for which the child is killed"


def test_an_idle_child_is_hired_again() -> None:
    first = hire("serving:echo")
    pid = first.ask("x")[2]
    dismiss(first)
    second = hire("serving:echo")
    assert second.ask("y")[2] == pid
    second.close()
    third = hire("serving:echo")
    assert third.ask("z")[2] != pid
    third.close()


def test_no_child_outlives_a_parent_that_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from mmcheck.child import Child; "
        "child = Child('serving:echo'); print(child.ask('x')[2], flush=True); child.ask('hang')"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists() or " Z " in Path(f"/proc/{pid}/stat").read_text():
            return
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    pytest.fail("the child lived on")


def looked(paths: list[Path]) -> list[Looked]:
    pool = Pool(2, Manner("decode", Limits()), serve="serving:looks")
    try:
        return [answers.result()[place] for answers, place in pool.look([Medium(str(p), "image") for p in paths])]
    finally:
        pool.close()


@pytest.mark.threat("a medium that crashes its decoder", "lost findings")
def test_a_medium_that_crashes_the_decoder_takes_nothing_along(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.png", "b.png", "crash.png", "c.png", "d.png")]
    for path in paths:
        path.write_bytes(b"not a picture at all")
    found = looked(paths)
    assert [each.facts.defect for each in found] == ["not-media", "not-media", "unsupported", "not-media", "not-media"]
    assert found[2].died == "the process that looked into it crashed (SIGSEGV)"
    assert [each.died for each in found if each is not found[2]] == [None] * 4


@pytest.mark.fault("a process that looks into media is killed", "lost findings")
def test_a_look_that_was_killed_once_is_taken_again(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.png", "once.png", "c.png")]
    for path in paths:
        path.write_bytes(b"not a picture at all")
    assert [(each.facts.defect, each.died) for each in looked(paths)] == [("not-media", None)] * 3


def test_a_dead_look_makes_the_check_incomplete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pool.__init__, "__defaults__", ("serving:looks",))
    records = []
    for name in ("a.png", "crash.png", "b.png"):
        (tmp_path / name).write_bytes(b"not a picture at all")
        turns = [{"from": "human", "value": "<image>"}, {"from": "gpt", "value": "x"}]
        records.append({"id": name, "image": name, "conversations": turns})
    (tmp_path / "train.json").write_text(json.dumps(records))
    report = mmcheck.check(tmp_path / "train.json", format="llava")
    assert [each.sample for each in report.findings if each.rule == "MM021"] == ["a.png", "b.png"]
    assert [each.rule for each in report.findings if each.sample == "crash.png"] == ["MM028"]
    assert not report.run.complete and report.exit_code("error") == 3
    assert any("crash.png" in note and "SIGSEGV" in note for note in report.notes)


@pytest.mark.threat("a columnar file that crashes its reader", "lost findings")
def test_a_reader_that_crashes_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "_SERVE", "serving:reads")
    batches = list(apart.read(tmp_path / "crash.parquet", "parquet", 1 << 20, Limits()))
    assert batches[0].values == [{"id": "a"}], "what was read before is there"
    (fault,) = batches[1].faults
    assert fault.code == "MM003" and "crashed (SIGSEGV)" in fault.message
    with pytest.raises(OpenError, match="SIGKILL"):
        list(apart.read(tmp_path / "other.parquet", "parquet", 1 << 20, Limits()))


def test_a_footer_that_nobody_lived_to_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "_SERVE", "serving:reads")
    assert apart.ask("footer", tmp_path / "crash.parquet") is None
    with pytest.raises(OpenError, match=r"was not read.*SIGKILL"):
        apart.ask("footer", tmp_path / "other.parquet")


def test_a_reading_that_is_left_off_leaves_nothing_behind(tmp_path: Path) -> None:
    import polars as pl

    path = tmp_path / "many.parquet"
    pl.DataFrame({"id": range(40_000)}).write_parquet(path, row_group_size=1_000)
    for _ in range(3):
        reading = readers.read(path)
        assert next(reading).rows[0] == 0
        with contextlib.closing(reading):  # type: ignore[type-var]  # a generator
            pass
    assert sum(len(batch.rows) for batch in readers.read(path)) == 40_000


def test_columnar_files_and_media_are_opened_in_no_process_that_has_polars(tmp_path: Path) -> None:
    for module in ("mmcheck.probe.serving", "mmcheck.readers.apart"):
        program = f"import sys, {module}; print('polars' in sys.modules, 'rich' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert done.stdout.split() == ["False", "False"]
