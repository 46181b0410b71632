"""Rules files are tested: every stanza's good and bad rows, on the tables of the formats that the rule is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmcheck import format as formats
from mmcheck import rulefile
from mmcheck.errors import RequestError
from mmcheck.examples import misbehaving
from mmcheck.format import Format
from mmcheck.resources import folder
from mmcheck.rulefile import RuleFile, Stanza
from mmcheck.ruleset import build, extended, parameters


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
    if "roles" in file.data:
        form = formats.load_file(path)
        build(form, params=params, allow_python=allow_python)
        chosen = dict.fromkeys(file.stanzas, form)
        files: list[RuleFile] = []
    else:
        forms = _formats(file, format_path)
        chosen = {stanza: _format_for(stanza, forms) for stanza in file.stanzas}
        for form in {id(each): each for each in chosen.values()}.values():
            if not file.applies_to or form.name in file.applies_to:
                known = formats.names(format_path)
                build(form, [file], params=params, allow_python=allow_python, known_formats=known)
        files = extended(file)
    for stanza, form in chosen.items():
        values = parameters(form)
        for each in files:
            values |= each.params
        tested.outcomes.append(_tested(stanza, form, values | _given(params, values), allow_python, path))
    return tested


def _given(params: Mapping[str, Any] | None, values: Mapping[str, Any]) -> dict[str, Any]:
    from mmcheck.ruleset import typed

    return typed(params or {}, values)


def _tested(stanza: Stanza, form: Format, values: Mapping[str, Any], allow_python: bool, path: Path) -> Outcome:
    count = len(stanza.good) + len(stanza.bad)
    if stanza.raised_by:
        return Outcome(stanza, form.name, count)
    told = tuple(str(each) for each in misbehaving(stanza, form, values, python=allow_python))
    missing = [which for which in ("good", "bad") if not getattr(stanza, which)]
    lacks = f"{stanza.where}: {stanza.code} has no {' and no '.join(missing)} example"
    shipped = path.resolve().is_relative_to(folder("rules").resolve())
    if missing and shipped:
        return Outcome(stanza, form.name, count, (*told, lacks))
    return Outcome(stanza, form.name, count, told, (lacks,) if missing else ())


def _formats(file: RuleFile, format_path: Sequence[str | Path]) -> list[Format]:
    """The formats that a rules file may be about: those that it names, else all."""
    known = formats.names(format_path)
    wanted = [name for name in file.applies_to if name in known] or known
    return [formats.load(name, format_path) for name in wanted]


def _format_for(stanza: Stanza, forms: Sequence[Format]) -> Format:
    """The first format whose tables have the columns that the stanza's examples and its check name."""
    tables = {stanza.table or ""}
    if stanza.references:
        tables.add(stanza.references.to_table)
    likely = [form for form in forms if all(form.columns(table) for table in tables)] or list(forms)
    for form in likely:
        try:
            rules = build(form, _only(stanza), allow_python=False)
        except RequestError:
            continue
        if rules.get(stanza.code).skip is None:
            return form
    return likely[0]


def _only(stanza: Stanza) -> list[RuleFile]:
    return []
