"""Rewrites a dataset in its own format: the same files, containers and what stands beside the records."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec

from mmcheck import readers
from mmcheck.convert import MAPPINGS, relocated
from mmcheck.convert import layout as layouts
from mmcheck.dataset import DataFile, Dataset
from mmcheck.errors import OpenError, RequestError
from mmcheck.relocating import Relocator, relocator
from mmcheck.storing import SHARD, SaveToDisk, name_splits
from mmcheck.writers import SUFFIXES, Writer, open_writer
from mmcheck.writers.safe import clear, refuse, replacing
from mmcheck.writers.text import JsonArray


def record_files(dataset: Dataset) -> list[DataFile]:
    """The files that hold the records: those of samples, else all. Raises where one is missing or none is there."""
    if dataset.faults:
        file, fault = dataset.faults[0]
        raise OpenError(f"{file}: {fault.message}")
    return [file for file in dataset.files if file.role == "samples"] or list(dataset.files)


class Copy:
    """A dataset like another one, written to `target`: a file for a file, a folder for a folder or for shards."""

    def __init__(
        self,
        dataset: Dataset,
        target: Path,
        stack: ExitStack,
        *,
        overwrite: bool,
        media_root: Path | None = None,
        placed: Container[str] = (),
    ) -> None:
        self._dataset, self._target, self._stack = dataset, target, stack
        self._files = record_files(dataset)
        self._placed, self._media_root = placed, media_root
        self._places: dict[str, Relocator | None] = {}
        clear(target)
        refuse(target, [file.path for file in dataset.files], overwrite=overwrite)
        shards = readers.container(self._files[0].path).name == "arrow"
        of_folder = os.path.isdir(dataset.path) and target.suffix.lower() not in SUFFIXES
        self._folder = len(self._files) > 1 or shards or of_folder
        if not self._folder and target.is_dir():
            raise RequestError(f"{target} is a folder, but {dataset.path} is one file: name a file")
        self._partial = stack.enter_context(replacing(target, folder=self._folder))
        self._writers: dict[str, Writer] = {}
        self.counts: dict[str, int] = {}
        self.paths = Counter[str]()

    @property
    def media(self) -> tuple[Path, str]:
        """A folder for media that belong to the copy, and what leads from the copy's folder to it."""
        if self._folder:
            return self._partial / "repaired_media", "repaired_media/"
        media = self._target.with_name(self._target.stem + "_media")
        refuse(media, [], overwrite=self._target.exists())
        return self._stack.enter_context(replacing(media, folder=True, optional=True)), media.name + "/"

    def write(
        self,
        file: DataFile,
        records: list[Any],
        keys: list[str] | None,
        raws: Sequence[bytes | None] | None = None,
    ) -> None:
        """Write records of a file to the one that stands for it; `keys` are theirs where they are values of a map.

        Of a record that has its `raws`, and whose media are where they were, the very bytes are written.
        """
        records = self._relocated(file, records, raws)
        name = self._name(file)
        if name not in self._writers:
            self._writers[name] = self._open(file, keys is not None)
        writer = self._writers[name]
        if keys is not None and isinstance(writer, JsonArray):
            for key, record in zip(keys, records, strict=True):
                writer.write_member(key, record)
        else:
            writer.write(records)
        self.counts[file.file] = self.counts.get(file.file, 0) + len(records)

    def _relocated(self, file: DataFile, records: list[Any], raws: Sequence[bytes | None] | None) -> list[Any]:
        if file.file not in self._places:
            home = self._target if self._folder else self._target.parent
            known = self._media_root is None and self._dataset.format.name in MAPPINGS
            # a file in a folder of its own is rewritten in a folder of this name
            there = home / os.path.dirname(file.file) if self._folder else home
            place = relocator(file.path, self._dataset.root, there) if known else None
            self._places[file.file] = place
            if place is not None:
                place.placed = self._placed
        place = self._places[file.file]
        made: list[Any] = []
        for number, record in enumerate(records):
            moved = relocated(record, self._dataset.format.name, place) if place is not None else record
            raw = raws[number] if raws is not None else None
            made.append(msgspec.Raw(raw) if raw is not None and moved is record else moved)
        if place is not None:
            self.paths.update(place.counts)
            place.counts.clear()
        return made

    def close(self) -> None:
        """End every file. One without a record is written too, unless it is one of several."""
        for file in self._files:
            shard = readers.container(file.path).name == "arrow"
            if self._name(file) not in self._writers and (shard or not self._folder):
                self._writers[self._name(file)] = self._open(file, False)
        for writer in self._writers.values():
            writer.close()
        if (self._dataset.root / "dataset_dict.json").is_file():
            name_splits(self._partial, sorted(self._writers))

    def _name(self, file: DataFile) -> str:
        """Which writer takes a file's records: shards of one folder go to one folder."""
        shard = readers.container(file.path).name == "arrow"
        return os.path.dirname(file.file) if shard else file.file

    def _open(self, file: DataFile, keyed: bool) -> Writer:
        path = self._partial / file.file if self._folder else self._partial
        path.parent.mkdir(parents=True, exist_ok=True)
        found = readers.container(file.path).name
        kept = layouts.of_file(file.path, file.at, self._dataset.format.name)
        if found == "arrow":
            return _arrow(file.path, path.parent, file.split)
        schema = readers.schema(file.path, found) if found == "parquet" else None
        if found not in ("json", "jsonl", "csv", "parquet"):
            raise RequestError(f"{file.file}: {found} files are not rewritten: name the file of the records")
        return open_writer(
            path,
            found,
            frame=kept.frame or None,
            key="" if keyed else None,
            columns=kept.columns,
            dialect=kept.dialect or None,
            schema=schema,
        )


def batches(file: DataFile) -> Iterator[readers.Batch]:
    """The records of a file."""
    return readers.read(file.path, file.at)


def _arrow(path: Path, folder: Path, split: str | None) -> SaveToDisk:
    """A folder like the one that the shard is in."""
    from mmcheck.writers.features import features

    schema = readers.schema(path, "arrow")
    info = path.parent / "dataset_info.json"
    told = json.loads(info.read_text("utf-8")).get("features") if info.is_file() else None
    return SaveToDisk(folder, schema, told or features(schema), SHARD, split)
