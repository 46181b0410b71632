"""Writes beside the target and renames at the end: a run that is killed leaves nothing or the whole."""

from __future__ import annotations

import errno
import glob
import os
import re
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmcheck.errors import OpenError, RequestError, Terminated

#: What follows a target's name in a temporary one: what stands beside it, the process, and what it is.
_LEFT = re.compile(r"(|_media|\.rejected\.jsonl|\.mmcheck\.json|\.findings\.jsonl|\.yaml)\.(\d{1,9})\.(partial|old)")


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


def clear(target: Path) -> None:
    """Take away what runs that were killed left beside a target, and give back what one of them had moved aside."""
    for path in target.parent.glob(f".{glob.escape(target.name)}*"):
        found = _LEFT.fullmatch(path.name.removeprefix("." + target.name))
        if found is None or _alive(int(found[2])):
            continue
        whose = target.with_name(target.name + found[1])
        if found[3] == "old" and not whose.exists():
            os.rename(path, whose)
        elif path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


@contextmanager
def replacing(target: Path, *, folder: bool = False, optional: bool = False) -> Iterator[Path]:
    """A temporary name beside `target` to write to, renamed to it where the block ends well, else removed.

    Where nothing was written to an `optional` one, what was there before is removed. A folder that is optional is to
    be made by whoever writes to it.

    Raises OpenError where the disk is full or refuses.
    """
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        if folder and not optional:
            partial.mkdir()
        yield partial
        if optional and not partial.exists():
            if target.is_dir():
                shutil.rmtree(target)
            else:
                target.unlink(missing_ok=True)
        elif partial.is_dir() or target.is_dir():
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


@contextmanager
def stoppable() -> Iterator[None]:
    """Within it SIGTERM unwinds as Ctrl-C does, so that what is half written is taken away."""

    def interrupt(number: int, frame: object) -> None:
        raise Terminated(number)

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def told(error: OSError, target: Path) -> str:
    """What the disk refused, in words."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk is full: {target} was not written, and what was there before is as it was"
    if error.errno == errno.EFBIG:
        return f"{target} was not written: the system allows no file of its size (ulimit -f)"
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
