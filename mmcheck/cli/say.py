"""What the command line says: messages on standard error, aligned columns on standard output."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence

from mmcheck.reporters.text import clean


def say(message: str) -> None:
    """One message on standard error; further lines are its details."""
    print("mmcheck: " + "\n".join(map(clean, message.splitlines())), file=sys.stderr, flush=True)


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
