"""What lies beside a dataset's files that publishing asks for: the table `folder`, of one row."""

from __future__ import annotations

import re
from pathlib import Path

from mmcheck.errors import OpenError

_CARD = re.compile(r"(readme|dataset_?card|datasheet)(\.(md|rst|txt))?$", re.IGNORECASE)
_LICENCE = re.compile(r"(licen[cs]e|copying)([._-].*)?$", re.IGNORECASE)
_DIGESTS = re.compile(
    r"(sha(1|224|256|384|512)|md5|b3|blake3)sums?(\.txt)?$|checksums?(\..*)?$|.*\.(sha256|sha512|md5)$"
    r"|manifest-(sha\d+|md5)\.txt$",
    re.IGNORECASE,
)
_METADATA = ("croissant.json", "dataset_infos.json", "metadata.json", "datapackage.json")
_FRONT_MATTER = re.compile(r"\A---\s*\n(.*?)\n---", re.DOTALL)
_READ = 1 << 20


def folder_row(root: Path) -> dict[str, str | None]:
    """Which files of a dataset's root are its card, its licence and its digests; a licence may stand in the card."""
    try:
        names = sorted(each.name for each in root.iterdir() if each.is_file())
    except (OSError, OpenError):
        names = []
    card = next((name for name in names if _CARD.match(name)), None)
    licence = next((name for name in names if _LICENCE.match(name)), None)
    digests = next((name for name in names if _DIGESTS.match(name)), None)
    if card is not None and licence is None:
        front = _FRONT_MATTER.match(_text(root / card))
        said = re.search(r"^licen[cs]e:\s*(\S.*)$", front[1], re.MULTILINE) if front else None
        licence = f"{said[1].strip()} (in {card})" if said else None
    if digests is None:
        digests = next((name for name in names if name in _METADATA and "sha256" in _text(root / name)), None)
    return {"card": card, "licence": licence, "digests": digests}


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            return stream.read(_READ)
    except OSError:
        return ""
