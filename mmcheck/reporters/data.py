"""Reports for programs: json, jsonl (a finding a line), parquet (a finding a row)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import IO, TYPE_CHECKING, Any

import msgspec

from mmcheck.finding import Finding, Severity
from mmcheck.report import Report, findings_frame
from mmcheck.stored import to_document

if TYPE_CHECKING:
    import polars as pl


def write_json(report: Report | Sequence[Report], out: IO[bytes], quiet: bool) -> None:
    """The result as `schemas/mmcheck/result/1.json` describes it; several datasets as a list of results."""
    document = to_document(report if isinstance(report, Report) else list(report))
    out.write(encode(document) + b"\n")


def write_jsonl(report: Report | Sequence[Report], out: IO[bytes], quiet: bool) -> None:
    """Every finding on a line of its own; of several datasets, each finding names its `dataset`."""
    several = not isinstance(report, Report)
    for each in [report] if isinstance(report, Report) else report:
        for finding in each.findings:
            line = finding.to_dict()
            out.write(_line({"dataset": each.path, **line} if several else line) + b"\n")


def write_parquet(report: Report | Sequence[Report], out: IO[bytes], quiet: bool) -> None:
    """Every finding as a row; of several datasets, with the column `dataset` first."""
    import polars as pl

    if isinstance(report, Report):
        frame = _frame(report)
    else:
        named = (pl.lit(without_surrogates(each.path)).alias("dataset") for each in report)
        frame = pl.concat([_frame(each).select(name, pl.all()) for each, name in zip(report, named, strict=True)])
    try:
        frame.write_parquet(out)
    except pl.exceptions.ComputeError as error:  # its words hold those of the disk
        raise OSError(str(error).rpartition("underlying IO error: ")[2].splitlines()[0]) from None


def _frame(report: Report) -> pl.DataFrame:
    try:
        return report.to_frame()
    except UnicodeEncodeError:
        return findings_frame(Finding(**without_surrogates(asdict(finding))) for finding in report.findings)


def encode(document: dict[str, Any]) -> bytes:
    """Indented JSON as UTF-8."""
    return msgspec.json.format(_line(document), indent=2)


def _line(document: dict[str, Any]) -> bytes:
    """JSON as UTF-8, on one line. A lone surrogate, which UTF-8 cannot hold, is written as the text of its escape."""
    try:
        line = msgspec.json.encode(document)
    except UnicodeEncodeError:
        line = msgspec.json.encode(without_surrogates(document))
    return harmless(line)


#: In UTF-8: DEL and the C1 controls (a terminal obeys them), line separators, marks that turn text round.
_OBEYED = re.compile(rb"\x7f|\xc2[\x80-\x9f]|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]")


def harmless(text: bytes) -> bytes:
    """JSON with what a terminal obeys as escapes; it says the same, since only strings can hold such characters."""
    return _OBEYED.sub(lambda match: b"\\u%04x" % ord(match[0].decode()), text)


def without_surrogates(value: Any) -> Any:
    """The value, with lone surrogates in its texts as the text of their escapes."""
    if isinstance(value, Severity):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {without_surrogates(key): without_surrogates(item) for key, item in value.items()}
    return [without_surrogates(item) for item in value] if isinstance(value, list) else value
