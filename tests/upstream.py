"""LLaVA → Data-Juicer → LLaVA as the documents of Data-Juicer say that its own tools do it, losses included."""

from __future__ import annotations

import random
import re
from typing import Any

EOC = "<|__dj__eoc|>"
WORDS = (
    "the",
    "of",
    "a",
    "bus",
    "red",
    "what",
    "is",
    "in",
    "this",
    "street",
    "people",
    "white",
    "driving",
    "can",
    "be",
)


def mixed(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Records with the published mix: 10.8 % integer ids, 0.1 % edge whitespace, 6.1 % `model`, one odd turn."""
    draw = random.Random(seed)

    def words(least: int, most: int) -> str:
        return " ".join(draw.choices(WORDS, k=draw.randint(least, most)))

    made = []
    for number in range(count):
        turns: list[dict[str, Any]] = []
        for _ in range(draw.choice((1, 1, 2, 3))):
            turns += [{"from": "human", "value": words(6, 16) + "?"}, {"from": "gpt", "value": words(8, 40) + "."}]
        kind = draw.random()  # no record of the published ones has both an integer id and `model`
        record: dict[str, Any] = {"id": number if kind < 0.108 else f"{number:012d}"}
        if kind > 1 - 0.061:
            record["model"] = ""
        else:
            record["image"] = f"coco/{number:012d}.jpg"
            turns[0]["value"] = "<image>\n" + turns[0]["value"]
        if draw.random() < 0.001:
            turns[-1]["value"] += draw.choice((" ", "\n", "\u00a0"))
        if number == count // 2:
            turns[-1] |= {"text": "t", "markdown": {"type": "answer-markdown", "index": 1}}
        made.append(record | {"conversations": turns})
    return made


def to_hub(record: dict[str, Any]) -> dict[str, Any]:
    """The id as text, the rounds as `[[who]]: text` lines, one image."""
    rounds = "\n".join(f"[[{turn['from']}]]: {turn['value']}" for turn in record["conversations"])
    images = [record["image"]] if record.get("image") else []
    return {"id": str(record["id"]), "text": f"{rounds} {EOC}", "images": images}


def from_hub(record: dict[str, Any]) -> dict[str, Any]:
    """Turns by reading the text, each stripped; id, conversations and the image, and nothing else."""
    _, *found = re.split(r"\[\[([A-Za-z]*)\]\]: ", record["text"])
    turns = []
    for number, (who, text) in enumerate(zip(found[::2], found[1::2], strict=True)):
        text = text.strip().removesuffix(EOC).strip()
        if number:  # only the first image of a conversation is kept
            text = text.removeprefix("<image>").strip().removesuffix("<image>").strip()
        turns.append({"from": who, "value": text})
    image = {"image": record["images"][0]} if record["images"] else {}
    return {"id": record["id"], "conversations": turns, **image}
