"""A window on a long JSON text, which finds exactly where values end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from mmcheck.limits import Limits
from mmcheck.readers.jsonl import told
from mmcheck.readers.source import BLOCK, Stream

_RAW = msgspec.json.Decoder(msgspec.Raw)
_STRING = msgspec.json.Decoder(str)
_BYTE = re.compile(r"\(byte (\d+)\)")
INK = re.compile(rb"[^ \t\r\n]")
PLAIN_KEY = re.compile(rb'"([ !#-\[\]-~]*)"[ \t\r\n]*:[ \t\r\n]*')
_WORD = 16


def _refusal(text: bytes | memoryview) -> tuple[str, int]:
    """What the decoder says against a text, and at which byte by its own count; "" where it is one value."""
    try:
        _RAW.decode(text)
    except msgspec.DecodeError as error:
        words = str(error)
        found = _BYTE.search(words)
        return words, int(found[1]) if found else len(text)
    return "", 0


_COUNTED_FROM = _refusal(b"0]")[1] - 1
"""What the decoder calls the byte with index 1, less one: its count is settled by asking it."""


@dataclass(eq=False)
class Broken(Exception):
    """The document breaks at byte `offset` of the window; `message` is None where the text itself has to tell."""

    offset: int
    message: str | None = None
    hint: str | None = None


class Window:
    """Part of a text: `buffer[at:]` is yet to be read, and `base` bytes came before `buffer`."""

    def __init__(self, stream: Stream, block: int = BLOCK, limits: Limits = Limits()) -> None:  # noqa: B008  # frozen
        self._stream = stream
        self.limits = limits
        self.block = block
        self.buffer = b""
        self.at = 0
        self.ended = False
        self.base = 0
        self._lines = 0
        self._column = 0

    def fill(self) -> None:
        """Read on; twice as much as is there, so that a long value is not scanned again too often."""
        rest = self.buffer[self.at :]
        self._lines, self._column = self._count(self.at)
        self.base += self.at
        data = self._stream.read(max(self.block, len(rest)))
        self.ended = not data
        self.buffer, self.at = rest + data, 0

    def _count(self, to: int) -> tuple[int, int]:
        lines = self.buffer.count(b"\n", 0, to)
        tail = self.buffer[self.buffer.rfind(b"\n", 0, to) + 1 : to]
        column = len(tail) if tail.isascii() else len(tail.decode(errors="replace"))
        return self._lines + lines, column + (0 if lines else self._column)

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1, of a byte of the window."""
        lines, column = self._count(offset)
        return lines + 1, column + 1

    def peek(self) -> bytes:
        """The next byte that is not blank, `b""` at the end; the window then begins there."""
        byte = self.buffer[self.at : self.at + 1]
        if byte and byte not in b" \t\r\n":
            return byte
        while True:
            found = INK.search(self.buffer, self.at)
            if found:
                self.at = found.start()
                return found[0]
            self.at = len(self.buffer)
            if self.ended:
                return b""
            self.fill()

    def end(self, longest: int | None = None) -> int | None:
        """Where the value that begins here ends; None where it is longer than `longest` bytes. Raises Broken.

        A decoder that is done with a value refuses what follows and says at which byte: that byte is the end. What it
        dislikes at the end of the window may be a number or a word that goes on behind it.
        """
        longest = longest or self.limits.max_line_bytes
        while True:
            try:
                words, byte = _refusal(memoryview(self.buffer)[self.at :])
            except RecursionError:
                raise Broken(self.at) from None
            if "trailing" in words and "characters" in words:
                return self.at + byte - _COUNTED_FROM
            if self.ended and not words:
                return len(self.buffer)
            if self.ended or (words and byte < len(self.buffer) - self.at - _WORD):
                raise Broken(self.at)
            if len(self.buffer) - self.at > longest:
                return None
            self.fill()

    def take(self, longest: int | None = None) -> bytes:
        """The value that begins here, and go behind it. Raises Broken, also where it is too long."""
        longest = longest or self.limits.max_line_bytes
        end = self.end(longest)
        if end is None or end - self.at > longest:
            hint = "media should be files of their own, or the records one a line"
            raise Broken(self.at, f"a value is longer than {told(longest)}", hint)
        value = self.buffer[self.at : end].rstrip(b" \t\r\n")
        self.at = end
        return value

    def key(self) -> str:
        """The key that begins here, and go behind its colon."""
        first = self.peek()
        plain = PLAIN_KEY.match(self.buffer, self.at)
        if plain and plain.end() < len(self.buffer):
            self.at = plain.end()
            return plain[1].decode("ascii")
        if first != b'"':
            raise Broken(self.at, *_no_key(first))
        try:
            key = _STRING.decode(self.take())
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Broken(self.at, "a key before this place is not readable text", "write keys as UTF-8") from None
        if self.peek() != b":":
            raise Broken(self.at, "a colon is missing behind a key", "put a colon there")
        self.at += 1
        self.peek()
        return key

    def more(self, closing: bytes) -> bool:
        """Behind a value: go behind the comma (True) or the closing bracket (False)."""
        byte = self.peek()
        if byte == closing:
            self.at += 1
            return False
        if byte != b",":
            raise Broken(self.at, *_no_comma(byte, closing))
        comma = self.at
        self.at += 1
        if self.peek() == closing:
            raise Broken(min(comma, self.at), f"a trailing comma before {closing.decode()!r}", "remove the comma")
        return True

    def opens(self, closing: bytes) -> bool:
        """Go behind the opening bracket; False (and behind the closing one) where there is nothing between them."""
        self.at += 1
        if self.peek() == closing:
            self.at += 1
            return False
        return True


def _no_key(byte: bytes) -> tuple[str | None, str | None]:
    if not byte:
        return "the document breaks off", "the file was not written or copied to its end"
    if byte == b"'":
        return "single quotes", "this is Python's repr, not JSON: write the file with json.dump"
    return f"{byte.decode('latin-1')!r} where a key in double quotes should stand", "put keys in double quotes"


def _no_comma(byte: bytes, closing: bytes) -> tuple[str, str]:
    if not byte:
        return "the document breaks off", "the file was not written or copied to its end"
    wanted = f"a comma or {closing.decode()!r}"
    return f"{byte.decode('latin-1')!r} where {wanted} should stand", "a comma or a bracket is missing"


def members(window: Window) -> Iterator[str]:
    """The keys of the object that begins here; the window stands at each one's value, which must be taken meanwhile."""
    going = window.opens(b"}")
    while going:
        yield window.key()
        going = window.more(b"}")
