"""`mmcheck compare`: what became better or worse between two results."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from mmcheck.cli.options import FAIL_ON, Parser, many, one_of
from mmcheck.cli.say import say
from mmcheck.errors import RequestError, nearest

#: Kinds of output, and the function of `mmcheck.reporters.comparison` that makes them.
KINDS = {"rich": "text", "json": "to_json", "markdown": "markdown"}


def compare_options(parser: Parser) -> None:
    """Two results."""
    parser.add_argument("old", type=Path, metavar="OLD.json", help="the result of the earlier release")
    parser.add_argument("new", type=Path, metavar="NEW.json", help="the result of the later one")
    text = f"{', '.join(KINDS)}; to standard output without FILE"
    many(parser, "-o", "--output", metavar="KIND[=FILE]", help=text)
    text = "exit 1 where rules from this severity up became worse (default warning)"
    parser.add_argument("--fail-on", default="warning", metavar="|".join(FAIL_ON), type=one_of(*FAIL_ON), help=text)


def compare(old: Path, new: Path, output: list[str], fail_on: str) -> int:
    """Say what became better or worse: exit 1 where something became worse."""
    from mmcheck.comparison import compare_all
    from mmcheck.stored import read

    wanted = [_wanted(value) for value in output] or [("rich", None)]
    comparisons = compare_all(read(old), read(new), fail_on)
    for kind, target in wanted:
        text = getattr(import_module("mmcheck.reporters.comparison"), KINDS[kind])(comparisons)
        try:
            if target is None:
                sys.stdout.write(text)
            else:
                target.write_text(text, encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            say(f"{target or 'standard output'} cannot be written: {error.strerror or error}")
            return 3
    return int(any(each.worse for each in comparisons))


def _wanted(value: str) -> tuple[str, Path | None]:
    kind, equals, name = value.partition("=")
    if kind not in KINDS:
        raise RequestError(f"a comparison has no output {kind!r}{nearest(kind, KINDS)}: choose from {', '.join(KINDS)}")
    if equals and not name:
        raise RequestError(f"--output {value!r} names no file")
    return kind, Path(name) if name else None
