"""What many user rules cost: a check of 1,000,000 turns with one rule and with fifty, in turns, medians.

    python benchmarks/many_rules.py [--records 500000] [--rounds 3]

Prints seconds and the ratio; exit 1 where fifty rules cost more than three times one rule.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import mmcheck

MOST = 3.0
#: Kinds of expressions that people write; fifty rules are these with other numbers.
EXPRESSIONS = (
    "LENGTH(text) > {n} - 50",
    "STRPOS(text, 'word{n}') = 0",
    "role IN ('human', 'gpt', 'role{n}')",
    "turn < {n} + 100",
    "NOT STARTS_WITH(text, 'x{n}')",
    "TRIM(text) <> '{n}'",
    "turn = 0 OR LAG(role) OVER (PARTITION BY sample ORDER BY turn) <> role OR turn > {n}",
    "NOT REGEXP_LIKE(text, 'https?://{n}')",
    "COALESCE(LENGTH(text), 0) + turn >= 0 OR turn = {n}",
    "UPPER(role) <> 'ROLE{n}'",
)


def write_rules(path: Path, number: int) -> None:
    """A rules file of `number` rules about turns."""
    lines = ["rules:"]
    for n in range(number):
        text = EXPRESSIONS[n % len(EXPRESSIONS)].format(n=n)
        name = f"rule-{n}"
        lines.append(f'  - {{code: PX{n:03d}, name: {name}, severity: error, table: turns, expression: "{text}"}}')
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_data(path: Path, records: int) -> None:
    """Records of two turns of some ten words."""
    with path.open("w", encoding="utf-8") as stream:
        for n in range(records):
            turns = [
                {"from": "human", "value": f"What does the sign number {n} beside the road to the lake say?"},
                {"from": "gpt", "value": f"It says that the lake is {n % 90} steps away, behind the old mill."},
            ]
            stream.write(json.dumps({"id": str(n), "conversations": turns}) + "\n")


def seconds(data: Path, rules: Path) -> float:
    """One check, only with the user's rules."""
    started = time.perf_counter()
    report = mmcheck.check(data, format="llava", rules=[rules], select=["PX"], jobs=1)
    assert report.verdict == "pass", report.findings[:1]
    return time.perf_counter() - started


def main() -> int:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_data(folder / "train.jsonl", given.records)
        write_rules(folder / "one.yaml", 1)
        write_rules(folder / "fifty.yaml", 50)
        one, fifty = [], []
        for _ in range(given.rounds):
            one.append(seconds(folder / "train.jsonl", folder / "one.yaml"))
            fifty.append(seconds(folder / "train.jsonl", folder / "fifty.yaml"))
    first, many = statistics.median(one), statistics.median(fifty)
    print(f"{2 * given.records:,} turns: one rule {first:.2f} s, fifty rules {many:.2f} s, {many / first:.2f} times")
    return 1 if many > MOST * first else 0


if __name__ == "__main__":
    raise SystemExit(main())
