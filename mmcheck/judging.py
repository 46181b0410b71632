"""A dataset that was opened is judged: rules and plan, the gathering of all results, and the report of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from mmcheck import rulefile
from mmcheck.cache import Cache
from mmcheck.dataset import Dataset
from mmcheck.errors import RequestError, nearest
from mmcheck.finding import Finding
from mmcheck.fingerprint import dataset_fingerprint, media_files, size_of
from mmcheck.format import Format, names
from mmcheck.gathering import gather
from mmcheck.limits import Limits
from mmcheck.locate import Locator
from mmcheck.media import Depth, Probing, depth_for
from mmcheck.plan import Plan
from mmcheck.recalling import Recall
from mmcheck.remembering import Memory
from mmcheck.report import FileSummary, Report, Run
from mmcheck.request import KINDS, Progress, Request, run_times, shown
from mmcheck.results import ShardResult
from mmcheck.ruleset import RuleSet, build, read_profile
from mmcheck.sampling import Sampling
from mmcheck.verdicts import Judged, conclude


def judge(
    dataset: Dataset,
    request: Request,
    started: tuple[datetime, float],
    *,
    jobs: int,
    address: str | None,
    cache: Cache | None,
    recall: Recall | None,
    progress: Callable[[Progress], None] | None,
) -> Report:
    """The report of a dataset. `started` is when the check began, by the calendar and by the performance counter.

    What is found is kept in the `cache`, and the report by `recall`, where they are given and all of it can be kept.
    """
    form = dataset.format
    ruleset = build(
        form,
        [rulefile.read(file) for file in request.rules],
        profile=read_profile(request.profile) if request.profile else None,
        params=request.params,
        severity=request.severity,
        select=request.select,
        ignore=request.ignore,
        allow_python=request.allow_python,
        known_formats=names(request.format_path),
    )
    _known_kind(request.modality, form, ruleset)
    depth = _depth(request.probe, ruleset, dataset)
    if request.digest_media and depth == "none":
        if request.probe == "none":
            raise RequestError("media are to be left alone (probe none) and to be digested: choose one")
        depth = "exists"
    sampling = Sampling.parse(request.sample, dataset) if request.sample else None
    plan = Plan(
        root=dataset.root,
        format=form,
        rules=ruleset,
        placeholders=_placeholders(form, request.placeholders),
        max_findings=request.max_findings,
        probing=Probing(
            request.roots,
            depth,
            Limits.of(ruleset.params),
            request.modality,
            digests=any("digest" in rule.reads for rule in ruleset.active()) and _splits(dataset) > 1,
            keep_paths=request.digest_media,
            identify=cache is not None,
        ),
        keep=sampling.keep if sampling else None,
        paranoid=request.paranoid,
        exemptions=ruleset.exemptions(request.per_path),
        limits=Limits.of(ruleset.params),
    )
    memory = Memory(cache, plan) if cache is not None and Memory.possible(plan) else None
    result = gather(dataset, plan, jobs, progress, request.engine, address, memory)
    judged = conclude(
        result,
        ruleset,
        form,
        depth,
        request.max_findings,
        sampled=sampling is not None,
        exempt=plan.exempt,
        root=dataset.root,
    )
    locator = Locator(plan.probing.roots)
    judged.findings = [_with_root(finding, locator, dataset.root) for finding in judged.findings]
    report = _report(dataset, plan, judged, result, started, sampling, jobs, request.engine)
    if memory is not None and memory.works:
        report.remembered = (memory.taken, memory.taken + memory.judged)
        if recall is not None and memory.whole and not ruleset.active("folder"):
            recall.keep(report, memory.names)
    return report


def _known_kind(kind: str | None, form: Format, ruleset: RuleSet) -> None:
    """Refuse a kind of media that nothing can have: media would be left alone because of a slip of the hand."""
    lists = [value for value in ruleset.params.values() if isinstance(value, list | tuple)]
    specs = [spec for role in form.roles.values() for plan in role.plans for spec in plan.specs]
    known = [
        *KINDS,
        *form.placeholders.values(),
        *(spec.kind for spec in specs),
        *(kind for each in lists for kind in each),
    ]
    names = [each.strip("'") for each in known if isinstance(each, str)]
    if kind is not None and kind not in names:
        raise RequestError(f"no medium is of the kind {kind!r}{nearest(kind, names)}: {', '.join(KINDS)}")


def _depth(probe: str, ruleset: RuleSet, dataset: Dataset) -> Depth:
    if probe != "auto":
        return probe  # type: ignore[return-value]
    columns: set[str] = set()
    for rule in ruleset.active():
        if rule.stanza.table == "media":
            columns |= rule.reads
        elif rule.stanza.table == "order":
            columns |= {name for piece in dataset.format.evidence for name in piece.measured}
    return depth_for(columns)


def _with_root(finding: Finding, locator: Locator, root: Path) -> Finding:
    """Where every medium is missing, the folder below which the first one would be found, if there is one."""
    if finding.rule != "MM020" or finding.value is None:
        return finding
    locator.locate(finding.value, (root / (finding.file or ".")).parent, is_id=False, kind=None)
    parent = locator.seen_in_parent(finding.value)
    if parent is not None:
        return replace(finding, hint=f"it is below {parent}, where the format's loader does not look")
    if finding.count is None:
        return finding
    works = locator.root_that_works(finding.value)
    return finding if works is None else replace(finding, hint=f"they are there below {works}: --media-root {works}")


def _splits(dataset: Dataset) -> int:
    return len({file.split for file in dataset.files if file.split})


def _placeholders(form: Format, given: Sequence[str]) -> dict[str, str | None]:
    """The format's placeholders with those of the user in their place: `TOKEN` for all, or `KIND=TOKEN`."""
    if not given:
        return dict(form.placeholders)
    kinds = {kind for kind in form.placeholders.values() if kind is not None}
    chosen = dict(form.placeholders)
    for text in given:
        kind, sign, token = text.partition("=")
        if sign and (kind in kinds or kind in KINDS) and token:
            chosen = {old: its for old, its in chosen.items() if its != kind} | {token: kind}
        elif not text:
            raise RequestError("a placeholder is a token or KIND=TOKEN, not an empty text")
        elif token and kind.isalpha() and (near := nearest(kind, {*kinds, *KINDS})):
            raise RequestError(f"the placeholder {text!r} is for no kind of media{near}")
        else:
            # A token alone is the format's one placeholder, or that of images where it has several.
            of = next(iter(kinds), None) if len(kinds) < 2 else "image"
            chosen = {old: its for old, its in chosen.items() if its != of} | {text: of}
    return chosen


def _report(
    dataset: Dataset,
    plan: Plan,
    judged: Judged,
    result: ShardResult,
    started: tuple[datetime, float],
    sampling: Sampling | None,
    jobs: int,
    engine: str,
) -> Report:
    totals = judged.totals
    totals.records, totals.invalid_records = result.records, result.invalid
    if not any(row["role"] == "samples" for row in result.files):  # an images table alone
        totals.records = sum(row["records"] or 0 for row in result.files)
    totals.media, totals.distinct_media = result.media, len(result.distinct) + result.inlined
    files = [
        FileSummary(row["file"], row["role"], row["bytes"] or 0, row["records"], row["digest"]) for row in result.files
    ]
    files += media_files(sorted(result.paths), dataset.root, jobs)
    # What was passed over in the folder may have been read all the same, because a file of the dataset names it.
    read = {row["file"] for row in result.files}
    ignored = {file: why for file, why in dataset.ignored.items() if file not in read}
    files += [FileSummary(file, "ignored", size_of(dataset.root / file), 0) for file in ignored]
    notes = [f"{file} was not looked at: {why}" for file, why in ignored.items()]
    return Report(
        path=dataset.path,
        format=plan.format.name,
        version=plan.format.version,
        fingerprint=dataset_fingerprint(files),
        files=files,
        run=Run(
            **run_times(started[0], time.perf_counter() - started[1]),
            jobs=jobs,
            engine=engine,
            complete=judged.complete,
            probe=plan.probing.depth,
            sampled=sampling.to_dict() if sampling else None,
            rules_digest=plan.rules.digest,
        ),
        totals=totals,
        rules=judged.rules,
        findings=judged.findings,
        notes=[*notes, *judged.notes],
        statistics=result.statistics.to_dict(),
        picture_roots=plan.probing.roots.own(),
        root=shown(dataset),
    )
