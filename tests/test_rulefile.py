"""A rules file: every mistake is told with file, line and the nearest right spelling."""

from pathlib import Path

import pytest

from mmcheck import rulefile
from mmcheck.errors import RequestError
from mmcheck.finding import Severity
from mmcheck.format import load
from mmcheck.ruleset import build

GOOD = """\
params: {min_side: 28}
severity: {MM060: off}
rules:
  - code: PX001
    name: image-too-small
    severity: error
    table: media
    when: kind = 'image'
    expression: width >= :min_side
    good: [{kind: image, width: 64}]
    bad: [{kind: image, width: 8}]
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "ours.yaml"
    path.write_text(text)
    return path


def test_a_rules_file_is_read(tmp_path: Path) -> None:
    file = rulefile.read(write(tmp_path, GOOD))
    [stanza] = file.stanzas
    assert stanza.code == "PX001" and stanza.severity is Severity.ERROR and stanza.where.endswith("ours.yaml:4")
    assert file.severity == {"MM060": Severity.OFF}  # a bare `off` is a boolean in YAML 1.1
    assert stanza.bad == ({"media": [{"kind": "image", "width": 8}]},)


MISTAKES = {
    "rules: [": (1, "not YAML"),
    GOOD.replace("params:", "parms:"): (1, "did you mean 'params'"),
    GOOD.replace("    when:", "    wen:"): (8, "did you mean 'when'"),
    GOOD.replace("severity: error", "severity: eror"): (6, "did you mean 'error'"),
    GOOD.replace("code: PX001", "code: px1"): (4, "no code"),
    GOOD.replace("name: image-too-small", "name: Image too small"): (5, "no name"),
    GOOD.replace("    table: media\n", ""): (4, "needs 'table'"),
    GOOD.replace("    expression: width >= :min_side\n", ""): (4, "exactly one of"),
    GOOD + "    per: line\n": (12, "row, file or dataset"),
    GOOD + "    unique: [source]\n": (4, "exactly one of"),
    GOOD + GOOD[GOOD.index("  - code") :]: (12, "already used"),
    GOOD + "    code: PX002\n": (12, "stands twice"),
}


@pytest.mark.parametrize(("text", "expected"), MISTAKES.items())
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str, expected: tuple[int, str]) -> None:
    line, says = expected
    with pytest.raises(RequestError) as refused:
        rulefile.read(write(tmp_path, text))
    assert says in str(refused.value)
    assert f"ours.yaml:{line}:" in str(refused.value)


COMPILED = {
    GOOD.replace("width >=", "widht >="): "did you mean 'width'",
    GOOD.replace(":min_side", ":min_sid"): "did you mean 'min_side'",
    GOOD.replace("width >= :min_side", "kind > 3"): "fails",
    GOOD.replace("width >= :min_side", "width"): "not boolean",
    GOOD.replace("width >= :min_side", "(SELECT 1 FROM read_csv('x')) = 1"): "subqueries",
    GOOD.replace("table: media", "table: medai"): "did you mean 'media'",
    GOOD.replace("PX001", "MM010"): "already used",
    GOOD.replace("MM060: off", "MM0600: off"): "did you mean 'MM060'",
}


@pytest.mark.parametrize(("text", "says"), COMPILED.items())
def test_a_rule_that_cannot_run_is_refused_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    file = rulefile.read(write(tmp_path, text))
    with pytest.raises(RequestError) as refused:
        build(load("llava"), [file])
    assert says in str(refused.value)
    assert "ours.yaml:" in str(refused.value)


def test_aliases_cannot_blow_up(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(RequestError, match="alias"):
        rulefile.read(write(tmp_path, "\n".join(lines)))
