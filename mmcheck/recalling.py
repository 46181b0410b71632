"""A check of which nothing has changed need not be done again: its report is kept, and found without the engine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mmcheck import cache, rulefile, ruleset
from mmcheck.cache import Cache
from mmcheck.dataset import Dataset
from mmcheck.errors import MmcheckError
from mmcheck.fingerprint import size_of
from mmcheck.format import names
from mmcheck.grounds import Grounds
from mmcheck.report import Report
from mmcheck.request import Request, shown
from mmcheck.resources import folder

#: More findings are not kept once more: the results of the shards hold them as well.
_MOST_FINDINGS = 10_000


@dataclass(frozen=True, slots=True)
class _Kept:
    """A report, and the names under which the grounds of its parts are kept."""

    report: Report
    parts: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Recall:
    """The report of one dataset and request in a cache, by all that it depends on beside its grounds."""

    cache: Cache
    name: bytes

    def report(self) -> Report | None:
        """The report that was kept, if all that it rests on is as it was."""
        kept = self.cache.get([self.name]).get(self.name)
        if not isinstance(kept, _Kept):
            return None
        grounds = self.cache.get(kept.parts)
        if not all(isinstance(each, Grounds) and each.hold() for each in map(grounds.get, kept.parts)):
            return None
        return replace(kept.report, remembered=(len(kept.parts), len(kept.parts)))

    def keep(self, report: Report, parts: Sequence[bytes]) -> None:
        """Keep a report whose parts are all kept."""
        # Where media are missing the report tells of folders in which they might be.
        missing = any(finding.rule == "MM020" for finding in report.findings)
        if report.run.complete and not missing and len(report.findings) <= _MOST_FINDINGS:
            self.cache.put({self.name: _Kept(report, tuple(parts))})


def recall_of(store: Cache, dataset: Dataset, request: Request) -> Recall | None:
    """The place of the report of a dataset; None where it depends on more than can be told without judging it."""
    if request.sample or request.paranoid or request.digest_media or request.engine != "local" or not store.works:
        return None
    form = dataset.format
    files = [(file, cache.identity(file.path)) for file in dataset.files]
    if any(known is None for _, known in files):
        return None
    try:
        texts = [path.read_bytes() for path in (form.path, form.schema_path, *_rules(request))]
    except (OSError, MmcheckError):  # who judges will say so
        return None
    name = cache.key(
        "check",
        request,
        (dataset.path, str(dataset.root), shown(dataset)),
        files,
        dataset.faults,
        [(file, why, size_of(dataset.root / file)) for file, why in dataset.ignored.items()],
        (form.name, form.version, str(form.path)),
        texts,
        names(request.format_path),
    )
    return Recall(store, name)


def _rules(request: Request) -> Iterable[Path]:
    """The files of the rules: what every format shares, the profile's and the user's, with what they extend."""
    yield from (folder("rules") / f"{name}.yaml" for name in ("core", "common"))
    files = [rulefile.read(path) for path in request.rules]
    if request.profile:
        files.append(ruleset.read_profile(request.profile))
    for file in files:
        yield from (each.path for each in ruleset.extended(file))
