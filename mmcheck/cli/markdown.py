"""Rules as Markdown: what docs/rules.md is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mmcheck.cli.rules import params, whose

if TYPE_CHECKING:
    from mmcheck.rulefile import RuleFile, Stanza

HEAD = """\
# Rules

<!-- Printed by `mmcheck rules --markdown`; a test keeps it current. -->

`mmcheck explain CODE` tells the same of one rule, with what passes and fails it. A code never changes its meaning.
"""


def document(listed: Sequence[tuple[RuleFile, Stanza]]) -> str:
    """All rules, a section for each format or profile."""
    parts = [HEAD]
    sections: dict[str, list[tuple[RuleFile, Stanza]]] = {}
    for file, stanza in listed:
        sections.setdefault(whose(file), []).append((file, stanza))
    for name, rules in sections.items():
        parts.append(f"\n## {name[:1].upper()}{name[1:]}\n")
        docs = " ".join(str(rules[0][0].data.get("docs") or "").split())
        parts += [f"\n{docs}\n"] if docs and name != "every format" else []
        parts += [_rule(file, stanza) for file, stanza in rules]
    return "".join(parts)


def _rule(file: RuleFile, stanza: Stanza) -> str:
    check = stanza.expression or (stanza.aggregate.expression if stanza.aggregate else None)
    over = f" by {', '.join(stanza.aggregate.by) or 'dataset'}" if stanza.aggregate else ""
    rows = {
        "severity": stanza.severity.value,
        "table": f"`{stanza.table}`" if stanza.table else None,
        "when": _code(stanza.when),
        "sound where": _code(check) + over if check else None,
        "unique": ", ".join(f"`{name}`" for name in stanza.unique) if stanza.unique else None,
        "references": f"`{', '.join(stanza.references.columns)}` in `{stanza.references.to_table}`"
        if stanza.references
        else None,
        "parameters": _code(params(file, stanza)),
        "what to do": _line(stanza.hint),
        "source": _line(stanza.source or file.data.get("source")),
    }
    told = "".join(f"- {name}: {text}\n" for name, text in rows.items() if text)
    return f"\n### {stanza.code} {stanza.name}\n\n{_line(stanza.docs)}\n\n{told}"


def _line(text: str | None) -> str:
    return " ".join((text or "").split())


def _code(text: str | None) -> str:
    line = _line(text)
    return f"`` {line} ``" if "`" in line else f"`{line}`" if line else ""
