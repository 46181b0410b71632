"""Rules in Python: `module:function` and pandera schemas `module:Schema`, run only where the user permits it."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmcheck.contracts import Kind
from mmcheck.errors import RequestError, nearest
from mmcheck.expression import dtype

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

#: How a user permits Python; a configuration that was merely found may be a stranger's.
PERMISSION = "--allow-python, MMCHECK_ALLOW_PYTHON=1, or a configuration that --config names"


@dataclass(frozen=True, slots=True)
class Mask:
    """A rule that Python judges, row by row: `of` is what the reference names, `beside` the rules file's folder.

    It holds names only, so that another process can be sent it.
    """

    of: str
    reference: str
    beside: Path

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        """`fine` (true, false, null) for each row, and `check`, the words for what failed."""
        found = _resolve(self.reference, self.beside)
        return _by_pandera(_schema(found), frame) if self.of == "pandera" else _by_function(found, frame)


def python_rule(reference: str, beside: Path, columns: Mapping[str, Kind], table: str) -> tuple[pl.Expr | None, Mask]:
    """A `python:` stanza ready to run: the expression that it names or gives, or None where it takes the table.

    Raises RequestError where it cannot be imported, reads an unknown column or is of another kind.
    """
    import polars as pl

    found = _resolve(reference, beside)
    if callable(found) and not isinstance(found, pl.Expr):
        if any(each.default is each.empty for each in inspect.signature(found).parameters.values()):
            mask = Mask("python", reference, beside)
            _rehearse(mask, columns, table)
            return None, mask
        found = _called(found, reference)
    if not isinstance(found, pl.Expr):
        raise RequestError(f"{reference} is {type(found).__name__}, not a polars.Expr or a function of a LazyFrame")
    for name in found.meta.root_names():
        if name not in columns:
            raise RequestError(f"{reference}: the table {table!r} has no column {name!r}{nearest(name, columns)}")
    outcome = _empty(columns).select(found.alias("outcome"))["outcome"]
    if outcome.dtype not in (pl.Boolean, pl.Null):
        raise RequestError(f"{reference} is {outcome.dtype}, not boolean")
    return found, Mask("python", reference, beside)


def pandera_rule(reference: str, beside: Path, columns: Mapping[str, Kind], table: str) -> tuple[Mask, set[str]]:
    """A `pandera:` stanza ready to run, and the columns that it reads. Raises RequestError where it does not fit."""
    schema = _schema(_resolve(reference, beside))
    if schema.unique or any(column.unique for column in schema.columns.values()):
        raise RequestError(f"{reference} asks for unique values, which a part of the table cannot tell: use unique:")
    if schema.parsers or any(column.parsers for column in schema.columns.values()):
        raise RequestError(f"{reference} has parsers, which change the data: a rule only looks at it")
    empty = _empty(columns)
    for name, column in schema.columns.items():
        if column.regex:
            continue
        if name not in columns and column.required:
            raise RequestError(f"{reference}: the table {table!r} has no column {name!r}{nearest(name, columns)}")
        if name in columns and column.dtype is not None and not column.coerce:
            wanted = column.dtype.type
            if empty.schema[name] != wanted:
                raise RequestError(f"{reference}: {name!r} is {empty.schema[name]} in {table!r}, not {wanted}")
    mask = Mask("pandera", reference, beside)
    _rehearse(mask, columns, table)
    whole = bool(schema.checks) or any(column.regex for column in schema.columns.values())
    return mask, {name for name in columns if whole or name in schema.columns}


def _rehearse(mask: Mask, columns: Mapping[str, Kind], table: str) -> None:
    """Run on an empty table: what does not fit it is told before anything is checked."""
    try:
        mask(_empty(columns))
    except RequestError:
        raise
    except Exception as error:
        raise RequestError(f"{mask.reference} fails on the table {table!r}: {_words(error)}") from None


def _empty(columns: Mapping[str, Kind]) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(schema={name: dtype(kind) for name, kind in columns.items()})


def _by_function(function: Callable[[Any], Any], frame: pl.DataFrame) -> pl.DataFrame:
    """A function of the table gives an expression, or the rows that fail with their `_row`."""
    import polars as pl

    numbered = frame.with_row_index("_row")
    given = function(numbered.lazy())
    nothing = pl.lit(None, pl.String).alias("check")
    if isinstance(given, pl.Expr):
        return frame.select(given.cast(pl.Boolean).alias("fine"), nothing)
    rows = given.collect() if isinstance(given, pl.LazyFrame) else given
    if not isinstance(rows, pl.DataFrame) or "_row" not in rows.columns:
        raise RequestError("a function of the table gives a polars.Expr, or the rows that fail with their column _row")
    return numbered.select((~pl.col("_row").is_in(rows["_row"].implode())).alias("fine"), nothing)


def _by_pandera(schema: Any, frame: pl.DataFrame) -> pl.DataFrame:
    """Each check of the schema in one pass over the rows; nothing is built a failing row."""
    import polars as pl

    parts: list[pl.Series] = []
    words: list[str] = []
    lazy = frame.lazy()
    for name, column in schema.columns.items():
        names = [each for each in frame.columns if pl.Series([each]).str.contains(name)[0]] if column.regex else [name]
        for each in names:
            if each not in frame.columns:
                continue
            if not column.nullable:
                parts.append(frame[each].is_not_null())
                words.append(f"{each} is null")
            for check in column.checks:
                parts.append(_output(check(lazy, each), frame.height))
                words.append(f"{each}: {check.error or check.name}")
    for check in schema.checks:
        parts.append(_output(check(lazy), frame.height))
        words.append(str(check.error or check.name))
    if not parts:
        return frame.select(pl.lit(True).alias("fine"), pl.lit(None, pl.String).alias("check"))
    judged = pl.DataFrame([part.alias(str(number)) for number, part in enumerate(parts)])
    first = pl.coalesce([pl.when(~pl.col(str(number))).then(pl.lit(word)) for number, word in enumerate(words)])
    return judged.select(pl.all_horizontal(pl.all()).alias("fine"), first.alias("check"))


def _output(result: Any, height: int) -> pl.Series:
    """What a check says of every row; one answer for the whole table is an answer for each of its rows."""
    import polars as pl

    collected = result.check_output.collect() if isinstance(result.check_output, pl.LazyFrame) else result.check_output
    series: pl.Series = collected.to_series()
    return series if series.len() == height else pl.repeat(bool(series.all()), height, dtype=pl.Boolean, eager=True)


def _schema(found: Any) -> Any:
    try:
        import pandera.polars as pandera
    except ImportError:
        raise RequestError("pandera is not installed: pip install 'mmcheck-datasets[pandera]'") from None
    if isinstance(found, pandera.DataFrameSchema):
        return found
    if isinstance(found, type) and issubclass(found, pandera.DataFrameModel):
        return found.to_schema()
    raise RequestError(f"{found!r} is no pandera schema of pandera.polars")


@cache
def _resolve(reference: str, beside: Path) -> Any:
    """What `module:name` names; modules are looked for beside the rules file first."""
    module_name, _, path = reference.partition(":")
    with _on_path(beside):
        try:
            found: Any = import_module(module_name)
        except Exception as error:
            raise RequestError(f"the module {module_name!r} cannot be imported: {_words(error)}") from None
    for name in path.split("."):
        if not hasattr(found, name):
            raise RequestError(f"{module_name!r} has no {name!r}{nearest(name, dir(found))}")
        found = getattr(found, name)
    return found


def _called(function: Callable[[], Any], reference: str) -> Any:
    try:
        return function()
    except Exception as error:
        raise RequestError(f"{reference} raised {_words(error)}") from None


def _words(error: BaseException) -> str:
    told = str(error).splitlines()
    return f"{type(error).__name__}: {told[0]}" if told else type(error).__name__


@contextmanager
def _on_path(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder.resolve()))
    try:
        yield
    finally:
        sys.path.remove(str(folder.resolve()))
