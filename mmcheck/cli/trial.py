"""`mmcheck try`: an expression on the first rows of a table; what passes, fails, and is unknown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from mmcheck.cli.options import FORMAT_PATH, Parser, assignments, many, number_from
from mmcheck.cli.say import columns
from mmcheck.storage import given

if TYPE_CHECKING:
    import polars as pl

_SHOWN = 10
_CELL = 60


def try_options(parser: Parser) -> None:
    """A path, a table and an expression."""
    add = parser.add_argument
    add("path", type=given, metavar="PATH", help="a dataset")
    add("expression", metavar="EXPRESSION", help="Polars SQL, true where a row is fine")
    add("--table", required=True, metavar="NAME", help="the table; `mmcheck tables` lists them")
    add("--when", metavar="EXPRESSION", help="the rows that it is about")
    add("-n", "--rows", type=number_from(1), default=1000, metavar="N", help="how many rows (default 1000)")
    add("--format", metavar="NAME[@VERSION]", help="the format; found out if not given")
    add("--media-root", type=given, metavar="DIR", help="where media paths start")
    many(parser, "--param", metavar="NAME=VALUE", help="a parameter of the expression")
    many(parser, "--format-path", metavar="DIR", type=Path, help=FORMAT_PATH)


def attempt(
    path: Path,
    expression: str,
    table: str,
    when: str | None,
    rows: int,
    format: str | None,
    media_root: Path | None,
    param: list[str],
    format_path: list[Path],
) -> int:
    """Show the first rows with their result, then the failing ones."""
    from mmcheck.trial import attempt as evaluate

    trial = evaluate(
        path,
        table,
        expression,
        when=when,
        most=rows,
        format=format,
        format_path=format_path,
        media_root=media_root,
        params=assignments(param),
    )
    judged = trial.rows.filter("_about") if trial.rows.height else trial.rows
    failing = judged.filter(~judged["result"].fill_null(True))
    unknown = judged["result"].null_count()
    places = [name for name in ("turn", "slot", "position", "ordinal", "kind") if name in judged.columns]
    names = [*dict.fromkeys([*places[:1], *sorted(trial.rule.reads)]), "result"]
    _show(judged, names, "first rows")
    if failing.height:
        print()
        _show(failing, names, "failing rows")
    print()
    which = f"the first {trial.rows.height}" if trial.more else f"all {trial.rows.height}"
    about = f", {judged.height} of which it is about" if judged.height != trial.rows.height else ""
    passed = judged.height - failing.height - unknown
    print(f"{which} rows of {table}{about}: {passed} pass, {failing.height} fail, {unknown} unknown")
    return 0


def _show(frame: pl.DataFrame, names: list[str], title: str) -> None:
    print(f"{title}:")
    shown = frame.select([name for name in names if name in frame.columns]).head(_SHOWN)
    words = {True: "pass", False: "FAIL", None: "unknown"}
    rows = [[*map(_cell, row[:-1]), words[row[-1]]] for row in shown.rows()]
    columns([shown.columns, *rows], indent=2)


def _cell(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _CELL else text[: _CELL - 1] + "…"
