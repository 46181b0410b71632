"""A section for a dataset's README, between markers, so that it can be refreshed without touching the rest."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import IO

from mmcheck.errors import RequestError
from mmcheck.report import Report
from mmcheck.reporters.markdown import MARKS, code, escape, rules_table
from mmcheck.reporters.summary import counts, failed_rules, files_read, named, several
from mmcheck.reporters.text import plural

BEGIN, END = "<!-- mmcheck:begin -->", "<!-- mmcheck:end -->"
#: How many files are named.
FILES = 20


def write(report: Report | Sequence[Report], out: IO[bytes], quiet: bool) -> None:
    """The section, markers included."""
    lines = [BEGIN, "## Data quality", ""]
    for each in several(report):
        lines += _section(each)
    lines += [END, ""]
    out.write("\n".join(lines).encode("utf-8", "backslashreplace"))


def refresh(document: bytes, section: bytes) -> bytes:
    """The document with the section in place of the one between its markers, else at its end.

    Every other byte stays. RequestError where the markers do not pair.
    """
    ending = b"\r\n" if b"\r\n" in document else b"\n"
    section = section.replace(b"\n", ending)
    begins = list(re.finditer(rb"(?m)^" + re.escape(BEGIN.encode()) + rb"[ \t]*\r?$", document))
    ends = list(re.finditer(rb"(?m)^" + re.escape(END.encode()) + rb"[ \t]*\r?(?:\n|\Z)", document))
    if not begins and not ends:
        gap = b"" if not document else ending if document.endswith(b"\n") else ending * 2
        return document + gap + section
    if len(begins) != 1 or len(ends) != 1 or begins[0].start() > ends[0].start():
        raise RequestError(f"the card's markers do not pair: there must be one {BEGIN} and, after it, one {END}")
    return document[: begins[0].start()] + section + document[ends[0].end() :]


def _section(report: Report) -> list[str]:
    name = f" ({named(report)})" if named(report) else ""
    lines = [f"**{MARKS[report.verdict]}** — {code(report.path)}{escape(name)}", ""]
    lines += [line for count in counts(report) for line in (count, "")]
    failed = failed_rules(report)
    if failed:
        lines += ["What does not hold:", "", *rules_table(failed), ""]
    passed = [rule for rule in report.rules if rule.status == "passed" and rule.checked]
    if passed:
        lines += [f"{plural(len(passed), 'rule')} hold: {', '.join(code(rule.code) for rule in passed)}.", ""]
    files = files_read(report)
    if files:
        lines += ["| file | records | bytes | digest |", "|---|--:|--:|---|"]
        lines += [
            f"| {code(file.file)} | {file.records:,} | {file.bytes:,} | {code(file.digest or '–')} |"
            for file in files[:FILES]
        ]
        lines += (
            [""] if len(files) <= FILES else ["", f"and {plural(len(files) - FILES, 'more file', 'more files')}.", ""]
        )
    lines += [f"Checked with mmcheck {escape(report.written_by)} on {report.run.started[:10]}."]
    lines += [f"Fingerprint of the bytes that were judged: {code(report.fingerprint)}."] if report.fingerprint else []
    return [*lines, ""]
