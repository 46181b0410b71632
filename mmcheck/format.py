"""Formats: each is a JSON Schema file and a rules file; the registry finds them by name."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mmcheck import paths, rulefile
from mmcheck.contracts import TABLES, Kind
from mmcheck.errors import RequestError, nearest
from mmcheck.evidence import Evidence, declare_evidence
from mmcheck.installed import named_by
from mmcheck.limits import Limits
from mmcheck.resources import folder
from mmcheck.rulefile import RuleFile
from mmcheck.schema import Judge
from mmcheck.table_plans import TablePlan, compile_tables, declared_columns, vet

_ROLE_KEYS = (
    "files", "fixed", "required", "at", "document", "schema", "detect", "named_by", "context", "tables", "docs",
    "media_root",
)  # fmt: skip


@dataclass(frozen=True)
class Role:
    """One kind of file of a format: what it is called, where its records are, how they unfold."""

    name: str
    files: tuple[str, ...]
    fixed: bool
    at: tuple[str, ...]
    document: bool
    schema_pointer: str
    keys: tuple[str, ...]
    like: Mapping[str, Any] | None
    unlike: Mapping[str, Any] | None
    required: tuple[str, ...]
    named_by: tuple[tuple[str, tuple[paths.Step, ...]], ...]
    context: Mapping[str, str]
    plans: tuple[TablePlan, ...]
    media_root: tuple[paths.Step, ...] | None = None

    def fits_name(self, name: str) -> bool:
        """Whether a file of this name may be of this role; `.gz` and `.zst` are passed over, case too."""
        name = name.lower().removesuffix(".gz").removesuffix(".zst")
        return any(fnmatch.fnmatchcase(name, pattern.lower()) for pattern in self.files)

    def columns(self, table: str) -> dict[str, Kind]:
        """Names and kinds of the columns that the role gives a table; empty where it has no such table."""
        names = {plan.name for plan in self.plans}
        if table == "counts":
            return _standard("counts") if {"slots", "media"} <= names else {}
        if table == "lengths":
            return _standard("lengths") if names & {"turns", "media"} else {}
        if table == "order":
            return _standard("order") if "media" in names else {}
        found: dict[str, Kind] = {}
        for plan in self.plans:
            if plan.name == table:
                found |= self._view_columns(plan) if plan.sql else declared_columns(plan)
        return found

    def _view_columns(self, plan: TablePlan) -> dict[str, Kind]:
        from mmcheck.tables import view_columns  # a conversion knows formats, and needs no tables

        return view_columns(plan, self.plans) | (_standard(plan.name) if plan.name in TABLES else {})


@dataclass(frozen=True)
class Format:
    """A format and version: its roles, what stands for media in its texts, and its own rules."""

    name: str
    version: int
    title: str
    docs: str
    source: str
    path: Path
    schema_path: Path
    roles: Mapping[str, Role]
    placeholders: Mapping[str, str | None]
    foreign_placeholders: Mapping[str, str]
    stand_in: Mapping[str, str]
    evidence: tuple[Evidence, ...]
    fixed_media_root: bool
    rules: RuleFile = field(repr=False)

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema document."""
        try:
            loaded = json.loads(self.schema_path.read_text(encoding="utf-8"))
        except OSError as error:
            raise RequestError(f"{self.path}: the schema {self.schema_path} cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise RequestError(f"{self.schema_path}: not JSON: {error}") from None
        if not isinstance(loaded, dict):
            raise RequestError(f"{self.schema_path}: a schema is a JSON object")
        return loaded

    def judge(self, role: str, limits: Limits | None = None) -> Judge:
        """The judge of records of a role."""
        try:
            return Judge(self.schema, self.roles[role].schema_pointer, limits)
        except RequestError as error:
            raise RequestError(f"{self.schema_path}: {error}") from None

    def columns(self, table: str) -> dict[str, Kind]:
        """Names and kinds of the columns of a table over all roles; empty where the format has no such table."""
        if table in ("files", "folder"):
            return _standard(table)
        found = self._columns.get(table)
        if found is None:
            found = self._columns[table] = {}
            for role in self.roles.values():
                found |= role.columns(table)
        return dict(found)

    @cached_property
    def _columns(self) -> dict[str, dict[str, Kind]]:
        """The columns of the tables that were asked for: every rule asks, and those of a view cost a query."""
        return {}

    def tables(self) -> list[str]:
        """The names of the format's tables, the engine's included."""
        names = dict.fromkeys(plan.name for role in self.roles.values() for plan in role.plans)
        return ["files", "folder", *names, *(name for name in ("counts", "lengths", "order") if self.columns(name))]


def _standard(table: str) -> dict[str, Kind]:
    return {column.name: column.kind for column in TABLES[table].columns}


def registry(format_path: Iterable[Path | str] = ()) -> dict[str, dict[int, Path]]:
    """Every known format: name → version → its rules file. The user's own folders come before the shipped ones."""
    found: dict[str, dict[int, Path]] = {}
    for base in [*(Path(path) / "rules" for path in (*format_path, *installed())), folder("rules")]:
        if not base.is_dir():
            raise RequestError(f"{base.parent} has no folder rules/: a folder of formats has rules/ and schemas/")
        for file in sorted(base.glob("*/*.yaml")):
            if file.stem.isdigit():
                found.setdefault(file.parent.name, {}).setdefault(int(file.stem), file)
    return dict(sorted(found.items()))


@cache
def installed() -> tuple[Path, ...]:
    """The folders of formats that installed packages bring, by the entry point group `mmcheck.formats`.

    The entry point names a package; its folder is found without running its code.
    """
    found = []
    for module in named_by("mmcheck.formats"):
        try:
            spec = find_spec(module)
        except (ImportError, ValueError):
            continue
        found += [Path(place) for place in (spec.submodule_search_locations or () if spec else ())]
    return tuple(path for path in dict.fromkeys(found) if (path / "rules").is_dir())


def load(name: str, format_path: Iterable[Path | str] = ()) -> Format:
    """The format `NAME` or `NAME@VERSION` (default: the newest). Raises RequestError with the nearest name."""
    known = registry(format_path)
    name, _, wanted = name.partition("@")
    if name not in known:
        raise RequestError(f"there is no format {name!r}{nearest(name, known)}: {', '.join(known)}")
    versions = known[name]
    if wanted and (not wanted.isdigit() or int(wanted) not in versions):
        raise RequestError(f"there is no version {wanted} of {name}: {', '.join(map(str, sorted(versions)))}")
    version = int(wanted) if wanted else max(versions)
    return _load(name, version, versions[version])


def load_file(path: Path) -> Format:
    """The format of one rules file, `rules/NAME/VERSION.yaml` with `schemas/NAME/VERSION.json` beside `rules/`."""
    path = path.absolute()
    return _load(path.parent.name, int(path.stem) if path.stem.isdigit() else 1, path)


def newest(format_path: Iterable[Path | str] = ()) -> list[Format]:
    """Every known format in its newest version."""
    known = registry(format_path)
    return [_load(name, max(versions), versions[max(versions)]) for name, versions in known.items()]


def names(format_path: Iterable[Path | str] = ()) -> list[str]:
    """The names of all known formats."""
    return list(registry(format_path))


def unreadable() -> Format:
    """What stands in for a format where no record can be read: its files are judged all the same."""
    return _load("unknown", 1, folder("rules") / "unknown.yaml")


def _load(name: str, version: int, path: Path) -> Format:
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        changed = 0
    return _read(name, version, path, changed)


@cache
def _read(name: str, version: int, path: Path, changed: int) -> Format:
    """A format as its file was at that time: to find out formats, all of them are read, and a hook does so often."""
    rules = rulefile.read(path)
    data = rules.data
    schema = data.get("schema")
    schema_path = path.parents[2] / "schemas" / name / f"{version}.json"
    if schema and ((path.parent / schema).exists() or not schema_path.exists()):
        schema_path = path.parent / schema
    roles = {}
    for role, declared in (data.get("roles") or {}).items():
        try:
            roles[role] = _role(role, declared)
            if not path.resolve().is_relative_to(folder("rules").resolve()):  # tests vet the shipped ones
                vet(roles[role].plans)
        except (RequestError, KeyError, TypeError, AttributeError) as error:
            raise RequestError(f"{rules.located.at('roles', role)}: {error}") from None
    if not roles:
        raise RequestError(f"{rules.located.at()}: a format needs roles:")
    return Format(
        name=name,
        version=version,
        title=str(data.get("title") or name),
        docs=str(data.get("docs") or "").strip(),
        source=str(data.get("source") or "").strip(),
        path=path,
        schema_path=schema_path.resolve(),
        roles=roles,
        placeholders=dict(data.get("placeholders") or {}),
        foreign_placeholders=dict(data.get("foreign_placeholders") or {}),
        stand_in=dict(data.get("stand_in") or {}),
        evidence=tuple(declare_evidence(item) for item in data.get("order") or ()),
        fixed_media_root=data.get("media_root") == "fixed",
        rules=rules,
    )


def _role(name: str, data: Mapping[str, Any]) -> Role:
    for key in data:
        if key not in _ROLE_KEYS:
            raise RequestError(f"the role {name!r} has an unknown key {key!r}{nearest(key, _ROLE_KEYS)}")
    at = data.get("at", "")
    detect = data.get("detect") or {}
    return Role(
        name=name,
        files=tuple(data.get("files") or ("*.json", "*.jsonl")),
        fixed=bool(data.get("fixed")),
        at=tuple(at) if isinstance(at, list) else (at,),
        document=bool(data.get("document")),
        schema_pointer=str(data.get("schema") or "#"),
        keys=tuple(detect.get("keys") or ()),
        like=detect.get("like"),
        unlike=detect.get("unlike"),
        required=tuple(data.get("required") or ()),
        named_by=tuple((item["role"], paths.parse(item["path"])) for item in data.get("named_by") or ()),
        context=dict(data.get("context") or {}),
        plans=compile_tables(data.get("tables") or {}),
        media_root=paths.parse(data["media_root"].removeprefix("@header.")) if data.get("media_root") else None,
    )
