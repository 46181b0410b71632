"""The way of nearly all LLaVA records to the hub in one pass: what `llava`, `data_juicer` and `residue` do, at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mmcheck.convert.document import Options
from mmcheck.convert.residue import digest

Quick = Callable[[dict[str, Any]], dict[str, Any] | None]


def llava_to_hub(options: Options) -> Quick | None:
    """A function that gives a record's hub record, or None for a record that the long way has to take.

    None where the options ask for other texts. A test holds both ways to the same result.
    """
    if options.split_chunk:
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
