"""The README keeps its promises: its commands run, its rules load, its tables are whole."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from mmcheck.cli import COMMANDS, run
from mmcheck.format import names
from mmcheck.reporters import KINDS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMAND_LINES = re.findall(r"^\$ mmcheck (.*)$", README, re.M)


def block(language: str, first: str) -> str:
    """The code block of that language that begins with `first`."""
    blocks: list[str] = re.findall(rf"^```{language}\n(.*?)^```$", README, re.M | re.S)
    return next(each for each in blocks if each.startswith(first))


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that looks like the checkout to the commands, and takes what they write."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "build").mkdir()
    (tmp_path / "ours.yaml").write_text(block("yaml", "# ours.yaml"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_commands(line: str, checkout: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = shlex.split(line)
    code = run(words)
    out, error = capfd.readouterr()
    bad = "examples/llava/bad" in line or "min_side=40" in line
    assert code == int(bad), error
    assert out


def test_python(checkout: Path, capfd: pytest.CaptureFixture[str]) -> None:
    exec(compile(block("python", "import mmcheck"), "README.md", "exec"), {})
    assert capfd.readouterr().out.startswith("fail ")


def test_every_format_is_in_the_table() -> None:
    assert re.findall(r"^\| `([a-z0-9-]+)` \|", README, re.M) == names()


def test_every_output_is_told() -> None:
    told = README[README.index("Outputs (`-o KIND`") :]
    for kind in KINDS:
        assert f"`{kind}`" in told.split("\n\n")[0]


def test_every_command_that_is_told_exists() -> None:
    for text in (README, (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")):
        told = set(re.findall(r"`mmcheck ([a-z]+)", text))
        assert told <= set(COMMANDS)


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_every_file_that_is_told_exists(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#]+)\)", text)
    paths = re.findall(r"`((?:schemas|rules|tests|scripts|docs|mmcheck)/[\w./-]+)`", text)
    for path in [*links, *paths]:
        if "NAME" not in path and "FORMAT" not in path:
            assert (ROOT / path).exists(), path


def test_every_target_that_is_told_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`make ([a-z]+)`", README + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")):
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_the_picture_fetches_nothing() -> None:
    picture = (ROOT / "docs" / "report.svg").read_text(encoding="utf-8")
    assert "FAIL" in picture
    assert not re.search(r"(href|src)=|url\(\s*[\"']?(?!#)|@import", picture)
