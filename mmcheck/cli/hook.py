"""`mmcheck hook`: the pre-commit entry; each changed file leads to the datasets that hold it, checked once each."""

from __future__ import annotations

import os
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmcheck.cache import default_folder
from mmcheck.cli.options import Parser
from mmcheck.cli.say import say
from mmcheck.errors import OpenError, RequestError

if TYPE_CHECKING:
    from mmcheck.config import Config, ConfiguredDataset

#: Names of files that may hold records.
_DATA = (".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", ".arrow", ".yaml", ".yml", ".gz", ".zst")


def hook_options(parser: Parser) -> None:
    """Changed files."""
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="a changed file")
    parser.add_argument("--config", metavar="FILE", type=Path, help="the configuration; found upward if not given")


def hook(files: list[Path], config: Path | None) -> int:
    """Check the configured datasets that hold the files; a file of none is checked by itself if it fits a format."""
    from mmcheck.cli import check, known, settings
    from mmcheck.reporters.text import clean

    configured = settings.find(config)
    held, alone = _sorted(files, configured)
    options: dict[str, Any] = {
        "rules": [], "profile": None, "select": [], "ignore": [], "params": {}, "format": None, "media_root": None,
        "format_path": [], "allow_python": False, "probe": "auto", "cache": default_folder(),
    }  # fmt: skip
    baselines = known.Known(configured.baseline, None, prune=False)
    if baselines.wanted:
        options["max_findings"] = None
    paths = [settings.shown(each.path) for each in held]
    jobs = settings.jobs(paths, False, options, configured) if paths else []
    for path in alone:
        form = _format_of(path, configured)
        if form is not None:
            jobs += settings.jobs([path], False, options | {"format": form}, configured)
    if not jobs:
        return 0
    reports, code = check.check_each(jobs, baselines, configured.fail_on or "error", quiet=True)
    fail_on = configured.fail_on or "error"
    for report in reports:
        if report.exit_code(fail_on) == 0:
            print(f" {report.verdict.upper()}   {clean(report.path)}  {report.format}@{report.version}")
        else:
            from mmcheck.reporters import render

            render(report, "rich", None, max_findings=100)
    return code


def _sorted(files: Iterable[Path], config: Config) -> tuple[list[ConfiguredDataset], list[Path]]:
    """The configured datasets that hold any of the files, and the files that none holds."""
    held: dict[Path, ConfiguredDataset] = {}
    alone: list[Path] = []
    for file in files:
        if not file.exists():
            raise OpenError(f"{file} does not exist")
        path = Path(os.path.abspath(file))
        owners = [dataset for dataset in config.datasets if _holds(dataset, path)]
        held |= {dataset.path: dataset for dataset in owners}
        if not owners and path.name.lower().endswith(_DATA):
            alone.append(file)
    return list(held.values()), alone


def _holds(dataset: ConfiguredDataset, path: Path) -> bool:
    """Whether a file is an annotation file of a dataset, or lies where its media do."""
    if dataset.media_root is not None and path.is_relative_to(dataset.media_root):
        return True
    if dataset.path.is_dir():
        return path.is_relative_to(dataset.path)
    if path == dataset.path or fnmatchcase(str(path), str(dataset.path)):
        return True
    # Media paths start at the annotation file's folder, unless a media root is given.
    below = dataset.media_root is None and path.is_relative_to(dataset.path.parent)
    return below and not path.name.lower().endswith(_DATA)


def _format_of(path: Path, config: Config) -> str | None:
    """The format that a file is clearly of. What is of none is nobody's dataset."""
    from mmcheck import detection, listing

    try:
        chosen = detection.choose(listing.list_files([path]), list(config.formats))
    except RequestError as error:
        if "several formats" in str(error):
            say(f"{path} is passed over: {str(error).splitlines()[0]}")
        return None
    except OpenError:
        return None
    return None if chosen.name == "unknown" else f"{chosen.name}@{chosen.version}"
