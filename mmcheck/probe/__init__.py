"""A look into one medium: what it is, how large it is, and whether it is sound. Nothing in it makes it raise."""

from __future__ import annotations

from pathlib import Path

from mmcheck.probe.facts import DEFECTS, Depth, Facts, Limits

__all__ = ["DEFECTS", "Depth", "Facts", "Limits", "probe"]


def probe(
    source: Path | bytes | memoryview,
    *,
    kind: str | None = None,
    name: str | None = None,
    depth: Depth = "decode",
    limits: Limits = Limits(),  # noqa: B008  # frozen
) -> Facts:
    """What one medium tells.

    `kind` is what is expected: image, audio, video, or a kind of the user's own, of which anything is accepted that can
    be recognised. `name` is the name whose suffix is judged (default: that of a path). Only regular files are opened.
    Raises OpenError where remote storage cannot be asked.
    """
    from mmcheck.probe.content import look  # the decoders, which a process that has others look does not need

    return look(source, kind, name, depth, limits)
