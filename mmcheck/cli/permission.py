"""Whether rules may run Python: said on the command line, in the environment, or in a configuration that was named."""

from __future__ import annotations

import os


def permitted(allow_python: bool, *, config_named: bool = False) -> bool:
    """True for --allow-python, MMCHECK_ALLOW_PYTHON=1, and a configuration named by --config; never one just found."""
    return allow_python or config_named or os.environ.get("MMCHECK_ALLOW_PYTHON") == "1"
