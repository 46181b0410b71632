"""The story of a conversion: dataset → records → records of another format → files, and an account of every record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mmcheck import format as formats
from mmcheck import readers
from mmcheck.convert import HUB, MAPPINGS, Inexpressible, Options, convert
from mmcheck.convert import layout as layouts
from mmcheck.convert.quick import llava_to_hub
from mmcheck.dataset import DataFile, Dataset, open_dataset
from mmcheck.errors import OpenError, RequestError, nearest
from mmcheck.readers.jsonl import no_gc
from mmcheck.writers import Writer, container_of, open_writer
from mmcheck.writers.safe import refuse, replacing

REASONS = 100
"""How many kinds of reasons are counted apart."""


@dataclass(slots=True)
class Summary:
    """What became of every record: read = written + rejected.

    `lost` counts fields that the target had no place for; `faults` are those of whole files.
    """

    source: str
    target: str
    read: int = 0
    written: int = 0
    rejected: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    quarantine: str | None = None
    stopped: str | None = None

    @property
    def exit_code(self) -> int:
        """1 where a record was rejected."""
        return 1 if self.rejected or self.stopped or self.faults else 0

    def to_dict(self) -> dict[str, Any]:
        """The summary as JSON."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that was not written, and why."""

    file: str
    row: int | None
    line: int | None
    reason: str
    record: Any

    def to_dict(self) -> dict[str, Any]:
        """The rejection as JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


class _Stop(Exception):
    """The first record that is rejected ends the run."""

    def __init__(self, rejected: Rejected) -> None:
        super().__init__(rejected.reason)
        self.rejected = rejected


def convert_dataset(
    source: str | Path,
    target: str | Path,
    *,
    to: str,
    format: str | None = None,
    on_error: str = "stop",
    residue: bool = True,
    overwrite: bool = False,
    options: Options | None = None,
) -> Summary:
    """Write the dataset at `source` as one of format `to`: a file by the suffix of `target`, else a folder of files.

    A record that the target cannot hold stops the run, and nothing is written; with `on_error="quarantine"` it goes
    to TARGET.rejected.jsonl with the reason. `residue` lets records of the hub format carry what their own fields do
    not say.

    Raises RequestError for a wrong request, OpenError for what cannot be read or written.
    """
    if on_error not in ("stop", "quarantine"):
        raise RequestError(
            f"--on-error is stop or quarantine, not {on_error!r}{nearest(on_error, ('stop', 'quarantine'))}"
        )
    target = Path(target)
    wanted = formats.load(to)
    dataset = open_dataset(source, format=format)
    for name in (dataset.format.name, wanted.name):
        if name not in MAPPINGS:
            raise RequestError(f"{name} is not among the formats that can be converted: {', '.join(MAPPINGS)}")
    plan = _targets(dataset, target, wanted.name)
    summary = Summary(dataset.format.name, f"{wanted.name}@{wanted.version}")
    sources = [file.path for file in dataset.files]

    container = layouts.container_for(target, wanted.name)
    refuse(target, sources, overwrite=overwrite)
    try:
        with ExitStack() as stack:
            run = _Run(summary, stack, dataset.format.name, wanted.name, options or Options(), residue)
            if on_error == "quarantine":
                run.quarantine = _Quarantine(stack, target, overwrite)
            partial = stack.enter_context(replacing(target, folder=container is None))
            for name, files in plan.items():
                path = partial / name if container is None else partial
                run.file(path, files, container or _kind(name), target / name if container is None else target)
                summary.files.append(name)
            if run.quarantine is not None:
                run.quarantine.close(summary)
    except _Stop as stop:
        at = stop.rejected.file + (f", record {stop.rejected.row}" if stop.rejected.row is not None else "")
        summary.stopped = f"{at}: {stop.rejected.reason}"
        summary.files.clear()
        summary.written = 0
    return summary


def _kind(name: str) -> str:
    kind = container_of(Path(name))
    assert kind is not None
    return kind


def _targets(dataset: Dataset, target: Path, to: str) -> dict[str, list[DataFile]]:
    """Which files of the source become which file of the target."""
    files = [file for file in dataset.files if file.role == "samples"]
    if dataset.faults:
        absent, fault = dataset.faults[0]
        raise OpenError(f"{absent}: {fault.message}")
    if not files:
        roles = ", ".join(sorted({file.role for file in dataset.files}))
        raise RequestError(f"{dataset.path} holds no records that could be converted, only {roles}")
    if layouts.container_for(target, to) is not None:
        return {target.name: files}
    suffix = {"jsonl": ".jsonl", "json": ".json", "csv": ".csv", "parquet": ".parquet"}[layouts.CONTAINERS[to][0]]
    named: dict[str, list[DataFile]] = {}
    for file in files:
        stem = file.file.replace("/", "-")
        for ending in (".gz", ".zst", Path(stem.removesuffix(".gz").removesuffix(".zst")).suffix):
            stem = stem.removesuffix(ending)
        named.setdefault(stem + suffix, []).append(file)
    return named


class _Quarantine:
    """The file of rejected records beside the target."""

    def __init__(self, stack: ExitStack, target: Path, overwrite: bool) -> None:
        self._stack, self._target, self._overwrite = stack, target.with_name(target.name + ".rejected.jsonl"), overwrite
        self._writer: Writer | None = None

    def add(self, rejected: Rejected) -> None:
        """Write one."""
        if self._writer is None:
            refuse(self._target, [], overwrite=self._overwrite)
            self._writer = open_writer(self._stack.enter_context(replacing(self._target)), "jsonl")
        self._writer.write([rejected.to_dict()])

    def close(self, summary: Summary) -> None:
        """End the file, if there is one."""
        if self._writer is not None:
            self._writer.close()
            summary.quarantine = str(self._target)
        elif self._overwrite:
            self._target.unlink(missing_ok=True)


class _Run:
    """One conversion: where its records come from and go to."""

    def __init__(
        self, summary: Summary, stack: ExitStack, source: str, target: str, options: Options, residue: bool
    ) -> None:
        self.summary, self._stack = summary, stack
        self.source, self.target = source, target
        self.options, self.residue = options, residue
        self.quarantine: _Quarantine | None = None

    def file(self, path: Path, files: list[DataFile], container: str, final: Path) -> None:
        """Convert some files into one."""
        writer: Writer | None = None
        flat = container == "parquet" and self.target == HUB
        carried = layouts.read(layouts.beside(files[0].path)) if self.source == HUB else None
        kept = layouts.of_file(files[0].path, files[0].at, self.source)
        options = replace(self.options, header=kept.header)
        for file in files:
            for records in self._batches(file, options, flat):
                if writer is None:
                    writer = self._open(path, container, carried, kept, records)
                try:
                    writer.write(records)
                except (ValueError, TypeError, OverflowError) as error:
                    raise RequestError(f"{final} cannot hold the records: {error}") from None
                self.summary.written += len(records)
        if writer is None:
            writer = self._open(path, container, carried, kept, [])
        writer.close()
        if self.target == HUB and self.residue and (kept.header or kept.columns):
            beside = layouts.beside(path)
            if path.parent == final.parent:
                beside = self._stack.enter_context(replacing(layouts.beside(final)))
            layouts.write(beside, kept)

    def _open(
        self,
        path: Path,
        container: str,
        carried: layouts.FileResidue | None,
        kept: layouts.FileResidue,
        records: list[dict[str, Any]],
    ) -> Writer:
        """The writer of a target, with what the file had beside its records when it was of this format before."""
        known = carried if carried is not None and carried.format == self.target else None
        if self.source == self.target:
            known = kept
        frame = known.frame if known is not None and known.frame else None
        if frame is None and self.target in layouts.FRAMES:
            frame = dict(layouts.FRAMES[self.target])
            if self.target == "wavcaps" and records:
                frame["num_captions_per_audio"] = sum(key.startswith("caption_") for key in records[0]) or 1
        columns = list(known.columns) if known is not None else list(records[0]) if records else []
        return open_writer(
            path,
            container,
            frame=frame if container == "json" else None,
            key="" if self.target == "mimic-it" else None,
            columns=columns or (["video_id:FILE", "title"] if container == "csv" else []),
            dialect=known.dialect if known is not None else None,
            schema=_hub_schema() if container == "parquet" and self.target == HUB and self.residue else None,
        )

    def _batches(self, file: DataFile, options: Options, flat: bool) -> Iterator[list[dict[str, Any]]]:
        """The converted records of a file, batch by batch."""
        for batch in readers.read(file.path, file.at):
            for fault in batch.faults:
                if fault.row is None:
                    self.summary.faults.append(f"{file.file}: {fault.message}")
                self.summary.read += fault.row is not None
                self._reject(Rejected(file.file, fault.row, fault.line, fault.message, fault.value))
            self.summary.read += len(batch.rows)
            if self.source == "mimic-it" and batch.keys is not None:
                batch.values = [{"": key, **value} for key, value in zip(batch.keys, batch.values, strict=True)]
            with no_gc():
                made = self._converted(batch, file, options, flat)
            if made:
                yield made

    def _converted(self, batch: readers.Batch, file: DataFile, options: Options, flat: bool) -> list[dict[str, Any]]:
        source, target, residue, lost = self.source, self.target, self.residue, self.summary.lost
        made: list[dict[str, Any]] = []
        quick = llava_to_hub(options) if (source, target) == ("llava", HUB) and residue and not flat else None
        for number, record in enumerate(batch.values):
            if quick is not None and type(record) is dict:
                found = quick(record)
                if found is not None:
                    made.append(found)
                    continue
            try:
                made.append(convert(record, source, target, options, residue=residue, lost=lost, flat=flat))
            except Inexpressible as error:
                line = batch.lines[number] if batch.lines else None
                self._reject(Rejected(file.file, batch.rows[number], line, str(error), record))
        return made

    def _reject(self, rejected: Rejected) -> None:
        self.summary.rejected += rejected.row is not None
        reasons = self.summary.reasons
        reason = rejected.reason if rejected.reason in reasons or len(reasons) < REASONS else "other reasons"
        reasons[reason] = reasons.get(reason, 0) + 1
        if self.quarantine is None:
            raise _Stop(rejected)
        self.quarantine.add(rejected)


def _hub_schema() -> Any:
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
