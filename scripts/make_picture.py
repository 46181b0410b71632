"""Draw the report of one bad example as docs/report.svg, the picture in the README.

python scripts/make_picture.py
"""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from mmcheck import check
from mmcheck.reporters.terminal import show

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = "examples/llava/bad"
WIDTH = 96


def main() -> None:
    """Check the example and write the picture. Times are left out: they would differ from run to run."""
    report = check(ROOT / EXAMPLE)
    report = replace(report, path=EXAMPLE, run=replace(report.run, seconds=0.0))
    console = Console(file=io.StringIO(), record=True, width=WIDTH, force_terminal=True, markup=False, emoji=False)
    show(report, console)
    svg = console.export_svg(title=f"mmcheck check {EXAMPLE}", unique_id="mmcheck")
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.S)  # a picture fetches nothing
    (ROOT / "docs" / "report.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
