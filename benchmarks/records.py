"""Text records by seed: LLaVA records of about 680 bytes, and the same records in NVIDIA's format."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

SEED = 20_261_121
SYLLABLES = re.findall("[a-z]+", "ba co da el fi gra hu in jo kle lo ma ne or pa qui ro sta tu ver wo xi ya zen")
#: Each record draws from so many sentences and carries its own number in every turn, so that no two texts are equal.
POOL = 4096

QUESTIONS, ANSWERS = 60, 140
IMAGE = "coco/train2017/{:012}.jpg"


def sentences(seed: int, length: int) -> list[str]:
    """`POOL` sentences of about `length` characters, some with quotes, line breaks, accents and other scripts."""
    rng = random.Random(seed)
    words = ["".join(rng.choices(SYLLABLES, k=rng.randint(1, 4))) for _ in range(3000)]
    words += ["café", "naïve", "東京", '"so"', "it's", "50 %", "a/b", "–"]
    found = []
    for _ in range(POOL):
        text, wanted = "", length * rng.uniform(0.4, 1.6)
        while len(text) < wanted:
            text += rng.choice(words) + rng.choice((" ", " ", " ", " ", ", ", ".\n" if length > 100 else " "))
        found.append(text.strip(" ,\n").capitalize())
    return found


def exchanges(number: int, questions: list[str], answers: list[str]) -> list[tuple[str, str]]:
    """The two exchanges of record `number`."""
    drawn = (number + 1) * 2_654_435_761 % 2**32
    return [
        (
            f"{questions[(drawn >> 3 + 7 * turn) % POOL]}, in {number}?",
            f"{answers[(drawn >> 5 + 6 * turn) % POOL]} ({number}).",
        )
        for turn in range(2)
    ]


def lines(count: int, image: str = IMAGE, first: int = 0) -> Iterator[str]:
    """LLaVA records as JSON lines, numbered from `first`; `image` is formatted with the record's number."""
    questions, answers = ([json.dumps(each)[1:-1] for each in sentences(SEED, n)] for n in (QUESTIONS, ANSWERS))
    for number in range(first, first + count):
        (ask, say), (again, last) = exchanges(number, questions, answers)
        yield (
            f'{{"id": "{number:012}", "image": "{image.format(number)}", "conversations": ['
            f'{{"from": "human", "value": "<image>\\n{ask}"}}, {{"from": "gpt", "value": "{say}"}}, '
            f'{{"from": "human", "value": "{again}"}}, {{"from": "gpt", "value": "{last}"}}]}}\n'
        )


def write_records(path: Path, count: int, image: str = IMAGE, first: int = 0) -> None:
    """A JSON Lines file of `count` records."""
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(lines(count, image, first))


def write_tao(folder: Path, count: int, image: str, media_root: str) -> None:
    """The same records in `tao-vl-reason-v1.0`: one annotation file, an item an exchange."""
    questions, answers = sentences(SEED, QUESTIONS), sentences(SEED, ANSWERS)
    items = [
        {"image_id": image.format(number), "item_index": f"{number}-{turn}", "question": ask, "answer": say}
        for number in range(count)
        for turn, (ask, say) in enumerate(exchanges(number, questions, answers))
    ]
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "format": "tao-vl-reason-v1.0",
        "metadata": {"type": "annotation", "license": "CC0-1.0"},
        "media_root": media_root,
        "items": items,
    }
    (folder / "annotations.json").write_text(json.dumps(document), encoding="utf-8")


#: Kinds of expressions that people write; many rules are these with other numbers.
EXPRESSIONS = (
    "LENGTH(text) > {n} - 90",
    "STRPOS(text, 'word{n}') = 0",
    "role IN ('human', 'gpt', 'role{n}')",
    "turn < {n} + 100",
    "NOT STARTS_WITH(text, 'x{n}')",
    "TRIM(text) <> '{n}'",
    "turn = 0 OR LAG(role) OVER (PARTITION BY sample ORDER BY turn) <> role OR turn > {n}",
    "NOT REGEXP_LIKE(text, 'https?://{n}')",
    "COALESCE(LENGTH(text), 0) + turn >= 0 OR turn = {n}",
    "UPPER(role) <> 'ROLE{n}'",
)


def write_rules(path: Path, count: int) -> None:
    """A rules file of `count` rules about turns, all of which the records meet."""
    rules = ["rules:"]
    for n in range(count):
        text = EXPRESSIONS[n % len(EXPRESSIONS)].format(n=n)
        rules.append(f'  - {{code: PX{n:03}, name: rule-{n}, severity: error, table: turns, expression: "{text}"}}')
    path.write_text("\n".join(rules) + "\n", encoding="utf-8")
