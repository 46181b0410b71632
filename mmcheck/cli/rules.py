"""`mmcheck rules` and `mmcheck explain`: what is checked, listed, as Markdown, and one rule in full."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmcheck.cli.options import FORMAT_PATH, Parser, codes, many
from mmcheck.cli.say import columns, paragraph
from mmcheck.errors import RequestError, nearest

if TYPE_CHECKING:
    from mmcheck.rulefile import RuleFile, Stanza

Listed = list[tuple["RuleFile", "Stanza"]]


def rules_options(parser: Parser) -> None:
    """A format that the rules are limited to."""
    parser.add_argument("--format", metavar="NAME[@VERSION]", help="only the rules that this format meets")
    many(parser, "--select", metavar="CODE,…", help="only these: codes, names, how they begin, or severities")
    parser.add_argument("--markdown", action="store_true", help="every rule in full, as Markdown")
    _more(parser)


def explain_options(parser: Parser) -> None:
    """A rule."""
    parser.add_argument("code", metavar="CODE", help="a rule's code or name")
    _more(parser)


def _more(parser: Parser) -> None:
    many(parser, "--rules", metavar="FILE", type=Path, help="a rules file of your own")
    many(parser, "--format-path", metavar="DIR", type=Path, help=FORMAT_PATH)


def rules(format: str | None, select: list[str], markdown: bool, rules: list[Path], format_path: list[Path]) -> None:
    """List the rules."""
    listed = _stanzas(format_path, rules) if format is None else _met(format, format_path, rules)
    wanted = codes(select)
    chosen = [(file, stanza) for file, stanza in listed if not wanted or _named(stanza, wanted)]
    if wanted and not chosen:
        known = [name for _, stanza in listed for name in (stanza.code, stanza.name)]
        raise RequestError(f"no rule is called {wanted[0]!r}{nearest(wanted[0], known)}")
    if markdown:
        from mmcheck.cli.markdown import document

        print(document(chosen), end="")
        return
    rows = {
        (stanza.code, stanza.name): (stanza.code, stanza.severity.value, stanza.name, _first(stanza.docs))
        for _, stanza in chosen
    }
    columns(rows[key] for key in sorted(rows))


def _met(format: str, format_path: list[Path], rules: list[Path]) -> Listed:
    """The rules that a format meets, with the severities that it gives them."""
    from dataclasses import replace

    from mmcheck import format as registry
    from mmcheck import rulefile, ruleset

    own = [rulefile.read(path) for path in rules]
    built = ruleset.build(registry.load(format, format_path), own, known_formats=registry.names(format_path))
    files = {stanza.where: file for file in _files(format_path, rules) for stanza in file.stanzas}
    return [
        (files[rule.stanza.where], replace(rule.stanza, severity=rule.severity))
        for rule in built.rules
        if (rule.skip is None or rule.severity.value == "off") and rule.stanza.where in files
    ]


def _named(stanza: Stanza, selectors: Sequence[str]) -> bool:
    return any(stanza.code.startswith(each) or each in (stanza.name, stanza.severity.value) for each in selectors)


def explain(code: str, format_path: list[Path], rules: list[Path]) -> None:
    """Tell what a rule says, why, and what passes and fails it."""
    every = _stanzas(format_path, rules)
    found = [(file, stanza) for file, stanza in every if code.upper() == stanza.code or code == stanza.name]
    if not found:
        known = [name for _, stanza in every for name in (stanza.code, stanza.name)]
        close = nearest(code.upper(), known) or nearest(code, known)
        raise RequestError(f"there is no rule {code!r}{close}; `mmcheck rules` lists them")
    for number, (file, stanza) in enumerate(found):
        if number:
            print()
        _explain(file, stanza)
    changed = [
        (each.data["format"], each.severity[found[0][1].code].value)
        for each in _files(format_path, rules)
        if found[0][1].code in each.severity and "format" in each.data
    ]
    if changed:
        print()
        print("Severity where a format differs: " + ", ".join(f"{name}: {severity}" for name, severity in changed))


def _explain(file: RuleFile, stanza: Stanza) -> None:
    print(f"{stanza.code} {stanza.name} ({stanza.severity.value})")
    print()
    paragraph(stanza.docs or "No documentation.")
    rows = [("rule", f"{whose(file)}, {stanza.where}")]
    checks = {
        "table": stanza.table,
        "when": stanza.when,
        "expression": stanza.expression,
        "unique": ", ".join(stanza.unique) if stanza.unique else None,
        "references": stanza.references and f"{', '.join(stanza.references.columns)} in {stanza.references.to_table}",
        "aggregate": stanza.aggregate
        and f"{stanza.aggregate.expression} by {', '.join(stanza.aggregate.by) or 'dataset'}",
        "found by": stanza.raised_by,
        "message": stanza.message,
        "hint": stanza.hint,
        "source": stanza.source or file.data.get("source"),
        "params": params(file, stanza),
        "python": stanza.python,
        "pandera": stanza.pandera,
        "tolerate": stanza.tolerate,
        "warn above": stanza.warn_above,
        "error above": stanza.error_above,
    }
    rows += [(name, " ".join(str(text).split())) for name, text in checks.items() if text]
    print()
    columns(rows)
    for title, examples in (("passes", stanza.good), ("fails", stanza.bad)):
        for example in examples:
            print()
            print(f"What {title}:")
            for table, records in example.items():
                for record in records:
                    print(f"  {table}  {json.dumps(record, ensure_ascii=False, default=str)}")


def whose(file: RuleFile) -> str:
    """Whose rules a file holds."""
    if "format" in file.data:
        return str(file.data["format"])
    return f"profile {file.path.stem}" if file.path.parent.name == "profiles" else "every format"


def params(file: RuleFile, stanza: Stanza) -> str:
    """The parameters that the rule reads, with their values."""
    from mmcheck.expression import parameters
    from mmcheck.ruleset import shipped

    values = {**shipped()[1].params, **file.params}
    texts = [stanza.when, stanza.expression, stanza.aggregate.expression if stanza.aggregate else None]
    names = sorted({name for text in texts if text for name in parameters(text)})
    return ", ".join(f"{name} = {json.dumps(values[name], ensure_ascii=False)}" for name in names if name in values)


def _first(text: str) -> str:
    """The first sentence."""
    return " ".join(text.split()).partition(". ")[0].rstrip(".")


def _files(format_path: Iterable[Path], rules: Iterable[Path] = ()) -> list[RuleFile]:
    """Every rules file: those that all formats share, those of formats and profiles, and the user's."""
    from mmcheck import format as registry
    from mmcheck import rulefile, ruleset

    formats = [registry.load(name, format_path).rules for name in registry.names(format_path)]
    profiles = [ruleset.read_profile(name) for name in ruleset.profiles()]
    own = [each for path in rules for each in ruleset.extended(rulefile.read(path))]
    return list({file.path.resolve(): file for file in (*ruleset.shipped(), *formats, *profiles, *own)}.values())


def _stanzas(format_path: Iterable[Path], rules: Iterable[Path] = ()) -> Listed:
    return [(file, stanza) for file in _files(format_path, rules) for stanza in file.stanzas]
