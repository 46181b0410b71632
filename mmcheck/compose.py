"""Failing rows become findings: the place, the message in words, the fingerprint."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from mmcheck.cells import text
from mmcheck.finding import Finding
from mmcheck.format import Role
from mmcheck.ruleset import Rule

_FIELD = re.compile(r"\{(\w+)\}")
_SHOWN = 300


def fill(template: str, *sources: Mapping[str, Any]) -> str:
    """The template with each `{name}` replaced from the first source that has it; a null leaves nothing behind."""

    def value(match: re.Match[str]) -> str:
        for source in sources:
            if match[1] in source:
                found = source[match[1]]
                if isinstance(found, list | tuple):
                    return ", ".join(str(each) for each in found)
                return "" if found is None else clipped(text(found) or "")
        return match[0]

    if "{" not in template:
        return template
    filled = _FIELD.sub(value, template).strip()
    return re.sub(r"  +", " ", filled) if "  " in filled else filled


def clipped(shown: str) -> str:
    """At most 300 characters, and a mark where more was left out."""
    return shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"


def value_of(rule: Rule, row: Mapping[str, Any]) -> str | None:
    """The value that a finding shows: what the stanza names, else what the rule is about."""
    named = rule.stanza.value
    if named is not None:
        if "{" in named:
            return fill(named, row, rule.params)
        shown = text(row.get(named))
    elif row.get("_shown") is not None:
        shown = row["_shown"]
    else:
        candidates = [name for name in row if name in rule.reads and name not in ("sample", "turn", "ordinal")]
        shown = next((text(row[name]) for name in candidates if row[name] is not None), None)
    return None if shown is None else clipped(shown)


def pointer_of(rule: Rule, role: Role | None, row: Mapping[str, Any]) -> str | None:
    """The JSON pointer of the row's element in its record, as far as the table's declaration tells."""
    if rule.stanza.pointer is not None:
        return fill(rule.stanza.pointer, row)
    plan = next((plan for plan in role.plans if plan.name == rule.stanza.table), None) if role else None
    if plan is None:
        return None
    specs = [spec for spec in plan.specs if spec.kind is None or spec.kind.strip("'") == row.get("kind")]
    if len(specs) != 1 or specs[0].each is None or len(specs[0].each) != 1 or specs[0].each[0].kind != "key":
        return None
    base = "/" + specs[0].each[0].key.replace("~", "~0").replace("/", "~1")
    if specs[0].scalar:
        return base
    index = next((row[name] for name in ("turn", "position", "ordinal") if row.get(name) is not None), None)
    if len(plan.specs) == 1 and index is not None:
        index = row.get("ordinal", index) if rule.stanza.table == "media" else index
        return f"{base}/{index}"
    return base if index is None or (len(plan.specs) > 1 and rule.stanza.table != "media") else f"{base}/{index}"


def compose(
    rule: Rule,
    row: Mapping[str, Any],
    *,
    file: str | None,
    number: int | None,
    line: int | None,
    sample: str | None,
    content: str,
    role: Role | None,
) -> Finding:
    """The finding of one failing row. `content` is the digest of the record, for the fingerprint."""
    stanza = rule.stanza
    words = dict(row)
    for name in ("key", "near", "value"):
        words.setdefault(name, row.get("_shown" if name == "key" else f"_{name}"))
    value = value_of(rule, row)
    pointer = pointer_of(rule, role, row)
    hint = fill(stanza.hint, words, rule.params) if stanza.hint else None
    if row.get("_near"):
        hint = f"did you mean {_apart(row['_near'], row.get('_shown') or '')}?"
    return Finding(
        rule=stanza.code,
        name=stanza.name,
        severity=rule.severity,
        message=fill(stanza.message, words, rule.params),
        file=file,
        row=number,
        line=line,
        sample=None if sample is None else clipped(sample),
        pointer=pointer,
        turn=row.get("turn"),
        position=row.get("position"),
        value=value,
        hint=hint,
        fingerprint=fingerprint(stanza.code, file, content, pointer, value),
    )


def _apart(near: str, key: str) -> str:
    """The nearest key without the leading parts that it shares: of `GROUP, LA_1`, for `GROUP, LA_01`, it is `LA_1`."""
    parts, others = near.split(", "), key.split(", ")
    if len(parts) != len(others):
        return near
    while len(parts) > 1 and parts[0] == others[0]:
        parts, others = parts[1:], others[1:]
    return ", ".join(parts)


def fingerprint(*parts: str | None) -> str:
    """What stays the same when rows are inserted before: a digest of the rule, the file and the record's content."""
    text = "\x1f".join(part or "" for part in parts)
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=10).hexdigest()
