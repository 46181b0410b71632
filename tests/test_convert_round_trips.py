"""A → Data-Juicer → A gives the same JSON: values, types, key order, absent and null and empty told apart."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from records import RECORDS

from mmcheck import convert as package
from mmcheck.convert import HUB, Options, convert, residue
from mmcheck.convert import data_juicer as hub
from mmcheck.convert import template as templates

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
@settings(max_examples=120, deadline=None, suppress_health_check=CHECKS)
def test_round_trip_is_exact(name: str, data: st.DataObject) -> None:
    record = data.draw(RECORDS[name])
    options = data.draw(st.sampled_from(OPTIONS))
    assert same(round_trip(name, record, options, flat=data.draw(st.booleans())), record)


@pytest.mark.parametrize("name", sorted(RECORDS))
@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=CHECKS)
def test_the_source_is_not_changed(name: str, data: st.DataObject) -> None:
    record = data.draw(RECORDS[name])
    before = copy.deepcopy(record)
    convert(record, name, HUB, Options())
    assert same(record, before)


def _stripped(written: Any) -> Any:
    def lossy(document: Any) -> Any:
        document.texts = [text.strip() for text in document.texts]
        return written(document)

    return lossy


#: Losses that converters are known for, each planted into a part that a round trip goes through.
LOSSES: dict[str, tuple[Any, str, Callable[[Any], Any]]] = {
    "edge whitespace": (hub, "_written", _stripped),
    "types of ids": (
        residue,
        "attach",
        lambda attach: lambda made, document, *rest: attach(
            {**made, "id": str(made["id"])} if "id" in made else made, document, *rest
        ),
    ),
    "unknown keys": (
        residue,
        "attach",
        lambda attach: lambda made, document, source, record: (
            document.template.pop("model", None),
            attach(made, document, source, record),
        )[1],
    ),
    "key order": (
        residue,
        "attach",
        lambda attach: lambda made, document, source, record: (
            document.template.update([(key, document.template.pop(key)) for key in sorted(document.template)]),
            attach(made, document, source, record),
        )[1],
    ),
    "escapes of marks": (templates, "literal", lambda literal: lambda value: value),
    "digest": (residue, "digest", lambda digest: lambda text: str(len(text) % 2 + id(text) % 2)),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_a_planted_loss_is_noticed(loss: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, name, plant = LOSSES[loss]
    planted = plant(getattr(module, name))
    for place in (module, package, package.llava, residue):
        if hasattr(place, name):
            monkeypatch.setattr(place, name, planted)

    @given(record=RECORDS["llava"])
    @settings(max_examples=300, deadline=None, database=None, suppress_health_check=CHECKS)
    def exact(record: dict[str, Any]) -> None:
        assert same(round_trip("llava", record, Options()), record)

    with pytest.raises(BaseException):  # noqa: B017 -- hypothesis groups what it finds
        exact()
