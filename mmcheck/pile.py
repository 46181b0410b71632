"""Rows of keys that may be more than memory holds: beyond a limit they are kept on disk, apart by the key's hash."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from mmcheck.errors import OpenError

#: Rows in memory before a pile goes to disk (about 100 bytes a row), and the parts that it is kept in there: rows of
#: one key are always in one part, so that each part can be judged by itself.
MOST_ROWS = 200_000
PARTS = 64
_LOOSE = 100_000


class Pile:
    """Frames with the columns `_one` and `_two`, the hashes of a key. They are added, then read part by part."""

    def __init__(self, most_rows: int | None = None) -> None:
        self._most = MOST_ROWS if most_rows is None else most_rows
        self._frames: list[pl.DataFrame] = []
        self._rows = 0
        self._written = 0
        self._folder: Path | None = None

    def __len__(self) -> int:
        """How many parts there are: one in memory, or those on disk."""
        return 1 if self._folder is None else PARTS

    @property
    def on_disk(self) -> bool:
        """Whether the pile has gone to disk."""
        return self._folder is not None

    def add(self, frame: pl.DataFrame) -> None:
        """Add rows. Raises OpenError where there is no space for temporary files."""
        if frame.height:
            self._frames.append(frame)
            self._rows += frame.height
        if self._rows > self._most:
            self.spill()

    def extend(self, other: Pile) -> None:
        """Add the rows of another pile."""
        for frame in other._every():
            self.add(frame)

    def map(self, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
        """Change the rows, whose keys stay; what is on disk comes back to memory."""
        self._frames = [change(frame) for frame in self._every()]
        self._rows, self._folder = sum(frame.height for frame in self._frames), None

    def _every(self) -> Iterator[pl.DataFrame]:
        """All rows; those of one key in the order in which they were added."""
        if self._folder is None:
            yield from self._frames
        else:
            yield from (rows for number in range(PARTS) if (rows := self.part(number)).height)

    def __getstate__(self) -> dict[str, Any]:
        """What goes to another process: the rows themselves; the folder goes with this very pile."""
        frames = list(self._every())
        rows = sum(frame.height for frame in frames)
        return {**self.__dict__, "_frames": frames, "_rows": rows, "_folder": None}

    def spill(self) -> None:
        """Move what is in memory to disk."""
        try:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="mmcheck-"))
                weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
            if self._frames:
                whole = pl.concat(self._frames, how="diagonal_relaxed")
                parts = whole.with_columns((pl.col("_one") % PARTS).cast(pl.UInt8).alias("_part"))
                for (part,), rows in parts.partition_by("_part", as_dict=True, include_key=False).items():
                    folder = self._folder / str(part)
                    folder.mkdir(exist_ok=True)
                    rows.write_parquet(folder / f"{self._written:06}.parquet", compression="lz4", statistics=False)
                self._written += 1
        except OSError as error:
            raise OpenError(f"no place for temporary files (TMPDIR): {error.strerror or error}") from None
        self._frames, self._rows = [], 0

    def part(self, number: int) -> pl.DataFrame:
        """The rows of one part, in the order in which they were added; empty, without columns, where it has none."""
        if self._folder is None:
            return pl.concat(self._frames, how="diagonal_relaxed") if self._frames else pl.DataFrame()
        self.spill()
        files = sorted((self._folder / str(number)).glob("*.parquet"))
        frames = [pl.read_parquet(file, memory_map=False) for file in files]
        return pl.concat(frames, how="diagonal_relaxed") if frames else pl.DataFrame()


class Distinct:
    """Counts distinct things by their 64-bit hashes: eight bytes each, and parts add up."""

    def __init__(self) -> None:
        self._hashes: list[pl.Series] = []
        self._compact = 0

    def add(self, hashes: pl.Series) -> None:
        """Take in some hashes."""
        self._hashes.append(hashes)
        if sum(map(len, self._hashes)) > 2 * self._compact + _LOOSE:
            self._hashes = [self._unique()]
            self._compact = len(self._hashes[0])

    def extend(self, other: Distinct) -> None:
        """Take in what another has counted."""
        for hashes in other._hashes:
            self.add(hashes)

    def __len__(self) -> int:
        return len(self._unique())

    def _unique(self) -> pl.Series:
        return pl.concat(self._hashes).unique() if self._hashes else pl.Series([], dtype=pl.UInt64)
