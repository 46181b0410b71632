"""Ray judges as one process does: every format, parts of files, nodes that are killed, shards that kill."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from shards import arrow, killer, lines, parquet, plain, record, sized, with_victim
from test_datasets import CASES, arguments

from mmcheck import OpenError, check, ray_engine
from mmcheck.cli import run
from mmcheck.format import names

ray: Any = pytest.importorskip("ray", reason="Ray is not installed: pip install 'mmcheck-datasets[ray]'")

pytestmark = pytest.mark.xdist_group("ray")

WHOLE = 1 << 40


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A cluster on this machine, which the tests are connected with."""
    with ray_engine.connected("local", 2):
        yield


@pytest.mark.parametrize("format", names())
def test_every_format(cluster: None, format: str) -> None:
    """All good datasets of a format and its first bad one, media opened; small shards."""
    cases = [case for case in CASES if case.parent.parent.name == format]
    bad = [case for case in cases if case.parent.name == "bad"]
    for case in (*bad[:2], next(case for case in cases if case.parent.name == "good")):
        expected = json.loads((case / "expected.json").read_text())
        options = arguments(case, expected)
        with sized(WHOLE):
            whole = check(case / expected["path"], **options, jobs=1)
        with sized(64):
            report = check(case / expected["path"], **options, engine="ray")
        assert plain(report) == plain(whole)
        assert report.to_dict()["run"]["engine"] == "ray"


@pytest.mark.parametrize("make", [lines, parquet, arrow])
def test_many_parts(cluster: None, make: Any, tmp_path: Path) -> None:
    path = make(tmp_path, 150)
    with sized(WHOLE):
        whole = check(path, max_findings=3, jobs=1)
    with sized(16 * 2_000 if make is lines else 1):
        report = check(path, max_findings=3, engine="ray")
    assert plain(report) == plain(whole)
    assert whole.findings


def test_a_sample(cluster: None, tmp_path: Path) -> None:
    path = lines(tmp_path, 60)
    with sized(64):
        assert plain(check(path, sample="30%", engine="ray")) == plain(check(path, sample="30%"))


def test_a_node_with_another_version(cluster: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_engine, "__version__", "0.0.1")
    with pytest.raises(OpenError, match=r"a node of the cluster has mmcheck .*, not 0\.0\.1"):
        check(lines(tmp_path, 3), engine="ray")


@pytest.mark.fault("a worker that is killed", "lost findings")
def test_a_shard_that_kills_its_worker(cluster: None, tmp_path: Path) -> None:
    """Told after a few attempts; its neighbours, with which it would have been joined, lose nothing."""
    records = with_victim(60, victim=31)
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in records))
    with sized(1_000):
        report = check(path, probe="exists", max_findings=None, engine="ray", **killer(tmp_path))
    (note,) = report.notes
    assert note.startswith("train.jsonl, bytes ") and note.endswith("the process that was at it died, 4 times")
    assert report.exit_code() == 3
    lost = 60 - report.totals.records
    empty = [each.row for each in report.findings if each.rule == "MM040"]
    assert 0 < lost < 15
    assert [row for row in range(0, 60, 7) if abs(row - 31) >= lost] == [row for row in empty if abs(row - 31) >= lost]


SCRIPT = """\
import json, sys
from mmcheck import check, gathering
gathering.SHARD = 1_000
report = check(sys.argv[1], probe="exists", max_findings=None, engine="ray", allow_python=True, rules=[sys.argv[2]])
json.dump(report.to_dict(), sys.stdout)
"""
SLOW = """\
import pathlib, time

def look(turns):
    rows = turns.collect()
    if rows.height:
        time.sleep(0.3)
        pathlib.Path(__file__).with_suffix(".seen").open("a").write("x")
    return turns.head(0)
"""


def slow(folder: Path) -> tuple[Path, Path]:
    """A rules file by which every batch takes its time, and the file that tells how many were judged."""
    module = f"slow_{folder.name}"
    (folder / f"{module}.py").write_text(SLOW)
    rules = folder / "ours.yaml"
    rules.write_text(
        f"rules:\n  - {{code: PX001, name: slow, severity: error, table: turns, python: '{module}:look'}}\n"
    )
    return rules, folder / f"{module}.seen"


@pytest.mark.fault("a node that is killed", "lost findings", "hangs")
def test_a_node_that_is_killed(tmp_path: Path) -> None:
    """Two nodes; one dies in mid-run with what it was at and what it had done, and all of it is done again."""
    from ray.cluster_utils import Cluster

    rules, seen = slow(tmp_path)
    path = tmp_path / "train.jsonl"
    texts = ("" if number % 7 == 0 else "a line" for number in range(240))
    path.write_text("".join(json.dumps(record(number // 2, text)) + "\n" for number, text in enumerate(texts)))
    with sized(WHOLE):
        whole = check(path, probe="exists", max_findings=None, jobs=1, allow_python=True, rules=[rules])
    seen.unlink()

    node = {"num_cpus": 1, "object_store_memory": 100 << 20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    try:
        second = cluster.add_node(num_cpus=1, object_store_memory=100 << 20)
        driver = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(path), str(rules)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"RAY_ADDRESS": cluster.address},
        )
        until = time.monotonic() + 60
        while driver.poll() is None and time.monotonic() < until and not (seen.exists() and seen.stat().st_size >= 6):
            time.sleep(0.05)
        at_kill = seen.stat().st_size
        cluster.remove_node(second, allow_graceful=False)
        out, error = driver.communicate(timeout=120)
    finally:
        cluster.shutdown()
    assert driver.returncode == 0, error.decode()
    report = json.loads(out)
    assert report["run"].pop("complete") and report["run"]["engine"] == "ray"
    told = plain(whole)
    for each in (report, told):
        del each["run"]
    assert report == json.loads(json.dumps(told))
    assert 6 <= at_kill < 30


@pytest.mark.fault("interrupted on a cluster of its own")
def test_an_interrupt_that_a_call_of_rays_swallows_is_heeded() -> None:
    interrupts = ray_engine._Interrupts()
    try:
        interrupts.heed()
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            interrupts.heed()
    finally:
        interrupts.close()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.fault("interrupted on a cluster of its own")
def test_interrupted(tmp_path: Path) -> None:
    """Ctrl-C while shards are judged: exit 130, one line, and the cluster that was started is gone."""
    rules, seen = slow(tmp_path)
    for number in range(40):
        (tmp_path / f"{number}.jsonl").write_text(json.dumps(record(number)) + "\n")
    words = ["--engine", "ray", "--probe", "none", "--allow-python", "--rules", str(rules), "--quiet", "-j", "1"]
    driver = subprocess.Popen(
        [sys.executable, "-m", "mmcheck", "check", str(tmp_path), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"},
    )
    until = time.monotonic() + 60
    while driver.poll() is None and time.monotonic() < until and not (seen.exists() and seen.stat().st_size >= 2):
        time.sleep(0.05)
    children = subprocess.run(["pgrep", "-P", str(driver.pid)], capture_output=True, text=True).stdout.split()
    driver.send_signal(signal.SIGINT)
    out, error = driver.communicate(timeout=60)
    assert (driver.returncode, out, error.decode()) == (130, b"", "mmcheck: interrupted\n")
    assert children
    assert not [each for each in children if Path(f"/proc/{each}").exists()]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--engine", "rya"], 2, "did you mean 'ray'?"),
        (["--address", "auto"], 2, "choose the engine ray"),
        (["--engine", "ray", "--address", "127.0.0.1:1"], 3, "no Ray cluster answers at 127.0.0.1:1"),
    ],
)
def test_mistakes(
    words: list[str],
    code: int,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    path = lines(tmp_path, 3)
    assert run(["check", str(path), *words]) == code
    error = capfd.readouterr().err
    assert told in error and len(error.splitlines()) <= 2


def test_without_ray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert run(["check", str(lines(tmp_path, 3)), "--engine", "ray"]) == 2
    assert "pip install 'mmcheck-datasets[ray]'" in capfd.readouterr().err
