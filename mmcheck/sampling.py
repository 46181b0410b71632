"""`--sample N|P%`: records taken evenly by a seeded hash, the same ones for any number of jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from mmcheck import readers
from mmcheck.dataset import Dataset
from mmcheck.errors import RequestError
from mmcheck.tables import ROW_BITS

SEED = 20_260
_WHOLE = 2**64


@dataclass(frozen=True, slots=True)
class Sampling:
    """A record is taken if the hash of its key is below `limit` (of 2^64)."""

    asked: str
    limit: int

    @classmethod
    def parse(cls, text: str, dataset: Dataset) -> Sampling:
        """From `N` or `P%`. A number is met exactly, for which the records are counted first."""
        number = text.strip()
        try:
            if number.endswith("%"):
                share = float(number[:-1]) / 100
                if not 0 < share <= 1:
                    raise ValueError
                return cls(text, int(share * _WHOLE))
            wanted = int(number)
            if wanted < 1:
                raise ValueError
        except ValueError:
            raise RequestError(f"--sample is a number of records or a percentage, not {text!r}") from None
        return cls(text, _limit(dataset, wanted))

    def keep(self, number: int, row: int) -> bool:
        """Whether the record at `row` of file `number` is taken."""
        return bool(_hash(pl.Series([(number << ROW_BITS) + row], dtype=pl.Int64))[0] < self.limit)

    def to_dict(self) -> dict[str, Any]:
        """What the result tells of the sample."""
        return {"asked": self.asked, "seed": SEED}


def _hash(keys: pl.Series) -> pl.Series:
    return keys.hash(SEED)


def _limit(dataset: Dataset, wanted: int) -> int:
    """The limit below which the hashes of exactly `wanted` records lie."""
    hashes = []
    for number, file in enumerate(dataset.files):
        if file.role != "samples":
            continue
        role = dataset.format.roles[file.role]
        for batch in readers.read(file.path, file.at, document=role.document):
            hashes.append(_hash(pl.Series(batch.rows, dtype=pl.Int64) + (number << ROW_BITS)))
    every = pl.concat(hashes).sort() if hashes else pl.Series([], dtype=pl.UInt64)
    return int(every[wanted]) if wanted < len(every) else _WHOLE
