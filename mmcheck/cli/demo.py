"""`mmcheck demo`: the example datasets that ship with mmcheck, good and bad, and what a report looks like."""

from __future__ import annotations

from dataclasses import replace

from mmcheck.cli.options import Parser
from mmcheck.cli.say import say
from mmcheck.errors import OpenError
from mmcheck.resources import folder

#: What the folder's name promises of each example.
PROMISED = {"good": "pass", "bad": "fail"}


def demo_options(parser: Parser) -> None:
    """None: the examples are what they are."""


def demo() -> int:
    """Check the bundled example datasets and show what a report looks like."""
    from mmcheck.checking import check
    from mmcheck.reporters import render

    examples = sorted(path for name in PROMISED for path in folder("examples").glob(f"*/{name}"))
    if not examples:
        raise OpenError(f"{folder('examples')} holds no example")
    broken = []
    for path in examples:
        report = check(path)
        name = path.relative_to(folder("examples").parent)
        render(replace(report, path=str(name)), "rich", None, quiet=report.verdict == "pass")
        print()
        if report.verdict != PROMISED[path.name]:
            broken.append(str(name))
    print(f"{len(examples)} datasets: the good ones should PASS, the bad ones should FAIL.")
    for each in broken:
        say(f"{each} did not do what its name says")
    return 1 if broken else 0
