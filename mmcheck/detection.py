"""Which format a path holds: every format says what speaks for it, and the first records are asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from mmcheck import readers
from mmcheck.errors import OpenError, RequestError
from mmcheck.format import Format, Role, load, names, newest, unreadable
from mmcheck.listing import DATA, Candidate, Listing, list_files
from mmcheck.paths import parse, places
from mmcheck.schema import Judge, without_bytes

_HEAD = 100


_MOST_FILES_FOR_DETECTION = 20


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for a format: how many of the first records are clearly of it, and which keys they have."""

    format: str
    version: int
    matched: int
    seen: int
    keys: tuple[str, ...]
    lacks: tuple[str, ...] = ()

    def __str__(self) -> str:
        said = f"{self.format}@{self.version}: {self.matched} of the first {self.seen} records fit"
        if self.keys:
            said += f"; they have {', '.join(self.keys)}"
        return said + (f", but not {', '.join(self.lacks)}" if self.lacks else "")


def detect(path: str | Path | Sequence[str | Path], format_path: Iterable[str | Path] = ()) -> list[Evidence]:
    """What each format has for it on a path, best first; formats with nothing are left out."""
    paths = [path] if isinstance(path, str | Path) else list(path)
    return _evidence(list_files(paths), list(format_path), heads_of_files())


def _evidence(listing: Listing, format_path: Sequence[str | Path], heads: Any) -> list[Evidence]:
    found = []
    for form in newest(format_path):
        name = form.name
        matched = seen = 0
        have: dict[str, None] = {}
        lack: dict[str, None] = {}
        for candidate in listing.candidates[:_MOST_FILES_FOR_DETECTION]:
            for role in roles_for(form, candidate, listing):
                fits, total, keys, lacks = fit(role, candidate.path, heads)
                matched += fits
                seen += total
                have |= dict.fromkeys(keys)
                lack |= dict.fromkeys(lacks)
        telling = tuple(key for key in have if key.strip("*.[]"))  # that a map has values tells nothing
        if matched or telling:
            missing = tuple(key for key in lack if key not in have and not matched)
            found.append(Evidence(name, form.version, matched, seen, telling, missing))
    return sorted(found, key=lambda each: (-each.matched, -len(each.keys) / (len(each.keys) + len(each.lacks) or 1)))


def roles_for(form: Format, candidate: Candidate, listing: Listing) -> list[Role]:
    """The roles that a file may be of by its name; one that is named by the user, or by the dataset, may be of any."""
    named = candidate.named or listing.shards
    roles = [
        role
        for role in form.roles.values()
        if role.fits_name(candidate.path.name) and (named or not role.fixed or candidate.path.parent == listing.root)
    ]
    return roles or [role for role in form.roles.values() if named and not role.document]


def heads_of_files() -> Any:
    @cache
    def head(path: Path, at: str | None) -> list[Any]:
        # None stands for the document as a whole.
        try:
            records = document_of(path) if at is None else readers.head(path, at, _HEAD)
        except OpenError:  # who reads the file will say so
            return []
        return [without_bytes(record) for record in records]

    return head


def fit(role: Role, path: Path, heads: Any) -> tuple[int, int, list[str], list[str]]:
    """How many of the first records are clearly of the role, of how many; the keys that speak for it, and against."""
    best: tuple[int, int, list[str], list[str]] = (0, 0, [], [])
    for at in role.at:
        records = heads(path, at) if not role.document else heads(path, None)
        if not records:
            continue
        have = [
            key for key in role.keys if any(next(places(record, parse(key)), None) is not None for record in records)
        ]
        lack = [key for key in role.keys if key not in have]
        if role.like is not None:
            judge = Judge(role.like)
            fits = sum(1 for record in records if judge.holds(record))
        else:
            fits = sum(
                1
                for record in records
                if role.keys and all(next(places(record, parse(key)), None) is not None for key in role.keys)
            )
        if role.unlike is not None:
            # A near relative may hold records that would fit: a tenth that is clearly the relative's speaks for it.
            judge = Judge(role.unlike)
            if 10 * sum(1 for record in records if judge.holds(record)) >= len(records):
                fits = 0
        if fits > best[0] or (not best[0] and len(have) > len(best[2])):
            best = (fits, len(records), have, lack)
    return best


def document_of(path: Path) -> list[Any]:
    """The one record of a small whole-file document (YAML, JSON)."""
    try:
        for batch in readers.read(path, "", document=True):
            return batch.values
    except OpenError:
        pass
    return []


def choose(listing: Listing, format_path: Sequence[str | Path], heads: Any = None) -> Format:
    """The one format that a path is clearly of. Raises RequestError naming the candidates and their evidence.

    `heads` are those of `heads_of_files`, for who will ask for them again.
    """
    found = _evidence(listing, format_path, heads or heads_of_files())
    likely = [each for each in found if each.matched]
    if likely and (len(likely) == 1 or likely[0].matched >= 10 * likely[1].matched):
        return load(f"{likely[0].format}@{likely[0].version}", format_path)
    if likely:
        told = "\n  ".join(str(each) for each in likely)
        raise RequestError(f"{listing.path} may be of several formats: choose one with --format\n  {told}")
    if all(DATA.search(candidate.file) and not _has_record(candidate.path) for candidate in listing.candidates):
        return unreadable()
    near = "\n  ".join(str(each) for each in found[:3])
    known = ", ".join(names(format_path))
    what = f"; it resembles\n  {near}" if near else f" ({_why_nothing(listing)})"
    raise RequestError(f"{listing.path} is of no known format{what}\nname one with --format: {known}")


def _has_record(path: Path) -> bool:
    """Whether any record of a file can be read; a file that cannot be told from its name may be anything."""
    try:
        return bool(readers.head(path, "", 1)) or (readers.container(path).fault is None and not _broken(path))
    except OpenError:
        return False


def _broken(path: Path) -> bool:
    """Whether the file has faults within the first records."""
    return any(batch.faults for batch in islice(readers.read(path), 1))


def _why_nothing(listing: Listing) -> str:
    first = listing.candidates[0] if listing.candidates else None
    if first is None:
        return "no data file was found"
    if not _has_record(first.path):
        return f"no record can be read from {first.file}"
    return f"no record of {first.file} has the keys of one"
