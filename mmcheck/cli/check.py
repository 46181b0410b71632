"""`mmcheck check`: one or more datasets, one verdict each, and every output that was asked for."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmcheck.cache import default_folder
from mmcheck.cli import options as o
from mmcheck.cli.say import exit_code, say, sentence, trace
from mmcheck.errors import MmcheckError, RequestError
from mmcheck.locate import has_media_suffix
from mmcheck.report import Report, Run, Totals
from mmcheck.reporters import UNCAPPED, render

if TYPE_CHECKING:
    from mmcheck.cli.known import Known
    from mmcheck.cli.settings import Job


def check(
    *,
    paths: list[Path],
    as_one: bool,
    placeholder: list[str],
    allow_root: list[Path],
    select: list[str],
    ignore: list[str],
    param: list[str],
    output: list[str],
    max_findings: int,
    fail_on: str | None,
    config: Path | None,
    baseline: Path | None,
    write_baseline: Path | None,
    prune_baseline: bool,
    quiet: bool,
    jobs: int | None,
    attest: str | None,
    no_thumbnails: bool,
    cache: Path | None,
    no_cache: bool,
    resume: bool,
    **same: Any,
) -> int:
    """Check datasets. `same` are the options that the engine has by the same name."""
    from mmcheck.cli import known, settings

    configured = settings.find(config)
    wanted = [*o.outputs(output), *(o.outputs([f"attest={attest}"]) if attest else [])]
    if not output and configured.outputs:
        wanted += o.outputs(f"{kind}={target}" for kind, target in configured.outputs.items())
    baselines = known.Known(baseline or configured.baseline, write_baseline, prune_baseline)
    if no_cache and (cache is not None or resume):
        raise RequestError(f"--no-cache keeps nothing: leave out {'--resume' if resume else '--cache'}")
    request: dict[str, Any] = {
        **same,
        "cache": None if no_cache else cache or default_folder(),
        "allow_roots": allow_root,
        "placeholders": placeholder,
        "select": o.codes(select),
        "ignore": o.codes(ignore),
        "params": o.assignments(param),
        "max_findings": None if baselines.wanted or any(kind in UNCAPPED for kind, _ in wanted) else max_findings,
    }
    if jobs is not None:
        request["jobs"] = jobs
    jobs_to_do = settings.jobs(paths, as_one, request, configured)
    reports, code = check_each(jobs_to_do, baselines, fail_on or configured.fail_on or "error", quiet)
    if code < 2 or reports:
        code = max(code, _closed(baselines))
    if resume:
        for report in reports:
            say(_taken_over(report))
    if reports:
        several = len(jobs_to_do) > 1
        if no_thumbnails:
            reports = [replace(report, picture_roots=()) for report in reports]
        for kind, target in wanted:
            code = max(code, _write(reports if several else reports[0], kind, target, quiet, max_findings))
        if not quiet and all(target for _, target in wanted):
            for report in reports:
                say(f"{report.verdict.upper()} {report.path}")
                for note in () if report.run.complete else report.notes:
                    say(note)
    return code


def _taken_over(report: Report) -> str:
    """How much of an earlier check of the same dataset this one could take over."""
    if report.remembered is None:
        why = "the cache cannot be written, or it is a sample, or rules run Python"
        return f"{report.path}: nothing is kept of this check, and nothing known ({why})"
    known, of = report.remembered
    if not known:
        return f"{report.path}: no part was judged before with these rules; media that are known are not opened again"
    return f"{report.path}: {known} of {of} parts were judged before, and taken over"


def _closed(baselines: Known) -> int:
    """Write the baseline; where that cannot be done the outputs are written all the same."""
    try:
        baselines.close()
    except MmcheckError as error:
        say(str(error))
        return error.exit_code
    return 0


def check_each(jobs: list[Job], baselines: Known, fail_on: str, quiet: bool) -> tuple[list[Report], int]:
    """A report for each dataset, and the gravest exit code. One that cannot be opened does not stop the others."""
    from mmcheck.checking import check as check_dataset
    from mmcheck.cli.progress import Bar

    reports: list[Report] = []
    told: list[str] = []
    code = 0
    for job in jobs:
        started, clock = datetime.now(UTC), time.monotonic()
        try:
            with Bar(quiet) as bar:
                report = baselines.apply(
                    check_dataset(job.dataset, **job.request, progress=bar.show if bar.wanted else None)
                )
            code = max(code, report.exit_code(fail_on))
        except Exception as error:
            trace(error)
            message = sentence(error)
            code = max(code, exit_code(error))
            if message not in told:
                told.append(message)
                say(message)
            if isinstance(error, RequestError):
                continue
            report = _unopened(job.dataset, job.request, message, started, time.monotonic() - clock)
        reports.append(report)
    return reports, code


def _unopened(dataset: Any, request: dict[str, Any], message: str, started: datetime, seconds: float) -> Report:
    """The report of a dataset that could not be checked: never PASS, and the reason as a note."""
    from mmcheck.request import run_times

    path = " ".join(map(str, dataset)) if isinstance(dataset, list) else str(dataset)
    return Report(
        path=path,
        format=(request["format"] or "unknown").partition("@")[0],
        version=0,
        fingerprint=None,
        files=[],
        run=Run(
            **run_times(started, seconds),
            jobs=request.get("jobs", 1),
            engine=request["engine"],
            complete=False,
            probe=request["probe"],
        ),
        totals=Totals(),
        rules=[],
        findings=[],
        notes=[message],
    )


def _spare(reports: Report | list[Report], target: Path | None) -> None:
    """Raise RequestError where an output would replace a file that was judged."""
    for report in reports if isinstance(reports, list) else [reports]:
        judged = [report.path, *(os.path.join(report.root, each.file) for each in report.files)]
        if target is not None and os.path.realpath(target) in map(os.path.realpath, judged):
            raise RequestError(f"{target} is a file of the dataset: name another one")
        if target is not None and target.is_file() and has_media_suffix(target.name):
            raise RequestError(f"{target} is there, and its name is that of a medium: name another one")


def _write(report: Report | list[Report], kind: str, target: Path | None, quiet: bool, max_findings: int) -> int:
    try:
        _spare(report, target)
        render(report, kind, target, quiet=quiet, max_findings=max_findings)
    except OSError as error:
        say(f"{target or 'standard output'} cannot be written: {error.strerror or error}")
        return 3
    except Exception as error:  # nothing to attest, a card whose markers do not pair: the other outputs are written
        trace(error)
        say(f"{kind}: {sentence(error)}")
        return exit_code(error)
    return 0
