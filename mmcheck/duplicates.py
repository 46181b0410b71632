"""Keys that stand twice in one JSON object: a parser keeps the last of them, and nobody learns of the others."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import msgspec

_ENCODER = msgspec.json.Encoder()
_BLANK_COLON = re.compile(rb'"[ \t\r\n]+:')


def duplicate_keys(raws: Sequence[bytes], values: Sequence[Any]) -> dict[int, str]:
    """The first key that stands twice in a record, by the record's position; `values` are what was made of `raws`.

    What is written again has as many `":` as what was read, unless a key was lost: only then each record is looked at.
    """
    text = b"\n".join(raws)
    if text.count(b'":') == _ENCODER.encode(values).count(b'":') and not _is_unusual(text):
        return {}
    found: dict[int, str] = {}
    for number, raw in enumerate(raws):
        try:
            json.loads(raw, object_pairs_hook=_once)
        except _Twice as twice:
            found[number] = twice.key
        except (ValueError, RecursionError):
            continue
    return found


def _is_unusual(text: bytes) -> bool:
    """Whether keys are written so that `":` does not count them."""
    if b'" :' in text or b"\\u0022" in text:
        return True
    # strings that end a line are common, blanks before a colon are not
    return any(each in text for each in (b'"  ', b'"\n', b'"\t', b'"\r')) and bool(_BLANK_COLON.search(text))


class _Twice(Exception):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _Twice(next(key for key in keys if keys.count(key) > 1))
    return made
