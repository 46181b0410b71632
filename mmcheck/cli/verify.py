"""`mmcheck verify`: is this result about exactly these bytes?"""

from __future__ import annotations

from pathlib import Path

from mmcheck.cli.options import Parser, many
from mmcheck.cli.say import columns
from mmcheck.errors import RequestError
from mmcheck.storage import given


def verify_options(parser: Parser) -> None:
    """A result and the dataset that it is about."""
    text = "a result (`-o json=FILE`) or an in-toto statement of one (`--attest FILE`)"
    parser.add_argument("result", type=Path, metavar="RESULT.json", help=text)
    text = "the dataset; of a result of several, each of them in its order"
    parser.add_argument("paths", nargs="+", type=given, metavar="PATH", help=text)
    many(parser, "--allow-root", metavar="DIR", type=given, help="a further folder that files may be read from")
    parser.add_argument("-q", "--quiet", action="store_true", help="print nothing but the answer")


def verify(result: Path, paths: list[Path], allow_root: list[Path], quiet: bool) -> int:
    """Say whether these are the bytes that were judged, and name each file that is not: exit 0 or 1."""
    from mmcheck.report import Report
    from mmcheck.reporters.text import clean, plural
    from mmcheck.stored import read
    from mmcheck.verification import counted
    from mmcheck.verification import verify as compare_files

    stored = read(result)
    reports = [stored] if isinstance(stored, Report) else stored
    if len(reports) != len(paths):
        raise RequestError(f"{result} is about {plural(len(reports), 'dataset')}, and {len(paths)} were named")
    code = 0
    for report, path in zip(reports, paths, strict=True):
        differences = compare_files(report, path, allow_root)
        files = [file for file in report.files if file.role != "ignored"]
        if differences:
            code = 1
            print(f"DIFFERENT  {clean(str(path))}: {', '.join(counted(differences))}")
            if not quiet:
                columns(((each.what, each.file, each.detail) for each in differences), indent=2)
            continue
        print(f"SAME  {clean(str(path))}: {plural(len(files), 'file')}, {report.fingerprint}")
        if not quiet:
            print(f"  judged {report.verdict.upper()} by mmcheck {clean(report.written_by)} on {report.run.started}")
            if not any(file.role == "media" for file in files) and report.totals.media:
                print("  media files are not part of it: `mmcheck check --digest-media` would include them")
    return code
