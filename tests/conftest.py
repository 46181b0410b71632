"""What all tests share: no deadlines, since the machine may be busy; and the record of attacks, `--robustness FILE`.

A test that attacks says so with a marker: `threat("what", …)` for hostile input, `fault("what", …)` for what a machine
does wrong. Further words say what it looks out for beside crashes: "hangs", "lost findings", "escapes". What became of
all of them goes to FILE, from which `scripts/robustness.py` makes docs/robustness.md.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# What the commands keep goes to a folder of the tests' own.
for _name in ("XDG_CACHE_HOME", "XDG_STATE_HOME"):
    os.environ[_name] = tempfile.mkdtemp(prefix="mmcheck-tests-")

settings.register_profile("mmcheck", deadline=None)
settings.load_profile("mmcheck")

OUTCOMES = ("crashes", "hangs", "lost findings", "escapes")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--robustness", metavar="FILE", type=Path, help="write what became of the attacks to FILE")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "threat(what, *outcomes): attacks with hostile input, and looks out for these")
    config.addinivalue_line("markers", "fault(what, *outcomes): lets the machine fail, and looks out for these")
    target = config.getoption("--robustness")
    if target is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Record(target.absolute()))


def pytest_runtest_setup(item: pytest.Item) -> None:
    for kind in ("threat", "fault"):
        for marker in item.iter_markers(kind):
            what, *outcomes = marker.args
            unknown = set(outcomes) - set(OUTCOMES)
            assert not unknown, f"{item.nodeid} looks out for {unknown}, which is none of {OUTCOMES}"
            item.user_properties.append(("attack", [kind, what, ["crashes", *outcomes]]))
            own = getattr(getattr(item, "obj", None), "_hypothesis_internal_use_settings", None)
            if own is not None:  # a property test is as many inputs as it has examples
                item.user_properties.append(("tried", own.max_examples))


@pytest.fixture
def tried(request: pytest.FixtureRequest) -> Callable[[int], None]:
    """Tells how many inputs were tried, or faults injected; a test that does not tell is one."""

    def add(count: int) -> None:
        request.node.user_properties.append(("tried", count))

    return add


class Record:
    """Gathers what became of the attacks, from all workers, and writes it at the end."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.rows: dict[tuple[str, str], dict[str, Any]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        attacks = [value for name, value in report.user_properties if name == "attack"]
        if report.when != "call" and not (report.failed and report.when == "setup"):
            return
        count = sum(value for name, value in report.user_properties if name == "tried") or 1
        for kind, what, outcomes in attacks:
            new = {"kind": kind, "what": what, "tried": 0, "skipped": 0, "found": {}}
            row = self.rows.setdefault((kind, what), new)
            if report.skipped:
                row["skipped"] += 1
                continue
            row["tried"] += count
            for outcome in outcomes:
                row["found"][outcome] = row["found"].get(outcome, 0) + int(report.failed)

    def pytest_sessionfinish(self) -> None:
        rows = sorted(self.rows.values(), key=lambda row: (row["kind"] != "threat", row["what"]))
        self.target.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
