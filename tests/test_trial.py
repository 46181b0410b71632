"""`mmcheck try`: an expression on the first rows of a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmcheck.cli import run
from mmcheck.errors import RequestError
from mmcheck.resources import folder
from mmcheck.trial import attempt

BAD = folder("examples") / "llava" / "bad"


def test_rows_and_failing_rows_are_shown(capfd: pytest.CaptureFixture[str]) -> None:
    code = run(["try", str(BAD), "--table", "turns", "--when", "role = 'gpt'", "LENGTH(text) > :n", "--param", "n=5"])
    out = capfd.readouterr().out
    assert code == 0
    assert "first rows:" in out and "failing rows:" in out and "FAIL" in out and "pass" in out
    assert "of turns, " in out.splitlines()[-1] and out.splitlines()[-1].endswith("0 unknown")


def test_media_are_looked_at_as_deep_as_the_expression_needs() -> None:
    trial = attempt(BAD, "media", "width > 10")
    assert trial.rows["result"].to_list().count(True) >= 3
    assert not trial.rows["decoded"].any()


def test_only_the_first_rows_are_read() -> None:
    trial = attempt(BAD, "turns", "turn = 0", most=2)
    assert (trial.rows.height, trial.more) == (2, True)
    assert trial.rows["result"].to_list() == [True, False]


@pytest.mark.parametrize(
    ("table", "expression", "told"),
    [
        ("truns", "turn = 0", "did you mean 'turns'"),
        ("turns", "trn = 0", "did you mean 'turn'"),
        ("turns", "turn", "not boolean"),
        ("turns", "turn > :n", "there is no parameter 'n'"),
        ("turns", "(SELECT 1 FROM read_csv('/etc/passwd')) = 1", "subqueries"),
        ("turns", "CAST(text AS INT) > 0", "fails on this data"),
    ],
)
def test_what_cannot_run_is_refused(table: str, expression: str, told: str) -> None:
    with pytest.raises(RequestError) as refused:
        attempt(Path(BAD), table, expression)
    assert told in str(refused.value)
