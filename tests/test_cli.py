"""The command line: exit codes, one clear sentence, and standard output that carries only what was asked for."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import polars as pl
import pytest

from mmcheck import __version__
from mmcheck import checking as engine
from mmcheck.cli import COMMANDS, run
from mmcheck.resources import folder

EXAMPLES = folder("examples")
GOOD, BAD = EXAMPLES / "llava" / "good", EXAMPLES / "llava" / "bad"
#: Readable JSON that is of no format.
NO_FORMAT = EXAMPLES / "multimeditron-arrow" / "good" / "state.json"
SCHEMA = json.loads((folder("schemas") / "mmcheck" / "result" / "1.json").read_text())

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def mmcheck(capfd: pytest.CaptureFixture[str]) -> Run:
    """One command line: exit code, standard output, standard error."""

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        code = run([str(argument) for argument in arguments])
        return code, *capfd.readouterr()

    return call


def raising(error: BaseException) -> Callable[..., Any]:
    def broken(*_: Any, **__: Any) -> Any:
        raise error

    return broken


# What it answers


@pytest.mark.parametrize("command", [["mmcheck"], [sys.executable, "-m", "mmcheck"]])
def test_version(command: list[str]) -> None:
    if command == ["mmcheck"]:
        command = [str(Path(sys.executable).parent / "mmcheck")]
    done = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"mmcheck {__version__}\n"


def test_version_imports_next_to_nothing() -> None:
    code = "import sys; sys.argv[1:] = ['--version']; from mmcheck.__main__ import main; main(); print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"argparse", "rich", "polars", "msgspec", "numpy"} & set(out.split())


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)], ids=" ".join)
def test_help(mmcheck: Run, command: list[str]) -> None:
    code, out, error = mmcheck(*command, "--help")
    assert code == 0
    assert "usage: mmcheck" in out
    assert not error


def test_the_spellings_of_the_multimeditron_checker(mmcheck: Run) -> None:
    data = EXAMPLES / "multimeditron" / "good"
    token = "<|reserved_special_token_0|>"
    code, out, _ = mmcheck("check", data, "-m", "image", "--num-proc", "1", "--attachment-token", token)
    assert code == 0, out


# The verdict


def test_good_passes(mmcheck: Run) -> None:
    code, out, error = mmcheck("check", GOOD)
    assert (code, error) == (0, "")
    assert out.split()[0] == "PASS"


def test_bad_fails(mmcheck: Run) -> None:
    code, out, error = mmcheck("check", BAD)
    assert (code, error) == (1, "")
    assert out.split()[0] == "FAIL"
    assert "MM020" in out


def test_fail_on(mmcheck: Run) -> None:
    assert mmcheck("check", BAD, "--fail-on", "never")[0] == 0
    assert mmcheck("check", BAD, "--select", "LV002")[0] == 0
    assert mmcheck("check", BAD, "--select", "LV002", "--fail-on", "warning")[0] == 1


@pytest.mark.parametrize("option", ["--quiet", "-q"])
def test_quiet(mmcheck: Run, option: str) -> None:
    code, out, _ = mmcheck("check", GOOD, BAD, option)
    assert code == 1
    assert [line.split()[0] for line in out.splitlines()] == ["PASS", "FAIL"]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_can_be_quiet_has_the_short_option(mmcheck: Run, name: str) -> None:
    _, out, _ = mmcheck(name, "--help")
    assert ("--quiet" in out) == ("-q, --quiet" in out)


# Outputs


def test_json(mmcheck: Run) -> None:
    code, out, error = mmcheck("check", BAD, "-o", "json")
    assert (code, error) == (1, "")
    result = json.loads(out)
    jsonschema.Draft202012Validator(SCHEMA).validate(result)
    assert result["dataset"]["format"] == "llava"
    assert result["verdict"] == "fail"


@pytest.mark.parametrize("example", sorted(path.relative_to(EXAMPLES) for path in EXAMPLES.glob("*/*/")), ids=str)
def test_every_result_is_as_its_schema_says(mmcheck: Run, example: Path) -> None:
    result = json.loads(mmcheck("check", EXAMPLES / example, "-o", "json")[1])
    jsonschema.Draft202012Validator(SCHEMA).validate(result)
    assert result["verdict"] == ("pass" if example.name == "good" else "fail")
    counted: dict[str, int] = {}
    for rule in result["rules"]:
        counted[rule["severity"]] = counted.get(rule["severity"], 0) + rule["failed"]
    totals = result["totals"]
    assert totals["errors"] == counted.get("error", 0)
    assert totals["warnings"] == counted.get("warning", 0)


def test_several_datasets(mmcheck: Run) -> None:
    results = json.loads(mmcheck("check", GOOD, BAD, "-o", "json")[1])
    jsonschema.Draft202012Validator(SCHEMA).validate(results)
    assert results["mmcheck"] == {"results": 1}
    assert [result["verdict"] for result in results["results"]] == ["pass", "fail"]


def test_as_one_is_one_dataset(mmcheck: Run, tmp_path: Path) -> None:
    parts = [tmp_path / name for name in ("a.jsonl", "b.jsonl")]
    for part in parts:
        part.write_text(json.dumps({"id": part.stem, "conversations": [{"from": "human", "value": "Hi"}]}) + "\n")
    result = json.loads(mmcheck("check", *parts, "--as-one", "-o", "json")[1])
    assert [file["file"] for file in result["dataset"]["files"]] == ["a.jsonl", "b.jsonl"]


def test_every_output_at_once(mmcheck: Run, tmp_path: Path) -> None:
    kinds = ("rich", "json", "jsonl", "parquet")
    wanted = [part for kind in kinds for part in ("-o", f"{kind}={tmp_path / kind}")]
    code, out, error = mmcheck("check", BAD, "--max-findings", "1", *wanted)
    assert (code, out) == (1, "")
    assert error.startswith("mmcheck: FAIL")
    result = json.loads((tmp_path / "json").read_text())
    assert len({finding["rule"] for finding in result["findings"]}) == len(result["findings"])
    lines = (tmp_path / "jsonl").read_text().splitlines()
    assert len(pl.read_parquet(tmp_path / "parquet")) == len(lines) > len(result["findings"])
    assert {rule["code"] for rule in result["rules"] if rule["capped"]}
    assert "FAIL" in (tmp_path / "rich").read_text()
    assert len(list(tmp_path.iterdir())) == len(kinds)


def test_a_reader_that_has_seen_enough(tmp_path: Path) -> None:
    command = f"{sys.executable} -m mmcheck check {BAD} -o jsonl | head -n 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1] == "1"
    assert not done.stderr


# Requests that are wrong


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["chek", "x"], "'check'"),
        (["check"], "PATH"),
        (["check", "x", "--frmat", "llava"], "'--format'"),
        (["check", "--frmat=llava", "x"], "'--format'"),
        (["check", "x", "--form", "llava"], "'--format'"),
        (["check", "x", "--format"], "--format"),
        (["--debugg"], "'--debug'"),
        (["formats", "llava", "aria"], "aria"),
        (["check", "x", "--probe", "heder"], "'header'"),
        (["check", "x", "--fail-on", "eror"], "'error'"),
        (["check", "x", "-o", "jsno"], "'json'"),
        (["check", "x", "-o", "pdf"], "rich, json, jsonl, parquet"),
        (["check", "x", "-o", "json=/nowhere/at/all.json"], "no directory"),
        (["check", "x", "-o", "json="], "names no file"),
        (["check", "x", "-o", "json", "-o", "jsonl"], "standard output"),
        (["check", "x", "-j", "many"], "--jobs"),
        (["check", "x", "-j", "0"], "--jobs"),
        (["check", "x", "--param", "novalue"], "NAME=VALUE"),
        (["check", GOOD, "--param", "max_pixel=1"], "'max_pixels'"),
        (["check", GOOD, "--format", "lava"], "'llava'"),
        (["check", GOOD, "--select", "ZZ999"], "ZZ999"),
        (["check", GOOD, "--sample", "some"], "some"),
        (["check", NO_FORMAT], "--format"),
        (["formats", "lava"], "'llava'"),
        (["schema", "multimeditrn"], "'multimeditron'"),
        (["tables", "lava"], "'llava'"),
        (["rules", "--format", "lava"], "'llava'"),
        (["explain", "LV0002"], "'LV002'"),
        (["explain", "media-mising"], "'media-missing'"),
        (["detect", NO_FORMAT], "state.json"),
        (["detect", Path(__file__)], "no record can be read"),
    ],
    ids=lambda value: " ".join(map(str, value))[:60] if isinstance(value, list) else "",
)
def test_a_wrong_request(mmcheck: Run, arguments: list[str], told: str) -> None:
    code, out, error = mmcheck(*arguments)
    assert code == 2, error
    assert not out
    assert error.startswith("mmcheck: ")
    assert told in error
    assert "Traceback" not in error


def test_a_wrong_request_opens_no_output(mmcheck: Run, tmp_path: Path) -> None:
    assert mmcheck("check", GOOD, "--format", "lava", "-o", f"json={tmp_path / 'x'}")[0] == 2
    assert not list(tmp_path.iterdir())


# What goes wrong on the way


def test_a_missing_path(mmcheck: Run, tmp_path: Path) -> None:
    code, out, error = mmcheck("check", tmp_path / "none.json", BAD, "-o", "json", "-o", f"rich={tmp_path / 'report'}")
    assert code == 3
    assert "none.json" in error
    results = json.loads(out)
    jsonschema.Draft202012Validator(SCHEMA).validate(results)
    assert [result["verdict"] for result in results["results"]] == ["incomplete", "fail"]
    assert "INCOMPLETE" in (tmp_path / "report").read_text()


def test_a_fault_of_its_own(mmcheck: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "check", raising(ZeroDivisionError("a\x1bb")))
    code, out, error = mmcheck("check", GOOD, "-o", "json")
    assert code == 3
    assert error == "mmcheck: mmcheck itself failed: ZeroDivisionError: a\\x1bb; run again with --debug\n"
    assert json.loads(out)["verdict"] == "incomplete"
    code, out, error = mmcheck("check", GOOD, "-o", "json", "--debug")
    assert "Traceback" in error
    assert (code, json.loads(out)["verdict"]) == (3, "incomplete")


def test_debug_shows_where_a_request_was_refused(mmcheck: Run) -> None:
    code, _, error = mmcheck("formats", "lava", "--debug")
    assert code == 2
    assert "Traceback" in error


def test_interrupted(mmcheck: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "check", raising(KeyboardInterrupt()))
    assert mmcheck("check", GOOD) == (130, "", "mmcheck: interrupted\n")


def test_an_output_that_cannot_be_written(mmcheck: Run) -> None:
    code, _, error = mmcheck("check", GOOD, "-o", "json=/dev/full")
    assert code == 3
    assert "/dev/full cannot be written" in error


# What it knows


def test_detect(mmcheck: Run) -> None:
    code, out, _ = mmcheck("detect", GOOD)
    assert code == 0
    assert out.startswith("llava@1")
    assert "conversations[].from" in out


@pytest.mark.parametrize("name", sorted(path.parent.name for path in folder("rules").glob("*/1.yaml")))
def test_what_is_known_of_a_format(mmcheck: Run, name: str) -> None:
    assert re.search(rf"^{name} ", mmcheck("formats")[1], re.M)
    assert mmcheck("formats", name)[1].startswith(f"{name}@1")
    jsonschema.Draft202012Validator.check_schema(json.loads(mmcheck("schema", name)[1]))
    assert re.search(r"^samples:", mmcheck("tables", name)[1], re.M)
    assert "MM001" in mmcheck("rules", "--format", name)[1]


def test_every_rule_is_explained(mmcheck: Run) -> None:
    listed = [line.split()[0] for line in mmcheck("rules")[1].splitlines()]
    assert listed == sorted(listed)
    for code in ("MM001", "MM010", "LV002", listed[-1]):
        told, out, _ = mmcheck("explain", code.lower())
        assert told == 0
        assert out.startswith(code)


def test_an_explanation_shows_what_passes_and_fails(mmcheck: Run) -> None:
    out = mmcheck("explain", "speakers-do-not-alternate")[1]
    assert "LV002" in out
    assert "What passes:" in out
    assert "What fails:" in out


def test_demo(mmcheck: Run) -> None:
    code, out, _ = mmcheck("demo")
    assert code == 0
    for example in EXAMPLES.glob("*/*/"):
        assert re.search(rf"(PASS|FAIL) +.*{example.relative_to(EXAMPLES)}", out)


# On a terminal


def test_the_progress_bar_is_on_standard_error_only() -> None:
    code = (
        "import mmcheck.cli.progress as p; p.PATIENCE = p.PACE = 0.0\n"
        f"from mmcheck.cli import run; raise SystemExit(run(['check', {str(GOOD)!r}, '-o', 'json']))"
    )
    ours, theirs = pty.openpty()
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=theirs, check=False)
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert done.returncode == 0, shown
    assert json.loads(done.stdout)["verdict"] == "pass"
    assert "records" in shown
