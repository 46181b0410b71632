"""Prints constraints that hold what users install to its lowest allowed version, for `make test-lowest`."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

_BOUND = re.compile(r"([\w.-]+)(?:\[[\w,]+\])?\s*>=\s*([\w.]+)")
_TOOLS = ("bench", "dev")


def constraints(pyproject: Path) -> list[str]:
    """`name~=version.0`: the lowest minor version, with its bug fixes. Tools of development may be of any version."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    extras = {name: extra for name, extra in project["optional-dependencies"].items() if name not in _TOOLS}
    lowest: dict[str, str] = {}
    for requirement in [*project["dependencies"], *(each for extra in extras.values() for each in extra)]:
        found = _BOUND.match(requirement)
        if found:
            lowest[found[1]] = found[2]
    return [f"{name}~={version}.0" for name, version in sorted(lowest.items())]


if __name__ == "__main__":
    sys.stdout.write("\n".join(constraints(Path(__file__).resolve().parent.parent / "pyproject.toml")) + "\n")
