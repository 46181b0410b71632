"""A path becomes a list of files that may be data: a file, a glob, a folder, a dataset saved by Hugging Face."""

from __future__ import annotations

import glob
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmcheck import storage
from mmcheck.errors import OpenError, RequestError
from mmcheck.readers.batch import Fault
from mmcheck.readers.source import open_file
from mmcheck.storage import RemotePath

DATA = re.compile(r"\.(json|jsonl|ndjson|csv|tsv|parquet|arrow|feather|ipc|ya?ml)(\.gz|\.zst)?$", re.I)


_SPLIT = re.compile(r"(train|training|val|valid|validation|dev|test|eval)(?![a-z])", re.I)


#: Files beside the data that describe it for other tools; they hold no records.
_NOT_DATA = frozenset(
    ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "metadata.json", "mmcheck.yaml",
     "package.json", ".pre-commit-config.yaml", "croissant.json")
)  # fmt: skip


#: What `mmcheck convert` writes beside a file ends so.
_RESIDUE = ".mmcheck.json"
#: No file of Hugging Face that names shards is larger.
_LONGEST = 64 << 20


@dataclass(frozen=True, slots=True)
class Candidate:
    path: Path
    file: str
    split: str | None = None
    named: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """What a path holds: a root, files that may be data, and shards that are named and absent."""

    path: str
    root: Path
    candidates: tuple[Candidate, ...]
    faults: tuple[tuple[str, Fault], ...] = ()
    shards: bool = False


def split_of(file: str) -> str | None:
    """The split that a file's name, or its folder's, speaks of: train, val, test as they are spelt."""
    for part in (Path(file).name, *reversed(Path(file).parts[:-1])):
        match = _SPLIT.match(part)
        if match:
            return match[1].lower()
    return None


def near(root: Path) -> list[Path]:
    """The folders that a dataset may read from by itself: its root and three parents, never the filesystem's root."""
    return [folder for folder in (root, *root.parents[:3]) if folder != folder.parent]


def readable(path: Path, allowed: Sequence[Path]) -> bool:
    """Whether a path is a regular file or a folder, and no link on its way leads out of the allowed folders."""
    if isinstance(path, RemotePath):
        return any(path.is_relative_to(folder) for folder in allowed) and path.exists()
    real = os.path.realpath(path)
    inside = any(real == folder or real.startswith(folder + os.sep) for folder in map(os.path.realpath, allowed))
    return inside and (os.path.isfile(real) or os.path.isdir(real))


def _refused(file: str, path: Path) -> tuple[str, Fault]:
    if os.path.islink(path) and os.path.isfile(path):
        hint = "it was not read: name the file itself if it is meant to be checked"
        return file, Fault("MM004", f"{file} is a link that leads out of the dataset", hint=hint)
    return file, Fault("MM004", f"{file} is a broken link, a pipe or a device, and no file", hint="take it away")


def list_files(paths: Sequence[str | Path]) -> Listing:
    """The data files behind one path, one glob, or several paths as one dataset. Raises OpenError, RequestError."""
    given = [storage.given(path) for path in paths]
    if any(isinstance(path, RemotePath) for path in given):
        return _list_remote(", ".join(map(str, given)), given)
    shown = ", ".join(str(path) for path in paths)
    if len(given) == 1 and given[0].is_dir():
        root = Path(os.path.abspath(given[0]))
        return _list_directory(shown, root)
    files: list[Path] = []
    for path in given:
        text = str(path)
        if not os.path.exists(text) and glob.has_magic(text):
            found = sorted(glob.glob(text, recursive=True))
            if not found:
                raise OpenError(f"no file fits {text}")
            files += [Path(os.path.abspath(each)) for each in found if os.path.isfile(each)]
        elif os.path.isdir(text):
            files += [each.path for each in _list_directory(text, Path(os.path.abspath(text))).candidates]
        elif os.path.exists(text):
            if not os.path.isfile(text):
                raise OpenError(f"{text} is neither a file nor a folder")
            files.append(Path(os.path.abspath(text)))
        else:
            raise OpenError(f"{text} does not exist")
    root = files[0].parent if len(files) == 1 else Path(os.path.commonpath([file.parent for file in files]))
    return _named(shown, root, files)


def _list_remote(shown: str, paths: Sequence[Path]) -> Listing:
    """The data files behind URLs."""
    from mmcheck.remote import forget

    forget()
    files: list[Path] = []
    for path in paths:
        if not isinstance(path, RemotePath):
            raise RequestError(f"{shown}: local files and remote ones are not one dataset")
        if path.is_dir():
            next(storage.walk(path), None)  # one listing tells of all files below
            if len(paths) == 1:
                return _list_directory(shown, path)
            files += [each.path for each in _list_directory(str(path), path).candidates]
        elif path.is_file():
            files.append(path)
        elif glob.has_magic(path.key) and not path.web and (found := sorted(path.parent.glob(path.name))):
            files += found
        elif path.web:
            raise OpenError(f"{path} does not exist; of a web server, which lists no files, a file is named")
        elif path.container.exists():
            raise OpenError(f"no file fits {path}" if glob.has_magic(path.key) else f"{path} does not exist")
        else:
            raise OpenError(f"{path} does not exist: there is no {path.container}, or it is not open to you")
    root = files[0].parent
    while not all(file.is_relative_to(root) for file in files):
        if root == root.parent:
            raise RequestError(f"{shown}: files of several buckets or hosts are not one dataset")
        root = root.parent
    return _named(shown, root, files)


def _named(shown: str, root: Path, files: Sequence[Path]) -> Listing:
    """The listing of files that the user named."""
    candidates = tuple(Candidate(file, str(file.relative_to(root)), split_of(file.name), named=True) for file in files)
    return Listing(shown, root, candidates)


def _list_directory(shown: str, root: Path) -> Listing:
    if not storage.is_remote(root) and not os.access(root, os.R_OK | os.X_OK):
        raise OpenError(f"{shown} is not permitted to be read")
    if (root / "dataset_dict.json").is_file():
        return _list_dataset_dict(shown, root)
    if (root / "state.json").is_file():
        candidates, faults = _shards(root, root, None)
        return Listing(shown, root, tuple(candidates), tuple(faults), shards=True)
    found, faults, allowed = [], [], near(root)
    for folder, folders, entries in storage.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(entries):
            held = not name.startswith((".", "cache-")) and not name.endswith(_RESIDUE)
            if DATA.search(name) and name not in _NOT_DATA and held:
                path = storage.path_of(os.path.join(folder, name))
                file = str(path.relative_to(root))
                if not readable(path, allowed):
                    faults.append(_refused(file, path))
                    continue
                found.append(Candidate(path, file, split_of(file)))
    if not found and not faults:
        raise OpenError(f"{shown} holds no data file (.json, .jsonl, .csv, .parquet, .arrow, .yaml)")
    found.sort(key=lambda candidate: (candidate.file.count("/"), candidate.file))
    return Listing(shown, root, tuple(found), tuple(faults))


def _list_dataset_dict(shown: str, root: Path) -> Listing:
    """A DatasetDict of Hugging Face: one `save_to_disk` folder a split."""
    try:
        splits = [str(split) for split in _json(root / "dataset_dict.json", root)["splits"]]
    except (OpenError, OSError, ValueError, KeyError, TypeError, RecursionError):
        fault = Fault("MM003", "dataset_dict.json does not name the splits", hint="save the dataset again")
        splits = sorted(each.parent.name for each in root.glob("*/state.json"))
        faults = [("dataset_dict.json", fault)]
    else:
        faults = []
    candidates = []
    for split in splits:
        if not _inside(split):
            words = f"dataset_dict.json names the split {split!r}, which is outside the dataset: not read"
            faults.append(("dataset_dict.json", Fault("MM004", words)))
            continue
        if not storage.isdir(os.fspath(root / split)):
            faults.append((split, Fault("MM004", f"the split {split!r} that dataset_dict.json names is missing")))
            continue
        more, missing = _shards(root / split, root, split)
        candidates += more
        faults += missing
    return Listing(shown, root, tuple(candidates), tuple(faults), shards=True)


def _shards(folder: Path, root: Path, split: str | None) -> tuple[list[Candidate], list[tuple[str, Fault]]]:
    """The shards that `state.json` names; `cache-*.arrow` beside them are not data."""
    state = folder / "state.json"
    try:
        data = _json(state, root)
        shards = [str(each["filename"]) for each in data["_data_files"]]
        named = data.get("_split")
        split = split or (named if isinstance(named, str) else None)
    except (OpenError, OSError, ValueError, KeyError, TypeError, RecursionError):
        fault = Fault("MM003", "state.json does not name the shards (_data_files)", hint="save the dataset again")
        shards = sorted(each.name for each in folder.glob("data-*.arrow"))
        faults = [(str(state.relative_to(root)), fault)]
    else:
        faults = []
    candidates = []
    for name in shards:
        path = folder / name
        file = str(path.relative_to(root)) if path.is_relative_to(root) else name
        if not _inside(name):
            faults.append((file, Fault("MM004", f"state.json names {name}, which is outside the dataset: not read")))
        elif storage.isfile(os.fspath(path)) and not readable(path, near(root)):
            faults.append(_refused(file, path))
        elif storage.isfile(os.fspath(path)):
            candidates.append(Candidate(path, file, split, named=True))
        else:
            faults.append((file, Fault("MM004", f"the shard {name} that state.json names is missing")))
    return candidates, faults


def _inside(name: str) -> bool:
    """Whether a name that the dataset gives stays below its folder, by its text alone."""
    return ".." not in Path(name).parts and not os.path.isabs(name)


def _json(path: Path, root: Path) -> Any:
    """A small JSON file of a dataset. Raises OpenError, ValueError."""
    if not readable(path, near(root)):
        raise OpenError(f"{path} is no file of the dataset")
    with open_file(path) as file:
        return json.loads(file.read(_LONGEST).decode())
