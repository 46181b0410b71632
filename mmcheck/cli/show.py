"""What mmcheck knows, printed: formats, schemas, tables; and which format a path holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from mmcheck.cli.options import FORMAT_PATH, Parser, many
from mmcheck.cli.say import columns, paragraph
from mmcheck.errors import RequestError
from mmcheck.storage import given

if TYPE_CHECKING:
    pass

NAME, HELP = "NAME[@VERSION]", "a format; `mmcheck formats` lists them"


def _format_path(parser: Parser) -> None:
    many(parser, "--format-path", metavar="DIR", type=Path, help=FORMAT_PATH)


def detect_options(parser: Parser) -> None:
    """A path."""
    parser.add_argument("path", type=given, metavar="PATH", help="a file or folder, here or remote")
    _format_path(parser)


def name_options(parser: Parser) -> None:
    """The name of a format, or none."""
    parser.add_argument("name", nargs="?", metavar=NAME, help=HELP)
    _format_path(parser)


def schema_options(parser: Parser) -> None:
    """The name of a format."""
    parser.add_argument("name", metavar=NAME, help=HELP)
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
