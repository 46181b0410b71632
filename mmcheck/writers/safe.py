"""Writes beside the target and renames at the end: a run that is killed leaves nothing or the whole."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmcheck.errors import OpenError, RequestError


def refuse(target: Path, sources: list[Path], *, overwrite: bool) -> None:
    """Raise RequestError where a target may not be written: it is the source, is there already, or has no folder."""
    real = target.resolve()
    for source in sources:
        if real == source.resolve() or real in source.resolve().parents:
            raise RequestError(f"{target} is what is being read: name another target")
    if target.exists() and not overwrite:
        raise RequestError(f"{target} exists already: --overwrite replaces it")
    if not target.parent.is_dir():
        raise RequestError(f"{target} cannot be written: there is no folder {target.parent}")


@contextmanager
def replacing(target: Path, *, folder: bool = False, optional: bool = False) -> Iterator[Path]:
    """A temporary name beside `target` to write to, renamed to it where the block ends well, else removed.

    Where nothing was written to an `optional` one, what was there before is removed.

    Raises OpenError where the disk is full or refuses.
    """
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        if folder:
            partial.mkdir()
        yield partial
        if optional and not partial.exists():
            target.unlink(missing_ok=True)
        elif folder or target.is_dir():
            _replace_folder(partial, target)
        else:
            _flush(partial)
            os.replace(partial, target)
    except OSError as error:
        raise OpenError(told(error, target)) from error
    finally:
        if partial.is_dir():
            shutil.rmtree(partial, ignore_errors=True)
        else:
            partial.unlink(missing_ok=True)


def told(error: OSError, target: Path) -> str:
    """What the disk refused, in words."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk is full: {target} was not written, and what was there before is as it was"
    return f"{target} cannot be written: {error.strerror or error}"


def _flush(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def _replace_folder(partial: Path, target: Path) -> None:
    old = target.with_name(f".{target.name}.{os.getpid()}.old")
    if target.exists():
        os.rename(target, old)
    os.rename(partial, target)
    if old.is_dir():
        shutil.rmtree(old, ignore_errors=True)
    else:
        old.unlink(missing_ok=True)
