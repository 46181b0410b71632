"""The configuration: found upward, exact about mistakes, overruled by the command line, never a way to run code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mmcheck import config
from mmcheck.cli import run
from mmcheck.errors import RequestError
from mmcheck.metaschema import schema

RULES = """\
params: {least: 3}
rules:
  - code: PX001
    name: text-too-short
    severity: error
    table: turns
    expression: LENGTH(text) >= :least
"""
WHOLE = """\
rules: [rules/ours.yaml]
profile: qwen2-vl
select: [MM, LV, PX]
ignore: [MM060]
severity: {MM031: error, MM060: off}
params: {min_side: 56}
per_path: {"legacy/*.json": {ignore: [LV002]}}
formats: [formats/]
baseline: mmcheck-baseline.json
fail_on: error
datasets:
  - {path: data/train.json, format: llava, media_root: images/, splits: {train: [train.json], val: [val.json]}}
outputs: {html: report.html, sarif: mmcheck.sarif}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two datasets, of one record with an answer of two letters each, and a rules file."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        turns = [{"from": "human", "value": "What?"}, {"from": "gpt", "value": "No"}]
        (tmp_path / name / "train.json").write_text(json.dumps([{"id": name, "conversations": turns}]))
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "ours.yaml").write_text(RULES)
    (tmp_path / "formats" / "rules").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def results(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    code = run(["check", *arguments, "-o", "json"])
    out = capfd.readouterr().out
    data = json.loads(out) if out else {}
    return code, data.get("results", [data] if data else [])


def failed(result: dict[str, Any]) -> list[str]:
    return [rule["code"] for rule in result["rules"] if rule["status"] == "failed"]


def test_the_whole_configuration_is_read(folder: Path) -> None:
    (folder / "mmcheck.yaml").write_text(WHOLE)
    read = config.read(folder / "mmcheck.yaml", named=False)
    assert read.rules.rules == (folder / "rules" / "ours.yaml",)
    assert read.rules.severity == {"MM031": "error", "MM060": "off"}
    assert read.rules.per_path["legacy/*.json"] == ("LV002",)
    [dataset] = read.datasets
    assert (dataset.path, dataset.format) == (folder / "data" / "train.json", "llava")
    assert dataset.splits == {"train": ("train.json",), "val": ("val.json",)}
    assert read.outputs == {"html": folder / "report.html", "sarif": folder / "mmcheck.sarif"}
    described = {line.partition(":")[0] for line in WHOLE.splitlines() if not line.startswith(" ")}
    assert described == set(schema("config")["properties"])


def test_pyproject_says_the_same(folder: Path) -> None:
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "x"\n[tool.mmcheck]\nrules = ["rules/ours.yaml"]\nfail_on = "warning"\n'
        '[tool.mmcheck.params]\nleast = 4\n[[tool.mmcheck.datasets]]\npath = "one"\n[tool.other]\nfail_on = 3\n'
    )
    read = config.read(folder / "pyproject.toml", named=False)
    assert (read.fail_on, dict(read.rules.params), read.datasets[0].path) == ("warning", {"least": 4}, folder / "one")


def test_the_nearest_one_is_found(folder: Path) -> None:
    (folder / "pyproject.toml").write_text("[tool.other]\n")
    assert config.find(folder / "one") is None
    (folder / "mmcheck.yaml").write_text("fail_on: error\n")
    assert config.find(folder / "one") == folder / "mmcheck.yaml"
    (folder / "one" / "pyproject.toml").write_text("[tool.mmcheck]\n")
    assert config.find(folder / "one") == folder / "one" / "pyproject.toml"


MISTAKES = {
    WHOLE.replace("fail_on: error", "fail_onn: error"): (10, "did you mean 'fail_on'"),
    WHOLE.replace("fail_on: error", "fail_on: eror"): (10, "did you mean 'error'"),
    WHOLE.replace("format: llava", "fromat: llava"): (12, "did you mean 'format'"),
    WHOLE.replace("rules/ours.yaml", "rules/our.yaml"): (1, "there is no rules file"),
    WHOLE.replace("formats/", "formatz/"): (8, "there is no folder"),
    WHOLE.replace("[MM060]", "MM060"): (4, "a list is needed here"),
    WHOLE.replace("report.html", "../report.html"): (13, "lies outside"),
    WHOLE.replace("mmcheck-baseline.json", "/tmp/b.json"): (9, "lies outside"),
    WHOLE.replace("{ignore: [LV002]}", "{select: [LV002]}"): (7, "unknown key 'select'"),
    "rules: [": (1, "not YAML"),
    "- rules": (1, "a configuration is a mapping"),
}


@pytest.mark.parametrize(("text", "expected"), MISTAKES.items(), ids=range(len(MISTAKES)))
def test_a_mistake_is_told_with_its_line(folder: Path, text: str, expected: tuple[int, str]) -> None:
    path = folder / "mmcheck.yaml"
    path.write_text(text)
    with pytest.raises(RequestError) as refused:
        config.read(path, named=False)
    assert f"{path}:{expected[0]}: " in str(refused.value)
    assert expected[1] in str(refused.value)


def test_a_mistake_in_toml_is_told_with_its_line(folder: Path) -> None:
    path = folder / "pyproject.toml"
    path.write_text('[tool.mmcheck]\nselect = ["MM"]\nparms = {}\n')
    with pytest.raises(RequestError, match=r"pyproject.toml:3: unknown key 'parms' \(did you mean 'params'"):
        config.read(path, named=False)
    path.write_text("[tool.mmcheck]\nselect = [\n")
    with pytest.raises(RequestError, match=r"pyproject.toml:\d: not TOML"):
        config.read(path, named=False)


def test_all_datasets_are_checked_with_one_summary(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (folder / "mmcheck.yaml").write_text("datasets: [{path: one}, {path: two, rules: [rules/ours.yaml]}]\n")
    code, (one, two) = results(capfd)
    assert (code, one["verdict"], two["verdict"]) == (1, "pass", "fail")
    assert (one["dataset"]["path"], failed(two)) == ("one", ["PX001"])
    assert run(["check"]) == 1
    assert "1 of 2 datasets pass" in capfd.readouterr().out


def test_the_command_line_wins(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (folder / "mmcheck.yaml").write_text(
        "rules: [rules/ours.yaml]\nparams: {least: 5}\nselect: [PX]\nfail_on: never\n"
        "severity: {PX001: warning}\ndatasets: [{path: one}]\n"
    )
    code, [one] = results(capfd)
    assert (code, failed(one), one["totals"]["warnings"]) == (0, ["PX001"], 1)
    assert results(capfd, "--fail-on", "warning")[0] == 1
    assert failed(results(capfd, "--param", "least=1")[1][0]) == []
    assert failed(results(capfd, "--select", "MM")[1][0]) == []
    assert failed(results(capfd, "one")[1][0]) == ["PX001"]


def test_without_a_path_and_without_datasets(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["check"]) == 2
    assert "PATH is needed: no mmcheck.yaml was found" in capfd.readouterr().err
    (folder / "mmcheck.yaml").write_text("fail_on: error\n")
    assert run(["check"]) == 2
    assert "names no datasets" in capfd.readouterr().err
    assert run(["check", "--config", "absent.yaml"]) == 3


def test_outputs_are_written_beside_the_report(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (folder / "mmcheck.yaml").write_text("outputs: {json: result.json}\ndatasets: [{path: one}]\n")
    assert run(["check"]) == 0
    assert "PASS" in capfd.readouterr().out
    assert json.loads((folder / "result.json").read_text())["verdict"] == "pass"


@pytest.mark.parametrize("pattern", ["one/*", "*/train.json", "train.json"])
def test_rules_that_do_not_look_at_some_files(folder: Path, capfd: pytest.CaptureFixture[str], pattern: str) -> None:
    """Below the configuration's folder or below the dataset's root; ids count for other files all the same."""
    (folder / "mmcheck.yaml").write_text(
        f"rules: [rules/ours.yaml]\nper_path: {{'{pattern}': {{ignore: [text-too-short, MM001]}}}}\n"
    )
    _, [one] = results(capfd, "one")
    assert failed(one) == []
    assert results(capfd, "one", "--select", "PX")[1][0]["totals"]["errors"] == 0


def test_per_path_is_per_file(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (folder / "mmcheck.yaml").write_text(
        "rules: [rules/ours.yaml]\nper_path: {'one/*': {ignore: [PX001, MM030]}}\nparams: {least: 3}\n"
    )
    (folder / "two" / "train.json").write_text((folder / "one" / "train.json").read_text())
    code, [whole] = results(capfd, "one/train.json", "two/train.json", "--as-one")
    assert [(each["rule"], each["file"]) for each in whole["findings"] if each["severity"] != "info"] == [
        ("MM030", "two/train.json"),
        ("PX001", "two/train.json"),
    ]
    assert code == 1


def test_splits_are_the_users_to_name(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (folder / "one" / "rest.json").write_text((folder / "two" / "train.json").read_text())
    (folder / "mmcheck.yaml").write_text("datasets: [{path: one, splits: {val: [rest.json]}}]\n")
    _, [one] = results(capfd, "--split", "val")
    assert [file["file"] for file in one["dataset"]["files"] if file["role"] == "samples"] == ["rest.json"]


@pytest.fixture
def python_rule(folder: Path) -> Path:
    """A rule in Python, whose module leaves a mark when it is imported."""
    (folder / "rules" / "code.yaml").write_text(
        "rules:\n  - {code: PX002, name: code, severity: error, table: turns, python: 'marking:expr'}\n"
    )
    (folder / "rules" / "marking.py").write_text(
        f"import pathlib, polars\npathlib.Path({str(folder / 'mark')!r}).touch()\nexpr = polars.col('turn') >= 0\n"
    )
    (folder / "mmcheck.yaml").write_text("rules: [rules/code.yaml]\ndatasets: [{path: one}]\n")
    return folder / "mark"


def test_a_configuration_that_was_found_never_runs_code(
    python_rule: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MMCHECK_ALLOW_PYTHON", raising=False)
    for command in (["check"], ["check", "one"], ["hook", "one/train.json"], ["test", "rules/code.yaml"]):
        assert run(command) == 2
        assert "--allow-python" in capfd.readouterr().err
        assert not python_rule.exists()


@pytest.mark.parametrize("how", ["option", "environment", "named"])
def test_code_runs_where_it_is_permitted(
    python_rule: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    if how == "environment":
        monkeypatch.setenv("MMCHECK_ALLOW_PYTHON", "1")
    more = {"option": ["--allow-python"], "environment": [], "named": ["--config", "mmcheck.yaml"]}[how]
    assert run(["check", *more]) == 0
    assert "PASS" in capfd.readouterr().out


def test_one_configuration_for_datasets_of_several_formats(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What is said of the rules of another format or profile is passed over; what no rule has is refused."""
    text = (
        "select: [MM, AR, PX]\nignore: [WC001]\nseverity: {AR001: warning}\nparams: {part_types: [text], least: 4}\n"
        "per_path: {'*.csv': {ignore: [YK]}}\nrules: [rules/ours.yaml]\ndatasets: [{path: one}]\n"
    )
    (folder / "mmcheck.yaml").write_text(text)
    code, [one] = results(capfd)
    assert (code, failed(one)) == (1, ["PX001"])
    for word, wrong in (("AR,", "ARR,"), ("WC001", "WC999"), ("AR001:", "AR999:"), ("part_types", "part_tipes")):
        (folder / "mmcheck.yaml").write_text(text.replace(word, wrong))
        assert run(["check"]) == 2
        assert wrong.strip(",:") in capfd.readouterr().err
    (folder / "mmcheck.yaml").write_text("select: [AR]\ndatasets: [{path: one}]\n")
    assert run(["check"]) == 2  # nothing would be checked
    (folder / "mmcheck.yaml").write_text("params: {max_pixels: [1]}\ndatasets: [{path: one}]\n")
    assert run(["check"]) == 2
    assert "the parameter max_pixels is int, not [1]" in capfd.readouterr().err
