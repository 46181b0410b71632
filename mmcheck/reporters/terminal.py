"""Reports for people: verdict, the rules that failed, the worst examples; on terminals from 60 columns up."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from mmcheck.finding import Finding, Severity
from mmcheck.report import Report, RuleSummary
from mmcheck.reporters.summary import failed_rules, files_read, percent, place, skipped, times, worst
from mmcheck.reporters.text import clean, plural, snippet

#: Width of a report that no terminal shows: a file, a pipe.
PLAIN_WIDTH = 100
#: Below this width the bars go.
BARS_FROM = 76
BAR = 10

VERDICTS = {"pass": "bold white on dark_green", "fail": "bold white on red3", "incomplete": "bold black on yellow3"}
COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "blue", Severity.OFF: "dim"}


@dataclass(frozen=True, slots=True)
class Hanging:
    """Text with a left margin, and `more` of it for the lines after the first; nothing is padded on the right."""

    text: Text
    left: int
    more: int = 0

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = max(options.max_width - self.left - self.more, 20)
        for number, line in enumerate(self.text.wrap(console, room, overflow="fold")):
            line.rstrip()
            yield Text(" " * (self.left + (self.more if number else 0))).append_text(line)


def write(report: Report | Sequence[Report], out: IO[bytes], quiet: bool) -> None:
    """The report as text, in colour where `out` is a terminal and NO_COLOR is not set; quiet leaves the verdicts."""
    text = io.TextIOWrapper(out, encoding=_encoding(out), errors="backslashreplace", write_through=True)
    try:
        show(report, console(text), quiet)
        text.flush()
    finally:
        text.detach()


def console(stream: IO[str]) -> Console:
    """A console that takes its width from COLUMNS, else from the terminal, and never reads markup in what it prints."""
    width = None if stream.isatty() or os.environ.get("COLUMNS") else PLAIN_WIDTH
    return Console(file=stream, width=width, markup=False, emoji=False, highlight=False, soft_wrap=False)


def show(report: Report | Sequence[Report], console: Console, quiet: bool = False) -> None:
    """Print one report, or a section for each of several and how many passed."""
    several = [report] if isinstance(report, Report) else report
    for number, each in enumerate(several):
        if number and not quiet:
            console.print()
        console.print(headline(each) if quiet else section(each, console.width))
    if not isinstance(report, Report) and len(several) > 1 and not quiet:
        passed = sum(each.verdict == "pass" for each in several)
        console.print(f"\n{passed:,} of {len(several):,} datasets pass")


def headline(report: Report) -> Text:
    """`FAIL  path  format@version`."""
    name = "" if report.format == "unknown" else f"  {clean(report.format)}@{report.version}"
    return Text.assemble(
        (f" {report.verdict.upper()} ", VERDICTS[report.verdict]), "  ", (clean(report.path), "bold"), (name, "cyan")
    )


def section(report: Report, width: int) -> RenderableType:
    """The whole report of one dataset."""
    parts: list[RenderableType] = [headline(report), *_counts(report)]
    failed = failed_rules(report)
    if failed:
        parts += ["", _rules(failed, width), *_raised(failed)]
    examples = list(worst(report.findings))
    if examples:
        parts += ["", Text("Worst examples", style="bold"), *(_example(finding) for finding in examples)]
        parts += _more(report, len(examples))
    remarks = [*skipped(report.rules), *(f"note: {clean(note)}" for note in report.notes)]
    if remarks:
        parts += ["", *(Hanging(Text(remark, style="dim"), 0, 2) for remark in remarks)]
    return Group(*parts, "", Text(_run(report), style="dim"))


def _counts(report: Report) -> list[RenderableType]:
    totals = report.totals
    if not report.rules:  # nothing was looked at
        return []
    invalid = f" ({totals.invalid_records:,} unreadable or against the schema)" if totals.invalid_records else ""
    media = ""
    if totals.media:
        distinct = f" ({totals.distinct_media:,} distinct)" if totals.distinct_media != totals.media else ""
        media = f" · {plural(totals.media, 'medium', 'media')}{distinct}"
    first = f"{plural(totals.records, 'record')}{invalid}{media} · {plural(len(files_read(report)), 'file')}"
    line = Text()
    for count, word, severity in (
        (totals.errors, "error", Severity.ERROR),
        (totals.warnings, "warning", Severity.WARNING),
        (totals.infos, "info", Severity.INFO),
    ):
        line.append(" · " if line else "").append(plural(count, word), style=COLOURS[severity] if count else "dim")
    if totals.suppressed:
        line.append(f" · {totals.suppressed:,} suppressed", style="dim")
    return [Text(first), line]


def _rules(rules: Sequence[RuleSummary], width: int) -> Table:
    """The rules that failed, with the share of the checked rows."""
    bars = width >= BARS_FROM
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim", collapse_padding=True)
    table.add_column("code", no_wrap=True)
    table.add_column("rule", overflow="fold", ratio=1 if bars else None)
    table.add_column("severity", no_wrap=True)
    table.add_column("failed", justify="right", no_wrap=True)
    table.add_column("of", justify="right", no_wrap=True)
    table.add_column("share", justify="right", no_wrap=True)
    if bars:
        table.add_column("", no_wrap=True, width=BAR)
    for rule in rules:
        colour = COLOURS[rule.severity]
        share = rule.failed / rule.checked if rule.checked else 0.0
        word = "raised" if rule.status == "error" else rule.severity.value
        cells: list[RenderableType] = [
            Text(rule.code, style=f"bold {colour}"),
            Text(clean(rule.name)),
            Text(word, style=colour),
            f"{rule.failed:,}",
            f"{rule.checked:,}" if rule.checked else "",
            percent(rule.failed, rule.checked) if rule.checked else "",
        ]
        table.add_row(*cells, *([Text(_bar(share), style=colour)] if bars else []))
    return table


def _raised(rules: Sequence[RuleSummary]) -> list[RenderableType]:
    return [
        Text(f"{rule.code} could not run: {clean(rule.reason or 'it raised')}", style="red")
        for rule in rules
        if rule.status == "error"
    ]


def _example(finding: Finding) -> RenderableType:
    """`file:line  code  message`, then the value with its place in the record, then what to do."""
    colour = COLOURS[finding.severity]
    head = Text.assemble(
        (place(finding), "bold"),
        "  ",
        (finding.rule, colour),
        "  ",
        (clean(finding.message) + times(finding), "default"),
    )
    lines: list[RenderableType] = [Hanging(head, 2, 2)]
    value = snippet(finding.value) if finding.value is not None else None
    where = [f"at {clean(finding.pointer)}"] if finding.pointer else []
    where += [f"of record {snippet(finding.sample)}"] if finding.sample is not None else []
    if value is not None or where:
        parts = [(value, "default")] if value else []
        lines.append(Hanging(Text("  ").join([Text(*part) for part in [*parts, (" ".join(where), "dim")]]), 6))
    if finding.hint:
        lines.append(Hanging(Text(f"→ {clean(finding.hint)}", style="green"), 6))
    return Group(*lines)


def _more(report: Report, shown: int) -> list[RenderableType]:
    failures = report.totals.errors + report.totals.warnings + report.totals.infos
    stood_for = sum(finding.count or 1 for finding in report.findings)
    if len(report.findings) <= shown and failures <= stood_for:
        return []
    text = f"{shown:,} of {failures:,} failures shown; all of them: -o jsonl=FILE or -o parquet=FILE"
    return [Hanging(Text(text, style="dim"), 2)]


def _run(report: Report) -> str:
    run, totals = report.run, report.totals
    parts = [f"{run.seconds:.2f} s"] if run.seconds else []
    parts += [f"{totals.records / run.seconds:,.0f} records/s"] if totals.records and run.seconds else []
    parts += [plural(run.jobs, "job"), f"media: {run.probe}"]
    parts += (
        [f"sampled: {clean(', '.join(f'{key} {value}' for key, value in run.sampled.items()))}"] if run.sampled else []
    )
    parts += [] if run.complete else ["not complete"]
    return " · ".join(parts)


def _bar(share: float) -> str:
    """A bar of `BAR` cells; what is not nothing is never shown as nothing."""
    eighths = max(1, round(share * BAR * 8)) if share else 0
    full, rest = divmod(eighths, 8)
    return "█" * full + ("▏▎▍▌▋▊▉"[rest - 1] if rest else "")


def _encoding(out: IO[bytes]) -> str:
    """Standard output keeps its own encoding; a file is UTF-8."""
    return sys.stdout.encoding or "utf-8" if out is getattr(sys.stdout, "buffer", None) else "utf-8"
