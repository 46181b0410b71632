"""The judge of records against the official JSON-Schema-Test-Suite (draft 2020-12), and against `jsonschema`.

tests/data/json-schema-test-suite holds its tests as `jsonschema` 4.26 ships them (MIT), the required ones and what is
optional about patterns and numbers. What refers to another document is refused: a schema is never fetched.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mmcheck.errors import RequestError
from mmcheck.schema import Judge

SUITE = Path(__file__).parent / "data" / "json-schema-test-suite"
FILES = sorted(SUITE.rglob("*.json"))


def judge(schema: Any) -> Judge:
    """A schema that is only true or false stands inside another one."""
    return Judge(schema if isinstance(schema, dict) else {"allOf": [schema]})


def reference(schema: Any, value: Any) -> bool | None:
    """What `jsonschema` says; None where it cannot tell, of what a pattern means in ECMA-262 for example."""
    try:
        return jsonschema.Draft202012Validator(schema).is_valid(value)
    except Exception:
        return None


@pytest.mark.threat("schemas: the official test suite, and jsonschema beside it", "lost findings")
@pytest.mark.parametrize("file", FILES, ids=lambda path: path.relative_to(SUITE).with_suffix("").as_posix())
def test_the_official_suite(file: Path, tried: Callable[[int], None]) -> None:
    patterns = file.stem == "ecmascript-regex"  # Python's engine, which `jsonschema` uses, is another one
    for case in json.loads(file.read_text(encoding="utf-8")):
        if "localhost:1234" in json.dumps(case["schema"]) and _refused(case["schema"]):
            continue
        made = judge(case["schema"])
        for test in case["tests"]:
            where = f"{case['description']}: {test['description']}"
            verdict = made.holds(test["data"])
            assert verdict == test["valid"], where
            assert bool(made.faults(test["data"], 0, 1)) != verdict, where
            assert patterns or reference(case["schema"], test["data"]) in (verdict, None), where
            tried(1)


def _refused(schema: Any) -> bool:
    """Whether a schema is refused, as one that refers to the network must be unless what it names is inside it."""
    try:
        judge(schema)
    except RequestError as error:
        assert "cannot be used" in str(error)
        return True
    return False


@pytest.mark.threat("schemas that refer to the network", "escapes")
def test_remote_references_of_the_suite_are_refused() -> None:
    for case in json.loads((SUITE / "refRemote.json").read_text(encoding="utf-8")):
        assert _refused(case["schema"]), case["description"]


@pytest.mark.threat("schemas whose own words are no words")
@pytest.mark.parametrize("said", [3, None, [], "x", {"message": 3}, {"hint": {}}, {"message": None, "hint": "look"}])
def test_words_that_are_no_words(said: Any) -> None:
    [fault] = judge({"x-mmcheck": said, "type": "object"}).faults(1, 0, 1)
    assert fault.message and (fault.hint is None or fault.hint == "look")


@pytest.mark.parametrize("name", ["$ref", "$defs", "properties", "allOf", "x-mmcheck", "items"])
def test_a_property_may_have_the_name_of_a_keyword(name: str) -> None:
    made = judge({"properties": {name: {"type": "integer", "x-mmcheck": {"hint": "a number"}}}})
    assert made.holds({name: 1})
    [fault] = made.faults({name: "x"}, 0, 1)
    assert fault.hint == "a number" and fault.pointer == f"/{name}"
