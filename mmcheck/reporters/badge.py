"""A badge as SVG: the verdict and the number of errors, for a README."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO
from xml.sax.saxutils import escape, quoteattr

from mmcheck.report import Report
from mmcheck.reporters.summary import several
from mmcheck.reporters.text import plural

LABEL = "mmcheck"
#: Dark enough for white letters (contrast of at least 4.5).
COLOURS = {"pass": "#2a7d2e", "fail": "#b3261e", "incomplete": "#8a6100"}
#: Width of a character in a 11 px sans-serif, of the padding beside a text, and the height of the badge, in pixels.
CHARACTER, PADDING, HEIGHT = 6.6, 6, 20


def write(report: Report | Sequence[Report], out: IO[bytes], quiet: bool) -> None:
    """The badge of one dataset, or of several as one."""
    out.write(_svg(*_words(several(report))).encode())


def _words(reports: Sequence[Report]) -> tuple[str, str]:
    """What it says, and the verdict that colours it: the worst of all."""
    verdicts = [report.verdict for report in reports]
    verdict = next((each for each in ("fail", "incomplete") if each in verdicts), "pass")
    errors = sum(report.totals.errors for report in reports)
    return (f"{verdict.upper()} · {plural(errors, 'error')}" if errors else verdict.upper()), verdict


def _svg(text: str, verdict: str) -> str:
    left, right = (round(len(each) * CHARACTER + 2 * PADDING) for each in (LABEL, text))
    whole = left + right
    title = f"{LABEL}: {text}"
    letters = 'fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="{HEIGHT}" role="img" '
        f"aria-label={quoteattr(title)}>\n"
        f"<title>{escape(title)}</title>\n"
        f'<clipPath id="r"><rect width="{whole}" height="{HEIGHT}" rx="3"/></clipPath>\n'
        f'<g clip-path="url(#r)"><rect width="{left}" height="{HEIGHT}" fill="#444"/>'
        f'<rect x="{left}" width="{right}" height="{HEIGHT}" fill="{COLOURS[verdict]}"/></g>\n'
        f"<g {letters}>"
        f'<text x="{left / 2}" y="14" textLength="{left - 2 * PADDING}">{escape(LABEL)}</text>'
        f'<text x="{left + right / 2}" y="14" textLength="{right - 2 * PADDING}">{escape(text)}</text></g>\n'
        "</svg>\n"
    )
