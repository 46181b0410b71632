"""Rows of keys that may be more than memory holds: beyond a limit they are kept on disk, apart by the key's hash."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterator
from typing import IO, Any

import polars as pl

from mmcheck.errors import OpenError

#: Rows in memory before they go to disk (some 40 bytes each), and the parts that a pile is kept in there: rows of one
#: key are always in one part, so that each part can be judged by itself.
MOST_ROWS = 500_000
PARTS = 64
_LOOSE = 100_000
_PLACES = {"sample": pl.Int64, "_line": pl.Int64, "_id": pl.String}


class _Spilled:
    """Frames in a file without a name, which is gone with the process."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="mmcheck-")  # noqa: SIM115  # it lives as long as this

    def write(self, frame: pl.DataFrame) -> tuple[int, int]:
        """Where the frame is, and its size there."""
        data = io.BytesIO()
        frame.write_ipc_stream(data, compat_level=pl.CompatLevel.newest())  # hashes do not shrink
        at = self._file.seek(0, io.SEEK_END)
        self._file.write(data.getbuffer())
        return at, data.tell()

    def read(self, place: tuple[int, int]) -> pl.DataFrame:
        """The frame at a place."""
        self._file.seek(place[0])
        return pl.read_ipc_stream(io.BytesIO(self._file.read(place[1])))


def _no_space(error: OSError) -> OpenError:
    return OpenError(f"no place for temporary files (TMPDIR): {error.strerror or error}")


class Pile:
    """Frames with the columns `_one` and `_two`, the hashes of a key. They are added, then read part by part."""

    def __init__(self, most_rows: int | None = None) -> None:
        self._most = MOST_ROWS if most_rows is None else most_rows
        self._frames: list[pl.DataFrame] = []
        self._rows = 0
        self._spilled: _Spilled | None = None
        self._places: list[list[tuple[int, int]]] = []

    def __len__(self) -> int:
        """How many parts there are: one in memory, or those on disk."""
        return 1 if self._spilled is None else PARTS

    @property
    def on_disk(self) -> bool:
        """Whether the pile has gone to disk."""
        return self._spilled is not None

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
        self._rows, self._spilled, self._places = sum(frame.height for frame in self._frames), None, []

    def _every(self) -> Iterator[pl.DataFrame]:
        """All rows; those of one key in the order in which they were added."""
        if self._spilled is None:
            yield from self._frames
        else:
            yield from (rows for number in range(PARTS) if (rows := self.part(number)).height)

    def __getstate__(self) -> dict[str, Any]:
        """What goes to another process: the rows themselves, in one piece; the file goes with this very pile."""
        frames = [whole] if (whole := _joined(list(self._every()))).height else []
        return {**self.__dict__, "_frames": frames, "_rows": whole.height, "_spilled": None, "_places": []}

    def spill(self) -> None:
        """Move what is in memory to disk."""
        try:
            if self._spilled is None:
                self._spilled = _Spilled()
                self._places = [[] for _ in range(PARTS)]
            if not self._frames:
                return
            numbered = _joined(self._frames).with_columns((pl.col("_one") % PARTS).cast(pl.UInt8).alias("_part"))
            self._frames, self._rows = [], 0
            for (number,), rows in numbered.partition_by("_part", as_dict=True, include_key=False).items():
                self._places[number].append(self._spilled.write(rows))
        except OSError as error:
            raise _no_space(error) from None

    def part(self, number: int) -> pl.DataFrame:
        """The rows of one part, in the order in which they were added; empty, without columns, where it has none."""
        if self._spilled is None:
            return _joined(self._frames)
        if self._frames:
            self.spill()
        return _joined([self._spilled.read(place) for place in self._places[number]])


class Places:
    """Where records stand and what they are called: `_line` and `_id` by `sample`, for the few that are asked for."""

    def __init__(self, most_rows: int | None = None) -> None:
        self._most = MOST_ROWS if most_rows is None else most_rows
        self._frames: list[pl.DataFrame] = []
        self._rows = 0
        self._spilled: _Spilled | None = None
        self._kept: list[tuple[int, int, tuple[int, int]]] = []

    def add(self, frame: pl.DataFrame) -> None:
        """Add rows. Raises OpenError where there is no space for temporary files."""
        if frame.height:
            self._frames.append(frame)
            self._rows += frame.height
        if self._rows > self._most:
            self._spill()

    def extend(self, other: Places) -> None:
        """Add the rows of others."""
        for frame in other._every():
            self.add(frame)

    def map(self, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
        """Change all rows; what is on disk comes back to memory."""
        self._frames = [change(frame) for frame in self._every()]
        self._rows, self._spilled, self._kept = sum(frame.height for frame in self._frames), None, []

    def find(self, samples: pl.Series) -> pl.DataFrame:
        """The rows of some samples."""
        wanted = samples.unique().sort()
        frames = list(self._frames)
        for low, high, place in self._kept:
            if wanted.filter(wanted.is_between(low, high)).len() and self._spilled is not None:
                frames.append(self._spilled.read(place))
        some = [frame.filter(pl.col("sample").is_in(wanted.implode())) for frame in frames]
        return pl.concat([pl.DataFrame(schema=_PLACES), *some]).unique("sample")

    def _every(self) -> Iterator[pl.DataFrame]:
        for _, _, place in self._kept:
            assert self._spilled is not None
            yield self._spilled.read(place)
        yield from self._frames

    def _spill(self) -> None:
        try:
            self._spilled = self._spilled or _Spilled()
            for frame in self._frames:
                low, high = frame["sample"].min(), frame["sample"].max()
                assert isinstance(low, int) and isinstance(high, int)
                self._kept.append((low, high, self._spilled.write(frame)))
            self._frames, self._rows = [], 0
        except OSError as error:
            raise _no_space(error) from None

    def __getstate__(self) -> dict[str, Any]:
        frames = [whole] if (whole := _joined(list(self._every()))).height else []
        return {**self.__dict__, "_frames": frames, "_rows": whole.height, "_spilled": None, "_kept": []}


def _joined(frames: list[pl.DataFrame]) -> pl.DataFrame:
    if not frames:
        return pl.DataFrame()
    return frames[0] if len(frames) == 1 else pl.concat(frames, how="diagonal_relaxed")


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
