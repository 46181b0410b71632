"""Where the data that ships with mmcheck lies: schemas, rules and example datasets."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

HERE = Path(__file__).resolve().parent


def folder(name: Literal["schemas", "rules", "examples"]) -> Path:
    """The folder `name`: inside the package in a wheel, one level up in a checkout."""
    inside = HERE / name
    return inside if inside.is_dir() else HERE.parent / name
