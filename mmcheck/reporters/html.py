"""The report as one HTML file: no network, no markup from the dataset, a content policy that allows neither."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from mmcheck.finding import Finding
from mmcheck.report import Report
from mmcheck.reporters import summary
from mmcheck.reporters.plots import plots
from mmcheck.reporters.text import clean, plural
from mmcheck.reporters.thumbnails import thumbnails

PAGE = Path(__file__).parent / "page"
#: Longest text of a finding, in characters; files that are listed; findings for readers without scripts.
TEXT, FILES, WITHOUT_SCRIPT = 2_000, 500, 50
#: Ranks of severities and states, for sorting.
RANKS = {"error": 3, "warning": 2, "info": 1, "off": 0}
STATES = {"error": 4, "failed": 3, "unknown": 2, "skipped": 1, "passed": 0}


def write(report: Report | Sequence[Report], out: IO[bytes], quiet: bool) -> None:
    """The page."""
    reports = summary.several(report)
    environment = Environment(
        loader=FileSystemLoader(PAGE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"clean": clean, "number": "{:,}".format, "plural": plural}
    style, script = ((PAGE / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    page = environment.get_template("report.html.j2").render(
        reports=[_section(number, each) for number, each in enumerate(reports)],
        title=_title(reports),
        style=Markup(style),  # our own files, whose digests the content policy names
        script=Markup(script),
        style_digest=_digest(style),
        script_digest=_digest(script),
        ranks=RANKS,
        states=STATES,
    )
    out.write(page.encode("utf-8", "backslashreplace"))


def _title(reports: Sequence[Report]) -> str:
    if len(reports) == 1:
        return f"{reports[0].verdict.upper()} {clean(reports[0].path)}"
    return f"{sum(each.verdict == 'pass' for each in reports)} of {plural(len(reports), 'dataset')} pass"


def _section(number: int, report: Report) -> dict[str, Any]:
    """What the template shows of one dataset: the gravest findings first, those of a severity by place."""
    report = replace(report, findings=sorted(report.findings, key=lambda finding: -finding.severity.rank))
    pictures, notes = thumbnails(report)
    report = replace(report, notes=[*report.notes, *notes])
    return {
        "number": number,
        "report": report,
        "name": summary.named(report),
        "files": report.files[:FILES],
        "files_left": max(len(report.files) - FILES, 0),
        "shares": {rule.code: summary.percent(rule.failed, rule.checked) for rule in report.rules if rule.checked},
        "rules": sorted(
            report.rules,
            key=lambda rule: (-STATES[rule.status], -RANKS[rule.severity.value], -rule.failed, rule.code),
        ),
        "capped": any(rule.capped for rule in report.rules),
        "plots": list(plots(report.statistics)),
        "failures": summary.failures(report),
        "first": [(summary.place(each), each, clean(each.message[:TEXT])) for each in report.findings[:WITHOUT_SCRIPT]],
        "data": _json(_data(number, report, pictures)),
    }


def _data(number: int, report: Report, pictures: dict[int, str]) -> dict[str, Any]:
    """The findings for the page's script: texts that recur are named by their place in a list."""
    texts: dict[str, int] = {}
    seen: dict[str, int] = {}

    def place(text: str | None) -> int | None:
        return None if text is None else texts.setdefault(_cut(text), len(texts))

    def name(finding: Finding) -> str:
        stem = "".join(each for each in finding.fingerprint or finding.rule if each.isascii() and each.isalnum())[:24]
        seen[stem] = seen.get(stem, 0) + 1
        return f"f{number}-{stem}" + (f"-{seen[stem]}" if seen[stem] > 1 else "")

    rows = [
        [
            name(each), place(each.rule), place(each.name), each.severity.value, place(each.file), each.row, each.line,
            _cut(each.message) + summary.times(each), None if each.value is None else _cut(each.value),
            place(each.hint), None if each.sample is None else _cut(each.sample, 200),
            None if each.pointer is None else _cut(each.pointer, 500), each.turn, each.position,
        ]
        for each in report.findings
    ]  # fmt: skip
    used = {uri: at for at, uri in enumerate(dict.fromkeys(pictures.values()))}
    return {
        "texts": list(texts),
        "findings": rows,
        "pictures": list(used),
        "shown": {str(row): used[uri] for row, uri in pictures.items()},
    }


def _cut(text: str, most: int = TEXT) -> str:
    """Harmless and not too long."""
    return clean(text[:most]) + (f"… ({len(text):,} characters)" if len(text) > most else "")


def _json(data: Any) -> Markup:
    """JSON fit to stand in a script element: nothing in it can close the element, and no address is whole."""
    text = msgspec.json.encode(data).decode("utf-8", "backslashreplace")
    for character, escape in {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "/": "\\/"}.items():
        text = text.replace(character, escape)
    return Markup(text)


def _digest(text: str) -> str:
    """The digest of an inline style or script, as a content policy names it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
