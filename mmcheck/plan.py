"""What every shard of one check is judged by, and what a shard is; both can be sent to another process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from mmcheck.dataset import DataFile
from mmcheck.format import Format
from mmcheck.limits import Limits
from mmcheck.media import Probing
from mmcheck.readers import Part
from mmcheck.ruleset import RuleSet


@dataclass(frozen=True, slots=True)
class Plan:
    """What every shard of one check is judged by."""

    root: Path
    format: Format
    rules: RuleSet
    placeholders: Mapping[str, str | None]
    max_findings: int | None
    probing: Probing
    keep: Callable[[int, int], bool] | None = None
    paranoid: bool = False
    exemptions: tuple[tuple[str, frozenset[str]], ...] = ()
    limits: Limits = Limits()  # noqa: RUF009  # frozen

    def exempt(self, file: str) -> frozenset[str]:
        """The codes of the rules that do not look at a file of the dataset."""
        names = (file, str(self.root / file))
        hit = (codes for pattern, codes in self.exemptions if any(fnmatchcase(name, pattern) for name in names))
        return frozenset().union(*hit)


@dataclass(frozen=True, slots=True)
class Shard:
    """A file of the dataset, or a part of it. `number` orders the files, and is part of every record's key.

    `last` tells that no other part of the file follows.
    """

    number: int
    file: DataFile
    part: Part | None = None
    last: bool = True
