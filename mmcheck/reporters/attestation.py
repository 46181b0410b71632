"""An in-toto statement (v1), to be signed elsewhere: digests of the files as subjects, the result as predicate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO, Any

from mmcheck.errors import RequestError
from mmcheck.report import Report
from mmcheck.reporters.data import encode
from mmcheck.reporters.summary import several
from mmcheck.stored import PREDICATE, STATEMENT, to_document


def write(report: Report | Sequence[Report], out: IO[bytes], quiet: bool) -> None:
    """The statement. RequestError where no file was digested, since a statement is about something."""
    subjects = [subject for each in several(report) for subject in _subjects(each, not isinstance(report, Report))]
    if not subjects:
        raise RequestError("there is nothing to attest: no file of the dataset was read")
    document = to_document(report if isinstance(report, Report) else list(report))
    statement = {"_type": STATEMENT, "subject": subjects, "predicateType": PREDICATE, "predicate": document}
    out.write(encode(statement) + b"\n")


def _subjects(report: Report, prefixed: bool) -> list[dict[str, Any]]:
    """The files, once each; of several datasets with the dataset's path before the name."""
    found: dict[str, str] = {}
    for file in report.files:
        if file.digest is not None and file.role != "ignored":
            found[f"{report.path}/{file.file}" if prefixed else file.file] = file.digest.removeprefix("sha256:")
    return [{"name": name, "digest": {"sha256": digest}} for name, digest in found.items()]
