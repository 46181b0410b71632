"""The way of nearly all LLaVA records to the hub and back, in one pass: what `llava`, `data_juicer`, `residue` do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import chain
from operator import itemgetter
from typing import Any

from mmcheck.convert.document import USUAL, Options

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Quick:
    """Makes another record of one, or None where the long way has to be taken; what it raises says the same.

    `keys` is how many keys were seen in records that were taken.
    """

    record: Callable[[Record], Record | None]
    keys: Callable[[Sequence[Record]], int]

    def __call__(self, values: Sequence[Any]) -> tuple[list[Record | None], int]:
        """What became of each value, and how many keys were seen."""
        made: list[Record | None] = []
        take, took = self.record, made.append
        for value in values:
            try:
                took(take(value))
            except (TypeError, ValueError, KeyError, AttributeError):  # the long way says what is wrong with it
                took(None)
        if all(made):
            return made, self.keys(values)
        return made, self.keys([value for value, each in zip(values, made, strict=True) if each])


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

    def quick(record: Record) -> Record | None:
        turns = record["conversations"]
        if not turns or type(turns) is not list:
            return None
        template: Record = {}
        made: Record = {}
        images: list[str] = []
        carried: Record = {"format": "llava", "digest": "", "cut": [], "record": template}
        for key, value in record.items():
            if value is turns:
                template[key] = "@turns"
            elif key == "id":
                made["id"] = value
                template[key] = "@id"
            elif key == "video" or type(value) is not str or value[:1] == "@":
                return None
            elif key == "image" and value:
                if place is not None and (there := place(value, "image", record)) != value:
                    carried["moved"] = {there: value}
                    value = there
                images.append(value)
                template[key] = "@image0"
            else:
                template[key] = value
        pieces: list[str] = []
        cut: list[int] = carried["cut"]
        position = -skip
        for turn in turns:
            (first, label), (second, text) = turn.items()
            if first != "from" or second != "value":
                return None
            if "<" in text:
                if image in text or video in text or "<video>" in text:
                    return None
                text = text.replace("<image>", image)
            head = heads[label]
            position += len(head)
            size = len(text)
            pieces += (head, text)
            cut += (position, size)
            position += size
        pieces.append(end)
        made["text"] = text = "".join(pieces)[skip:]  # raises where one is no string
        made["images"] = images
        carried["digest"] = blake2b(text.encode(), digest_size=8).hexdigest()
        made["meta"] = {"mmcheck": carried}
        return made

    def keys(records: Sequence[Record]) -> int:
        turns = chain.from_iterable(map(itemgetter("conversations"), records))
        return sum(map(len, records)) + sum(map(len, turns))

    return Quick(quick, keys)


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
                turns = []
                for start, size in zip(cut[::2], cut[1::2], strict=True):
                    if text.endswith("[[human]]: ", 0, start):
                        label = "human"
                    elif text.endswith("[[gpt]]: ", 0, start):
                        label = "gpt"
                    else:
                        return None
                    value = text[start : start + size]
                    if "<" in value:
                        value = value.replace(image, "<image>").replace(video, "<video>")
                    turns.append({"from": label, "value": value})
                made[key] = turns
            else:
                return None
        return made if used == len(images) else None

    def keys(records: Sequence[Record]) -> int:
        count = sum(map(len, records))
        for record in records:
            carried = record["meta"]["mmcheck"]
            count += len(record["meta"]) + len(carried) + len(carried["record"]) + len(carried.get("moved", ()))
        return count

    return Quick(quick, keys)
