"""Which rules are run: those of the format, the common ones and the user's, with their parameters and severities."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmcheck import expression, rulefile
from mmcheck.contracts import Kind
from mmcheck.errors import RequestError, nearest
from mmcheck.finding import Severity
from mmcheck.resources import folder
from mmcheck.rulefile import RuleFile, Stanza

if TYPE_CHECKING:
    import polars as pl

    from mmcheck.format import Format


@dataclass(frozen=True)
class Rule:
    """A stanza ready to run: parameters bound, expressions compiled.

    `skip` says why the rule does not run; `reads` names the columns that it needs.
    """

    stanza: Stanza
    severity: Severity
    params: Mapping[str, Any]
    reads: frozenset[str] = frozenset()
    when: pl.Expr | None = None
    expr: pl.Expr | None = None
    aggregate: str | None = None
    skip: str | None = None

    @property
    def code(self) -> str:
        """The rule's code."""
        return self.stanza.code


@dataclass(frozen=True)
class RuleSet:
    """All rules of one check, in the order of the report; `digest` tells two sets apart."""

    rules: tuple[Rule, ...]
    params: Mapping[str, Any]
    digest: str

    def active(self, table: str | None = None) -> list[Rule]:
        """The rules that run, of one table or of all."""
        return [rule for rule in self.rules if rule.skip is None and table in (None, rule.stanza.table)]

    def get(self, code: str) -> Rule:
        """The first rule of that code."""
        return next(rule for rule in self.rules if rule.code == code)


def shipped() -> tuple[RuleFile, RuleFile]:
    """The rules that modules raise themselves, and those that every format shares."""
    return rulefile.read(folder("rules") / "core.yaml"), rulefile.read(folder("rules") / "common.yaml")


def extended(file: RuleFile, seen: frozenset[Path] = frozenset()) -> list[RuleFile]:
    """The file after those that it extends: names of shipped files (`common`) or paths relative to the file."""
    files: list[RuleFile] = []
    if file.path.resolve() in seen:
        raise RequestError(f"{file.located.at('extends')}: the file extends itself")
    for name in file.extends:
        if name in ("common", "core"):
            continue  # every format has them already
        beside = (file.path.parent / name).with_suffix(".yaml")
        within = folder("rules") / f"{name}.yaml"
        path = beside if beside.exists() else within
        if not path.exists():
            raise RequestError(f"{file.located.at('extends')}: there is no rules file {name!r}")
        files += extended(rulefile.read(path), seen | {file.path.resolve()})
    return [*files, file]


def build(
    form: Format,
    rule_files: Iterable[RuleFile] = (),
    *,
    params: Mapping[str, str] | None = None,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
) -> RuleSet:
    """All rules that apply to a format. Raises RequestError with FILE:LINE for a rule that cannot run."""
    core, common = shipped()
    own = [each for file in rule_files for each in extended(file)]
    own = [file for file in own if not file.applies_to or form.name in file.applies_to]
    files = [core, common, form.rules, *own]
    values: dict[str, Any] = {}
    severities: dict[str, Severity] = {}
    for file in files:
        values |= file.params
        severities |= file.severity
    values |= _typed(params or {}, values)
    stanzas = [stanza for file in files for stanza in file.stanzas]
    _no_clashes(own, stanzas)
    known = {stanza.code for stanza in stanzas}
    for file in (form.rules, *own):
        for code in file.severity:
            if code not in known:
                raise RequestError(f"{file.located.at('severity', code)}: no rule {code!r}{nearest(code, known)}")
    _known_selectors([*select, *ignore], stanzas)
    trusted = {core.path, common.path, *([form.path] if _is_shipped(form.path) else [])}
    # A format may restate a common rule for one of its tables: ids that are unique within a group only, say.
    restated = {(stanza.code, stanza.table) for stanza in form.rules.stanzas}
    rules = []
    for file in files:
        for stanza in file.stanzas:
            if file is common and (stanza.code, stanza.table) in restated:
                continue
            severity = severities.get(stanza.code, stanza.severity)
            skip = None
            if severity is Severity.OFF:
                skip = "off"
            elif not _selected(stanza, severity, select, ignore):
                skip = "not selected"
            rules.append(_compile(stanza, form, severity, values, skip, trusted=file.path in trusted, own=file in own))
    text = repr([(rule.stanza, rule.severity, rule.skip) for rule in rules]) + repr(sorted(values.items()))
    return RuleSet(tuple(rules), values, "sha256:" + hashlib.sha256(text.encode()).hexdigest())


def compile_stanza(stanza: Stanza, form: Format, params: Mapping[str, Any]) -> Rule:
    """One stanza ready to run under these parameters, vetted. Raises RequestError with FILE:LINE."""
    return _compile(stanza, form, stanza.severity, params, None, trusted=False, own=False)


def parameters(form: Format) -> dict[str, Any]:
    """The parameters of a format: the common ones, with its own values."""
    values: dict[str, Any] = {}
    for file in (*shipped(), form.rules):
        values |= file.params
    return values


def _is_shipped(path: Path) -> bool:
    return path.resolve().is_relative_to(folder("rules").resolve())


def _no_clashes(own: list[RuleFile], stanzas: list[Stanza]) -> None:
    """A user's code must not be one that is taken, by a shipped rule or by another file."""
    for file in own:
        for stanza in file.stanzas:
            for other in stanzas:
                elsewhere = other.where.rpartition(":")[0] != str(file.path)
                if other.code == stanza.code and elsewhere:
                    raise RequestError(f"{stanza.where}: the code {stanza.code} is already used at {other.where}")


def _typed(given: Mapping[str, str], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters from the command line, as the type that their defaults have."""
    typed: dict[str, Any] = {}
    for name, text in given.items():
        if name not in defaults:
            raise RequestError(f"there is no parameter {name!r}{nearest(name, defaults)}")
        default = defaults[name]
        try:
            if not isinstance(text, str):
                typed[name] = text
            elif isinstance(default, bool):
                typed[name] = {"true": True, "false": False}[text.lower()]
            elif isinstance(default, int):
                typed[name] = int(text)
            elif isinstance(default, float):
                typed[name] = float(text)
            else:
                typed[name] = [part for part in text.split(",") if part] if isinstance(default, list) else text
        except (ValueError, KeyError):
            raise RequestError(f"the parameter {name} is {type(default).__name__}, not {text!r}") from None
    return typed


def _known_selectors(selectors: Sequence[str], stanzas: Sequence[Stanza]) -> None:
    known = {stanza.code for stanza in stanzas} | {stanza.name for stanza in stanzas} | {str(each) for each in Severity}
    for selector in selectors:
        if selector not in known and not any(stanza.code.startswith(selector) for stanza in stanzas):
            raise RequestError(f"no rule is called {selector!r}{nearest(selector, known)}")


def _selected(stanza: Stanza, severity: Severity, select: Sequence[str], ignore: Sequence[str]) -> bool:
    def named(selectors: Sequence[str]) -> bool:
        return any(
            stanza.code.startswith(selector) or selector in (stanza.name, severity.value) for selector in selectors
        )

    return (not select or named(select)) and not named(ignore)


def _compile(
    stanza: Stanza,
    form: Format,
    severity: Severity,
    values: Mapping[str, Any],
    skip: str | None,
    *,
    trusted: bool,
    own: bool,
) -> Rule:
    if stanza.raised_by:
        return Rule(stanza, severity, values, skip=skip)
    columns = form.columns(stanza.table or "")
    if not columns:
        if own and stanza.table not in _all_tables():
            raise RequestError(
                f"{stanza.where}: {stanza.code}: no table {stanza.table!r}{nearest(stanza.table or '', form.tables())}"
            )
        return Rule(stanza, severity, values, skip=skip or f"the format has no table {stanza.table}")
    try:
        when, expr, aggregate, reads = _expressions(stanza, columns, values, trusted=trusted)
    except RequestError as error:
        raise RequestError(f"{stanza.where}: {stanza.code}: {error}") from None
    missing = sorted(name for name in reads if name not in columns)
    if missing:
        if own:
            raise RequestError(
                f"{stanza.where}: {stanza.code}: the table {stanza.table!r} has no column "
                f"{missing[0]!r}{nearest(missing[0], columns)}"
            )
        skip = skip or f"the format's {stanza.table} has no column {missing[0]}"
    return Rule(stanza, severity, values, frozenset(reads), when, expr, aggregate, skip)


def _all_tables() -> set[str]:
    from mmcheck.contracts import TABLES

    return set(TABLES)


def _expressions(
    stanza: Stanza, columns: Mapping[str, Kind], values: Mapping[str, Any], *, trusted: bool
) -> tuple[pl.Expr | None, pl.Expr | None, str | None, set[str]]:
    """The compiled `when` and expression, the bound aggregate, and the columns that they read."""
    compiled: list[pl.Expr | None] = []
    reads: set[str] = set()
    for text in (stanza.when, stanza.expression):
        if text is None:
            compiled.append(None)
            continue
        bound = expression.bind(str(text), values)
        if not trusted:
            expression.vet(bound)
            expression.check_type(bound, columns, stanza.table or "")
        expr = expression.to_polars(bound)
        reads |= set(expr.meta.root_names())
        compiled.append(expr)
    aggregate = None
    if stanza.aggregate:
        aggregate = expression.bind(stanza.aggregate.expression, values)
        if not trusted:
            expression.vet(aggregate, aggregate=True)
        reads |= set(stanza.aggregate.by) - {"file"}
        reads |= set(expression.to_polars(aggregate).meta.root_names())
    reads |= set(stanza.unique or ())
    reads |= set(stanza.references.columns if stanza.references else ())
    return compiled[0], compiled[1], aggregate, reads
