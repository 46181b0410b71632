"""The story of a split: dataset → report → sound records here, unsound ones there, each with its findings beside it."""

from __future__ import annotations

from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmcheck.checking import check
from mmcheck.dataset import open_dataset
from mmcheck.errors import OpenError, RequestError
from mmcheck.file_facts import refuse_changed, stamps
from mmcheck.finding import Finding, Severity
from mmcheck.rewriting import Copy, batches, record_files
from mmcheck.writers import open_writer
from mmcheck.writers.safe import clear, refuse, replacing


@dataclass(slots=True)
class Parted:
    """What became of the records: read = clean + rejected. `whole` are findings that name no single record;
    `passed_over` says of files that are on neither side why."""

    read: int = 0
    clean: int = 0
    rejected: int = 0
    unreadable: int = 0
    findings: str = ""
    paths: dict[str, int] = field(default_factory=dict)
    passed_over: dict[str, str] = field(default_factory=dict)
    whole: list[dict[str, Any]] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """1 where a record was rejected, or a finding is about no single record."""
        return 1 if self.rejected or self.whole else 0

    def to_dict(self) -> dict[str, Any]:
        """The split as JSON."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def split(
    path: str | Path,
    clean: str | Path,
    rejected: str | Path,
    *,
    fail_on: str = "error",
    overwrite: bool = False,
    **request: Any,
) -> Parted:
    """Write the records without a finding of at least `fail_on` to `clean`, the others to `rejected`.

    Both are in the dataset's own format. Beside `rejected`, REJECTED.findings.jsonl has a line a rejected record:
    where it was, where it is now (null for one that cannot be read, and so cannot be written) and its findings.
    `request` is what `check` takes. Raises RequestError and OpenError as `check` does.
    """
    clean, rejected = Path(clean), Path(rejected)
    clear(rejected)
    if clean.resolve() == rejected.resolve():
        raise RequestError("sound and unsound records go to two places, not to one")
    known = {name: request[name] for name in ("format_path", "splits") if name in request}
    before = stamps(open_dataset(path, format=request.get("format"), **known).files)
    report = check(path, **request, max_findings=None)
    if not report.run.complete:
        raise OpenError(f"{path} was not checked to its end, so nobody knows which records are sound: `mmcheck check`")
    dataset = open_dataset(path, format=f"{report.format}@{report.version}", **known)
    least = Severity(fail_on).rank
    parted = Parted(findings=str(rejected) + ".findings.jsonl")
    by_row: dict[tuple[str, int], list[Finding]] = defaultdict(list)
    for finding in report.findings:
        if finding.severity.rank < least:
            continue
        if finding.file is None or finding.row is None or (finding.count or 1) > 1:
            parted.whole.append(finding.to_dict())
        else:
            by_row[finding.file, finding.row].append(finding)
    with ExitStack() as stack:
        told = Path(parted.findings)
        refuse(told, [], overwrite=overwrite)
        notes = open_writer(stack.enter_context(replacing(told)), "jsonl")
        root = request.get("media_root")
        sound = Copy(dataset, clean, stack, overwrite=overwrite, media_root=root)
        unsound = Copy(dataset, rejected, stack, overwrite=overwrite, media_root=root)
        for file in record_files(dataset):
            for batch in batches(file):
                sides: tuple[list[int], list[int]] = ([], [])
                for number, row in enumerate(batch.rows):
                    found = by_row.get((file.file, row))
                    sides[found is not None].append(number)
                    if found is not None:
                        at = unsound.counts.get(file.file, 0) + len(sides[1]) - 1
                        notes.write([_note(file.file, row, at, found)])
                for fault in batch.faults:
                    if fault.row is not None:
                        parted.unreadable += 1
                        notes.write([_note(file.file, fault.row, None, by_row.get((file.file, fault.row), []))])
                parted.read += len(batch.rows) + sum(1 for fault in batch.faults if fault.row is not None)
                for copy, numbers in zip((sound, unsound), sides, strict=True):
                    some = batch.pick(numbers)
                    if numbers:
                        copy.write(file, some.values, some.keys, some.raws)
        sound.close()
        unsound.close()
        notes.close()
        refuse_changed(before)
    parted.passed_over = dataset.beside(record_files(dataset))
    parted.paths = dict(sound.paths + unsound.paths)
    parted.clean = sum(sound.counts.values())
    parted.rejected = sum(unsound.counts.values()) + parted.unreadable
    return parted


def _note(file: str, row: int, now: int | None, findings: list[Finding]) -> dict[str, Any]:
    return {"file": file, "row": row, "rejected_row": now, "findings": [each.to_dict() for each in findings]}
