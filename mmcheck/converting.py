"""The story of a conversion: dataset → records → records of another format → files, and an account of every record."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from mmcheck import format as formats
from mmcheck import image_tables
from mmcheck.accounts import Account, Quarantine, Stop, Summary
from mmcheck.convert import MAPPINGS, Options
from mmcheck.convert import layout as layouts
from mmcheck.dataset import DataFile, Dataset, open_dataset
from mmcheck.errors import OpenError, RequestError, nearest
from mmcheck.storing import SHARD, name_splits
from mmcheck.transcribing import Transcriber, Way
from mmcheck.writers import SUFFIXES, container_of
from mmcheck.writers.safe import refuse, replacing

CHOICES = {"on_error": ("stop", "quarantine"), "media": ("keep", "embed", "extract")}


def convert_dataset(
    source: str | Path,
    target: str | Path,
    *,
    to: str,
    format: str | None = None,
    on_error: str = "stop",
    residue: bool = True,
    overwrite: bool = False,
    media: str = "keep",
    shard_size: int | None = None,
    options: Options | None = None,
) -> Summary:
    """Write the dataset at `source` as one of format `to`: a file by the suffix of `target`, else a folder of files.

    A record that the target cannot hold stops the run, and nothing is written; with `on_error="quarantine"` it goes
    to TARGET.rejected.jsonl with the reason. `residue` lets records of the hub format carry what their own fields do
    not say. `media` embeds the bytes of files in a table of MultiMeditron, or extracts them from one to files.
    `shard_size` is in bytes: of an Arrow shard, or of a Parquet partition of images.

    Raises RequestError for a wrong request, OpenError for what cannot be read or written.
    """
    for name, value in (("on_error", on_error), ("media", media)):
        if value not in CHOICES[name]:
            raise RequestError(f"{name} is {' or '.join(CHOICES[name])}, not {value!r}{nearest(value, CHOICES[name])}")
    target = Path(target)
    wanted = formats.load(to)
    dataset = open_dataset(source, format=format)
    for name in (dataset.format.name, wanted.name):
        if name not in MAPPINGS:
            raise RequestError(f"{name} is not among the formats that can be converted: {', '.join(MAPPINGS)}")
    refuse(target, [file.path for file in dataset.files], overwrite=overwrite)
    summary = Summary(dataset.format.name, f"{wanted.name}@{wanted.version}")
    way = Way(dataset.format.name, wanted.name, options or Options(), residue, media, shard_size or SHARD)
    try:
        with ExitStack() as stack:
            quarantine = Quarantine(stack, target, overwrite) if on_error == "quarantine" else None
            account = Account(summary, quarantine)
            if image_tables.only_images(dataset) and wanted.name == dataset.format.name:
                image_tables.repack(dataset, target, account, stack, shard_size)
            else:
                _transcribe(dataset, target, way, account, stack)
            if quarantine is not None:
                quarantine.close(summary)
    except Stop as stop:
        at = stop.rejected.file + (f", record {stop.rejected.row}" if stop.rejected.row is not None else "")
        summary.stopped = f"{at}: {stop.rejected.reason}"
        summary.files.clear()
        summary.written = 0
    return summary


def _transcribe(dataset: Dataset, target: Path, way: Way, account: Account, stack: ExitStack) -> None:
    files = [file for file in dataset.files if file.role == "samples"]
    if dataset.faults:
        absent, fault = dataset.faults[0]
        raise OpenError(f"{absent}: {fault.message}")
    if not files:
        roles = ", ".join(sorted({file.role for file in dataset.files}))
        raise RequestError(f"{dataset.path} holds no records that could be converted, only {roles}")
    container = layouts.container_for(target, way.target)
    run = Transcriber(way, account, stack, dataset.root)
    if container is not None:
        if way.media == "extract":
            media = target.with_name(target.stem + "_media")
            refuse(media, [], overwrite=target.exists())
            run.extract_to(stack.enter_context(replacing(media, folder=True)), media.name + "/")
        beside = stack.enter_context(replacing(layouts.beside(target), optional=True))
        run.file(stack.enter_context(replacing(target)), files, container, target, beside)
        account.summary.files.append(target.name)
        return
    partial = stack.enter_context(replacing(target, folder=True))
    if way.media == "extract":
        run.extract_to(partial, "")
    if way.target == "multimeditron" and way.media == "embed":
        splits = _splits(files)
        for name, parts in splits.items():
            run.file(partial / name if len(splits) > 1 else partial, parts, "arrow", target / name, partial)
        if len(splits) > 1:
            name_splits(partial, list(splits))
        account.summary.files += list(splits)
        return
    for name, parts in _names(files, way.target).items():
        run.file(partial / name, parts, _kind(name), target / name, layouts.beside(partial / name))
        account.summary.files.append(name)


def _splits(files: list[DataFile]) -> dict[str, list[DataFile]]:
    """The files of each split; those that name none are `train`."""
    splits: dict[str, list[DataFile]] = {}
    for file in files:
        splits.setdefault(file.split or "train", []).append(file)
    return splits


def _kind(name: str) -> str:
    kind = container_of(Path(name))
    assert kind is not None
    return kind


def _names(files: list[DataFile], to: str) -> dict[str, list[DataFile]]:
    """Which files of the source become which file of a folder: those of one name, with the suffix of the target."""
    suffix = {kind: ending for ending, kind in SUFFIXES.items() if ending != ".ndjson"}[layouts.CONTAINERS[to][0]]
    named: dict[str, list[DataFile]] = {}
    for file in files:
        stem = file.file.replace("/", "-").removesuffix(".gz").removesuffix(".zst")
        named.setdefault(stem.removesuffix(Path(stem).suffix) + suffix, []).append(file)
    return named
