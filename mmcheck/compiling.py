"""A stanza becomes a rule that can run: parameters bound, expressions vetted and compiled, columns known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mmcheck import custom, expression, neighbours
from mmcheck.contracts import TABLES, Kind
from mmcheck.errors import RequestError, nearest
from mmcheck.finding import Severity
from mmcheck.rulefile import Stanza

if TYPE_CHECKING:
    import polars as pl

    from mmcheck.format import Format

_FIELD = re.compile(r"\{(\w+)\}")
#: What a message may name beside columns and parameters: the key of a rule over the dataset, a value, pandera's check.
_WORDS = ("key", "near", "value", "check")


class Asked(NamedTuple):
    """What a rule asks of a table: its condition as a column named `about`, and its outcome, which reads that column.

    `beside` are columns that both may read.
    """

    about: str
    when: pl.Expr | None
    outcome: pl.Expr
    beside: Mapping[str, pl.Expr]


@dataclass(frozen=True)
class Rule:
    """A stanza ready to run: parameters bound, expressions compiled.

    `skip` says why the rule does not run; `reads` names the columns that it needs; `mask` judges rows in Python.
    `near` is the rule for rows that stand in order, where that saves windows and work that others do as well.
    """

    stanza: Stanza
    severity: Severity
    params: Mapping[str, Any]
    reads: frozenset[str] = frozenset()
    when: pl.Expr | None = None
    expr: pl.Expr | None = None
    aggregate: str | None = None
    skip: str | None = None
    mask: custom.Mask | None = None
    near: neighbours.Neighbours | None = None

    @property
    def code(self) -> str:
        """The rule's code."""
        return self.stanza.code

    @property
    def by_row(self) -> bool:
        """Whether the rule is judged row by row, rather than over the whole dataset or by a module."""
        return self.expr is not None or self.mask is not None

    @cached_property
    def about(self) -> pl.Expr:
        """The rows that the rule is about."""
        return expression.about(self.when)

    @cached_property
    def asked(self) -> Asked:
        """What is asked of any table."""
        return self._ask(self.when, self.expr, {})

    @cached_property
    def asked_near(self) -> Asked | None:
        """What is asked of a table that fits `near`, if there is one."""
        return self._ask(self.near.when, self.near.expr, self.near.beside) if self.near is not None else None

    def _ask(self, when: pl.Expr | None, expr: pl.Expr | None, beside: Mapping[str, pl.Expr]) -> Asked:
        import polars as pl

        about = f"_about {self.stanza.when}"
        if when is None:
            return Asked(about, None, expression.outcome(None, expr), beside)
        return Asked(about, expression.about(when), expression.outcome(pl.col(about), expr), beside)

    @cached_property
    def outcome(self) -> pl.Expr:
        """True where a row passes, false where it fails, null where the rule is not about it or cannot tell."""
        return expression.outcome(None if self.when is None else self.about, self.expr)


@dataclass(frozen=True, slots=True)
class Trust:
    """How far a rules file is trusted.

    `vetted`: it ships with mmcheck, and its tests vet it. `own`: it is the user's, so that a column which no format
    has is a mistake and not a reason to skip. `python`: what its stanzas name in Python may run.
    """

    vetted: bool = False
    own: bool = False
    python: bool = False


class _Missing(Exception):
    """A column or table that the format has not."""

    def __init__(self, table: str, column: str | None) -> None:
        self.table, self.column = table, column


def compile_rule(
    stanza: Stanza, form: Format, severity: Severity, values: Mapping[str, Any], trust: Trust, skip: str | None = None
) -> Rule:
    """One stanza ready to run under these parameters, vetted. Raises RequestError with FILE:LINE."""
    if stanza.raised_by:
        return Rule(stanza, severity, values, skip=skip)
    columns = form.columns(stanza.table or "")
    try:
        if not columns:
            raise _Missing(stanza.table or "", None)
        rule = _compiled(stanza, form, columns, severity, values, trust, skip)
        if trust.own:
            _known_fields(stanza, columns, values)
        return rule
    except _Missing as missing:
        if trust.own and not _elsewhere(missing):
            close = nearest(missing.column, form.columns(missing.table)) if missing.column else ""
            what = f"the table {missing.table!r} has no column {missing.column!r}{close}"
            if missing.column is None:
                what = f"no table {missing.table!r}{nearest(missing.table, form.tables())}"
            raise RequestError(f"{stanza.where}: {stanza.code}: {what}") from None
        what = f"{missing.table} has no column {missing.column}" if missing.column else f"no table {missing.table}"
        why = f"the format's {what}" if missing.column else f"the format has {what}"
        return Rule(stanza, severity, values, skip=skip or why)
    except RequestError as error:
        raise RequestError(f"{stanza.where}: {stanza.code}: {error}") from None


def _compiled(
    stanza: Stanza,
    form: Format,
    columns: Mapping[str, Kind],
    severity: Severity,
    values: Mapping[str, Any],
    trust: Trust,
    skip: str | None,
) -> Rule:
    table = stanza.table or ""
    when = expr = aggregate = mask = near = None
    reads: set[str] = set()
    if stanza.when is not None:
        when = _expression(stanza.when, columns, values, table, trust, reads)
    if stanza.expression is not None:
        expr = _expression(stanza.expression, columns, values, table, trust, reads)
        about = None if stanza.when is None else expression.bind(stanza.when, values)
        near = neighbours.find(about, expression.bind(stanza.expression, values))
    if stanza.python or stanza.pandera:
        if skip is None and not trust.python:
            raise RequestError(f"runs Python, which is not permitted: {custom.PERMISSION} permits it")
        if skip is None:
            beside = Path(stanza.where.rpartition(":")[0]).parent
            if stanza.python:
                expr, mask = custom.python_rule(stanza.python, beside, columns, table)
                reads |= set(expr.meta.root_names()) if expr is not None else _readable(columns)
                mask = None if expr is not None else mask
            elif stanza.pandera:
                mask, read = custom.pandera_rule(stanza.pandera, beside, columns, table)
                reads |= read & _readable(columns)
    if stanza.aggregate:
        aggregate = expression.bind(stanza.aggregate.expression, values)
        if not trust.vetted:
            expression.vet(aggregate, aggregate=True, by=stanza.aggregate.by)
        reads |= (set(stanza.aggregate.by) - {"file"}) | expression.columns_of(aggregate)
        _present(reads, columns, table)
        if not trust.vetted:
            expression.check_type(aggregate, columns, table)
    reads |= set(stanza.unique or ())
    if stanza.references:
        reads |= set(stanza.references.columns)
        targets = form.columns(stanza.references.to_table)
        if not targets:
            raise _Missing(stanza.references.to_table, None)
        _present(set(stanza.references.to_columns), targets, stanza.references.to_table)
    _present(reads, columns, table)
    return Rule(stanza, severity, values, frozenset(reads), when, expr, aggregate, skip, mask, near)


def _expression(
    text: str, columns: Mapping[str, Kind], values: Mapping[str, Any], table: str, trust: Trust, reads: set[str]
) -> pl.Expr:
    """The compiled expression; the columns that it reads are added to `reads`."""
    bound = expression.bind(text, values)
    if not trust.vetted:
        expression.vet(bound)
    compiled = expression.to_polars(bound)
    reads |= set(compiled.meta.root_names())
    _present(reads, columns, table)
    if not trust.vetted:
        expression.check_type(bound, columns, table)
    return compiled


def _readable(columns: Mapping[str, Kind]) -> set[str]:
    return {name for name in columns if not name.startswith("_")}


def _present(reads: set[str], columns: Mapping[str, Kind], table: str) -> None:
    for name in sorted(reads):
        if name not in columns:
            raise _Missing(table, name)


def _elsewhere(missing: _Missing) -> bool:
    """Whether another format has the table or the column: then the rule is not about this format."""
    from mmcheck.format import load, names

    standard = TABLES.get(missing.table)
    if standard is not None and (missing.column is None or standard.column(missing.column) is not None):
        return True
    found = (load(name).columns(missing.table) for name in names())
    return any(missing.column in columns if missing.column else bool(columns) for columns in found)


def _known_fields(stanza: Stanza, columns: Mapping[str, Kind], values: Mapping[str, Any]) -> None:
    """Refuse a message that names what is neither a column nor a parameter."""
    templates = {"message": stanza.message, "hint": stanza.hint, "pointer": stanza.pointer}
    known = [*columns, *values, *_WORDS]
    for key, template in templates.items():
        for name in _FIELD.findall(template or ""):
            if name not in known:
                raise RequestError(f"{key}: {{{name}}} is neither a column nor a parameter{nearest(name, known)}")
    if stanza.value is not None and "{" not in stanza.value and stanza.value not in columns:
        raise RequestError(f"value: there is no column {stanza.value!r}{nearest(stanza.value, columns)}")
