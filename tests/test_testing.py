"""`mmcheck test` and what rules files of the user's own can say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import mmcheck
from mmcheck.cli import run
from mmcheck.errors import RequestError
from mmcheck.resources import folder

STANZA = """\
  - code: PX001
    name: text-too-short
    severity: error
    table: turns
    expression: LENGTH(text) >= :least
    message: "{text} is shorter than {least}"
    good: [{text: hello}]
    bad: [{text: a}]
"""
RULES = "params: {least: 3}\nrules:\n" + STANZA


@pytest.fixture
def rules(tmp_path: Path) -> Callable[..., Path]:
    def write(text: str, name: str = "ours.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Four records of two turns, one of them with an answer of a letter."""
    path = tmp_path / "train.jsonl"
    answers = ["A disc.", "A box.", "x", "A cat."]
    records = [
        {"id": str(n), "conversations": [{"from": "human", "value": "What?"}, {"from": "gpt", "value": answer}]}
        for n, answer in enumerate(answers)
    ]
    path.write_text("".join(json.dumps(each) + "\n" for each in records))
    return path


def run_test(*arguments: Any) -> int:
    return run(["test", *map(str, arguments)])


def test_examples_that_behave(rules: Callable[..., Path], capfd: pytest.CaptureFixture[str]) -> None:
    assert run_test(rules(RULES)) == 0
    assert "1 rules, 2 examples: all behave" in capfd.readouterr().out


def test_examples_that_do_not(rules: Callable[..., Path], capfd: pytest.CaptureFixture[str]) -> None:
    path = rules(RULES.replace("{text: a}", "{text: abc}"))
    assert run_test(path) == 1
    out = capfd.readouterr().out
    assert "FAIL  PX001" in out and f"{path}:3: PX001 bad example 1: no row fails" in out
    assert run_test(path, "--param", "least=4") == 0


def test_junit(rules: Callable[..., Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = rules(RULES.replace("{text: a}", "{text: abc}"))
    assert run_test(path, "-o", f"junit={tmp_path / 'out.xml'}") == 1
    suite = ElementTree.parse(tmp_path / "out.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("1", "1")
    [case] = suite.iter("testcase")
    assert case.get("name") == "PX001 text-too-short"
    capfd.readouterr()
    assert run_test(rules(RULES), "-o", "junit") == 0
    assert ElementTree.fromstring(capfd.readouterr().out.encode()).get("failures") == "0"
    assert run_test(path, "-o", "junti") == 2


def test_a_rule_without_examples_is_a_warning(rules: Callable[..., Path], capfd: pytest.CaptureFixture[str]) -> None:
    assert run_test(rules(RULES.partition("    good")[0])) == 0
    assert "PX001 has no good and no bad example" in capfd.readouterr().err


@pytest.mark.parametrize("path", sorted(folder("rules").rglob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_files_are_tested_by_the_same_command(path: Path) -> None:
    assert run_test(path, "--quiet") == 0


MISTAKES = {
    RULES.replace("LENGTH(text)", "LENGTH(txt)"): "has no column 'txt' (did you mean 'text'?)",
    RULES.replace(":least\n", ":leest\n"): "did you mean 'least'",
    RULES.replace("{text} is", "{txt} is"): "did you mean 'text'",
    RULES.replace("    message", "    value: txet\n    message"): "did you mean 'text'",
    RULES.replace("good: [{text", "good: [{txt"): "did you mean 'text'",
    RULES.replace("table: turns", "table: truns"): "did you mean 'turns'",
    RULES.replace("expression: LENGTH(text) >= :least", "expression: end > 3"): "'end' is a word of SQL",
    RULES.replace("expression: LENGTH(text) >= :least", "unique: [txt]"): "did you mean 'text'",
    RULES.replace("expression: LENGTH(text) >= :least", "references: {column: text, to: samples.idd}"): "'id'",
    RULES.replace("expression: LENGTH(text) >= :least", "references: {column: text, to: sample.id}"): "'samples'",
    RULES.replace("expression: LENGTH(text) >= :least", "aggregate: {expression: COUNT(*)}"): "not boolean",
    RULES.replace("expression: LENGTH(text) >= :least", "aggregate: {expression: MEDIAN(turn) > 0}"): "add up",
    RULES.replace("expression: LENGTH(text) >= :least", "aggregate: {expression: COUNT(*) > turn}"): "outside of",
    RULES.replace(
        "LENGTH(text) >= :least", "\"(SELECT COUNT(*) FROM read_csv('/etc/passwd')) = 0\""
    ): "subqueries are not allowed",
    RULES.replace("LENGTH(text) >= :least", "read_csv('/etc/passwd')"): "is not allowed",
    RULES.replace("expression: LENGTH(text) >= :least", "python: os:getcwd"): "--allow-python",
    RULES.replace("expression: LENGTH(text) >= :least", "pandera: os:getcwd"): "--allow-python",
    "applies_to: [lava]\n" + RULES: "did you mean 'llava'",
    "extends: [comon]\n" + RULES: "did you mean 'common'",
    "severity: {MM00: error}\n" + RULES: "no rule 'MM00'",
}


@pytest.mark.parametrize(("text", "told"), MISTAKES.items(), ids=range(len(MISTAKES)))
def test_a_mistake_is_exit_2_with_its_line(
    rules: Callable[..., Path], data: Path, capfd: pytest.CaptureFixture[str], text: str, told: str
) -> None:
    path = rules(text)
    for command in (["test", str(path)], ["check", str(data), "--rules", str(path)]):
        if command[0] == "check" and "good: [{txt" in text:
            continue  # a check does not look at examples
        assert run(command) == 2
        out, error = capfd.readouterr()
        assert f"{path}:" in error and told in error, error
        assert not out


def test_a_file_extends_another(rules: Callable[..., Path], data: Path) -> None:
    rules(RULES, "base.yaml")
    ours = rules("extends: [base]\nparams: {least: 6}\nseverity: {PX001: warning}\n")
    report = mmcheck.check(data, rules=[ours], select=["PX"])
    assert [(each.row, each.severity) for each in report.findings if each.turn == 1] == [(2, "warning")]
    assert report.findings[0].message == "What? is shorter than 6"
    loop = rules("extends: [loop]\n", "loop.yaml")
    with pytest.raises(RequestError, match="extends itself"):
        mmcheck.check(data, rules=[loop])


@pytest.mark.parametrize(
    ("threshold", "status", "severity", "errors", "warnings"),
    [
        ("tolerate: 1", "passed", "error", 0, 0),
        ("tolerate: 12.5%", "passed", "error", 0, 0),
        ("tolerate: 12%", "failed", "error", 1, 0),
        ("error_above: 1", "failed", "warning", 0, 1),
        ("error_above: 0", "failed", "error", 1, 0),
        ("warn_above: 5", "failed", "info", 0, 0),
    ],
)
def test_failures_are_tolerated_or_graded(
    rules: Callable[..., Path], data: Path, threshold: str, status: str, severity: str, errors: int, warnings: int
) -> None:
    path = rules(RULES.replace("    good", f"    {threshold}\n    good", 1))
    report = mmcheck.check(data, rules=[path], select=["PX001"])
    summary = next(each for each in report.rules if each.code == "PX001")
    assert (summary.status, summary.severity, summary.failed, summary.checked) == (status, severity, 1, 8)
    assert (report.totals.errors, report.totals.warnings) == (errors, warnings)
    assert [each.severity for each in report.findings] == ([severity] if status == "failed" else [])


def test_a_rule_about_columns_of_another_format_is_skipped(rules: Callable[..., Path], data: Path) -> None:
    path = rules("rules:\n  - {code: PX001, name: no-parts, severity: error, table: turns, expression: parts > 0}\n")
    report = mmcheck.check(data, rules=[path])
    summary = next(each for each in report.rules if each.code == "PX001")
    assert (summary.status, summary.reason) == ("skipped", "the format's turns has no column parts")


@pytest.mark.parametrize("selector", ["PX001", "PX", "text-too-short", "error"])
def test_rules_are_chosen_by_code_name_prefix_or_severity(
    rules: Callable[..., Path], data: Path, selector: str
) -> None:
    path = rules(RULES)
    chosen = mmcheck.check(data, rules=[path], select=[selector])
    assert [each.rule for each in chosen.findings] == ["PX001"]
    assert "PX001" not in [each.rule for each in mmcheck.check(data, rules=[path], ignore=[selector]).findings]
