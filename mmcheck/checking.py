"""The story of a check: path → dataset → records → tables → rules → report."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mmcheck import ahead, storage
from mmcheck.cache import Cache
from mmcheck.cores import default_jobs
from mmcheck.dataset import Dataset, open_dataset
from mmcheck.errors import RequestError, nearest
from mmcheck.locate import Roots
from mmcheck.recalling import recall_of
from mmcheck.report import Report
from mmcheck.request import Progress, Request, run_times

ENGINES = ("local", "ray")
PROBES = ("auto", "none", "exists", "header", "decode")


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
    request = Request(
        rules=tuple(map(Path, rules)),
        roots=_roots(dataset, media_root, allow_roots),
        format_path=tuple(format_path),
        placeholders=tuple(placeholders),
        modality=modality,
        select=tuple(select),
        ignore=tuple(ignore),
        params=dict(params or {}),
        profile=profile,
        severity=dict(severity or {}),
        per_path={pattern: tuple(codes) for pattern, codes in (per_path or {}).items()},
        allow_python=allow_python,
        probe=probe,
        sample=sample,
        max_findings=max_findings,
        paranoid=paranoid,
        digest_media=digest_media,
        engine=engine,
    )
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(contextlib.closing(Cache(Path(cache)))) if cache is not None else None
        recall = recall_of(store, dataset, request) if store is not None else None
        known = recall.report() if recall is not None else None
        if known is not None:
            known.run = replace(known.run, **run_times(started, time.perf_counter() - clock), jobs=jobs)
            if progress is not None:
                size = sum(file.bytes for file in known.files if file.role != "ignored")
                progress(Progress(size, size, known.totals.records))
            return known
        ahead.start(dataset, request, jobs)
        from mmcheck.judging import judge  # it takes Polars, and with it most of the time of a small check

        return judge(
            dataset,
            request,
            (started, clock),
            jobs=jobs,
            address=address,
            cache=store,
            recall=recall,
            progress=progress,
        )


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
