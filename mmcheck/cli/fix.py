"""`mmcheck fix`: a repaired copy of a dataset, and what is left to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmcheck.cli import options as o
from mmcheck.cli.convert import tell_passed_over, tell_paths
from mmcheck.cli.say import say
from mmcheck.errors import RequestError


def fix_options(parser: o.Parser) -> None:
    """The options of `mmcheck fix`."""
    add = parser.add_argument
    add("path", type=o.here, metavar="PATH", help="a dataset: a file or folder; it is never modified")
    add("--output", type=o.local, metavar="DST", help="where the repaired copy goes")
    add("--dry-run", action="store_true", help="show what would change as a unified diff, write nothing")
    add("--unsafe", action="store_true", help="also run repairs that change what a model learns")
    add("--overwrite", action="store_true", help="replace what is there")
    o.request_options(parser)


def fix(
    *,
    path: Path,
    output: Path | None,
    dry_run: bool,
    unsafe: bool,
    overwrite: bool,
    **options: Any,
) -> int:
    """Repair a dataset."""
    from mmcheck.cli import settings
    from mmcheck.fixing import fix as repair
    from mmcheck.writers.safe import stoppable

    if output is None and not dry_run:
        raise RequestError("name where the repaired copy goes with --output DST, or look first with --dry-run")
    with stoppable():
        fixed = repair(
            path,
            output,
            unsafe=unsafe,
            overwrite=overwrite,
            dry_run=dry_run,
            **settings.requested(path, **options),
        )
    if dry_run:
        for diff in fixed.diffs:
            print(diff)
    say(f"{fixed.changed:,} of {fixed.records:,} records {'would be' if dry_run else 'were'} repaired")
    for rule, count in sorted(fixed.by_rule.items()):
        say(f"{rule}: {count:,}")
    for rule, count in sorted(fixed.unsafe.items()):
        say(f"{rule}: {count:,} have a repair that changes what a model learns: --unsafe runs it")
    if fixed.doubled:
        say(f"{fixed.doubled:,} were left as they are: a key stands twice in the record")
    if fixed.left is None:
        return 1 if fixed.changed else 0
    tell_passed_over(fixed.passed_over)
    tell_paths(fixed.paths)
    left = fixed.left.totals
    say(f"left in {output}: {left.errors:,} errors, {left.warnings:,} warnings: {fixed.left.verdict.upper()}")
    for each in fixed.left.rules:
        if each.failed and each.severity.value != "info":
            say(f"left: {each.code} {each.name}: {each.failed:,}")
    return fixed.left.exit_code("error")
