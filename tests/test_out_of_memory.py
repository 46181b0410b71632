"""What the kernel's out-of-memory killer ends is told with its file, and the rest is judged: tried with a real one."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

_V1, _V2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")


class Group:
    """A memory control group of the kernel: what is in it has so many bytes together, and no swap."""

    def __init__(self, most: int) -> None:
        first = (_V1 / "memory.limit_in_bytes").exists()
        self.folder = (_V1 if first else _V2) / f"mmcheck-test-{uuid.uuid4().hex}"
        self.folder.mkdir()
        (self.folder / ("memory.limit_in_bytes" if first else "memory.max")).write_text(str(most))
        swap = self.folder / ("memory.memsw.limit_in_bytes" if first else "memory.swap.max")
        if swap.exists():
            swap.write_text(str(most if first else 0))
        self._events = self.folder / ("memory.oom_control" if first else "memory.events")

    def enter(self) -> None:
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    @property
    def kills(self) -> int:
        found = dict(line.split() for line in self._events.read_text().splitlines())
        return int(found.get("oom_kill", 0))

    @property
    def members(self) -> list[str]:
        return (self.folder / "cgroup.procs").read_text().split()


@pytest.fixture
def group() -> Iterator[Group]:
    """400 MB: enough for the main process, and not for what is put before its children."""
    try:
        made = Group(400 << 20)
    except OSError as error:
        pytest.skip(f"no memory control group can be made here: {error.strerror}")
    yield made
    with contextlib.suppress(OSError):
        made.folder.rmdir()


def tiff(path: Path, side: int) -> None:
    """A picture of one colour: little on the disk, three bytes a pixel where it is decoded."""
    Image.new("RGB", (side, side)).save(path, compression="tiff_adobe_deflate")


def checked(group: Group, *words: str) -> tuple[int, set[tuple[str, str, str | None]], list[str]]:
    """Exit code, findings and notes of a check inside the group."""
    command = [sys.executable, "-m", "mmcheck", "check", *words, "--jobs", "1", "--no-cache", "-o", "json"]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=group.enter)
    assert "Traceback" not in done.stderr
    result = json.loads(done.stdout)
    found = {(each["rule"], each["file"], each["sample"]) for each in result["findings"]}
    return done.returncode, found, result["notes"]


@pytest.mark.fault("the kernel's out-of-memory killer", "lost findings")
def test_a_picture_whose_decoder_is_killed(group: Group, tmp_path: Path) -> None:
    tiff(tmp_path / "large.tif", 12_000)  # 432 MB of pixels, below the limit for pictures
    tiff(tmp_path / "small.tif", 16)
    (tmp_path / "broken.tif").write_bytes((tmp_path / "small.tif").read_bytes()[:-20])
    turns = [{"from": "human", "value": "<image>"}, {"from": "gpt", "value": "x"}]
    names = ("small.tif", "large.tif", "broken.tif")
    records = [{"id": name, "image": name, "conversations": turns} for name in names]
    (tmp_path / "train.json").write_text(json.dumps(records))
    code, found, notes = checked(group, str(tmp_path / "train.json"), "--format", "llava")
    assert group.kills >= 1, "nothing was killed"
    assert found == {("MM021", "train.json", "broken.tif"), ("MM028", "train.json", "large.tif")}
    assert code == 3
    assert any("large.tif" in note and "SIGKILL" in note for note in notes)
    assert group.members == [], "no process is left behind"


@pytest.mark.fault("the kernel's out-of-memory killer", "lost findings")
def test_a_table_whose_reader_is_killed(group: Group, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for name, text in {"a": "x", "b": os.urandom(120 << 20).hex(), "c": ""}.items():
        table = pa.table({"text": [text], "images": pa.array([[]], pa.list_(pa.string()))})
        pq.write_table(table, folder / f"{name}.parquet", use_dictionary=False, compression=None)
    bad = pa.table({"text": ["x"], "images": pa.array([["a.jpg"]], pa.list_(pa.string()))})
    pq.write_table(bad, folder / "d.parquet")
    code, found, notes = checked(group, str(folder), "--format", "data-juicer")
    assert group.kills >= 1, "nothing was killed"
    assert code == 3 and any("b.parquet" in note and "SIGKILL" in note for note in notes)
    assert ("MM011", "d.parquet", None) in found
    assert group.members == [], "no process is left behind"
