"""A stored result becomes a report again: `-o json` of one or several datasets, or an in-toto statement of it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from mmcheck.errors import RequestError
from mmcheck.limits import read_small
from mmcheck.report import RESULT, Report
from mmcheck.resources import folder

#: Version of the shape that holds several results.
RESULTS = 1
#: What the `_type` of an in-toto statement (v1) says.
STATEMENT = "https://in-toto.io/Statement/v1"
#: What an in-toto statement calls a result of mmcheck: the `$id` of its JSON Schema.
PREDICATE = "https://mmcheck.dev/schemas/mmcheck/result/1.json"


def read(path: Path) -> Report | list[Report]:
    """The report of a result file, or the list of reports where several datasets were checked.

    Raises OpenError where the file cannot be read, RequestError where it is no result or one of another version.
    """
    data = read_small(path, pipes=True)
    try:
        document = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise RequestError(f"{path} is not JSON: {error}") from None
    try:
        return from_document(document)
    except RequestError as error:
        raise RequestError(f"{path}: {error}") from None


def from_document(document: Any) -> Report | list[Report]:
    """The report or reports of a decoded result. RequestError where it is none, or of another version."""
    if isinstance(document, Mapping) and "predicateType" in document:
        if document["predicateType"] != PREDICATE:
            raise RequestError(f"the statement is about something else: its predicate is {document['predicateType']}")
        document = document.get("predicate")
    head = document.get("mmcheck") if isinstance(document, Mapping) else None
    if isinstance(document, Mapping) and isinstance(head, Mapping) and "results" in head:
        if head["results"] != RESULTS:
            raise RequestError(f"the results are of version {head['results']}; this mmcheck reads version {RESULTS}")
        results = document.get("results")
        if not isinstance(results, list):
            raise RequestError("it has no list of results")
        return [_report(each) for each in results]
    return _report(document)


def _report(document: Any) -> Report:
    report = Report.from_dict(document)
    fault = next(iter(_schema().iter_errors(document)), None)
    if fault is not None:
        place = "/".join(map(str, fault.instance_path))
        raise RequestError(f"this is no result of mmcheck as it was written: {place}: {str(fault.message)[:200]}")
    return report


@cache
def _schema() -> Any:
    """What a result must be like: what shows it takes it as it is."""
    import jsonschema_rs

    schema = msgspec.json.decode((folder("schemas") / "mmcheck" / "result" / f"{RESULT}.json").read_bytes())
    return jsonschema_rs.validator_for({"$ref": "#/$defs/result", "$defs": schema["$defs"]})


def to_document(report: Report | list[Report]) -> dict[str, Any]:
    """The result of one dataset, or of several, as JSON has it."""
    if isinstance(report, Report):
        return report.to_dict()
    return {"mmcheck": {"results": RESULTS}, "results": [each.to_dict() for each in report]}
