"""`mmcheck demo`: the example datasets that ship with mmcheck, good and bad, and what a report looks like."""

from __future__ import annotations

from mmcheck.cli.options import DEBUG


def demo(debug: DEBUG = False) -> int:
    """Check the bundled example datasets and show what a report looks like."""
    raise NotImplementedError
