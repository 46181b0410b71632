"""Elements of records that are Arrow columns: what a table's `each` leads to, found for all records at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mmcheck import paths, runs
from mmcheck.readers.json_columns import Columns
from mmcheck.sweeping import json_type, member
from mmcheck.table_plans import Spec

if TYPE_CHECKING:
    import pyarrow as pa

    from mmcheck.runs import Array


class Unfit(Exception):
    """A declared column or table that is not made of whole columns."""


@dataclass(frozen=True, slots=True)
class Elements:
    """Elements of consecutive records. `values` is None where no record has any such; `parents` are the ordinals of
    their records, `ordinals` the list ordinals on the way, outermost first."""

    records: Columns
    values: pa.Array | None
    parents: Array
    header: Mapping[str, Any]
    context: Mapping[str, Any]
    ordinals: tuple[Array, ...] = ()

    def __len__(self) -> int:
        return len(self.parents)

    def pick(self, keep: pa.BooleanArray) -> Elements:
        """The elements at which `keep` is true."""
        if keep.true_count == len(keep):
            return self
        values = None if self.values is None else self.values.filter(keep)
        mask = keep.to_numpy(zero_copy_only=False)
        return replace(
            self, values=values, parents=self.parents[mask], ordinals=tuple(at[mask] for at in self.ordinals)
        )


def find(spec: Spec, records: Columns, header: Mapping[str, Any], context: Mapping[str, Any]) -> Elements:
    """The elements of which a spec makes rows. Raises Unfit."""
    import numpy as np

    every = Elements(records, records.array, np.arange(len(records.array)), header, context)
    elements = every if spec.each is None else _walked(every, spec.each)
    for key in (spec.unless, spec.embedded):
        if key is not None and len(elements) and some(member(records.array, key)):
            raise Unfit(f"beside {key}")
    if spec.each is not None and elements.values is not None:
        is_list = json_type(elements.values.type) == "array"
        one = len(spec.each) == 1 and spec.each[0].kind == "key"
        if is_list and (spec.scalar or one):
            elements = spread(elements)
        elif one and not spec.scalar:
            elements = _none(elements)
        elif spec.scalar:
            elements = _present(elements)
    return _kept(spec, elements)


def _walked(elements: Elements, steps: tuple[paths.Step, ...]) -> Elements:
    for number, step in enumerate(steps):
        values = elements.values
        if values is None:
            return elements
        if step.kind == "key":
            found = member(values, step.key) if json_type(values.type) == "object" else None
            elements = replace(elements, values=found)
            if found is None:
                return _none(elements)
            if len(steps) > 1:
                if number == len(steps) - 1 and elements.ordinals and found.null_count and elements.records.says_null:
                    raise Unfit("nulls")  # some of which are elements, and some keys that are not there
                elements = _present(elements)
        elif step.kind == "each":
            elements = spread(elements) if json_type(values.type) == "array" else _none(elements)
        elif some(values):
            raise Unfit(f"a {step.kind} step")
        else:
            return _none(elements)
    return elements


def spread(elements: Elements) -> Elements:
    """The elements of lists, one after the other."""
    import numpy as np
    from pyarrow import compute

    assert elements.values is not None
    at = compute.list_parent_indices(elements.values).to_numpy()
    outer = (each[at] for each in elements.ordinals)
    return replace(
        elements,
        values=elements.values.flatten(),
        parents=elements.parents[at],
        ordinals=(*outer, np.asarray(runs.ordinals(at))),
    )


def _present(elements: Elements) -> Elements:
    """The elements that are there and not null."""
    assert elements.values is not None
    if not elements.values.null_count:
        return elements
    return elements.pick(elements.values.is_valid())


def _none(elements: Elements) -> Elements:
    return replace(
        elements, values=None, parents=elements.parents[:0], ordinals=tuple(at[:0] for at in elements.ordinals)
    )


def some(values: pa.Array | None) -> bool:
    """Whether any value is there and not null."""
    return values is not None and values.null_count < len(values)


def _kept(spec: Spec, elements: Elements) -> Elements:
    """Without the elements that the spec skips or does not want."""
    from pyarrow import compute

    values = elements.values
    if values is None or not len(values):
        return elements
    if spec.skip and json_type(values.type) == "string":
        elements = elements.pick(compute.invert(_among(values, spec.skip)))
    for key, wanted in spec.where.items():
        assert elements.values is not None
        if None in wanted or key.startswith("$."):
            raise Unfit(f"where {key}")
        found = member(elements.values, key) if json_type(elements.values.type) == "object" else None
        if found is not None and json_type(found.type) != "string":
            raise Unfit(f"where {key}")
        elements = _none(elements) if found is None else elements.pick(_among(found, wanted))
    return elements


def _among(values: pa.Array, wanted: Iterable[Any]) -> pa.BooleanArray:
    """Which texts are among the wanted ones; a null is not."""
    import pyarrow as pa
    from pyarrow import compute

    return compute.is_in(values, pa.array([each for each in wanted if isinstance(each, str)], pa.string()))


def followed(values: pa.Array | None, steps: tuple[paths.Step, ...]) -> pa.Array | None:
    """The values at the end of plain steps; None where no value is there. Raises Unfit."""
    for step in steps:
        if values is None:
            return None
        if step.kind != "key":
            raise Unfit(f"a {step.kind} step")
        values = member(values, step.key) if json_type(values.type) == "object" else None
    return values
