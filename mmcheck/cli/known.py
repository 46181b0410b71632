"""`--baseline`, `--write-baseline` and `--prune-baseline`: reports without what is known, and the file of it."""

from __future__ import annotations

import os
from pathlib import Path

from mmcheck import baseline as baselines
from mmcheck.baseline import Baseline
from mmcheck.cli.say import say
from mmcheck.errors import RequestError
from mmcheck.report import Report


class Known:
    """The baselines of one command line: one that is read, and one that is written."""

    def __init__(self, given: Path | None, to_write: Path | None, prune: bool) -> None:
        if prune and given is None:
            raise RequestError("--prune-baseline needs a baseline: --baseline FILE")
        if to_write is not None and not to_write.absolute().parent.is_dir():
            raise RequestError(f"--write-baseline {to_write}: there is no directory {to_write.parent}")
        same = given is not None and to_write is not None and os.path.abspath(given) == os.path.abspath(to_write)
        self.read: Baseline | None = None
        self.written: Baseline | None = None
        if given is not None and (given.exists() or not same):
            self.read = baselines.read(given)
        if to_write is not None:
            self.written = baselines.read(to_write) if to_write.exists() else Baseline(to_write)
        self.prune = prune
        self.pruned = 0

    @property
    def wanted(self) -> bool:
        """Whether findings must not be capped before the baseline has seen them."""
        return self.read is not None or self.written is not None

    def apply(self, report: Report) -> Report:
        """The report without what is known; what is found is added to the baseline that is written."""
        if self.written is not None:
            if report.run.sampled:
                raise RequestError("--write-baseline wants the whole dataset, not a sample")
            if not report.run.complete:
                say(f"{report.path} was not checked to the end: its baseline is left as it was")
                return report
            before = {**(self.read.known(report) if self.read else {}), **self.written.known(report)}
            known = baselines.entries(report.findings, before)
            self.written.datasets[self.written.name(report)] = known
            return baselines.apply(report, known).report
        if self.read is None:
            return report
        applied = baselines.apply(report, self.read.known(report))
        if self.prune:
            known = self.read.known(report)
            self.read.datasets[self.read.name(report)] = baselines.pruned(known, applied.stale)
            self.pruned += len(applied.stale)
        elif applied.stale:
            count = len(applied.stale)
            say(f"{self.read.path}: {count} entries were not found again; --prune-baseline takes them out")
        return applied.report

    def close(self) -> None:
        """Write what is to be written."""
        if self.written is not None:
            baselines.write(self.written)
            count = sum(len(known) for known in self.written.datasets.values())
            say(f"{self.written.path}: {count} entries written")
        elif self.prune and self.read is not None:
            baselines.write(self.read)
            say(f"{self.read.path}: {self.pruned} entries taken out or lowered")
