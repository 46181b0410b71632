"""What a command line and the configuration come to: which datasets are checked, and what is asked of each."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmcheck import config as configuration
from mmcheck.cli.options import assignments, codes
from mmcheck.cli.permission import permitted
from mmcheck.config import Config, ConfiguredDataset, Rules
from mmcheck.errors import OpenError, RequestError
from mmcheck.storage import absolute, is_remote


@dataclass(frozen=True, slots=True)
class Job:
    """One dataset to check: a path, or several as one, and the request to the engine."""

    dataset: Any
    request: dict[str, Any]


def find(named: Path | None) -> Config:
    """The configuration that was named, else the nearest one upward, else an empty one."""
    if named is not None:
        if not named.is_file():
            raise OpenError(f"{named} does not exist")
        return configuration.read(named, named=True)
    found = configuration.find(Path.cwd())
    return configuration.read(found, named=False) if found is not None else Config()


def jobs(paths: Sequence[Path], as_one: bool, options: dict[str, Any], config: Config) -> list[Job]:
    """What to check: the paths of the command line, each as its configuration says, or all configured datasets.

    The command line wins: `--select`, `--ignore`, `--profile`, `--format` and `--media-root` take the place of what is
    configured, `--param` overrides single parameters, `--rules` and `--format-path` add to the configured files.
    """
    if as_one and paths:
        return [Job(list(paths), _request(None, options, config))]
    if paths:
        return [Job(path, _request(_configured(path, config), options, config)) for path in paths]
    if not config.datasets:
        where = f"{config.path} names no datasets" if config.path else f"no {configuration.NAME} was found"
        raise RequestError(f"PATH is needed: {where}; `mmcheck check --help` lists the options")
    return [Job(shown(each.path), _request(each, options, config)) for each in config.datasets]


def requested(
    path: Path,
    *,
    config: Path | None = None,
    allow_root: Sequence[Path] = (),
    placeholder: Sequence[str] = (),
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    param: Sequence[str] = (),
    jobs: int | None = None,
    **same: Any,
) -> dict[str, Any]:
    """The request to check a dataset, as `mmcheck check` with these options and the configuration would make it."""
    usual: dict[str, Any] = {
        "rules": [], "profile": None, "format": None, "media_root": None, "format_path": [], "allow_python": False,
    }  # fmt: skip
    options = usual | {
        **same,
        "allow_roots": allow_root,
        "placeholders": placeholder,
        "select": codes(select),
        "ignore": codes(ignore),
        "params": assignments(param),
    }
    if jobs is not None:
        options["jobs"] = jobs
    known = find(config)
    return _request(_configured(path, known), options, known)


def shown(path: Path) -> Path:
    """The path as a person in the working directory would write it."""
    if is_remote(path):
        return path
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else Path(relative)


def _configured(path: Path, config: Config) -> ConfiguredDataset | None:
    found = absolute(path)
    return next((each for each in config.datasets if each.path == found), None)


def _request(dataset: ConfiguredDataset | None, options: dict[str, Any], config: Config) -> dict[str, Any]:
    rules = dataset.rules.over(config.rules) if dataset is not None else config.rules
    given = Rules(
        rules=tuple(options["rules"]),
        profile=options["profile"],
        select=tuple(options["select"]),
        ignore=tuple(options["ignore"]),
        params=options["params"],
    ).over(rules)
    request = dict(options)
    del request["profile"], request["rules"]
    return request | {
        "rules": list(given.rules),
        "profile": given.profile,
        "select": given.select,
        "ignore": given.ignore,
        "severity": given.severity,
        "params": given.params,
        "per_path": given.per_path,
        "format": options["format"] or (dataset.format if dataset else None),
        "media_root": options["media_root"] or (dataset.media_root if dataset else None),
        "splits": dataset.splits if dataset else {},
        "format_path": [*options["format_path"], *config.formats],
        "allow_python": permitted(options["allow_python"], config_named=config.named),
    }
