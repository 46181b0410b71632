"""The schemas of files that a user writes: shipped rules files fit, and every key that the loader knows is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mmcheck import columns, format, rulefile, table_plans
from mmcheck.errors import RequestError
from mmcheck.metaschema import hold, schema
from mmcheck.resources import folder
from mmcheck.yaml_lines import load

RULES = sorted(folder("rules").rglob("*.yaml"))


@pytest.mark.parametrize("path", RULES, ids=lambda path: str(path.relative_to(folder("rules"))))
def test_every_shipped_rules_file_fits(path: Path) -> None:
    """Under the judge, and under the reference implementation."""
    located = load(path)
    hold(located, "rules")
    jsonschema.Draft202012Validator(schema("rules")).validate(located.data)


def keys(*path: str) -> set[str]:
    node: Any = schema("rules")
    for step in path:
        node = node[step]
    return set(node["properties"])


def test_every_key_that_the_loader_knows_is_described() -> None:
    assert keys() == set(rulefile.TOP_KEYS)
    assert keys("$defs", "stanza") >= set(rulefile.STANZA_KEYS)
    assert keys("$defs", "stanza") - set(rulefile.STANZA_KEYS) <= {"fix"}
    assert keys("$defs", "role") == set(format._ROLE_KEYS)
    assert keys("$defs", "spec") == set(table_plans._SPEC_KEYS)
    assert keys("$defs", "column", "anyOf", 1) == set(columns._FORMS)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["rules", "config"])
def test_every_key_has_a_description(name: Any) -> None:
    """An editor shows it."""
    document = schema(name)
    jsonschema.Draft202012Validator.check_schema(document)

    def walk(node: Any, where: str) -> None:
        if isinstance(node, dict):
            for key, value in node.get("properties", {}).items():
                target = document["$defs"][value["$ref"].rpartition("/")[2]] if "$ref" in value else value
                assert target.get("description"), f"{where}/{key}"
            for key, value in node.items():
                walk(value, f"{where}/{key}")
        elif isinstance(node, list):
            for value in node:
                walk(value, where)

    walk(document, "")


RULE = "rules:\n  - {code: PX001, name: a-b, severity: error, table: turns, "
MISTAKES = {
    "rules: {}": "rules: a list is needed here, not {}",
    "params: {a: {b: 1}}": "is not what is needed here",
    RULE + "expression: turn > 0, hint: [a]}": "hint: a text",
    RULE + "expression: turn > 0, tolerate: some}": "tolerate",
    RULE + "references: {colum: a, to: b.c}}": "'column'",
    "extends: common": "extends: a list is needed here, not 'common'",
    "severity: {MM010: loud}": "'loud' is no severity: error, warning, info or off",
}


@pytest.mark.parametrize(("text", "told"), MISTAKES.items())
def test_a_mistake_says_what_was_found(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(text)
    with pytest.raises(RequestError) as refused:
        rulefile.read(path)
    assert told in str(refused.value)
    assert f"{path}:{1 + text.count(chr(10))}: " in str(refused.value)
