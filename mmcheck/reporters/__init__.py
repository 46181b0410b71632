"""Reports become outputs: one visible dict of kinds, written whole or not at all."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import IO

from mmcheck.errors import RequestError, nearest
from mmcheck.finding import Finding
from mmcheck.report import Report

#: A writer takes reports (one dataset, or the list of several), where to write, and whether to be brief.
Writer = Callable[[Report | Sequence[Report], IO[bytes], bool], None]

#: Every kind of output, and the function that writes it; imported when it is used.
KINDS = {
    "rich": "mmcheck.reporters.terminal:write",
    "json": "mmcheck.reporters.data:write_json",
    "jsonl": "mmcheck.reporters.data:write_jsonl",
    "parquet": "mmcheck.reporters.data:write_parquet",
    "sarif": "mmcheck.reporters.sarif:write",
    "junit": "mmcheck.reporters.junit:write",
    "github": "mmcheck.reporters.github:write",
    "html": "mmcheck.reporters.html:write",
    "markdown": "mmcheck.reporters.markdown:write",
    "card": "mmcheck.reporters.card:write",
    "badge": "mmcheck.reporters.badge:write",
    "attest": "mmcheck.reporters.attestation:write",
}

#: Kinds that list every finding, however many `--max-findings` allows.
UNCAPPED = frozenset({"jsonl", "parquet"})
#: Kinds that are put into the file that is there, in place of what they put there before.
REFRESHED = frozenset({"card"})


def writer(kind: str) -> Writer:
    """The function that writes `kind`; RequestError with the nearest spelling where there is none."""
    if kind not in KINDS:
        raise RequestError(f"unknown output {kind!r}{nearest(kind, KINDS)}: choose from {', '.join(KINDS)}")
    module, name = KINDS[kind].split(":")
    function: Writer = getattr(import_module(module), name)
    return function


def render(
    report: Report | Sequence[Report],
    kind: str,
    target: Path | None,
    *,
    quiet: bool = False,
    max_findings: int | None = None,
) -> None:
    """Write `report` as `kind` to `target`, or to standard output where it is None.

    A list of reports is several datasets, even a list of one. `max_findings` cuts the findings of each rule where the
    kind has a cap at all. RequestError for an unknown kind, OSError where the target cannot be written.
    """
    write = writer(kind)
    if kind in REFRESHED and target is not None and target.is_file():
        write = _refreshing(write, target.read_bytes())
    if max_findings is not None and kind not in UNCAPPED:
        if isinstance(report, Report):
            report = capped(report, max_findings)
        else:
            report = [capped(each, max_findings) for each in report]
    if kind not in UNCAPPED:
        report = printable(report) if isinstance(report, Report) else [printable(each) for each in report]
    if target is None:
        _to_stdout(write, report, quiet)
    elif target.exists() and not target.is_file():  # a pipe or a device is written as it is
        with target.open("wb") as stream:
            write(report, stream, quiet)
    else:
        _to_file(write, report, target.resolve(), quiet)


def capped(report: Report, limit: int) -> Report:
    """The report with at most `limit` findings a rule; a rule that has more says that it is capped."""
    listed: dict[str, int] = {}
    findings = []
    for finding in report.findings:
        seen = listed[finding.rule] = listed.get(finding.rule, 0) + 1
        if seen <= limit:
            findings.append(finding)
    held = _first(report.suppressed, limit)
    over = {rule for rule, seen in listed.items() if seen > limit}
    rules = [replace(rule, capped=True) if rule.code in over else rule for rule in report.rules]
    return replace(report, findings=findings, suppressed=held, rules=rules)


def _first(findings: Sequence[Finding], limit: int) -> list[Finding]:
    """The first findings of each rule."""
    listed: Counter[str] = Counter()
    first = []
    for finding in findings:
        listed[finding.rule] += 1
        if listed[finding.rule] <= limit:
            first.append(finding)
    return first


def printable(report: Report) -> Report:
    """The report with lone surrogates as the text of their escapes, as JSON stores it: shown alike then and later."""
    import msgspec

    from mmcheck.reporters.data import without_surrogates

    document = report.to_dict()
    try:
        msgspec.json.encode(document)
    except UnicodeEncodeError:
        return replace(Report.from_dict(without_surrogates(document)), picture_roots=report.picture_roots)
    return report


def _refreshing(write: Writer, document: bytes) -> Writer:
    """The writer of the whole document, of which `write` makes a section."""
    from mmcheck.reporters.card import refresh

    def whole(report: Report | Sequence[Report], out: IO[bytes], quiet: bool) -> None:
        section = io.BytesIO()
        write(report, section, quiet)
        out.write(refresh(document, section.getvalue()))

    return whole


def _to_stdout(write: Writer, report: Report | Sequence[Report], quiet: bool) -> None:
    sys.stdout.flush()
    try:
        write(report, sys.stdout.buffer, quiet)
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # the reader (head, less) has seen enough; the verdict stands
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _to_file(write: Writer, report: Report | Sequence[Report], target: Path, quiet: bool) -> None:
    """Through a temporary name and a rename: a reader sees the old file or the whole new one."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    part = Path(name)
    try:
        with open(handle, "wb") as stream:
            write(report, stream, quiet)
        mask = os.umask(0)
        os.umask(mask)
        part.chmod(0o666 & ~mask)  # mkstemp is private to the user; a report is an ordinary file
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
