"""`mmcheck test`: the good and bad rows of every stanza of rules files, as a test runner runs them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mmcheck.cli.options import FORMAT_PATH, Parser, assignments, many
from mmcheck.cli.permission import permitted
from mmcheck.cli.say import say
from mmcheck.errors import OpenError, RequestError, nearest

if TYPE_CHECKING:
    from mmcheck.testing import Tested

ALLOW_PYTHON = "run what rules name in Python: python: and pandera:"


def test_options(parser: Parser) -> None:
    """Rules files."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a rules file")
    many(parser, "--format-path", metavar="DIR", type=Path, help=FORMAT_PATH)
    many(parser, "--param", metavar="NAME=VALUE", help="a parameter of the rules")
    parser.add_argument("--allow-python", action="store_true", help=ALLOW_PYTHON)
    parser.add_argument("-o", "--output", metavar="junit[=FILE]", help="the outcome as JUnit XML")
    parser.add_argument("-q", "--quiet", action="store_true", help="tell only what fails")


def test(
    files: list[Path],
    format_path: list[Path],
    param: list[str],
    allow_python: bool,
    output: str | None,
    quiet: bool,
) -> int:
    """Test rules files; 1 where an example does not behave."""
    kind, _, target = (output or "").partition("=")
    if output is not None and kind != "junit":
        raise RequestError(f"unknown output {kind!r}{nearest(kind, ['junit'])}: junit, or junit=FILE")
    told = output is None or bool(target)
    from mmcheck.testing import test_file

    tested = []
    for path in files:
        one = test_file(path, format_path=format_path, params=assignments(param), allow_python=permitted(allow_python))
        tested.append(one)
        if told:
            _tell(one, quiet)
    failed = sum(one.failed for one in tested)
    rules = sum(len(one.outcomes) for one in tested)
    if output is not None:
        _write(tested, Path(target) if target else None)
    if not told:
        return 1 if failed else 0
    if failed:
        print(f"{failed} of {rules} rules have examples that do not behave")
    elif not quiet:
        print(f"{rules} rules, {sum(each.examples for one in tested for each in one.outcomes)} examples: all behave")
    return 1 if failed else 0


def _write(tested: list[Tested], target: Path | None) -> None:
    from mmcheck.cli.suites import document

    text = document(tested)
    if target is None:
        print(text.decode())
        return
    try:
        target.write_bytes(text)
    except OSError as error:
        raise OpenError(f"{target} cannot be written: {error.strerror}") from None


def _tell(tested: Tested, quiet: bool) -> None:
    for outcome in tested.outcomes:
        stanza = outcome.stanza
        if not quiet or outcome.failures:
            word = "FAIL" if outcome.failures else "ok"
            print(f"{word:4}  {stanza.code}  {stanza.name}  ({outcome.examples} examples)")
        for failure in outcome.failures:
            print(f"      {failure}")
        for warning in outcome.warnings:
            say(f"warning: {warning}")
