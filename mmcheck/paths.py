"""Paths inside records: `conversations[].from`, `a[0].b`, `*.*.path`, `caption_{n}`, odd keys in backticks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from mmcheck.errors import RequestError

_STEP = re.compile(r"`([^`]+)`|\[(\d*)\]|(\*)|([^.\[\]`*]+)|\.")


class Step(NamedTuple):
    """One step: a `key`, an `index`, all elements of a list (`each`), all values of an object (`values`), or those
    whose keys hold a number where `{n}` stands (`numbered`)."""

    kind: str
    key: str = ""
    number: int = 0


class Place(NamedTuple):
    """A value that a path leads to, the list ordinals and the object keys on the way."""

    value: Any
    ordinals: tuple[int, ...]
    keys: tuple[str, ...]


@lru_cache(4_096)
def parse(path: str) -> tuple[Step, ...]:
    """The steps of a path; `.` and the empty path are the value itself."""
    steps: list[Step] = []
    at = 0
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            raise RequestError(f"the path {path!r} cannot be read at {path[at:]!r}")
        quoted, number, star, key = match.groups()
        if key is not None and "{n}" in key:
            steps.append(Step("numbered", key))
        elif quoted is not None or key is not None:
            steps.append(Step("key", str(quoted or key)))
        elif number is not None:
            steps.append(Step("index", number=int(number)) if number else Step("each"))
        elif star:
            steps.append(Step("values"))
        at = match.end()
    return tuple(steps)


def find(value: Any, steps: tuple[Step, ...]) -> Any:
    """The one value that plain steps lead to, None where there is none."""
    for step in steps:
        if step.kind == "key":
            value = value.get(step.key) if isinstance(value, dict) else None
        elif step.kind == "index":
            value = value[step.number] if isinstance(value, list) and step.number < len(value) else None
        else:
            raise RequestError(f"a path with {step.kind} steps leads to more than one value")
        if value is None:
            return None
    return value


def places(value: Any, steps: tuple[Step, ...]) -> Iterator[Place]:
    """Every value that the steps lead to, in order; shapes that do not fit lead nowhere."""
    if all(step.kind in ("key", "index") for step in steps):
        found = find(value, steps)
        if found is not None or not steps:
            yield Place(found, (), ())
        return
    yield from _walk(value, steps, (), ())


def _walk(value: Any, steps: tuple[Step, ...], ordinals: tuple[int, ...], keys: tuple[str, ...]) -> Iterator[Place]:
    if not steps:
        yield Place(value, ordinals, keys)
        return
    step, rest = steps[0], steps[1:]
    if step.kind == "key":
        if isinstance(value, dict) and step.key in value:
            yield from _walk(value[step.key], rest, ordinals, keys)
    elif step.kind == "index":
        if isinstance(value, list) and step.number < len(value):
            yield from _walk(value[step.number], rest, ordinals, keys)
    elif step.kind == "each":
        if isinstance(value, list):
            for ordinal, element in enumerate(value):
                yield from _walk(element, rest, (*ordinals, ordinal), keys)
    elif isinstance(value, dict) and step.kind == "numbered":
        before, _, after = step.key.partition("{n}")
        for key, element in value.items():
            if not key.startswith(before) or not key.endswith(after):
                continue
            number = key[len(before) : len(key) - len(after)]
            if number.isascii() and number.isdigit():
                yield from _walk(element, rest, (*ordinals, int(number)), (*keys, key))
    elif isinstance(value, dict):
        for key, element in value.items():
            yield from _walk(element, rest, ordinals, (*keys, key))
