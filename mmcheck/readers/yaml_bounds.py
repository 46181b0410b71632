"""Looks at YAML before anything is built of it: how deep it is nested, and how much its aliases unfold to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml


class TooMuch(Exception):
    """The document would take more stack or memory than is allowed; `line` is where it shows, from 1."""

    def __init__(self, message: str, line: int, hint: str) -> None:
        super().__init__(message)
        self.message, self.line, self.hint = message, line, hint


def bound(text: str, deepest: int, most: int) -> None:
    """Refuse a text that is nested too deeply, or that holds too many values once its aliases are written out.

    Composing nodes takes the stack, and aliases of aliases grow exponentially ("billion laughs"): both are found in
    one run through the events, in which each anchor has the size of what it stands for. Raises TooMuch, YAMLError.
    """
    anchors: dict[str, int] = {}
    open_: list[tuple[str | None, int]] = []
    size = 0
    for event in _events(text, deepest):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_.pop()
            if anchor is not None:
                anchors[anchor] = size - before
            continue
        if isinstance(event, yaml.CollectionStartEvent):
            open_.append((event.anchor, size))
            if len(open_) > deepest:
                raise _too_deep(line, deepest)
        elif isinstance(event, yaml.ScalarEvent):
            if event.anchor is not None:
                anchors[event.anchor] = 1
        elif not isinstance(event, yaml.AliasEvent):
            continue
        # An alias of what is still open holds itself: whoever unfolds it says so.
        size += anchors.get(event.anchor or "", 1) if isinstance(event, yaml.AliasEvent) else 1
        if size > most:
            aliases = isinstance(event, yaml.AliasEvent)
            words = "its aliases unfold to too many values" if aliases else f"it holds more than {most:,} values"
            raise TooMuch(words, line, "write the values out, or use fewer of them; YAML is for configurations")


def _events(text: str, deepest: int) -> Iterator[Any]:
    """The events of a text. Some versions of the parser have a limit of their own, and look ahead."""
    try:
        yield from yaml.parse(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        if "nesting" not in str(error.problem):
            raise
        raise _too_deep(error.problem_mark.line + 1 if error.problem_mark else 1, deepest) from None


def _too_deep(line: int, deepest: int) -> TooMuch:
    return TooMuch("nested too deeply", line, f"at most {deepest} levels are read")


_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
