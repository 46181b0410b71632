"""Expressions of rules: what is refused before Polars sees it, how parameters are bound, what is type-checked."""

import polars as pl
import pytest

from mmcheck import expression
from mmcheck.errors import RequestError
from mmcheck.ruleset import shipped

SOUND = [
    "turn = 0 OR LAG(role) OVER (PARTITION BY sample ORDER BY turn) <> role",
    "role IN ('human', 'gpt')",
    "text LIKE '%select (%'",
    "text = 'a -- b; /* c */ $1 read_csv(''x'')'",
    "CASE WHEN turn = 0 THEN TRUE ELSE FALSE END",
    "MAX(turn) OVER (PARTITION BY sample) = turn",
    "CAST(turn AS VARCHAR) = '0'",
    "turn BETWEEN (0) AND (2)",
    "REGEXP_LIKE(text, '^(a|b)$')",
    "TRIM(text) <> ''",
    "role IS DISTINCT FROM 'user'",
]

HOSTILE = {
    "(SELECT 1 FROM read_csv('/etc/passwd')) = 1": "subqueries",
    "role IN (SELECT role FROM turns)": "subqueries",
    "EXISTS (SELECT 1)": "subqueries",
    "read_csv('x') = 1": "read_csv",
    "read_parquet('x') IS NULL": "read_parquet",
    "turn = 1; DROP TABLE turns": "';'",
    "turn AS other": "aliases",
    "turn = 1 FROM turns": "FROM",
    "turn = 1 -- the rest": "--",
    "turn = /* hidden */ 1": "/*",
    "text = $$x$$": "$",
    "text = E'\\'' OR TRUE": "not allowed",
    "COUNT(*) > 1": "aggregate",
    "turn > AVG(turn)": "aggregate",
    "SUM(turn) OVER (PARTITION BY role) > 1": "PARTITION BY sample",
    "SUM(turn) OVER () > 1": "PARTITION BY sample",
    "COLUMNS('a') = 1": "COLUMNS",
    "*": "'*'",
    "turn, role": "list",
    "turn = ": "not SQL",
    "lenght(text) > 1": "length",
    "\"read_csv\"('x') = 1": "read_csv",
}


@pytest.mark.parametrize("sql", SOUND)
def test_a_sound_expression_is_let_in(sql: str) -> None:
    expression.vet(sql)
    expression.check_type(sql, {"sample": "integer", "turn": "integer", "role": "string", "text": "string"}, "turns")


@pytest.mark.parametrize(("sql", "says"), HOSTILE.items())
def test_a_hostile_expression_is_refused(sql: str, says: str) -> None:
    with pytest.raises(RequestError) as refused:
        expression.vet(sql)
    assert says in str(refused.value)


def test_no_file_is_opened_by_an_expression(tmp_path: object) -> None:
    """The danger is real: Polars itself opens the file; so nothing may reach it unvetted."""
    with pytest.raises(Exception, match="absent"):
        pl.sql_expr("(SELECT 1 FROM read_csv('/absent.csv')) = 1")
        raise AssertionError("Polars has become safe: absent")


@pytest.mark.parametrize("code", [stanza.code for file in shipped() for stanza in file.stanzas if stanza.expression])
def test_shipped_expressions_pass_their_own_vetting(code: str) -> None:
    for file in shipped():
        for stanza in file.stanzas:
            for sql in (stanza.expression, stanza.when):
                if stanza.code == code and sql:
                    expression.vet(expression.bind(sql, file.params))


def test_parameters_are_bound_as_literals_and_never_inside_strings() -> None:
    bound = expression.bind(
        "width >= :least AND role IN :roles AND text <> ':least' AND a::INT = 1 AND b = :flag",
        {"least": 28, "roles": ["it's", 2], "flag": True},
    )
    assert bound == "width >= 28 AND role IN ('it''s', 2) AND text <> ':least' AND a::INT = 1 AND b = TRUE"
    assert expression.bind("x IN :none", {"none": []}) == "x IN (NULL)"


def test_an_unknown_parameter_is_named_with_its_nearest() -> None:
    with pytest.raises(RequestError, match="min_side"):
        expression.bind("width >= :min_sid", {"min_side": 28})


@pytest.mark.parametrize(
    ("sql", "says"),
    [("rol = 'a'", "did you mean 'role'"), ("role > 3", "fails"), ("turn + 1", "not boolean"), ("role", "not boolean")],
)
def test_types_are_checked_on_rows_and_not_in_the_plan_alone(sql: str, says: str) -> None:
    with pytest.raises(RequestError) as refused:
        expression.check_type(sql, {"turn": "integer", "role": "string"}, "turns")
    assert says in str(refused.value)
