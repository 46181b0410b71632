"""SQL expressions of rules: parameters bound, vetted by a real SQL parser, type-checked, turned into Polars.

`polars.sql_expr` opens the file in `(SELECT … FROM read_csv('…'))` while it parses, so an expression is vetted before
Polars sees it: no subqueries, no table functions, no aliases, and only functions on the list below.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mmcheck.contracts import Kind
from mmcheck.dialect import reworded
from mmcheck.errors import RequestError, nearest

if TYPE_CHECKING:
    import polars as pl

#: Functions of Polars SQL that look at nothing but their arguments.
FUNCTIONS = frozenset(
    (
        "abs", "acos", "acosd", "array_contains", "array_get", "array_length", "array_lower", "array_max",
        "array_mean", "array_min", "array_reverse", "array_sum", "array_to_string", "array_unique", "array_upper",
        "asin", "asind", "atan", "atan2", "avg", "bit_and", "bit_count", "bit_length", "bit_or", "bit_xor", "cast",
        "cbrt", "ceil", "ceiling", "char_length", "character_length", "coalesce", "concat", "concat_ws", "contains",
        "cos", "cosd", "cot", "count", "date", "date_part", "degrees", "dense_rank", "div", "ends_with", "exp",
        "first", "first_value", "floor", "greatest", "if", "ifnull", "initcap", "lag", "last", "last_value", "lead",
        "least", "left", "length", "ln", "log", "log10", "log1p", "log2", "lower", "ltrim", "max", "md5",
        "median", "min", "mod", "nullif", "octet_length", "pi", "position", "pow", "power", "quantile_cont",
        "quantile_disc", "radians", "rank", "regexp_like", "replace", "reverse", "right", "round", "row_number",
        "rtrim", "sign", "sin", "sind", "split_part", "sqrt", "starts_with", "stddev", "stddev_pop",
        "stddev_samp", "string_to_array", "strpos", "strptime", "substr", "substring", "sum", "tan", "tand",
        "timestamp", "trim", "try_cast", "upper", "var_pop", "var_samp", "variance",
    )
)  # fmt: skip


#: Longer or deeper expressions take more stack than the parsers have; whole lists of values fit into either.
LONGEST, DEEPEST = 20_000, 100
#: How many calls of REPLACE may stand in one another, and how long the text may be that each one puts in.
REPLACED, REPLACEMENT = 3, 20

#: A word, a string, a quoted name, a parameter (`:name`, not the cast `::type`).
_LEXEME = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|(?<!:):([A-Za-z_]\w*)|::", re.DOTALL)

_ODD = re.compile(r"--|/\*|[$`;\\]|\b[eEnNuUbBxX]&?'")


def parameters(sql: str) -> set[str]:
    """The names of the parameters (`:name`) that an expression reads."""
    return {match[1] for match in _LEXEME.finditer(sql) if match[1]}


def bind(sql: str, values: Mapping[str, Any]) -> str:
    """The expression with each `:name` replaced by its value as a literal."""

    def literal(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0]
        if match[1] not in values:
            raise RequestError(f"there is no parameter {match[1]!r}{nearest(match[1], values)}")
        return _literal(values[match[1]])

    return _LEXEME.sub(literal, sql)


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        return "(" + (", ".join(_literal(element) for element in value) or "NULL") + ")"
    return "'" + str(value).replace("'", "''") + "'"


def vet(sql: str, *, aggregate: bool = False, by: Sequence[str] = ()) -> None:
    """Refuse what an expression must not hold. `aggregate` allows bare aggregates, over groups of the columns `by`.

    Raises RequestError, saying what was found.
    """
    import sqlglot
    from sqlglot import exp

    # Two parsers read the expression; what they might read differently (comments, other quotes) is not let in.
    if len(sql) > LONGEST:
        raise RequestError(f"the expression is longer than {LONGEST:,} characters")
    odd = _ODD.search(_LEXEME.sub("''", sql))
    if odd:
        raise RequestError(f"{odd[0]!r} is not allowed in an expression")
    try:
        trees = sqlglot.parse(f"SELECT {sql}", dialect="postgres")
    except RecursionError:
        raise RequestError(f"the expression is nested more than {DEEPEST} levels deep") from None
    except sqlglot.errors.SqlglotError as error:
        raise RequestError(f"the expression is not SQL: {_first_line(error)}") from None
    if len(trees) != 1 or not isinstance(trees[0], exp.Select):
        raise RequestError("an expression is one SQL expression: no ';'")
    select = trees[0]
    beyond = [name for name, value in select.args.items() if value and name not in ("expressions", "kind", "hint")]
    if beyond or len(select.expressions) != 1:
        raise RequestError("an expression is one SQL expression: no FROM, no WHERE, no list")
    tree = select.expressions[0]
    _bounded(tree)
    if tree.find(exp.Query, exp.Table, exp.Command):
        raise RequestError("subqueries are not allowed in an expression")
    if tree.find(exp.Alias):
        raise RequestError("aliases are not allowed in an expression")
    if tree.find(exp.Star) and not tree.find(exp.Count):
        raise RequestError("'*' is only allowed in COUNT(*)")
    for name in _called(sql):
        if name.lower() not in FUNCTIONS:
            raise RequestError(f"the function {name!r} is not allowed{nearest(name.lower(), FUNCTIONS)}")
    for window in tree.find_all(exp.Window):
        partition = {column.name for column in window.args.get("partition_by") or () if isinstance(column, exp.Column)}
        if "sample" not in partition:
            raise RequestError("a window must be PARTITION BY sample: its value would depend on the batch")
    if aggregate:
        _vet_aggregate(tree, by)
    else:
        for call in tree.find_all(exp.AggFunc):
            if not call.find_ancestor(exp.Window):
                raise RequestError(
                    f"{call.sql()} without OVER (PARTITION BY sample) depends on the batch: use aggregate:"
                )


def vet_view(sql: str, tables: Collection[str]) -> None:
    """Refuse a view that is not one SELECT over `tables`: Polars' SQL can read files (`FROM read_csv('…')`).

    Raises RequestError, saying what was found.
    """
    import sqlglot
    from sqlglot import exp

    if len(sql) > LONGEST:
        raise RequestError(f"the view is longer than {LONGEST:,} characters")
    odd = _ODD.search(_LEXEME.sub("''", sql))
    if odd:
        raise RequestError(f"{odd[0]!r} is not allowed in a view")
    try:
        trees = sqlglot.parse(sql, dialect="postgres")
    except RecursionError:
        raise RequestError(f"the view is nested more than {DEEPEST} levels deep") from None
    except sqlglot.errors.SqlglotError as error:
        raise RequestError(f"the view is not SQL: {_first_line(error)}") from None
    if len(trees) != 1 or not isinstance(trees[0], exp.Select):
        raise RequestError("a view is one SELECT")
    _bounded(trees[0])
    named = {common.alias for common in trees[0].find_all(exp.CTE)}
    for table in trees[0].find_all(exp.Table):
        plain = isinstance(table.this, exp.Identifier) and not table.args.get("db")
        if not plain or table.name not in {*tables, *named}:
            raise RequestError(f"a view reads tables of the format, not {table.sql()}{nearest(table.name, tables)}")
    for name in _called(sql):
        if name.lower() not in FUNCTIONS | _VIEW_WORDS:
            raise RequestError(f"the function {name!r} is not allowed{nearest(name.lower(), FUNCTIONS)}")


def _bounded(tree: Any) -> None:
    """Refuse what takes more stack or memory than there is, however short the text that it is made from."""
    from sqlglot import exp

    todo = [(tree, 1, 0)]
    while todo:
        node, depth, replaced = todo.pop()
        if isinstance(node, exp.Replace) or (isinstance(node, exp.Anonymous) and node.name.lower() == "replace"):
            replaced += 1
            new = list(node.iter_expressions())[-1]
            if replaced > REPLACED or not isinstance(new, exp.Literal) or len(new.name) > REPLACEMENT:
                words = (
                    f"at most {REPLACED} of them in one another, each with a literal of up to {REPLACEMENT} characters"
                )
                raise RequestError(f"REPLACE could make texts of any length: {words}")
        if depth > DEEPEST:
            raise RequestError(f"the expression is nested more than {DEEPEST} levels deep")
        todo += [(child, depth + 1, replaced) for child in node.iter_expressions()]


def _vet_aggregate(tree: Any, by: Sequence[str]) -> None:
    """Refuse an aggregate that does not add up over the parts of a dataset, and a column outside of all aggregates."""
    from sqlglot import exp

    known = (exp.Count, exp.Sum, exp.Min, exp.Max, exp.Avg)
    for call in tree.find_all(exp.AggFunc):
        if not isinstance(call, known):
            raise RequestError(f"{call.sql()} does not add up over a dataset: use COUNT, SUM, MIN, MAX or AVG")
    for column in tree.find_all(exp.Column):
        if column.find_ancestor(*known) is None and column.name not in by:
            raise RequestError(f"{column.name!r} stands outside of an aggregate, and the groups are not by it")


def _first_line(error: BaseException) -> str:
    return re.sub(r"\x1b\[\d*m", "", str(error)).splitlines()[0]


#: Words of the language that may stand before a parenthesis without being a function.
_KEYWORDS = frozenset(
    (
        "and", "or", "not", "in", "over", "when", "then", "else", "case", "between", "like", "ilike", "is", "any",
        "some", "all", "as", "by", "partition", "order", "filter", "rlike", "distinct", "from", "end", "varchar",
        "char", "decimal", "numeric", "float",
    )
)  # fmt: skip


_VIEW_WORDS = frozenset(("select", "where", "on", "using", "having", "join", "union", "with"))


def _called(sql: str) -> list[str]:
    """Every word before a parenthesis that is not a keyword, by sqlglot's own tokens."""
    from sqlglot import TokenType
    from sqlglot.tokens import Tokenizer

    tokens = Tokenizer(dialect="postgres").tokenize(sql)
    called = []
    for token, after in itertools.pairwise(tokens):
        word = token.text
        quoted = token.token_type in (TokenType.STRING, TokenType.IDENTIFIER, TokenType.NUMBER)
        if after.token_type is TokenType.L_PAREN and not quoted and re.match(r"\w", word):
            if word.lower() not in _KEYWORDS:
                called.append(word)
        elif after.token_type is TokenType.L_PAREN and token.token_type is TokenType.IDENTIFIER:
            called.append(word)
    return called


def columns_of(sql: str) -> set[str]:
    """The names that an expression reads as columns."""
    import polars as pl

    return set(pl.sql_expr(sql).meta.root_names())


def to_polars(sql: str) -> pl.Expr:
    """The Polars expression of a vetted SQL expression. Raises RequestError."""
    import polars as pl

    try:
        return pl.sql_expr(reworded(sql))
    except RequestError:
        raise
    except pl.exceptions.PolarsError as error:
        told = _first_line(error)
        word = re.search(r"found '?(\w+)'? clause", told)
        reserved = f" ({word[1]!r} is a word of SQL, not a column)" if word else ""
        raise RequestError(f"the expression is not understood: {told}{reserved}") from None
    except BaseException as error:  # a panic in the SQL parser derives from BaseException
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        raise RequestError(f"the expression is not understood: {_first_line(error)}") from None


def about(when: pl.Expr | None) -> pl.Expr:
    """The rows that a rule is about: those where its condition is true."""
    import polars as pl

    return pl.lit(True) if when is None else when.cast(pl.Boolean).fill_null(False)


def outcome(about: pl.Expr | None, expr: pl.Expr | None) -> pl.Expr:
    """True where a row passes, false where it fails, null where the rule is not about it or cannot tell."""
    import polars as pl

    passes = (expr if expr is not None else pl.lit(True)).cast(pl.Boolean)
    return passes if about is None else pl.when(about).then(passes)


_SYNTHETIC: dict[Kind, Any] = {"string": "1", "integer": 1, "number": 1.0, "boolean": True}


def dtype(kind: Kind) -> Any:
    """The Polars type of a contract's kind."""
    import polars as pl

    return {"string": pl.String, "integer": pl.Int64, "number": pl.Float64, "boolean": pl.Boolean}[kind]


def check_type(sql: str, columns: Mapping[str, Kind], table: str) -> None:
    """Refuse an expression with an unknown column, or one that is not boolean on two synthetic rows.

    Planning alone calls `role > 3` boolean, so the expression is evaluated.
    """
    import polars as pl

    expr = to_polars(sql)
    for name in sorted(expr.meta.root_names()):
        if name not in columns:
            raise RequestError(f"the table {table!r} has no column {name!r}{nearest(name, columns)}")
    rows = {name: pl.Series(name, [_SYNTHETIC[kind]] * 2, dtype=dtype(kind)) for name, kind in columns.items()}
    try:
        outcome = pl.DataFrame(rows).select(expr.alias("outcome"))["outcome"]
    except Exception as error:
        raise RequestError(f"the expression fails: {_first_line(error)}") from None
    if outcome.dtype not in (pl.Boolean, pl.Null):
        raise RequestError(f"the expression is {outcome.dtype}, not boolean")
