"""Options that commands share, and how their values are read."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import typer

from mmcheck.errors import RequestError, nearest
from mmcheck.reporters import KINDS, writer

#: Headings of the help.
WHAT, RULES, OUT = "What is checked", "Rules", "What comes out"

PROBES = ("auto", "none", "exists", "header", "decode")
FAIL_ON = ("error", "warning", "info", "never")


def one_of(*choices: str) -> Callable[[typer.CallbackParam, str | None], str | None]:
    """A callback that lets only `choices` pass."""

    def chosen(param: typer.CallbackParam, value: str | None) -> str | None:
        if value is not None and value not in choices:
            raise RequestError(
                f"{param.opts[0]} {value!r} is not a choice{nearest(value, choices)}: {', '.join(choices)}"
            )
        return value

    return chosen


DEBUG = Annotated[bool, typer.Option("--debug", help="Show the traceback of what goes wrong.")]
FORMAT_PATH = Annotated[
    list[Path] | None,
    typer.Option("--format-path", metavar="DIR", help="Folder of your own formats: rules/ and schemas/. Repeatable."),
]

# What is checked

PATHS = Annotated[
    list[Path], typer.Argument(metavar="PATH", help="A file or directory; several are datasets of their own.")
]
FORMAT = Annotated[
    str | None,
    typer.Option(metavar="NAME[@VERSION]", help="The format; found out if not given.", rich_help_panel=WHAT),
]
MODALITY = Annotated[
    str | None,
    typer.Option(
        "--modality",
        "-m",
        metavar="KIND",
        help="Look only at media of this kind: image, video, audio, …",
        rich_help_panel=WHAT,
    ),
]
MEDIA_ROOT = Annotated[Path | None, typer.Option(metavar="DIR", help="Where media paths start.", rich_help_panel=WHAT)]
PLACEHOLDER = Annotated[
    list[str] | None,
    typer.Option(
        "--placeholder",
        "--attachment-token",
        metavar="[KIND=]TOKEN",
        help="What stands for a medium in the text (also --attachment-token). Repeatable.",
        rich_help_panel=WHAT,
    ),
]
SPLIT = Annotated[str | None, typer.Option(metavar="NAME", help="Only this split.", rich_help_panel=WHAT)]
ALLOW_ROOT = Annotated[
    list[Path] | None,
    typer.Option(metavar="DIR", help="A further place that media may be read from. Repeatable.", rich_help_panel=WHAT),
]
AS_ONE = Annotated[bool, typer.Option("--as-one", help="All paths together are one dataset.", rich_help_panel=WHAT)]
SAMPLE = Annotated[
    str | None,
    typer.Option(metavar="N|P%", help="Check only so many records, drawn evenly.", rich_help_panel=WHAT),
]
PROBE = Annotated[
    str,
    typer.Option(
        metavar="|".join(PROBES),
        callback=one_of(*PROBES),
        help="How closely media are looked at.",
        rich_help_panel=WHAT,
    ),
]

# Rules

RULES_FILES = Annotated[
    list[Path] | None, typer.Option(metavar="FILE", help="A rules file of your own. Repeatable.", rich_help_panel=RULES)
]
SELECT = Annotated[
    list[str] | None,
    typer.Option(metavar="CODE,…", help="Only these rules: codes, or how they begin.", rich_help_panel=RULES),
]
IGNORE = Annotated[list[str] | None, typer.Option(metavar="CODE,…", help="Not these rules.", rich_help_panel=RULES)]
PARAM = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=VALUE", help="A parameter of the rules. Repeatable.", rich_help_panel=RULES),
]

# What comes out, and how it is run

OUTPUT = Annotated[
    list[str] | None,
    typer.Option(
        "--output",
        "-o",
        metavar="KIND[=FILE]",
        help=f"{', '.join(KINDS)}; to standard output without FILE. Repeatable.",
        rich_help_panel=OUT,
    ),
]
MAX_FINDINGS = Annotated[
    int,
    typer.Option(
        metavar="N", min=0, help="List at most N findings a rule (jsonl and parquet list all).", rich_help_panel=OUT
    ),
]
FAIL_ON_OPTION = Annotated[
    str,
    typer.Option(
        metavar="|".join(FAIL_ON), callback=one_of(*FAIL_ON), help="Exit 1 from this severity up.", rich_help_panel=OUT
    ),
]
QUIET = Annotated[
    bool, typer.Option("--quiet", help="No progress; of the report only the verdict.", rich_help_panel=OUT)
]
JOBS = Annotated[
    int | None,
    typer.Option("--jobs", "-j", "--num-proc", metavar="N", min=1, help="Processes.", rich_help_panel=OUT),
]


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
        if kind == "parquet" and target is None and sys.stdout.isatty():
            raise RequestError("parquet is not text: name a file with -o parquet=FILE")
        wanted.append((kind, target))
    return wanted or [("rich", None)]
