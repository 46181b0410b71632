"""Files that a user writes (rules, configuration) against their JSON Schema: a mistake is told with file and line."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, Literal

from mmcheck.errors import RequestError, nearest
from mmcheck.resources import folder
from mmcheck.yaml_lines import Located

_WORDS = {
    "array": "a list", "object": "a mapping", "string": "a text", "integer": "a whole number", "number": "a number",
    "boolean": "true or false", "null": "nothing",
}  # fmt: skip
_SHOWN = 60


@cache
def schema(name: Literal["rules", "config"]) -> dict[str, Any]:
    """The JSON Schema of rules files or of configurations."""
    loaded: dict[str, Any] = json.loads((folder("schemas") / "mmcheck" / name / "1.json").read_text(encoding="utf-8"))
    return loaded


@cache
def _validator(name: Literal["rules", "config"]) -> Any:
    import jsonschema_rs

    return jsonschema_rs.validator_for(schema(name))


def hold(located: Located, name: Literal["rules", "config"]) -> None:
    """Hold a document against its schema. Raises RequestError: `FILE:LINE`, what was found, the nearest spelling."""
    data = _plain(located.data)
    validator = _validator(name)
    if validator.is_valid(data):
        return
    errors = [(error, list(error.instance_path), _kind(error)) for error in _leaves(validator.iter_errors(data))]
    # An unknown key says more than what follows from it; then the first one of the file.
    error, path, kind = min(
        errors, key=lambda each: (each[2] != "AdditionalProperties", located.lines.get(tuple(each[1]), 0))
    )
    value = _follow(data, path)
    rule = _follow_schema(schema(name), list(error.evaluation_path)[:-1])
    if kind == "AdditionalProperties":
        key = str(next(iter(error.kind.unexpected)))
        raise RequestError(f"{located.at(*path, key)}: unknown key {key!r}{nearest(key, rule.get('properties', ()))}")
    raise RequestError(f"{located.at(*path)}: {_told(error, kind, path, value, rule)}")


def _leaves(errors: Iterable[Any]) -> Iterator[Any]:
    """The errors; where none of several shapes fits, those of the shape that the value comes nearest to."""
    for error in errors:
        branches = [list(_leaves(branch)) for branch in error.kind.context] if _kind(error) == "AnyOf" else []
        deepest = [branch for branch in branches if any(_kind(each) == "AdditionalProperties" for each in branch)]
        yield from deepest[0] if deepest else [error]


def _told(error: Any, kind: str, path: Sequence[str | int], value: Any, rule: dict[str, Any]) -> str:
    key = next((str(step) for step in reversed(path) if isinstance(step, str)), "document")
    docs = str(rule.get("description", "")).strip()
    if kind == "Required":
        missing = str(error.kind.property).strip('"')
        what = "a rule" if "code" in rule.get("properties", ()) else key
        return f"{what} needs {missing!r}{nearest(missing, value) if isinstance(value, dict) else ''}"
    if kind == "Enum":
        if "severity" in path[-2:]:
            key = "severity"
        allowed = [str(each) for each in rule["enum"] if isinstance(each, str)]
        listed = ", ".join(allowed[:-1]) + " or " + allowed[-1] if len(allowed) > 1 else allowed[0]
        return f"{_shown(value)} is no {key}{nearest(str(value), allowed)}: {listed}"
    if kind == "Pattern":
        return f"{_shown(value)} is no {key}: {docs[:1].lower()}{docs[1:]}"
    if kind == "Type":
        types = [rule["type"]] if isinstance(rule.get("type"), str) else rule.get("type", [])
        wanted = " or ".join(_WORDS[each] for each in types if each != "null")
        return f"{key}: {wanted} is needed here, not {_shown(value)}"
    return f"{key}: {_shown(value)} is not what is needed here: {docs}"


def _kind(error: Any) -> str:
    return type(error.kind).__name__.rpartition("_")[2]


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _follow(value: Any, path: Sequence[str | int]) -> Any:
    for step in path:
        value = value[step]
    return value


def _follow_schema(node: Any, path: Sequence[str | int]) -> dict[str, Any]:
    whole = node
    for step in path:
        node = _follow(whole, node["$ref"].lstrip("#/").split("/")) if step == "$ref" else node[step]
    return node if isinstance(node, dict) else {}


def _plain(value: Any) -> Any:
    """The document as JSON has it: a date that YAML found becomes text."""
    if isinstance(value, dict):
        return {str(key): _plain(element) for key, element in value.items()}
    if isinstance(value, list):
        return [_plain(element) for element in value]
    if isinstance(value, datetime.date | bytes):
        return str(value)
    if isinstance(value, float) and value not in (float("inf"), float("-inf")) and value == value:
        return value
    return str(value) if isinstance(value, float) else value
