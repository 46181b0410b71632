"""docs/writing-rules.md and docs/rules.md are true: the session runs as it is written, the rules are the rules."""

from __future__ import annotations

import re
import shlex
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from mmcheck import config
from mmcheck.cli import run
from mmcheck.yaml_lines import load

ROOT = Path(__file__).resolve().parent.parent
GUIDE = (ROOT / "docs" / "writing-rules.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.M | re.S)


def commands(session: str) -> list[tuple[str, list[str], int]]:
    """The command lines of a console block, what each prints (`…` for any lines), and its exit code."""
    found: list[tuple[str, list[str], int]] = []
    for line in session.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], [], 0))
        elif line.startswith("exit "):
            found[-1] = (found[-1][0], found[-1][1], int(line[5:]))
        else:
            found[-1][1].append(line)
    return found


def test_the_session_runs_as_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = []
    for language, file, text in BLOCK.findall(GUIDE):
        if file:
            (tmp_path / file).parent.mkdir(exist_ok=True)
            (tmp_path / file).write_text(text)
        if language != "console":
            continue
        for line, shown, code in commands(text):
            words = shlex.split(line)
            assert words[0] == "mmcheck"
            assert run(words[1:]) == code, line
            out = capfd.readouterr().out
            pattern = "\n".join("*" if each == "…" else each.replace("[", "[[]") for each in shown)
            assert fnmatchcase("\n".join(each.rstrip() for each in out.strip("\n").splitlines()), pattern), out
            ran.append(words[1])
    assert set(ran) == {"init", "test", "try", "check", "explain", "hook"}


def test_the_configuration_that_is_shown_is_one(tmp_path: Path) -> None:
    [text] = [text for language, file, text in BLOCK.findall(GUIDE) if not file and text.startswith("rules: [rules")]
    (tmp_path / "mmcheck.yaml").write_text(text)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "ours.yaml").touch()
    (tmp_path / "formats").mkdir()
    read = config.read(tmp_path / "mmcheck.yaml", named=False)
    assert read.rules.profile == "qwen2-vl" and read.datasets


def test_every_top_key_of_a_rules_file_is_told() -> None:
    told = set(re.findall(r"^\| `(\w+)` \|", GUIDE, re.M))
    assert told == {"extends", "applies_to", "params", "severity", "rules"}
    assert load(ROOT / "rules" / "common.yaml").data.keys() <= told


def test_the_list_of_rules_is_current(capfd: pytest.CaptureFixture[str]) -> None:
    """`mmcheck rules --markdown > docs/rules.md` writes it again."""
    assert run(["rules", "--markdown"]) == 0
    assert capfd.readouterr().out == (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
