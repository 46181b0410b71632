"""What the harnesses share: seeds, mutations of them, and how long to try (`MMCHECK_FUZZ` examples a harness)."""

from __future__ import annotations

import copy
import os
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
REAL = Path(os.environ.get("MMCHECK_REAL_DATA", ROOT.parent / "shared" / "data"))
LONG = "MMCHECK_FUZZ" in os.environ
EXAMPLES = int(os.environ.get("MMCHECK_FUZZ", "60"))

#: Deterministic in the suite; in a long run every time others are tried.
FUZZ = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=not LONG,
    database=None,
    suppress_health_check=list(HealthCheck),
)

_TOKENS = [
    b"\0", b"\xff", b"\xed\xa0\x80", b"\xc0\xaf", b"\xef\xbb\xbf", b"\xff\xfe", b"\n", b"\r", b"\r\n", b'"',
    b"\\", b"'", b"{", b"}", b"[", b"]", b",", b":", b"&a ", b"*a", b"<<", b"!!", b"- ", b"? ", b"NaN", b"-Infinity",
    b"1e999", b"null", b"9" * 30, b"\\ud800", b"\\u0000", b"[" * 120, b"]" * 120, b"\x1b[2J", b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff", b"PAR1", b"ARROW1", b"IEND", b"IDAT",
]  # fmt: skip

_EDIT = st.tuples(
    st.sampled_from(["flip", "put", "insert", "cut", "drop", "repeat", "move"]),
    st.floats(0, 1, exclude_max=True),
    st.floats(0, 1, exclude_max=True),
    st.sampled_from(_TOKENS) | st.binary(max_size=8),
)


def files(*patterns: str, most: int = 40, largest: int = 200_000, real: bool = True) -> list[Path]:
    """Seeds: the project's own examples and test datasets, and real files where there are any; evenly drawn."""
    folders = [ROOT / "examples", ROOT / "tests" / "datasets", ROOT / "rules", *([REAL] if real else [])]
    found = [
        path
        for folder in folders
        for pattern in patterns
        for path in sorted(folder.rglob(pattern))
        if path.is_file() and 0 < path.stat().st_size <= largest
    ]
    return found[:: max(1, len(found) // most)]


def mutated(seeds: Sequence[Path]) -> st.SearchStrategy[tuple[Path, bytes]]:
    """One of the seeds and its bytes after some edits."""
    return st.tuples(st.sampled_from(list(seeds)), st.lists(_EDIT, min_size=1, max_size=6)).map(
        lambda pair: (pair[0], edited(pair[0].read_bytes(), pair[1]))
    )


def edited(data: bytes, edits: list[tuple[str, float, float, bytes]]) -> bytes:
    """The bytes after the edits, each of which has a place and a length as shares of the whole."""
    for what, place, share, token in edits:
        at = int(place * len(data))
        to = min(len(data), at + 1 + int(share**4 * len(data)))
        if what == "flip" and data:
            data = data[:at] + bytes([data[at] ^ (1 << int(share * 8))]) + data[at + 1 :]
        elif what == "put":
            data = data[:at] + token + data[at + len(token) :]
        elif what == "insert":
            data = data[:at] + token + data[at:]
        elif what == "cut":
            data = data[:at]
        elif what == "drop":
            data = data[:at] + data[to:]
        elif what == "repeat":
            data = data[:to] + data[at:to] + data[to:]
        elif what == "move":
            data = data[:at] + data[to:] + data[at:to]
    return data[:1_000_000]


_ATOMS: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 1.0, 1.5, 2**70, -(2**63), "", " ", "a.jpg", "../x", "<image>", "human", "٣", "\0",
    "1", [], {}, [None], [[]], ["a.jpg"], {"": None}, {"type": "image"},
)  # fmt: skip


def changed(value: Any, rng: random.Random, edits: int = 2) -> Any:
    """A copy of a JSON value after some edits somewhere in it."""
    value = copy.deepcopy(value)
    for _ in range(rng.randint(1, edits)):
        places = list(_places(value))
        if not places:
            return rng.choice(_ATOMS)
        parent, key = rng.choice(places)
        what = rng.randrange(6)
        if what == 0:
            del parent[key]
        elif what == 1:
            parent[key] = copy.deepcopy(rng.choice(_ATOMS))
        elif what == 2:
            parent[key] = [parent[key]]
        elif what == 3 and isinstance(parent, dict):
            parent[rng.choice(["extra", key + "s", key.upper(), "__dj__stats__"])] = parent.pop(key)
        elif what == 4 and isinstance(parent, list):
            parent.insert(key, copy.deepcopy(parent[key]))
        else:
            other, its = rng.choice(places)
            parent[key] = copy.deepcopy(other[its])
    return value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict):
        for key in value:
            yield value, key
            yield from _places(value[key])
    elif isinstance(value, list):
        for index in range(len(value)):
            yield value, index
            yield from _places(value[index])
