"""`mmcheck split`: sound records apart from unsound ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mmcheck.cli import options as o
from mmcheck.cli.convert import tell_passed_over, tell_paths
from mmcheck.cli.say import say


def split_options(parser: o.Parser) -> None:
    """The options of `mmcheck split`."""
    add = parser.add_argument
    add("path", type=o.here, metavar="PATH", help="a dataset: a file or folder")
    add("--clean", type=o.local, required=True, metavar="DST", help="where the sound records go")
    add("--rejected", type=o.local, required=True, metavar="DST", help="where the others go, with DST.findings.jsonl")
    text = "a record with a finding of this severity is unsound (default error)"
    add(
        "--fail-on", default="error", metavar="error|warning|info", type=o.one_of("error", "warning", "info"), help=text
    )
    add("--overwrite", action="store_true", help="replace what is there")
    add("-o", "--output", metavar="json", type=o.one_of("json"), help="print the account of records as JSON")
    o.request_options(parser)


def split(
    *,
    path: Path,
    clean: Path,
    rejected: Path,
    fail_on: str,
    overwrite: bool,
    output: str | None,
    **options: Any,
) -> int:
    """Split a dataset."""
    from mmcheck.cli import settings
    from mmcheck.splitting import split as part
    from mmcheck.writers.safe import stoppable

    with stoppable():
        parted = part(
            path,
            clean,
            rejected,
            fail_on=fail_on,
            overwrite=overwrite,
            **settings.requested(path, **options),
        )
    if output:
        print(json.dumps(parted.to_dict(), ensure_ascii=False, indent=2))
    say(f"{parted.read:,} records read = {parted.clean:,} clean: {clean} + {parted.rejected:,} rejected: {rejected}")
    if parted.unreadable:
        say(f"{parted.unreadable:,} of the rejected cannot be read, and are only in {parted.findings}")
    for finding in parted.whole[:10]:
        about = f"{finding['file']}: " if finding.get("file") else ""
        say(f"{finding['rule']} is about no single record: {about}{finding['message']}")
    tell_passed_over(parted.passed_over)
    tell_paths(parted.paths)
    return parted.exit_code
