"""JSON Schema validators whose patterns come to an end: in linear time, or after so many steps of backtracking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import jsonschema_rs

#: A record with more text is searched in fewer steps, since each may run through all of it.
_SHORT = 10_000


class Validator(Protocol):
    """What is asked of jsonschema-rs."""

    def is_valid(self, instance: Any) -> bool: ...

    def iter_errors(self, instance: Any) -> Any: ...


def validator(schema: Mapping[str, Any], steps: int) -> Validator:
    """A validator of `schema`: linear where all its patterns are, else one that gives a pattern up after `steps` steps.

    Raises ValueError for a schema that cannot be used.
    """
    try:
        return _compiled(schema, jsonschema_rs.RegexOptions())
    except ValueError:  # a lookaround, a backreference; or no pattern at all, which is told below
        return Patient(schema, steps)


class Patient:
    """For patterns with lookarounds and backreferences.

    A text may take `steps` steps of backtracking; where its record has more than 10,000 characters of text, so many
    times fewer. What is given up is an error of its own kind (`given_up`), below `not` as well.
    """

    def __init__(self, schema: Mapping[str, Any], steps: int) -> None:
        self._schema, self._steps = schema, steps
        self._halved: dict[int, Validator] = {0: self._within(0)}

    def is_valid(self, instance: Any) -> bool:
        return self._for(instance).is_valid(instance)

    def iter_errors(self, instance: Any) -> Any:
        return self._for(instance).iter_errors(instance)

    def _for(self, instance: Any) -> Validator:
        times = (_text(instance) // _SHORT).bit_length()
        if times not in self._halved:
            self._halved[times] = self._within(times)
        return self._halved[times]

    def _within(self, times: int) -> Validator:
        return _compiled(self._schema, jsonschema_rs.FancyRegexOptions(backtrack_limit=max(1, self._steps >> times)))


def given_up(error: Any) -> bool:
    """Whether an error says that a pattern found no answer."""
    return type(error.kind).__name__.endswith(("BacktrackLimitExceeded", "RegexEngineFailure"))


def _compiled(schema: Mapping[str, Any], options: Any) -> Validator:
    return jsonschema_rs.validator_for(dict(schema), retriever=_offline, pattern_options=options)


def _offline(uri: str) -> Any:
    raise ValueError(f"{uri} is outside the schema: references to other documents are not followed")


def _text(value: Any) -> int:
    """How many characters of text a record has, keys included."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(len(key) + _text(each) for key, each in value.items())
    return sum(map(_text, value)) if isinstance(value, list) else 0
