"""The value between two formats: labelled chunks of text, media by kind, an id, and what else the record holds."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

KINDS: Final = ("image", "video", "audio")
"""The kinds of media that chunks may hold, in the order of Data-Juicer's lists."""

#: Who speaks, by the labels that the formats use.
SPEAKERS: Final = {
    "human": "user", "user": "user", "q": "user", "gpt": "assistant", "assistant": "assistant", "bot": "assistant",
    "a": "assistant", "system": "system", "developer": "system",
}  # fmt: skip


SPELLINGS: Final = ("eoc", "image", "video", "audio", "placeholder")
"""The options that say how tokens are spelt."""


class _Absent:
    """The value of a key that is not there; null is a value."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent()


class Inexpressible(Exception):
    """The target cannot hold this record: the sentence says why."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a user may choose of a mapping; names that Data-Juicer's converters have mean what they mean there.

    `header` holds the members of a JSON document beside its records. `target_field` is the field of WavCaps that
    describes the recording. `subset_type` is the subset of Youku-mPLUG that is written. `insert_pos` and
    `image_broadcast_pos` are before, after or random (`image_broadcast_pos` also follow); random is drawn from the
    text, so that it is the same every time.
    """

    eoc: str = "<|__dj__eoc|>"
    image: str = "<__dj__image>"
    video: str = "<__dj__video>"
    audio: str = "<__dj__audio>"
    separator: str | None = None
    split_chunk: bool = False
    add_eoc_at_last: bool = True
    str_id: bool = False
    insert_pos: str = "before"
    image_broadcast: bool = False
    image_broadcast_pos: str = "random"
    only_keep_caption: bool = False
    keep_only_first_image: bool = False
    keep_other_fields: bool = True
    add_target_field_token: bool = False
    target_field: str = "caption"
    subset_type: str = "pretrain"
    num_frames: int = 8
    placeholder: str = "<|reserved_special_token_0|>"
    header: Mapping[str, Any] = field(default_factory=dict)

    def unusual(self) -> dict[str, str]:
        """The spellings that are not the usual ones, without which a text cannot be read."""
        return {name: getattr(self, name) for name in SPELLINGS if getattr(self, name) != getattr(USUAL, name)}

    @property
    def tokens(self) -> dict[str, str]:
        """The token of each kind."""
        return {"image": self.image, "video": self.video, "audio": self.audio}

    def end(self, before: str = " ") -> str:
        """What closes a text."""
        return before + self.eoc if self.add_eoc_at_last else ""

    def tokens_in(self, text: Any) -> bool:
        """Whether a text has a token that would be taken for a medium."""
        return isinstance(text, str) and any(token in text for token in self.tokens.values())

    def after(self, text: str, where: str | None = None) -> bool:
        """Whether the tokens of a text's media go behind it."""
        where = where or self.insert_pos
        if where == "random":
            return hashlib.blake2b(text.encode("utf-8", "surrogatepass")).digest()[0] % 2 == 1
        return where == "after"


USUAL: Final = Options()
"""What is chosen where a user chooses nothing."""


@dataclass(slots=True)
class Document:
    """One record, in no format.

    `texts` are the chunks in order, media in them as tokens (`Options.tokens`); `labels` say whose they are, None for
    nobody's. The k-th token of a kind stands for the k-th of `media[kind]`. `extra` holds what is neither.

    `template` is the source record with marks where visible values were (see `template.py`). `leaves` says which
    parts of a chunk are strings of the source, as (start, length); None: every chunk is one.
    `lead`, `heading`, `join` and `end` are what Data-Juicer's text has around the chunks; `home` is the key of its
    record that takes `extra` ("" the record itself); `cut` says where the source's strings are once it is written.
    `beyond` names kinds of media for which there is no token: they are only in the template. `repeated` says how
    often the one image stands in the list; `moved` has the paths that were rewritten for another folder, and what they
    were. `left` names what the text leaves out at the user's wish.
    """

    labels: list[str | None] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    media: dict[str, list[Any]] = field(default_factory=dict)
    template: dict[str, Any] = field(default_factory=dict)
    id: Any = ABSENT
    extra: dict[str, Any] = field(default_factory=dict)
    leaves: list[list[tuple[int, int]]] | None = None
    lead: str = ""
    heading: str = "]]: "
    join: str = "\n"
    pair_join: str | None = None
    end: str = ""
    home: str = ""
    cut: list[int] = field(default_factory=list)
    beyond: list[str] = field(default_factory=list)
    repeated: int = 0
    moved: dict[str, str] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)

    def turns(self) -> Iterator[tuple[str | None, str]]:
        """Label and text of each chunk; the first has the tokens that stand before it."""
        lead = self.lead
        for label, text in zip(self.labels, self.texts, strict=True):
            yield label, lead + text
            lead = ""
        if lead:
            yield None, lead.strip()

    def add_media(self, kind: str, source: Any) -> str:
        """Add a medium; the mark of its place."""
        found = self.media.setdefault(kind, [])
        found.append(source)
        return f"@{kind}{len(found) - 1}"


def plain(text: str, tokens: Mapping[str, str]) -> str:
    """A chunk without the tokens of media and the blank beside each."""
    for token in tokens.values():
        if token in text:
            text = re.sub(rf"{re.escape(token)}[ \n]?|[ \n]{re.escape(token)}$", "", text)
    return text


def split_at_tokens(text: str, tokens: Mapping[str, str]) -> list[tuple[str | None, str]]:
    """A chunk as its pieces: (None, text) and (kind, token), without empty texts."""
    kinds = {token: kind for kind, token in tokens.items()}
    pattern = "(" + "|".join(map(re.escape, kinds)) + ")"
    return [(kinds.get(piece), piece) for piece in re.split(pattern, text) if piece]


def speaker(label: str | None) -> str | None:
    """Who speaks: user, assistant, system; the label itself where that is unknown."""
    return SPEAKERS.get(label, label) if label is not None else None


def alone(document: Document, kind: str, target: str) -> Any:
    """The one medium that a record of `target` has; ABSENT where there is none. Raises Inexpressible."""
    others = sorted(each for each, found in document.media.items() if found and each != kind)
    if others:
        raise Inexpressible(f"{target} has no place for {others[0]}s")
    found = document.media.get(kind) or []
    if len(set(map(repr, found))) > 1:
        raise Inexpressible(f"{target} has one {kind} a record, this record has {len(found)}")
    return found[0] if found else ABSENT
