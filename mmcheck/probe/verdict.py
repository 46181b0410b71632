"""Facts with a verdict: the sentences that several decoders need."""

from __future__ import annotations

from mmcheck.probe.containers import CONTAINERS
from mmcheck.probe.facts import Facts, Limits


def flawed(facts: Facts, defect: str, detail: str) -> Facts:
    """The same facts with a defect, and so not decoded."""
    return facts._replace(defect=defect, detail=detail, decoded=False)


def bomb(facts: Facts, width: int, height: int, limits: Limits, frame: str = "") -> Facts:
    """A picture (or a frame of one, named by `frame`) that claims more pixels than the limit."""
    claim = f"{the(facts.container)} claims {width:,} × {height:,} pixels{frame}"
    return flawed(facts, "bomb", f"{claim}, more than the limit of {limits.max_pixels:,}")


def the(container: str | None) -> str:
    """How a sentence begins that is about a medium: "the GIF picture"."""
    known = CONTAINERS.get(container or "")
    return "the " + (known.words.split(" ", 1)[1] if known else "file")


def words_of(error: BaseException) -> str:
    """What a decoder says, short and on one line, for people."""
    text = " ".join(str(error).split())
    return text[:120] or type(error).__name__
