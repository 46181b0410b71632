"""How many failures are too many: `tolerate`, `warn_above` and `error_above`, as counts or percentages."""

from __future__ import annotations

from mmcheck.finding import Severity


def exceeds(failed: int, checked: int, threshold: str) -> bool:
    """Whether `failed` of `checked` rows are more than a threshold: a count (`5`) or a percentage (`0.1%`)."""
    if threshold.endswith("%"):
        return failed * 100 > float(threshold[:-1]) * checked
    return failed > int(threshold)


def graded(severity: Severity, failed: int, checked: int, warn_above: str | None, error_above: str | None) -> Severity:
    """The severity that so many failures have: `severity`, unless a threshold of the rule says otherwise.

    Up to `error_above` failures are at most a warning, up to `warn_above` at most an info; above, they are at least so.
    """
    if severity is Severity.OFF or not failed:
        return severity
    limits = ((Severity.WARNING, Severity.INFO, warn_above), (Severity.ERROR, Severity.WARNING, error_above))
    at_most: Severity = severity
    at_least: Severity = Severity.INFO
    for above, below, threshold in limits:
        if threshold is None:
            continue
        if exceeds(failed, checked, threshold):
            at_least = above
        else:
            at_most = below if below.rank < at_most.rank else at_most
    return at_most if at_most.rank >= at_least.rank else at_least
