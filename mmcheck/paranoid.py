"""The contracts of the tables as pandera schemas, checked at the door of the rule engine (`--paranoid`, and tests)."""

from __future__ import annotations

from collections.abc import Mapping

import pandera.polars as pa
import polars as pl

from mmcheck.contracts import TABLES
from mmcheck.errors import MmcheckError
from mmcheck.expression import dtype


def schema(table: str) -> pa.DataFrameSchema:
    """The contract of a table: types of the columns that every format has, and which of them are never null."""
    return pa.DataFrameSchema(
        {
            column.name: pa.Column(dtype(column.kind), nullable=not column.required, required=column.required)
            for column in TABLES[table].columns
        },
        name=table,
    )


def hold(frames: Mapping[str, pl.DataFrame]) -> None:
    """Raise MmcheckError where a table breaks its contract: a fault of mmcheck, never of the data."""
    for table, frame in frames.items():
        if table in TABLES:
            try:
                # An eager frame: on a lazy one pandera checks the schema alone, and values "pass" unseen.
                schema(table).validate(frame, lazy=True)
            except pa.errors.SchemaErrors as error:
                raise MmcheckError(f"the table {table} breaks its contract: {error}") from None
