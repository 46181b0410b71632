"""Which rules are run: those of the format, the common ones and the user's, with their parameters and severities."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmcheck import limits, rulefile
from mmcheck.choosing import check_formats, check_selectors, elsewhere, overrides, selected, typed
from mmcheck.compiling import Rule, Trust, compile_rule
from mmcheck.errors import RequestError, nearest
from mmcheck.finding import Severity
from mmcheck.resources import folder
from mmcheck.rulefile import RuleFile, Stanza

if TYPE_CHECKING:
    from mmcheck.format import Format

__all__ = [
    "Rule",
    "RuleSet",
    "build",
    "compile_stanza",
    "extended",
    "parameters",
    "profiles",
    "read_profile",
    "shipped",
    "typed",
]


@dataclass(frozen=True)
class RuleSet:
    """All rules of one check, in the order of the report; `digest` tells two sets apart."""

    rules: tuple[Rule, ...]
    params: Mapping[str, Any]
    digest: str

    def active(self, table: str | None = None) -> list[Rule]:
        """The rules that run, of one table or of all."""
        return [rule for rule in self.rules if rule.skip is None and table in (None, rule.stanza.table)]

    def exemptions(self, per_path: Mapping[str, Sequence[str]]) -> tuple[tuple[str, frozenset[str]], ...]:
        """Patterns of files, each with the codes of the rules that do not look at them."""
        stanzas = [rule.stanza for rule in self.rules]
        found = []
        for pattern, selectors in per_path.items():
            check_selectors((), selectors, stanzas)
            codes = {rule.code for rule in self.rules if not selected(rule.stanza, rule.severity, (), selectors)}
            found.append((pattern, frozenset(codes)))
        return tuple(found)

    def get(self, code: str) -> Rule:
        """The first rule of that code."""
        return next(rule for rule in self.rules if rule.code == code)


@cache
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
        beside = file.path.parent / (name if name.endswith((".yaml", ".yml")) else f"{name}.yaml")
        within = folder("rules") / f"{name}.yaml"
        path = beside if _is_file(beside) else within
        if not _is_file(path):
            shipped_names = [
                str(each.relative_to(folder("rules")).with_suffix("")) for each in folder("rules").rglob("*.yaml")
            ]
            close = nearest(
                name, ["common", "core", *shipped_names, *(each.stem for each in file.path.parent.glob("*.yaml"))]
            )
            raise RequestError(f"{file.located.at('extends')}: there is no rules file {name!r}{close}")
        files += extended(rulefile.read(path), seen | {file.path.resolve()})
    return [*files, file]


def build(
    form: Format,
    rule_files: Iterable[RuleFile] = (),
    *,
    profile: RuleFile | None = None,
    params: Mapping[str, Any] | None = None,
    severity: Mapping[str, str] | None = None,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    allow_python: bool = False,
    known_formats: Collection[str] = (),
) -> RuleSet:
    """All rules that apply to a format. Raises RequestError with FILE:LINE for a rule that cannot run.

    `profile` is a rules file that ships with mmcheck; where a format has not the columns of a rule of it, the rule is
    skipped. `severity` overrides by code. `applies_to` may name `known_formats` beside those that ship.
    """
    core, common = shipped()
    own = [each for file in rule_files for each in extended(file)]
    for file in own:
        check_formats(file, form, known_formats)
    others = [file for file in own if file.applies_to and form.name not in file.applies_to]
    own = [file for file in own if file not in others]
    of_profile = extended(profile) if profile else []
    lent = {file.path.resolve() for file in of_profile}
    # Two files may extend the same third one.
    own = list({file.path.resolve(): file for file in own if file.path.resolve() not in lent}.values())
    files = [core, common, form.rules, *of_profile, *own]
    values: dict[str, Any] = limits.defaults()
    severities: dict[str, Severity] = {}
    for file in files:
        values |= file.params
        severities |= file.severity
    values |= typed(params or {}, values)
    stanzas = [stanza for file in files for stanza in file.stanzas]
    _no_clashes(own, stanzas)
    known = {stanza.code for stanza in stanzas}
    for file in (form.rules, *own):
        for code in file.severity:
            if code not in known and code not in elsewhere().codes:
                raise RequestError(f"{file.located.at('severity', code)}: no rule {code!r}{nearest(code, known)}")
    severities |= overrides(severity or {}, known)
    check_selectors(select, ignore, [*stanzas, *(stanza for file in others for stanza in file.stanzas)])
    vetted = {core.path, common.path, *([form.path] if _is_shipped(form.path) else [])}
    # A format may restate a common rule for one of its tables: ids that are unique within a group only, say.
    restated = {(stanza.code, stanza.table) for stanza in form.rules.stanzas}
    rules = []
    for file in files:
        mine = file in own or (file is form.rules and file.path not in vetted)
        trust = Trust(vetted=file.path in vetted or file in of_profile, own=mine, python=allow_python)
        for stanza in file.stanzas:
            if file is common and (stanza.code, stanza.table) in restated:
                continue
            grave = severities.get(stanza.code, stanza.severity)
            skip = None
            if grave is Severity.OFF:
                skip = "off"
            elif not selected(stanza, grave, select, ignore):
                skip = "not selected"
            rules.append(compile_rule(stanza, form, grave, values, trust, skip))
    text = repr([(rule.stanza, rule.severity, rule.skip) for rule in rules]) + repr(sorted(values.items()))
    return RuleSet(tuple(rules), values, "sha256:" + hashlib.sha256(text.encode()).hexdigest())


def read_profile(name: str) -> RuleFile:
    """The profile of that name, from rules/profiles/. Raises RequestError with the nearest name."""
    known = profiles()
    if name not in known:
        raise RequestError(f"there is no profile {name!r}{nearest(name, known)}: {', '.join(known)}")
    return rulefile.read(folder("rules") / "profiles" / f"{name}.yaml")


def profiles() -> list[str]:
    """The names of the profiles that ship with mmcheck."""
    return sorted(path.stem for path in (folder("rules") / "profiles").glob("*.yaml"))


def compile_stanza(stanza: Stanza, form: Format, params: Mapping[str, Any], *, python: bool = False) -> Rule:
    """One stanza ready to run under these parameters, vetted. Raises RequestError with FILE:LINE."""
    return compile_rule(stanza, form, stanza.severity, params, Trust(python=python))


def parameters(form: Format) -> dict[str, Any]:
    """The parameters of a format: the common ones, with its own values."""
    values: dict[str, Any] = limits.defaults()
    for file in (*shipped(), form.rules):
        values |= file.params
    return values


def _is_file(path: Path) -> bool:
    """Whether there is such a file; no name, however odd, is an error."""
    return os.path.isfile(path)


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
