"""A path becomes a dataset: its root, its format, and the files that are to be read, each with its role."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from mmcheck import readers
from mmcheck.detection import choose, document_of, fit, heads_of_files, roles_for
from mmcheck.errors import OpenError, RequestError
from mmcheck.format import Format, Role, load
from mmcheck.listing import Candidate, Listing, list_files, readable
from mmcheck.readers.batch import Fault
from mmcheck.storage import is_remote, path_of


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
    """Files of one format under one root.

    `faults` are files that are named and absent; `ignored` says of files that were passed over why.
    """

    path: str
    root: Path
    format: Format
    files: tuple[DataFile, ...]
    faults: tuple[tuple[str, Fault], ...] = ()
    ignored: Mapping[str, str] = field(default_factory=dict)

    def beside(self, files: Sequence[DataFile]) -> dict[str, str]:
        """Why the others are not among `files`, which hold the records: they hold none, or were passed over."""
        taken = {file.file for file in files}
        others = {file.file: f"it holds {file.role or 'names of files'}, no records" for file in self.files}
        return {file: why for file, why in {**self.ignored, **others}.items() if file not in taken}


def open_dataset(
    path: str | Path | Sequence[str | Path],
    *,
    format: str | None = None,
    format_path: Sequence[str | Path] = (),
    split: str | None = None,
    splits: Mapping[str, Sequence[str]] | None = None,
) -> Dataset:
    """The dataset behind a path. Raises RequestError (unknown or unclear format) and OpenError (missing path)."""
    paths = [path] if isinstance(path, str | Path) else list(path)
    listing = list_files(paths)
    may = [is_remote(each.path) or os.access(each.path, os.R_OK) for each in listing.candidates]
    if may and not any(may):  # one among others is told when it is read, and hides nothing of them
        raise OpenError(f"{listing.candidates[0].path} is not permitted to be read")
    heads = heads_of_files()
    form = load(format, format_path) if format else choose(listing, format_path, heads)
    files, ignored = _assign(form, listing, heads)
    if splits:
        files = [_in_split(file, splits) for file in files]
    faults = (*listing.faults, *(() if split else _absent(form, listing)))
    if split is not None:
        known = sorted({file.split for file in files if file.split})
        other = {file.file: f"it is of the split {file.split}" for file in files if file.split != split}
        files = [file for file in files if file.split == split]
        ignored |= {file: why for file, why in other.items() if file not in {each.file for each in files}}
        if not files:
            raise RequestError(f"there is no split {split!r}; there is {', '.join(known) or 'none'}")
    if not files and not faults:
        patterns = ", ".join(dict.fromkeys(pattern for role in form.roles.values() for pattern in role.files))
        raise OpenError(f"{listing.path} holds no file of {form.name} ({patterns})")
    return Dataset(listing.path, listing.root, form, tuple(files), faults, ignored)


def _in_split(file: DataFile, splits: Mapping[str, Sequence[str]]) -> DataFile:
    """The file in the split whose patterns name it, as the user says."""
    found = (split for split, patterns in splits.items() if any(fnmatchcase(file.file, each) for each in patterns))
    return replace(file, split=next(found, file.split))


def _absent(form: Format, listing: Listing) -> list[tuple[str, Fault]]:
    """A fault for each file that the format requires in a folder, and that is not there."""
    if listing.shards or any(candidate.named for candidate in listing.candidates):
        return []
    return [
        (
            name,
            Fault("MM004", f"{form.name} requires {name}, which is missing", hint="the loader opens it by this name"),
        )
        for role in form.roles.values()
        for name in role.required
        if not any((listing.root / (name + suffix)).exists() for suffix in ("", ".gz", ".zst"))
    ]


def _assign(form: Format, listing: Listing, heads: Any) -> tuple[list[DataFile], dict[str, str]]:
    """Each file to the roles that it is of. A file that fits no role is passed over, and the reason told."""
    files: list[DataFile] = []
    ignored: dict[str, str] = {}
    naming = {role for each in form.roles.values() for role, _ in each.named_by}
    for candidate in listing.candidates:
        mine = []
        roles = roles_for(form, candidate, listing)
        if not roles and candidate.named:
            roles = list(form.roles.values())
        # Where no record tells, the name does.
        roles.sort(key=lambda role: not role.fits_name(candidate.path.name))
        fits = {role.name: fit(role, candidate.path, heads)[0] for role in roles}
        unreadable = not any(_readable(role, candidate.path, heads) for role in roles)
        for role in roles:
            if fits[role.name] or (
                unreadable and role is roles[0] and (candidate.named or role.fixed or _alone(listing))
            ):
                mine.append(_data_file(role, candidate))
        if not mine and roles and (candidate.named or roles[0].fixed or _alone(listing)):
            mine.append(_data_file(_likeliest(roles, candidate.path), candidate))
        elif not mine and unreadable and roles:
            mine.append(_data_file(roles[0], candidate))
        files += mine
        if not mine:
            ignored[candidate.file] = f"it does not look like {form.name}"
    if naming & {file.role for file in files} and not all(candidate.named for candidate in listing.candidates):
        # A file that names the others says which files are the dataset; what else lies there is not its.
        ignored |= {file.file: "no file that was read names it" for file in files if file.role not in naming}
        files = [file for file in files if file.role in naming]
    order = list(form.roles)
    files.sort(key=lambda file: order.index(file.role))
    return files, ignored


def _alone(listing: Listing) -> bool:
    return len(listing.candidates) == 1


def _readable(role: Role, path: Path, heads: Any) -> bool:
    return bool(document_of(path)) if role.document else any(heads(path, at) for at in role.at)


def _likeliest(roles: Sequence[Role], path: Path) -> Role:
    """Of roles that no record fits, the one whose records can at least be found in the file."""
    for role in roles:
        if any(_has(path, at) for at in role.at):
            return role
    return roles[0]


def _has(path: Path, at: str) -> bool:
    """Whether a document holds the place `at`; every file holds the top level, as one (`""`) or its members (`*`)."""
    return at in ("", "*") or "/" + at.lstrip("/").partition("/")[0] in readers.pointers(path)


def _data_file(role: Role, candidate: Candidate) -> DataFile:
    at = next((at for at in role.at if _has(candidate.path, at)), role.at[0])
    return DataFile(candidate.path, candidate.file, role.name, at, candidate.split)


def named_files(
    form: Format, root: Path, naming: DataFile, row: int, record: Any
) -> Iterator[DataFile | tuple[str, Fault, list[Role]]]:
    """The files that a record of `naming` names, each with its context.

    For each that is not there a fault, with the file that names it and the roles that it could have had.
    """
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
            path, _ = look_up(place.value, naming.path, root)
            if path is None:
                pointer = "".join("/" + key for key in place.keys) + "/" + steps[-1].key
                hint = "paths are tried from the naming file's folder, the dataset's root and three parents of it"
                fault = Fault(
                    "MM004", f"{place.value} is missing", row=row, pointer=pointer, value=place.value, hint=hint
                )
                yield (naming.file, fault, roles)
                continue
            # Two roles may share a key (images in Parquet, images in JSON): then the file's name says which it is.
            fitting = [role for role in roles if role.fits_name(path.name)] or roles
            if len(fitting) == 1 or path.is_dir():
                yield from _named(fitting[0], root, naming, path, place.keys)


def look_up(text: str, naming: Path, root: Path) -> tuple[Path | None, Path | None]:
    """Where a path leads that the file `naming` names, and below which folder: its own, the root, or three parents."""
    bases = [naming.parent, root, *[parent for parent in root.parents[:3] if parent != parent.parent]]
    for base in dict.fromkeys(bases if not is_remote(text) else ()):
        path = path_of(os.path.normpath(base / text))
        if any(path.is_relative_to(allowed) for allowed in bases) and readable(path, bases):
            return path, base
    return None, None


def _named(role: Role, root: Path, naming: DataFile, path: Path, keys: tuple[str, ...]) -> Iterator[DataFile]:
    context = {
        name: keys[int(source[4:] or -1)] if source.startswith("@key") else source.strip("'")
        for name, source in role.context.items()
    }
    parts = sorted(each for each in path.iterdir() if role.fits_name(each.name)) if path.is_dir() else [path]
    for part in parts:
        at = next((at for at in role.at if _has(part, at)), role.at[0])
        yield DataFile(part, os.path.relpath(part, root), role.name, at, naming.split, context, part=part != path)
