"""What mmcheck knows, printed: formats, schemas, tables, rules; and which format a path holds."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmcheck.cli.options import FORMAT_PATH, Parser, many
from mmcheck.cli.say import columns, paragraph
from mmcheck.errors import RequestError, nearest

if TYPE_CHECKING:
    from mmcheck.format import Format
    from mmcheck.rulefile import RuleFile, Stanza

NAME, HELP = "NAME[@VERSION]", "a format; `mmcheck formats` lists them"


def _format_path(parser: Parser) -> None:
    many(parser, "--format-path", metavar="DIR", type=Path, help=FORMAT_PATH)


def detect_options(parser: Parser) -> None:
    """A path."""
    parser.add_argument("path", type=Path, metavar="PATH", help="a file or folder")
    _format_path(parser)


def name_options(parser: Parser) -> None:
    """The name of a format, or none."""
    parser.add_argument("name", nargs="?", metavar=NAME, help=HELP)
    _format_path(parser)


def schema_options(parser: Parser) -> None:
    """The name of a format."""
    parser.add_argument("name", metavar=NAME, help=HELP)
    _format_path(parser)


def rules_options(parser: Parser) -> None:
    """A format that the rules are limited to."""
    parser.add_argument("--format", metavar="NAME[@VERSION]", help="only the rules that this format meets")
    _format_path(parser)


def explain_options(parser: Parser) -> None:
    """A rule."""
    parser.add_argument("code", metavar="CODE", help="a rule's code or name")
    _format_path(parser)


def detect(path: Path, format_path: list[Path]) -> None:
    """Say which format a path holds, and what speaks for it."""
    from mmcheck import detection, listing

    chosen = detection.choose(listing.list_files([path]), format_path)  # tells what it saw where it is not clear
    if chosen.name == "unknown":
        raise RequestError(f"{path}: no record can be read, so nothing speaks for a format; `mmcheck check` says why")
    print(f"{chosen.name}@{chosen.version}  {chosen.title}")
    columns(
        (
            f"{each.format}@{each.version}",
            f"{each.matched} of the first {each.seen} records fit",
            f"they have {', '.join(each.keys)}" + (f", but not {', '.join(each.lacks)}" if each.lacks else ""),
        )
        for each in detection.detect(path, format_path)
    )


def formats(name: str | None, format_path: list[Path]) -> None:
    """List the formats, or tell about one."""
    from mmcheck import format as registry

    if name is None:
        known = [registry.load(each, format_path) for each in registry.names(format_path)]
        columns((each.name, f"@{each.version}", each.title) for each in known)
        return
    one = registry.load(name, format_path)
    print(f"{one.name}@{one.version}  {one.title}")
    for text in filter(None, (one.docs, f"Source: {one.source}" if one.source else "")):
        print()
        paragraph(text)
    print()
    rows = [("schema", str(one.schema_path)), ("rules", str(one.path))]
    if one.placeholders:
        tokens = ", ".join(f"{token} ({kind or 'any kind'})" for token, kind in one.placeholders.items())
        rows.append(("placeholders", tokens))
    rows += [("files", f"{', '.join(role.files)} ({role.name})") for role in one.roles.values()]
    rows += [("detected by", ", ".join(role.keys)) for role in one.roles.values() if role.keys]
    rows.append(("tables", ", ".join(one.tables())))
    columns(rows)


def schema(name: str, format_path: list[Path]) -> None:
    """Print the JSON Schema of one record."""
    from mmcheck import format as registry

    print(json.dumps(registry.load(name, format_path).schema, indent=2, ensure_ascii=False))


def tables(name: str | None, format_path: list[Path]) -> None:
    """Show the tables that rules are written about: those of every format, or of one."""
    from mmcheck.contracts import TABLES

    one = None
    if name is not None:
        from mmcheck import format as registry

        one = registry.load(name, format_path)
    for number, table in enumerate(one.tables() if one else TABLES):
        standard = TABLES.get(table)
        if number:
            print()
        print(f"{table}: a row is {standard.row}" if standard else table)
        docs = {column.name: column.docs for column in standard.columns} if standard else {}
        kinds = one.columns(table) if one else {column.name: column.kind for column in TABLES[table].columns}
        columns(((column, kind, docs.get(column, "")) for column, kind in kinds.items()), indent=2)


def rules(format: str | None, format_path: list[Path]) -> None:
    """List the rules."""
    if format is None:
        rows = {
            (stanza.code, stanza.name): (stanza.code, stanza.severity.value, stanza.name, _first(stanza.docs))
            for _, stanza in _stanzas(format_path)
        }
        columns(rows[key] for key in sorted(rows))
        return
    from mmcheck import format as registry
    from mmcheck import ruleset

    built = ruleset.build(registry.load(format, format_path))
    listed = {
        rule.code: (rule.code, rule.severity.value, rule.stanza.name, _first(rule.stanza.docs))
        for rule in built.rules
        if rule.skip is None or rule.severity.value == "off"
    }
    columns(listed[code] for code in sorted(listed))


def explain(code: str, format_path: list[Path]) -> None:
    """Tell what a rule says, why, and what passes and fails it."""
    every = _stanzas(format_path)
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
        for each in _files(format_path)
        if found[0][1].code in each.severity and "format" in each.data
    ]
    if changed:
        print()
        print("Severity where a format differs: " + ", ".join(f"{name}: {severity}" for name, severity in changed))


def _explain(file: RuleFile, stanza: Stanza) -> None:
    print(f"{stanza.code} {stanza.name} ({stanza.severity.value})")
    print()
    paragraph(stanza.docs or "No documentation.")
    rows = [("rule", f"{file.data.get('format', 'every format')}, {stanza.where}")]
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
        "source": stanza.source,
        "tolerate": stanza.tolerate,
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


def _first(text: str) -> str:
    """The first sentence."""
    return " ".join(text.split()).partition(". ")[0].rstrip(".")


def _files(format_path: Iterable[Path]) -> list[RuleFile]:
    """Every rules file: the shipped ones that all formats share, then those of the formats."""
    from mmcheck import format as registry
    from mmcheck import ruleset

    own: list[Format] = [registry.load(name, format_path) for name in registry.names(format_path)]
    return [*ruleset.shipped(), *(each.rules for each in own)]


def _stanzas(format_path: Iterable[Path]) -> list[tuple[Any, Any]]:
    return [(file, stanza) for file in _files(format_path) for stanza in file.stanzas]
