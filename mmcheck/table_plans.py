"""The `tables:` of a rules file: from YAML to plans of how records unfold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mmcheck import paths
from mmcheck.columns import Declared, declare
from mmcheck.contracts import SAMPLE, TABLES, Kind
from mmcheck.errors import RequestError, nearest
from mmcheck.expression import vet_view

_SPEC_KEYS = (
    "each", "scalar", "skip_empty", "skip", "kind", "ids", "encoding", "in", "sql", "columns", "where", "unless",
    "embedded",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spec:
    """One declared way from records to rows of a table."""

    each: tuple[paths.Step, ...] | None
    columns: tuple[Declared, ...]
    scalar: bool = False
    skip: tuple[Any, ...] = ()
    kind: str | None = None
    ids: bool | str = False
    base64: bool = False
    where: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    unless: str | None = None
    embedded: str | None = None


@dataclass(frozen=True, slots=True)
class TablePlan:
    """How a table is made: by unfolding (`specs`), by finding placeholders in `text_of`, or as a view (`sql`)."""

    name: str
    specs: tuple[Spec, ...] = ()
    text_of: tuple[str, str] | None = None
    sql: str | None = None


def compile_tables(data: Mapping[str, Any]) -> tuple[TablePlan, ...]:
    """The plans of the `tables:` of a role. Raises RequestError where a declaration is wrong."""
    plans = []
    for name, declared in data.items():
        if declared is None:
            continue
        specs = declared if isinstance(declared, list) else [declared]
        for spec in specs:
            for key in spec:
                if key not in _SPEC_KEYS:
                    raise RequestError(f"the table {name!r} has an unknown key {key!r}{nearest(key, _SPEC_KEYS)}")
        first = specs[0]
        if "sql" in first:
            plans.append(TablePlan(name, sql=first["sql"]))
        elif "in" in first:
            table, _, column = first["in"].partition(".")
            plans.append(TablePlan(name, text_of=(table, column)))
        else:
            plans.append(TablePlan(name, specs=tuple(_spec(spec) for spec in specs)))
    return tuple(plans)


def _spec(data: Mapping[str, Any]) -> Spec:
    return Spec(
        each=paths.parse(data["each"]) if data.get("each") is not None else None,
        columns=tuple(declare(name, spec) for name, spec in (data.get("columns") or {}).items()),
        scalar=bool(data.get("scalar")),
        skip=(*data.get("skip", ()), *([""] if data.get("skip_empty") else [])),
        kind=data.get("kind"),
        ids=data.get("ids", False),
        base64=data.get("encoding") == "base64",
        where={
            key: tuple(value) if isinstance(value, list) else (value,) for key, value in data.get("where", {}).items()
        },
        unless=data.get("unless"),
        embedded=data.get("embedded"),
    )  # fmt: skip


def declared_columns(plan: TablePlan) -> dict[str, Kind]:
    """The columns of a table: those that every format has, and the format's own."""
    table = TABLES.get(plan.name)
    columns: dict[str, Kind] = {column.name: column.kind for column in table.columns} if table else {}
    if not table:
        columns = {"sample": SAMPLE.kind, "ordinal": "integer"}
    for spec in plan.specs:
        columns |= {column.name: column.kind for column in spec.columns if column.name not in ("sample",)}
    return columns


_IDENTIFIER = re.compile(r"[A-Za-z_]\w*$")


def vet(plans: tuple[TablePlan, ...]) -> None:
    """Refuse a view that reads more than tables, and a column whose name does not parse bare in SQL (`from`, `end`)."""
    import polars as pl

    for plan in plans:
        if plan.sql is not None:
            try:
                vet_view(plan.sql, {each.name for each in plans})
            except RequestError as error:
                raise RequestError(f"the table {plan.name!r}: {error}") from None
        for name in declared_columns(plan):
            if not _IDENTIFIER.match(name):
                raise RequestError(f"the column {name!r} of {plan.name!r} is no name that SQL reads without quotes")
            try:
                bare = pl.sql_expr(f"{name} IS NULL").meta.root_names() == [name]
            except Exception:
                bare = False
            if not bare:
                raise RequestError(f"the column {name!r} of {plan.name!r} is a word of SQL: choose another name")
