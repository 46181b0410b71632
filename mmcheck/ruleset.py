"""Which rules are run: those of the format, the common ones and the user's, with their parameters and severities."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmcheck import limits, rulefile
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
            _known_selectors(selectors, stanzas)
            codes = {rule.code for rule in self.rules if not _selected(rule.stanza, rule.severity, (), selectors)}
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
        path = beside if beside.exists() else within
        if not path.exists():
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
        _known_formats(file, form, known_formats)
    own = [file for file in own if not file.applies_to or form.name in file.applies_to]
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
            if code not in known:
                raise RequestError(f"{file.located.at('severity', code)}: no rule {code!r}{nearest(code, known)}")
    severities |= _overrides(severity or {}, known)
    _known_selectors([*select, *ignore], stanzas)
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
            elif not _selected(stanza, grave, select, ignore):
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


def typed(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters from the command line or a configuration, as the type that their defaults have."""
    values: dict[str, Any] = {}
    for name, text in given.items():
        if name not in defaults:
            raise RequestError(f"there is no parameter {name!r}{nearest(name, defaults)}")
        default = defaults[name]
        try:
            if not isinstance(text, str):
                values[name] = text
            elif isinstance(default, bool):
                values[name] = {"true": True, "false": False}[text.lower()]
            elif isinstance(default, int):
                values[name] = int(text)
            elif isinstance(default, float):
                values[name] = float(text)
            else:
                values[name] = [part for part in text.split(",") if part] if isinstance(default, list) else text
        except (ValueError, KeyError):
            raise RequestError(f"the parameter {name} is {type(default).__name__}, not {text!r}") from None
    return values


def _overrides(severity: Mapping[str, str], known: Collection[str]) -> dict[str, Severity]:
    for code in severity:
        if code not in known:
            raise RequestError(f"severity: there is no rule {code!r}{nearest(code, known)}")
    return {code: Severity(word) for code, word in severity.items()}


def _known_formats(file: RuleFile, form: Format, more: Collection[str]) -> None:
    """Refuse a misspelt format in `applies_to`."""
    shipped_formats = [path.parent.name for path in folder("rules").glob("*/[0-9]*.yaml")]
    for number, name in enumerate(file.applies_to):
        if name not in (form.name, *more, *shipped_formats):
            close = nearest(name, [form.name, *more, *shipped_formats])
            raise RequestError(f"{file.located.at('applies_to', number)}: there is no format {name!r}{close}")


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
