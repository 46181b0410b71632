"""The media table meets the files: each medium is located, and each distinct one probed once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import polars as pl

from mmcheck.cache import Cache, identity
from mmcheck.cache import key as cache_key
from mmcheck.cells import constant
from mmcheck.contracts import TABLES
from mmcheck.expression import dtype
from mmcheck.limits import Limits
from mmcheck.locate import Location, Locator, Roots
from mmcheck.probe.apart import Looked, Manner, Medium, Pool
from mmcheck.probe.facts import Facts
from mmcheck.storage import file_size

Depth = Literal["none", "exists", "header", "decode"]

_LOOKED = [column for column in TABLES["media"].columns if column.depth is not None]
_ORDER: tuple[Depth, ...] = ("none", "exists", "header", "decode")
_OF_LOCATION = ("absolute", "escapes", "in_parent", "found")
_MOST_KNOWN = 300_000
_AT_ONCE = 512


def depth_for(columns: set[str]) -> Depth:
    """The least depth that fills these columns of the media table."""
    needed = [column.depth for column in _LOOKED if column.name in columns and column.depth]
    return max(needed, key=_ORDER.index, default="none")


def reaches(depth: Depth, column: str) -> bool:
    """Whether a probe of this depth fills a column of the media table."""
    wanted = TABLES["media"].column(column)
    return wanted is None or wanted.depth is None or _ORDER.index(wanted.depth) <= _ORDER.index(depth)


@dataclass(frozen=True, slots=True)
class Probing:
    """How the media of a check are looked for and into.

    `keep_paths` keeps the paths of all that are there, `identify` also what tells that they are what they were.
    """

    roots: Roots
    depth: Depth = "none"
    limits: Limits = Limits()  # noqa: RUF009  # frozen
    modality: str | None = None
    digests: bool = False
    keep_paths: bool = False
    identify: bool = False

    @property
    def opens(self) -> bool:
        """Whether media are opened, and not only looked for."""
        return self.depth in ("header", "decode")

    def pool(self, children: int) -> Pool | None:
        """The processes that open media, where any is to be opened."""
        if not self.opens:
            return None
        return Pool(children, self.manner)

    @property
    def manner(self) -> Manner:
        """How the media are opened."""
        return Manner("decode" if self.depth == "decode" else "header", self.limits, self.digests)


@dataclass(slots=True)
class Seen:
    """What a batch's media come to: the table with the columns that the probe fills, and what adds up over batches.

    `distinct` holds hashes of what was referred to; `inlined` counts media that records bring; `died` tells of media
    whose look was not survived. `files` says by which identity every file was seen, `absent` where there was none;
    `settled`, that these two tell all, and that no file is too young to be told from its next version.
    """

    media: pl.DataFrame
    distinct: pl.Series
    inlined: int
    paths: set[str]
    died: list[str]
    files: dict[str, tuple[int, ...]]
    settled: bool
    absent: set[str]


_NOWHERE, _BROUGHT, _NOTHING = Location(), Location(found=True), Looked(Facts())
#: A look that is done, or the future list that holds it, and its place there.
_Answer = Looked | tuple[Future[list[Looked]], int]


class Prober:
    """Looks into the media of one dataset, each distinct file once."""

    def __init__(self, probing: Probing, pool: Pool | None, cache: Cache | None = None) -> None:
        self.locator, self.probing = Locator(probing.roots), probing
        self._pool, self.cache = pool, cache
        self._manner = cache_key("medium", probing.manner) if cache is not None else b""
        self._identities: dict[str, tuple[int, ...] | None] = {}
        self._known: dict[tuple[str, str | None], _Answer] = {}

    @property
    def apart(self) -> bool:
        """Whether other processes look, so that there is something else to do meanwhile."""
        return self._pool is not None

    def look(self, media: pl.DataFrame, blobs: Sequence[Any], folder: Path) -> Look:
        """Begin to look into a batch's media. `folder` is that of the annotation file."""
        rows: list[tuple[Any, ...]] = []
        if self.probing.depth != "none":
            rows = media.select("source", "storage", "kind", "_blob", "_name").rows()
        self.locator.expect((row[0] for row in rows if row[1] == "path" and self._wanted(row[2])), folder)
        look = Look(self, media, rows)
        for start in range(0, len(rows), _AT_ONCE):  # others look into these while the next ones are located
            self._begin(look, rows[start : start + _AT_ONCE], blobs, folder)
        return look

    def _begin(self, look: Look, rows: list[tuple[Any, ...]], blobs: Sequence[Any], folder: Path) -> None:
        """Begin to look into some of a batch's media."""
        locations = [self._locate(row, folder) for row in rows]
        if self.probing.identify:
            look.files |= {
                place.path: self._identity(place.path) for place in locations if place is not None and place.path
            }
        if self._pool is None:
            look.answers += [_size(location, row, blobs) for location, row in zip(locations, rows, strict=True)]
        else:
            look.answers += self._asked(self._pool, look, rows, locations, blobs)
        look.locations += locations

    def _identity(self, path: str) -> tuple[int, ...] | None:
        if path not in self._identities:
            if len(self._identities) > _MOST_KNOWN:
                self._identities.clear()
            self._identities[path] = identity(path)
        return self._identities[path]

    def _wanted(self, kind: str | None) -> bool:
        return self.probing.modality is None or kind == self.probing.modality

    def _locate(self, row: tuple[Any, ...], folder: Path) -> Location | None:
        """Where a medium is; None for one that the record brings, and for one that is of no interest."""
        source, storage, kind, _, _ = row
        if storage in ("bytes", "base64"):
            return None
        if storage == "null" or source == "":
            return _NOWHERE
        if not self._wanted(kind):
            return None
        return self.locator.locate(source, folder, is_id=storage == "id", kind=kind)

    def _asked(
        self,
        pool: Pool,
        look: Look,
        rows: list[tuple[Any, ...]],
        locations: Sequence[Location | None],
        blobs: Sequence[Any],
    ) -> list[_Answer]:
        """The answers about media, into which those are looked that nobody has looked into yet."""
        if len(self._known) > _MOST_KNOWN:  # bounded: what is forgotten is looked into again
            self._known.clear()
        keys = [
            None if location is None or location.path is None else (location.path, row[2])
            for location, row in zip(locations, rows, strict=True)
        ]
        names = self._remember(keys, look)
        fresh = [key for key in dict.fromkeys(keys) if key is not None and key not in self._known]
        inline = [number for number, row in enumerate(rows) if row[3] is not None and self._wanted(row[2])]
        asked = pool.look(
            [
                *(Medium(*key) for key in fresh),
                *(Medium(blobs[rows[n][3]], rows[n][2], rows[n][4], rows[n][1]) for n in inline),
            ]
        )
        self._known.update(zip(fresh, asked, strict=False))
        answers = [_NOTHING if key is None else self._known[key] for key in keys]
        for number, answer in zip(inline, asked[len(fresh) :], strict=True):
            answers[number] = answer
        if self.cache is not None:
            self._keep({name: asked[n] for n, key in enumerate(fresh) if (name := names[key]) is not None})
        return answers

    def _keep(self, asked: Mapping[bytes, tuple[Future[list[Looked]], int]]) -> None:
        """Have answers kept as soon as they are there: whatever ends the check, they were not in vain."""
        by_future: dict[Future[list[Looked]], dict[bytes, int]] = {}
        for name, (answers, place) in asked.items():
            by_future.setdefault(answers, {})[name] = place
        for answers, names in by_future.items():
            answers.add_done_callback(partial(self._store, names))

    def _store(self, names: Mapping[bytes, int], answers: Future[list[Looked]]) -> None:
        if self.cache is not None and not answers.cancelled() and answers.exception() is None:
            looked = answers.result()
            kept = {name: looked[place] for name, place in names.items() if looked[place].died is None}
            self.cache.put(kept, soon=True)

    def _remember(
        self, keys: Sequence[tuple[str, str | None] | None], look: Look
    ) -> dict[tuple[str, str | None], bytes | None]:
        """Take what the cache knows of files that this prober has not come across; the names of these in the cache."""
        if self.cache is None:
            return {}
        fresh = [key for key in dict.fromkeys(keys) if key is not None and key not in self._known]
        names = {key: self._name(key, look) for key in fresh}
        known = self.cache.get(name for name in names.values() if name is not None)
        for key, name in names.items():
            if isinstance(found := known.get(name or b""), Looked):
                self._known[key] = found
        return names

    def _name(self, key: tuple[str, str | None], look: Look) -> bytes | None:
        """The cache's key for a file; None for one that nothing can tell."""
        known = look.files.get(key[0])
        return None if known is None else cache_key(self._manner, key, known)


def _size(location: Location | None, row: tuple[Any, ...], blobs: Sequence[Any]) -> Looked:
    """What is known of a medium that nobody opens."""
    if location is None:
        return Looked(Facts(bytes=len(blobs[row[3]]))) if row[3] is not None else _NOTHING
    if location.path is None:
        return _NOTHING
    try:
        return Looked(Facts(bytes=file_size(location.path)))
    except OSError:
        return _NOTHING


@dataclass(slots=True)
class Look:
    """A look into the media of a batch that was begun.

    `files` holds the identity of each file before it was looked into.
    """

    prober: Prober
    media: pl.DataFrame
    rows: list[tuple[Any, ...]]
    locations: list[Location | None] = field(default_factory=list)
    answers: list[_Answer] = field(default_factory=list)
    files: dict[str, tuple[int, ...] | None] = field(default_factory=dict)

    def done(self) -> Seen:
        """What was found, as soon as all of it was looked into."""
        media, probing = self.media, self.prober.probing
        if probing.depth == "none":
            columns = [constant(column.name, None, column.kind, media.height) for column in _LOOKED]
            return Seen(
                media.with_columns(columns),
                _hashes(media["source"]),
                media["_blob"].count(),
                set(),
                [],
                {},
                True,
                set(),
            )
        looked = [_answer(each) for each in self.answers]
        places = [
            location or (_BROUGHT if row[3] is not None and each is not _NOTHING else _NOWHERE)
            for location, row, each in zip(self.locations, self.rows, looked, strict=True)
        ]
        files = {location.path for location in places if location.path is not None}
        others = {row[0] for row, place in zip(self.rows, places, strict=True) if row[0] and place.path is None}
        died = [
            f"{row[0] or row[4] or 'a medium'}: {each.died}: it was not judged"
            for row, each in zip(self.rows, looked, strict=True)
            if each.died is not None
        ]
        return Seen(
            media.with_columns(_columns(places, looked)),
            _hashes(pl.Series([*files, *others], dtype=pl.String)),
            media["_blob"].count(),
            files if probing.keep_paths else set(),
            list(dict.fromkeys(died)),
            {path: known for path, known in self.files.items() if known is not None},
            None not in self.files.values() and all(place.settled for place in places),
            {path for place in places for path in place.absent} if probing.identify else set(),
        )


def _answer(answer: _Answer) -> Looked:
    return answer if isinstance(answer, Looked) else answer[0].result()[answer[1]]


def _hashes(sources: pl.Series) -> pl.Series:
    return (sources.drop_nulls() if sources.null_count() else sources).hash(97)


def _columns(places: list[Location], looked: list[Looked]) -> list[pl.Series]:
    """The columns that the probe fills."""
    facts = [each.facts for each in looked]
    columns: dict[str, list[Any]] = {name: [getattr(place, name) for place in places] for name in _OF_LOCATION}
    told = zip(*facts, strict=True) if facts else [()] * len(Facts._fields)
    columns |= {name: list(found) for name, found in zip(Facts._fields, told, strict=True)}
    columns["skipped"] = [
        (fact.detail or "not supported") if fact.defect == "unsupported" or _partly(fact) else place.skipped
        for place, fact in zip(places, facts, strict=True)
    ]
    columns["pixels"] = [
        None if fact.width is None or fact.height is None else fact.width * fact.height for fact in facts
    ]
    columns["base64_flaw"] = [each.flaw for each in looked]
    columns["base64_loads"] = [each.loads for each in looked]
    known = [fact is not _NOTHING.facts for fact in facts]
    columns["decoded"] = [fact.decoded if each else None for fact, each in zip(facts, known, strict=True)]
    return [pl.Series(column.name, columns[column.name], dtype=dtype(column.kind)) for column in _LOOKED]


def _partly(facts: Facts) -> bool:
    """Whether the probe gave up before the end of a long medium, and says so."""
    return facts.defect is None and not facts.decoded and facts.detail is not None
