"""Rules files are tested: every stanza's good and bad rows, on the tables of the formats that the rule is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmcheck import format as formats
from mmcheck import rulefile
from mmcheck.errors import RequestError
from mmcheck.format import Format
from mmcheck.resources import folder
from mmcheck.rule_examples import misbehaving
from mmcheck.rulefile import RuleFile, Stanza
from mmcheck.ruleset import build, compile_stanza, extended, parameters, typed


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one stanza's examples: `failures` in words, `warnings` about what it has not."""

    stanza: Stanza
    format: str
    examples: int
    failures: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class Tested:
    """What became of one rules file."""

    path: Path
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def failed(self) -> int:
        """How many stanzas have an example that does not behave."""
        return sum(1 for outcome in self.outcomes if outcome.failures)


def test_file(
    path: Path,
    *,
    format_path: Sequence[str | Path] = (),
    params: Mapping[str, Any] | None = None,
    allow_python: bool = False,
) -> Tested:
    """Run the examples of every stanza of a rules file, or of a format's own file.

    Raises RequestError with FILE:LINE for a file that could not be used in a check either.
    """
    file = rulefile.read(path)
    tested = Tested(path)
    known = formats.names(format_path)
    given = dict(params or {})
    files: list[RuleFile] = []
    if "roles" in file.data:
        form = formats.load_file(path)
        build(form, params=given, allow_python=allow_python)
        chosen = [(stanza, form) for stanza in file.stanzas]
    else:
        files = extended(file)
        wanted = [name for name in file.applies_to if name in known] or known
        chosen = [
            (stanza, _format_for(stanza, files, wanted, format_path, given, allow_python)) for stanza in file.stanzas
        ]
        used = [form for _, form in chosen] or [formats.load(wanted[0], format_path)]
        for form in {each.name: each for each in used}.values() if not _ships(path) else ():
            build(form, [file], params=given, allow_python=allow_python, known_formats=known)
    for stanza, form in chosen:
        values = _values(form, files, given)
        tested.outcomes.append(_tested(stanza, form, values, allow_python, path))
    return tested


def _values(form: Format, files: Sequence[RuleFile], given: Mapping[str, Any]) -> dict[str, Any]:
    values = parameters(form)
    for file in files:
        values |= file.params
    return values | typed(given, values)


def _ships(path: Path) -> bool:
    return path.resolve().is_relative_to(folder("rules").resolve())


def _tested(stanza: Stanza, form: Format, values: Mapping[str, Any], allow_python: bool, path: Path) -> Outcome:
    count = len(stanza.good) + len(stanza.bad)
    if stanza.raised_by:
        return Outcome(stanza, form.name, count)
    told = tuple(str(each) for each in misbehaving(stanza, form, values, python=allow_python))
    missing = [which for which in ("good", "bad") if not getattr(stanza, which)]
    lacks = f"{stanza.where}: {stanza.code} has no {' and no '.join(missing)} example"
    if missing and _ships(path):
        return Outcome(stanza, form.name, count, (*told, lacks))
    return Outcome(stanza, form.name, count, told, (lacks,) if missing else ())


def _format_for(
    stanza: Stanza,
    files: Sequence[RuleFile],
    names: Sequence[str],
    format_path: Sequence[str | Path],
    given: Mapping[str, Any],
    allow_python: bool,
) -> Format:
    """The first format on whose tables the stanza can run, with its examples; else the first that has the table."""
    first: Format | None = None
    for name in names:
        form = formats.load(name, format_path)
        if not form.columns(stanza.table or ""):
            continue
        first = first or form
        try:
            rule = compile_stanza(stanza, form, _values(form, files, given), python=allow_python)
        except RequestError:
            continue
        if rule.skip is None and all(
            column in form.columns(table)
            for example in (*stanza.good, *stanza.bad)
            for table, rows in example.items()
            for row in rows
            for column in row
            if table != "params"
        ):
            return form
    return first or formats.load(names[0], format_path)
