"""Base64 as it is found in datasets: each flaw by its name, and what a loader makes of it."""

from __future__ import annotations

import base64

import pytest

from mmcheck.probe.base64 import HARMLESS, decode

DATA = bytes(range(256)) * 3 + b"?>?>~~~"  # 775 bytes: one padding character, and both odd letters of the alphabet
TEXT = base64.b64encode(DATA).decode()
SAFE = base64.urlsafe_b64encode(DATA).decode()


def test_canonical() -> None:
    assert TEXT.endswith("=") and "+" in TEXT and "/" in TEXT
    assert decode(TEXT) == (DATA, None, True)


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        (SAFE, "url-safe alphabet"),
        (TEXT.replace("/", "_"), "mixed alphabet"),
        ("\n".join(TEXT[at : at + 76] for at in range(0, len(TEXT), 76)), "line breaks"),
        (TEXT + "\r\n", "line breaks"),
        (TEXT[:100] + " " + TEXT[100:], "spaces"),
        (TEXT[:100] + "!" + TEXT[100:], "foreign characters"),
        (TEXT + "=", "too much padding"),
    ],
)
def test_what_loads_although_it_is_not_canonical(text: str, flaw: str) -> None:
    assert decode(text) == (DATA, flaw, True)
    assert flaw in HARMLESS
    assert base64.urlsafe_b64decode(text) == DATA


@pytest.mark.parametrize(
    ("text", "flaw", "data"),
    [
        (TEXT.rstrip("="), "missing padding", DATA),
        ("data:image/png;base64," + TEXT, "data: prefix", DATA),
        (repr(TEXT.encode()), "b'…' repr", DATA),
        ("", "empty", None),
        (" \n", "empty", None),
        ("====", "empty", None),
        (TEXT[:100] + "é" + TEXT[100:], "non-ASCII", DATA),
        ("\ufeff" + TEXT, "non-ASCII", DATA),
        (TEXT + TEXT, "= in the middle", DATA + DATA),
        (TEXT[:101] + "=" + TEXT[102:], "= in the middle", None),
        ("data:image/png;base64," + TEXT.rstrip("="), "data: prefix", DATA),
        ("\n" + TEXT.rstrip("="), "missing padding", DATA),
        (TEXT[:-3], "wrong length", None),
    ],
)
def test_what_does_not_load(text: str, flaw: str, data: bytes | None) -> None:
    assert decode(text) == (data, flaw, False)
    assert flaw not in HARMLESS
    try:
        loaded = base64.urlsafe_b64decode(text)
    except ValueError:
        return
    assert loaded != data


def test_a_megabyte_of_junk_is_no_trouble() -> None:
    assert decode("=" * (1 << 20)).flaw == "empty"
    assert decode("\0" * (1 << 20)).data is None
    assert decode("A=" * (1 << 16)).flaw == "= in the middle"
    assert decode("data:" * (1 << 16)).flaw == "foreign characters"
    assert decode("b'" * 500 + "'" * 500).loads is False
