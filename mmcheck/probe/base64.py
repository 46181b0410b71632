"""Base64 as datasets hold it: the bytes, and the name of what is wrong with the text.

What the loaders do is what `base64.urlsafe_b64decode` does (Otter's MIMIC-IT loader): both alphabets, and everything
that is in neither of them is passed over in silence. So some texts load although they are not canonical, and others
load as other bytes than were meant, or not at all.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import pybase64


class Decoded(NamedTuple):
    """`data` are the bytes that were meant (None: beyond repair), `flaw` what is wrong with the text (None: canonical).

    `loads` tells whether a loader gets exactly these bytes all the same.
    """

    data: bytes | None
    flaw: str | None
    loads: bool


#: The flaws of texts that load.
HARMLESS = frozenset(
    {"url-safe alphabet", "mixed alphabet", "line breaks", "spaces", "foreign characters", "too much padding"}
)

_BREAKS = re.compile(r"[\r\n]+")
_SPACES = re.compile(r"[ \t\f\v]+")
_FOREIGN = re.compile(r"[^A-Za-z0-9+/=]+")
_DATA = re.compile(r"\A\s*data:[^,]{0,200},", re.IGNORECASE)
_REPR = re.compile(r"\A\s*b(['\"])(.*)\1\s*\Z", re.DOTALL)
_ODD = re.compile(r"[^\x00-\x7f]+")
_SEGMENT = re.compile(r"[A-Za-z0-9+/]+={0,2}")


def decode(text: str) -> Decoded:
    """The bytes of a Base64 text. Of several flaws the worst is named: first those that break loaders."""
    try:
        data = pybase64.b64decode(text, validate=True)
    except ValueError:
        return _repair(text)
    return Decoded(data, None, True) if data else Decoded(None, "empty", False)


def _repair(text: str) -> Decoded:
    """A text that is not canonical: first out of what it is wrapped in, then letter by letter."""
    broken = None
    for flaw, pattern, kept in (("data: prefix", _DATA, ""), ("b'…' repr", _REPR, r"\2"), ("non-ASCII", _ODD, "")):
        bare = pattern.sub(kept, text)
        if bare != text:
            broken = broken or flaw
            # A repr writes line breaks as two letters each, of which the second would pass for one of the data's.
            text = bare.replace("\\n", "\n") if pattern is _REPR else bare
    found = _letters(text)
    if broken == "non-ASCII" and not found.loads:
        # The odd character stood in the place of a letter: all bytes behind it would be others than were meant.
        return Decoded(None, broken, False)
    return Decoded(found.data, broken, False) if broken else found


def _letters(text: str) -> Decoded:
    """An ASCII text that should be Base64 and nothing else. Harmless flaws are taken out one by one, and kept."""
    flaws = []
    if "-" in text or "_" in text:
        flaws.append("mixed alphabet" if "+" in text or "/" in text else "url-safe alphabet")
        text = text.replace("-", "+").replace("_", "/")
    for pattern, flaw in ((_BREAKS, "line breaks"), (_SPACES, "spaces"), (_FOREIGN, "foreign characters")):
        bare = pattern.sub("", text)
        if bare != text:
            flaws.append(flaw)
            text = bare
    body = text.rstrip("=")
    if not body:
        return Decoded(None, "empty", False)
    if "=" in body:
        # Pieces that were encoded one by one and joined.
        pieces = _SEGMENT.findall(text)
        whole = all(len(piece) % 4 == 0 for piece in pieces)
        return Decoded(b"".join(map(_plain, pieces)) if whole else None, "= in the middle", False)
    padding, there = -len(body) % 4, len(text) - len(body)
    if padding == 3:
        return Decoded(None, "wrong length", False)
    data = _plain(body + "=" * padding)
    if there < padding:
        return Decoded(data, "missing padding", False)
    if there > padding:
        flaws.append("too much padding")
    return Decoded(data, flaws[0] if flaws else None, True)


def _plain(text: str) -> bytes:
    return pybase64.b64decode(text, validate=True)
