"""`mmcheck test -o junit`: rules files as suites, rules as cases, for the test pages of CI servers."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmcheck.testing import Tested


def document(tested: Sequence[Tested]) -> bytes:
    """JUnit XML of what became of rules files."""
    from junitparser import Failure, JUnitXml, TestCase, TestSuite

    xml = JUnitXml("mmcheck test")
    for each in tested:
        suite = TestSuite(str(each.path))
        for outcome in each.outcomes:
            case = TestCase(f"{outcome.stanza.code} {outcome.stanza.name}", str(each.path))
            if outcome.failures:
                failure = Failure(outcome.failures[0])
                failure.text = "\n".join(outcome.failures)
                case.result = [failure]
            suite.add_testcase(case)
        xml.add_testsuite(suite)
    xml.tests = sum(len(each.outcomes) for each in tested)
    xml.failures = sum(each.failed for each in tested)
    out = io.BytesIO()
    xml.write(out, pretty=True)
    return out.getvalue()
