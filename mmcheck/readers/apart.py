"""Parquet and Arrow are read apart: in a light child process, so that a file which makes the reader crash takes nothing
along."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mmcheck.child import Child, Died, dismiss, hire
from mmcheck.errors import OpenError
from mmcheck.limits import Limits
from mmcheck.readers.batch import Batch, Fault, Part, first
from mmcheck.storage import known, learn

_SERVE = "mmcheck.readers.apart:serve"
_END = "end"


def serve(message: tuple[str, Path, tuple[Any, ...], dict[str, Any]]) -> Iterator[Any]:
    """What the child does with a message."""
    what, path, given, entries = message
    learn(entries)
    from mmcheck.readers import arrow, parquet
    from mmcheck.readers.facts import footer

    if what == "parquet":
        yield from parquet.read(path, *given)
    elif what == "arrow":
        yield from arrow.read(path, *given)
    else:
        asked: dict[str, Callable[..., Any]] = {
            "footer": footer,
            "sizes of parquet": parquet.sizes,
            "sizes of arrow": arrow.sizes,
            "schema of parquet": parquet.schema,
            "schema of arrow": arrow.schema,
            "head of parquet": lambda path, block, *most: first(parquet.read(path, block), *most),
            "head of arrow": lambda path, block, *most: first(arrow.read(path, block), *most),
        }
        yield asked[what](path, *given)
    yield _END


def read(
    path: Path, container: str, block: int, limits: Limits, part: Part | None = None, stored: bool = False
) -> Iterator[Batch]:
    """The rows of a file, as they were read in the child. Raises OpenError where the child died of something else.

    With `stored`, large binary cells of Arrow are left in the file where that is possible.
    """
    child = hire(_SERVE)
    sound = False
    given = (block, limits, part, stored) if container == "arrow" else (block, limits, part)
    try:
        yield from _answers(child, (container, path, given))
        sound = True
    except Died as death:
        if not death.crashed:
            raise OpenError(f"{path} was not read to its end: the process that read it {death}") from None
        hint = "the file is damaged, or made to do harm: write it again from its source"
        yield Batch(faults=[Fault("MM003", f"reading the file crashed the reader: it {death}", hint=hint)])
    except OpenError:
        sound = True
        raise
    finally:
        # A reading that is left off in the middle leaves answers behind that nobody will fetch.
        (dismiss if sound else Child.close)(child)


def schema(path: Path, container: str) -> Any:
    """The columns of a Parquet or Arrow file as pyarrow has them. Raises OpenError where it cannot be read."""
    found = ask(f"schema of {container}", path)
    if found is None:
        raise OpenError(f"{path} cannot be read: it made the process that read it crash, so it is damaged or hostile")
    return found


def head(path: Path, container: str, block: int, n: int, most: int) -> list[Any]:
    """The first `n` records, or those of the first `most` batches of `block` bytes; none where the reader crashes."""
    found: list[Any] | None = ask(f"head of {container}", path, block, n, most)
    return found or []


def ask(what: str, path: Path, *given: Any) -> Any:
    """What the footer of a Parquet file says, or the sizes of its parts; None where that makes the reader crash.

    Raises OpenError where the child died of something else, which says nothing of the file.
    """
    child = hire(_SERVE)
    try:
        (found,) = _answers(child, (what, path, given))
    except Died as death:
        child.close()
        if not death.crashed:
            raise OpenError(f"{path} was not read: the process that read it {death}") from None
        return None
    except OpenError:
        dismiss(child)
        raise
    dismiss(child)
    return found


def _answers(child: Child, message: tuple[str, Path, tuple[Any, ...]]) -> Iterator[Any]:
    child.send((*message, known([os.fspath(message[1])])))
    while (answer := child.receive()) != _END:
        yield answer
