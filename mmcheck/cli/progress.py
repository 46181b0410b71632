"""The progress bar: on standard error, only on a terminal, only where there is something to wait for."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmcheck.request import Progress

#: Seconds before the bar is shown: what is over by then needs none, and does not pay for its imports.
PATIENCE = 0.5
#: Seconds between two drawings.
PACE = 0.1


class Bar:
    """Draws what `show` is told; a context that leaves no trace on the terminal."""

    def __init__(self, quiet: bool = False) -> None:
        self.wanted = not quiet and sys.stderr.isatty()
        self._drawn = time.monotonic() + PATIENCE - PACE
        self._started = time.monotonic()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Bar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, progress: Progress) -> None:
        """Draw, if it is time to."""
        now = time.monotonic()
        if now - self._drawn < PACE:
            return
        self._drawn = now
        if self._bar is None:
            self._open()
        self._bar.update(
            self._task,
            completed=progress.bytes_done,
            total=progress.bytes_total or None,
            records=f"{progress.records:,} records",
            speed=f"{progress.records / max(now - self._started, 1e-9):,.0f}/s",
            refresh=True,
        )

    def _open(self) -> None:
        from rich import progress
        from rich.console import Console

        self._bar = progress.Progress(
            progress.BarColumn(bar_width=None),
            progress.DownloadColumn(),
            progress.TextColumn("{task.fields[records]}", markup=False),
            progress.TextColumn("{task.fields[speed]}", markup=False),
            progress.TimeRemainingColumn(),
            console=Console(stderr=True),
            auto_refresh=False,
            transient=True,
        )
        self._task = self._bar.add_task("", total=None, records="", speed="")
        self._bar.start()
