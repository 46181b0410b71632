"""`mmcheck` and `python -m mmcheck`: answers `--version` at once, hands everything else to the command line."""

from __future__ import annotations

import gc
import os
import signal
import sys
from typing import NoReturn

from mmcheck.errors import Terminated


def main() -> None:
    """Run the command line of this process and exit with its code."""
    asked: list[int] = []
    try:
        _stand_in_for_closed_streams()
        _unwind_when_asked_to_end(asked)
        code = _version() if sys.argv[1:] == ["--version"] else _run()
    except KeyboardInterrupt as stop:
        print(f"mmcheck: {str(stop) or 'interrupted'}", file=sys.stderr)
        code = 130
    if code in (0, 1):  # what was broken off may still have to tidy up, once the collector comes upon it
        gc.freeze()  # to look for cycles in all that Polars imports takes a tenth of a small check
    # On its way up through C the exception may become a plain KeyboardInterrupt.
    sys.exit(128 + asked[0] if code == 130 and asked else code)


def _run() -> int:
    gc.set_threshold(200_000, 20, 50)  # records and modules hold next to no cycles: looking for them took a tenth
    from mmcheck.cli import run

    return run(sys.argv[1:])


def _version() -> int:
    """Print the version: the command line's own imports take ten times as long."""
    from mmcheck import __version__

    try:
        print(f"mmcheck {__version__}", flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0 if isinstance(error, BrokenPipeError) else 3
    return 0


def _stand_in_for_closed_streams() -> None:
    """Where a standard stream was closed, its number would go to the next file, and what is printed into that."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
        if getattr(sys, name) is None:
            stream = os.fdopen(number, "w" if number else "r", encoding="utf-8", closefd=False)
            setattr(sys, name, stream)


def _unwind_when_asked_to_end(asked: list[int]) -> None:
    """Let SIGTERM and SIGHUP remove what is half-written, as Ctrl-C does; what nohup ignores stays ignored.

    The number of the signal that comes is added to `asked`.
    """
    own = os.getpid()

    def end(number: int, _: object) -> NoReturn:
        if os.getpid() != own:  # a forked child has nothing to tidy up
            os._exit(128 + number)
        asked.append(number)
        raise Terminated(number)

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, end)


if __name__ == "__main__":
    main()
