"""The outcome of a check: verdict, counts, findings; every output is drawn from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from mmcheck import __version__
from mmcheck.errors import RequestError
from mmcheck.finding import Finding, Severity

if TYPE_CHECKING:
    import polars as pl

#: Version of the shape of a result, `schemas/mmcheck/result/`.
RESULT = 1


@dataclass(slots=True)
class FileSummary:
    """A file that the verdict is about (`role` other than `ignored`), or that was passed over."""

    file: str
    role: str
    bytes: int
    records: int
    digest: str | None = None


@dataclass(slots=True)
class RuleSummary:
    """What became of one rule. `checked` = passed + failed + unknown rows; `docs` and `hint` are its stanza's."""

    code: str
    name: str
    severity: Severity
    table: str | None
    checked: int = 0
    failed: int = 0
    unknown: int = 0
    suppressed: int = 0
    status: str = "passed"
    reason: str | None = None
    capped: bool = False
    docs: str = ""
    hint: str | None = None


@dataclass(slots=True)
class Totals:
    """Exact counts over the whole dataset; errors, warnings and infos count failures, however they are shown."""

    records: int = 0
    invalid_records: int = 0
    media: int = 0
    distinct_media: int = 0
    errors: int = 0
    warnings: int = 0
    infos: int = 0
    suppressed: int = 0


@dataclass(slots=True)
class Run:
    """How the check was run. `started` is UTC, `seconds` wall-clock."""

    started: str
    seconds: float
    jobs: int = 1
    engine: str = "local"
    complete: bool = True
    probe: str = "decode"
    sampled: dict[str, Any] | None = None
    rules_digest: str | None = None


@dataclass(slots=True)
class Report:
    """The result of checking one dataset.

    `suppressed` are findings that a baseline knows, capped like the others; they are in no count but `suppressed`.
    `root` is the folder that names of files are relative to, as seen from where mmcheck ran; `written_by` the version
    of mmcheck that judged. `picture_roots` are folders whose images a report may show, `remembered` how many shards, of
    how many, need not be judged again; they are not part of the result.
    """

    path: str
    format: str
    version: int
    fingerprint: str | None
    files: list[FileSummary]
    run: Run
    totals: Totals
    rules: list[RuleSummary]
    findings: list[Finding]
    notes: list[str] = field(default_factory=list)
    statistics: dict[str, Any] = field(default_factory=dict)
    remembered: tuple[int, int] | None = None
    suppressed: list[Finding] = field(default_factory=list)
    root: str = "."
    written_by: str = __version__
    picture_roots: tuple[Path, ...] = field(default=(), compare=False)

    @property
    def verdict(self) -> str:
        """`fail` with an error, `incomplete` where the run was, or was sampled and found nothing; else `pass`."""
        if self.totals.errors:
            return "fail"
        if not self.run.complete or self.run.sampled:
            return "incomplete"
        return "pass"

    def capped(self, most: int | None) -> Report:
        """The same report with at most `most` findings a rule, the first by place; counts stay exact."""
        if most is None:
            return self
        shown: dict[str, int] = {}
        kept = []
        for finding in self.findings:
            shown[finding.rule] = shown.get(finding.rule, 0) + 1
            if shown[finding.rule] <= most:
                kept.append(finding)
        rules = [replace(rule, capped=rule.capped or shown.get(rule.code, 0) > most) for rule in self.rules]
        return replace(self, findings=kept, rules=rules)

    def worst(self) -> Severity:
        """The highest severity that has a failure; `off` where there is none."""
        totals = self.totals
        if totals.errors:
            return Severity.ERROR
        if totals.warnings:
            return Severity.WARNING
        return Severity.INFO if totals.infos else Severity.OFF

    def exit_code(self, fail_on: str = "error") -> int:
        """0, 1 or 3 as contract.md has it; `fail_on` is error, warning, info or never."""
        if not self.run.complete:
            return 3
        if fail_on == "never":
            return 0
        return int(self.worst().rank >= Severity(fail_on).rank)

    def to_dict(self) -> dict[str, Any]:
        """The result as `schemas/mmcheck/result/1.json` describes it."""
        return {
            "mmcheck": {"result": RESULT, "version": self.written_by},
            "dataset": {
                "path": self.path,
                "root": self.root,
                "format": self.format,
                "version": self.version,
                "fingerprint": self.fingerprint,
                "files": [asdict(file) for file in self.files],
            },
            "run": asdict(self.run),
            "verdict": self.verdict,
            "totals": asdict(self.totals),
            "rules": [_rule(summary) for summary in self.rules],
            "findings": [finding.to_dict() for finding in self.findings],
            **({"suppressed": [finding.to_dict() for finding in self.suppressed]} if self.suppressed else {}),
            "notes": self.notes,
            "statistics": self.statistics,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Report:
        """The report of a result as `to_dict` makes it. RequestError for another shape, or another version of it."""
        version = _version(data)
        if version != RESULT:
            raise RequestError(f"the result is of version {version}; this mmcheck reads version {RESULT}: check again")
        try:
            dataset = data["dataset"]
            return cls(
                path=msgspec.convert(dataset["path"], str),
                format=msgspec.convert(dataset["format"], str),
                version=msgspec.convert(dataset["version"], int),
                fingerprint=msgspec.convert(dataset["fingerprint"], str | None),
                files=msgspec.convert(dataset["files"], list[FileSummary]),
                run=msgspec.convert(data["run"], Run),
                totals=msgspec.convert(data["totals"], Totals),
                rules=msgspec.convert(data["rules"], list[RuleSummary]),
                findings=msgspec.convert(data["findings"], list[Finding]),
                notes=msgspec.convert(data["notes"], list[str]),
                statistics=msgspec.convert(data["statistics"], dict[str, Any]),
                suppressed=msgspec.convert(data.get("suppressed", []), list[Finding]),
                root=msgspec.convert(dataset.get("root", "."), str),
                written_by=msgspec.convert(data["mmcheck"]["version"], str),
            )
        except (KeyError, TypeError, AttributeError, msgspec.ValidationError) as error:
            what = f"it has no {error}" if isinstance(error, KeyError) else str(error)
            raise RequestError(f"this is not a whole result of mmcheck: {what}") from None

    def to_json(self) -> str:
        """The result as indented JSON text."""
        return msgspec.json.format(_encoded(self.to_dict()), indent=2).decode()

    def to_frame(self) -> pl.DataFrame:
        """The findings as a Polars frame, a column a field of `Finding`."""
        return findings_frame(self.findings)


def findings_frame(findings: Iterable[Finding]) -> pl.DataFrame:
    """Findings as a Polars frame with the field names of the contract."""
    import polars as pl

    text = ("rule", "name", "severity", "message", "file", "sample", "pointer", "value", "hint", "fingerprint")
    number = ("row", "line", "turn", "position", "count")
    schema: dict[str, Any] = dict.fromkeys(text, pl.String) | dict.fromkeys(number, pl.Int64)
    order = [name for name in Finding.__dataclass_fields__ if name in schema]
    rows = list(findings)
    return pl.DataFrame(
        {name: pl.Series([getattr(row, name) for row in rows], dtype=pl.Int64) for name in order if name in number}
        | {name: _texts([getattr(row, name) for row in rows]) for name in order if name in text}
    ).select(order)


def _version(data: Any) -> Any:
    """The version of a result's shape. RequestError where the data are no result."""
    if not isinstance(data, Mapping) or not isinstance(data.get("mmcheck"), Mapping) or "result" not in data["mmcheck"]:
        raise RequestError("this is not a result of mmcheck (`mmcheck check PATH -o json=FILE` writes one)")
    return data["mmcheck"]["result"]


def _texts(values: list[str | None]) -> pl.Series:
    import polars as pl

    try:
        return pl.Series(values, dtype=pl.String)
    except UnicodeEncodeError:
        return pl.Series(_spelt(values), dtype=pl.String)


def _encoded(value: Any) -> bytes:
    """JSON bytes; a lone surrogate, from a dataset or a file's name, is no Unicode and is spelt as an escape."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(_spelt(value))


def _spelt(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_spelt(key): _spelt(element) for key, element in value.items()}
    return [_spelt(element) for element in value] if isinstance(value, list) else value


def _rule(summary: RuleSummary) -> dict[str, Any]:
    fields = asdict(summary)
    fields["severity"] = summary.severity.value
    for name in ("reason", "docs", "hint"):
        if not fields[name]:
            del fields[name]
    return fields
