"""Transcribes files: records of one format in, records of another out, each accounted for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from mmcheck import readers
from mmcheck.accounts import Account, Rejected, Silent
from mmcheck.clipping import Cutter
from mmcheck.convert import BY_ID, HUB, Options
from mmcheck.convert import layout as layouts
from mmcheck.convert.mimic_it import with_key
from mmcheck.convert.residue import residue_of
from mmcheck.cores import CONVERSION_WORTH
from mmcheck.crew import Crew
from mmcheck.dataset import DataFile
from mmcheck.encoding import SERVE, Encoding, Written
from mmcheck.errors import RequestError
from mmcheck.readers import Fault
from mmcheck.readers.jsonl import no_gc
from mmcheck.recasting import Change, Recaster, Way
from mmcheck.relocating import Relocator, relocator
from mmcheck.storing import SHARD, Embedder, Extractor, SaveToDisk, no_bytes
from mmcheck.target_tables import Table, hub_schema
from mmcheck.writers import Writer, open_writer
from mmcheck.writers.shards import Shards
from mmcheck.writers.text import JsonArray, JsonLines

EMBEDDED = 16 << 20
"""How many bytes of media are held at once, unless one record has more."""
LARGE = CONVERSION_WORTH
"""How many bytes a file has at least that is worth starting processes for."""
PART = 2 << 20
"""How many bytes of it a process is given at once."""


class Transcriber:
    """Writes files of the target, which will be in the folder `home`; `jobs` processes take part where files are large.

    What belongs beside the files is renamed when `stack` ends.
    """

    def __init__(
        self,
        way: Way,
        account: Account,
        stack: ExitStack,
        root: Path,
        home: Path,
        *,
        jobs: int = 1,
        media_root: Path | None = None,
    ) -> None:
        self.way, self._account, self._stack, self._root = way, account, stack, root
        self._home, self._jobs, self._media_root = home, jobs, media_root
        self._extract: Extractor | None = None
        self._cutter: Cutter | None = None
        self._crew: Crew | None = None
        self._table: Table | None = None

    def extract_to(self, folder: Path, prefix: str) -> None:
        """Write media that are bytes to files below `folder`."""
        self._extract = Extractor(folder, prefix)

    def cut_to(self, folder: Path, prefix: str) -> None:
        """Cut the clips that records speak of out of their videos, to files below `folder`."""
        self._cutter = Cutter(folder, prefix, self._account.summary.clips, self._media_root)

    def file(
        self, path: Path, files: list[DataFile], container: str, beside: Path, *, optional: bool = False
    ) -> list[str]:
        """Transcribe some files into one at `path`, and its residue to `beside`; the names of the files written.

        Where no record can be written, an `optional` file is not written either.
        """
        writer = None
        carried = layouts.read(layouts.beside(files[0].path))
        self.way = way = replace(self.way, native=self._native(files[0], carried))
        kept = layouts.of_file(files[0].path, files[0].at, way.source)
        options = replace(way.options, header=kept.header)
        with _held(container):
            schema = self._schema(files, container, options)
        with no_gc():  # records have no cycles
            for file in files:
                if file is not files[0]:
                    options = self._beside(file, kept)
                for made in self._made(file, options, container):
                    if writer is None:
                        writer = self._open(path, container, carried, kept, made, schema)
                        self._count_beside(kept, _first(made))
                    if isinstance(made, Written):
                        assert isinstance(writer, JsonLines | JsonArray | Shards)
                        writer.write_encoded(made.text)
                        self._account.summary.written += made.count
                    else:
                        with _held(container):
                            writer.write(made if self._table is None else self._table.rows(made))
                        self._account.summary.written += len(made)
        if writer is None and optional:
            return []
        if writer is None:
            writer = self._open(path, container, carried, kept, [], schema)
        with _held(container):
            writer.close()
        if self._table is not None:
            self._account.count_lost(self._table.lost)
        if way.residue and HUB in (way.source, way.target) and way.source != way.target:
            if way.target == HUB and (kept.header or kept.columns):
                layouts.write(beside, kept)
            elif way.target != HUB and way.native and container != "arrow":
                layouts.write(beside, layouts.FileResidue(HUB))
        return writer.files if isinstance(writer, Shards) else [path.name]

    def _beside(self, file: DataFile, kept: layouts.FileResidue) -> Options:
        """The options for a file that follows another one, whose residue is `kept`: what it has beside the records."""
        header = layouts.of_file(file.path, file.at, self.way.source).header
        for name, value in header.items():
            if name not in kept.header or kept.header[name] != value:
                self._account.summary.lost[f"{name} of {file.file}"] = 1
        return replace(self.way.options, header=header)

    def _count_beside(self, kept: layouts.FileResidue, first: dict[str, Any]) -> None:
        """Count what a file has beside its records, and what neither they nor a file beside the target will hold."""
        way = self.way
        if way.source == way.target or (way.residue and way.target == HUB):
            return
        usual = layouts.FRAMES.get(way.source, {})
        shown = {*first, *(key for value in first.values() if isinstance(value, dict) for key in value)}
        for name, value in kept.header.items():
            if name not in shown and value != usual.get(name):
                self._account.summary.lost[name] = 1

    def _native(self, file: DataFile, carried: layouts.FileResidue | None) -> bool:
        """Whether the records were of the hub before they were of another format."""
        if self.way.source != HUB:
            return carried is not None and carried.format == HUB
        first = next(iter(readers.head(file.path, file.at, 1)), None)
        return isinstance(first, dict) and residue_of(first) is None

    def _open(
        self,
        path: Path,
        container: str,
        carried: layouts.FileResidue | None,
        kept: layouts.FileResidue,
        made: list[dict[str, Any]] | Written,
        schema: Any,
    ) -> Writer:
        """The writer of a target, with what the file had beside its records when it was of this format before."""
        way = self.way
        if container == "arrow":
            from mmcheck.writers.features import features

            told = self._table.features if self._table is not None else features(schema)
            return SaveToDisk(path, schema, told, way.shard or SHARD)
        first = _first(made)
        known = carried if carried is not None and carried.format == way.target else None
        if way.source == way.target:
            known = kept
        frame = known.frame if known is not None and known.frame else None
        if frame is None and way.target in layouts.FRAMES:
            frame = dict(layouts.FRAMES[way.target])
            if way.target == "wavcaps":
                frame["num_captions_per_audio"] = sum(key.startswith("caption_") for key in first) or 1
        columns = list(known.columns) if known is not None else list(first)

        def opened(at: Path) -> Writer:
            return open_writer(
                at,
                container,
                frame=frame if container == "json" else None,
                key="" if way.target == "mimic-it" else None,
                columns=columns or (["video_id:FILE", "title"] if container == "csv" else []),
                dialect=known.dialect if known is not None else None,
                schema=schema,
            )

        return Shards(path, way.shard, opened, container) if way.shard else opened(path)

    def _schema(self, files: list[DataFile], container: str, options: Options) -> Any:
        """The schema of a table; None where the container needs none. One look at all records finds it."""
        self._table = None
        if container not in ("arrow", "parquet"):
            return None
        if self.way.target == HUB != self.way.source and self.way.residue:
            return hub_schema()
        from mmcheck.writers.features import with_features

        def look() -> Iterator[list[dict[str, Any]]]:
            for file in files:
                yield from self._recast(file, options, container, Silent(), dry=True)

        self._table = table = Table(look())
        if self.way.residue:
            table.keep_shapes(look())
        return with_features(table.schema, table.features)

    def _made(self, file: DataFile, options: Options, container: str) -> Iterator[list[dict[str, Any]] | Written]:
        """The converted records of a file: as text where processes take part, else as they are."""
        rows = lines = 0
        rest = True  # of what cannot be cut, or has nothing in it, who reads all of it says so
        if self._is_text(file, container):
            for made in self._encoded(file, self._recaster(file, options, container), container):
                rest = made is None
                if made is None:
                    break
                faults = [_moved(each, rows, lines) for each in made.faults]
                rejected = [each.moved(rows, lines) for each in made.rejected]
                self._account.summary.read += made.rows
                self._settle(self._account, _unread(file, faults) + rejected, made.lost, made.counts)
                rows, lines = rows + made.rows, lines + (made.lines or 0)
                if made.count:
                    yield made
        if rest or not rows:
            yield from self._recast(file, options, container, self._account, skip=rows)

    def _is_text(self, file: DataFile, container: str) -> bool:
        """Whether parts of a file become text apart from each other, and no medium is written."""
        found = readers.container(file.path)
        text = container in ("json", "jsonl") and found.name in ("json", "jsonl") and not found.compression
        return text and self.way.target != "mimic-it" and self._extract is None and self._cutter is None

    def _encoded(self, file: DataFile, recaster: Recaster, container: str) -> Iterator[Written | None]:
        """The records of a file, a part after the other: processes take part where it is large.

        None where the rest of the file has to be read as a whole.
        """
        size = file.path.stat().st_size
        quick = recaster.quick() is not None
        guessed = quick and not file.at and readers.container(file.path).name == "json"
        encoding = Encoding(file.path, file.at, recaster, container, guessed)
        if self._jobs > 1 and size >= LARGE:
            if self._crew is None:
                self._crew = Crew(self._jobs, SERVE)
                self._stack.callback(self._crew.close)
            yield from self._crew.map(encoding, _cut(file, guessed))
        elif quick and size > PART:
            yield from map(encoding, _cut(file, guessed))

    def _recast(
        self, file: DataFile, options: Options, container: str, account: Account, *, dry: bool = False, skip: int = 0
    ) -> Iterator[list[dict[str, Any]]]:
        """The converted records of a file but the first `skip`, batch by batch; a dry run looks at no medium."""
        recaster = self._recaster(file, options, container, dry=dry)
        for batch in readers.read(file.path, file.at):
            if batch.rows and batch.rows[0] < skip:
                faults = batch.faults
                batch = batch.pick([number for number, row in enumerate(batch.rows) if row >= skip])
                batch.faults = faults
            apart = _unread(file, batch.faults)
            account.summary.read += len(batch.rows) + sum(each.row is not None for each in apart)
            if any(each.row is not None and each.line is not None for each in apart) and batch.lines is None:
                # a document breaks off at its first fault of grammar
                account.summary.faults.append(f"{file.file}: what follows record {apart[-1].row} could not be read")
            for part in _parts(batch, next((each for each in recaster.after if isinstance(each, Embedder)), None)):
                made = recaster(part)
                place = recaster.place
                counts = place.counts if isinstance(place, Relocator) else Counter[str]()
                self._settle(account, apart + made.rejected, made.lost, counts)
                counts.clear()
                apart = []
                if made.records:
                    yield made.records

    def _settle(self, account: Account, apart: list[Rejected], lost: Counter[str], counts: Counter[str]) -> None:
        account.count_lost(lost)
        account.count_paths(counts)
        for rejected in sorted(apart, key=lambda each: -1 if each.row is None else each.row):
            account.reject(rejected)

    def _recaster(self, file: DataFile, options: Options, container: str, *, dry: bool = False) -> Recaster:
        way = self.way
        before: Change | None = None
        after: list[Change] = []
        place = None
        if way.paths != "keep" and way.media != "embed" and not BY_ID & {way.source, way.target}:
            place = relocator(file.path, self._root, self._home, self._media_root)
        if self._extract is not None and not dry:
            before = self._extract
            if place is not None:
                place.placed = self._extract.names
        cutter = self._cutter.of(file.path, self._root) if self._cutter is not None and not dry else None
        if way.target == "mimic-it":
            after.append(with_key)
        if way.target == "multimeditron":
            if way.media == "embed":
                after.append(Embedder(self._root, file.path, dry=dry, media_root=self._media_root))
            elif container in ("json", "jsonl"):
                after.append(no_bytes)
        flat = container == "parquet" and way.target == HUB
        if cutter is not None and way.target == HUB:
            after.append(is_cut)
        if self._table is not None and not self._table.fits_all:
            after.append(self._table.fit)
        return Recaster(way, file.file, options, flat, cutter or place, before, tuple(after))


def _cut(file: DataFile, guessed: bool) -> Iterator[readers.Part]:
    """Parts of a file, if only `guessed` ones; none where it can only be read whole."""
    yield from readers.seams(file.path, PART) if guessed else readers.parts(file.path, PART, file.at)


def _unread(file: DataFile, faults: list[Fault]) -> list[Rejected]:
    """What could not be read."""
    return [Rejected(file.file, each.row, each.line, each.message, each.value) for each in faults]


def _first(made: list[dict[str, Any]] | Written) -> dict[str, Any]:
    """The first of some records; {} where there are none."""
    if isinstance(made, list):
        return made[0] if made else {}
    record: dict[str, Any] = msgspec.json.decode(made.text.partition(b"\n")[0].removesuffix(b","))
    return record


def _moved(fault: Fault, rows: int, lines: int) -> Fault:
    """The fault of a part, counted from the start of the file."""
    if fault.line is not None:
        message = fault.message.replace(f"line {fault.line}", f"line {fault.line + lines}", 1)
        fault = replace(fault, line=fault.line + lines, message=message)
    return fault if fault.row is None else replace(fault, row=fault.row + rows)


@contextmanager
def _held(container: str) -> Iterator[None]:
    """Raises RequestError for a record that the file cannot hold."""
    try:
        yield
    except ValueError as error:
        raise RequestError(f"a file of {container} cannot hold the records: {error}") from None


def _parts(batch: readers.Batch, embedder: Embedder | None) -> Iterator[readers.Batch]:
    """A batch, in parts of few records where each takes the bytes of its media with it."""
    if embedder is None:
        yield batch
        return
    start, size = 0, 8
    while start < len(batch.rows):
        numbers = list(range(start, min(start + size, len(batch.rows))))
        before = embedder.bytes
        yield batch.pick(numbers)
        start += size
        size = max(1, min(4 * size, size * EMBEDDED // max(1, embedder.bytes - before)))


def is_cut(record: dict[str, Any]) -> dict[str, Any]:
    """A record of the hub whose video is a clip, as its own tools mark it."""
    return {**record, "is_cut": True}
