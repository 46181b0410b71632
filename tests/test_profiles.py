"""Profiles: rules for one model or purpose, each number with its source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import mmcheck
from mmcheck.cli import run
from mmcheck.errors import RequestError
from mmcheck.ruleset import extended, profiles, read_profile


def dataset(folder: Path, size: tuple[int, int] = (64, 64), **more: Any) -> Path:
    Image.new("RGB", size).save(folder / "a.png")
    turns = [{"from": "human", "value": "<image> What?"}, {"from": "gpt", "value": "A disc."}]
    record = {"id": "1", "image": "a.png", "conversations": turns} | more
    (folder / "train.json").write_text(json.dumps([record]))
    return folder / "train.json"


def codes(path: Path, profile: str, **options: Any) -> list[str]:
    return [each.rule for each in mmcheck.check(path, profile=profile, **options).findings]


def test_there_are_these() -> None:
    assert profiles() == ["aria", "llava-1.5", "qwen2-vl", "qwen2.5-vl", "release"]
    with pytest.raises(RequestError, match="did you mean 'qwen2-vl'"):
        read_profile("qwen2vl")


@pytest.mark.parametrize("name", profiles())
def test_every_number_has_its_source(name: str) -> None:
    for file in extended(read_profile(name)):
        for stanza in file.stanzas:
            assert stanza.source and len(stanza.docs) > 20 and stanza.good and stanza.bad


@pytest.mark.parametrize("name", ["qwen2-vl", "qwen2.5-vl"])
@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((28, 28), []),
        ((27, 64), ["QW001"]),
        ((28, 5599), []),
        ((5600, 28), ["QW002"]),
        ((10, 2001), ["QW001", "QW002"]),
    ],
)
def test_sides_and_ratios(tmp_path: Path, name: str, size: tuple[int, int], expected: list[str]) -> None:
    assert codes(dataset(tmp_path, size), name) == expected


def test_parameters_of_a_profile_are_the_users_to_set(tmp_path: Path) -> None:
    assert codes(dataset(tmp_path, (40, 40)), "qwen2-vl", params={"min_side": "56"}) == ["QW001"]
    assert codes(dataset(tmp_path, (40, 40)), "qwen2-vl", severity={"QW001": "off"}, params={"min_side": "56"}) == []


def test_a_token_budget(tmp_path: Path) -> None:
    path = dataset(tmp_path)
    assert codes(path, "aria") == []
    # 13 + 7 characters are 5 tokens, an image is 256 or 128.
    assert codes(path, "aria", params={"max_tokens": "261"}) == []
    assert codes(path, "aria", params={"max_tokens": "260"}) == ["AT001"]
    assert codes(path, "aria", params={"max_tokens": "260", "image_tokens": "128"}) == []
    assert codes(path, "llava-1.5", params={"max_tokens": "500"}) == ["LA003"]


def test_llava_takes_one_image(tmp_path: Path) -> None:
    turns = [{"from": "human", "value": "<image><image> What?"}, {"from": "gpt", "value": "A disc."}]
    assert codes(dataset(tmp_path, image=["a.png", "a.png"], conversations=turns), "llava-1.5") == ["LA001"]


def test_release(tmp_path: Path) -> None:
    turns = [{"from": "human", "value": "<image> What?"}, {"from": "gpt", "value": "See /home/ada/x.py."}]
    path = dataset(tmp_path, conversations=turns)
    assert sorted(codes(path, "release")) == ["RL001", "RL002", "RL003", "RL006"]
    (tmp_path / "README.md").write_text("---\nlicense: cc-by-4.0\n---\n# Discs\n")
    (tmp_path / "SHA256SUMS").touch()
    assert codes(path, "release") == ["RL006"]
    (tmp_path / "README.md").write_text("# Discs\n")
    assert sorted(codes(path, "release")) == ["RL002", "RL006"]
    (tmp_path / "LICENSE").touch()
    path = dataset(tmp_path, image="/home/ada/a.png")
    found = {each.rule: each.severity for each in mmcheck.check(path, profile="release").findings}
    assert found["RL005"] == "error" and found["MM029"] == "error"


def test_the_command_line_and_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    dataset(tmp_path, (20, 20))
    assert run(["check", "train.json"]) == 0
    assert run(["check", "train.json", "--profile", "qwen2-vl"]) == 1
    (tmp_path / "mmcheck.yaml").write_text("profile: qwen2-vl\ndatasets: [{path: train.json}]\n")
    assert run(["check"]) == 1
    assert run(["check", "--profile", "llava-1.5"]) == 0
    assert run(["check", "--profile", "lava"]) == 2
    assert "QW001" in capfd.readouterr().out


def test_a_rules_file_extends_a_profile(tmp_path: Path) -> None:
    ours = tmp_path / "ours.yaml"
    ours.write_text("extends: [profiles/qwen2.5-vl]\nparams: {min_side: 100}\n")
    assert [each.rule for each in mmcheck.check(dataset(tmp_path), rules=[ours]).findings] == ["QW001"]
