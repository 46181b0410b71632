"""The alignment rules (MM010 to MM014) against a plain reading of the formats' documents, over many records at once.

The oracles below are written record by record from the documents, and share nothing with the engine but JSON.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import mmcheck

RECORDS = max(20_000, int(os.environ.get("MMCHECK_FUZZ", "0")))
CODES = ("MM010", "MM011", "MM012", "MM013", "MM014")
SIZES = {"a.png": (8, 9), "b.png": (10, 11), "c.png": (12, 9)}

Record = dict[str, Any]
Slots = Counter[str]


def judged(slots: Slots, media: Slots, *, strict: bool, foreign: frozenset[str] = frozenset()) -> list[str]:
    """The codes of one record, one a kind; `strict`: media need a slot even where there is none at all."""
    kinds = {kind for kind in (*slots, *media) if slots[kind] or media[kind]}
    differ = sum(slots.values()) == sum(media.values()) and any(slots[kind] != media[kind] for kind in kinds)
    if differ:
        return ["MM013" for kind in kinds if slots[kind] > media[kind]]
    found = []
    for kind in kinds:
        if slots[kind] > media[kind]:
            found.append("MM010")
        elif slots[kind] < media[kind] and (slots[kind] or strict) and kind not in foreign:
            found.append("MM011")
        if not strict and media[kind] and not slots[kind]:
            found.append("MM014")
    return found


def pick(rng: random.Random, most: int = 3) -> list[str]:
    return [rng.choice(list(SIZES)) for _ in range(rng.choice([0, 0, 1, 1, 1, 2, most]))]


def words(rng: random.Random, tokens: list[str], most: int = 3) -> str:
    pieces = [
        rng.choice([*tokens, *tokens, "What?", " ", "\n", "<img>", "<Image>", "<image", ">"]) for _ in range(most)
    ]
    return "".join(pieces) or "x"


def llava(rng: random.Random) -> tuple[Record, list[str]]:
    turns = []
    for number in range(rng.choice([1, 2, 2, 3])):
        text = words(rng, ["<image>"] if rng.random() < 0.8 else ["<video>", "<image>"], rng.randrange(4))
        turns.append({"from": ["human", "gpt"][number % 2], "value": text})
    record: Record = {"id": str(rng.random()), "conversations": turns}
    media: Slots = Counter()
    for kind, share in (("image", 0.8), ("video", 0.2)):
        if rng.random() < share:
            names = pick(rng)
            record[kind] = names[0] if len(names) == 1 and rng.random() < 0.7 else names or rng.choice(["", []])
            media[kind] = len(names)
    slots = Counter(
        kind for kind in ("image", "video") for turn in turns for _ in range(turn["value"].count(f"<{kind}>"))
    )
    if media["video"] and not media["image"]:  # <image> stands for the video where the record has no image
        slots = Counter(video=slots["image"] + slots["video"])
    return record, judged(slots, media, strict=False)


def aria(rng: random.Random) -> tuple[Record, list[str]]:
    messages = []
    slots: Slots = Counter()
    for number in range(rng.choice([1, 2, 2, 3])):
        parts = []
        for _ in range(rng.randint(1, 3)):
            kind = rng.choice(["text", "text", "image", "image", "video"] if rng.random() < 0.5 else ["text", "image"])
            parts.append({"type": kind, "text": "What <image>?" if kind == "text" else None})
            slots[kind] += kind != "text"
        messages.append({"role": ["user", "assistant"][number % 2], "content": parts})
    images = pick(rng)
    record: Record = {"messages": messages, "images": images}
    media = Counter(image=len(images))
    if rng.random() < 0.2:
        record["video"] = {"path": "a.png", "num_frames": 4}
        media["video"] = 1
    return record, judged(slots, media, strict=True)


def data_juicer(rng: random.Random) -> tuple[Record, list[str]]:
    kinds = ["image"] if rng.random() < 0.7 else ["image", "video", "audio"]
    tokens = [f"<__dj__{kind}>" for kind in kinds]
    if rng.random() < 0.1:
        tokens = ["<image>", "<video>"]
    text = words(rng, tokens, rng.randrange(5)) + "<|__dj__eoc|>"
    record: Record = {"text": text}
    media: Slots = Counter()
    for kind in kinds:
        names = pick(rng)
        if names or rng.random() < 0.3:
            record[kind + "s"] = names
            media[kind] = len(names)
    slots = Counter({kind: text.count(f"<__dj__{kind}>") for kind in ("image", "video", "audio")})
    foreign = frozenset(kind for kind in ("image", "video") if f"<{kind}>" in text and not slots[kind] and media[kind])
    expected = judged(slots, media, strict=True, foreign=foreign)
    images = record.get("images") or []
    if images and rng.random() < 0.5:
        sizes = [SIZES[name] for name in images]
        told = rng.choice([sizes, rng.sample(sizes, len(sizes)), [(1, 1) for _ in sizes]])
        which = rng.choice([(0,), (1,), (0, 1)])
        record["stats"] = {("image_widths", "image_heights")[n]: [size[n] for size in told] for n in which}
        seen, true = [[tuple(size[n] for n in which) for size in each] for each in (told, sizes)]
        if seen != true and sorted(seen) == sorted(true):
            expected.append("MM012")
    return record, expected


def multimeditron(rng: random.Random) -> tuple[Record, list[str]]:
    token = "<|reserved_special_token_0|>"
    names = pick(rng)
    record: Record = {"modalities": [{"type": rng.choice(["image", "signal"]), "value": name} for name in names]}
    texts = [words(rng, [token], rng.randrange(4)) for _ in range(rng.randint(1, 3))]
    if rng.random() < 0.3:
        texts = texts[:1]
        record["text"] = texts[0]
    else:
        roles = ["user", "assistant"]
        record["conversations"] = [{"role": roles[n % 2], "content": text} for n, text in enumerate(texts)]
    slots = Counter(any=sum(text.count(token) for text in texts))
    return record, judged(slots, Counter(any=len(names)), strict=True)


def mmc4(rng: random.Random) -> tuple[Record, list[str]]:
    images, sentences = rng.randint(1, 4), rng.randint(1, 4)
    matrix = [[round(rng.random(), 2) for _ in range(sentences)] for _ in range(images)]
    columns = [rng.randrange(sentences) for _ in range(images)]
    values = [matrix[row][column] for row, column in enumerate(columns)]
    what = rng.random()
    if what < 0.3:
        rng.shuffle(values)
    elif what < 0.4:
        values[0] += 5
    infos = [
        {"image_name": f"{n}.png", "raw_url": "https://a.org/x", "matched_text_index": column, "matched_sim": value}
        for n, (column, value) in enumerate(zip(columns, values, strict=True))
    ]
    record = {"url": "https://a.org", "text_list": ["x"] * sentences, "image_info": infos, "similarity_matrix": matrix}
    record["could_have_url_duplicate"] = 0
    same = all(abs(value - matrix[n][columns[n]]) <= 0.001 for n, value in enumerate(values))
    return record, ["MM012"] if not same and _assigned(values, columns, matrix, set()) else []


def _assigned(values: list[float], columns: list[int], matrix: list[list[float]], taken: set[int]) -> bool:
    """Whether every value has a row of its own: by trying all of them."""
    if len(taken) == len(values):
        return True
    value, column = values[len(taken)], columns[len(taken)]
    return any(
        abs(value - matrix[row][column]) <= 0.001 and _assigned(values, columns, matrix, taken | {row})
        for row in range(len(matrix))
        if row not in taken
    )


FORMATS: dict[str, Callable[[random.Random], tuple[Record, list[str]]]] = {
    "llava": llava, "aria": aria, "data-juicer": data_juicer, "multimeditron": multimeditron, "mmc4": mmc4,
}  # fmt: skip


@pytest.mark.threat("alignment of placeholders against a plain oracle", "lost findings")
@pytest.mark.parametrize("name", FORMATS)
def test_alignment_agrees_with_a_plain_oracle(name: str, tmp_path: Path, tried: Callable[[int], None]) -> None:
    tried(RECORDS)
    for file, size in SIZES.items():
        Image.new("RGB", size).save(tmp_path / file)
    rng = random.Random(name)
    made = [FORMATS[name](rng) for _ in range(RECORDS)]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(record) + "\n" for record, _ in made))
    report = mmcheck.check(
        tmp_path / "train.jsonl", format=name, select=[*CODES, "MM001", "MM002"], max_findings=None, jobs=1
    )
    assert report.totals.records == RECORDS
    assert not [each for each in report.findings if each.rule in ("MM001", "MM002")][:3]
    found: dict[int, Counter[str]] = {}
    for finding in report.findings:
        assert finding.row is not None
        found.setdefault(finding.row, Counter())[finding.rule] += 1
    wrong = [
        (row, expected, dict(found.get(row, {})), made[row][0])
        for row, (_, expected) in enumerate(made)
        if Counter(expected) != found.get(row, Counter())
    ]
    assert not wrong, f"{len(wrong)} of {RECORDS}, the first: {wrong[0]}"
    assert report.findings
