"""`mmcheck init`, `mmcheck hook`, and both under the real pre-commit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from PIL import Image

from mmcheck.cli import COMMANDS, run

ROOT = Path(__file__).resolve().parent.parent


def write(path: Path, *, image: str = "a.png", answer: str = "A disc.") -> None:
    turns = [{"from": "human", "value": "<image> What?"}, {"from": "gpt", "value": answer}]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([{"id": "1", "image": image, "conversations": turns}]))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configured dataset with its media elsewhere, and one that is not configured."""
    write(tmp_path / "data" / "train.json")
    write(tmp_path / "loose" / "train.json")
    for place in ("images", "loose"):
        (tmp_path / place).mkdir(exist_ok=True)
        Image.new("RGB", (64, 64), (20, 30, 40)).save(tmp_path / place / "a.png")
    (tmp_path / "mmcheck.yaml").write_text("datasets: [{path: data, format: llava, media_root: images}]\n")
    (tmp_path / "package.json").write_text('{"name": "x", "scripts": {}}')
    (tmp_path / "broken.json").write_text("{")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def hooked(capfd: pytest.CaptureFixture[str], *files: str) -> tuple[int, list[str], str]:
    """The exit code, the verdict lines, and what was said on standard error."""
    code = run(["hook", *files])
    out, error = capfd.readouterr()
    lines = [line.split() for line in out.splitlines() if line.startswith((" PASS", " FAIL", " INCOMPLETE"))]
    return code, [" ".join(words[:2]) for words in lines], error


def test_a_dataset_is_checked_once(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (folder / "data" / "more.txt").touch()
    files = ["data/train.json", "images/a.png", "data/more.txt", "mmcheck.yaml", "package.json", "broken.json"]
    assert hooked(capfd, *files)[:2] == (0, ["PASS data"])


def test_a_changed_medium_leads_to_its_dataset(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (folder / "images" / "a.png").write_bytes(b"<html>")
    code, verdicts, _ = hooked(capfd, "images/a.png")
    assert (code, verdicts) == (1, ["FAIL data"])


def test_a_file_of_no_dataset_is_checked_if_it_fits_a_format(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert hooked(capfd, "loose/train.json", "package.json", "broken.json", "loose/a.png")[:2] == (
        0,
        ["PASS loose/train.json"],
    )
    write(folder / "loose" / "train.json", image="b.png")
    assert hooked(capfd, "loose/train.json")[:2] == (1, ["FAIL loose/train.json"])
    assert hooked(capfd, "package.json", "mmcheck.yaml") == (0, [], "")
    assert hooked(capfd)[0] == 0
    assert hooked(capfd, "absent.json")[0] == 3


def test_ten_files_one_word_each(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for number in range(10):
        write(folder / "ten" / f"{number}.json")
    Image.new("RGB", (8, 8)).save(folder / "ten" / "a.png")
    code, verdicts, _ = hooked(capfd, *(f"ten/{number}.json" for number in range(10)))
    assert (code, len(verdicts)) == (0, 10)


def test_the_baseline_and_the_severity_of_the_configuration_count(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write(folder / "data" / "train.json", answer=" ")
    assert hooked(capfd, "data/train.json")[0] == 0
    with (folder / "mmcheck.yaml").open("a") as stream:
        stream.write("fail_on: warning\n")
    assert hooked(capfd, "data/train.json")[0] == 1
    assert run(["check", "--write-baseline", "known.json"]) == 0
    with (folder / "mmcheck.yaml").open("a") as stream:
        stream.write("baseline: known.json\n")
    assert hooked(capfd, "data/train.json")[0] == 0


def test_init_never_overwrites_without_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["init"]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"mmcheck.yaml", "rules", ".pre-commit-config.yaml"}
    assert run(["test", "rules/ours.yaml"]) == 0
    assert run(["check"]) == 2  # names no datasets yet
    (tmp_path / "mmcheck.yaml").write_text("mine")
    (tmp_path / ".pre-commit-config.yaml").write_text("mine")
    assert run(["init"]) == 2
    assert (tmp_path / "mmcheck.yaml").read_text() == "mine"
    assert run(["init", "--force"]) == 0
    assert "mine" not in (tmp_path / "mmcheck.yaml").read_text()
    assert (tmp_path / ".pre-commit-config.yaml").read_text() == "mine"
    assert "entry: mmcheck hook" in capfd.readouterr().err


def test_every_comment_of_the_configuration_is_one(tmp_path: Path) -> None:
    """Each line that is commented out is right once it is not."""
    from mmcheck import config
    from mmcheck.cli.init import CONFIG
    from mmcheck.metaschema import schema

    lines = [line.removeprefix("# ") for line in CONFIG.splitlines() if not line.startswith("# yaml")]
    keys = [line for line in lines if line.partition(":")[0] in schema("config")["properties"] or line[:3] == "  -"]
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "ours.yaml").touch()
    (tmp_path / "mmcheck.yaml").write_text("\n".join(keys))
    read = config.read(tmp_path / "mmcheck.yaml", named=False)
    assert read.datasets and read.rules.per_path and read.baseline and read.outputs


def test_the_hooks_that_others_install() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert [hook["id"] for hook in hooks] == ["mmcheck", "mmcheck-rules"]
    for hook in hooks:
        assert hook["entry"].split()[0] == "mmcheck" and hook["entry"].split()[1] in COMMANDS


def test_under_the_real_pre_commit(folder: Path) -> None:
    """A bad dataset blocks the commit, a good one passes; a rules file whose examples do not behave blocks it too."""
    pytest.importorskip("pre_commit", reason="pre-commit is not installed")
    (folder / "mmcheck.yaml").unlink()
    assert run(["init"]) == 0
    with (folder / "mmcheck.yaml").open("a") as stream:
        stream.write("datasets: [{path: data, media_root: images}]\n")
    here = str(Path(sys.executable).parent)
    environment = os.environ | {
        "PATH": f"{here}:{os.environ['PATH']}", "PRE_COMMIT_HOME": str(folder / ".cache"),
        "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org",
        "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org", "GIT_CONFIG_GLOBAL": os.devnull,
    }  # fmt: skip

    def git(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )

    assert git("init", "-q").returncode == 0
    subprocess.run([f"{here}/pre-commit", "install"], cwd=folder, env=environment, check=True, capture_output=True)
    assert git("add", "data", "images", "mmcheck.yaml", "rules", ".pre-commit-config.yaml").returncode == 0
    done = git("commit", "-m", "good")
    assert done.returncode == 0, done.stderr
    write(folder / "data" / "train.json", image="absent.png")
    git("add", "data")
    done = git("commit", "-m", "bad")
    assert done.returncode == 1
    assert "MM020" in done.stderr + done.stdout
    git("checkout", "HEAD", "data")
    rules = folder / "rules" / "ours.yaml"
    rules.write_text(rules.read_text().replace('text: "."', "text: A red disc."))
    git("add", "rules")
    done = git("commit", "-m", "bad rules")
    assert done.returncode == 1
    assert "no row fails" in done.stderr + done.stdout
