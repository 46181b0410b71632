"""mmcheck: is a multimodal training dataset sound, before a GPU finds out?

import mmcheck
report = mmcheck.check("data/train.json", format="llava")
report.verdict, report.findings, report.totals
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Finding", "MmcheckError", "OpenError", "Report", "RequestError", "Severity", "check"]

if TYPE_CHECKING:
    from mmcheck.checking import check
    from mmcheck.errors import MmcheckError, OpenError, RequestError
    from mmcheck.finding import Finding, Severity
    from mmcheck.report import Report

_HOMES = {
    "check": "mmcheck.checking",
    "Report": "mmcheck.report",
    "Finding": "mmcheck.finding",
    "Severity": "mmcheck.finding",
    "MmcheckError": "mmcheck.errors",
    "OpenError": "mmcheck.errors",
    "RequestError": "mmcheck.errors",
}


def __getattr__(name: str) -> Any:
    # Polars takes a third of a second to import: `mmcheck --version` must not pay for it.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found = getattr(import_module(_HOMES[name]), name)
    globals()[name] = found
    return found
