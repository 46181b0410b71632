"""`mmcheck init`: a commented configuration, an example rules file, and what pre-commit needs."""

from __future__ import annotations

from pathlib import Path

from mmcheck.cli.options import Parser
from mmcheck.cli.say import say
from mmcheck.errors import OpenError, RequestError

SCHEMAS = "https://mmcheck.dev/schemas/mmcheck"

CONFIG = f"""\
# yaml-language-server: $schema={SCHEMAS}/config/1.json
# What `mmcheck check` checks, and by which rules. Paths are relative to this file; the command line wins.

# Rules files of your own; `mmcheck test rules/ours.yaml` tests them.
rules: [rules/ours.yaml]

# Rules for one model or purpose: qwen2-vl, qwen2.5-vl, llava-1.5, aria, release.
# profile: qwen2-vl

# Only these rules, and not these: codes, names, prefixes or severities.
# select: [MM, LV, PX]
# ignore: [MM060]

# Other severities (error, warning, info, off), and parameters of rules.
# severity: {{MM031: error}}
# params: {{min_side: 56}}

# Rules that do not look at some files.
# per_path: {{"legacy/*.json": {{ignore: [LV002]}}}}

# What is known and does not count: `mmcheck check --write-baseline mmcheck-baseline.json` writes it.
# baseline: mmcheck-baseline.json

# Exit 1 from this severity up: error, warning, info or never.
fail_on: error

# What `mmcheck check` without a path checks.
# datasets:
#   - {{path: data/train.json, format: llava, media_root: images/}}

# Files that are written beside the report on the terminal.
# outputs: {{json: mmcheck.json}}
"""

RULES = f"""\
# yaml-language-server: $schema={SCHEMAS}/rules/1.json
# Rules of your own. `mmcheck tables` shows the tables and their columns, `mmcheck try` tries an expression on your
# data, `mmcheck test` runs the good and bad rows below.
params: {{min_answer: 2}}

rules:
  - code: PX001
    name: answer-too-short
    severity: warning
    table: turns
    when: role IN ('gpt', 'assistant')           # the rows that the rule is about
    expression: LENGTH(TRIM(text)) >= :min_answer # true where a row is fine
    message: "the answer in turn {{turn}} has fewer than {{min_answer}} characters"
    value: text
    hint: write an answer, or drop the record
    docs: An answer of a letter or none teaches the model to say nothing.
    good: [{{role: human, text: What is it?}}, {{role: gpt, text: A red disc.}}]
    bad: [{{role: human, text: What is it?}}, {{role: gpt, text: "."}}]
"""

PRE_COMMIT = """\
repos:
  - repo: local                     # mmcheck as it is installed: pip install mmcheck-datasets
    hooks:
      - id: mmcheck                 # each dataset that holds a changed file, checked once
        name: mmcheck
        entry: mmcheck hook
        language: system
        require_serial: true
      - id: mmcheck-rules           # the good and bad examples of changed rules files
        name: mmcheck rules
        entry: mmcheck test --quiet
        language: system
        files: ^rules/.*\\.yaml$
        require_serial: true
"""


def init_options(parser: Parser) -> None:
    """A folder."""
    parser.add_argument("folder", nargs="?", type=Path, default=Path("."), metavar="DIR", help="where; default: here")
    parser.add_argument("--force", action="store_true", help="overwrite what is there")


def init(folder: Path, force: bool) -> int:
    """Write mmcheck.yaml, rules/ours.yaml and .pre-commit-config.yaml; nothing is overwritten without --force."""
    files = {folder / "mmcheck.yaml": CONFIG, folder / "rules" / "ours.yaml": RULES}
    there = [str(path) for path in files if path.exists()]
    if there and not force:
        raise RequestError(f"{' and '.join(there)} exists already; --force overwrites it")
    hooks = folder / ".pre-commit-config.yaml"
    mine = not hooks.exists()
    for path, text in {**files, **({hooks: PRE_COMMIT} if mine else {})}.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise OpenError(f"{path} cannot be written: {error.strerror}") from None
        print(f"wrote {path}")
    if not mine:
        # Other people's hooks stand there: it is never overwritten.
        say(f"{hooks} exists and is left as it is; add to its repos:\n" + PRE_COMMIT.partition("\n")[2])
    return 0
