"""One run of a command in a process of its own: wall time, processor time, and the peak memory of its process tree."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: Seconds between two samples of memory, at least; and how many times as long as a sample took.
EVERY, TIMES = 0.02, 4


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run took: seconds, processor seconds of the whole tree, MB; its exit code; what it printed.

    `memory` is None where it was not sampled or the system does not tell it, `code` is None where it was stopped.
    """

    wall: float
    cpu: float
    memory: float | None
    code: int | None
    out: str
    error: str

    @property
    def failure(self) -> str:
        """Why it did not end well: the last line that it wrote."""
        if self.code is None:
            return f"stopped after {self.wall:,.0f} s"
        last = ([line for line in self.error.splitlines() if line.strip()] or ["it told nothing"])[-1]
        return f"exit {self.code}: {last.strip()[:160]}"


def run(command: list[str], *, most: float, memory: bool = False, environment: Mapping[str, str] | None = None) -> Ran:
    """Run a command from the checkout; after `most` seconds it and its children are stopped. Raises OSError."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as error:
        began = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=error,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
        ended = threading.Event()
        peak = Peak(process.pid, ended) if memory else None
        late = threading.Event()

        def stop() -> None:
            late.set()
            _stop(process.pid)

        timer = threading.Timer(most, stop)
        timer.start()
        # The first wait leaves the number of the process taken, so that what is left of its session can be stopped.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        wall = time.perf_counter() - began
        timer.cancel()
        ended.set()
        _stop(process.pid)
        # wait4 alone tells the processor time of a child and of the children that it waited for
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if peak:
            peak.join()
        texts = []
        for stream in (out, error):
            stream.seek(0)
            texts.append(stream.read().decode("utf-8", "replace"))
        code = None if late.is_set() else process.returncode
        return Ran(wall, used.ru_utime + used.ru_stime, peak.most if peak else None, code, *texts)


def _stop(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


class Peak(threading.Thread):
    """Samples the memory of a session: the sum of the proportional set sizes, in which shared pages count once."""

    def __init__(self, session: int, ended: threading.Event) -> None:
        super().__init__(daemon=True)
        self.session, self.ended = session, ended
        self.most: float | None = None
        self.start()

    def run(self) -> None:
        began = time.monotonic()
        while not self.ended.is_set():
            start = time.monotonic()
            found = _memory(self.session)
            if found:
                self.most = max(self.most or 0, found)
            now = time.monotonic()
            self.ended.wait(max(EVERY, TIMES * (now - start), (now - began) / 500))


def _memory(session: int) -> float:
    """MB of all processes of a session; 0 where the system does not tell."""
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            # the name of a program, in parentheses, may hold anything
            if int((folder / "stat").read_text().rpartition(")")[2].split()[3]) != session:
                continue
            rollup = (folder / "smaps_rollup").read_text()
            total += int(rollup.partition("\nPss:")[2].split()[0])
    return total * 1024 / 1e6
