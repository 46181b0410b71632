"""What the documents on safety say is what the code does: limits and their defaults, dependencies and their list."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from mmcheck import limits

ROOT = Path(__file__).resolve().parent.parent
LIMITS = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
DEPENDENCIES = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")


def test_the_table_of_limits_is_current() -> None:
    told = re.findall(r"^\| `(\w+)` \| (\S+) \|", LIMITS, re.M)
    assert told == [(name, str(value)) for name, value in limits.defaults().items()]


def named(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[>=<~! ]", each)[0].lower() for each in requirements}


def test_every_dependency_is_justified() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    users = set().union(*(named(extra) for name, extra in extras.items() if name != "dev"))
    wanted = [named(project["dependencies"]), users, named(extras["dev"])]
    sections = DEPENDENCIES.split("\n## ")[1:]
    told = [set(re.findall(r"^\| `([\w.-]+)` \|", section, re.M)) for section in sections]
    assert told == wanted
    lower = [each for each in [*project["dependencies"], *extras["dev"]] if ">=" not in each]
    assert not lower, "a dependency without a lower bound cannot be tested with it"
