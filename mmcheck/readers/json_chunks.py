"""Takes the elements of long JSON arrays and maps off in blocks: guesses where a block may end, and verifies it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from mmcheck.readers.json_window import INK, PLAIN_KEY, Broken, Window
from mmcheck.readers.jsonl import RECORDS, no_gc

_RAWS = msgspec.json.Decoder(list[msgspec.Raw])
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_FIRST_KEY = re.compile(rb'\{\s*"(?:[^"\\]|\\.)*"')
_TAIL = re.compile(rb'[\]}"]{1,2}\Z')
_TRIES = 3

SMALL = 64 << 10
"""How many bytes a member of the header may have."""

Chunk = tuple[list[str] | None, list[bytes]]
"""Consecutive values of an array or a map as bytes, and their keys in a map."""


def chunks(window: Window) -> Iterator[Chunk]:
    """The elements of the array or the members of the object that begins here, to its end, duplicate keys included."""
    keyed = window.peek() == b"{"
    closing = b"}" if keyed else b"]"
    going = window.opens(closing)
    guess = _Guess(keyed)
    exact_until = 0
    keys: list[str] = []
    raws: list[bytes] = []
    since = window.base + window.at
    try:
        while going:
            here = window.base + window.at
            if len(raws) >= RECORDS or here - since >= window.block:
                yield (keys if keyed else None), raws
                keys, raws, since = [], [], here
            if here >= exact_until:
                chunk = guess.take(window)
                if chunk is not None:
                    keys += chunk[0] or ()
                    raws += chunk[1]
                    continue
                exact_until = window.base + guess.next_try(window)
            if keyed:
                keys.append(window.key())
            raws.append(window.take())
            if window.base + window.at >= exact_until:
                guess.look(window, raws[-1], keys[-1] if keyed else "")
            going = window.more(closing)
    except Broken:
        yield (keys[: len(raws)] if keyed else None), raws
        raise
    yield (keys if keyed else None), raws


class _Guess:
    """Guesses a place between two elements late in the window, and lets the decoder judge the guess.

    The bytes around the last separator (its blanks, and the first key behind it) are looked for from the end of the
    window. What lies before such a place is decoded as a whole: it decodes only where no bracket and no string is
    left open, so the place was between two elements of this very array or object.
    """

    def __init__(self, keyed: bool) -> None:
        self._keyed = keyed
        self._mark = b""
        self._tail = 0
        self._back = 0
        self._refused = False

    def next_try(self, window: Window) -> int:
        """Where in the window to guess again: not before its end where what was found there did not hold."""
        if not self._mark:
            return 0
        return len(window.buffer) if self._refused else window.at + window.block // 16

    def look(self, window: Window, value: bytes, key: str) -> None:
        """Learn from the place behind a value that was found exactly; the window may still have to be filled there."""
        mark = mark_behind(window, value, key if self._keyed else None)
        if mark is not None:
            self._mark, self._tail, self._back = mark

    def take(self, window: Window) -> Chunk | None:
        """All elements before the guessed place, with the window behind its comma; None where no guess held."""
        self._refused = False
        if not self._mark:
            return None
        if len(window.buffer) - window.at < window.block // 2 and not window.ended:
            window.fill()
        to = len(window.buffer)
        for _ in range(_TRIES):
            cut = window.buffer.rfind(self._mark, window.at, to)
            if cut < 0:
                return None
            body = memoryview(window.buffer)[window.at : cut + self._tail]
            chunk = self._members(body) if self._keyed else self._elements(body)
            longest = window.limits.max_line_bytes
            if chunk is not None and (len(body) <= longest or max(map(len, chunk[1])) <= longest):
                window.at = cut + len(self._mark) - self._back
                return chunk
            self._refused = True
            to = cut + len(self._mark) - 1
        return None

    def _elements(self, body: memoryview) -> Chunk | None:
        try:
            with no_gc():
                return None, list(map(bytes, _RAWS.decode(b"".join((b"[", body, b"]")))))
        except (msgspec.DecodeError, RecursionError):
            return None

    def _members(self, body: memoryview) -> Chunk | None:
        """Members as a dict, unless their lengths say that the dict lost some (duplicate keys) or cannot be sure."""
        try:
            with no_gc():
                found = _MEMBERS.decode(b"".join((b"{", body, b"}")))
                keys, raws = list(found), list(map(bytes, found.values()))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        first = PLAIN_KEY.match(body)
        if not first:
            return None
        around = first.end() - len(first[1])
        gap = len(self._mark) - self._tail - self._back
        spelled = len("".join(keys).encode(errors="replace"))
        whole = spelled + sum(map(len, raws)) + around * len(keys) + gap * (len(keys) - 1)
        return (keys, raws) if whole == len(body) else None


def _common(one: bytes, other: bytes) -> int:
    """How many bytes two keys share, up to the first digit: numbers run on."""
    for index, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b or 48 <= a <= 57:
            return index
    return min(len(one), len(other))


def mark_behind(window: Window, value: bytes, key: str | None) -> tuple[bytes, int, int] | None:
    """What stands around the comma behind a value (of a map, if it has a `key`), by which others like it are found.

    And how many bytes of it are the end of the value, and the beginning of the next. None where no other follows.
    """
    rest = window.buffer[window.at : window.at + 512]
    found = INK.search(rest)
    after = rest[found.end() :] if found and found[0] == b"," else b""
    ahead = INK.search(after)
    if not found or not ahead:
        return None
    target = after[ahead.start() :]
    gap = rest[: found.end()] + after[: ahead.start()]
    if key is not None:
        first = target[: 1 + _common(target[1:], key.encode())]
    else:
        match = _FIRST_KEY.match(target)
        first = match[0] if match else target[:1]
    match = _TAIL.search(value)
    tail = match[0] if match else value[-1:]
    return tail + gap + first, len(tail), len(first)


def skip(window: Window) -> bool:
    """Go behind the value that begins here, however long it is. Is all of it UTF-8?"""
    if window.peek() not in (b"{", b"["):
        return _is_utf8([window.take()])
    end = window.end(min(SMALL, window.block))
    if end is None:
        return all([_is_utf8(raws) for _, raws in chunks(window)])  # noqa: C419 (to the end, whatever comes up)
    value, window.at = window.buffer[window.at : end], end
    return _is_utf8([value])


def _is_utf8(raws: list[bytes]) -> bool:
    try:
        return all(raw.isascii() or raw.decode() for raw in raws)
    except UnicodeDecodeError:
        return False
