"""Tables of a format: views read nothing but tables, and columns have names that SQL reads bare."""

from pathlib import Path

import pytest

from mmcheck.errors import RequestError
from mmcheck.format import load, names
from mmcheck.table_plans import compile_tables, vet

MEDIA = {"media": {"each": "image", "scalar": True, "columns": {"source": "."}}}


@pytest.mark.parametrize("name", names())
def test_shipped_tables_pass_their_own_vetting(name: str) -> None:
    for role in load(name).roles.values():
        vet(role.plans)


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT 0 AS sample, * FROM read_csv('/etc/passwd')", "READ"),
        ("SELECT sample FROM media JOIN read_parquet('x') AS x ON TRUE", "READ"),
        ("SELECT sample FROM (SELECT * FROM read_csv('x')) AS y", "READ"),
        ("SELECT sample FROM medai", "did you mean 'media'"),
        ("SELECT sample FROM '/etc/passwd'", "tables of the format"),
        ("SELECT sample FROM media; DROP TABLE media", "';'"),
        ("DROP TABLE media", "one SELECT"),
        ("SELECT sample, readfile('x') AS y FROM media", "readfile"),
    ],
)
def test_a_view_reads_tables_only(sql: str, says: str) -> None:
    with pytest.raises(RequestError) as refused:
        vet(compile_tables(MEDIA | {"seen": {"sql": sql}}))
    assert says.lower() in str(refused.value).lower()


def test_a_hostile_format_opens_no_file(tmp_path: Path) -> None:
    rules = tmp_path / "rules" / "ours" / "1.yaml"
    rules.parent.mkdir(parents=True)
    (tmp_path / "secret.csv").write_text("sample\n1\n")
    rules.write_text(
        "format: ours\nversion: 1\nroles:\n  samples:\n    tables:\n"
        f"      seen: {{sql: \"SELECT * FROM read_csv('{tmp_path}/secret.csv')\"}}\n"
    )
    with pytest.raises(RequestError, match="tables of the format"):
        load("ours", [tmp_path])


@pytest.mark.parametrize("column", ["from", "end", "a b"])
def test_a_column_that_sql_does_not_read_bare_is_refused(column: str) -> None:
    with pytest.raises(RequestError, match=column):
        vet(compile_tables({"media": {"each": "image", "columns": {column: "."}}}))
