"""Every stanza that ships has good and bad examples, and they behave; every one is documented."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

from mmcheck import format as formats
from mmcheck.format import Format
from mmcheck.rule_examples import misbehaving
from mmcheck.rulefile import Stanza
from mmcheck.ruleset import build, shipped

CORE, COMMON = shipped()


@cache
def loaded(name: str) -> Format:
    """The newest version of a format."""
    return formats.load(name)


def stanzas() -> Iterator[tuple[str, Stanza]]:
    """Each stanza with a format whose tables it stands on; common ones with every format that has the table."""
    for name in formats.names():
        for stanza in loaded(name).rules.stanzas:
            yield name, stanza
        for stanza in COMMON.stanzas:
            if loaded(name).columns(stanza.table or ""):
                yield name, stanza


STANZAS = list(stanzas())
IDS = [f"{name}-{stanza.code}-{stanza.table}" for name, stanza in STANZAS]


@pytest.mark.parametrize(("name", "stanza"), STANZAS, ids=IDS)
def test_examples_behave(name: str, stanza: Stanza) -> None:
    """No row of a good table fails, at least one of a bad table does."""
    if stanza.raised_by is not None:
        pytest.skip("raised by a module")
    assert stanza.good, f"{stanza.where}: {stanza.code} has no good example"
    assert stanza.bad, f"{stanza.where}: {stanza.code} has no bad example"
    params = {**COMMON.params, **loaded(name).rules.params}
    assert [str(each) for each in misbehaving(stanza, loaded(name), params)] == []


@pytest.mark.parametrize(("name", "stanza"), STANZAS, ids=IDS)
def test_stanza_is_documented(name: str, stanza: Stanza) -> None:
    """A person can learn from `mmcheck explain` why the rule is there."""
    assert len(stanza.docs) > 20, f"{stanza.where}: {stanza.code} has no docs"
    assert stanza.message != stanza.name.replace("-", " ") or stanza.raised_by, f"{stanza.where}: no message"


@pytest.mark.parametrize("stanza", CORE.stanzas, ids=lambda stanza: stanza.code)
def test_core_rules_are_raised_by_a_module(stanza: Stanza) -> None:
    assert stanza.raised_by
    assert len(stanza.docs) > 20


@pytest.mark.parametrize("name", formats.names())
def test_every_rule_of_a_format_can_run(name: str) -> None:
    """Every expression compiles on the format's tables, and every parameter is known."""
    rules = build(loaded(name))
    assert {rule.code for rule in rules.active()} >= {stanza.code for stanza in loaded(name).rules.stanzas}


def test_a_code_means_one_thing() -> None:
    """A code has one name and one severity, in whatever tables and formats it stands."""
    names: dict[str, set[str]] = {}
    for _, stanza in STANZAS:
        names.setdefault(stanza.code, set()).add(stanza.name)
    assert {code: found for code, found in names.items() if len(found) > 1} == {}


def test_schemas_are_schemas() -> None:
    """The record schema of each role compiles, under the judge and under the reference implementation."""
    jsonschema = pytest.importorskip("jsonschema")
    for name in formats.names():
        form = loaded(name)
        jsonschema.Draft202012Validator.check_schema(form.schema)
        assert form.schema["description"]
        for role in form.roles:
            form.judge(role)
