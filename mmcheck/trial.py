"""An expression is tried on the first rows of a table of a dataset, so that a rule can be found by trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from mmcheck.compiling import Rule, Trust, compile_rule
from mmcheck.dataset import open_dataset
from mmcheck.errors import RequestError, nearest
from mmcheck.finding import Severity
from mmcheck.format import Format
from mmcheck.locate import Roots
from mmcheck.media import Prober, Probing, depth_for
from mmcheck.plan import Plan, Shard
from mmcheck.rulefile import Stanza
from mmcheck.ruleset import build, parameters, typed
from mmcheck.storage import absolute
from mmcheck.unfolding import Unfolder


@dataclass(frozen=True, slots=True)
class Trial:
    """The first rows of a table: `rows` with the column `result` (true, false, null; null too where `when` is not)."""

    format: Format
    rule: Rule
    rows: pl.DataFrame
    checked: int
    more: bool


def attempt(
    path: str | Path,
    table: str,
    expression: str,
    *,
    when: str | None = None,
    most: int = 1000,
    format: str | None = None,
    format_path: Sequence[str | Path] = (),
    media_root: str | Path | None = None,
    params: Mapping[str, Any] | None = None,
) -> Trial:
    """Evaluate an expression on the first `most` rows of a table. Raises RequestError for one that cannot run."""
    dataset = open_dataset(path, format=format, format_path=format_path)
    form = dataset.format
    values = parameters(form)
    values |= typed({name: text for name, text in (params or {}).items() if name in values}, values)
    values |= {name: _guessed(text) for name, text in (params or {}).items() if name not in values}
    if not form.columns(table):
        known = form.tables()
        raise RequestError(f"{form.name} has no table {table!r}{nearest(table, known)}: {', '.join(known)}")
    stanza = Stanza("TRY000", "trial", Severity.ERROR, table, "", "the expression", when, expression)
    try:
        rule = compile_rule(stanza, form, Severity.ERROR, values, Trust(own=True))
    except RequestError as error:
        raise RequestError(str(error).removeprefix("the expression: TRY000: ")) from None
    root = absolute(media_root) if media_root is not None else None
    depth = depth_for(set(rule.reads)) if table == "media" else "none"
    probing = Probing(Roots(dataset.root, root, fixed=form.fixed_media_root), depth, digests=True)
    pool = probing.pool(1)
    plan = Plan(dataset.root, form, build(form), dict(form.placeholders), None, probing)
    unfolder = Unfolder(plan, Prober(probing, pool))
    parts: list[pl.DataFrame] = []
    height = 0
    try:
        for number, file in enumerate(dataset.files):
            for frames in unfolder.frames(Shard(number, file)):
                if table in frames and rule.reads <= set(frames[table].columns):
                    parts.append(_judged(frames[table], rule))
                    height += parts[-1].height
                if height > most:
                    break
            if height > most:
                break
    finally:
        if pool is not None:
            pool.close()
    rows = pl.concat(parts, how="diagonal_relaxed") if parts else pl.DataFrame({"result": []}, {"result": pl.Boolean})
    rows = rows.head(most)
    checked = rows["_about"].sum() if "_about" in rows.columns else 0
    return Trial(form, rule, rows, int(checked), height > most)


def _judged(frame: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    about = pl.lit(True) if rule.when is None else rule.when.cast(pl.Boolean).fill_null(False)
    assert rule.expr is not None
    try:
        return frame.with_columns(about.alias("_about"), rule.expr.cast(pl.Boolean).alias("result")).with_columns(
            pl.when(pl.col("_about")).then(pl.col("result")).alias("result")
        )
    except pl.exceptions.PolarsError as error:
        raise RequestError(f"the expression fails on this data: {str(error).splitlines()[0]}") from None


def _guessed(text: Any) -> Any:
    """The value of a parameter that no rule has: a number where it reads as one."""
    for convert in (int, float):
        try:
            return convert(text)
        except (TypeError, ValueError):
            continue
    return text.split(",") if isinstance(text, str) and "," in text else text
