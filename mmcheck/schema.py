"""JSON Schema on raw records, before anything can coerce them: jsonschema-rs judges, and says why in plain words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mmcheck.cells import json_text, json_type
from mmcheck.errors import RequestError, nearest
from mmcheck.limits import MOST_NESTING, Limits
from mmcheck.patterns import given_up, validator
from mmcheck.readers.batch import BINARY, Fault
from mmcheck.readers.json_columns import Columns
from mmcheck.sweeping import Sweep

_SHOWN = 80
_MOST_PER_RECORD = 20

#: Keywords whose subschemas are about a part of the value, so that words about the whole say nothing of them.
_INTO_PARTS = frozenset(
    ("properties", "patternProperties", "additionalProperties", "items", "prefixItems", "contains", "propertyNames")
)


class Judge:
    """One record schema of a format: `schema` is the whole document, `pointer` the place of the record's schema in it.

    Of the `limits` it heeds `max_pattern_steps`.

    `x-mmcheck: {message, hint}` in a subschema says in the format's own words what the subschema demands.
    """

    def __init__(self, schema: Mapping[str, Any], pointer: str = "#", limits: Limits | None = None) -> None:
        whole = dict(schema)
        if pointer not in ("", "#"):
            keep = {key: whole[key] for key in ("$schema", "$defs") if key in whole}
            whole = keep | {"$ref": pointer}
        self.schema = whole
        try:
            self._validator = validator(whole, int((limits or Limits()).max_pattern_steps))
        except ValueError as error:
            raise RequestError(f"the schema cannot be used: {str(error).splitlines()[0]}") from None
        self.is_valid: Callable[[Any], bool] = self._validator.is_valid
        self.surely: Callable[[Columns], bool] = Sweep(whole).holds

    def holds(self, record: Any) -> bool:
        """`is_valid`, where a record may be of a sort that the judge itself refuses to look at."""
        try:
            return self.is_valid(record)
        except (ValueError, RecursionError):
            return False

    def valid(self, records: list[Any]) -> list[bool]:
        """Which of the records are valid; what the judge refuses to look at is not."""
        try:
            return [self.is_valid(record) for record in records]
        except (ValueError, RecursionError):
            return [self.holds(record) for record in records]

    def faults(self, record: Any, row: int | None, line: int | None) -> list[Fault]:
        """What the record breaks, most telling first; empty if it is valid."""
        try:
            errors = list(self._validator.iter_errors(record))
        except (ValueError, RecursionError) as refusal:
            return [_unjudged(refusal, row, line)]
        told: list[Fault] = []
        seen: set[tuple[str, str]] = set()
        for error in sorted(errors, key=lambda error: len(error.instance_path)):
            for fault in self._explain(error, record, row, line):
                key = (fault.pointer or "", fault.message)
                if key not in seen:
                    seen.add(key)
                    told.append(fault)
        return told[:_MOST_PER_RECORD]

    def _explain(self, error: Any, record: Any, row: int | None, line: int | None) -> list[Fault]:
        instance_path = list(error.instance_path)
        value = _follow(record, instance_path)
        own = self._own_words(list(error.evaluation_path))
        words = _words(error, value, brief="message" in own)
        pointer = "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in instance_path)
        if given_up(error):
            message = f"{pointer or 'the record'}: a pattern of the schema gave no answer in so many steps: not judged"
            hint = "write it without lookarounds and backreferences, or raise max_pattern_steps"
            return [Fault("MM002", message, row=row, line=line, pointer=pointer, value=_shown(value), hint=hint)]
        whose = own.get("message") or pointer or "the record"
        message = f"{whose}: {words}" if words else own.get("message") or f"{whose}: this is not allowed here"
        return [Fault("MM001", message, row=row, line=line, pointer=pointer, value=_shown(value), hint=own.get("hint"))]

    def _own_words(self, evaluation_path: list[Any]) -> Mapping[str, str]:
        """`x-mmcheck` of the subschema whose keyword failed, or of one around it that is about the same value."""
        node: Any = self.schema
        own: Mapping[str, str] = {}
        for position, step in enumerate(evaluation_path, 1):
            if isinstance(node, dict):
                own = _own(node) or own
                node = node.get(step)
                if step == "$ref" and isinstance(node, str):  # a property may have that name, too
                    node = self._resolve(node)
                if step in _INTO_PARTS and position < len(evaluation_path):
                    own = {}
            elif isinstance(node, list) and isinstance(step, int) and step < len(node):
                node = node[step]
            else:
                break
        return own

    def _resolve(self, reference: str) -> Any:
        node: Any = self.schema
        for key in reference.lstrip("#").strip("/").split("/"):
            if key:
                node = node.get(key.replace("~1", "/").replace("~0", "~")) if isinstance(node, dict) else None
        return node


def _own(schema: Mapping[str, Any]) -> Mapping[str, str]:
    """The words of a subschema; none where they are not words."""
    said = schema.get("x-mmcheck")
    return {key: text for key, text in said.items() if isinstance(text, str)} if isinstance(said, dict) else {}


def _unjudged(error: Exception, row: int | None, line: int | None) -> Fault:
    """What cannot be handed to the judge: more levels than it follows, or text that is no Unicode."""
    if isinstance(error, UnicodeError):
        hint = "half of a character was cut off: remove it or write the character whole"
        return Fault("MM002", "the record holds a lone surrogate", row=row, line=line, hint=hint)
    hint = "no loader follows so far: is a bracket repeated?"
    return Fault("MM002", f"the record is nested more than {MOST_NESTING} levels deep", row=row, line=line, hint=hint)


def _follow(value: Any, path: list[Any]) -> Any:
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _words(error: Any, value: Any, *, brief: bool) -> str:
    """What was found and what is allowed, for the keywords that records break most; `brief`: what was found alone."""
    kind = error.kind
    name = type(kind).__name__.rpartition("_")[2]
    if name == "Type":
        allowed = " or ".join(str(each) for each in _types(kind))
        return f"{_told(value)} where {allowed} is expected"
    if name == "Required":
        missing = str(kind.property).strip('"')
        near = nearest(missing, value) if isinstance(value, dict) else ""
        return f"the key {missing!r} is missing{near}"
    if name == "AdditionalProperties":
        return f"unknown key {', '.join(repr(str(key)) for key in kind.unexpected)}"
    if name == "Enum":
        return f"{_shown(value)} is none of {_shown(kind.options)}"
    if name == "Not":
        return ""
    if name == "OneOfMultipleValid":
        return "more than one of the shapes that are allowed here fits"
    if name in ("AnyOf", "OneOfNotValid"):
        return _told(value) if brief else f"{_told(value)} fits none of the shapes that are allowed here"
    return str(error.message).replace("\n", " ")[:300]


def _types(kind: Any) -> list[str]:
    types = kind.types
    return list(types) if isinstance(types, list | tuple | set | frozenset) else [str(types)]


def _told(value: Any) -> str:
    word = json_type(value)
    return word if value is None else f"{'an' if word[0] in 'aio' else 'a'} {word} ({_shown(value)})"


def _shown(value: Any) -> str:
    shown = json_text(value) if value is not None else "null"
    return shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"


def without_bytes(value: Any, instead: Callable[[Any], str] = lambda _: "", levels: int = MOST_NESTING) -> Any:
    """A copy for the judge: JSON knows no binary cells, so that a text stands `instead` of each.

    What is deeper than `levels` is cut off below them, so that the judge refuses it.
    """
    if not levels:
        return value
    below = levels - 1
    if isinstance(value, dict):
        return {
            key: each if each.__class__ in _PLAIN else without_bytes(each, instead, below)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [each if each.__class__ in _PLAIN else without_bytes(each, instead, below) for each in value]
    return instead(value) if isinstance(value, BINARY) else value


#: Values that stay as they are; asked where they stand, so that most of a record's values cost no call.
_PLAIN = frozenset((str, int, float, bool, type(None)))
