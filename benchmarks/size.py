"""How much is made and measured: `tiny` for tests, `small` for minutes, `medium` and `full` (hours) for large sizes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """Numbers of things, and of rounds. `lengths` are those of the plot of cost against size."""

    name: str
    records: int
    lengths: tuple[int, ...]
    named_files: int
    images: int
    arrow_rows: int
    sound: int
    damaged_a_kind: int
    rounds: int
    #: What took longer than this in its first run (in which memory is sampled) is not run again.
    slow: float
    #: Seconds after which a rival is stopped, and its row says so.
    most: float


SIZES = {
    size.name: size
    for size in (
        Size("tiny", 200, (100,), 40, 12, 8, 6, 2, rounds=1, slow=0, most=120),
        Size("small", 50_000, (10_000, 100_000, 1_000_000), 20_000, 2_000, 2_000, 300, 50, rounds=3, slow=20, most=600),
        Size(
            "medium",
            1_000_000,
            (10_000, 100_000, 1_000_000),
            20_000,
            36_000,
            20_000,
            300,
            50,
            rounds=3,
            slow=30,
            most=600,
        ),
        Size(
            "full",
            1_000_000,
            (10_000, 100_000, 1_000_000, 10_000_000),
            100_000,
            36_000,
            20_000,
            300,
            50,
            rounds=3,
            slow=120,
            most=3600,
        ),
    )
}
