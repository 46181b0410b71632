"""Mappings between formats: each format becomes a document and is made of one; a residue makes round trips exact."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from mmcheck.convert import aria, captions, clips, data_juicer, llava, mimic_it, mmc4, multimeditron
from mmcheck.convert.document import ABSENT, KINDS, USUAL, Document, Inexpressible, Options
from mmcheck.convert.residue import (
    LISTS,
    Mapping,
    as_columns,
    attach,
    digest_of,
    hide_rest,
    moved_back,
    residue_of,
    restore,
    with_residue,
    with_text_id,
    without_residue,
)
from mmcheck.convert.shape import same

__all__ = [
    "ABSENT",
    "BY_ID",
    "HUB",
    "MAPPINGS",
    "Document",
    "Inexpressible",
    "Options",
    "Place",
    "convert",
    "relocated",
]

HUB: Final = "data-juicer"
"""The format whose records have room for what another format needs to be restored."""

Place = Callable[[str, str, dict[str, Any]], str]
"""Where a medium is, as the target sees it: from its path or name in the source, its kind, and the record."""

OPEN: Final = frozenset(("internvid", "llava", "mmc4", "msr-vtt", "video-chatgpt", "wavcaps"))
"""Formats whose loaders pass over keys that they do not know, so that a record may carry a residue."""

BY_ID: Final = frozenset(("mimic-it",))
"""Formats that name media by ids of a table of their own, which lead nowhere."""

REFERRED_TO: Final = BY_ID | {"msr-vtt"}
"""Formats whose other parts refer to media by the names that records have: these stay as they are."""

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
    place: Place | None = None,
    back: bool = True,
    native: bool = False,
) -> dict[str, Any]:
    """A record of `source` as a record of `target`. Raises Inexpressible with the reason where it cannot be.

    With `residue` a record of the hub format carries what its own fields do not say; `flat` keeps all but the fields
    that every record has out of sight. What the target has no place for is counted in `lost`, by field.
    `place` says where a medium is as the target sees it. With `back`, a record that comes back to its own format has
    the paths that it had. `native` is for files whose records were of the hub from the start: residue is then attached
    only where the plain way back would not lead to the same record.
    """
    if type(record) is not dict:
        raise Inexpressible("the record is no object")
    whole: dict[str, Any] = record
    if source == HUB:
        carried = residue_of(whole)
        if carried is not None and carried["format"] in MAPPINGS and carried["format"] != HUB and target != HUB:
            origin = carried["format"]
            if back and origin == target:
                return restore(moved_back(whole, carried), carried, MAPPINGS[origin], options)
            whole = restore(whole, carried, MAPPINGS[origin], options)
            source = origin
    if source == target:
        return whole if place is None or source in REFERRED_TO else _placed(whole, source, options, place)
    if source != HUB and "meta" in whole:
        carried = residue_of(whole)
        if carried is not None and carried["format"] == HUB:
            whole = without_residue(whole)
            if target == HUB and carried.get("digest") == digest_of(whole):
                original: dict[str, Any] = carried["record"]
                return original
    if target != HUB:
        options = _without_layout(options)
    mapping = MAPPINGS[source]
    document = mapping.to_document(whole, options)
    if document.beyond and not (residue and target == HUB):
        raise Inexpressible(f"{target} has no place for {document.beyond[0]}")
    if flat or (not options.keep_other_fields and target == HUB):
        hide_rest(document, whole)
    if place is not None:
        _place(document, whole, place)
    made = MAPPINGS[target].from_document(document, options)
    if target == HUB:
        if flat or options.str_id:
            made = with_text_id(made)
        if residue and not (native and not flat and _leads_back(made, source, whole, options)):
            made = attach(made, document, source, whole, options)
            return as_columns(made) if flat else made
    elif (
        residue
        and source == HUB
        and target in OPEN
        and not (native and _leads_back(made, target, whole, options, there=False))
    ):
        return with_residue(made, whole)
    if lost is not None:
        _count_lost(document, made, lost)
    return made


def _leads_back(
    made: dict[str, Any], name: str, whole: dict[str, Any], options: Options, *, there: bool = True
) -> bool:
    """Whether the plain way back from `made`, which is of the hub (`there`) or of format `name`, gives the record."""
    mapping = MAPPINGS[name]
    try:
        if there:
            again = mapping.from_document(data_juicer.to_document(made, options), options)
        else:
            again = data_juicer.from_document(mapping.to_document(made, options), options)
    except Inexpressible:
        return False
    return same(again, whole)


def relocated(record: Any, name: str, place: Place) -> Any:
    """A record of a format with its paths rewritten; the record itself where none is."""
    try:
        named = type(record) is dict and name not in REFERRED_TO
        return _placed(record, name, USUAL, place) if named else record
    except Inexpressible:
        return record


def _without_layout(options: Options) -> Options:
    """The options without those that only say how a text of the hub is laid out."""
    usual = (
        options.insert_pos == "before"
        and not options.image_broadcast
        and not options.only_keep_caption
        and not options.add_target_field_token
    )
    if usual:
        return options
    return replace(
        options, insert_pos="before", image_broadcast=False, only_keep_caption=False, add_target_field_token=False
    )


def _place(document: Document, record: dict[str, Any], place: Place) -> None:
    """Rewrite the paths of a document's media."""
    moved: dict[str, str] = {}
    made: dict[str, list[Any]] = {}
    for kind, sources in document.media.items():
        made[kind] = [place(each, kind, record) if type(each) is str else each for each in sources]
        moved |= {new: old for new, old in zip(made[kind], sources, strict=True) if new is not old and new != old}
    if moved:
        document.media, document.moved = made, moved


def _placed(record: dict[str, Any], name: str, options: Options, place: Place) -> dict[str, Any]:
    """A record of the same format with its paths rewritten."""
    if name == HUB:
        moved: dict[str, str] = {}
        for kind, key in zip(KINDS, LISTS, strict=True):
            sources = record.get(key)
            if isinstance(sources, list):
                there = [place(each, kind, record) if isinstance(each, str) else each for each in sources]
                moved |= {new: old for new, old in zip(there, sources, strict=True) if new != old}
                record = {**record, key: there}
        carried = residue_of(record)
        if moved and carried is not None:
            before = carried.get("moved", {})
            carried = {**carried, "moved": {new: before.get(old, old) for new, old in moved.items()}}
            made = {**record, "meta": {**record["meta"], "mmcheck": carried}}
            return as_columns(made) if isinstance(record["meta"]["mmcheck"], str) else made
        return record
    mapping = MAPPINGS[name]
    document = mapping.to_document(record, USUAL)
    _place(document, record, place)
    if not document.moved:
        return record
    made = attach(data_juicer.from_document(document, USUAL), document, name, record)
    return restore(made, made["meta"]["mmcheck"], mapping, USUAL)


def _count_lost(document: Document, made: dict[str, Any], lost: dict[str, int]) -> None:
    """Count the fields of the source that left no trace in the target's record."""
    home = made.get(document.home) if document.home else None
    below = home if isinstance(home, dict) else {}
    for key, mark in document.template.items():
        gone = mark == "@" or not isinstance(mark, str) or mark[:1] != "@" or mark[1:2] == "@"
        if gone and key not in made and not _held(mark) and key not in below:
            lost[key] = lost.get(key, 0) + 1
    if document.id is not ABSENT and "id" not in made and "" not in made:
        lost["id"] = lost.get("id", 0) + 1
    for name in document.left:
        lost[name] = lost.get(name, 0) + 1


def _held(mark: Any) -> bool:
    """Whether texts or media of the document are in this part of the template."""
    from mmcheck.convert.template import is_open

    return mark != "@" and is_open(mark)
