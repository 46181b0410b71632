"""A comparison of two results, for people on a terminal, as Markdown, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from mmcheck.comparison import Comparison, RuleChange
from mmcheck.finding import Finding
from mmcheck.reporters.data import encode
from mmcheck.reporters.markdown import code, escape
from mmcheck.reporters.summary import place
from mmcheck.reporters.text import clean, plural

#: How many findings are shown of either side.
EXAMPLES = 10


def to_json(comparisons: Sequence[Comparison]) -> str:
    """The comparison as JSON; of several datasets as a list of them."""
    documents = [each.to_dict() for each in comparisons]
    several = {
        "mmcheck": {"comparisons": 1},
        "worse": any(each.worse for each in comparisons),
        "comparisons": documents,
    }
    return encode(documents[0] if len(documents) == 1 else several).decode() + "\n"


def text(comparisons: Sequence[Comparison]) -> str:
    """The comparison for a terminal."""
    return "\n".join(_text(each) for each in comparisons)


def markdown(comparisons: Sequence[Comparison]) -> str:
    """The comparison as Markdown."""
    return "\n".join(_markdown(each) for each in comparisons)


def word(comparison: Comparison) -> str:
    """WORSE, BETTER or NOT WORSE."""
    if comparison.worse:
        return "WORSE"
    better = any(rule.change == "better" for rule in comparison.rules)
    return "BETTER" if better and not any(rule.change == "worse" for rule in comparison.rules) else "NOT WORSE"


def _head(comparison: Comparison) -> str:
    old, new = comparison.old, comparison.new
    return f"{old.verdict.upper()} → {new.verdict.upper()}"


def _totals(comparison: Comparison) -> list[str]:
    return [
        f"{name.replace('_', ' ')} {old:,} → {new:,}" + (f" ({new - old:+,})" if new != old else "")
        for name, (old, new) in comparison.totals().items()
        if old or new
    ]


def _text(comparison: Comparison) -> str:
    old, new = comparison.old, comparison.new
    lines = [f"{word(comparison)}  {clean(old.path)} → {clean(new.path)}: {_head(comparison)}"]
    lines += [f"  {each}" for each in _totals(comparison)]
    if comparison.rules:
        lines += ["", "Rules"]
        lines += [
            f"  {rule.change:13} {clean(rule.code)} {clean(rule.name)}  {_counts(rule)}" for rule in comparison.rules
        ]
    for title, findings in (("New findings", comparison.new_findings), ("Gone findings", comparison.gone_findings)):
        if findings:
            lines += ["", f"{title} ({len(findings):,})"]
            lines += [f"  {place(each)}  {clean(each.rule)}  {clean(each.message)}" for each in findings[:EXAMPLES]]
            lines += [f"  … and {len(findings) - EXAMPLES:,} more"] if len(findings) > EXAMPLES else []
    if comparison.statistics:
        lines += ["", "Statistics that moved"]
        lines += [
            f"  {clean(each.name)}  {each.distance:.0%} of it: {clean(each.old)} → {clean(each.new)}"
            for each in comparison.statistics
        ]
    lines += ["", *(f"note: {clean(note)}" for note in comparison.notes)] if comparison.notes else []
    return "\n".join([*lines, ""])


def _markdown(comparison: Comparison) -> str:
    old, new = comparison.old, comparison.new
    lines = [f"## {word(comparison)}: {_head(comparison)}", "", f"{code(old.path)} → {code(new.path)}", ""]
    lines += [f"- {escape(each)}" for each in _totals(comparison)]
    if comparison.rules:
        lines += ["", "| rule | name | severity | change | failed | of |", "|---|---|---|---|--:|--:|"]
        for rule in comparison.rules:
            cells = [code(rule.code), escape(rule.name), rule.severity, rule.change]
            cells += [f"{rule.old_failed:,} → {rule.new_failed:,}", f"{rule.old_checked:,} → {rule.new_checked:,}"]
            lines.append(f"| {' | '.join(cells)} |")
    for title, findings in (("New findings", comparison.new_findings), ("Gone findings", comparison.gone_findings)):
        if findings:
            lines += ["", f"### {title} ({len(findings):,})", "", *map(_item, findings[:EXAMPLES])]
            rest = len(findings) - EXAMPLES
            lines += [f"- and {plural(rest, 'more', 'more')}"] if rest > 0 else []
    if comparison.statistics:
        lines += ["", "### Statistics that moved", "", "| what | by | before | after |", "|---|--:|---|---|"]
        for each in comparison.statistics:
            cells = [escape(each.name), f"{each.distance:.0%}", escape(each.old), escape(each.new)]
            lines.append(f"| {' | '.join(cells)} |")
    lines += ["", *(f"- {escape(note)}" for note in comparison.notes)] if comparison.notes else []
    return "\n".join([*lines, ""])


def _item(finding: Finding) -> str:
    return f"- {code(place(finding))} {code(finding.rule)} {escape(finding.message[:500])}"


def _counts(rule: RuleChange) -> str:
    share = f", of {rule.old_checked:,} → {rule.new_checked:,}" if rule.old_checked or rule.new_checked else ""
    return f"{rule.old_failed:,} → {rule.new_failed:,} failed{share} ({rule.severity})"
