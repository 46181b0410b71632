"""How many failures are too many."""

import pytest

from mmcheck.finding import Severity
from mmcheck.thresholds import exceeds, graded


@pytest.mark.parametrize(
    ("failed", "checked", "threshold", "too_many"),
    [(5, 9, "5", False), (6, 9, "5", True), (1, 1000, "0.1%", False), (2, 1000, "0.1%", True), (1, 3, "0", True)],
)
def test_a_count_or_a_percentage(failed: int, checked: int, threshold: str, too_many: bool) -> None:
    assert exceeds(failed, checked, threshold) is too_many


@pytest.mark.parametrize(
    ("severity", "failed", "warn_above", "error_above", "expected"),
    [
        ("error", 3, None, None, "error"),
        ("error", 3, None, "5", "warning"),
        ("error", 6, None, "5", "error"),
        ("warning", 6, None, "5", "error"),
        ("info", 3, "2", "5", "warning"),
        ("error", 2, "2", "5", "info"),
        ("error", 60, "2", "50%", "error"),
        ("off", 60, "2", "5", "off"),
    ],
)
def test_the_number_of_failures_grades(
    severity: str, failed: int, warn_above: str | None, error_above: str | None, expected: str
) -> None:
    assert graded(Severity(severity), failed, 100, warn_above, error_above) == expected
