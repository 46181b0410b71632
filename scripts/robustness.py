"""Prints docs/robustness.md from what became of the attacks: `pytest --robustness FILE`, then this with FILE."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

OUTCOMES = ("crashes", "hangs", "lost findings", "escapes")
HEAD = """# Robustness

What was tried to make mmcheck crash, hang, lose a finding, or reach out of the folders that it may read. This page is
printed from the results of the tests, by

```sh
pytest --robustness build/robustness.json && python scripts/robustness.py build/robustness.json > docs/robustness.md
```

A number counts the tests in which the thing happened; `·` is what a row does not look out for. What is promised is in
[SECURITY.md](../SECURITY.md), the limits are in [limits.md](limits.md). `make fuzz` tries for longer, with other inputs
every time.
"""


def page(rows: list[dict[str, Any]]) -> str:
    """The page: a table of threats, one of faults, and the sums."""
    parts = [HEAD]
    for kind, title, count in (
        ("threat", "Hostile input", "inputs tried"),
        ("fault", "Faults of the machine", "faults injected"),
    ):
        mine = [row for row in rows if row["kind"] == kind]
        parts.append(f"## {title}\n")
        parts.append("\n".join([*_line(["what", count, *OUTCOMES]), *(_row(row) for row in mine), _sum(mine)]) + "\n")
    skipped = [f"{row['what']} ({row['skipped']})" for row in rows if row["skipped"]]
    if skipped:
        parts.append(f"Could not be tried on this machine: {'; '.join(skipped)}.\n")
    return "\n".join(parts)


def _line(cells: list[str]) -> list[str]:
    return [f"| {' | '.join(cells)} |", "|---|" + "---:|" * (len(cells) - 1)]


def _row(row: dict[str, Any]) -> str:
    found = [f"{row['found'][each]:,}" if each in row["found"] else "·" for each in OUTCOMES]
    return f"| {row['what']} | {row['tried']:,} | {' | '.join(found)} |"


def _sum(rows: list[dict[str, Any]]) -> str:
    tried = sum(row["tried"] for row in rows)
    sums = [sum(row["found"].get(each, 0) for row in rows) for each in OUTCOMES]
    return f"| **all** | **{tried:,}** | {' | '.join(f'**{each:,}**' for each in sums)} |"


if __name__ == "__main__":
    sys.stdout.write(page(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
