"""Which rules and parameters a request names: codes, names, prefixes and severities, and values of the right type."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from mmcheck import rulefile
from mmcheck.errors import RequestError, nearest
from mmcheck.finding import Severity
from mmcheck.resources import folder
from mmcheck.rulefile import RuleFile, Stanza

if TYPE_CHECKING:
    from mmcheck.format import Format


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What shipped files of any format or profile know: one configuration may be about datasets of several."""

    codes: frozenset[str]
    names: frozenset[str]
    params: frozenset[str]


@cache
def elsewhere() -> Elsewhere:
    """Read every shipped rules file; only asked for where a name is not known otherwise."""
    files = [rulefile.read(path) for path in sorted(folder("rules").rglob("*.yaml"))]
    stanzas = [stanza for file in files for stanza in file.stanzas]
    return Elsewhere(
        frozenset(stanza.code for stanza in stanzas),
        frozenset(stanza.name for stanza in stanzas),
        frozenset(name for file in files for name in file.params),
    )


def typed(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters from the command line or a configuration, as the type that their defaults have."""
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name not in defaults:
            if name in elsewhere().params:
                continue  # of another format or profile
            raise RequestError(f"there is no parameter {name!r}{nearest(name, defaults)}")
        try:
            values[name] = _as(value, defaults[name])
        except (ValueError, KeyError):
            kind = type(defaults[name]).__name__
            raise RequestError(f"the parameter {name} is {kind}, not {value!r}") from None
    return values


def _as(value: Any, default: Any) -> Any:
    """A value as the type of a default; text is read, another type that does not fit is a ValueError."""
    if isinstance(default, list):
        return [part for part in value.split(",") if part] if isinstance(value, str) else _of(value, list)
    if isinstance(default, bool):
        return {"true": True, "false": False}[value.lower()] if isinstance(value, str) else _of(value, bool)
    if isinstance(default, int):
        return int(value) if isinstance(value, str) else _of(value, int)
    if isinstance(default, float):
        return float(value) if isinstance(value, str) else float(_of(value, int, float))
    return value if isinstance(value, str) else str(_of(value, int, float, str))


def _of(value: Any, *types: type) -> Any:
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        raise ValueError(value)
    return value


def overrides(severity: Mapping[str, str], known: Collection[str]) -> dict[str, Severity]:
    """Severities by code. Raises RequestError for a code that no rule has."""
    for code in severity:
        if code not in known and code not in elsewhere().codes:
            raise RequestError(f"severity: there is no rule {code!r}{nearest(code, known)}")
    return {code: Severity(word) for code, word in severity.items()}


def check_formats(file: RuleFile, form: Format, more: Collection[str]) -> None:
    """Refuse a misspelt format in `applies_to`."""
    known = [form.name, *more, *(path.parent.name for path in folder("rules").glob("*/[0-9]*.yaml"))]
    for number, name in enumerate(file.applies_to):
        if name not in known:
            raise RequestError(
                f"{file.located.at('applies_to', number)}: there is no format {name!r}{nearest(name, known)}"
            )


def check_selectors(select: Sequence[str], ignore: Sequence[str], stanzas: Sequence[Stanza]) -> None:
    """Refuse a selector that no rule has, here or in another format, and a selection of nothing."""
    known = {stanza.code for stanza in stanzas} | {stanza.name for stanza in stanzas} | {str(each) for each in Severity}

    def here(selector: str) -> bool:
        return selector in known or any(stanza.code.startswith(selector) for stanza in stanzas)

    some = any(map(here, select))
    for number, selector in enumerate([*select, *ignore]):
        if here(selector):
            continue
        away = selector in elsewhere().names or any(code.startswith(selector) for code in elsewhere().codes)
        if not away or (number < len(select) and not some):
            raise RequestError(f"no rule is called {selector!r}{nearest(selector, known)}")


def selected(stanza: Stanza, severity: Severity, select: Sequence[str], ignore: Sequence[str]) -> bool:
    """Whether a rule is chosen: by code, how the code begins, name, or severity."""

    def named(selectors: Sequence[str]) -> bool:
        return any(stanza.code.startswith(each) or each in (stanza.name, severity.value) for each in selectors)

    return (not select or named(select)) and not named(ignore)
