"""`mmcheck report`: a stored result, rendered again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mmcheck.cli.options import Parser, many, outputs
from mmcheck.cli.say import exit_code, say, sentence, trace
from mmcheck.errors import RequestError


def report_options(parser: Parser) -> None:
    """A result and what to make of it."""
    parser.add_argument("result", type=Path, metavar="RESULT.json", help="what `mmcheck check -o json=FILE` wrote")
    from mmcheck.reporters import KINDS, UNCAPPED

    kinds = ", ".join(kind for kind in KINDS if kind not in UNCAPPED)
    many(parser, "-o", "--output", metavar="KIND[=FILE]", help=f"{kinds}; to standard output without FILE")
    parser.add_argument("--attest", metavar="FILE", help="an in-toto statement of the result, to be signed")
    many(parser, "--dataset", metavar="PATH", type=Path, help="the dataset, for thumbnails of its images in html")
    text = "a folder outside the dataset that thumbnails may be made from"
    many(parser, "--media-root", metavar="DIR", type=Path, help=text)
    parser.add_argument("--no-thumbnails", action="store_true", help="no image of the dataset in the html report")
    parser.add_argument("-q", "--quiet", action="store_true", help="of the report for people only the verdict")


def report(
    result: Path,
    output: list[str],
    attest: str | None,
    dataset: list[Path],
    media_root: list[Path],
    no_thumbnails: bool,
    quiet: bool,
) -> int:
    """Render a stored result as other kinds of output; the same bytes as when the dataset was checked."""
    from mmcheck.report import Report
    from mmcheck.reporters import UNCAPPED, render
    from mmcheck.stored import read

    wanted = outputs([*output, *([f"attest={attest}"] if attest else [])])
    for kind, _ in wanted:
        if kind in UNCAPPED:
            text = f"{kind} lists every finding, and a stored result holds only the first ones of each rule"
            raise RequestError(f"{text}: run `mmcheck check -o {kind}=FILE` again")
    stored = read(result)
    reports = [stored] if isinstance(stored, Report) else stored
    if dataset and len(dataset) != len(reports):
        raise RequestError(f"{result} holds {len(reports)} datasets, and --dataset names {len(dataset)}")
    if dataset and not no_thumbnails:
        reports = [
            replace(each, picture_roots=(path if path.is_dir() else path.parent, *media_root))
            for each, path in zip(reports, dataset, strict=True)
        ]
    code = 0
    for kind, target in wanted:
        try:
            render(reports[0] if isinstance(stored, Report) else reports, kind, target, quiet=quiet)
        except OSError as error:
            say(f"{target or 'standard output'} cannot be written: {error.strerror or error}")
            code = 3
        except Exception as error:
            trace(error)
            say(f"{kind}: {sentence(error)}")
            code = max(code, exit_code(error))
    return code
