"""`mmcheck` and `python -m mmcheck`: answers `--version` at once, hands everything else to the command line."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line of this process and exit with its code."""
    if sys.argv[1:] == ["--version"]:  # the command line's own imports take ten times as long
        from mmcheck import __version__

        print(f"mmcheck {__version__}")
        return
    try:
        from mmcheck.cli import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
