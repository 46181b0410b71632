"""Text from a dataset made fit to show: harmless on a terminal, and short."""

from __future__ import annotations

import unicodedata

#: Unicode categories of what would move the cursor, turn the text round or end the line.
MOVING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
#: Longest snippet of a value, in characters.
SNIPPET = 160


def clean(text: str) -> str:
    """The text with control, format and surrogate characters shown as escapes."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(each) if unicodedata.category(each) in MOVING else each for each in text)


def snippet(value: str) -> str:
    """The value between quotes, harmless and short."""
    return f"“{clean(value[:SNIPPET])}{'…' if len(value) > SNIPPET else ''}”"


def plural(count: int, one: str, many: str | None = None) -> str:
    """`1 record`, `1,204 records`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()
