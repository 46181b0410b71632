"""Options that commands share, and how their values are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import typer

from mmcheck.errors import RequestError, nearest
from mmcheck.reporters import writer

DEBUG = Annotated[bool, typer.Option("--debug", help="Show the traceback of what goes wrong.")]
FORMAT_PATH = Annotated[
    list[Path] | None,
    typer.Option("--format-path", metavar="DIR", help="Folder of your own formats: rules/ and schemas/. Repeatable."),
]


def one_of(*choices: str) -> Callable[[typer.CallbackParam, str | None], str | None]:
    """A callback that lets only `choices` pass."""

    def chosen(param: typer.CallbackParam, value: str | None) -> str | None:
        if value is not None and value not in choices:
            raise RequestError(f"{param.opts[0]} {value!r} is not a choice{nearest(value, choices)}: {', '.join(choices)}")
        return value

    return chosen


def codes(values: Iterable[str] | None) -> list[str]:
    """`CODE,CODE` and repeated options as one list."""
    return [code.strip() for value in values or () for code in value.split(",") if code.strip()]


def assignments(values: Iterable[str] | None) -> dict[str, str]:
    """`NAME=VALUE` options as a dict."""
    pairs: dict[str, str] = {}
    for value in values or ():
        name, equals, text = value.partition("=")
        if not name or not equals:
            raise RequestError(f"--param {value!r} is not NAME=VALUE")
        pairs[name.strip()] = text
    return pairs


def outputs(values: Iterable[str] | None) -> list[tuple[str, Path | None]]:
    """`KIND[=FILE]` options as kinds and targets; without any, the report for people on standard output.

    Raises RequestError before anything is checked where a kind is unknown or a file could not be written.
    """
    wanted: list[tuple[str, Path | None]] = []
    for value in values or ():
        kind, equals, name = value.partition("=")
        writer(kind)
        if equals and not name:
            raise RequestError(f"--output {value!r} names no file")
        target = Path(name) if name else None
        if target is not None and (target.is_dir() or not target.parent.is_dir()):
            what = "is a directory" if target.is_dir() else f"cannot be written: there is no directory {target.parent}"
            raise RequestError(f"--output {value}: {target} {what}")
        if any(target == other for _, other in wanted):
            raise RequestError(f"two outputs go to {target or 'standard output'}: name a file with -o {kind}=FILE")
        wanted.append((kind, target))
    return wanted or [("rich", None)]
