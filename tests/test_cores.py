"""How many processes a check starts by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmcheck import cores


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of eight cores and 8 GB, of which nothing is used."""
    for name, text in {
        "cpu": "max 100000",
        "max": "max",
        "current": "0",
        "meminfo": "MemAvailable: 8388608 kB",
    }.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(cores, "_CGROUP", tmp_path / "cpu")
    monkeypatch.setattr(cores, "_MEMORY", (tmp_path / "max", tmp_path / "current"))
    monkeypatch.setattr(cores, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)), raising=False)
    return tmp_path


def test_cores_and_memory_allow_eight(machine: Path) -> None:
    assert cores.default_jobs() == 8


def test_a_quota_of_cores(machine: Path) -> None:
    (machine / "cpu").write_text("300000 100000")
    assert cores.default_jobs() == 3


@pytest.mark.parametrize(
    ("limit", "used", "jobs"), [("2147483648", "0", 6), ("2147483648", "1600000000", 1), ("1", "5", 1)]
)
def test_a_limit_of_memory(machine: Path, limit: str, used: str, jobs: int) -> None:
    (machine / "max").write_text(limit)
    (machine / "current").write_text(used)
    assert cores.default_jobs() == jobs


def test_little_memory_is_left(machine: Path) -> None:
    (machine / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable: 700000 kB\n")
    assert cores.default_jobs() == 2


def test_nothing_tells(machine: Path) -> None:
    for name in ("cpu", "max", "meminfo"):
        (machine / name).unlink()
    assert cores.available_memory() is None and cores.default_jobs() == 8
