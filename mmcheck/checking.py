"""The story of a check: path → dataset → records → tables → rules → report."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mmcheck import rulefile, storage
from mmcheck.cache import Cache
from mmcheck.cores import default_jobs
from mmcheck.dataset import Dataset, open_dataset
from mmcheck.errors import RequestError, nearest
from mmcheck.finding import Finding
from mmcheck.fingerprint import dataset_fingerprint, media_files, size_of
from mmcheck.format import Format, names
from mmcheck.gathering import Progress, gather
from mmcheck.limits import Limits
from mmcheck.locate import Locator, Roots
from mmcheck.media import Depth, Probing, depth_for
from mmcheck.plan import Plan
from mmcheck.remembering import Memory
from mmcheck.report import FileSummary, Report, Run
from mmcheck.results import ShardResult
from mmcheck.ruleset import RuleSet, build, read_profile
from mmcheck.sampling import Sampling
from mmcheck.verdicts import Judged, conclude

ENGINES = ("local", "ray")
PROBES = ("auto", "none", "exists", "header", "decode")
KINDS = ("image", "video", "audio")


def check(
    path: str | Path | Sequence[str | Path],
    *,
    format: str | None = None,
    rules: Sequence[str | Path] = (),
    format_path: Sequence[str | Path] = (),
    media_root: str | Path | None = None,
    allow_roots: Sequence[str | Path] = (),
    placeholders: Sequence[str] = (),
    modality: str | None = None,
    split: str | None = None,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    params: Mapping[str, Any] | None = None,
    profile: str | None = None,
    severity: Mapping[str, str] | None = None,
    per_path: Mapping[str, Sequence[str]] | None = None,
    splits: Mapping[str, Sequence[str]] | None = None,
    allow_python: bool = False,
    probe: str = "auto",
    sample: str | None = None,
    max_findings: int | None = 100,
    jobs: int | None = None,
    paranoid: bool = False,
    digest_media: bool = False,
    engine: str = "local",
    address: str | None = None,
    cache: str | Path | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Report:
    """Check one dataset: a file, a folder, a glob, or several files as one.

    `format` is `NAME` or `NAME@VERSION` (default: detected). `placeholders` are `TOKEN` or `KIND=TOKEN`. `probe` says
    how deep media are looked into; `auto` is as deep as the active rules need. `sample` is a number of records or a
    percentage (`"5%"`). `max_findings` caps the findings of each rule (None: all); counts are exact all the same.
    `jobs` is the number of processes that judge text or look into media (default: as many as there are cores and memory
    for). `paranoid` holds every table against its pandera contract.

    `profile` names rules for one model or purpose. `severity` overrides by code; `per_path` says, by pattern of a
    file's path, which rules do not look at it; `splits` says, by split, which files it is. `allow_python` permits
    rules that name Python code.

    `engine` is `local`, processes of this machine, or `ray`: tasks on the cluster at `address` (default: the connection
    that is there, else `RAY_ADDRESS`, else a cluster of `jobs` cores that is started for this check).

    `cache` is a folder where results of shards are kept, and taken from while nothing that they depend on has changed:
    a check that was killed goes on from there.

    `digest_media` puts size and digest of every media file into the result and its fingerprint.

    Raises RequestError (exit code 2) for a wrong request, OpenError (3) for what is missing or may not be opened.
    Faults of the data are findings of the report, never exceptions.
    """
    started = datetime.now(UTC)
    clock = time.perf_counter()
    jobs = jobs if jobs is not None else default_jobs()
    if probe not in PROBES:
        raise RequestError(f"there is no probe {probe!r}{nearest(probe, PROBES)}: {', '.join(PROBES)}")
    if jobs < 1 or (max_findings is not None and max_findings < 0):
        raise RequestError("jobs are at least 1, and max_findings at least 0")
    if cache is not None and Path(cache).exists() and not Path(cache).is_dir():
        raise RequestError(f"the cache {cache} is not a folder")
    if engine not in ENGINES:
        raise RequestError(f"there is no engine {engine!r}{nearest(engine, ENGINES)}: {', '.join(ENGINES)}")
    if address is not None and engine != "ray":
        raise RequestError(f"the address {address} is that of a Ray cluster: choose the engine ray as well")
    dataset = open_dataset(path, format=format, format_path=format_path, split=split, splits=splits)
    form = dataset.format
    ruleset = build(
        form,
        [rulefile.read(Path(file)) for file in rules],
        profile=read_profile(profile) if profile else None,
        params=params,
        severity=severity,
        select=select,
        ignore=ignore,
        allow_python=allow_python,
        known_formats=names(format_path),
    )
    _known_kind(modality, form, ruleset)
    depth = _depth(probe, ruleset, dataset)
    if digest_media and depth == "none":
        if probe == "none":
            raise RequestError("media are to be left alone (probe none) and to be digested: choose one")
        depth = "exists"
    sampling = Sampling.parse(sample, dataset) if sample else None
    plan = Plan(
        root=dataset.root,
        format=form,
        rules=ruleset,
        placeholders=_placeholders(form, placeholders),
        max_findings=max_findings,
        probing=Probing(
            _roots(dataset, media_root, allow_roots),
            depth,
            Limits.of(ruleset.params),
            modality,
            digests=any("digest" in rule.reads for rule in ruleset.active()) and _splits(dataset) > 1,
            keep_paths=digest_media,
            identify=cache is not None,
        ),
        keep=sampling.keep if sampling else None,
        paranoid=paranoid,
        exemptions=ruleset.exemptions(per_path or {}),
        limits=Limits.of(ruleset.params),
    )
    memory = Memory(Cache(Path(cache)), plan) if cache is not None and Memory.possible(plan) else None
    try:
        result = gather(dataset, plan, jobs, progress, engine, address, memory)
    finally:
        if memory is not None:
            memory.cache.close()
    judged = conclude(
        result, ruleset, form, depth, max_findings, sampled=sampling is not None, exempt=plan.exempt, root=dataset.root
    )
    locator = Locator(plan.probing.roots)
    judged.findings = [_with_root(finding, locator, dataset.root) for finding in judged.findings]
    report = _report(dataset, plan, judged, result, started, clock, sampling, jobs, engine)
    if memory is not None and memory.works:
        report.remembered = (memory.taken, memory.taken + memory.judged)
    return report


def _shown(dataset: Dataset) -> str:
    """The root as the path was written: absolute, or seen from the working directory."""
    absolute = os.path.isabs(dataset.path) or storage.is_remote(dataset.root)
    return str(dataset.root) if absolute else os.path.relpath(dataset.root)


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


def _roots(dataset: Dataset, media_root: str | Path | None, allow_roots: Sequence[str | Path]) -> Roots:
    root = storage.absolute(media_root) if media_root is not None else None
    if root is not None and not storage.is_folder(root):
        raise RequestError(f"the media root {media_root} is not a folder")
    for folder in allow_roots:
        if not storage.is_folder(storage.given(folder)):
            raise RequestError(f"the folder {folder} that media may be read from is not there")
    return Roots(
        dataset=dataset.root,
        media_root=root,
        allowed=tuple(storage.absolute(path) for path in allow_roots),
        fixed=dataset.format.fixed_media_root,
    )


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


def run_times(started: datetime, seconds: float) -> dict[str, Any]:
    """The time fields of a run; `SOURCE_DATE_EPOCH` fixes them, so that two runs over the same bytes are the same."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if epoch.isdecimal():
        with contextlib.suppress(ValueError, OverflowError, OSError):  # a time that no calendar knows fixes nothing
            started, seconds = datetime.fromtimestamp(int(epoch), UTC), 0.0
    return {"started": started.strftime("%Y-%m-%dT%H:%M:%SZ"), "seconds": round(seconds, 3)}


def _report(
    dataset: Dataset,
    plan: Plan,
    judged: Judged,
    result: ShardResult,
    started: datetime,
    clock: float,
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
            **run_times(started, time.perf_counter() - clock),
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
        root=_shown(dataset),
    )
