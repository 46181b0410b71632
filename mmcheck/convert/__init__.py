"""Mappings between formats: each format becomes a document and is made of one; a residue makes round trips exact."""

from __future__ import annotations

from typing import Any, Final

from mmcheck.convert import aria, captions, clips, data_juicer, llava, mimic_it, mmc4, multimeditron
from mmcheck.convert.document import ABSENT, Document, Inexpressible, Options
from mmcheck.convert.residue import Mapping, as_columns, attach, flatten, residue_of, restore

__all__ = ["ABSENT", "HUB", "MAPPINGS", "Document", "Inexpressible", "Options", "convert"]

HUB: Final = "data-juicer"
"""The format whose records have room for what another format needs to be restored."""

#: Every format that can be converted.
MAPPINGS: Final = {
    "aria": Mapping(aria.to_document, aria.from_document),
    "data-juicer": Mapping(data_juicer.to_document, data_juicer.from_document),
    "internvid": Mapping(clips.internvid_to_document, clips.internvid_from_document),
    "llava": Mapping(llava.to_document, llava.from_document, llava.spelt),
    "mimic-it": Mapping(mimic_it.to_document, mimic_it.from_document),
    "mmc4": Mapping(mmc4.to_document, mmc4.from_document),
    "msr-vtt": Mapping(clips.msr_vtt_to_document, clips.msr_vtt_from_document),
    "multimeditron": Mapping(multimeditron.to_document, multimeditron.from_document, multimeditron.spelt),
    "video-chatgpt": Mapping(captions.video_chatgpt_to_document, captions.video_chatgpt_from_document),
    "wavcaps": Mapping(captions.wavcaps_to_document, captions.wavcaps_from_document),
    "youku-mplug": Mapping(clips.youku_to_document, clips.youku_from_document),
}


def convert(
    record: Any,
    source: str,
    target: str,
    options: Options,
    *,
    residue: bool = True,
    flat: bool = False,
    lost: dict[str, int] | None = None,
) -> dict[str, Any]:
    """A record of `source` as a record of `target`. Raises Inexpressible with the reason where it cannot be.

    With `residue` a record of the hub format carries what its own fields do not say. What the target has no place
    for is counted in `lost`, by field.
    """
    if type(record) is not dict:
        raise Inexpressible("the record is no object")
    whole: dict[str, Any] = record
    if source == HUB:
        carried = residue_of(whole)
        if carried is not None and carried["format"] in MAPPINGS and carried["format"] != HUB:
            origin = carried["format"]
            if target == HUB:
                return whole
            whole = restore(whole, carried, MAPPINGS[origin], options)
            if origin == target:
                return whole
            source = origin
    if source == target:
        return whole
    document = MAPPINGS[source].to_document(whole, options)
    if document.beyond and not (residue and target == HUB):
        raise Inexpressible(f"{target} has no place for {document.beyond[0]}")
    if flat:
        flatten(document, whole)
    made = MAPPINGS[target].from_document(document, options)
    if residue and target == HUB:
        return as_columns(attach(made, document, source, whole)) if flat else attach(made, document, source, whole)
    if lost is not None:
        _count_lost(document, made, lost)
    return made


def _count_lost(document: Document, made: dict[str, Any], lost: dict[str, int]) -> None:
    """Count the fields of the source that left no trace in the target's record."""
    home = made.get(document.home) if document.home else None
    below = home if isinstance(home, dict) else {}
    for key, mark in document.template.items():
        if mark in (None, "", [], {}):
            continue
        gone = mark == "@" or not isinstance(mark, str) or mark[:1] != "@" or mark[1:2] == "@"
        if gone and key not in made and not _held(mark) and key not in below:
            lost[key] = lost.get(key, 0) + 1
    if document.id is not ABSENT and "id" not in made and "" not in made:
        lost["id"] = lost.get("id", 0) + 1


def _held(mark: Any) -> bool:
    """Whether texts or media of the document are in this part of the template."""
    from mmcheck.convert.template import is_open

    return mark != "@" and is_open(mark)
