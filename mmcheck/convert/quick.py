"""The way of nearly all LLaVA records to the hub and back, in one pass: what `llava`, `data_juicer`, `residue` do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import msgspec

from mmcheck.convert.document import USUAL, Options
from mmcheck.duplicates import keys_in

Record = dict[str, Any]

_DECODE = msgspec.json.Decoder().decode
_ENCODE = msgspec.json.Encoder().encode
#: What a record may raise that is not as nearly all are: the long way says what is wrong with it.
_OTHERWISE = (TypeError, ValueError, KeyError, AttributeError)


@dataclass(frozen=True, slots=True)
class Quick:
    """Makes another record of one, or None where the long way has to be taken; what it raises says the same.

    `record` makes what is encoded as that record, with no dict where keys are known: it is written at once. `keys` is
    how many keys were seen in a record that was taken.
    """

    record: Callable[[Record], Any]
    keys: Callable[[Record], int]

    def __call__(self, values: Sequence[Any]) -> tuple[list[Record | None], int]:
        """What became of each value, and how many keys were seen."""
        made: list[Record | None] = []
        for value in values:
            try:
                record = self.record(value)
            except _OTHERWISE:
                record = None
            made.append(None if record is None else _DECODE(_ENCODE(record)))
        return made, sum(self.keys(value) for value, each in zip(values, made, strict=True) if each)

    def texts(self, raws: Iterable[Any]) -> tuple[list[Any], dict[int, Any], int]:
        """What became of the JSON text of each value, as text; the values that were left, by number; the keys seen.

        One value after the other, so that all of it happens in the processor's own memory. Raises `UNREADABLE`.
        """
        made: list[Any] = []
        left: dict[int, Any] = {}
        keys = 0
        take, count, took, decode, encode, raw_text = (
            self.record, self.keys, made.append, _DECODE, _ENCODE, msgspec.Raw,
        )  # fmt: skip
        for raw in raws:
            value = decode(raw)
            try:
                record = take(value)
            except _OTHERWISE:
                record = None
            if record is None:
                left[len(made)] = value
                took(None)
            else:
                keys += count(value)
                took(raw_text(encode(record)))
        return made, left, keys


class _Turn(msgspec.Struct, gc=False):
    who: str = msgspec.field(name="from")
    value: str


class _Carried(msgspec.Struct, gc=False):
    format: str
    digest: str
    cut: list[int]
    record: Any
    moved: dict[str, str] | msgspec.UnsetType = msgspec.UNSET


class _Meta(msgspec.Struct, gc=False):
    mmcheck: _Carried


class _OfHub(msgspec.Struct, gc=False):
    id: Any
    text: str
    images: list[str]
    meta: _Meta


_MARKS = frozenset(("@turns", "@id", "@image0"))


def _template(record: Record) -> Record | None:
    """The record with marks where visible values were; None where it is not as nearly all are."""
    template: Record = {}
    for key, value in record.items():
        if key == "conversations":
            template[key] = "@turns"
        elif key == "id":
            template[key] = "@id"
        elif key == "video" or type(value) is not str or value[:1] == "@":
            return None
        else:
            template[key] = "@image0" if key == "image" and value else value
    return template


def llava_to_hub(options: Options, place: Callable[[str, str, Record], str] | None = None) -> Quick | None:
    """The way to the hub; `place` says where an image is as the target sees it. A test holds both ways to the same.

    None where the options ask for other texts.
    """
    if (
        replace(USUAL, separator=options.separator, add_eoc_at_last=options.add_eoc_at_last, header=options.header)
        != options
    ):
        return None
    separator = "\n" if options.separator is None else options.separator
    skip = len(separator)
    heads = {who: f"{separator}[[{who}]]: " for who in ("human", "gpt")}
    image, video, end = options.image, options.video, options.end()

    marked: dict[tuple[Any, ...], Any] = {}

    def quick(record: Record) -> _OfHub | None:
        turns = record["conversations"]
        if not turns or type(turns) is not list:
            return None
        source = record.get("image")
        images = [source] if source and type(source) is str else []
        template = marked.get((len(images), *record))
        if template is None:
            if not (template := _template(record)):
                return None
            if _MARKS.issuperset(template.values()):  # it is that of all records with these keys
                marked[len(images), *record] = msgspec.Raw(_ENCODE(template))
        whole, cut = "", list[int]()
        for turn in turns:
            (first, label), (second, text) = turn.items()
            if first != "from" or second != "value":
                return None
            if "<" in text:
                if image in text or video in text or "<video>" in text:
                    return None
                text = text.replace("<image>", image)
            whole += heads[label]
            cut += (len(whole) - skip, len(text))
            whole += text  # raises where it is no string
        whole += end
        text = whole[skip:]
        carried = _Carried("llava", blake2b(text.encode(), digest_size=8).hexdigest(), cut, template)
        if images and place is not None and (there := place(images[0], "image", record)) != images[0]:
            carried.moved = {there: images[0]}  # what has come so far takes no other way, which would ask again
            images[0] = there
        return _OfHub(record.get("id", msgspec.UNSET), text, images, _Meta(carried))

    return Quick(quick, lambda record: len(record) + 2 * len(record["conversations"]))


#: What usually stands before a turn.
_HEADINGS = {f"{before}[[{who}]]: ": who for who in ("human", "gpt") for before in ("", "\n")}


def _label(heading: str) -> str | None:
    """Who speaks after a heading, whatever stands before it."""
    return next((who for end, who in _HEADINGS.items() if heading.endswith(end)), None)


def hub_to_llava(options: Options) -> Quick:
    """The way back to the LLaVA record that a hub record carries."""
    image, video = options.image, options.video

    def quick(record: Record) -> Record | None:
        carried, text, images = record["meta"]["mmcheck"], record["text"], record["images"]
        template, cut = carried["record"], carried["cut"]
        if type(carried) is not dict or type(text) is not str or type(images) is not list or type(cut) is not list:
            return None
        if carried["format"] != "llava" or type(template) is not dict or record.get("videos") or record.get("audios"):
            return None
        if carried["digest"] != blake2b(text.encode(), digest_size=8).hexdigest():
            return None
        moved = None
        if len(carried) != 4:
            moved = carried["moved"]
            if len(carried) != 5 or type(moved) is not dict:
                return None
        used = 0
        made: Record = {}
        for key, value in template.items():
            if type(value) is not str:
                if type(value) is dict or type(value) is list:
                    return None
                made[key] = value
            elif value[:1] != "@":
                made[key] = value
            elif value == "@image0" and images:
                made[key] = images[0] if moved is None else moved.get(images[0], images[0])
                used = 1
            elif value == "@id" and "id" in record:
                made[key] = record["id"]
            elif value == "@turns":
                turns, end = [], 0
                for start, size in zip(cut[::2], cut[1::2], strict=True):
                    heading = text[end:start]
                    label = _HEADINGS.get(heading) or _label(heading)
                    if label is None:
                        return None
                    end = start + size
                    value = text[start:end]
                    if "<" in value:
                        value = value.replace(image, "<image>").replace(video, "<video>")
                    turns.append(_Turn(label, value))
                made[key] = turns
            else:
                return None
        return made if used == len(images) else None

    def keys(record: Record) -> int:
        carried = record["meta"]["mmcheck"]
        if len(record) > 4 or len(record["meta"]) > 1:  # there is more, perhaps with keys of its own
            return keys_in((record,))
        own = len(record) + 1 + len(carried) + len(carried["record"])
        return own if len(carried) == 4 else own + len(carried["moved"])

    return Quick(quick, keys)
