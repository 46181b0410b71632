"""The way of nearly all LLaVA records to the hub and back, in one pass: what `llava`, `data_juicer`, `residue` do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mmcheck.convert.document import USUAL, Options
from mmcheck.convert.residue import digest

Quick = Callable[[dict[str, Any]], dict[str, Any] | None]


def llava_to_hub(options: Options) -> Quick | None:
    """A function that gives a record's hub record, or None for a record that the long way has to take.

    None where the options ask for other texts. A test holds both ways to the same result.
    """
    if (
        replace(USUAL, separator=options.separator, add_eoc_at_last=options.add_eoc_at_last, header=options.header)
        != options
    ):
        return None
    separator = "\n" if options.separator is None else options.separator
    skip = len(separator)
    human, gpt = f"{separator}[[human]]: ", f"{separator}[[gpt]]: "
    human_size, gpt_size = len(human), len(gpt)
    image, video, end = options.image, options.video, options.end()

    def quick(record: dict[str, Any]) -> dict[str, Any] | None:
        turns = record.get("conversations")
        if not turns or type(turns) is not list:
            return None
        template: dict[str, Any] = {}
        made: dict[str, Any] = {}
        images: list[str] = []
        for key, value in record.items():
            if key == "conversations":
                template[key] = "@turns"
            elif key == "id":
                made["id"] = value
                template[key] = "@id"
            elif key == "video" or type(value) is not str or value[:1] == "@":
                return None
            elif key == "image" and value:
                images.append(value)
                template[key] = "@image0"
            else:
                template[key] = value
        pieces: list[str] = []
        cut: list[int] = []
        position = -skip
        for turn in turns:
            if type(turn) is not dict or len(turn) != 2:
                return None
            (first, label), (second, text) = turn.items()
            if first != "from" or second != "value" or type(text) is not str:
                return None
            if label == "human":
                head = human
                position += human_size
            elif label == "gpt":
                head = gpt
                position += gpt_size
            else:
                return None
            if "<" in text:
                if image in text or video in text or "<video>" in text:
                    return None
                text = text.replace("<image>", image)
            size = len(text)
            pieces += (head, text)
            cut += (position, size)
            position += size
        pieces.append(end)
        made["text"] = text = "".join(pieces)[skip:]
        made["images"] = images
        made["meta"] = {"mmcheck": {"format": "llava", "digest": digest(text), "cut": cut, "record": template}}
        return made

    return quick


def hub_to_llava(options: Options) -> Quick:
    """A function that gives the LLaVA record that a hub record carries, or None for one that takes the long way."""
    image, video = options.image, options.video

    def quick(record: dict[str, Any]) -> dict[str, Any] | None:
        meta, text, images = record.get("meta"), record.get("text"), record.get("images")
        carried = meta.get("mmcheck") if type(meta) is dict else None
        if type(carried) is not dict or type(text) is not str or type(images) is not list:
            return None
        template, cut = carried.get("record"), carried.get("cut")
        if carried.get("format") != "llava" or type(template) is not dict or type(cut) is not list:
            return None
        if len(carried) != 4 or record.get("videos") or record.get("audios") or carried.get("digest") != digest(text):
            return None
        used = 0
        made: dict[str, Any] = {}
        for key, value in template.items():
            if type(value) is not str:
                if type(value) is dict or type(value) is list:
                    return None
                made[key] = value
            elif value[:1] != "@":
                made[key] = value
            elif value == "@image0" and images:
                made[key] = images[0]
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

    return quick
