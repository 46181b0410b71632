"""The story of a conversion: dataset → records → records of another format → files, and an account of every record."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmcheck import format as formats
from mmcheck import image_tables, readers, repartition
from mmcheck.accounts import Account, Quarantine, Stop, Summary
from mmcheck.convert import MAPPINGS, Options
from mmcheck.convert import layout as layouts
from mmcheck.dataset import DataFile, Dataset, named_files, open_dataset
from mmcheck.errors import OpenError, RequestError, nearest
from mmcheck.file_facts import refuse_changed, stamps
from mmcheck.recasting import Way
from mmcheck.storing import name_splits
from mmcheck.transcribing import Transcriber
from mmcheck.writers import SUFFIXES, container_of
from mmcheck.writers.safe import clear, refuse, replacing

CHOICES = {
    "on_error": ("stop", "quarantine"),
    "media": ("keep", "embed", "extract"),
    "paths": ("auto", "keep", "relative"),
}


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
    paths: str = "auto",
    media_root: str | Path | None = None,
    cut_videos: bool = False,
    check: bool | Mapping[str, Any] = False,
    shard_size: int | None = None,
    jobs: int = 1,
    options: Options | None = None,
) -> Summary:
    """Write the dataset at `source` as one of format `to`: a file by the suffix of `target`, else a folder of files.

    A record that the target cannot hold stops the run, and nothing is written; with `on_error="quarantine"` it goes
    to TARGET.rejected.jsonl with the reason. `residue` lets records of the hub format carry what their own fields do
    not say. `media` embeds the bytes of files in a table of MultiMeditron, or extracts them from one to files;
    `cut_videos` cuts the clips of InternVid to files. Paths of media that stay where they are become relative to the
    target's folder, except that a record that comes back to its own format has its own; `paths` may also be `keep`
    (never) or `relative` (always). Media are looked for below `media_root` if it is given. With `check`, a source in
    which a check finds an error is refused; a mapping is what that check is asked for (rules, params, …).
    `shard_size` is in bytes: of each file of a target that is a folder. `jobs` processes take part where a file is
    large; the output is the same for any number.

    Raises RequestError for a wrong request, OpenError for what cannot be read or written, or changes meanwhile.
    """
    for name, value in (("on_error", on_error), ("media", media), ("paths", paths)):
        if value not in CHOICES[name]:
            raise RequestError(f"{name} is {' or '.join(CHOICES[name])}, not {value!r}{nearest(value, CHOICES[name])}")
    target = Path(target)
    wanted = formats.load(to)
    dataset = open_dataset(source, format=format)
    for name in (dataset.format.name, wanted.name):
        if name not in MAPPINGS:
            raise RequestError(f"{name} is not among the formats that can be converted: {', '.join(MAPPINGS)}")
    way = Way(dataset.format.name, wanted.name, options or Options(), residue, media, paths, shard_size)
    _refuse_senseless(way, target, cut_videos)
    before = stamps(dataset.files)
    dataset = _with_named(dataset, way)
    before |= stamps(dataset.files)
    clear(target)
    refuse(target, [file.path for file in dataset.files], overwrite=overwrite)
    summary = Summary(dataset.format.name, f"{wanted.name}@{wanted.version}")
    if check is not False:
        asked = {} if check is True else dict(check)
        asked |= {"format": f"{dataset.format.name}@{dataset.format.version}"}
        summary.stopped = _unsound(source, asked | ({"media_root": media_root} if media_root else {}))
        if summary.stopped:
            return summary
    root = Path(media_root) if media_root is not None else None
    try:
        with ExitStack() as stack:
            quarantine = Quarantine(stack, target, overwrite) if on_error == "quarantine" else None
            account = Account(summary, quarantine)
            if image_tables.only_images(dataset) and wanted.name == dataset.format.name:
                image_tables.repack(dataset, target, account, stack, shard_size)
            elif repartition.serves(dataset, way, target):
                repartition.repartition(dataset, target, account, stack, way, root)
            else:
                run = Transcriber(way, account, stack, dataset.root, _home(target), jobs=jobs, media_root=root)
                _transcribe(dataset, target, wanted, run, account, stack, cut_videos)
            if quarantine is not None:
                quarantine.close(summary)
            refuse_changed(before)
    except Stop as stop:
        refuse_changed(before)
        at = stop.rejected.file + (f", record {stop.rejected.row}" if stop.rejected.row is not None else "")
        summary.stopped = f"{at}: {stop.rejected.reason}"
        summary.files.clear()
        summary.written = 0
    return summary


def _with_named(dataset: Dataset, way: Way) -> Dataset:
    """The dataset with the files that a file of it names in place of that one; each once.

    Raises OpenError for one that is missing, RequestError where what names them would have to be written anew.
    """
    form = dataset.format
    by = {role for each in form.roles.values() for role, _ in each.named_by}
    naming = [file for file in dataset.files if file.role in by]
    if not naming:
        return dataset
    named: dict[Path, DataFile] = {file.path: file for file in dataset.files if file not in naming}
    for file in naming:
        for batch in readers.read(file.path, file.at, document=form.roles[file.role].document):
            if batch.faults:
                raise OpenError(f"{file.file}: {batch.faults[0].message}")
            for row, record in zip(batch.rows, batch.values, strict=True):
                for found in named_files(form, dataset.root, file, row, record):
                    if not isinstance(found, DataFile):
                        raise OpenError(f"{file.file}: {found[1].message}")
                    named.setdefault(found.path, found)
    if way.source == way.target:
        files = ", ".join(str(path) for path in named)
        raise RequestError(f"{naming[0].file} only names files: convert the one of them that shall change: {files}")
    return replace(dataset, files=tuple(named.values()))


def _home(target: Path) -> Path:
    """The folder that a target's files are in."""
    return target.parent if container_of(target) is not None else target


def _refuse_senseless(way: Way, target: Path, cut_videos: bool) -> None:
    """Raise RequestError for what does not go together."""
    options, folder = way.options, container_of(target) is None
    if options.image_broadcast and not options.split_chunk:
        raise RequestError("--image-broadcast puts the image into every chunk: it needs --split-chunk")
    if way.media == "embed" and way.target != "multimeditron":
        raise RequestError(f"--media embed writes bytes into tables of multimeditron; {way.target} names files by path")
    if way.media == "embed" and container_of(target) not in ("parquet", None):
        raise RequestError(f"{target.suffix} has no place for bytes: --media embed needs a folder or a .parquet file")
    if way.media == "extract" and way.source != "multimeditron":
        raise RequestError(f"--media extract takes bytes out of tables of multimeditron; {way.source} has none")
    if cut_videos and way.source != "internvid":
        raise RequestError(f"--cut-videos cuts the clips of internvid; {way.source} has none")
    if way.shard is not None and not folder:
        raise RequestError(f"--shard-size makes several files: name a folder, not {target.name}")
    if way.shard is not None and way.target in ("aria", "mimic-it") and way.source != "mimic-it":
        raise RequestError(f"{way.target} is read from one file by its name: leave out --shard-size")


def _unsound(source: str | Path, asked: dict[str, Any]) -> str | None:
    """Why a source is refused; None for a sound one."""
    from mmcheck.checking import check as judge  # what checks takes 0.3 s to import

    report = judge(source, **asked)
    if report.exit_code("error") == 0:
        return None
    first = next((each for each in report.findings if each.severity.value == "error"), None)
    where = f": {first.rule} {first.message}" if first is not None else ""
    return f"{source} is not sound, {report.totals.errors:,} errors{where} (`mmcheck check` tells all)"


def _transcribe(
    dataset: Dataset,
    target: Path,
    wanted: formats.Format,
    run: Transcriber,
    account: Account,
    stack: ExitStack,
    cut_videos: bool,
) -> None:
    way = run.way
    files = [file for file in dataset.files if file.role == "samples"]
    if dataset.faults:
        absent, fault = dataset.faults[0]
        raise OpenError(f"{absent}: {fault.message}")
    if not files:
        roles = ", ".join(sorted({file.role for file in dataset.files}))
        words = f"{dataset.path} holds no records that could be converted, only {roles}"
        raise RequestError(f"{words}: name the file of the records")
    account.summary.passed_over = dataset.beside(files)
    container = layouts.container_for(target, way.target)
    if container is not None:
        if way.media == "extract" or cut_videos:
            media = target.with_name(target.stem + "_media")
            refuse(media, [], overwrite=target.exists())
            below = stack.enter_context(replacing(media, folder=True))
            (run.cut_to if cut_videos else run.extract_to)(below, media.name + "/")
        beside = stack.enter_context(replacing(layouts.beside(target), optional=True))
        run.file(stack.enter_context(replacing(target)), files, container, beside)
        account.summary.files.append(target.name)
        return
    partial = stack.enter_context(replacing(target, folder=True))
    if way.media == "extract":
        run.extract_to(partial, "")
    elif cut_videos:
        (partial / "clips").mkdir()
        run.cut_to(partial / "clips", "clips/")
    if way.target == "multimeditron" and way.media == "embed":
        splits = _splits(files)
        for name, parts in splits.items():
            run.file(partial / name if len(splits) > 1 else partial, parts, "arrow", partial)
        if len(splits) > 1:
            name_splits(partial, list(splits))
        account.summary.files += list(splits)
        return
    for name, parts in _names(files, wanted).items():
        beside = layouts.beside(partial / name)
        account.summary.files += run.file(partial / name, parts, _kind(name), beside, optional=True)


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


def _names(files: list[DataFile], wanted: formats.Format) -> dict[str, list[DataFile]]:
    """Which files of the source become which file of a folder: those of one name, with the suffix of the target; where
    the loaders of the target open files by their names, those of one split."""
    role = wanted.roles["samples"]
    suffix = {kind: ending for ending, kind in SUFFIXES.items() if ending != ".ndjson"}
    ending = suffix[layouts.CONTAINERS[wanted.name][0]]
    named: dict[str, list[DataFile]] = {}
    for file in files:
        stem = file.file.replace("../", "").replace("/", "-").removesuffix(".gz").removesuffix(".zst")
        name = stem.removesuffix(Path(stem).suffix) + ending
        if role.fixed:
            split = file.split or "train"
            name = next((each for each in role.files if split.startswith(each.removesuffix(ending))), name)
        named.setdefault(name, []).append(file)
    return named
