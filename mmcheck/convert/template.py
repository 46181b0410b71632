"""Marks in a record where its visible values were: `@0` a text, `@image0` a medium, `@id`, `@` a field of this name.

`@turns` is a list of `{from, value}`, one a chunk, by the chunks' labels.

A string of the record that begins with `@` is written with one more; `@=…` is a value that was derived from a medium,
and that gives way where the medium is changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmcheck.convert.document import ABSENT

_MEDIUM = re.compile(r"@([a-z_0-9]*[a-z_])(\d+)")


def literal(value: Any) -> Any:
    """A value that stays in the template as it is."""
    if isinstance(value, str):
        return "@" + value if value[:1] == "@" else value
    if isinstance(value, dict):
        return {key: literal(element) for key, element in value.items()}
    if isinstance(value, list):
        return [literal(element) for element in value]
    return value


def derived(value: str) -> str:
    """A string from which a visible medium was made."""
    return "@=" + value


class Unfilled(Exception):
    """A mark has no value any more: what it stood for was removed."""


@dataclass(slots=True)
class Filling:
    """The values that go back into a template; `used` counts those of media."""

    texts: Sequence[str]
    media: Mapping[str, Sequence[Any]]
    id: Any
    extra: Mapping[str, Any]
    labels: Sequence[str | None] = ()
    used: int = 0

    def record(self, template: Mapping[str, Any]) -> dict[str, Any]:
        """The record. Raises Unfilled."""
        return {key: self._value(value, key) for key, value in template.items()}

    def _value(self, value: Any, key: str) -> Any:
        if isinstance(value, str):
            return self._mark(value, key) if value[:1] == "@" else value
        if isinstance(value, dict):
            return {inner: self._value(element, inner) for inner, element in value.items()}
        if isinstance(value, list):
            return [self._value(element, key) for element in value]
        return value

    def _mark(self, mark: str, key: str) -> Any:
        second = mark[1:2]
        if second in ("@", "="):
            return mark[1:] if second == "@" else mark[2:]
        try:
            if second.isdigit():
                return self.texts[int(mark[1:])]
            if not second:
                return self.extra[key]
            found = _MEDIUM.fullmatch(mark)
            if found is not None:
                self.used += 1
                return self.media[found[1]][int(found[2])]
        except (IndexError, KeyError):
            raise Unfilled(mark) from None
        if mark == "@turns":
            return [{"from": who, "value": text} for who, text in zip(self.labels, self.texts, strict=True)]
        if mark != "@id" or self.id is ABSENT:
            raise Unfilled(mark)
        return self.id


def is_open(value: Any) -> bool:
    """Whether there is a mark in a value of a template."""
    if isinstance(value, str):
        return value[:1] == "@" and value[1:2] != "@"
    if isinstance(value, dict):
        return any(map(is_open, value.values()))
    return isinstance(value, list) and any(map(is_open, value))


def closed(value: Any) -> Any:
    """The value of a part of a template that has no mark."""
    return Filling((), {}, ABSENT, {})._value(value, "")
