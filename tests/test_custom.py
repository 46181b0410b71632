"""Rules in Python and pandera schemas: rows fail as those of any rule do, in bounded memory; mistakes are exit 2."""

from __future__ import annotations

import json
import pickle
import tracemalloc
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import mmcheck
from mmcheck.cli import run
from mmcheck.custom import Mask
from mmcheck.errors import RequestError

CODE = """\
import polars as pl

no_urls = ~pl.col("text").str.contains("http")
def made(): return pl.col("text").str.len_chars() > 3
def of_table(turns): return pl.col("text").str.len_chars().over("role") > 3
def failing(turns): return turns.filter(pl.col("text").str.contains("http"))
def raises(turns): return turns.select("nothing").filter(pl.col("nothing"))
def raises_late(turns):
    if turns.collect().height:
        raise ValueError("not today")
    return turns
misspelt = pl.col("txt").is_null()
not_boolean = pl.col("text")
three = 3
"""
SCHEMAS = """\
import pandera.polars as pa
import polars as pl

class Turns(pa.DataFrameModel):
    role: str = pa.Field(isin=["human", "gpt"])
    text: str = pa.Field(str_length={"min_value": 3}, nullable=True)

    @pa.dataframe_check
    def not_its_role(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col("text").ne(pl.col("role")))

plain = Turns.to_schema()
class Misspelt(pa.DataFrameModel):
    txt: str
class WrongType(pa.DataFrameModel):
    turn: str
class Unique(pa.DataFrameModel):
    text: str = pa.Field(unique=True)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / f"code_{tmp_path.name}.py").write_text(CODE)
    (tmp_path / f"schemas_{tmp_path.name}.py").write_text(SCHEMAS)
    return tmp_path


def check(folder: Path, kind: str, name: str, texts: list[str | None], more: str = "", **options: Any) -> Any:
    module = f"{'code' if kind == 'python' else 'schemas'}_{folder.name}"
    rules = folder / "ours.yaml"
    rules.write_text(
        f"rules:\n  - {{code: PX001, name: odd-text, severity: error, table: turns, {kind}: '{module}:{name}'{more}}}\n"
    )
    data = folder / "train.jsonl"
    turns = [[{"from": "human", "value": "What?"}, {"from": "gpt", "value": text}] for text in texts]
    data.write_text("".join(json.dumps({"id": f"{n}", "conversations": each}) + "\n" for n, each in enumerate(turns)))
    return mmcheck.check(data, rules=[rules], select=["PX"], **{"allow_python": True} | options)


def rows(report: Any) -> list[tuple[int | None, int | None]]:
    return [(each.row, each.turn) for each in report.findings]


TEXTS: list[str | None] = ["A disc.", "see http://x.org", "ab", "fine"]


@pytest.mark.parametrize(("name", "failing"), [("no_urls", 1), ("made", 2), ("of_table", 2), ("failing", 1)])
def test_a_python_rule(folder: Path, name: str, failing: int) -> None:
    report = check(folder, "python", name, TEXTS)
    assert rows(report) == [(failing, 1)]
    [rule] = [each for each in report.rules if each.code == "PX001"]
    assert (rule.checked, rule.failed, rule.status) == (8, 1, "failed")


def test_when_is_a_mask_for_python_too(folder: Path) -> None:
    report = check(folder, "python", "failing", TEXTS, ", when: role = 'human'")
    [rule] = [each for each in report.rules if each.code == "PX001"]
    assert (rule.checked, rule.failed) == (4, 0)


@pytest.mark.parametrize("name", ["Turns", "plain"])
def test_a_pandera_schema(folder: Path, name: str) -> None:
    report = check(folder, "pandera", name, [*TEXTS, "gpt"], ", message: 'breaks {check}'")
    assert rows(report) == [(2, 1), (4, 1)]
    assert "str_length" in report.findings[0].message and "not_its_role" in report.findings[1].message


def test_a_rule_that_raises_is_an_error_and_no_finding(folder: Path) -> None:
    report = check(folder, "python", "raises_late", TEXTS)
    [rule] = [each for each in report.rules if each.code == "PX001"]
    assert (rule.status, report.exit_code(), report.findings) == ("error", 3, [])


@pytest.mark.parametrize(
    ("kind", "name", "told"),
    [
        ("python", "absent", "has no 'absent'"),
        ("python", "no_url", "did you mean 'no_urls'"),
        ("python", "misspelt", "did you mean 'text'"),
        ("python", "not_boolean", "not boolean"),
        ("python", "three", "not a polars.Expr"),
        ("python", "raises", "fails on the table 'turns'"),
        ("pandera", "Misspelt", "did you mean 'text'"),
        ("pandera", "WrongType", "not String"),
        ("pandera", "Unique", "use unique:"),
        ("pandera", "pl", "no pandera schema"),
    ],
)
def test_what_does_not_fit_is_told_before_anything_is_checked(folder: Path, kind: str, name: str, told: str) -> None:
    with pytest.raises(RequestError) as refused:
        check(folder, kind, name, TEXTS)
    assert told in str(refused.value)
    assert "ours.yaml:2: PX001: " in str(refused.value)


@pytest.mark.parametrize("kind", ["python", "pandera"])
def test_nothing_runs_that_is_not_permitted(folder: Path, kind: str) -> None:
    with pytest.raises(RequestError, match="--allow-python"):
        check(folder, kind, "no_urls", TEXTS, allow_python=False)
    report = check(folder, kind, "no_urls", TEXTS, allow_python=False, ignore=["PX001"])
    assert report.verdict == "pass"  # what is not selected need not be permitted


def test_examples_of_python_rules_are_tested(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    check(folder, "python", "no_urls", TEXTS, ", good: [{text: a}], bad: [{text: 'http://x'}]")
    path = str(folder / "ours.yaml")
    assert run(["test", path]) == 2
    assert run(["test", path, "--allow-python"]) == 0
    capfd.readouterr()


def test_a_mask_can_be_sent_to_another_process() -> None:
    mask = Mask("python", "code:failing", Path("rules"))
    assert pickle.loads(pickle.dumps(mask)) == mask


def test_pandera_is_bounded_where_every_row_fails(folder: Path) -> None:
    """pandera's own failure cases cost a row of objects for each failing row."""
    import pandera.polars as pa

    from mmcheck.custom import _by_pandera

    schema = pa.DataFrameSchema({"text": pa.Column(str, pa.Check.str_length(min_value=9))})
    frame = pl.DataFrame({"text": ["a"] * 300_000})
    tracemalloc.start()
    try:
        judged = _by_pandera(schema, frame)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10 << 20  # not an object a failing row
    assert int((~judged["fine"]).sum()) == 300_000
