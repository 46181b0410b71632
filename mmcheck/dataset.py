"""A path becomes a dataset: its root, its format, and the files that are to be read, each with its role."""

from __future__ import annotations

import glob
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from mmcheck import readers
from mmcheck.errors import OpenError, RequestError
from mmcheck.format import Format, Role, load, names
from mmcheck.readers.batch import Fault

_HEAD = 100
_MOST_FILES_FOR_DETECTION = 20
_DATA = re.compile(r"\.(json|jsonl|ndjson|csv|tsv|parquet|arrow|feather|ipc|ya?ml)(\.gz|\.zst)?$", re.I)
_SPLIT = re.compile(r"(train|training|val|valid|validation|dev|test|eval)(?![a-z])", re.I)

#: Files beside the data that describe it for other tools; they hold no records.
_NOT_DATA = frozenset(
    ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "metadata.json", "mmcheck.yaml",
     "package.json", ".pre-commit-config.yaml", "croissant.json")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file to be read: where it is, what it is called in findings, and what its records are."""

    path: Path
    file: str
    role: str
    at: str = ""
    split: str | None = None
    context: Mapping[str, Any] = field(default_factory=dict)
    part: bool = False


@dataclass(frozen=True, slots=True)
class Dataset:
    """Files of one format under one root. `faults` are files that are named and absent; `ignored` were passed over."""

    path: str
    root: Path
    format: Format
    files: tuple[DataFile, ...]
    faults: tuple[tuple[str, Fault], ...] = ()
    ignored: tuple[str, ...] = ()


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


@dataclass(frozen=True, slots=True)
class _Candidate:
    path: Path
    file: str
    split: str | None = None
    named: bool = False


@dataclass(frozen=True, slots=True)
class _Listing:
    """What a path holds: a root, files that may be data, and shards that are named and absent."""

    path: str
    root: Path
    candidates: tuple[_Candidate, ...]
    faults: tuple[tuple[str, Fault], ...] = ()
    shards: bool = False


def split_of(file: str) -> str | None:
    """The split that a file's name, or its folder's, speaks of: train, val, test as they are spelt."""
    for part in (Path(file).name, *reversed(Path(file).parts[:-1])):
        match = _SPLIT.match(part)
        if match:
            return match[1].lower()
    return None


def list_files(paths: Sequence[str | Path]) -> _Listing:
    """The data files behind one path, one glob, or several paths as one dataset. Raises OpenError."""
    shown = ", ".join(str(path) for path in paths)
    if len(paths) == 1 and Path(paths[0]).is_dir():
        root = Path(os.path.abspath(paths[0]))
        return _list_directory(shown, root)
    files: list[Path] = []
    for path in paths:
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
    candidates = tuple(_Candidate(file, str(file.relative_to(root)), split_of(file.name), named=True) for file in files)
    return _Listing(shown, root, candidates)


def _list_directory(shown: str, root: Path) -> _Listing:
    if not os.access(root, os.R_OK | os.X_OK):
        raise OpenError(f"{shown} is not permitted to be read")
    if (root / "dataset_dict.json").is_file():
        return _list_dataset_dict(shown, root)
    if (root / "state.json").is_file():
        candidates, faults = _shards(root, root, None)
        return _Listing(shown, root, tuple(candidates), tuple(faults), shards=True)
    found = []
    for folder, folders, entries in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(entries):
            if _DATA.search(name) and name not in _NOT_DATA and not name.startswith((".", "cache-")):
                path = Path(folder, name)
                file = str(path.relative_to(root))
                found.append(_Candidate(path, file, split_of(file)))
    if not found:
        raise OpenError(f"{shown} holds no data file (.json, .jsonl, .csv, .parquet, .arrow, .yaml)")
    found.sort(key=lambda candidate: (candidate.file.count("/"), candidate.file))
    return _Listing(shown, root, tuple(found))


def _list_dataset_dict(shown: str, root: Path) -> _Listing:
    """A DatasetDict of Hugging Face: one `save_to_disk` folder a split."""
    try:
        splits = json.loads((root / "dataset_dict.json").read_text(encoding="utf-8"))["splits"]
    except (OSError, ValueError, KeyError, TypeError):
        fault = Fault("MM003", "dataset_dict.json does not name the splits", hint="save the dataset again")
        splits = sorted(each.parent.name for each in root.glob("*/state.json"))
        faults = [("dataset_dict.json", fault)]
    else:
        faults = []
    candidates = []
    for split in splits:
        if not (root / split).is_dir():
            faults.append((split, Fault("MM004", f"the split {split!r} that dataset_dict.json names is missing")))
            continue
        more, missing = _shards(root / split, root, split)
        candidates += more
        faults += missing
    return _Listing(shown, root, tuple(candidates), tuple(faults), shards=True)


def _shards(folder: Path, root: Path, split: str | None) -> tuple[list[_Candidate], list[tuple[str, Fault]]]:
    """The shards that `state.json` names; `cache-*.arrow` beside them are not data."""
    state = folder / "state.json"
    try:
        data = json.loads(state.read_text(encoding="utf-8"))
        shards = [str(each["filename"]) for each in data["_data_files"]]
        split = split or data.get("_split")
    except (OSError, ValueError, KeyError, TypeError):
        fault = Fault("MM003", "state.json does not name the shards (_data_files)", hint="save the dataset again")
        shards = sorted(each.name for each in folder.glob("data-*.arrow"))
        faults = [(str(state.relative_to(root)), fault)]
    else:
        faults = []
    candidates = []
    for name in shards:
        path = folder / name
        file = str(path.relative_to(root)) if path.is_relative_to(root) else name
        if ".." in Path(name).parts or os.path.isabs(name):
            faults.append((file, Fault("MM004", f"state.json names {name}, which is outside the dataset: not read")))
        elif path.is_file():
            candidates.append(_Candidate(path, file, split, named=True))
        else:
            faults.append((file, Fault("MM004", f"the shard {name} that state.json names is missing")))
    return candidates, faults


def detect(path: str | Path | Sequence[str | Path], format_path: Iterable[str | Path] = ()) -> list[Evidence]:
    """What each format has for it on a path, best first; formats with nothing are left out."""
    paths = [path] if isinstance(path, str | Path) else list(path)
    return _evidence(list_files(paths), list(format_path))


def _evidence(listing: _Listing, format_path: Sequence[str | Path]) -> list[Evidence]:
    heads = _heads()
    found = []
    for name in names(format_path):
        form = load(name, format_path)
        matched = seen = 0
        have: dict[str, None] = {}
        lack: dict[str, None] = {}
        for candidate in listing.candidates[:_MOST_FILES_FOR_DETECTION]:
            for role in form.roles.values():
                if not _name_fits(role, candidate, listing):
                    continue
                fits, total, keys, lacks = _fit(role, candidate.path, heads)
                matched += fits
                seen += total
                have |= dict.fromkeys(keys)
                lack |= dict.fromkeys(lacks)
        if matched or have:
            lacks = tuple(key for key in lack if key not in have) if not matched else ()
            found.append(Evidence(name, form.version, matched, seen, tuple(have), lacks))
    return sorted(found, key=lambda each: (-each.matched, -len(each.keys) / (len(each.keys) + len(each.lacks) or 1)))


def _name_fits(role: Role, candidate: _Candidate, listing: _Listing) -> bool:
    if role.fixed and not candidate.named:
        return candidate.path.parent == listing.root and role.fits_name(candidate.path.name)
    return role.fixed or listing.shards or role.fits_name(candidate.path.name)


def _heads() -> Any:
    @cache
    def head(path: Path, at: str) -> list[Any]:
        return readers.head(path, at, _HEAD)

    return head


def _fit(role: Role, path: Path, heads: Any) -> tuple[int, int, list[str], list[str]]:
    """How many of the first records are clearly of the role, of how many; the keys that speak for it, and against."""
    from mmcheck.paths import parse, places
    from mmcheck.schema import Judge, without_bytes

    best: tuple[int, int, list[str], list[str]] = (0, 0, [], [])
    for at in role.at:
        records = heads(path, at) if not role.document else _document(path)
        if not records:
            continue
        have = [
            key for key in role.keys if any(next(places(record, parse(key)), None) is not None for record in records)
        ]
        lack = [key for key in role.keys if key not in have]
        if role.like is not None:
            judge = Judge(role.like)
            fits = sum(1 for record in records if judge.is_valid(without_bytes(record)))
        else:
            fits = sum(
                1
                for record in records
                if role.keys and all(next(places(record, parse(key)), None) is not None for key in role.keys)
            )
        if role.unlike is not None:
            # A near relative may hold records that would fit: a tenth that is clearly the relative's speaks for it.
            judge = Judge(role.unlike)
            if 10 * sum(1 for record in records if judge.is_valid(without_bytes(record))) >= len(records):
                fits = 0
        if fits > best[0] or (not best[0] and len(have) > len(best[2])):
            best = (fits, len(records), have, lack)
    return best


def _document(path: Path) -> list[Any]:
    """The one record of a small whole-file document (YAML, JSON)."""
    try:
        for batch in readers.read(path, "", document=True):
            return batch.values
    except OpenError:
        pass
    return []


def choose(listing: _Listing, format_path: Sequence[str | Path]) -> Format:
    """The one format that a path is clearly of. Raises RequestError naming the candidates and their evidence."""
    found = _evidence(listing, format_path)
    likely = [each for each in found if each.matched]
    if likely and (len(likely) == 1 or likely[0].matched >= 10 * likely[1].matched):
        return load(f"{likely[0].format}@{likely[0].version}", format_path)
    if likely:
        told = "\n  ".join(str(each) for each in likely)
        raise RequestError(f"{listing.path} may be of several formats: choose one with --format\n  {told}")
    near = "\n  ".join(str(each) for each in found[:3])
    known = ", ".join(names(format_path))
    what = f"; it resembles\n  {near}" if near else f" ({_why_nothing(listing)})"
    raise RequestError(f"{listing.path} is of no known format{what}\nname one with --format: {known}")


def _why_nothing(listing: _Listing) -> str:
    first = listing.candidates[0] if listing.candidates else None
    if first is None:
        return "no data file was found"
    return f"no record of {first.file} has the keys of one"


def open_dataset(
    path: str | Path | Sequence[str | Path],
    *,
    format: str | None = None,
    format_path: Sequence[str | Path] = (),
    split: str | None = None,
) -> Dataset:
    """The dataset behind a path. Raises RequestError (unknown or unclear format) and OpenError (missing path)."""
    paths = [path] if isinstance(path, str | Path) else list(path)
    listing = list_files(paths)
    for candidate in listing.candidates:
        if not os.access(candidate.path, os.R_OK):
            raise OpenError(f"{candidate.path} is not permitted to be read")
    form = load(format, format_path) if format else choose(listing, format_path)
    files, ignored = _assign(form, listing)
    faults = (*listing.faults, *(() if split else _absent(form, listing)))
    if split is not None:
        known = sorted({file.split for file in files if file.split})
        files = [file for file in files if file.split == split]
        if not files:
            raise RequestError(f"there is no split {split!r}; there is {', '.join(known) or 'none'}")
    if not files and not faults:
        patterns = ", ".join(dict.fromkeys(pattern for role in form.roles.values() for pattern in role.files))
        raise OpenError(f"{listing.path} holds no file of {form.name} ({patterns})")
    return Dataset(listing.path, listing.root, form, tuple(files), faults, tuple(ignored))


def _absent(form: Format, listing: _Listing) -> list[tuple[str, Fault]]:
    """A fault for each file that the format requires in a folder, and that is not there."""
    if listing.shards or any(candidate.named for candidate in listing.candidates):
        return []
    return [
        (name, Fault("MM004", f"{form.name} requires {name}, which is missing", hint="the loader opens it by this name"))
        for role in form.roles.values()
        for name in role.required
        if not any((listing.root / (name + suffix)).exists() for suffix in ("", ".gz", ".zst"))
    ]


def _assign(form: Format, listing: _Listing) -> tuple[list[DataFile], list[str]]:
    """Each file to the roles that it is of. A file that fits no role is passed over, and said to be."""
    heads = _heads()
    files: list[DataFile] = []
    ignored: list[str] = []
    naming = {role for each in form.roles.values() for role, _ in each.named_by}
    for candidate in listing.candidates:
        mine = []
        roles = [role for role in form.roles.values() if _name_fits(role, candidate, listing)]
        if not roles and candidate.named:
            roles = list(form.roles.values())
        fits = {role.name: _fit(role, candidate.path, heads)[0] for role in roles}
        unreadable = not any(_readable(role, candidate.path, heads) for role in roles)
        for role in roles:
            if fits[role.name] or (unreadable and role is roles[0] and (candidate.named or role.fixed or _alone(listing))):
                mine.append(_data_file(role, candidate))
        if not mine and roles and (candidate.named or roles[0].fixed or _alone(listing)):
            mine.append(_data_file(_likeliest(roles, candidate.path), candidate))
        elif not mine and unreadable and roles:
            mine.append(_data_file(roles[0], candidate))
        files += mine
        if not mine:
            ignored.append(candidate.file)
    if naming & {file.role for file in files} and not all(candidate.named for candidate in listing.candidates):
        # A file that names the others says which files are the dataset; what else lies there is not its.
        ignored += [file.file for file in files if file.role not in naming]
        files = [file for file in files if file.role in naming]
    order = list(form.roles)
    files.sort(key=lambda file: order.index(file.role))
    return files, ignored


def _alone(listing: _Listing) -> bool:
    return len(listing.candidates) == 1


def _readable(role: Role, path: Path, heads: Any) -> bool:
    return bool(_document(path)) if role.document else any(heads(path, at) for at in role.at)


def _likeliest(roles: Sequence[Role], path: Path) -> Role:
    """Of roles that no record fits, the one whose records can at least be found in the file."""
    for role in roles:
        if any(_has(path, at) for at in role.at):
            return role
    return roles[0]


def _has(path: Path, at: str) -> bool:
    """Whether a document holds the place `at`; every file holds the top level, as one (`""`) or its members (`*`)."""
    return at in ("", "*") or "/" + at.lstrip("/").partition("/")[0] in readers.pointers(path)


def _data_file(role: Role, candidate: _Candidate) -> DataFile:
    at = next((at for at in role.at if _has(candidate.path, at)), role.at[0])
    return DataFile(candidate.path, candidate.file, role.name, at, candidate.split)


def named_files(
    form: Format, root: Path, naming: DataFile, row: int, record: Any
) -> Iterator[DataFile | tuple[str, Fault]]:
    """The files that a record of `naming` names, each with its context; a fault for each that is not there."""
    from mmcheck.paths import places

    named_by: dict[tuple[Any, ...], list[Role]] = {}
    for role in form.roles.values():
        for by, steps in role.named_by:
            if by == naming.role:
                named_by.setdefault(steps, []).append(role)
    for steps, roles in named_by.items():
        for place in places(record, steps):
            if not isinstance(place.value, str) or not place.value.strip():
                continue
            path = look_up(place.value, naming.path, root)
            if path is None:
                pointer = "".join("/" + key for key in place.keys) + "/" + steps[-1].key
                hint = "paths are tried from the naming file's folder, the dataset's root and three parents of it"
                fault = Fault("MM004", f"{place.value} is missing", row=row, pointer=pointer, value=place.value, hint=hint)
                yield (naming.file, fault)
                continue
            # Two roles may share a key (images in Parquet, images in JSON): then the file's name says which it is.
            fitting = [role for role in roles if role.fits_name(path.name)] or roles
            if len(fitting) == 1 or path.is_dir():
                yield from _named(fitting[0], root, naming, path, place.keys)


def look_up(text: str, naming: Path, root: Path) -> Path | None:
    """Where a path leads that the file `naming` names: below its folder, the root, or three parents of that."""
    bases = [naming.parent, root, *[parent for parent in root.parents[:3] if parent != parent.parent]]
    for base in dict.fromkeys(bases):
        path = Path(os.path.normpath(base / text))
        if any(path.is_relative_to(allowed) for allowed in bases) and path.exists():
            return path
    return None


def _named(role: Role, root: Path, naming: DataFile, path: Path, keys: tuple[str, ...]) -> Iterator[DataFile]:
    context = {
        name: keys[int(source[4:] or -1)] if source.startswith("@key") else source.strip("'")
        for name, source in role.context.items()
    }
    parts = sorted(each for each in path.iterdir() if role.fits_name(each.name)) if path.is_dir() else [path]
    for part in parts:
        at = next((at for at in role.at if _has(part, at)), role.at[0])
        yield DataFile(part, os.path.relpath(part, root), role.name, at, naming.split, context, part=part != path)


