"""Says where and why a text is not JSON, in words that tell what to do."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from mmcheck.limits import Limits

DEEPEST = Limits().max_nesting
"""How many levels a record may have; what walks through records later is recursive."""
PRETTY = "the file is pretty-printed JSON; a .jsonl file needs each record on one line (jq -c . FILE > NEW)"

_REPR = "this is Python's repr, not JSON: write records with json.dumps"
_NUMBER = "JSON has no such number: write null, or leave the key out (json.dumps(…, allow_nan=False) finds the place)"
_CUT = "the text is cut off: the file was not written or copied to its end"
_WORDS: tuple[tuple[str, str, str], ...] = (
    (r"-?(?:NaN|nan|Infinity|inf(?:inity)?)\b", "{0} is not JSON", _NUMBER),
    (r"(?:True|False|None)\b", "the Python literal {0}", _REPR),
    (r"undefined\b", "undefined is not JSON", "write null, or leave the key out"),
    (r"'", "single quotes", _REPR),
    (r"[uUbB][\"']", "a Python string prefix", _REPR),
    (r"//|/\*|#", "a comment", "JSON has no comments: remove it"),
    (r"[+-]?0[xX]", "a hexadecimal number", "write it in decimals"),
    (r"[+-]?\.\d|\+\d", "a number JSON does not know", "write numbers as 0.5 and 1, without a plus sign"),
    (r"-?0\d", "a number with a leading zero", "write it without the zero, or as a string"),
    (r"[\d.]", "a malformed number", "write numbers as 1, 1.5 or 1e5"),
    (r"<", "markup", "this looks like HTML or XML: the download failed, fetch the file again"),
    (r"\ufeff|\u00ef\u00bb\u00bf", "a byte order mark inside the text", "files were joined: remove the mark"),
)  # fmt: skip
_WORD_PATTERNS = [(re.compile(pattern), message, hint) for pattern, message, hint in _WORDS]
_NAME = re.compile(r"[A-Za-z_$][\w$.-]*")
_STRING_OR_CONSTANT = re.compile(r'"(?:[^"\\]|\\.)*"|(NaN|-?Infinity)', re.DOTALL)
_ESCAPED_SURROGATE = re.compile(
    r"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
_HUGE_NUMBER = re.compile(r'"(?:[^"\\]|\\.)*"|(-?\d+(?:\.\d+)?[eE][+-]?\d{3,}|-?\d{300,})', re.DOTALL)
# A string that is never closed goes on to the end, and is not tried again from its next quote.
_BRACKET = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|([\[{])|([\]}])', re.DOTALL)
_RUNS = (b"]" * 24, b"}" * 24, b"}]" * 12)
_LITERALS = ("true", "false", "null")
_ENDS_A_VALUE = '}]"0123456789el'


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is wrong: `offset` is the byte in the text where it shows."""

    offset: int
    message: str
    hint: str


class _Constant(ValueError):
    pass


def _refuse(name: str) -> None:
    raise _Constant(name)


_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_int=str, parse_float=str)


def too_deep(text: bytes, deepest: int = DEEPEST) -> int | None:
    """Where a value goes deeper than `deepest` levels, None where it does not (or hides it well).

    Counting brackets costs a third of decoding, so only a run of closing ones makes a text suspect. What is nested
    that deep without such a run is rare, and decoders themselves give up at some thousand levels.
    """
    if not any(run in text for run in _RUNS):
        return None
    depth = 0
    for match in _BRACKET.finditer(text):
        if match[1]:
            depth += 1
            if depth > deepest:
                return match.start()
        elif match[2]:
            depth -= 1
    return None


def diagnose(text: bytes, *, alone: bool = True, deepest: int = DEEPEST) -> Diagnosis:
    """Why `text` is not one JSON value; with `alone=False` more may follow the value (an element of an array).

    Latin-1 keeps one character a byte, so that the offsets of Python's decoder are offsets in the bytes.
    """
    chars = text.decode("latin-1")
    start = len(chars) - len(chars.lstrip(" \t\r\n"))
    try:
        _, end = _DECODER.raw_decode(chars, start)
    except _Constant as error:
        found = next((match for match in _STRING_OR_CONSTANT.finditer(chars) if match[1]), None)
        return Diagnosis(found.start(1) if found else start, f"{error} is not JSON", _NUMBER)
    except RecursionError:
        return _nested(too_deep(text, deepest) or start, deepest)
    except json.JSONDecodeError as error:
        return _classify(chars, error.pos, error.msg)
    rest = chars[end:].lstrip(" \t\r\n")
    if alone and rest:
        return _followed(chars, len(chars) - len(rest))
    if chars[end : end + 1] in tuple("0123456789.eE+-"):
        return Diagnosis(start, "a malformed number", "write numbers as 1, 1.5 or 1e5")
    deep = too_deep(text, deepest)
    return _undecodable(text, chars) if deep is None else _nested(deep, deepest)


def extent(text: bytes) -> int:
    """How far a text reads as one JSON value: to its end, or to where it breaks."""
    chars = text.decode("latin-1")
    try:
        return _DECODER.raw_decode(chars, len(chars) - len(chars.lstrip(" \t\r\n")))[1]
    except json.JSONDecodeError as error:
        return error.pos
    except (_Constant, RecursionError):
        return 0


def _nested(at: int, deepest: int) -> Diagnosis:
    return Diagnosis(at, f"nested more than {deepest} levels deep", "no loader follows so far: is a bracket repeated?")


def _followed(chars: str, at: int) -> Diagnosis:
    if chars[at] in "{[":
        return Diagnosis(
            at, "a second value after the record", "a line break is missing: put each record on its own line"
        )
    if chars[at] == ",":
        hint = "remove it: the lines of a .jsonl file are not elements of an array"
        return Diagnosis(at, "a comma after the record", hint)
    if chars[at] == "\0":
        return Diagnosis(at, "NUL bytes after the record", "the file was not written to its end (a crash, a full disk)")
    return _by_word(chars, at) or Diagnosis(
        at, "text after the end of the value", "remove what follows the last bracket"
    )


def _undecodable(text: bytes, chars: str) -> Diagnosis:
    """Well-formed to Python's decoder, and refused all the same: bytes, surrogates or numbers."""
    try:
        text.decode()
    except UnicodeDecodeError as error:
        byte = text[error.start]
        hint = "convert the file to UTF-8: iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW"
        if byte == 0xED:
            hint = "half of a character pair (a surrogate) was written as bytes: write the text anew as UTF-8"
        return Diagnosis(error.start, f"byte 0x{byte:02X} is not UTF-8", hint)
    for match in _ESCAPED_SURROGATE.finditer(chars):
        if match[1]:
            message = f"the lone surrogate {match[1]} stands for no character"
            return Diagnosis(
                match.start(1), message, "half of an emoji was cut off: remove it or write the character whole"
            )
    for match in _HUGE_NUMBER.finditer(chars):
        if match[1]:
            return Diagnosis(match.start(1), "a number out of range", "write it as a string")
    return Diagnosis(0, "not readable as JSON", "write the record again with json.dumps")


def _classify(chars: str, at: int, problem: str) -> Diagnosis:
    body = len(chars.rstrip(" \t\r\n"))
    before = chars[:at].rstrip(" \t\r\n")
    if at >= body:
        return _cut_off(chars, body)
    here = chars[at]
    if (here == "," and chars[at + 1 :].lstrip(" \t\r\n")[:1] in ("}", "]")) or (here in "}]" and before.endswith(",")):
        closing = chars[at:].lstrip(", \t\r\n")[:1]
        return Diagnosis(at, f"a trailing comma before {closing!r}", "remove the comma")
    if here == "\0":
        hint = "the file was not written to its end (a crash, a full disk), or it is UTF-16: convert it to UTF-8"
        return Diagnosis(at, "a NUL byte", hint)
    if problem.startswith("Unterminated string"):
        return _cut_off(chars, body)
    if problem.startswith("Invalid control character"):
        message = f"an unescaped control character (0x{ord(here):02X}) inside a string"
        return Diagnosis(at, message, "write line breaks and tabs in strings as \\n and \\t")
    if problem.startswith("Invalid \\"):
        return Diagnosis(at, f"the escape {chars[at : at + 2]!r} is not JSON", "write a backslash in a string as \\\\")
    return _expected(chars, at, before)


def _expected(chars: str, at: int, before: str) -> Diagnosis:
    here, last = chars[at], before[-1:]
    named = _by_word(chars, at)
    if last and last in _ENDS_A_VALUE:
        if here in '"{[' or (here in "-0123456789" and last not in "0123456789"):
            missing = "colon" if _is_key(before) else "comma"
            return Diagnosis(at, f"a missing {missing} before {here!r}", f"put a {missing} there")
        if here in "]}" and named is None:
            wanted = {"]": "}", "}": "]"}[here]
            return Diagnosis(at, f"{here!r} closes what {wanted!r} should close", "a bracket is missing or too many")
    if named:
        return named
    name = _NAME.match(chars, at)
    if name:
        if name.end() >= len(chars.rstrip(" \t\r\n")) and any(word.startswith(name[0]) for word in _LITERALS):
            return _cut_off(chars, name.end())
        if last in ("{", ","):
            return Diagnosis(at, f"the key {name[0]} is not in quotes", "put keys in double quotes")
        return Diagnosis(at, f"the word {name[0][:40]} is not in quotes", "put strings in double quotes")
    if here in "]}" and last in (":", ""):
        return Diagnosis(at, f"{here!r} where a value should stand", "a value is missing, or a bracket is too many")
    return Diagnosis(at, f"{here!r} where a value, a key or a comma should stand", "write records with json.dumps")


def _is_key(before: str) -> bool:
    """Does a string end here that stands where an object has its keys?"""
    return re.search(r'[{,]\s*"(?:[^"\\]|\\.)*"$', before[-2000:]) is not None and before.rfind("{") > before.rfind("[")


def _by_word(chars: str, at: int) -> Diagnosis | None:
    for pattern, message, hint in _WORD_PATTERNS:
        match = pattern.match(chars, at)
        if match:
            return Diagnosis(at, message.format(match[0]), hint)
    return None


def _cut_off(chars: str, body: int) -> Diagnosis:
    if chars[:body].lstrip()[:1] in ("{", "[") and chars[:body].rstrip(" \t\r\n")[-1:] in "{[,:" and body < 200:
        return Diagnosis(
            body, "the value breaks off at the end of the text", f"{_CUT}, or it is spread over several lines"
        )
    return Diagnosis(body, "the value breaks off at the end of the text", _CUT)
