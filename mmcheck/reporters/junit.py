"""JUnit XML, for the test pages of CI servers: a suite a dataset, a case a rule; errors fail, warnings are told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from mmcheck.finding import Finding, Severity
from mmcheck.report import Report, RuleSummary
from mmcheck.reporters.summary import named, place, several, times
from mmcheck.reporters.text import clean, plural, snippet

#: How many findings of a rule are told.
EXAMPLES = 20


def write(report: Report | Sequence[Report], out: IO[bytes], quiet: bool) -> None:
    """The rules as test cases."""
    xml = JUnitXml("mmcheck")
    suites = [_suite(each) for each in several(report)]
    for suite in suites:
        xml.add_testsuite(suite)
    # Not by the library's own count, which adds an attribute `skipped` that the schema of CI servers does not have.
    xml.tests = sum(suite.tests for suite in suites)
    xml.failures = sum(suite.failures for suite in suites)
    xml.errors = sum(suite.errors for suite in suites)
    xml.time = round(sum(each.run.seconds for each in several(report)), 3)
    xml.write(out, pretty=True)


def _suite(report: Report) -> TestSuite:
    suite = TestSuite(clean(report.path))
    suite.timestamp = report.run.started.removesuffix("Z")
    facts = {"verdict": report.verdict, "format": named(report), "records": report.totals.records}
    facts |= {"fingerprint": report.fingerprint or "", "rules_digest": report.run.rules_digest or ""}
    for name, value in facts.items():
        suite.add_property(name, clean(str(value)))
    by_rule: dict[str, list[Finding]] = {}
    for finding in report.findings:
        by_rule.setdefault(finding.rule, []).append(finding)
    suite.add_testcases([_case(report, rule, by_rule.get(rule.code, [])) for rule in report.rules])
    if not report.rules:  # it could not be opened
        case = TestCase("open", _class(report))
        case.result = [Error("; ".join(map(clean, report.notes)) or "not checked", "incomplete")]
        suite.add_testcase(case)
    suite.update_statistics()  # type: ignore[no-untyped-call]
    suite.time = report.run.seconds  # the library has put the sum over the cases there, which have none
    return suite


def _case(report: Report, rule: RuleSummary, findings: Sequence[Finding]) -> TestCase:
    case = TestCase(clean(f"{rule.code} {rule.name}"), _class(report))
    if rule.status == "error":
        case.result = [Error(clean(rule.reason or "it raised"), "raised")]
    elif rule.status in ("skipped", "unknown"):
        reason = rule.reason or f"unknown for all of {plural(rule.checked, 'row')}"
        case.result = [Skipped(clean(reason), rule.status)]
    elif rule.status == "failed":
        message = f"{rule.failed:,} of {rule.checked:,} failed: {clean(rule.name)} ({rule.severity.value})"
        body = "\n".join([*_lines(findings), *_rest(rule, findings)])
        if rule.severity is Severity.ERROR:
            failure = Failure(message, rule.severity.value)
            failure.text = body
            case.result = [failure]
        else:
            case.system_out = f"{message}\n{body}"
    return case


def _class(report: Report) -> str:
    return f"mmcheck.{clean(report.format)}"


def _lines(findings: Sequence[Finding]) -> list[str]:
    lines = []
    for finding in findings[:EXAMPLES]:
        value = f"  {snippet(finding.value)}" if finding.value is not None else ""
        lines.append(f"{place(finding)}  {clean(finding.message)}{times(finding)}{value}")
        if finding.hint:
            lines.append(f"    → {clean(finding.hint)}")
    return lines


def _rest(rule: RuleSummary, findings: Sequence[Finding]) -> list[str]:
    told = sum(finding.count or 1 for finding in findings[:EXAMPLES])
    return [f"… and {rule.failed - told:,} more"] if rule.failed > told else []
