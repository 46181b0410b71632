"""A → Data-Juicer → A gives the same JSON: values, types, key order, absent and null and empty told apart."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from records import RECORDS

from mmcheck import convert as package
from mmcheck.convert import HUB, MAPPINGS, Inexpressible, Options, convert, residue
from mmcheck.convert import data_juicer as hub
from mmcheck.convert import template as templates
from mmcheck.convert.quick import llava_to_hub

CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
OPTIONS = (Options(), Options(split_chunk=True), Options(separator=" ", add_eoc_at_last=False))


def same(one: Any, other: Any) -> bool:
    """Equal as JSON text, which tells 1 from 1.0 and true, and one order of keys from another."""
    return json.dumps(one) == json.dumps(other)


def round_trip(name: str, record: dict[str, Any], options: Options, *, flat: bool = False) -> Any:
    """There and back, over JSON text both times."""
    there = json.loads(json.dumps(convert(copy.deepcopy(record), name, HUB, options, flat=flat)))
    if flat:
        there = {key: cell for key, cell in there.items() if cell is not None}
    return convert(there, HUB, name, options)


@pytest.mark.parametrize("name", sorted(RECORDS))
@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=CHECKS)
def test_round_trip_is_exact(name: str, data: st.DataObject) -> None:
    record = data.draw(RECORDS[name])
    options = data.draw(st.sampled_from(OPTIONS))
    assert same(round_trip(name, record, options, flat=data.draw(st.booleans())), record)


@pytest.mark.parametrize("name", sorted(RECORDS))
@given(data=st.data())
@settings(max_examples=20, deadline=None, suppress_health_check=CHECKS)
def test_the_source_is_not_changed(name: str, data: st.DataObject) -> None:
    record = data.draw(RECORDS[name])
    before = copy.deepcopy(record)
    convert(record, name, HUB, Options())
    assert same(record, before)


@given(record=RECORDS["llava"], options=st.sampled_from(OPTIONS))
@settings(max_examples=200, deadline=None, suppress_health_check=CHECKS)
def test_the_quick_way_is_the_long_way(record: dict[str, Any], options: Options) -> None:
    quick = llava_to_hub(options)
    made = quick(record) if quick is not None else None
    assert made is None or same(made, convert(record, "llava", HUB, options))


def _talk(*texts: str) -> list[dict[str, str]]:
    return [{"from": ("human", "gpt")[number % 2], "value": text} for number, text in enumerate(texts)]


#: What the upstream converters lose, or stop at.
AWKWARD: list[dict[str, Any]] = [
    {"id": 17, "image": "a.jpg", "conversations": _talk("<image>\nWhat?", "A bus. ")},
    {"id": "17", "conversations": _talk(" Hi\u00a0", "\nHo"), "model": "", "other": "@0"},
    {"conversations": _talk("a", "b\n[[gpt]]: c", "d"), "image": "a.jpg", "id": None},
    {
        "model": "@turns",
        "conversations": [{"from": "gpt", "text": "t", "value": "v", "markdown": {"index": 1}}],
        "id": 1,
    },
]


def _stripped(written: Any) -> Any:
    def lossy(document: Any) -> Any:
        document.texts = [text.strip() for text in document.texts]
        return written(document)

    return lossy


NUMBERS = count()

#: Losses that converters are known for, each planted into a part that a round trip goes through.
LOSSES: dict[str, tuple[Any, str, Callable[[Any], Any]]] = {
    "edge whitespace": (hub, "_written", _stripped),
    "types of ids": (
        residue,
        "attach",
        lambda attach: (
            lambda made, document, *rest: attach(
                {**made, "id": str(made["id"])} if "id" in made else made, document, *rest
            )
        ),
    ),
    "unknown keys": (
        residue,
        "attach",
        lambda attach: (
            lambda made, document, source, record: (
                document.template.pop("model", None),
                attach(made, document, source, record),
            )[1]
        ),
    ),
    "key order": (
        residue,
        "attach",
        lambda attach: (
            lambda made, document, source, record: (
                document.template.update([(key, document.template.pop(key)) for key in sorted(document.template)]),
                attach(made, document, source, record),
            )[1]
        ),
    ),
    "escapes of marks": (templates, "literal", lambda literal: lambda value: value),
    "turns by reading": (residue, "digest", lambda digest: lambda text: str(next(NUMBERS))),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_a_planted_loss_is_noticed(loss: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, name, plant = LOSSES[loss]
    planted = plant(getattr(module, name))
    for place in (module, package, package.llava, residue):
        if hasattr(place, name):
            monkeypatch.setattr(place, name, planted)

    assert not all(same(round_trip("llava", record, Options()), record) for record in AWKWARD)


def test_awkward_records_are_exact() -> None:
    assert all(same(round_trip("llava", record, Options()), record) for record in AWKWARD)


@pytest.mark.parametrize("name", sorted(RECORDS))
@given(data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=CHECKS)
def test_any_to_any_is_written_or_refused_with_a_reason(name: str, data: st.DataObject) -> None:
    record = data.draw(RECORDS[name])
    for target in MAPPINGS:
        try:
            made = convert(record, name, target, Options(), residue=False, lost={})
        except Inexpressible as reason:
            assert str(reason)
        else:
            json.dumps(made)
