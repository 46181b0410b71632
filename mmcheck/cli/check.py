"""`mmcheck check`: one or more datasets, one verdict each, and every output that was asked for."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from mmcheck.cli.options import DEBUG, FORMAT_PATH, assignments, codes, one_of, outputs
from mmcheck.cli.say import say
from mmcheck.errors import MmcheckError, RequestError
from mmcheck.report import Report, Run, Totals
from mmcheck.reporters import KINDS, UNCAPPED, render

PROBES = ("auto", "none", "exists", "header", "decode")
FAIL_ON = ("error", "warning", "info", "never")

_WHAT, _RULES, _HOW, _OUT = "What is checked", "Rules", "How it is run", "What comes out"


def check(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="A file or directory; several are datasets of their own.")],
    format: Annotated[str | None, typer.Option(metavar="NAME[@VERSION]", help="The format; found out if not given.", rich_help_panel=_WHAT)] = None,
    modality: Annotated[str | None, typer.Option("--modality", "-m", metavar="KIND", help="Look only at media of this kind: image, video, audio, …", rich_help_panel=_WHAT)] = None,
    media_root: Annotated[Path | None, typer.Option(metavar="DIR", help="Where media paths start.", rich_help_panel=_WHAT)] = None,
    placeholder: Annotated[list[str] | None, typer.Option("--placeholder", "--attachment-token", metavar="[KIND=]TOKEN", help="What stands for a medium in the text (also --attachment-token). Repeatable.", rich_help_panel=_WHAT)] = None,
    split: Annotated[str | None, typer.Option(metavar="NAME", help="Only this split.", rich_help_panel=_WHAT)] = None,
    allow_root: Annotated[list[Path] | None, typer.Option(metavar="DIR", help="A further directory that media may be read from. Repeatable.", rich_help_panel=_WHAT)] = None,
    as_one: Annotated[bool, typer.Option("--as-one", help="All paths together are one dataset.", rich_help_panel=_WHAT)] = False,
    sample: Annotated[str | None, typer.Option(metavar="N|P%", help="Check only so many records, drawn evenly.", rich_help_panel=_WHAT)] = None,
    probe: Annotated[str, typer.Option(metavar="|".join(PROBES), callback=one_of(*PROBES), help="How closely media are looked at.", rich_help_panel=_WHAT)] = "auto",
    rules: Annotated[list[Path] | None, typer.Option(metavar="FILE", help="A rules file of your own. Repeatable.", rich_help_panel=_RULES)] = None,
    format_path: FORMAT_PATH = None,
    select: Annotated[list[str] | None, typer.Option(metavar="CODE,…", help="Only these rules: codes, or how they begin.", rich_help_panel=_RULES)] = None,
    ignore: Annotated[list[str] | None, typer.Option(metavar="CODE,…", help="Not these rules.", rich_help_panel=_RULES)] = None,
    param: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="A parameter of the rules. Repeatable.", rich_help_panel=_RULES)] = None,
    max_findings: Annotated[int, typer.Option(metavar="N", min=0, help="List at most N findings a rule (jsonl and parquet list all).", rich_help_panel=_OUT)] = 100,
    fail_on: Annotated[str, typer.Option(metavar="|".join(FAIL_ON), callback=one_of(*FAIL_ON), help="Exit 1 from this severity up.", rich_help_panel=_OUT)] = "error",
    output: Annotated[list[str] | None, typer.Option("--output", "-o", metavar="KIND[=FILE]", help=f"{', '.join(KINDS)}; to standard output without FILE. Repeatable.", rich_help_panel=_OUT)] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress; of the report only the verdict.", rich_help_panel=_OUT)] = False,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", "--num-proc", metavar="N", min=1, help="Processes.", rich_help_panel=_HOW)] = None,
    debug: DEBUG = False,
) -> int:  # fmt: skip
    """Check datasets: is each of them sound, where is it not, and why?"""
    wanted = outputs(output)
    request: dict[str, Any] = {
        "format": format,
        "rules": list(rules or ()),
        "format_path": list(format_path or ()),
        "media_root": media_root,
        "allow_roots": list(allow_root or ()),
        "placeholders": list(placeholder or ()),
        "modality": modality,
        "split": split,
        "select": codes(select),
        "ignore": codes(ignore),
        "params": assignments(param),
        "probe": probe,
        "sample": sample,
        "max_findings": None if any(kind in UNCAPPED for kind, _ in wanted) else max_findings,
    }
    if jobs is not None:
        request["jobs"] = jobs
    reports, code = _check_each([list(paths)] if as_one else list(paths), request | {"as_one": as_one}, fail_on, quiet, debug)
    if reports:
        several = len(paths) > 1 and not as_one
        for kind, target in wanted:
            code = max(code, _write(reports if several else reports[0], kind, target, quiet, max_findings))
        if not quiet and all(target for _, target in wanted):
            for report in reports:
                say(f"{report.verdict.upper()} {report.path}")
    return code


def _check_each(
    datasets: list[Any], request: dict[str, Any], fail_on: str, quiet: bool, debug: bool
) -> tuple[list[Report], int]:
    """A report for each dataset, and the gravest exit code. One that cannot be opened does not stop the others."""
    from mmcheck.check import check as check_dataset
    from mmcheck.cli import itself
    from mmcheck.cli.progress import Bar

    reports: list[Report] = []
    told: list[str] = []
    code = 0
    for dataset in datasets:
        started, clock = datetime.now(UTC), time.monotonic()
        try:
            with Bar(quiet) as bar:
                report = check_dataset(dataset, **request, progress=bar.show if bar.wanted else None)
            code = max(code, report.exit_code(fail_on))
        except Exception as error:
            if debug:
                raise
            message = str(error) if isinstance(error, MmcheckError) else itself(error)
            code = max(code, error.exit_code if isinstance(error, MmcheckError) else 3)
            if message not in told:
                told.append(message)
                say(message)
            if isinstance(error, RequestError):
                continue
            report = _unopened(dataset, request, message, started, time.monotonic() - clock)
        reports.append(report)
    return reports, code


def _unopened(dataset: Any, request: dict[str, Any], message: str, started: datetime, seconds: float) -> Report:
    """The report of a dataset that could not be checked: never PASS, and the reason as a note."""
    path = " ".join(map(str, dataset)) if isinstance(dataset, list) else str(dataset)
    return Report(
        path=path,
        format=(request["format"] or "unknown").partition("@")[0],
        version=0,
        fingerprint=None,
        files=[],
        run=Run(f"{started:%Y-%m-%dT%H:%M:%SZ}", round(seconds, 3), request.get("jobs", 1), complete=False, probe=request["probe"]),
        totals=Totals(),
        rules=[],
        findings=[],
        notes=[message],
    )


def _write(report: Report | list[Report], kind: str, target: Path | None, quiet: bool, max_findings: int) -> int:
    try:
        render(report, kind, target, quiet=quiet, max_findings=max_findings)
    except OSError as error:
        say(f"{target or 'standard output'} cannot be written: {error.strerror or error}")
        return 3
    return 0
