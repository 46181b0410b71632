"""`mmcheck diff`: what two datasets have apart, by classes of difference."""

from __future__ import annotations

import json
from pathlib import Path

from mmcheck.cli.options import FORMAT_PATH, Parser, codes, here, many, one_of
from mmcheck.cli.say import columns


def diff_options(parser: Parser) -> None:
    """The options of `mmcheck diff`."""
    add = parser.add_argument
    add("first", type=here, metavar="A", help="a dataset")
    add("second", type=here, metavar="B", help="another one of the same format")
    add("--format", metavar="NAME[@VERSION]", help="the format of both; found out if not given")
    many(parser, "--format-path", metavar="DIR", type=Path, help=FORMAT_PATH)
    many(parser, "--ignore", metavar="FIELD,…", help="fields of the record that are not compared")
    text = "differences that do not count: ids, whitespace, key-order, missing-keys, turn-keys, media-paths, numbers"
    many(parser, "--normalize", metavar="CLASS,…", help=text)
    add("--no-media", dest="media", action="store_false", help="do not compare the contents of media files")
    add("-o", "--output", metavar="json", type=one_of("json"), help="print the comparison as JSON")


def diff(
    *,
    first: Path,
    second: Path,
    format: str | None,
    format_path: list[Path],
    ignore: list[str],
    normalize: list[str],
    media: bool,
    output: str | None,
) -> int:
    """Compare two datasets."""
    from mmcheck.cli.settings import find
    from mmcheck.diffing import diff as compare

    found = compare(
        first,
        second,
        format=format,
        format_path=[*format_path, *find(None).formats],
        ignore=codes(ignore),
        normalize=codes(normalize),
        media=media,
    )
    if output:
        print(json.dumps(found.to_dict(), ensure_ascii=False, indent=2))
        return found.exit_code
    rows = [("same", f"{found.same:,}"), ("different", f"{found.different:,}")]
    rows += [(f"  {name}", f"{count:,}") for name, count in found.classes.items()]
    rows += [("only in A", f"{found.only_first:,}"), ("only in B", f"{found.only_second:,}")]
    if found.unreadable:
        rows.append(("not readable", f"{found.unreadable:,}"))
    columns(rows)
    for example in found.examples:
        where = f"{example['file']}, record {example['row']}{example.get('pointer', '')}"
        values = f": {example['first']} / {example['second']}" if "first" in example else ""
        print(f"{example['class']}: {where}{values}")
    return found.exit_code
