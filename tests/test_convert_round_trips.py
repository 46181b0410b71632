"""A → Data-Juicer → A gives the same JSON: values, types, key order, absent and null and empty told apart."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from records import RECORDS

from mmcheck.convert import HUB, MAPPINGS, OPEN, Inexpressible, Options, convert
from mmcheck.convert.quick import hub_to_llava, llava_to_hub
from mmcheck.convert.shape import shape, shaped
from mmcheck.duplicates import keys_in

CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
OPTIONS = (
    Options(),
    Options(split_chunk=True),
    Options(separator=" ", add_eoc_at_last=False),
    Options(str_id=True, keep_other_fields=False, insert_pos="after", add_target_field_token=True),
    Options(split_chunk=True, image_broadcast=True, image_broadcast_pos="random", insert_pos="random"),
    Options(image="<image>", eoc="<eoc>", image_broadcast=True, image_broadcast_pos="follow"),
)


def same(one: Any, other: Any) -> bool:
    """Equal as JSON text, which tells 1 from 1.0 and true, and one order of keys from another."""
    return json.dumps(one) == json.dumps(other)


def round_trip(name: str, record: dict[str, Any], options: Options, *, flat: bool = False) -> Any:
    """There and back, over JSON text both times."""
    there = json.loads(json.dumps(convert(copy.deepcopy(record), name, HUB, options, flat=flat)))
    if flat:
        there = {key: cell for key, cell in there.items() if cell is not None}
    # nobody has to say on the way back how tokens were spelt on the way there
    return convert(there, HUB, name, Options(num_frames=options.num_frames))


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
    (made,), keys = quick([record]) if quick is not None else ([None], 0)
    assert made is None or same(made, convert(record, "llava", HUB, options))
    assert keys <= keys_in([record])


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


@given(record=RECORDS["llava"], options=st.sampled_from(OPTIONS))
@settings(max_examples=200, deadline=None, suppress_health_check=CHECKS)
def test_the_quick_way_back_is_the_long_way(record: dict[str, Any], options: Options) -> None:
    there = convert(record, "llava", HUB, options)
    (made,), keys = hub_to_llava(Options())([there])
    assert made is None or same(made, record)
    assert keys <= keys_in([there])
    there["text"] += " "
    assert hub_to_llava(Options())([there]) == ([None], 0)


chunks = st.lists(
    st.sampled_from(["a", "<__dj__image>", "<__dj__video>", " ", "\n", "<|__dj__eoc|>", "[[human]]: ", "[[q]]:", "é"]),
    max_size=8,
).map("".join)
native = st.fixed_dictionaries(
    {"text": chunks},
    optional={
        "id": st.one_of(st.integers(), st.text(max_size=3)),
        "images": st.lists(st.sampled_from(["a.jpg", "b.jpg"]), max_size=3),
        "videos": st.lists(st.sampled_from(["a.mp4"]), max_size=2),
        "meta": st.one_of(st.none(), st.dictionaries(st.text(max_size=3), st.integers())),
        "stats": st.dictionaries(st.text(max_size=3), st.floats(allow_nan=False, allow_infinity=False)),
        "Start_timestamp": st.just("00:00:01"),
        "End_timestamp": st.just("00:00:02"),
    },
)


@pytest.mark.parametrize("name", sorted(OPEN))
@given(record=native)
@settings(max_examples=60, deadline=None, suppress_health_check=CHECKS)
def test_a_record_of_the_hub_comes_back_too(name: str, record: dict[str, Any]) -> None:
    """Where the format has no place for something it carries the record, else the plain way back leads to it."""
    try:
        there = json.loads(json.dumps(convert(copy.deepcopy(record), HUB, name, Options(), native=True)))
    except Inexpressible:
        return
    assert same(convert(there, name, HUB, Options(), native=True), record)


json_values = RECORDS["llava"]


@given(record=json_values, cells=json_values)
@settings(max_examples=200, deadline=None, suppress_health_check=CHECKS)
def test_a_shape_gives_a_record_back_from_what_a_table_makes_of_it(
    record: dict[str, Any], cells: dict[str, Any]
) -> None:
    def table(value: Any) -> Any:
        """Keys sorted, numbers as floats, nulls left out, and columns that other records have."""
        if isinstance(value, dict):
            return {key: table(value[key]) for key in sorted(value) if value[key] is not None}
        if isinstance(value, list):
            return [table(each) for each in value]
        return float(value) if type(value) is int and abs(value) < 2**53 else value

    kept = table(record)
    assert same(shaped(json.loads(json.dumps(shape(record, kept))), kept), record)
    # what was edited is as the table has it
    edited = {**kept, "note": "new"} if "note" not in record else kept
    assert shaped(shape(record, kept), edited).get("note") == edited.get("note")


@given(record=RECORDS["llava"], there=st.sampled_from(["../", ""]))
@settings(max_examples=200, deadline=None, suppress_health_check=CHECKS)
def test_the_quick_way_moves_paths_as_the_long_way(record: dict[str, Any], there: str) -> None:
    def place(source: str, kind: str, record: dict[str, Any]) -> str:
        return there + source

    quick = llava_to_hub(Options(), place)
    assert quick is not None
    (made,), _ = quick([record])
    slow = convert(record, "llava", HUB, Options(), place=place)
    assert made is None or same(made, slow)
    (back,), _ = hub_to_llava(Options())([slow])
    assert back is None or same(back, record)
    assert back is not None or made is None
