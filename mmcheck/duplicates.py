"""Keys that stand twice in one JSON object: a parser keeps the last of them, and nobody learns of the others."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

_BLANK_COLON = re.compile(rb'"[ \t\r\n]+:')
#: The same wherever it stands: there are less colons than quotation marks to be looked at.
_LATE_COLON = re.compile(rb":(?<=[ \t\r\n]:)")


def duplicate_keys(raws: Sequence[bytes], values: Sequence[Any], known: int = 0) -> dict[int, str]:
    """The first key that stands twice in a record, by the record's position; `values` are what was made of `raws`.

    `known` is how many keys were seen in the values already, perhaps not all of them.
    """
    text = b"\n".join(raws)
    return {} if has_keys(text, known) or has_keys(text, keys_in(values)) else twice(raws)


def has_keys(text: bytes, known: int) -> bool:
    """Whether a text certainly has as many keys as were made of it: none was lost."""
    if text.count(b'":') == known and not _LATE_COLON.search(text):
        return True  # each of them is a key: what else looks like one would be one too many
    return _keys_written(text) == known


def twice(raws: Iterable[bytes | msgspec.Raw]) -> dict[int, str]:
    """The first key that stands twice in a record, by the record's position."""
    found: dict[int, str] = {}
    for number, raw in enumerate(raws):
        try:
            json.loads(bytes(raw), object_pairs_hook=_once)
        except _Twice as twice:
            found[number] = twice.key
        except (ValueError, RecursionError):
            continue
    return found


def _keys_written(text: bytes) -> int | None:
    """How many keys stand in a text; None where only a parser can tell."""
    within = text.count(b'\\":')  # a quotation mark of a string, or the end of one that ends in a backslash
    if (within and b'\\\\"' in text) or _BLANK_COLON.search(text):
        return None
    return text.count(b'":') - within


def keys_in(values: Iterable[Any]) -> int:
    """How many keys the objects in some values have, at any depth."""
    count = 0
    for value in values:
        if type(value) is dict:
            count += len(value) + keys_in(value.values())
        elif type(value) is list:
            count += keys_in(value)
    return count


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
