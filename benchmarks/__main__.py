"""The command: measure and write, or put the latest results into the README."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks import __doc__ as about
from benchmarks.groups import GROUPS
from benchmarks.measure import ROOT
from benchmarks.plots import write_plots
from benchmarks.session import failed, measure
from benchmarks.size import SIZES
from benchmarks.table import page, write_section

RESULTS = ROOT / "benchmarks" / "results"


def main(words: list[str]) -> int:
    """Run; exit 1 where mmcheck itself could not be measured, 2 where the request is wrong."""
    keys = [*GROUPS, "detection"]
    parser = argparse.ArgumentParser(
        "python -m benchmarks", description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="?", choices=("run", "readme"), default="run")
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--only", default="", metavar="GROUP,…", help=", ".join(keys))
    parser.add_argument(
        "--data", type=Path, default=ROOT / "build" / "bench", metavar="DIR", help="where data are made"
    )
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR", help="where results are written")
    parser.add_argument("--readme", type=Path, default=ROOT / "README.md", metavar="FILE", help=argparse.SUPPRESS)
    given = parser.parse_args(words)
    latest = given.results / "latest.json"
    if given.what == "readme":
        if not latest.is_file():
            parser.error(f"{latest} is not there: run `make bench` first")
        write_section(given.readme, json.loads(latest.read_text(encoding="utf-8")))
        return 0
    only = [key for key in given.only.split(",") if key]
    unknown = sorted({*only} - {*keys})
    if unknown:
        parser.error(f"no group is called {', '.join(unknown)}; there are {', '.join(keys)}")
    results = measure(SIZES[given.size], given.data.resolve(), only)
    given.results.mkdir(parents=True, exist_ok=True)
    latest.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    text = page(results)
    (given.results / "latest.md").write_text(text, encoding="utf-8")
    try:
        write_plots(results, given.results)
    except ImportError:
        print("no plots: matplotlib is not installed (extra `bench`)", file=sys.stderr)
    print(text)
    return 1 if failed(results) else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
