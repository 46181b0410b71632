"""Transcribes files: records of one format in, records of another out, each accounted for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mmcheck import readers
from mmcheck.accounts import Account, Rejected, Silent
from mmcheck.convert import HUB, Inexpressible, Options, convert
from mmcheck.convert import layout as layouts
from mmcheck.convert.quick import llava_to_hub
from mmcheck.dataset import DataFile
from mmcheck.errors import RequestError
from mmcheck.readers.jsonl import no_gc
from mmcheck.storing import SHARD, Embedder, Extractor, SaveToDisk, no_bytes
from mmcheck.writers import Writer, open_writer

Change = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Way:
    """From which format to which, and how: `media` is keep, embed or extract, `shard` bytes of an Arrow shard."""

    source: str
    target: str
    options: Options
    residue: bool = True
    media: str = "keep"
    shard: int = SHARD


class Transcriber:
    """Writes files of the target; what belongs beside them is renamed when `stack` ends."""

    def __init__(self, way: Way, account: Account, stack: ExitStack, root: Path) -> None:
        self.way, self._account, self._stack, self._root = way, account, stack, root
        self._extract: Extractor | None = None

    def extract_to(self, folder: Path, prefix: str) -> None:
        """Write media that are bytes to files below `folder`."""
        self._extract = Extractor(folder, prefix)

    def file(self, path: Path, files: list[DataFile], container: str, final: Path, beside: Path) -> None:
        """Transcribe some files into one at `path`, which will be called `final`, and its residue to `beside`."""
        way, writer = self.way, None
        carried = layouts.read(layouts.beside(files[0].path)) if way.source == HUB else None
        kept = layouts.of_file(files[0].path, files[0].at, way.source)
        options = replace(way.options, header=kept.header)
        try:
            schema = self._schema(files, container, options)
            with no_gc():  # records have no cycles
                for file in files:
                    for records in self._batches(file, options, container, self._account):
                        if writer is None:
                            writer = self._open(path, container, carried, kept, records, schema)
                        writer.write(records)
                        self._account.summary.written += len(records)
        except (ValueError, TypeError, OverflowError) as error:
            raise RequestError(f"{final} cannot hold the records: {error}") from None
        if writer is None:
            writer = self._open(path, container, carried, kept, [], schema)
        writer.close()
        if way.target == HUB and way.residue and (kept.header or kept.columns):
            layouts.write(beside, kept)

    def _open(
        self,
        path: Path,
        container: str,
        carried: layouts.FileResidue | None,
        kept: layouts.FileResidue,
        records: list[dict[str, Any]],
        schema: Any,
    ) -> Writer:
        """The writer of a target, with what the file had beside its records when it was of this format before."""
        if container == "arrow":
            return SaveToDisk(path, schema, told(schema), self.way.shard)
        known = carried if carried is not None and carried.format == self.way.target else None
        if self.way.source == self.way.target:
            known = kept
        frame = known.frame if known is not None and known.frame else None
        if frame is None and self.way.target in layouts.FRAMES:
            frame = dict(layouts.FRAMES[self.way.target])
            if self.way.target == "wavcaps" and records:
                frame["num_captions_per_audio"] = sum(key.startswith("caption_") for key in records[0]) or 1
        columns = list(known.columns) if known is not None else list(records[0]) if records else []
        return open_writer(
            path,
            container,
            frame=frame if container == "json" else None,
            key="" if self.way.target == "mimic-it" else None,
            columns=columns or (["video_id:FILE", "title"] if container == "csv" else []),
            dialect=known.dialect if known is not None else None,
            schema=schema,
        )

    def _schema(self, files: list[DataFile], container: str, options: Options) -> Any:
        """The schema of a table; None where the container needs none. One look at all records finds it."""
        if container not in ("arrow", "parquet"):
            return None
        if self.way.target == HUB and self.way.residue:
            return hub_schema()
        from mmcheck.writers.features import schema_of, with_features

        look = (batch for file in files for batch in self._batches(file, options, container, Silent(), dry=True))
        schema = schema_of(look)
        return with_features(schema, told(schema))

    def _batches(
        self, file: DataFile, options: Options, container: str, account: Account, *, dry: bool = False
    ) -> Iterator[list[dict[str, Any]]]:
        """The converted records of a file, batch by batch."""
        changes = self._changes(file, container, dry)
        for batch in readers.read(file.path, file.at):
            apart = [Rejected(file.file, each.row, each.line, each.message, each.value) for each in batch.faults]
            account.summary.read += len(batch.rows) + sum(each.row is not None for each in apart)
            if self.way.source == "mimic-it" and batch.keys is not None:
                pairs = zip(batch.keys, batch.values, strict=True)
                batch.values = [{"": key, **each} if isinstance(each, dict) else each for key, each in pairs]
            made = self._converted(batch, file, options, container == "parquet", account.summary.lost, changes, apart)
            for rejected in sorted(apart, key=lambda each: -1 if each.row is None else each.row):
                account.reject(rejected)
            if made:
                yield made

    def _changes(self, file: DataFile, container: str, dry: bool) -> tuple[Change | None, Change | None]:
        """What happens to the media of a record before and after it is converted."""
        before: Change | None = None
        after: Change | None = None
        if self.way.source == "multimeditron" and self._extract is not None and not dry:
            before = self._extract
        if self.way.target == "multimeditron":
            if self.way.media == "embed":
                after = Embedder(self._root, file.path, dry=dry)
            elif container in ("json", "jsonl"):
                after = no_bytes
        return before, after

    def _converted(
        self,
        batch: readers.Batch,
        file: DataFile,
        options: Options,
        columns: bool,
        lost: dict[str, int],
        changes: tuple[Change | None, Change | None],
        rejected: list[Rejected],
    ) -> list[dict[str, Any]]:
        way = self.way
        before, after = changes
        flat = columns and way.target == HUB
        quick = (
            llava_to_hub(options) if (way.source, way.target) == ("llava", HUB) and way.residue and not flat else None
        )
        made: list[dict[str, Any]] = []
        for number, record in enumerate(batch.values):
            if quick is not None and type(record) is dict:
                found = quick(record)
                if found is not None:
                    made.append(found)
                    continue
            try:
                whole = before(record) if before is not None and type(record) is dict else record
                whole = convert(whole, way.source, way.target, options, residue=way.residue, lost=lost, flat=flat)
                made.append(after(whole) if after is not None else whole)
            except Inexpressible as error:
                line = batch.lines[number] if batch.lines else None
                rejected.append(Rejected(file.file, batch.rows[number], line, str(error), record))
        return made


def told(schema: Any) -> dict[str, Any]:
    """The features of a schema; the values of modalities are images where they are structs of bytes."""
    from mmcheck.writers.features import features

    return features(schema, ["modalities.value"] if "bytes: binary" in str(schema) else ())


def hub_schema() -> Any:
    """Columns of Data-Juicer's records in Parquet: what only some records have is in the residue."""
    import pyarrow as pa

    paths = pa.list_(pa.string())
    return pa.schema(
        [
            ("id", pa.string()),
            ("text", pa.string()),
            ("images", paths),
            ("videos", paths),
            ("audios", paths),
            ("meta", pa.struct([("mmcheck", pa.string())])),
        ]
    )
