"""Rows of keys that may be more than memory holds: beyond a limit they are kept on disk, apart by the key's hash."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterator
from typing import IO, Any

import polars as pl

from mmcheck.errors import OpenError

#: Rows in memory before a pile goes to disk (some 40 bytes each), and the parts that it is kept in there: rows of one
#: key are always in one part, so that each part can be judged by itself.
MOST_ROWS = 50_000
PARTS = 16


class Pile:
    """Frames with a column `_one`, a hash of each row's key. They are added, then read part by part."""

    def __init__(self, most_rows: int | None = None) -> None:
        self._most = MOST_ROWS if most_rows is None else most_rows
        self._frames: list[pl.DataFrame] = []
        self._rows = 0
        self._file: IO[bytes] | None = None
        self._places: list[list[tuple[int, int]]] = []

    def __len__(self) -> int:
        """How many parts there are: one in memory, or those on disk."""
        return 1 if self._file is None else PARTS

    @property
    def on_disk(self) -> bool:
        """Whether the pile has gone to disk."""
        return self._file is not None

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
        self._rows, self._file, self._places = sum(frame.height for frame in self._frames), None, []

    def _every(self) -> Iterator[pl.DataFrame]:
        """All rows; those of one key in the order in which they were added."""
        if self._file is None:
            yield from self._frames
        else:
            yield from (rows for number in range(PARTS) if (rows := self.part(number)).height)

    def __getstate__(self) -> dict[str, Any]:
        """What goes to another process: the rows themselves, in one piece; the file goes with this very pile."""
        frames = [whole] if (whole := _joined(list(self._every()))).height else []
        return {**self.__dict__, "_frames": frames, "_rows": whole.height, "_file": None, "_places": []}

    def spill(self) -> None:
        """Move what is in memory to disk."""
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="mmcheck-")  # noqa: SIM115  # it lives as long as the pile
                self._places = [[] for _ in range(PARTS)]
            if not self._frames:
                return
            numbered = _joined(self._frames).with_columns((pl.col("_one") % PARTS).cast(pl.UInt8).alias("_part"))
            self._frames, self._rows = [], 0
            for (number,), rows in numbered.partition_by("_part", as_dict=True, include_key=False).items():
                data = io.BytesIO()
                rows.write_ipc_stream(data, compat_level=pl.CompatLevel.newest())  # hashes do not shrink
                at = self._file.seek(0, io.SEEK_END)
                self._file.write(data.getbuffer())
                self._places[number].append((at, data.tell()))
        except OSError as error:
            raise OpenError(f"no place for temporary files (TMPDIR): {error.strerror or error}") from None

    def of(self, keys: pl.Series) -> pl.DataFrame:
        """The rows whose `_one` is among the keys."""
        numbers = (keys % PARTS).unique() if self.on_disk else range(1)
        parts = (part for number in numbers if (part := self.part(number)).width)
        return _joined([part.filter(pl.col("_one").is_in(keys.implode())) for part in parts])

    def part(self, number: int) -> pl.DataFrame:
        """The rows of one part, in the order in which they were added; empty, without columns, where it has none."""
        if self._file is None:
            return _joined(self._frames)
        if self._frames:
            self.spill()
        frames = []
        for at, size in self._places[number]:
            self._file.seek(at)
            frames.append(pl.read_ipc_stream(io.BytesIO(self._file.read(size))))
        return _joined(frames)


def _joined(frames: list[pl.DataFrame]) -> pl.DataFrame:
    if not frames:
        return pl.DataFrame()
    return frames[0] if len(frames) == 1 else pl.concat(frames, how="diagonal_relaxed")


class Distinct:
    """Counts distinct things by their 64-bit hashes; parts add up."""

    def __init__(self) -> None:
        self._pile = Pile()

    def add(self, hashes: pl.Series) -> None:
        """Take in some hashes."""
        self._pile.add(pl.DataFrame({"_one": hashes.unique()}))

    def extend(self, other: Distinct) -> None:
        """Take in what another has counted."""
        self._pile.extend(other._pile)

    def __len__(self) -> int:
        parts = (self._pile.part(number) for number in range(len(self._pile)))
        return sum(part["_one"].n_unique() for part in parts if part.width)
