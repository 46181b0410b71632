"""What the command line says: messages on standard error, aligned columns on standard output."""

from __future__ import annotations

import errno
import shutil
import sys
import textwrap
import traceback
from collections.abc import Iterable, Sequence

from mmcheck.errors import MmcheckError
from mmcheck.reporters.text import clean

#: What the machine lacks, which is no fault of the program: space, permission to write, open files, memory.
REFUSALS = frozenset(
    (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO)
)

#: Whether tracebacks are shown; the command line sets it once, before anything else.
debug = False


def say(message: str) -> None:
    """One message on standard error; further lines are its details."""
    print("mmcheck: " + "\n".join(map(clean, message.splitlines())), file=sys.stderr, flush=True)


def sentence(error: Exception) -> str:
    """What is told of an error: its own words, or that the fault is mmcheck's."""
    if isinstance(error, MmcheckError):
        return str(error)
    if isinstance(error, OSError) and error.errno in REFUSALS:
        where = f": {error.filename}" if error.filename else ""
        return f"the system refuses: {error.strerror}{where}"
    words = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"mmcheck itself failed: {words}; run again with --debug"


def exit_code(error: Exception) -> int:
    """The exit code of an error."""
    return error.exit_code if isinstance(error, MmcheckError) else 3


def trace(error: Exception) -> None:
    """The traceback of an error, where --debug asks for it."""
    if debug:
        traceback.print_exception(error)


def columns(rows: Iterable[Sequence[str]], indent: int = 0) -> None:
    """Rows as aligned columns; on a terminal the last column is wrapped to its width, in a pipe a row is a line."""
    table = [tuple(map(clean, row)) for row in rows]
    if not table:
        return
    widths = [max(map(len, column)) for column in zip(*table, strict=True)][:-1]
    left = indent + sum(widths) + 2 * len(widths)
    room = shutil.get_terminal_size().columns - left if sys.stdout.isatty() else 0
    for *cells, last in table:
        head = " " * indent + "".join(cell.ljust(width + 2) for cell, width in zip(cells, widths, strict=True))
        lines = textwrap.wrap(last, room) if room >= 24 else [last]
        print((head + (lines[0] if lines else "")).rstrip())
        for line in lines[1:]:
            print(" " * left + line)


def paragraph(text: str, indent: int = 0) -> None:
    """Text wrapped to the terminal."""
    width = min(shutil.get_terminal_size().columns, 110)
    for line in textwrap.wrap(clean(" ".join(text.split())), max(width - indent, 24)):
        print(" " * indent + line)
