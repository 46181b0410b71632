"""The configuration: mmcheck.yaml, or [tool.mmcheck] in pyproject.toml, nearest upward from the working directory."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmcheck.errors import OpenError, RequestError
from mmcheck.metaschema import hold
from mmcheck.storage import given, is_remote
from mmcheck.yaml_lines import Located, Where, load

NAME = "mmcheck.yaml"


@dataclass(frozen=True, slots=True)
class Rules:
    """What may be said of all datasets, and of one: which rules look at it, and how. Paths are absolute."""

    rules: tuple[Path, ...] = ()
    profile: str | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severity: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    per_path: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def over(self, general: Rules) -> Rules:
        """These after the general ones: rules files add up, other lists and the profile take their place."""
        return Rules(
            rules=tuple(dict.fromkeys((*general.rules, *self.rules))),
            profile=self.profile or general.profile,
            select=self.select or general.select,
            ignore=self.ignore or general.ignore,
            severity={**general.severity, **self.severity},
            params={**general.params, **self.params},
            per_path={**general.per_path, **self.per_path},
        )


@dataclass(frozen=True, slots=True)
class ConfiguredDataset:
    """One dataset of the configuration. `path` is absolute, and may be a pattern."""

    path: Path
    format: str | None = None
    media_root: Path | None = None
    splits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rules: Rules = field(default_factory=Rules)


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration; without a file it is empty. `named` tells that the user named it, with --config."""

    path: Path | None = None
    named: bool = False
    rules: Rules = field(default_factory=Rules)
    formats: tuple[Path, ...] = ()
    baseline: Path | None = None
    fail_on: str | None = None
    datasets: tuple[ConfiguredDataset, ...] = ()
    outputs: Mapping[str, Path] = field(default_factory=dict)


def find(start: Path) -> Path | None:
    """The nearest configuration from a folder upward: mmcheck.yaml, else a pyproject.toml that has [tool.mmcheck]."""
    for folder in (start, *start.parents):
        if (folder / NAME).is_file():
            return folder / NAME
        project = folder / "pyproject.toml"
        if project.is_file() and _table(project) is not None:
            return project
    return None


def read(path: Path, *, named: bool) -> Config:
    """Read a configuration. Raises RequestError with FILE:LINE, OpenError where there is none.

    Outputs and the baseline of a configuration that was merely found (`named` false) stay inside its folder.
    """
    located = _located(path)
    if not isinstance(located.data, dict):
        raise RequestError(f"{located.at()}: a configuration is a mapping of rules, profile, datasets, …")
    hold(located, "config")
    data, folder = located.data, path.absolute().parent
    config = Config(
        path=path,
        named=named,
        rules=_rules(data, folder),
        formats=tuple(_below(folder, each) for each in data.get("formats") or ()),
        baseline=_below(folder, data["baseline"]) if data.get("baseline") else None,
        fail_on=data.get("fail_on"),
        datasets=tuple(_dataset(each, folder) for each in data.get("datasets") or ()),
        outputs={kind: _below(folder, each) for kind, each in (data.get("outputs") or {}).items()},
    )
    _exist(config, located)
    if not named:
        for where, target in (("baseline", config.baseline), *(("outputs", each) for each in config.outputs.values())):
            if target is not None and not target.resolve().is_relative_to(folder.resolve()):
                raise RequestError(
                    f"{located.at(where)}: {target} lies outside of {folder}: only a configuration that --config names "
                    "may write there"
                )
    return config


def _rules(data: Mapping[str, Any], folder: Path) -> Rules:
    per_path: dict[str, tuple[str, ...]] = {}
    for pattern, what in (data.get("per_path") or {}).items():
        # Below the dataset's root as it is; below the configuration's folder as an absolute path.
        per_path[pattern] = per_path[str(folder / pattern)] = tuple(what["ignore"])
    return Rules(
        rules=tuple(_below(folder, each) for each in data.get("rules") or ()),
        profile=data.get("profile"),
        select=tuple(data.get("select") or ()),
        ignore=tuple(data.get("ignore") or ()),
        # YAML 1.1 reads a bare `off` as false.
        severity={code: "off" if word is False else word for code, word in (data.get("severity") or {}).items()},
        params=dict(data.get("params") or {}),
        per_path=per_path,
    )


def _dataset(data: Mapping[str, Any], folder: Path) -> ConfiguredDataset:
    return ConfiguredDataset(
        path=_named(folder, data["path"]),
        format=data.get("format"),
        media_root=_named(folder, data["media_root"]) if data.get("media_root") else None,
        splits={split: tuple(files) for split, files in (data.get("splits") or {}).items()},
        rules=_rules(data, folder),
    )


def _named(folder: Path, name: str) -> Path:
    """A place that is read: below the folder, or remote."""
    path = given(name)
    return path if is_remote(path) else _below(folder, name)


def _below(folder: Path, name: str) -> Path:
    return Path(os.path.normpath(folder / os.path.expanduser(name)))


def _exist(config: Config, located: Located) -> None:
    """Refuse rules files and folders that are not there, at the line that names them."""
    for number, path in enumerate(config.rules.rules):
        if not path.is_file():
            raise RequestError(f"{located.at('rules', number)}: there is no rules file {path}")
    for number, path in enumerate(config.formats):
        if not path.is_dir():
            raise RequestError(f"{located.at('formats', number)}: there is no folder {path}")
    for number, dataset in enumerate(config.datasets):
        for file in dataset.rules.rules:
            if not file.is_file():
                raise RequestError(f"{located.at('datasets', number, 'rules')}: there is no rules file {file}")


def _located(path: Path) -> Located:
    if path.suffix != ".toml":
        located = load(path)
        return Located(path, {} if located.data is None else located.data, located.lines)
    data = _table(path)
    if data is None:
        raise RequestError(f"{path}: there is no [tool.mmcheck]")
    return Located(path, data, _toml_lines(path.read_text(encoding="utf-8")))


def _table(path: Path) -> dict[str, Any] | None:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise OpenError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise RequestError(f"{path} is not UTF-8 text") from None
    if "tool.mmcheck" not in text:
        return None
    try:
        found = tomllib.loads(text).get("tool", {}).get("mmcheck")
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        raise RequestError(f"{path}:{line[1] if line else 1}: not TOML: {error}") from None
    return found if isinstance(found, dict) else None


_HEADER = re.compile(r"\s*(\[\[?)\s*tool\.mmcheck\.?([\w.\"*/ -]*?)\s*\]\]?")
_KEY = re.compile(r"\s*\"?([\w./*-]+)\"?\s*=")


def _toml_lines(text: str) -> dict[Where, int]:
    """The line of each key below [tool.mmcheck], as far as lines tell it: the parser of the library keeps none."""
    lines: dict[Where, int] = {}
    at: Where | None = None
    counted: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            at = tuple(part.strip('"') for part in header[2].split(".") if part)
            if header[1] == "[[":
                counted[header[2]] = counted.get(header[2], -1) + 1
                at = (*at, counted[header[2]])
            for length in range(len(at) + 1):
                lines.setdefault(at[:length], number)
        elif line.lstrip().startswith("["):
            at = None
        elif at is not None and (key := _KEY.match(line)):
            lines.setdefault((*at, key[1]), number)
    return lines
